#include "mri/fastmri.h"

#include "core/error.h"
#include "core/memory.h"
#include "mri/fft.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLICES_MAX = 1 << 16, COILS_MAX = 1 << 10, SIDE_MAX = 1 << 14, IMAGE_SIDE_MIN = 16 };
#define HOLE_SHARE                                                                                           \
    10 /* more than a tenth of the points missing is a pattern; coarse numbers are 0 now and then */
#define SLICE_SAMPLES_MAX ((size_t)1 << 28) /* 2 GiB; the largest fastMRI slice has 7 million */

static size_t slice_samples(const raw_scan *scan) {
    return (size_t)scan->coils * scan->rows * scan->columns;
}

static size_t image_pixels(const raw_scan *scan) {
    return (size_t)scan->image_rows * scan->image_columns;
}

/* ---------------------------------------------------------------- opening: inside the critical section */

static int read_kspace_size(const h5_file *file, raw_scan *scan) {
    int rank;
    hsize_t n[H5_MAX_RANK];
    if (h5_shape(file, "kspace", &rank, n) != 0)
        return -1;
    if (rank != 4)
        return err_set("%s: dataset 'kspace': %sexpected multicoil kspace (slices, coils, rows, columns), "
                       "found %d axes",
                       file->path, rank == 3 ? "single-coil data: " : "", rank);
    if (h5_check_complex(file, "kspace") != 0)
        return -1;
    if (n[0] < 1 || n[0] > SLICES_MAX || n[1] < 1 || n[1] > COILS_MAX || n[2] < 1 || n[2] > SIDE_MAX ||
        n[3] < 1 || n[3] > SIDE_MAX || (size_t)(n[1] * n[2] * n[3]) > SLICE_SAMPLES_MAX)
        return err_set("%s: dataset 'kspace': expected at most %d slices, %d coils, %d rows and columns and "
                       "%zu samples in a slice, and none of them 0; found shape (%" PRIuHSIZE ", %" PRIuHSIZE
                       ", %" PRIuHSIZE ", %" PRIuHSIZE ")",
                       file->path, SLICES_MAX, COILS_MAX, SIDE_MAX, SLICE_SAMPLES_MAX, n[0], n[1], n[2],
                       n[3]);
    scan->slices = (int)n[0], scan->coils = (int)n[1], scan->rows = (int)n[2], scan->columns = (int)n[3];
    return 0;
}

static int check_image_size(const h5_file *file, const char *from, hsize_t rows, hsize_t columns,
                            raw_scan *scan) {
    if (rows > (hsize_t)scan->rows || columns > (hsize_t)scan->columns)
        return err_set("%s: %s: expected images of at most %d x %d as 'kspace', found %" PRIuHSIZE
                       " x %" PRIuHSIZE,
                       file->path, from, scan->rows, scan->columns, rows, columns);
    if (rows < IMAGE_SIDE_MIN || columns < IMAGE_SIDE_MIN)
        return err_set("%s: %s: expected images of at least %d x %d, found %" PRIuHSIZE " x %" PRIuHSIZE,
                       file->path, from, IMAGE_SIDE_MIN, IMAGE_SIDE_MIN, rows, columns);
    scan->image_rows = (int)rows, scan->image_columns = (int)columns;
    return 0;
}

static int size_of_rss(const h5_file *file, raw_scan *scan) {
    int rank;
    hsize_t n[H5_MAX_RANK];
    if (h5_shape(file, "reconstruction_rss", &rank, n) != 0)
        return -1;
    if (rank != 3)
        return err_set("%s: dataset 'reconstruction_rss': expected shape (slices, rows, columns), found %d "
                       "axes",
                       file->path, rank);
    if (n[0] != (hsize_t)scan->slices)
        return err_set("%s: dataset 'reconstruction_rss': expected %d slices as 'kspace', found %" PRIuHSIZE,
                       file->path, scan->slices, n[0]);
    return check_image_size(file, "dataset 'reconstruction_rss'", n[1], n[2], scan);
}

/* The number in the first element `name` before `end`; 0: none. */
static hsize_t xml_number(const char *text, const char *name, const char *end) {
    const char *at = text ? strstr(text, name) : NULL;
    long value = at && at < end ? strtol(at + strlen(name), NULL, 10) : 0;
    return value > 0 ? (hsize_t)value : 0;
}

