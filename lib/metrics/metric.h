/* A metric: a number that says how good an image is, given its reference. SSIM, PSNR, NRMSE, HFEN, SSFD and
 * the feature distances that SSFD is compared with are values of one type; tables, statistics, figures, the
 * results page and --help take their properties from it.
 *
 * To add one: write lib/metrics/<name>.c that defines `const metric metric_<name>`, and add its name to the
 * list in lib/metrics/registry.c. With METRIC_ALWAYS it is in every table; without, --baseline asks for it. */
#ifndef SSFD_METRICS_METRIC_H
#define SSFD_METRICS_METRIC_H

#include "core/csv.h"
#include "core/image.h"
#include <stdint.h>

#define METRIC_VALUES 17 /* numbers of one pass, at most: a sum over layers and 16 layers */
#define METRIC_NAME 224  /* bytes of a key or title */

typedef enum { METRIC_HIGHER_IS_BETTER, METRIC_LOWER_IS_BETTER } metric_direction;

/* What experiments do with a metric. */
enum {
    METRIC_ALWAYS = 1,    /* computed in every experiment; the others by --baseline */
    METRIC_CLAIMED = 2,   /* claims compare SSFD with it */
    METRIC_BASELINE = 4,  /* stands next to SSFD in figures: figure 3 shows the first */
    METRIC_LAYER = 8,     /* one layer of SSFD by itself */
    METRIC_UNBOUNDED = 16 /* infinite where an image equals its reference */
};

typedef struct metric metric;

/* What tables and figures need to know of a metric. */
typedef struct {
    char key[METRIC_NAME];   /* "psnr_db", "vgg_pl_relu2_2" */
    char title[METRIC_NAME]; /* of an axis or column: "PSNR (dB)"; never a comma */
    metric_direction direction;
    unsigned roles;
    int style; /* line type in figures (plots/style.gp); 0: none of its own */
} metric_label;

/* Files that metrics are computed with, and what stands in for them. */
typedef struct {
    const char *ssfd_weights, *ssfd_layers; /* layers: comma-separated */
    const char *vgg16_weights;              /* NULL: random */
    const char *lpips_weights;              /* NULL: LPIPS is refused */
    uint64_t seed;                          /* of random weights */
} metric_files;

/* The reference of the images that follow. */
typedef struct {
    image image;
    double range; /* SSIM's data range and PSNR's peak: the maximum magnitude of the slice (or volume) */
} metric_reference;

/* A metric made ready: what open() fills in. */
typedef struct {
    metric_label label; /* set before open(), which may change key and title */
    char about[640];    /* provenance in one line: weights, their checksum, layers */
    void *shared;       /* the method's own, such as a network: threads read it only */
    int values;         /* numbers that score() gives; set before open() to the method's */
} metric_instance;

/* How metrics are computed; several metrics may come from one pass (SSIM and its foreground). A thread calls
 * reference() once, then score() for any number of images. Functions may be NULL where there is nothing to
 * do; those that fail return -1 or NULL with a message. */
typedef struct {
    int values;
    int (*open)(metric_instance *m, const metric *type, const char *layers, const metric_files *files);
    void (*close)(void *shared);
    void *(*workspace)(const void *shared, int rows, int columns); /* one per thread */
    void (*workspace_free)(void *workspace);
    int (*reference)(void *workspace, const metric_reference *reference);
    int (*score)(void *workspace, const metric_reference *reference, const float *compared, double *values);
} metric_method;

struct metric {
    const char *key, *title;
    const char *help;  /* a line of --help */
    const char *about; /* a comment of tables, how it is computed; NULL: what open() says, or nothing */
    metric_direction direction;
    unsigned roles;
    int style;              /* line type in figures (plots/style.gp); 0: none of its own */
    const metric *distance; /* stands for it where a distance is needed (PSNR: NRMSE). NULL: the value itself,
                             * or 1 - value where a higher one is better */
    const metric_method *method;
    int value;                               /* which of the method's numbers */
    const char *layers;                      /* of its network by default; NULL: none, or those of SSFD */
    int (*check_layers)(const char *layers); /* NULL: only the weight file knows them */
    int takes_layers;                        /* "vgg_pl:relu3_3" is allowed */
};

/* ---------------------------------------------------------------- the registry */

/* All metrics in the order of tables; NULL-terminated. */
const metric *const *metric_list(void);
/* By key; NULL with a message that lists the known ones. */
const metric *metric_find(const char *key);

/* An item "vgg_pl" or "vgg_pl:relu2_2+relu3_3", whose layers' distances add. layers becomes the list with
 * commas, the defaults where none are given, "" for those of SSFD. NULL with a message. */
const metric *metric_parse(const char *item, char layers[METRIC_NAME]);
/* Checks a comma-separated list of such items without opening anything; "" is allowed. -1 with a message for
 * one that is unknown, given twice or computed in any case. */
int metric_list_check(const char *list);
/* The metrics with a line about each, for --help. */
void metric_help(char *text, size_t size);

/* ---------------------------------------------------------------- labels */

metric_label metric_label_of(const metric *m);
/* The label of a key of the registry, of such a key with layers ("vgg_pl_relu2_2") and of a layer of SSFD
 * ("block4_relu2"): 1 where it is one of these, else 0. */
int metric_known(const char *key, metric_label *label);

/* +1 where a larger value means a poorer image, -1 where a smaller one does. */
static inline double metric_poor_sign(const metric_label *label) {
    return label->direction == METRIC_LOWER_IS_BETTER ? 1.0 : -1.0;
}

/* Appends the layers of a network, separated by commas, to key and title: "vgg_pl_relu2_2", "VGG-PL relu2_2". */
void metric_label_layers(metric_label *label, const char *layers);

/* A value as a distance: itself, or 1 - value where a higher one is better. */
static inline double metric_as_distance(const metric_label *label, double value) {
    return label->direction == METRIC_HIGHER_IS_BETTER ? 1.0 - value : value;
}

/* In tables, a comment for each metric:
 *   # metric vgg_pl_relu2_2: VGG-PL relu2_2; lower is better; claimed baseline */
void metric_label_write(const metric_label *label, csv_writer *csv);
/* Reads the comment about `key`: 1; 0 where the table has none; -1 with a message where it is not as above. */
int metric_label_read(metric_label *label, const csv_table *csv, const char *key);

#endif
