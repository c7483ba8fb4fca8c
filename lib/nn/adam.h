/* Adam (Kingma & Ba 2015), as torch.optim.Adam computes it:
 *   m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,
 *   w -= rate * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps),  b1 = 0.9, b2 = 0.999, eps = 1e-8. */
#ifndef SSFD_NN_ADAM_H
#define SSFD_NN_ADAM_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t count;
    float *m, *v; /* [count] */
    int64_t step; /* updates so far */
} adam;

int adam_init(adam *a, size_t count);
void adam_free(adam *a);
/* One update of w from the gradient g; runs on the threads of the surrounding OpenMP setting. */
void adam_update(adam *a, float *w, const float *g, double rate);

#endif