/* From the first reconSpace of ISMRMRD's header: x counts rows, the direction of readout. */
static int size_of_header(const h5_file *file, raw_scan *scan) {
    char *header = NULL;
    if (h5_exists(file, "ismrmrd_header") && h5_read_text(file, "ismrmrd_header", &header) != 0)
        return -1;
    const char *space = header ? strstr(header, "reconSpace>") : NULL;
    const char *end = space ? strstr(space + 1, "reconSpace>") : NULL;
    const char *matrix = end ? strstr(space, "matrixSize>") : NULL;
    hsize_t rows = end ? xml_number(matrix, "x>", end) : 0, columns = end ? xml_number(matrix, "y>", end) : 0;
    free(header);
    if (rows == 0 || columns == 0)
        return err_set("%s: the size of the image is unknown: expected dataset 'reconstruction_rss', or "
                       "'ismrmrd_header' with a reconSpace, or option --image-size",
                       file->path);
    return check_image_size(file, "dataset 'ismrmrd_header', reconSpace", rows, columns, scan);
}

static int read_image_size(const h5_file *file, const fastmri_image_size *given, raw_scan *scan) {
    if (given && given->rows > 0)
        return check_image_size(file, "--image-size", (hsize_t)given->rows, (hsize_t)given->columns, scan);
    return h5_exists(file, "reconstruction_rss") ? size_of_rss(file, scan) : size_of_header(file, scan);
}

/* sampled: [n]. How many are 0 between others that are not. */
static int count_gaps(const unsigned char *sampled, int n) {
    int first = 0, last = n - 1, gaps = 0;
    while (first < n && !sampled[first])
        first++;
    while (last > first && !sampled[last])
        last--;
    for (int k = first; k < last; k++)
        gaps += !sampled[k];
    return gaps;
}

/* The mask states which columns were acquired, whatever k-space holds elsewhere (interpolated lines, say). */
static int check_mask(const h5_file *file, const raw_scan *scan) {
    int rank, gaps = 0;
    hsize_t n[H5_MAX_RANK], columns = (hsize_t)scan->columns;
    if (!h5_exists(file, "mask"))
        return 0;
    if (h5_shape(file, "mask", &rank, n) != 0)
        return -1;
    if (rank != 1 || n[0] != columns)
        return err_set("%s: dataset 'mask': expected one number for each of %d columns of 'kspace'",
                       file->path, scan->columns);
    float *mask = mem_alloc(columns * sizeof *mask);
    unsigned char *sampled = mem_alloc(columns);
    int status = mask && sampled ? h5_read_f32(file, "mask", 1, &columns, mask) : -1;
    for (hsize_t k = 0; status == 0 && k < columns; k++)
        sampled[k] = mask[k] != 0.0f;
    if (status == 0)
        gaps = count_gaps(sampled, scan->columns);
    free(mask);
    free(sampled);
    if (gaps > 0)
        return err_set(
            "%s: dataset 'mask': expected fully sampled k-space, found %d of %d columns not sampled between "
            "others that are: undersampled data give no ground truth",
            file->path, gaps, scan->columns);
    return status;
}

/* The file's name without folder and ".h5"; NULL when out of memory. */
static char *scan_id_of(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, ".h5") == 0)
        length -= 3;
    char *id = strndup(name, length);
    return id ? id : err_set_null("out of memory");
}

/* fastMRI's files do not say. Their acquisitions are coronal for knees ("CORPD_FBK") and axial for brains. */
static int read_cohort(const h5_file *file, const char *acquisition, char **cohort) {
    if (h5_attr_exists(file, "cohort"))
        return h5_attr_text(file, "cohort", cohort);
    *cohort = strdup(strncmp(acquisition, "AX", 2) == 0 ? "fastmri-brain" : "fastmri-knee");
    return *cohort ? 0 : err_set("out of memory");
}

static raw_scan *read_names(const h5_file *file) {
    char *id = scan_id_of(file->path), *patient = NULL, *acquisition = NULL, *cohort = NULL;
    raw_scan *scan = NULL;
    if (id && h5_attr_text(file, "acquisition", &acquisition) == 0 &&
        h5_attr_text(file, "patient_id", &patient) == 0 && read_cohort(file, acquisition, &cohort) == 0) {
        if (*patient)
            scan = raw_scan_new(id, patient, acquisition, cohort, file->path);
        else /* scans of "nobody" would all be taken for one patient */
            err_set("%s: attribute 'patient_id': expected a name, found an empty text", file->path);
    }
    free(id);
    free(patient);
    free(acquisition);
    free(cohort);
    if (scan && h5_attr_exists(file, "snr") && h5_attr_real(file, "snr", &scan->snr) != 0) {
        raw_scan_close(scan);
        return NULL;
    }
    return scan;
}

