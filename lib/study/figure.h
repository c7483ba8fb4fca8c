/* A figure as tables that are ready to draw, in OUT/panels: plots/NAME.gp draws their rows and works nothing out.
 *
 *   NAME_axes.tsv    a pair of axes a row: axes,title,x_title,y_title,x_low,x_high,x_step,y_low,y_high,y_step; at the
 *                    top the notes, "# key: text"
 *   NAME_series.tsv  what belongs together, a curve or points of one kind: series,axes,style,label
 *   NAME_marks.tsv   a point a row, those of a series in succession: series,x,y,low,high
 *   NAME_ticks.tsv   names at an axis instead of numbers: axes,at,label,value
 *   NAME_images.tsv  images in rows and columns: row,column,file,title,note,caption; title and note are above the image
 *
 * Axes and series are counted from 1. Fields are separated by tabs, because gnuplot takes no comma in a field: text may
 * hold any character except tabs, line breaks and quotes, which are replaced; an empty text is a blank. */
#ifndef SSFD_STUDY_FIGURE_H
#define SSFD_STUDY_FIGURE_H

#include "stats/interval.h"
#include <stddef.h>

typedef struct figure figure;

typedef struct {
    double low, high, step; /* ends and distance of ticks; step 0: gnuplot's own */
} figure_range;

/* The end of the folder's path is `name`, "quality_control". NULL with a message. */
figure *figure_open(const char *out, const char *name);
/* Before the first axes. */
void figure_note(figure *f, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The number of the new axes. */
int figure_axes(figure *f, const char *title, const char *x_title, figure_range x, const char *y_title,
                figure_range y);
/* The number of the new series. style: what the script draws it with, a line type of plots/style.gp for metrics
 * (metric_label.style). */
int figure_series(figure *f, int axes, int style, const char *label);
/* y is the estimate; without an interval low and high are NaN. */
void figure_mark(figure *f, int series, double x, interval y);
void figure_point(figure *f, int series, double x, double y);
void figure_tick(figure *f, int axes, double at, const char *label, const char *value);
/* The image in OUT/panels/<file>.f32. */
void figure_image(figure *f, int row, int column, const char *file, const char *title, const char *note,
                  const char *caption);
/* Commits the tables where status is 0, drops them otherwise, and frees. Any earlier error of writing shows here. f may
 * be NULL: -1. */
int figure_close(figure *f, int status);

/* ---------------------------------------------------------------- ends of axes, numbers as text */

/* A range around least..most with a margin, a share of its length, and about `ticks` ticks at 1, 2 or 5 times a power of
 * ten. A range without length gets half a unit on either side. */
figure_range figure_range_around(double least, double most, double margin, int ticks);

/* The power of ten in whose units values up to `most` need few digits: 0 where they do without, from `small` up to 1e4. */
int figure_power(double least, double most, double small);
/* "title / 10⁻²", "title" where the power is 0. */
void figure_in_units(char *text, size_t size, const char *title, int power);

/* "0.52 [0.48, 0.56]" with a true minus sign; without an interval "0.52"; NaN: "undefined". */
void figure_number(char *text, size_t size, interval value, int digits);

#endif
