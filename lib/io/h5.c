#include "io/h5.h"

#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include "io/h5_guard.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBER_MAX = 16, TEXT_MAX = 1 << 20 }; /* bytes of a number, and of a text of fixed length */

/* At exit HDF5 closes what is still open; after a file that could not be written (disk full) that crashes (1.10.8).
 * Every file is closed here anyway. Must be called before any other function of HDF5, so before main(). */
__attribute__((constructor)) static void leave_at_exit(void) {
    H5dont_atexit();
}

/* Closes a type, a space, an attribute or a property list, if it was opened. */
static void release(hid_t id) {
    if (id >= 0)
        H5Idec_ref(id);
}

/* ---------------------------------------------------------------- files */

static h5_file *file_new(const char *path) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    h5_file *file = mem_calloc(1, sizeof *file);
    if (!file)
        return NULL;
    file->id = H5I_INVALID_HID;
    file->path = strdup(path);
    if (!file->path) {
        free(file);
        return err_set_null("out of memory");
    }
    return file;
}

/* ---------------------------------------------------------------- causes */

/* HDF5's error stack: its first entry, which is the cause, and all entries. */
typedef struct {
    char cause[ERR_MESSAGE_MAX / 4], all[4 * ERR_MESSAGE_MAX];
} stack;

static herr_t note_entry(unsigned n, const H5E_error2_t *entry, void *self) {
    stack *s = self;
    const char *text = entry->desc ? entry->desc : "";
    size_t used = strlen(s->all);
    if (n == 0)
        snprintf(s->cause, sizeof s->cause, "%s", text);
    snprintf(s->all + used, sizeof s->all - used, "%s\n", text);
    return 0;
}

/* What HDF5 says of the call that has just failed, and what helps; `guess` where the cause is not known. */
static void explain(char *text, size_t size, const char *guess) {
    static const struct {
        const char *sign, *meaning;
    } known[] = {
        {"unable to lock",
         "it cannot be locked: another program has it open for writing, or its file system has no locks "
         "(if nothing writes to it, set HDF5_USE_FILE_LOCKING=FALSE)"},
        {"already open for", "it is open for writing, or its writer crashed (if nothing writes to it, "
                             "h5clear -s releases it)"},
        {"required filter", "a filter plugin is missing (install it and set HDF5_PLUGIN_PATH)"},
        {"truncated file", "truncated HDF5 file"},
        {"signature not found", "not an HDF5 file"},
        {"No space left", "the disk is full"},
        {"Disk quota", "the disk quota is used up"},
        {"File too large", "the file may not grow that large (disk full?)"},
    };
    stack s = {.cause = ""};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, note_entry, &s);
    const char *meaning = NULL, *cause = *s.cause ? s.cause : "no cause given";
    for (size_t k = 0; !meaning && k < sizeof known / sizeof *known; k++)
        meaning = strstr(s.all, known[k].sign) ? known[k].meaning : NULL;
    if (meaning)
        snprintf(text, size, "%s; HDF5: %s", meaning, cause);
    else
        snprintf(text, size, "%s HDF5: %s", guess, cause);
}

/* "<file>: dataset '<name>': its data cannot be read: <cause>" */
static int cannot(const h5_file *file, const char *dataset, const char *verb) {
    char why[ERR_MESSAGE_MAX / 2];
    explain(why, sizeof why, strcmp(verb, "written") == 0 ? "disk full?" : "damaged HDF5 file?");
    return err_set("%s: dataset '%s': its data cannot be %s: %s", file->path, dataset, verb, why);
}

/* What is no file would keep HDF5 waiting (a pipe), or read what is no data (a device). */
static int check_file(const char *path) {
    struct stat info;
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0)
        return err_set("%s: cannot open: %s", path, strerror(errno));
    int known = fstat(descriptor, &info);
    close(descriptor);
    if (known != 0)
        return err_set("%s: cannot open: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return err_set("%s: expected an HDF5 file, found a %s", path,
                       S_ISDIR(info.st_mode) ? "folder" : "pipe or device");
    return info.st_size > 0 ? 0 : err_set("%s: expected an HDF5 file, found an empty file", path);
}