static raw_scan *describe(const h5_file *file, const fastmri_image_size *given) {
    raw_scan size = {0};
    if (read_kspace_size(file, &size) != 0 || read_image_size(file, given, &size) != 0 ||
        check_mask(file, &size) != 0)
        return NULL;
    raw_scan *scan = read_names(file);
    if (!scan)
        return NULL;
    scan->slices = size.slices, scan->coils = size.coils;
    scan->rows = size.rows, scan->columns = size.columns;
    scan->image_rows = size.image_rows, scan->image_columns = size.image_columns;
    return scan;
}

/* ---------------------------------------------------------------- reading */

static int check_samples(const raw_scan *scan, int slice, const float complex *kspace) {
    const float *values = (const float *)kspace;
    size_t samples = slice_samples(scan), plane = (size_t)scan->rows * scan->columns;
    int zero = 1;
    for (size_t k = 0; k < 2 * samples; k++) {
        if (!isfinite(values[k]))
            return err_set("%s: dataset 'kspace', slice %d: expected finite samples, found %g in coil %zu, "
                           "row %zu, column %zu",
                           scan->source, slice, (double)values[k], k / 2 / plane,
                           k / 2 % plane / (size_t)scan->columns, k / 2 % (size_t)scan->columns);
        zero &= values[k] == 0.0f;
    }
    return zero ? err_set("%s: dataset 'kspace', slice %d: every sample is zero", scan->source, slice) : 0;
}

static int is_sampled(const raw_scan *scan, const float complex *kspace, size_t at) {
    size_t plane = (size_t)scan->rows * scan->columns;
    for (int c = 0; c < scan->coils; c++)
        if (kspace[(size_t)c * plane + at] != 0.0f)
            return 1;
    return 0;
}

/* Points that no coil has sampled, between sampled ones of their row and of their column: the corners of an elliptical
 * acquisition are not. */
static size_t count_holes(const raw_scan *scan, const unsigned char *sampled) {
    size_t columns = (size_t)scan->columns, holes = 0;
    for (int row = 1; row + 1 < scan->rows; row++) {
        const unsigned char *line = sampled + (size_t)row * columns;
        for (int column = 1; column + 1 < scan->columns; column++)
            if (!line[column] && memchr(line, 1, (size_t)column) &&
                memchr(line + column, 1, columns - (size_t)column)) {
                int above = row - 1, below = row + 1;
                while (above > 0 && !sampled[(size_t)above * columns + (size_t)column])
                    above--;
                while (below < scan->rows - 1 && !sampled[(size_t)below * columns + (size_t)column])
                    below++;
                holes += sampled[(size_t)above * columns + (size_t)column] &&
                         sampled[(size_t)below * columns + (size_t)column];
            }
    }
    return holes;
}

static int refuse_gaps(const raw_scan *scan, int slice, int gaps, int lines, const char *what) {
    return err_set(
        "%s: dataset 'kspace', slice %d: expected fully sampled k-space, found %d of %d %s zero between "
        "others that are not: undersampled data give no ground truth",
        scan->source, slice, gaps, lines, what);
}

static int check_map(const raw_scan *scan, int slice, const unsigned char *sampled, unsigned char *line) {
    int rows = scan->rows, columns = scan->columns, gaps;
    size_t plane = (size_t)rows * columns;
    memset(line, 0, (size_t)(rows + columns));
    for (size_t k = 0; k < plane; k++) {
        line[k % (size_t)columns] |= sampled[k];
        line[(size_t)columns + k / (size_t)columns] |= sampled[k];
    }
    if ((gaps = count_gaps(line, columns)) > 0)
        return refuse_gaps(scan, slice, gaps, columns, "columns");
    if ((gaps = count_gaps(line + columns, rows)) > 0)
        return refuse_gaps(scan, slice, gaps, rows, "rows");
    size_t holes = count_holes(scan, sampled);
    if (holes > plane / HOLE_SHARE)
        return refuse_gaps(scan, slice, (int)holes, (int)plane, "points");
    return 0;
}

/* The samples that are zero in all coils: padding and corners are normal, gaps are not. */
static int check_sampling(const raw_scan *scan, int slice, const float complex *kspace) {
    size_t plane = (size_t)scan->rows * scan->columns, missing = 0;
    for (size_t k = 0; k < plane; k++)
        missing += !is_sampled(scan, kspace, k);
    if (missing == 0)
        return 0;
    unsigned char *sampled = mem_alloc(plane + (size_t)(scan->rows + scan->columns));
    if (!sampled)
        return -1;
    for (size_t k = 0; k < plane; k++)
        sampled[k] = (unsigned char)is_sampled(scan, kspace, k);
    int status = check_map(scan, slice, sampled, sampled + plane);
    free(sampled);
    return status;
}

