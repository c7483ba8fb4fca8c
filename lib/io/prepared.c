#include "io/prepared.h"

#include "core/error.h"
#include "core/list.h"
#include "core/memory.h"
#include "core/rng.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIDE_MIN = 16, SIDE_MAX = 1 << 14, SLICES_MAX = 1 << 16 };

const char *prepared_kind_name(prepared_kind kind) {
    static const char *const names[PREPARED_KINDS] = {
        "reference",         "zero_filled",         "reconstruction",        "reconstruction_faulty",
        "reference_complex", "zero_filled_complex", "reconstruction_complex"};
    return names[kind];
}

/* ---------------------------------------------------------------- reading a scan */

static int check_format(const h5_file *file) {
    char *format;
    int64_t version;
    if (h5_attr_text(file, "format", &format) != 0)
        return -1;
    int known = strcmp(format, PREPARED_FORMAT) == 0;
    if (!known)
        err_set("%s: expected format '%s', found '%s'", file->path, PREPARED_FORMAT, format);
    free(format);
    if (!known || h5_attr_integer(file, "format_version", &version) != 0)
        return -1;
    if (version != PREPARED_VERSION)
        return err_set("%s: expected format_version %d, found %" PRId64, file->path, PREPARED_VERSION,
                       version);
    return 0;
}

static int read_settings(prepared_scan *scan) {
    if (h5_attr_exists(scan->file, "settings"))
        return h5_attr_text(scan->file, "settings", &scan->settings);
    scan->settings = strdup("");
    return scan->settings ? 0 : err_set("out of memory");
}

static int read_acceleration(prepared_scan *scan) {
    if (!h5_attr_exists(scan->file, "acceleration"))
        return 0;
    if (h5_attr_real(scan->file, "acceleration", &scan->acceleration) != 0)
        return -1;
    if (!(scan->acceleration >= 1.0 && isfinite(scan->acceleration)))
        return err_set("%s: attribute 'acceleration': expected a number of at least 1, found %g",
                       scan->file->path, scan->acceleration);
    return 0;
}

/* One without the other would be scored as something else. */
static int read_fault(prepared_scan *scan) {
    const char *name = prepared_kind_name(PREPARED_RECONSTRUCTION_FAULTY);
    int named = h5_attr_exists(scan->file, "fault"), there = scan->has[PREPARED_RECONSTRUCTION_FAULTY];
    if (named != there)
        return err_set("%s: expected both attribute 'fault' and dataset '%s' or neither, found only the %s",
                       scan->file->path, name, named ? "attribute" : "dataset");
    if (named)
        return h5_attr_text(scan->file, "fault", &scan->fault);
    scan->fault = strdup(PREPARED_NO_FAULT);
    return scan->fault ? 0 : err_set("out of memory");
}

static int read_names(prepared_scan *scan) {
    if (h5_attr_text(scan->file, "cohort", &scan->cohort) < 0 ||
        h5_attr_text(scan->file, "scan_id", &scan->scan_id) < 0 ||
        h5_attr_text(scan->file, "patient_id", &scan->patient_id) < 0 ||
        h5_attr_text(scan->file, "split", &scan->split) < 0 || read_settings(scan) < 0)
        return -1;
    return read_acceleration(scan);
}

static int read_size(prepared_scan *scan) {
    int rank;
    hsize_t dims[H5_MAX_RANK];
    if (h5_shape(scan->file, "reference", &rank, dims) != 0)
        return -1;
    if (rank != 3)
        return err_set("%s: dataset 'reference': expected shape (slices, rows, columns), found %d axes",
                       scan->file->path, rank);
    if (dims[0] < 1 || dims[0] > SLICES_MAX || dims[1] < SIDE_MIN || dims[1] > SIDE_MAX ||
        dims[2] < SIDE_MIN || dims[2] > SIDE_MAX)
        return err_set(
            "%s: dataset 'reference': expected slices of at least %d x %d, found shape (%" PRIuHSIZE
            ", %" PRIuHSIZE ", %" PRIuHSIZE ")",
            scan->file->path, SIDE_MIN, SIDE_MIN, dims[0], dims[1], dims[2]);
    scan->slices = (int)dims[0], scan->rows = (int)dims[1], scan->columns = (int)dims[2];
    return 0;
}

