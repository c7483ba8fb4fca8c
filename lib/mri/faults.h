/* What goes wrong when a patient is scanned: faults of one accelerated acquisition, as they look in its
 * k-space. Quality control has to find the resulting images.
 *
 * A fault is drawn once per scan, from mild to strong, and applies to all its slices, which a scanner acquires
 * in turns. It acts on the samples that the mask keeps; k-space is that of the image's field of view,
 * [coils][rows][columns] with the centre at n / 2 (mri/fft.h). With k', l' a sample's row and column counted
 * from the centre, and lines = the columns that hold a sample, which are acquired in order:
 *
 *   motion     The patient is displaced for a while. The lines from round(begin L) to round(end L) - 1 of
 *              the L become k exp(-2 pi i (k' dr / rows + l' dc / columns)): the image displaced by dr, dc
 *              pixels (Zaitsev et al., J Magn Reson Imaging 42:887-901, 2015). Length of (dr, dc): 0.5 to 3 %
 *              of the columns (1 to 7 mm of a field of view of 230 mm), any direction; end - begin 0.15
 *              to 0.45, begin anywhere. The sensitivities move along, which is right to first order for
 *              motion this small relative to the coils. No rotation.
 *   lost_coil  1 to max(1, coils / 4) neighbouring elements of the array receive nothing: k = 0.
 *   low_snr    The noise is `noise` times what it was (a badly fitted coil, a wrong receiver gain):
 *              independent complex Gaussian noise of sqrt(noise^2 - 1) sigma_c in its real and imaginary part
 *              is added to coil c. sigma_c, that of the scan, is measured where there is almost no signal:
 *              the median magnitude of the samples other than 0 in the first and the last twentieth of the
 *              rows, over sqrt(2 ln 2), the median of the Rayleigh distribution. noise: 3 to 16, uniform
 *              in its logarithm.
 *   spikes     Sparks in the room: 1 to 4 kept samples of each slice, uniform over them, get
 *              height max|k| a_c exp(i phi_c) added in coil c: stripes all over the image (Kao & MacFall,
 *              IEEE Trans Med Imaging 19:671-680, 2000). height: 0.1 to 2, uniform in its logarithm;
 *              a_c from 0.5 to 1, phi_c anywhere.
 *
 * The ranges are chosen so that some faults are hard to see and some spoil the image; they are not measured. Random numbers: streams (seed, RNG_FAULT, ...) of the scan and the slice, so that a fault does
 * not depend on other scans. */
#ifndef SSFD_MRI_FAULTS_H
#define SSFD_MRI_FAULTS_H

#include <complex.h>
#include <stdint.h>

typedef enum { FAULT_MOTION, FAULT_LOST_COIL, FAULT_LOW_SNR, FAULT_SPIKES, FAULT_KINDS } fault_kind;
#define FAULT_NONE (-1)

const char *fault_name(fault_kind kind); /* "motion" */

/* Which of `scans` scans have which fault: kind[k] becomes a fault_kind or FAULT_NONE. A seeded choice of
 * round(share scans) scans is dealt out to the kinds in turn. */
int fault_choose(uint64_t seed, double share, int scans, int *kind);

typedef struct {
    fault_kind kind;
    uint64_t seed, scan;         /* name its streams */
    double shift[2], begin, end; /* motion: rows and columns in pixels; shares of the lines */
    int first_coil, coils_lost;  /* modulo the number of coils */
    double noise;                /* times the scan's */
    int spikes;                  /* per slice */
    double height;               /* of the largest sample's magnitude */
    char about[200];             /* a sentence with these numbers */
} scan_fault;

/* Draws the fault of a scan. */
int fault_draw(fault_kind kind, uint64_t seed, const char *scan_id, int coils, int columns, scan_fault *out);

/* Spoils a slice in place. mask: [rows][columns]. Errors: a mask that keeps nothing; no sample that low_snr
 * could measure the noise on; no memory. */
int fault_apply(const scan_fault *f, int slice, const unsigned char *mask, int coils, int rows, int columns,
                float complex *kspace);

#endif