static int read_slice(const raw_scan *scan, int slice, float complex *kspace) {
    const hsize_t dims[3] = {(hsize_t)scan->coils, (hsize_t)scan->rows, (hsize_t)scan->columns};
    if (slice < 0 || slice >= scan->slices)
        return err_set("%s: dataset 'kspace': expected a slice below %d, found %d", scan->source,
                       scan->slices, slice);
    int status;
#pragma omp critical(hdf5)
    status = h5_read_slab_c64(scan->self, "kspace", (hsize_t)slice, 3, dims, kspace);
    if (status != 0)
        return err_prefix("slice %d", slice);
    return check_samples(scan, slice, kspace) == 0 ? check_sampling(scan, slice, kspace) : -1;
}

static void release(void *self) {
#pragma omp critical(hdf5)
    h5_close(self);
}

raw_scan *fastmri_open(const char *path) {
    return fastmri_open_sized(path, NULL);
}

raw_scan *fastmri_open_sized(const char *path, const fastmri_image_size *size) {
    h5_file *file;
    raw_scan *scan;
#pragma omp critical(hdf5)
    {
        file = h5_open(path);
        scan = file ? describe(file, size) : NULL;
        if (!scan)
            h5_close(file);
    }
    if (!scan)
        return NULL;
    scan->self = file;
    scan->read = read_slice;
    scan->release = release;
    return scan;
}

/* ---------------------------------------------------------------- writing */

typedef struct {
    const raw_scan *scan;
    h5_file *file;
    fft2 *transform;
    float complex *kspace; /* of a slice; becomes its coil images in place */
    float *image;
    double max, sum_of_squares; /* of the images so far */
} writer;

static int check_scan(const char *path, const raw_scan *s) {
    if (s->slices < 1 || s->coils < 1 || s->image_rows < 1 || s->image_columns < 1 ||
        s->image_rows > s->rows || s->image_columns > s->columns)
        return err_set("%s: expected slices, coils and an image no larger than k-space, found %d slices of "
                       "%d coils, %d x %d, image %d x %d (scan %s)",
                       path, s->slices, s->coils, s->rows, s->columns, s->image_rows, s->image_columns,
                       s->scan_id);
    return 0;
}

/* Root sum of squares of the coil images' centre, and what it adds to max and norm. */
static void combine_coils(writer *w) {
    const raw_scan *s = w->scan;
    size_t rows = (size_t)s->rows, columns = (size_t)s->columns, wide = (size_t)s->image_columns;
    size_t top = (rows - (size_t)s->image_rows) / 2, left = (columns - wide) / 2;
    for (size_t p = 0; p < image_pixels(s); p++) {
        const float complex *pixel = w->kspace + (top + p / wide) * columns + left + p % wide;
        double sum = 0.0;
        for (size_t c = 0; c < (size_t)s->coils; c++) {
            double re = crealf(pixel[c * rows * columns]), im = cimagf(pixel[c * rows * columns]);
            sum += re * re + im * im;
        }
        w->image[p] = (float)sqrt(sum);
        w->max = fmax(w->max, (double)w->image[p]);
        w->sum_of_squares += (double)w->image[p] * (double)w->image[p];
    }
}

static int write_slice(writer *w, int slice) {
    const raw_scan *s = w->scan;
    const hsize_t dims[3] = {(hsize_t)s->coils, (hsize_t)s->rows, (hsize_t)s->columns};
    const hsize_t image_dims[2] = {(hsize_t)s->image_rows, (hsize_t)s->image_columns};
    if (s->read(s, slice, w->kspace) != 0)
        return -1;
    int status;
#pragma omp critical(hdf5)
    status = h5_write_slab_c64(w->file, "kspace", (hsize_t)slice, 3, dims, w->kspace);
    if (status != 0)
        return status;
    fft2_inverse(w->transform, s->coils, w->kspace, w->kspace);
    combine_coils(w);
#pragma omp critical(hdf5)
    status = h5_write_slab_f32(w->file, "reconstruction_rss", (hsize_t)slice, 2, image_dims, w->image);
    return status;
}

