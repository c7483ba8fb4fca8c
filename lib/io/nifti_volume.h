/* Volumes from NIfTI files (libnifti), as float32. */
#ifndef SSFD_IO_NIFTI_VOLUME_H
#define SSFD_IO_NIFTI_VOLUME_H

typedef struct {
    int nx, ny, nz;   /* x runs fastest */
    float dx, dy, dz; /* voxel size in mm */
    float *data;      /* [nz][ny][nx], scl_slope and scl_inter applied */
} nifti_volume;

nifti_volume *nifti_volume_read(const char *path);
void nifti_volume_free(nifti_volume *volume);

#endif
