#include "io/nifti_volume.h"

#include "core/error.h"
#include "core/memory.h"
#include <errno.h>
#include <math.h>
#include <nifti1_io.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { AXIS_MAX = 4096 };

static float voxel(const nifti_image *image, size_t i) {
    switch (image->datatype) {
    case DT_UINT8:
        return ((const uint8_t *)image->data)[i];
    case DT_INT16:
        return ((const int16_t *)image->data)[i];
    case DT_UINT16:
        return ((const uint16_t *)image->data)[i];
    default:
        return ((const float *)image->data)[i];
    }
}

static int check_header(const char *path, const nifti_image *image) {
    if (image->nx < 1 || image->ny < 1 || image->nz < 2 || image->nx > AXIS_MAX || image->ny > AXIS_MAX ||
        image->nz > AXIS_MAX || image->nvox != (size_t)image->nx * image->ny * image->nz)
        return err_set("%s: expected a 3-D volume, found %d axes of %d x %d x %d, %zu voxels", path,
                       image->ndim, image->nx, image->ny, image->nz, (size_t)image->nvox);
    switch (image->datatype) {
    case DT_UINT8:
    case DT_INT16:
    case DT_UINT16:
    case DT_FLOAT32:
        return 0;
    default:
        return err_set("%s: expected voxels of uint8, int16, uint16 or float32, found %s", path,
                       nifti_datatype_string(image->datatype));
    }
}

static nifti_volume *convert(const char *path, const nifti_image *image) {
    nifti_volume *volume = mem_calloc(1, sizeof *volume);
    if (!volume)
        return NULL;
    volume->nx = image->nx, volume->ny = image->ny, volume->nz = image->nz;
    volume->dx = fabsf(image->dx), volume->dy = fabsf(image->dy), volume->dz = fabsf(image->dz);
    volume->data = mem_aligned(image->nvox * sizeof *volume->data);
    if (!volume->data) {
        free(volume);
        return NULL;
    }
    int scaled = isfinite(image->scl_slope) && image->scl_slope != 0; /* slope 0 means "not scaled" */
    float slope = scaled ? image->scl_slope : 1, offset = scaled ? image->scl_inter : 0;
    for (size_t i = 0; i < image->nvox; i++) {
        volume->data[i] = voxel(image, i) * slope + offset;
        if (!isfinite(volume->data[i])) {
            nifti_volume_free(volume);
            return err_set_null("%s: voxel %zu is not finite", path, i);
        }
    }
    return volume;
}

/* libnifti fills what a truncated file lacks with zeros and calls it a success. zlib also reads plain files. */
static int check_length(const char *path, const nifti_image *image) {
    gzFile f = gzopen(image->iname, "rb");
    z_off_t last = (z_off_t)image->iname_offset + (z_off_t)(image->nvox * image->nbyper) - 1;
    int whole = f && gzseek(f, last, SEEK_SET) == last && gzgetc(f) >= 0;
    if (f)
        gzclose(f);
    return whole ? 0 : err_set("%s: truncated NIfTI file: expected %zu voxels", path, (size_t)image->nvox);
}

nifti_volume *nifti_volume_read(const char *path) {
    nifti_set_debug_level(0);
    if (access(path, R_OK) != 0)
        return err_set_null("%s: cannot open: %s", path, strerror(errno));
    if (is_nifti_file(path) <= 0)
        return err_set_null("%s: not a NIfTI file", path);
    nifti_image *image = nifti_image_read(path, 0);
    if (!image)
        return err_set_null("%s: the NIfTI header cannot be read", path);
    nifti_volume *volume = NULL;
    if (check_header(path, image) == 0 && check_length(path, image) == 0) {
        if (nifti_image_load(image) == 0 && image->data)
            volume = convert(path, image);
        else
            err_set("%s: the voxels cannot be read", path);
    }
    nifti_image_free(image);
    return volume;
}

void nifti_volume_free(nifti_volume *volume) {
    if (!volume)
        return;
    free(volume->data);
    free(volume);
}