h5_file *h5_open(const char *path) {
    h5_file *file = file_new(path);
    if (!file)
        return NULL;
    char why[ERR_MESSAGE_MAX / 2];
    int usable = check_file(path) == 0;
    if (usable)
        file->id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file->id >= 0)
        return file;
    if (usable) {
        explain(why, sizeof why, "damaged HDF5 file?");
        err_set("%s: %s", path, why);
    }
    h5_close(file);
    return NULL;
}

h5_file *h5_create(const char *path) {
    h5_file *file = file_new(path);
    if (!file)
        return NULL;
    file->temporary = atomic_begin(path);
    if (file->temporary)
        file->id = H5Fcreate(file->temporary, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (file->id >= 0)
        return file;
    if (file->temporary) {
        char why[ERR_MESSAGE_MAX / 2];
        explain(why, sizeof why, "disk full?");
        err_set("%s: cannot create the HDF5 file: %s", path, why);
    }
    h5_close(file);
    return NULL;
}

int h5_commit(h5_file *file) {
    herr_t closed = H5Fclose(file->id);
    file->id = H5I_INVALID_HID;
    if (closed < 0) {
        err_set("%s: cannot write the HDF5 file (disk full?)", file->path);
        h5_close(file);
        return -1;
    }
    int status = atomic_commit(file->temporary, file->path);
    file->temporary = NULL;
    h5_close(file);
    return status;
}

void h5_close(h5_file *file) {
    if (!file)
        return;
    if (file->id >= 0)
        H5Fclose(file->id);
    atomic_discard(file->temporary);
    free(file->path);
    free(file);
}

/* ---------------------------------------------------------------- shapes */

static void shape_text(int rank, const hsize_t *dims, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "(");
    for (int i = 0; i < rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%" PRIuHSIZE, i ? ", " : "", dims[i]);
    if (used < size)
        snprintf(text + used, size - used, ")");
}

/* ---------------------------------------------------------------- references that leave the file */

static int left_file; /* an external link was met */

static herr_t refuse_link(const char *parent, const char *group, const char *file, const char *object,
                          unsigned *flags, hid_t access, void *self) {
    (void)parent, (void)group, (void)file, (void)object, (void)flags, (void)access, (void)self;
    left_file = 1;
    return -1;
}

/* Access properties with which HDF5 does not follow links to other files. Made once. */
static hid_t within_file(void) {
    static hid_t access = H5I_INVALID_HID;
    if (access < 0 && (access = H5Pcreate(H5P_DATASET_ACCESS)) >= 0)
        H5Pset_elink_cb(access, refuse_link, NULL);
    left_file = 0;
    return access;
}

/* H5Lexists() fails when a group on the way is missing, so every part of the path is checked. A link that leaves the
 * file exists: opening it is refused. */
int h5_exists(const h5_file *file, const char *dataset) {
    char *path = strdup(dataset);
    hid_t access = within_file();
    int there = path && *path;
    for (char *p = path; there && p && (p = strchr(p + 1, '/'));) {
        *p = '\0';
        there = H5Lexists(file->id, path, access) > 0;
        *p = '/';
    }
    there = there && H5Lexists(file->id, path, access) > 0;
    free(path);
    there = there && H5Oexists_by_name(file->id, dataset, access) > 0;
    return there || left_file;
}

/* Its data are in this file, and the file is large enough for them: compression saves a factor of about a thousand at
 * most. What a dataset claims is known to be there before memory is allocated for it. */
static int check_storage(const h5_file *file, const char *dataset, hid_t id) {
    enum { MOST_PACKED = 4096 };
    hid_t creation = H5Dget_create_plist(id), type = H5Dget_type(id), space = H5Dget_space(id);
    hsize_t size = 0, dims[H5S_MAX_RANK];
    int axes = space >= 0 ? H5Sget_simple_extent_dims(space, dims, NULL) : -1, status = 0;
    double claimed = type >= 0 ? (double)H5Tget_size(type) : 0.0;
    for (int k = 0; k < axes; k++)
        claimed *= (double)dims[k];
    if (creation < 0 || H5Pget_external_count(creation) != 0 || H5Pget_layout(creation) == H5D_VIRTUAL)
        status = err_set("%s: dataset '%s': refused: its data are in another file", file->path, dataset);
    else if (axes < 0 || H5Fget_filesize(file->id, &size) < 0)
        status = err_set("%s: dataset '%s': its shape cannot be read", file->path, dataset);
    else if (claimed > (double)size * MOST_PACKED)
        status =
            err_set("%s: dataset '%s': claims %.0f bytes, more than a file of %" PRIuHSIZE " bytes can hold",
                    file->path, dataset, claimed, size);
    release(creation);
    release(type);
    release(space);
    return status;
}

static hid_t open_dataset(const h5_file *file, const char *dataset) {
    if (!h5_exists(file, dataset))
        return err_set("%s: dataset '%s' is missing", file->path, dataset);
    hid_t id = H5Dopen2(file->id, dataset, within_file());
    if (left_file)
        err_set("%s: dataset '%s': refused: it is a link to another file", file->path, dataset);
    else if (id < 0)
        err_set("%s: '%s' is not a dataset that can be read", file->path, dataset);
    else if (file->temporary || check_storage(file, dataset, id) == 0)
        return id;
    release(id);
    return H5I_INVALID_HID;
}

static int dataset_shape(const h5_file *file, const char *dataset, hid_t id, int *rank, hsize_t *dims) {
    hid_t space = H5Dget_space(id);
    int found = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
    int status = 0;
    if (found > H5_MAX_RANK)
        status = err_set("%s: dataset '%s': expected at most %d axes, found %d", file->path, dataset,
                         H5_MAX_RANK, found);
    else if (found < 0 || H5Sget_simple_extent_dims(space, dims, NULL) < 0)
        status = err_set("%s: dataset '%s': its shape cannot be read", file->path, dataset);
    *rank = found;
    release(space);
    return status;
}

int h5_shape(const h5_file *file, const char *dataset, int *rank, hsize_t *dims) {
    hid_t id = open_dataset(file, dataset);
    if (id < 0)
        return -1;
    int status = dataset_shape(file, dataset, id, rank, dims);
    H5Dclose(id);
    return status;
}

/* ---------------------------------------------------------------- reading */

/* `slab`: the dataset has one more axis in front than `rank`, of any length. */
static int check_shape(const h5_file *file, const char *dataset, hid_t id, int slab, int rank,
                       const hsize_t *dims, hsize_t *first) {
    int found_rank;
    hsize_t found[H5_MAX_RANK];
    if (dataset_shape(file, dataset, id, &found_rank, found) != 0)
        return -1;
    int same = found_rank == rank + slab;
    for (int i = 0; same && i < rank; i++)
        same = found[i + slab] == dims[i];
    if (same) {
        *first = found_rank > 0 ? found[0] : 1;
        return 0;
    }
    char expected_text[200], found_text[200];
    shape_text(rank, dims, expected_text, sizeof expected_text);
    shape_text(found_rank, found, found_text, sizeof found_text);
    return err_set("%s: dataset '%s': expected shape %s%s, found %s", file->path, dataset,
                   slab ? "(n, ...) of " : "", expected_text, found_text);
}

/* H5T_NO_CLASS also for numbers that are larger than any in use. */
static H5T_class_t number_class(hid_t type) {
    return type >= 0 && H5Tget_size(type) <= NUMBER_MAX ? H5Tget_class(type) : H5T_NO_CLASS;
}

static int check_class(const h5_file *file, const char *dataset, hid_t id, int integers_only) {
    hid_t type = H5Dget_type(id);
    H5T_class_t class = number_class(type);
    release(type);
    if (class == H5T_INTEGER ||
        ((class == H5T_FLOAT || class == H5T_ENUM) && !integers_only)) /* h5py's bool is an enum */
        return 0;
    return err_set("%s: dataset '%s': expected %s, found another type", file->path, dataset,
                   integers_only ? "whole numbers" : "real numbers");
}

static int read_all(const h5_file *file, const char *dataset, int rank, const hsize_t *dims, hid_t as,
                    int integers_only, void *out) {
    hid_t id = open_dataset(file, dataset);
    if (id < 0)
        return -1;
    hsize_t first;
    int status = check_shape(file, dataset, id, 0, rank, dims, &first);
    if (status == 0)
        status = check_class(file, dataset, id, integers_only);
    if (status == 0 && H5Dread(id, as, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
        status = cannot(file, dataset, "read");
    H5Dclose(id);
    return status;
}

int h5_read_f64(const h5_file *file, const char *dataset, int rank, const hsize_t *dims, double *out) {
    return read_all(file, dataset, rank, dims, H5T_NATIVE_DOUBLE, 0, out);
}

int h5_read_f32(const h5_file *file, const char *dataset, int rank, const hsize_t *dims, float *out) {
    return read_all(file, dataset, rank, dims, H5T_NATIVE_FLOAT, 0, out);
}

int h5_read_i32(const h5_file *file, const char *dataset, int rank, const hsize_t *dims, int32_t *out) {
    return read_all(file, dataset, rank, dims, H5T_NATIVE_INT32, 1, out);
}

/* Reads element `index` of a dataset whose shape has been checked into `out`, or writes it from `in`. */
static herr_t move_element(hid_t id, hsize_t index, int rank, const hsize_t *dims, hid_t as, void *out,
                           const void *in) {
    hsize_t start[H5_MAX_RANK] = {index}, count[H5_MAX_RANK] = {1};
    for (int i = 0; i < rank; i++)
        count[i + 1] = dims[i];
    hid_t in_file = H5Dget_space(id), in_memory = H5Screate_simple(rank + 1, count, NULL);
    herr_t status = -1;
    if (in_file >= 0 && in_memory >= 0 &&
        H5Sselect_hyperslab(in_file, H5S_SELECT_SET, start, NULL, count, NULL) >= 0)
        status = in ? H5Dwrite(id, as, in_memory, in_file, H5P_DEFAULT, in)
                    : H5Dread(id, as, in_memory, in_file, H5P_DEFAULT, out);
    release(in_file);
    release(in_memory);
    return status;
}

/* Complex numbers as h5py, fastMRI and BART write them: a compound of the floats "r" and "i". */
static hid_t complex_type(void) {
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(float complex));
    if (type >= 0 && H5Tinsert(type, "r", 0, H5T_NATIVE_FLOAT) >= 0 &&
        H5Tinsert(type, "i", sizeof(float), H5T_NATIVE_FLOAT) >= 0)
        return type;
    release(type);
    return H5I_INVALID_HID;
}

static int check_complex(const h5_file *file, const char *dataset, hid_t id) {
    hid_t type = H5Dget_type(id);
    int same = type >= 0 && H5Tget_class(type) == H5T_COMPOUND && H5Tget_nmembers(type) == 2 &&
               H5Tget_size(type) <= 2 * NUMBER_MAX;
    for (int k = 0; same && k < 2; k++) {
        int member = H5Tget_member_index(type, k ? "i" : "r");
        same = member >= 0 && H5Tget_member_class(type, (unsigned)member) == H5T_FLOAT;
    }
    release(type);
    if (same)
        return 0;
    return err_set(
        "%s: dataset '%s': expected complex numbers (a compound of the floats r and i), found another type",
        file->path, dataset);
}

/* Element `index` of a dataset of (n, dims...), out to memory or in from it. */
static int move_slab(const h5_file *file, const char *dataset, hsize_t index, int rank, const hsize_t *dims,
                     int is_complex, void *out, const void *in) {
    if (rank >= H5_MAX_RANK)
        return err_set("%s: dataset '%s': too many axes requested", file->path, dataset);
    hid_t id = open_dataset(file, dataset);
    if (id < 0)
        return -1;
    hsize_t count = 0;
    hid_t as = is_complex ? complex_type() : H5Tcopy(H5T_NATIVE_FLOAT);
    int status = check_shape(file, dataset, id, 1, rank, dims, &count);
    if (status == 0)
        status = is_complex ? check_complex(file, dataset, id) : check_class(file, dataset, id, 0);
    if (status == 0 && index >= count)
        status = err_set("%s: dataset '%s': expected more than %" PRIuHSIZE
                         " elements along the first axis, found %" PRIuHSIZE,
                         file->path, dataset, index, count);
    if (status == 0 && move_element(id, index, rank, dims, as, out, in) < 0)
        status = cannot(file, dataset, in ? "written" : "read");
    H5Tclose(as);
    H5Dclose(id);
    return status;
}

int h5_read_slab_f32(const h5_file *file, const char *dataset, hsize_t index, int rank, const hsize_t *dims,
                     float *out) {
    return move_slab(file, dataset, index, rank, dims, 0, out, NULL);
}

int h5_read_slab_c64(const h5_file *file, const char *dataset, hsize_t index, int rank, const hsize_t *dims,
                     float complex *out) {
    return move_slab(file, dataset, index, rank, dims, 1, out, NULL);
}

int h5_check_complex(const h5_file *file, const char *dataset) {
    hid_t id = open_dataset(file, dataset);
    if (id < 0)
        return -1;
    int status = check_complex(file, dataset, id);
    H5Dclose(id);
    return status;
}

/* ---------------------------------------------------------------- writing */

/* IEEE binary16 as a change of binary32: sign at bit 15, five bits of exponent from bit 10, ten of mantissa. */
static hid_t float16_type(void) {
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    if (type >= 0 && H5Tset_fields(type, 15, 10, 5, 0, 10) >= 0 && H5Tset_size(type, 2) >= 0 &&
        H5Tset_ebias(type, 15) >= 0)
        return type;
    release(type);
    return H5I_INVALID_HID;
}

/* Rounds to the nearest binary16, ties to even. HDF5's own conversion is not used: it loses the carry into
 * the exponent when a mantissa rounds up to the next power of two (0.06249 becomes 0.03125). */
static uint16_t float16_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) /* NaN */
        return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000) /* rounds to infinity: 65520 and more */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) /* below 2^-14: a multiple of 2^-24, the carry into the exponent included */
        return (uint16_t)(sign | (uint32_t)lrint(fabs((double)value) * 0x1p24));
    uint32_t rounded = magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | rounded >> 13);
}

