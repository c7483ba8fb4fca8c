#include "mri/scan_split.h"

#include "core/error.h"
#include "core/list.h"
#include "core/memory.h"
#include "core/rng.h"
#include "io/prepared.h"
#include "io/scan_list.h"
#include "mri/fastmri.h"
#include <ctype.h>
#include <errno.h>
#include <gsl/gsl_randist.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char train_folder[] = "multicoil_train", test_folder[] = "multicoil_val";

const char *split_name(split_kind kind) {
    static const char *const names[SPLIT_KINDS] = {"train", "val", "test"};
    return names[kind];
}

int split_find(const char *name) {
    for (int kind = 0; kind < SPLIT_KINDS; kind++)
        if (strcmp(name, split_name((split_kind)kind)) == 0)
            return kind;
    return -1;
}

/* A file that was met before: links to it under other names are the same file. */
typedef struct {
    dev_t device;
    ino_t inode;
    char *label; /* what messages call it */
} met_file;

typedef struct {
    const split_settings *settings;
    scan_split *split;
    met_file *met;
    int met_count;
} builder;

/* Room for one more element after `count`: the array doubles when count is a power of two. NULL, and the
 * array as it was, when memory runs out. */
static void *grow(void *array, int count, size_t size) {
    if (array && (count & (count - 1)) != 0)
        return array;
    void *grown = realloc(array, (count ? 2 * (size_t)count : 1) * size);
    return grown ? grown : err_set_null("out of memory: list of %d files", count);
}

/* ---------------------------------------------------------------- taking in files */

static void free_scan(split_scan *scan) {
    free(scan->path);
    free(scan->scan_id);
    free(scan->patient_id);
}

/* Takes ownership of `scan`, also when it fails. */
static int append_scan(split_part *part, split_scan scan) {
    split_scan *scans = grow(part->scans, part->count, sizeof *scans);
    if (!scans) {
        free_scan(&scan);
        return -1;
    }
    part->scans = scans;
    scans[part->count++] = scan;
    return 0;
}

/* With keep_going, lists the last failure as skipped; else lets it stand. */
static int skip(builder *b, const char *path) {
    if (!b->settings->keep_going)
        return -1;
    char *name = strdup(path), *message = strdup(err_message());
    scan_split *s = b->split;
    split_skipped *skipped = grow(s->skipped, s->skipped_count, sizeof *skipped);
    if (skipped)
        s->skipped = skipped;
    if (!skipped || !name || !message) {
        free(name);
        free(message);
        return err_set("out of memory");
    }
    skipped[s->skipped_count++] = (split_skipped){name, message};
    return 0;
}

static int check_new(builder *b, const struct stat *info, const char *label) {
    for (int k = 0; k < b->met_count; k++)
        if (b->met[k].device == info->st_dev && b->met[k].inode == info->st_ino)
            return err_set("%s: the same file as %s", label, b->met[k].label);
    met_file *met = grow(b->met, b->met_count, sizeof *met);
    char *copy = strdup(label);
    if (met)
        b->met = met;
    if (!met || !copy) {
        free(copy);
        return err_set("out of memory");
    }
    met[b->met_count++] = (met_file){info->st_dev, info->st_ino, copy};
    return 0;
}

static int check_listed(const scan_list_entry *entry, const raw_scan *scan) {
    if (entry->slices && entry->slices != scan->slices)
        return err_set("%s: num_slices: listed %d, found %d in %s", entry->where, entry->slices, scan->slices,
                       scan->source);
    if (entry->patient_id && strcmp(entry->patient_id, scan->patient_id) != 0)
        return err_set("%s: patient_id: listed '%s', found '%s' in %s", entry->where, entry->patient_id,
                       scan->patient_id, scan->source);
    return 0;
}

