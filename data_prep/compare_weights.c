/* Whether a training has given the weights it should: those of another run of it. */
#include "core/checksum.h"
#include "core/error.h"
#include "core/file.h"
#include "io/h5.h"
#include "program/program.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *path;
    char sha256[CHECKSUM_HEX];
    char *command; /* that trained it */
    char *data;    /* SHA-256 of the images that it was trained on */
    int64_t steps;
    double loss;
} training;

static double percent = 5.0; /* tolerance */
static operand_list files;

static int read_attributes(training *t, const h5_file *f) {
    if (h5_attr_text(f, "training_command", &t->command) < 0 ||
        h5_attr_text(f, "training_data_sha256", &t->data) < 0 ||
        h5_attr_integer(f, "training_steps", &t->steps) < 0 ||
        h5_attr_real(f, "validation_loss_last", &t->loss) < 0)
        return -1;
    if (isfinite(t->loss) && t->loss > 0.0)
        return 0;
    return err_set("%s: validation_loss_last is %g, expected a number above 0", t->path, t->loss);
}

static int read_training(training *t, const char *path) {
    h5_file *f = h5_open(path);
    t->path = path;
    int status = f ? read_attributes(t, f) : -1;
    h5_close(f);
    return status < 0 ? -1 : file_checksum(path, "sha256", t->sha256);
}

static int compare(const training *found, const training *expected) {
    double apart = 100.0 * fabs(found->loss - expected->loss) / expected->loss;
    if (strcmp(found->command, expected->command) != 0)
        return err_set("%s: trained by '%s', expected '%s' as for %s", found->path, found->command,
                       expected->command, expected->path);
    if (found->steps != expected->steps)
        return err_set("%s: trained for %lld steps, expected %lld as for %s", found->path,
                       (long long)found->steps, (long long)expected->steps, expected->path);
    if (apart > percent)
        return err_set("%s: validation loss is %.6g, expected %.6g within %g %% as for %s: it is %.2g %% off",
                       found->path, found->loss, expected->loss, percent, expected->path, apart);
    if (strcmp(found->sha256, expected->sha256) == 0)
        printf("%s: same bytes as %s\n", found->path, expected->path);
    else
        printf("%s: other bytes than %s, trained on %s images; validation losses %.6g and %.6g are %.2g %% "
               "apart, within %g %%\n",
               found->path, expected->path, strcmp(found->data, expected->data) == 0 ? "the same" : "other",
               found->loss, expected->loss, apart, percent);
    return 0;
}

static int run(void *self, run_record *record) {
    training t[2] = {{0}, {0}};
    (void)self, (void)record;
    int status = read_training(&t[0], files.at[0]);
    if (status == 0)
        status = read_training(&t[1], files.at[1]);
    if (status == 0)
        status = compare(&t[0], &t[1]);
    for (int k = 0; k < 2; k++) {
        free(t[k].command);
        free(t[k].data);
    }
    return status;
}

int main(int argc, char **argv) {
    const program_option table[] = {
        OPT_REAL("tolerance", &percent, "PERCENT", 0, 100, "largest difference of the validation losses"),
        OPT_END};
    const program p = {
        .command =
            {"compare_weights",
             "Compares two weight files that one command of train_ssl or train_recon has made. They have\n"
             "the same bytes, or, on another kind of CPU or build, validation losses within a tolerance.",
             "FOUND EXPECTED", 2, 2, table, NULL},
        .operands = &files,
        .run = run};
    return program_main(&p, argc, argv);
}
