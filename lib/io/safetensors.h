/* Reads safetensors files (huggingface/safetensors): 8 bytes with the length of the header, little-endian;
 * the header, a JSON object {"name": {"dtype": "F32", "shape": [64, 3, 3, 3], "data_offsets": [begin, end]},
 * ...}; then the tensors' bytes, row-major, little-endian. F32, F16 and BF16 are read, as float32. */
#ifndef SSFD_IO_SAFETENSORS_H
#define SSFD_IO_SAFETENSORS_H

#include <stddef.h>

typedef struct safetensors safetensors;

/* NULL with a message that names the file and, if one is at fault, the tensor: not a safetensors file,
 * malformed header, or a file too short for its tensors. */
safetensors *safetensors_open(const char *path);
void safetensors_close(safetensors *s); /* NULL is allowed */

int safetensors_exists(const safetensors *s, const char *tensor);
/* Reads a tensor whose shape must be `dims` exactly. */
int safetensors_read_f32(safetensors *s, const char *tensor, int rank, const size_t *dims, float *out);

#endif