/* Creates the dataset with the groups on its way. No time stamps: the same content is the same bytes. */
static hid_t create_dataset(h5_file *file, const char *dataset, hid_t type, int rank, const hsize_t *dims) {
    hid_t links = H5Pcreate(H5P_LINK_CREATE), creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple(rank, dims, NULL), id = H5I_INVALID_HID;
    if (links >= 0 && creation >= 0 && space >= 0 && H5Pset_create_intermediate_group(links, 1) >= 0 &&
        H5Pset_obj_track_times(creation, 0) >= 0)
        id = H5Dcreate2(file->id, dataset, type, space, links, creation, H5P_DEFAULT);
    release(links);
    release(creation);
    release(space);
    return id;
}

static int write_all(h5_file *file, const char *dataset, int rank, const hsize_t *dims, hid_t stored,
                     hid_t given, const void *data) {
    hid_t id = create_dataset(file, dataset, stored, rank, dims);
    if (id < 0)
        return err_set("%s: dataset '%s' cannot be created", file->path, dataset);
    herr_t written = H5Dwrite(id, given, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    herr_t closed = H5Dclose(id);
    if (written < 0 || closed < 0)
        return err_set("%s: dataset '%s' cannot be written (disk full?)", file->path, dataset);
    return 0;
}

int h5_write_f32(h5_file *file, const char *dataset, int rank, const hsize_t *dims, const float *data,
                 h5_float as) {
    if (as == H5_F32)
        return write_all(file, dataset, rank, dims, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, data);
    size_t count = 1;
    for (int k = 0; k < rank; k++)
        count *= dims[k];
    hid_t half = float16_type();
    uint16_t *bits = mem_alloc(count * sizeof *bits);
    int status =
        half >= 0 && bits ? 0 : err_set("%s: dataset '%s': no float16 type or memory", file->path, dataset);
    for (size_t k = 0; status == 0 && k < count; k++)
        bits[k] = float16_bits(data[k]);
    if (status == 0)
        status = write_all(file, dataset, rank, dims, half, half, bits);
    release(half);
    free(bits);
    return status;
}

int h5_write_f64(h5_file *file, const char *dataset, int rank, const hsize_t *dims, const double *data) {
    return write_all(file, dataset, rank, dims, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, data);
}

int h5_write_i32(h5_file *file, const char *dataset, int rank, const hsize_t *dims, const int32_t *data) {
    return write_all(file, dataset, rank, dims, H5T_STD_I32LE, H5T_NATIVE_INT32, data);
}

/* ---------------------------------------------------------------- writing slab by slab */

int h5_begin_slabs(h5_file *file, const char *dataset, int rank, const hsize_t *dims, h5_number number) {
    hid_t type = number == H5_COMPLEX ? complex_type() : H5Tcopy(H5T_IEEE_F32LE);
    hid_t id = type >= 0 ? create_dataset(file, dataset, type, rank, dims) : H5I_INVALID_HID;
    release(type);
    if (id < 0)
        return err_set("%s: dataset '%s' cannot be created", file->path, dataset);
    return H5Dclose(id) < 0 ? err_set("%s: dataset '%s' cannot be written", file->path, dataset) : 0;
}

int h5_write_slab_f32(h5_file *file, const char *dataset, hsize_t index, int rank, const hsize_t *dims,
                      const float *data) {
    return move_slab(file, dataset, index, rank, dims, 0, NULL, data);
}

int h5_write_slab_c64(h5_file *file, const char *dataset, hsize_t index, int rank, const hsize_t *dims,
                      const float complex *data) {
    return move_slab(file, dataset, index, rank, dims, 1, NULL, data);
}

/* Of fixed length, UTF-8. Variable-length text is not safe to read (h5_guard.h). */
static hid_t text_type(const char *text) {
    hid_t type = H5Tcopy(H5T_C_S1);
    size_t size = strlen(text);
    if (type >= 0 && H5Tset_size(type, size ? size : 1) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 &&
        H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
        return type;
    release(type);
    return H5I_INVALID_HID;
}

int h5_write_text(h5_file *file, const char *dataset, const char *text) {
    hid_t type = text_type(text);
    int status = write_all(file, dataset, 0, NULL, type, type, text);
    release(type);
    return status;
}

/* ---------------------------------------------------------------- attributes */

int h5_attr_exists(const h5_file *file, const char *name) {
    return H5Aexists(file->id, name) > 0;
}

static hid_t open_attribute(const h5_file *file, const char *name) {
    if (!h5_attr_exists(file, name))
        return err_set("%s: attribute '%s' is missing", file->path, name);
    hid_t id = H5Aopen(file->id, name, H5P_DEFAULT);
    return id >= 0 ? id : err_set("%s: attribute '%s' cannot be read", file->path, name);
}

static hssize_t elements(hid_t space) {
    hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
    release(space);
    return count;
}

/* Fixed strings need not end in a zero byte. */
static char *read_fixed_text(hid_t id, hid_t type) {
    size_t size = H5Tget_size(type);
    char *text = size <= TEXT_MAX ? calloc(size + 1, 1) : NULL;
    int is_attribute = H5Iget_type(id) == H5I_ATTR;
    if (text && (is_attribute ? H5Aread(id, type, text)
                              : H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text)) < 0) {
        free(text);
        return NULL;
    }
    for (size_t n = text && H5Tget_strpad(type) == H5T_STR_SPACEPAD ? size : 0; n && text[n - 1] == ' '; n--)
        text[n - 1] = '\0';
    return text;
}

/* A copy of the text in an attribute or a dataset ("attribute", "dataset") of one string. Closes id, type and space. */
static int read_text(const h5_file *file, const char *what, const char *name, hid_t id, hid_t type,
                     hid_t space, char **text) {
    if (type < 0 || H5Tget_class(type) != H5T_STRING || elements(space) != 1)
        err_set("%s: %s '%s': expected one text", file->path, what, name);
    else if (H5Tis_variable_str(type) > 0)
        *text = h5_guard_text(file->path, name, id, type);
    else if (!(*text = read_fixed_text(id, type)))
        err_set("%s: %s '%s': its text cannot be read", file->path, what, name);
    release(type);
    release(id);
    return *text ? 0 : -1;
}

int h5_attr_text(const h5_file *file, const char *name, char **text) {
    *text = NULL;
    hid_t id = open_attribute(file, name);
    return id < 0 ? -1 : read_text(file, "attribute", name, id, H5Aget_type(id), H5Aget_space(id), text);
}

int h5_read_text(const h5_file *file, const char *dataset, char **text) {
    *text = NULL;
    hid_t id = open_dataset(file, dataset);
    return id < 0 ? -1 : read_text(file, "dataset", dataset, id, H5Dget_type(id), H5Dget_space(id), text);
}

int h5_attr_equals(const h5_file *file, const char *name, const char *text) {
    char *found = NULL;
    int same =
        h5_attr_exists(file, name) && h5_attr_text(file, name, &found) == 0 && strcmp(found, text) == 0;
    free(found);
    return same;
}

int h5_file_says(const char *path, const char *name, const char *text) {
    h5_file *file = access(path, R_OK) == 0 ? h5_open(path) : NULL;
    int same = file && h5_attr_equals(file, name, text);
    h5_close(file);
    return same;
}

/* Reads up to `capacity` numbers; the attribute must be of the class integer, or also real when allowed. */
static int read_numbers(const h5_file *file, const char *name, int reals, hid_t as, int capacity, void *out,
                        int *count) {
    hid_t id = open_attribute(file, name);
    if (id < 0)
        return -1;
    hid_t type = H5Aget_type(id);
    H5T_class_t class = number_class(type);
    hssize_t found = elements(H5Aget_space(id));
    int status = 0;
    if (class != H5T_INTEGER && !(reals && class == H5T_FLOAT))
        status = err_set("%s: attribute '%s': expected %s", file->path, name,
                         reals ? "a number" : "whole numbers");
    else if (found < 1 || found > capacity)
        status = err_set("%s: attribute '%s': expected 1 to %d numbers, found %" PRIdHSIZE, file->path, name,
                         capacity, found);
    else if (H5Aread(id, as, out) < 0)
        status = err_set("%s: attribute '%s' cannot be read", file->path, name);
    *count = (int)found;
    release(type);
    H5Aclose(id);
    return status;
}

int h5_attr_real(const h5_file *file, const char *name, double *value) {
    int count;
    return read_numbers(file, name, 1, H5T_NATIVE_DOUBLE, 1, value, &count);
}

int h5_attr_integer(const h5_file *file, const char *name, int64_t *value) {
    int count;
    return read_numbers(file, name, 0, H5T_NATIVE_INT64, 1, value, &count);
}

int h5_attr_integers(const h5_file *file, const char *name, int capacity, int64_t *values, int *count) {
    return read_numbers(file, name, 0, H5T_NATIVE_INT64, capacity, values, count);
}

/* Creates or replaces an attribute; count 0 is a scalar. */
static int set_attribute(h5_file *file, const char *name, hid_t stored, hid_t given, hsize_t count,
                         const void *data) {
    hid_t space = count ? H5Screate_simple(1, &count, NULL) : H5Screate(H5S_SCALAR);
    if (h5_attr_exists(file, name))
        H5Adelete(file->id, name);
    hid_t id = space >= 0 ? H5Acreate2(file->id, name, stored, space, H5P_DEFAULT, H5P_DEFAULT) : space;
    herr_t written = id >= 0 ? H5Awrite(id, given, data) : -1;
    release(id);
    release(space);
    return written >= 0 ? 0 : err_set("%s: attribute '%s' cannot be written", file->path, name);
}

int h5_set_text(h5_file *file, const char *name, const char *text) {
    hid_t type = text_type(text);
    int status = set_attribute(file, name, type, type, 0, text);
    release(type);
    return status;
}

int h5_set_real(h5_file *file, const char *name, double value) {
    return set_attribute(file, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 0, &value);
}

int h5_set_integer(h5_file *file, const char *name, int64_t value) {
    return set_attribute(file, name, H5T_STD_I64LE, H5T_NATIVE_INT64, 0, &value);
}

int h5_set_integers(h5_file *file, const char *name, int count, const int64_t *values) {
    if (count < 1)
        return err_set("%s: attribute '%s': nothing to write", file->path, name);
    return set_attribute(file, name, H5T_STD_I64LE, H5T_NATIVE_INT64, (hsize_t)count, values);
}
