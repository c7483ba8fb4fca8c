/* What goes into HTML from outside: escaped text, addresses and images. */
#ifndef SSFD_REPORT_HTML_H
#define SSFD_REPORT_HTML_H

#include <stdio.h>

/* Text for elements and for attributes in double quotes. */
void html_text(FILE *page, const char *text);
/* The address of a file next to the page: what an address cannot hold is percent-encoded. */
void html_address(FILE *page, const char *file);
/* A PNG file as "data:image/png;base64,...", "" where there is none. Owned by the caller. */
char *html_png(const char *path);

#endif