/* The header, owned by the caller; NULL when out of memory. */
static char *header_text(const raw_scan *s, const fastmri_protocol *p) {
    static const char *const space =
        "    <%s>\n"
        "      <matrixSize><x>%d</x><y>%d</y><z>1</z></matrixSize>\n"
        "      <fieldOfView_mm><x>%.6g</x><y>%.6g</y><z>%.6g</z></fieldOfView_mm>\n"
        "    </%s>\n";
    char encoded[400], image[400], *text;
    snprintf(encoded, sizeof encoded, space, "encodedSpace", s->rows, s->columns,
             p->rows_mm * s->rows / s->image_rows, p->columns_mm * s->columns / s->image_columns,
             p->thickness_mm, "encodedSpace");
    snprintf(image, sizeof image, space, "reconSpace", s->image_rows, s->image_columns, p->rows_mm,
             p->columns_mm, p->thickness_mm, "reconSpace");
    int length = asprintf(
        &text,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
        "<ismrmrdHeader xmlns=\"http://www.ismrm.org/ISMRMRD\">\n"
        "  <acquisitionSystemInformation><receiverChannels>%d</receiverChannels>"
        "</acquisitionSystemInformation>\n"
        "  <experimentalConditions><H1resonanceFrequency_Hz>%" PRId64 "</H1resonanceFrequency_Hz>"
        "</experimentalConditions>\n"
        "  <encoding>\n%s%s    <encodingLimits>\n"
        "      <kspace_encoding_step_1><minimum>0</minimum><maximum>%d</maximum><center>%d</center>"
        "</kspace_encoding_step_1>\n"
        "    </encodingLimits>\n    <trajectory>cartesian</trajectory>\n  </encoding>\n</ismrmrdHeader>\n",
        s->coils, p->resonance_hz, encoded, image, s->columns - 1, s->columns / 2);
    return length >= 0 ? text : err_set_null("out of memory");
}

/* Writes what is known before the first slice. Inside the critical section. */
static int begin(writer *w, const char *path, const char *header) {
    const raw_scan *s = w->scan;
    const hsize_t dims[4] = {(hsize_t)s->slices, (hsize_t)s->coils, (hsize_t)s->rows, (hsize_t)s->columns};
    const hsize_t image[3] = {(hsize_t)s->slices, (hsize_t)s->image_rows, (hsize_t)s->image_columns};
    w->file = h5_create(path);
    if (!w->file || h5_begin_slabs(w->file, "kspace", 4, dims, H5_COMPLEX) != 0 ||
        h5_begin_slabs(w->file, "reconstruction_rss", 3, image, H5_REAL) != 0 ||
        h5_write_text(w->file, "ismrmrd_header", header) != 0 ||
        h5_set_text(w->file, "acquisition", s->acquisition) != 0 ||
        h5_set_text(w->file, "patient_id", s->patient_id) != 0 ||
        h5_set_text(w->file, "cohort", s->cohort) != 0)
        return -1;
    return s->snr == 0.0 ? 0 : h5_set_real(w->file, "snr", s->snr);
}

static int write_all(writer *w, const char *path, const char *header) {
    int status;
#pragma omp critical(hdf5)
    status = begin(w, path, header);
    for (int slice = 0; status == 0 && slice < w->scan->slices; slice++)
        status = write_slice(w, slice);
#pragma omp critical(hdf5)
    {
        if (status != 0 || h5_set_real(w->file, "max", w->max) != 0 ||
            h5_set_real(w->file, "norm", sqrt(w->sum_of_squares)) != 0) {
            h5_close(w->file);
            status = -1;
        }
    }
    return status;
}

h5_file *fastmri_create(const char *path, const raw_scan *scan, const fastmri_protocol *protocol) {
    if (check_scan(path, scan) != 0)
        return NULL;
    writer w = {.scan = scan, .transform = fft2_create(scan->rows, scan->columns)};
    char *header = header_text(scan, protocol);
    w.kspace = mem_alloc(slice_samples(scan) * sizeof *w.kspace);
    w.image = mem_alloc(image_pixels(scan) * sizeof *w.image);
    int status = w.transform && header && w.kspace && w.image ? write_all(&w, path, header) : -1;
    fft2_free(w.transform);
    free(header);
    free(w.kspace);
    free(w.image);
    return status == 0 ? w.file : NULL;
}

int fastmri_write(const char *path, const raw_scan *scan, const fastmri_protocol *protocol) {
    h5_file *file = fastmri_create(path, scan, protocol);
    if (!file)
        return -1;
    int status;
#pragma omp critical(hdf5)
    status = h5_commit(file);
    return status;
}
