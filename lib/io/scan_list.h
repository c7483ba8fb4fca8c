/* Lists of scans: which files make up a split. Two formats, told apart by the first character that is not
 * blank.
 *
 * Text: a file name per line. Blanks around it, empty lines, and comments ('#' at the start of a line or after a
 * blank) are ignored.
 *
 * JSON ('{'), as meddlr's annotations of fastMRI have it:
 *   {"images": [{"file_name": "file1000002.h5", "patient_id": "eb76", "num_slices": 38, ...}, ...], ...}
 * patient_id and num_slices may be missing or null; every other key is ignored. */
#ifndef SSFD_IO_SCAN_LIST_H
#define SSFD_IO_SCAN_LIST_H

typedef struct {
    char *name;       /* as listed, perhaps with folders in front */
    char *where;      /* for messages: "val.txt: line 3", "val.json: images[2]" (from 0) */
    char *patient_id; /* NULL when not given */
    int slices;       /* 0 when not given */
} scan_list_entry;

typedef struct {
    scan_list_entry *entries; /* in the order of the file */
    int count;                /* at least 1 */
} scan_list;

/* NULL with a message that names the file and, where there is one, the line or entry: it cannot be read, is
 * binary or names nothing; malformed JSON or a key given twice; "images" or a file_name is missing; a
 * value of the wrong type, num_slices below 1 included. */
scan_list *scan_list_read(const char *path);
void scan_list_free(scan_list *list); /* NULL is allowed */

#endif