/* What a file's name must be to be the id of a scan: experiments read no other prepared scans. */
static int check_name(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, ".h5") == 0)
        length -= 3;
    for (size_t k = 0; k < length; k++)
        if (iscntrl((unsigned char)name[k]))
            return err_set(
                "%.*s...: expected a file name without control characters, found one after these %zu bytes",
                (int)((size_t)(name - path) + k), path, k);
    if (length > PREPARED_ID_MAX)
        return err_set("%s: expected a file name of at most %d bytes and \".h5\", found %zu", path,
                       PREPARED_ID_MAX, length);
    if (name[0] == '.')
        return err_set("%s: expected a visible file, found a name that begins with a dot", path);
    return 0;
}

/* Adds one file to a split; entry: its line of the list, NULL without lists. */
static int add_file(builder *b, split_kind kind, const char *path, const scan_list_entry *entry) {
    raw_scan *scan = check_name(path) == 0 ? fastmri_open_sized(path, &b->settings->image) : NULL;
    if (!scan)
        return skip(b, path);
    int status = entry ? check_listed(entry, scan) : 0;
    if (status == 0) {
        split_scan copy = {strdup(path), scan->scan_id,    scan->patient_id,
                           scan->slices, scan->image_rows, scan->image_columns};
        scan->scan_id = scan->patient_id = NULL; /* moved */
        b->split->one_coil += scan->coils == 1;
        status = append_scan(&b->split->parts[kind], copy);
        if (status == 0 && !copy.path)
            status = err_set("out of memory");
    }
    raw_scan_close(scan);
    return status;
}

/* Adds a file that was found if it is new. A dangling link is left for add_file() to report. */
static int meet_file(builder *b, split_kind kind, const char *path, const scan_list_entry *entry) {
    struct stat info;
    char *label;
    if (asprintf(&label, "%s%s%s", entry ? entry->where : "", entry ? ": " : "", path) < 0)
        return err_set("out of memory");
    int status = stat(path, &info) == 0 ? check_new(b, &info, label) : 0;
    free(label);
    return status == 0 ? add_file(b, kind, path, entry) : status;
}

/* ---------------------------------------------------------------- by folder */

static char *path_join(const char *folder, const char *name) {
    char *path;
    return asprintf(&path, "%s/%s", folder, name) >= 0 ? path : err_set_null("out of memory");
}

/* Adds every *.h5 in a folder. With `there`, a missing folder is no error, and *there is 0. */
static int add_folder(builder *b, split_kind kind, const char *folder, int *there) {
    name_list names;
    int status = name_list_folder(&names, folder, ".h5"), found = access(folder, F_OK) == 0;
    if (there)
        *there = found;
    else if (!found)
        status = err_set("%s: cannot list the scans: %s", folder, strerror(errno));
    for (size_t k = 0; status == 0 && k < names.count; k++) {
        char *path = path_join(folder, names.items[k]);
        status = path ? meet_file(b, kind, path, NULL) : -1;
        free(path);
    }
    name_list_free(&names);
    return status;
}

static int add_subfolder(builder *b, split_kind kind, const char *name, int *there) {
    char *path = path_join(b->settings->folder, name);
    int status = path ? add_folder(b, kind, path, there) : -1;
    free(path);
    return status;
}

static int by_patient(const void *a, const void *b) {
    const split_scan *x = a, *y = b;
    int order = strcmp(x->patient_id, y->patient_id);
    return order ? order : strcmp(x->path, y->path);
}

/* Moves the scans of `patients` drawn at random from train, which is sorted by patient, to val. first: where
 * the scans of each patient begin, [patients + 1]; order: [patients], room to shuffle in. */
static int move_patients(builder *b, int patients, const int *first, int *order) {
    split_part *train = &b->split->parts[SPLIT_TRAIN], *val = &b->split->parts[SPLIT_VAL];
    long wanted = lround(b->settings->val_share * train->count);
    gsl_rng *rng = rng_stream(b->settings->seed, RNG_SPLIT, 0, 0);
    if (!rng)
        return -1;
    gsl_ran_shuffle(rng, order, (size_t)patients, sizeof *order);
    gsl_rng_free(rng);
    int status = 0, kept = 0;
    for (int p = 0; p < patients && val->count < wanted; p++)
        for (int k = first[order[p]]; k < first[order[p] + 1]; k++) {
            status |= append_scan(val, train->scans[k]);
            train->scans[k].path = NULL; /* moved */
        }
    for (int k = 0; k < train->count; k++)
        if (train->scans[k].path)
            train->scans[kept++] = train->scans[k];
    train->count = kept;
    return status;
}