/* The other kinds, where there are any, must have the shape of the reference. */
static int check_kind(prepared_scan *scan, prepared_kind kind) {
    const char *name = prepared_kind_name(kind);
    scan->has[kind] = h5_exists(scan->file, name);
    if (!scan->has[kind])
        return 0;
    int rank;
    hsize_t dims[H5_MAX_RANK];
    if (h5_shape(scan->file, name, &rank, dims) != 0)
        return -1;
    if (rank != 3)
        return err_set("%s: dataset '%s': expected shape (%d, %d, %d) as 'reference', found %d axes",
                       scan->file->path, name, scan->slices, scan->rows, scan->columns, rank);
    if (dims[0] == (hsize_t)scan->slices && dims[1] == (hsize_t)scan->rows &&
        dims[2] == (hsize_t)scan->columns)
        return 0;
    return err_set("%s: dataset '%s': expected shape (%d, %d, %d) as 'reference', found (%" PRIuHSIZE
                   ", %" PRIuHSIZE ", %" PRIuHSIZE ")",
                   scan->file->path, name, scan->slices, scan->rows, scan->columns, dims[0], dims[1],
                   dims[2]);
}

static int read_slice_numbers(prepared_scan *scan) {
    hsize_t count = (hsize_t)scan->slices;
    scan->slice = mem_alloc(count * sizeof *scan->slice);
    return scan->slice ? h5_read_i32(scan->file, "slice", 1, &count, scan->slice) : -1;
}

static int read_all(prepared_scan *scan, const char *path) {
    if (!(scan->file = h5_open(path)) || check_format(scan->file) < 0 || read_names(scan) < 0 ||
        read_size(scan) < 0)
        return -1;
    for (int kind = 0; kind < PREPARED_KINDS; kind++)
        if (check_kind(scan, (prepared_kind)kind) < 0)
            return -1;
    return read_fault(scan) < 0 ? -1 : read_slice_numbers(scan);
}

prepared_scan *prepared_open(const char *path) {
    prepared_scan *scan = mem_calloc(1, sizeof *scan);
    if (!scan)
        return NULL;
    if (read_all(scan, path) == 0)
        return scan;
    prepared_close(scan);
    return NULL;
}

void prepared_close(prepared_scan *scan) {
    if (!scan)
        return;
    h5_close(scan->file);
    free(scan->scan_id);
    free(scan->patient_id);
    free(scan->split);
    free(scan->cohort);
    free(scan->settings);
    free(scan->fault);
    free(scan->slice);
    free(scan);
}

/* `parts` floats a pixel: one of a magnitude, two of a complex image. */
static int check_image(const prepared_scan *scan, const char *name, int index, size_t parts,
                       const float *image) {
    size_t count = (size_t)scan->rows * scan->columns * parts, columns = (size_t)scan->columns;
    int constant = 1;
    for (size_t i = 0; i < count; i++) {
        size_t pixel = i / parts;
        if (!isfinite(image[i]))
            return err_set(
                "%s: dataset '%s', slice %d: expected finite pixels, found %g at row %zu, column %zu",
                scan->file->path, name, index, (double)image[i], pixel / columns, pixel % columns);
        constant &= image[i] == image[i % parts];
    }
    if (constant)
        return err_set("%s: dataset '%s', slice %d: constant image (all pixels are %g)", scan->file->path,
                       name, index, (double)image[0]);
    return 0;
}

static int check_index(const prepared_scan *scan, prepared_kind kind, int index) {
    if (index >= 0 && index < scan->slices)
        return 0;
    return err_set("%s: dataset '%s': expected a slice below %d, found %d", scan->file->path,
                   prepared_kind_name(kind), scan->slices, index);
}

int prepared_read(const prepared_scan *scan, prepared_kind kind, int index, float *image) {
    const hsize_t dims[2] = {(hsize_t)scan->rows, (hsize_t)scan->columns};
    const char *name = prepared_kind_name(kind);
    if (check_index(scan, kind, index) != 0 ||
        h5_read_slab_f32(scan->file, name, (hsize_t)index, 2, dims, image) != 0)
        return -1;
    return check_image(scan, name, index, 1, image);
}

int prepared_read_complex(const prepared_scan *scan, prepared_kind kind, int index, float complex *image) {
    const hsize_t dims[2] = {(hsize_t)scan->rows, (hsize_t)scan->columns};
    const char *name = prepared_kind_name(kind);
    if (check_index(scan, kind, index) != 0 ||
        h5_read_slab_c64(scan->file, name, (hsize_t)index, 2, dims, image) != 0)
        return -1;
    return check_image(scan, name, index, 2, (const float *)image);
}

