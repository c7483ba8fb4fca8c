/* Writing HTML: text is escaped, images are put into the page. The caller looks at ferror() in the end. */
#ifndef SSFD_REPORT_HTML_H
#define SSFD_REPORT_HTML_H

#include <stddef.h>
#include <stdio.h>

/* Head and style of a page that is readable on phones and paper, in light and in dark, and needs no network.
 */
void html_begin(FILE *page, const char *title);
void html_end(FILE *page);

void html_put(FILE *page, const char *html); /* as it is */
void html_text(FILE *page, const char *text);
void html_format(FILE *page, const char *format, ...) __attribute__((format(printf, 2, 3))); /* as text */
void html_heading(FILE *page, const char *text);
void html_item(FILE *page, const char *text); /* of a list */
void html_cell(FILE *page, const char *text);
void html_number_cell(FILE *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
void html_code(FILE *page, const char *text);
/* A link to a file beside the page. */
void html_link(FILE *page, const char *file, const char *label);
/* A PNG as part of the page. -1: no memory. */
int html_image(FILE *page, const unsigned char *png, size_t size, const char *alternative);

#endif
