/* Templates: HTML with slots, filled with data as Mustache does it.
 *
 *   {{name}}                the text, escaped for HTML
 *   {{%name}}               percent-encoded, for the address of a file next to the page
 *   {{#name}} ... {{/name}}  once for each item of a list; once where there is such a text that is not ""
 *   {{^name}} ... {{/name}}  once where there is none
 *   {{|; }}                 "; " after every item of the list but the last
 *   {{>name}}               the text is itself a template, which is filled here
 *
 * Data are texts, lists of items and items, which hold data by name. A name is looked up in the innermost
 * item first, then outwards. A slot without data is an error, so that no misspelt one stays empty. */
#ifndef SSFD_REPORT_TEMPLATE_H
#define SSFD_REPORT_TEMPLATE_H

#include <jansson.h>
#include <stdio.h>

/* -1 with a message for a slot without data and a section without an end. */
int template_fill(FILE *out, const char *text, const json_t *data);

/* A text of an item, in printf format, of any bytes. Memory that runs out shows when the slot is filled. */
void template_set(json_t *item, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A new item at the end of a list, which is made when missing. Borrowed. */
json_t *template_add(json_t *item, const char *list);
/* The parts of a text, each of which begins with a line {{=name}}, as texts of that name. */
void template_set_parts(json_t *item, const char *text);

/* Makes a file of lib/ or of the repository's folders part of the program, as `const char name[]`. */
#define TEMPLATE_EMBED(name, file)                                                                           \
    __asm__(".pushsection .rodata\n.global " #name "\n" #name ":\n.incbin \"" file                           \
            "\"\n.byte 0\n.popsection\n");                                                                   \
    extern const char name[]

#endif
