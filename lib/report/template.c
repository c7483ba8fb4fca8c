#include "report/template.h"

#include "core/error.h"
#include "report/html.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- data */

void template_set(json_t *item, const char *name, const char *format, ...) {
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) >= 0) {
        json_object_set_new(item, name, json_string_nocheck(text));
        free(text);
    }
    va_end(arguments);
}

json_t *template_add(json_t *item, const char *list) {
    if (!json_object_get(item, list))
        json_object_set_new(item, list, json_array());
    json_t *items = json_object_get(item, list), *added = json_object();
    return json_array_append_new(items, added) == 0 ? added : NULL;
}

void template_set_parts(json_t *item, const char *text) {
    while ((text = strstr(text, "{{="))) {
        const char *name = text + 3, *from = strstr(name, "}}\n"), *end = strstr(name, "\n{{=");
        if (!from)
            return;
        int length = (int)(from - name);
        char key[64];
        snprintf(key, sizeof key, "%.*s", length, name);
        text = end ? end : from + strlen(from);
        template_set(item, key, "%.*s", (int)(text - from - 3), from + 3);
    }
}

/* ---------------------------------------------------------------- filling */

/* What names mean at some place of the template. */
typedef struct scope {
    const json_t *data;
    const struct scope *outer;
    int is_last; /* item of its list */
} scope;

typedef struct {
    char kind;       /* of "#^/%|>"; 0: none of them */
    char name[64];   /* and of '|' the text */
    const char *end; /* what follows the tag */
} tag;

static const json_t *look_up(const scope *s, const char *name) {
    const json_t *found = NULL;
    for (; s && !found; s = s->outer)
        found = json_object_get(s->data, name);
    return found;
}

/* The tag that begins at `at`. A section's tag takes its line's end along where it stands alone. */
static int read_tag(const char *at, int begins_line, tag *t) {
    const char *name = at + 2, *end = strstr(name, "}}");
    t->kind = strchr("#^/%|>", *name) ? *name++ : 0;
    if (!end || end - name >= (int)sizeof t->name)
        return err_set("template: a tag without an end: '%.20s'", at);
    snprintf(t->name, sizeof t->name, "%.*s", (int)(end - name), name);
    t->end = end + 2;
    if (begins_line && t->kind && strchr("#^/", t->kind) && *t->end == '\n')
        t->end++;
    return 0;
}

/* Fills up to the end of the section, or of the text where section is NULL. Returns what follows, NULL
 * after an error. out: NULL to find the end only. */
static const char *fill(FILE *out, const char *text, const char *section, const scope *s);

static int fill_slot(FILE *out, const tag *t, const scope *s) {
    if (t->kind == '|') {
        if (out && !s->is_last)
            fputs(t->name, out);
        return 0;
    }
    const char *text = out ? json_string_value(look_up(s, t->name)) : NULL;
    if (!text)
        return out ? err_set("template: no text for {{%s}}", t->name) : 0;
    if (t->kind == '>')
        return fill(out, text, NULL, s) ? 0 : -1;
    if (t->kind == '%')
        html_address(out, text);
    else
        html_text(out, text);
    return 0;
}

/* How often a section is filled. */
static size_t count_items(const json_t *value, int is_inverse) {
    size_t items = json_is_array(value) ? json_array_size(value)
                                        : json_is_object(value) || json_string_length(value) > 0;
    return is_inverse ? items == 0 : items;
}

static const char *fill_section(FILE *out, const tag *t, const scope *s) {
    const json_t *value = look_up(s, t->name);
    size_t items = out ? count_items(value, t->kind == '^') : 0;
    if (items == 0)
        return fill(NULL, t->end, t->name, s);
    const char *end = NULL;
    for (size_t k = 0; k < items; k++) {
        const scope inner = {json_is_array(value) ? json_array_get(value, k) : value, s, k + 1 == items};
        if (!(end = fill(out, t->end, t->name, &inner)))
            return NULL;
    }
    return end;
}

static const char *fill(FILE *out, const char *text, const char *section, const scope *s) {
    const char *at = text;
    for (const char *open; at && (open = strstr(at, "{{"));) {
        tag t;
        if (out)
            fwrite(at, 1, (size_t)(open - at), out);
        if (read_tag(open, open > text && open[-1] == '\n', &t) < 0)
            return NULL;
        if (t.kind == '/' && section && strcmp(section, t.name) == 0)
            return t.end;
        if (t.kind == '/')
            return err_set_null("template: {{/%s}} ends no section", t.name);
        if (t.kind == '#' || t.kind == '^')
            at = fill_section(out, &t, s);
        else
            at = fill_slot(out, &t, s) == 0 ? t.end : NULL;
    }
    if (at && section)
        return err_set_null("template: {{#%s}} has no end", section);
    if (at && out)
        fputs(at, out);
    return at;
}

int template_fill(FILE *out, const char *text, const json_t *data) {
    const scope outermost = {data, NULL, 1};
    return fill(out, text, NULL, &outermost) ? 0 : -1;
}