static int draw_validation(builder *b) {
    split_part *train = &b->split->parts[SPLIT_TRAIN];
    if (train->count == 0)
        return 0;
    qsort(train->scans, (size_t)train->count, sizeof *train->scans, by_patient);
    int *first = mem_alloc((2 * (size_t)train->count + 1) * sizeof *first), patients = 0;
    if (!first)
        return -1;
    int *order = first + train->count + 1;
    for (int k = 0; k < train->count; k++)
        if (k == 0 || strcmp(train->scans[k].patient_id, train->scans[k - 1].patient_id) != 0) {
            order[patients] = patients;
            first[patients++] = k;
        }
    first[patients] = train->count;
    int status = move_patients(b, patients, first, order);
    free(first);
    return status;
}

static int files_met(const scan_split *split) {
    int count = split->skipped_count;
    for (int kind = 0; kind < SPLIT_KINDS; kind++)
        count += split->parts[kind].count;
    return count;
}

static int build_by_folder(builder *b) {
    const char *folder = b->settings->folder;
    int train = 0, test = 0;
    if (add_subfolder(b, SPLIT_TEST, test_folder, &test) != 0 ||
        add_subfolder(b, SPLIT_TRAIN, train_folder, &train) != 0)
        return -1;
    if (!train && !test) {
        if (add_folder(b, SPLIT_TEST, folder, NULL) != 0)
            return -1;
        if (files_met(b->split) == 0)
            return err_set("%s: expected a folder %s or %s in it, or fastMRI files (*.h5), found none",
                           folder, train_folder, test_folder);
    }
    if (files_met(b->split) == 0)
        return err_set("%s: expected fastMRI files (*.h5) in %s or %s, found none", folder, train_folder,
                       test_folder);
    return draw_validation(b);
}

/* ---------------------------------------------------------------- by list */

/* Path of the file that a list means, owned by the caller; NULL with a message. */
static char *find_listed(const char *folder, const scan_list_entry *entry) {
    const char *slash = strrchr(entry->name, '/'), *base = slash ? slash + 1 : entry->name;
    const char *const places[][3] = {
        {"", "", entry->name}, {"", "", base}, {train_folder, "/", base}, {test_folder, "/", base}};
    struct stat info;
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        char *path;
        if (asprintf(&path, "%s/%s%s%s", folder, places[k][0], places[k][1], places[k][2]) < 0)
            return err_set_null("out of memory");
        if (stat(path, &info) == 0)
            return path;
        free(path);
    }
    return err_set_null("%s: file '%s' is neither in %s nor in its folders %s and %s", entry->where,
                        entry->name, folder, train_folder, test_folder);
}

static int add_listed(builder *b, split_kind kind, const scan_list_entry *entry) {
    char *path = find_listed(b->settings->folder, entry);
    int status = path ? meet_file(b, kind, path, entry) : skip(b, entry->name);
    free(path);
    return status;
}

static int build_by_lists(builder *b) {
    int status = 0;
    for (int kind = 0; status == 0 && kind < SPLIT_KINDS; kind++) {
        if (!b->settings->lists[kind])
            continue;
        scan_list *list = scan_list_read(b->settings->lists[kind]);
        status = list ? 0 : -1;
        for (int k = 0; status == 0 && k < list->count; k++)
            status = add_listed(b, (split_kind)kind, &list->entries[k]);
        scan_list_free(list);
    }
    return status;
}

/* ---------------------------------------------------------------- checks */

static int by_scan_id(const void *a, const void *b) {
    const split_scan *x = a, *y = b;
    int order = strcmp(x->scan_id, y->scan_id);
    return order ? order : strcmp(x->path, y->path);
}

