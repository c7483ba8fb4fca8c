/* Virtual scans, which make up the default cohort: slices of one real head volume, each scan seen through
 * its own smooth warp, orientation, tone curve and bias field, then acquired: an array of receive coils
 * (mri/coils.h), a smooth phase and correlated noise give fully sampled multi-coil k-space,
 *   kspace_c = F(S_c exp(i phase) image) + noise_c,   F as in mri/fft.h,
 * the same form that fastMRI's files have (mri/raw_scan.h).
 *
 * The head is cut along its long axis (z) into slabs, each belonging to one split (virtual_slabs). A scan
 * takes all its slices from one slab, and every voxel that goes into a pixel, interpolation neighbours
 * included, lies in that slab: train, val and test share no voxel. The slices are tilted and warped by at
 * most a few millimetres across z; where that would still leave the slab, z is held at its edge. */
#ifndef SSFD_MRI_VIRTUAL_SCAN_H
#define SSFD_MRI_VIRTUAL_SCAN_H

#include "io/nifti_volume.h"
#include "mri/coils.h"
#include "mri/raw_scan.h"
#include <stdint.h>

typedef struct {
    const char *split;
    int first, last; /* voxels along z, inclusive */
} virtual_slab;

/* All slabs, by rising z; ends with split = NULL. */
const virtual_slab *virtual_slabs(void);

#define VIRTUAL_WAVES 4
#define VIRTUAL_TONE_KNOTS 7
#define VIRTUAL_COILS 8
#define VIRTUAL_NOISE_SHARE 0.3 /* of mri/coils.h: correlation of the coils' noise */
#define VIRTUAL_COHORT "colin27-virtual"

typedef struct {
    double amplitude, k[3], phase; /* amplitude * cos(k . r + phase), r in mm from the head's centre */
} virtual_wave;

/* What is drawn for one scan. */
typedef struct {
    virtual_slab slab;
    double pixel_mm, centre_x, centre_y; /* field of view */
    double matrix[2][2];                 /* image mm -> head mm: flips, right angles, rotation, scales */
    double tilt_x, tilt_y;               /* dz per mm */
    virtual_wave warp[3][VIRTUAL_WAVES]; /* displacement along x, y, z in mm */
    virtual_wave bias[3];                /* of the logarithm of the receive field, k in image mm */
    double tone[VIRTUAL_TONE_KNOTS];     /* values of the tone curve at its knots, rising from 0 to 1 */
    virtual_wave phase[3];               /* of the image, in rad, k in image mm */
    /* Mean tissue signal over the standard deviation of the noise: of its real and of its imaginary part, in
     * one coil of the array, whose root-sum-of-squares is 1 at the centre. */
    double snr;
    coil_loop loops[VIRTUAL_COILS];
    uint64_t seed;
    char scan_id[64];
} virtual_scan;

/* Draws scan `index` of a split ("train", "val", "test"); its id is "colin27_<split>_<index + 1, four
 * digits>". */
int virtual_scan_draw(uint64_t seed, const char *split, int index, virtual_scan *out);

/* Reads the head volume and checks that it covers all slabs. */
nifti_volume *virtual_head_read(const char *path);

/* Position along z (voxels) of slice `slice` of `slices`: spread evenly over the middle of the slab. */
double virtual_scan_position(const virtual_scan *scan, int slice, int slices);

/* Renders a slice as size x size floats: the magnitude without coils and noise, arbitrary units, tissue of
 * order 1. z_range (may be NULL) is widened to the lowest and highest voxel along z that was read. The volume
 * has 1 mm voxels. */
int virtual_scan_render(const virtual_scan *scan, const nifti_volume *head, int slice, int slices, int size,
                        float *image, int z_range[2]);

/* The scan as raw data of size x size samples; acquisition "VIRTUAL_T1", every scan a patient of its own.
 * scan is copied; head is borrowed and must outlive it. source: the head's file. */
raw_scan *virtual_scan_open(const virtual_scan *scan, const nifti_volume *head, const char *source,
                            int slices, int size);

#endif