/* ---------------------------------------------------------------- writing a scan */

static int write_attributes(h5_file *file, const prepared_content *content) {
    const char *const texts[][2] = {
        {"format", PREPARED_FORMAT},
        {"cohort", content->cohort},
        {"scan_id", content->scan_id},
        {"patient_id", content->patient_id},
        {"split", content->split},
        {"acquisition", content->acquisition},
        {"source_file", content->source_file},
        {"source_sha256", content->source_sha256},
        {"generator", content->generator},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (h5_set_text(file, texts[i][0], texts[i][1] ? texts[i][1] : "") != 0)
            return -1;
    if (h5_set_integer(file, "format_version", PREPARED_VERSION) != 0)
        return -1;
    return h5_set_integer(file, "seed", (int64_t)content->seed);
}

static int begin_datasets(h5_file *file, const prepared_content *content) {
    const hsize_t dims[3] = {(hsize_t)content->slices, (hsize_t)content->rows, (hsize_t)content->columns};
    for (int kind = 0; kind < PREPARED_KINDS; kind++)
        if (content->has[kind] &&
            h5_begin_slabs(file, prepared_kind_name((prepared_kind)kind), 3, dims,
                           kind >= PREPARED_REFERENCE_COMPLEX ? H5_COMPLEX : H5_REAL) != 0)
            return -1;
    int32_t *slice = mem_alloc((size_t)content->slices * sizeof *slice);
    for (int k = 0; slice && k < content->slices; k++)
        slice[k] = content->slice ? content->slice[k] : k;
    int status = slice ? h5_write_i32(file, "slice", 1, dims, slice) : -1;
    free(slice);
    return status;
}

h5_file *prepared_create(const char *path, const prepared_content *content) {
    if (!content->has[PREPARED_REFERENCE] || content->slices < 1 || content->rows < SIDE_MIN ||
        content->columns < SIDE_MIN)
        return err_set_null("%s: a prepared scan needs a reference of at least one slice of %d x %d", path,
                            SIDE_MIN, SIDE_MIN);
    h5_file *file = h5_create(path);
    if (file && (write_attributes(file, content) != 0 || begin_datasets(file, content) != 0)) {
        h5_close(file);
        return NULL;
    }
    return file;
}

int prepared_write(h5_file *file, prepared_kind kind, int index, int rows, int columns, const float *image) {
    const hsize_t dims[2] = {(hsize_t)rows, (hsize_t)columns};
    return h5_write_slab_f32(file, prepared_kind_name(kind), (hsize_t)index, 2, dims, image);
}

int prepared_write_complex(h5_file *file, prepared_kind kind, int index, int rows, int columns,
                           const float complex *image) {
    const hsize_t dims[2] = {(hsize_t)rows, (hsize_t)columns};
    return h5_write_slab_c64(file, prepared_kind_name(kind), (hsize_t)index, 2, dims, image);
}

/* ---------------------------------------------------------------- a split */

/* Notes what the split needs of one scan, and checks that it belongs with the ones before. */
static int add_scan(prepared_split *split, char *path) {
    split->paths[split->scans] = path;
    prepared_scan *scan = prepared_open(path);
    if (!scan) {
        free(path);
        return -1;
    }
    int status = 0;
    if (split->scans == 0) {
        split->rows = scan->rows, split->columns = scan->columns;
        split->cohort = scan->cohort;
        split->settings = scan->settings;
        split->acceleration = scan->acceleration;
        scan->cohort = scan->settings = NULL;
    } else if (scan->rows != split->rows || scan->columns != split->columns) {
        status = err_set("%s: dataset 'reference': expected slices of %d x %d as in %s, found %d x %d", path,
                         split->rows, split->columns, split->paths[0], scan->rows, scan->columns);
    } else if (strcmp(scan->cohort, split->cohort) != 0) {
        status = err_set("%s: expected cohort '%s' as in %s, found '%s'", path, split->cohort,
                         split->paths[0], scan->cohort);
    }
    if (status == 0 && split->scans > 0 && strcmp(scan->settings, split->settings) != 0)
        status = err_set("%s: prepared with other settings than %s: expected '%s', found '%s'", path,
                         split->paths[0], split->settings, scan->settings);
    if (status == 0 && scan->acceleration != split->acceleration)
        status = err_set("%s: expected acceleration %g as in %s, found %g (0: not said)", path,
                         split->acceleration, split->paths[0], scan->acceleration);
    if (status == 0 && strcmp(scan->split, split->split) != 0)
        status = err_set("%s: expected a scan of split '%s', found '%s'", path, split->split, scan->split);
    split->slices[split->scans] = scan->slices;
    split->total_slices += scan->slices;
    split->faults[split->scans] = scan->fault;
    split->scan_ids[split->scans++] = scan->scan_id;
    scan->scan_id = scan->fault = NULL;
    prepared_close(scan);
    return status;
}

static int add_scans(prepared_split *split, const char *folder, const name_list *names, int count) {
    split->paths = mem_calloc((size_t)count, sizeof *split->paths);
    split->scan_ids = mem_calloc((size_t)count, sizeof *split->scan_ids);
    split->faults = mem_calloc((size_t)count, sizeof *split->faults);
    split->slices = mem_calloc((size_t)count, sizeof *split->slices);
    if (!split->paths || !split->scan_ids || !split->faults || !split->slices)
        return -1;
    for (int i = 0; i < count; i++) {
        char *path;
        if (asprintf(&path, "%s/%s", folder, names->items[i]) < 0)
            return err_set("out of memory");
        if (add_scan(split, path) != 0)
            return -1;
    }
    return 0;
}

static int list_split(prepared_split *split, int limit) {
    char *folder;
    name_list names;
    if (asprintf(&folder, "%s/%s", split->folder, split->split) < 0)
        return err_set("out of memory");
    int status = name_list_folder(&names, folder, ".h5"), count = (int)names.count;
    if (status == 0 && access(folder, F_OK) != 0)
        status = err_set("%s: cannot list the scans: %s", folder, strerror(errno));
    else if (status == 0 && count == 0)
        status = err_set("%s: expected prepared scans (*.h5), found none", folder);
    else if (status == 0)
        status = add_scans(split, folder, &names, limit > 0 && limit < count ? limit : count);
    name_list_free(&names);
    free(folder);
    return status;
}

prepared_split *prepared_split_open(const char *folder, const char *split_name, int limit) {
    prepared_split *split = mem_calloc(1, sizeof *split);
    if (!split)
        return NULL;
    split->folder = strdup(folder);
    split->split = strdup(split_name);
    int status = split->folder && split->split ? list_split(split, limit) : err_set("out of memory");
    if (status != 0) {
        prepared_split_free(split);
        return NULL;
    }
    return split;
}

void prepared_split_free(prepared_split *split) {
    if (!split)
        return;
    for (int i = 0; i < split->scans; i++) {
        free(split->paths[i]);
        free(split->scan_ids[i]);
        free(split->faults[i]);
    }
    free(split->paths);
    free(split->scan_ids);
    free(split->faults);
    free(split->slices);
    free(split->folder);
    free(split->split);
    free(split->cohort);
    free(split->settings);
    free(split);
}

int prepared_split_fingerprint(const prepared_split *split, uint64_t *fingerprint) {
    *fingerprint = 0;
    for (int scan = 0; scan < split->scans; scan++) {
        struct stat info;
        char line[512];
        if (stat(split->paths[scan], &info) != 0)
            return err_set("%s: cannot be read: %s", split->paths[scan], strerror(errno));
        snprintf(line, sizeof line, "%" PRIx64 " %lld %lld.%09ld %s", *fingerprint, (long long)info.st_size,
                 (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec, split->scan_ids[scan]);
        *fingerprint = rng_hash(line);
    }
    return 0;
}

void prepared_split_comments(const prepared_split *split, csv_writer *csv) {
    csv_writer_comment(csv, "split: %s, %d scans, %d slices", split->split, split->scans,
                       split->total_slices);
    if (*split->settings)
        csv_writer_comment(csv, "images: %s", split->settings);
}

int prepared_split_read(const prepared_split *split, int scan, prepared_kind kind, int index, float *image) {
    int status;
#pragma omp critical(hdf5)
    {
        prepared_scan *file = prepared_open(split->paths[scan]);
        status = file ? prepared_read(file, kind, index, image) : -1;
        prepared_close(file);
    }
    return status;
}