/* Sorts a split and counts its slices; no two scans may share an id. */
static int finish_part(split_part *part, split_kind kind) {
    if (part->count == 0)
        return 0;
    qsort(part->scans, (size_t)part->count, sizeof *part->scans, by_scan_id);
    for (int k = 0; k < part->count; k++) {
        part->slices += part->scans[k].slices;
        if (k > 0 && strcmp(part->scans[k].scan_id, part->scans[k - 1].scan_id) == 0)
            return err_set("%s and %s: two scans with the id '%s' in split %s", part->scans[k - 1].path,
                           part->scans[k].path, part->scans[k].scan_id, split_name(kind));
    }
    return 0;
}

typedef struct {
    const split_scan *scan;
    split_kind kind;
} placed_scan;

static int by_patient_then_kind(const void *a, const void *b) {
    const placed_scan *x = a, *y = b;
    int order = strcmp(x->scan->patient_id, y->scan->patient_id);
    return order ? order : x->kind != y->kind ? (int)x->kind - (int)y->kind : by_scan_id(x->scan, y->scan);
}

/* Counts the patients of every split; none may be in two. */
static int check_patients(scan_split *split) {
    int total = files_met(split) - split->skipped_count, count = 0, status = 0;
    placed_scan *all = mem_alloc((size_t)total * sizeof *all);
    if (!all)
        return -1;
    for (int kind = 0; kind < SPLIT_KINDS; kind++)
        for (int k = 0; k < split->parts[kind].count; k++)
            all[count++] = (placed_scan){&split->parts[kind].scans[k], (split_kind)kind};
    qsort(all, (size_t)total, sizeof *all, by_patient_then_kind);
    for (int k = 0; status == 0 && k < total; k++) {
        const placed_scan *a = &all[k > 0 ? k - 1 : 0], *b = &all[k];
        int same = k > 0 && strcmp(a->scan->patient_id, b->scan->patient_id) == 0;
        split->parts[b->kind].patients += !same;
        if (same && a->kind != b->kind)
            status = err_set("patient '%s' is in two splits: %s (%s) and %s (%s)", a->scan->patient_id,
                             a->scan->path, split_name(a->kind), b->scan->path, split_name(b->kind));
    }
    free(all);
    return status;
}

static int finish(scan_split *split, const char *folder) {
    if (files_met(split) == split->skipped_count)
        return err_set("%s: none of %d scans can be used; the first: %s", folder, split->skipped_count,
                       split->skipped[0].message);
    for (int kind = 0; kind < SPLIT_KINDS; kind++)
        if (finish_part(&split->parts[kind], (split_kind)kind) != 0)
            return -1;
    return check_patients(split);
}

scan_split *scan_split_open(const split_settings *settings) {
    if (!(settings->val_share >= 0.0 && settings->val_share <= 1.0))
        return err_set_null("share of scans for validation: expected 0 to 1, found %g", settings->val_share);
    int lists = 0;
    for (int kind = 0; kind < SPLIT_KINDS; kind++)
        lists |= settings->lists[kind] != NULL;
    builder b = {.settings = settings, .split = mem_calloc(1, sizeof *b.split)};
    if (!b.split)
        return NULL;
    int status = lists ? build_by_lists(&b) : build_by_folder(&b);
    for (int k = 0; k < b.met_count; k++)
        free(b.met[k].label);
    free(b.met);
    if (status == 0)
        status = finish(b.split, settings->folder);
    if (status == 0)
        return b.split;
    scan_split_free(b.split);
    return NULL;
}

void scan_split_free(scan_split *split) {
    if (!split)
        return;
    for (int kind = 0; kind < SPLIT_KINDS; kind++) {
        for (int k = 0; k < split->parts[kind].count; k++)
            free_scan(&split->parts[kind].scans[k]);
        free(split->parts[kind].scans);
    }
    for (int k = 0; k < split->skipped_count; k++) {
        free(split->skipped[k].path);
        free(split->skipped[k].message);
    }
    free(split->skipped);
    free(split);
}
