#include "report/html.h"

#include "core/memory.h"
#include "core/error.h"
#include <ctype.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
    "<style>\n"
    ":root{color-scheme:light dark;--ink:#1d1d1f;--paper:#fff;--soft:#5c5c66;--line:#d9d9de;\n"
    "--warn:#fff4d6;--warn-line:#c98a00;--yes:#00714f;--no:#b3261e;--open:#6b5a00}\n"
    "@media screen and (prefers-color-scheme:dark){:root{--ink:#ececf1;--paper:#17181c;--soft:#a3a3ad;\n"
    "--line:#3a3b42;--warn:#3a2f12;--warn-line:#e0a526;--yes:#4fd1a5;--no:#ff8a80;--open:#e6c84c}}\n"
    "body{margin:0 auto;max-width:62rem;padding:1.2rem;font:16px/1.55 system-ui,'DejaVu Sans',sans-serif;\n"
    "color:var(--ink);background:var(--paper)}\n"
    "h1{font-size:1.7rem;line-height:1.2}\n"
    "h3{font-size:1.05rem}h2{font-size:1.25rem;margin-top:2.2rem;border-bottom:1px solid "
    "var(--line);padding-bottom:.2rem}\n"
    "figure{margin:1rem 0}img{width:100%;height:auto;background:#fff;border-radius:4px}\n"
    "figcaption,.soft{color:var(--soft);font-size:.92rem}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;width:100%}\n"
    "th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}\n"
    ".number{white-space:nowrap;font-variant-numeric:tabular-nums}\n"
    ".joined td{border-bottom:0;padding-bottom:0}\n"
    ".warn{background:var(--warn);border-left:4px solid var(--warn-line);padding:.7rem 1rem;\n"
    "border-radius:4px;margin:1rem 0}\n"
    ".yes,.no,.open{font-weight:600}.yes{color:var(--yes)}.no{color:var(--no)}.open{color:var(--open)}\n"
    ".plain{list-style:none;padding:0}.plain li{margin:.25rem 0}\n"
    "li,code{overflow-wrap:anywhere}code{font-size:.88em}a{color:inherit}\n"
    "@media screen and (max-width:40rem){figure img{min-width:40rem}.claims thead{display:none}\n"
    ".tight{font-size:.8rem}.tight th,.tight td{padding:.3rem .25rem}\n"
    ".claims tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--line)}.claims "
    "td{display:block;border:0;padding:.05rem 0}\n"
    ".claims .number,.claims td[data-label]{white-space:normal}\n"
    ".claims td[data-label]::before{content:attr(data-label) ': ';color:var(--soft)}}\n"
    "@media print{:root{color-scheme:light}body{max-width:none;padding:0;font-size:11pt}\n"
    "h2,h3{break-after:avoid}figure,tr,.warn,.tight{break-inside:avoid}.scroll{overflow:visible}}\n"
    "</style>\n";

void html_begin(FILE *page, const char *title) {
    html_put(page, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>");
    html_text(page, title);
    html_put(page, "</title>\n");
    html_put(page, style);
    html_put(page, "</head><body>\n");
}

void html_end(FILE *page) {
    html_put(page, "</body></html>\n");
}

void html_put(FILE *page, const char *html) {
    fputs(html, page);
}

void html_text(FILE *page, const char *text) {
    for (; *text; text++)
        switch (*text) {
        case '&':
            html_put(page, "&amp;");
            break;
        case '<':
            html_put(page, "&lt;");
            break;
        case '>':
            html_put(page, "&gt;");
            break;
        case '"':
            html_put(page, "&quot;");
            break;
        default:
            fputc(*text, page);
        }
}

static void put_formatted(FILE *page, const char *format, va_list arguments) {
    char text[16384];
    vsnprintf(text, sizeof text, format, arguments);
    html_text(page, text);
}

void html_format(FILE *page, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    put_formatted(page, format, arguments);
    va_end(arguments);
}

void html_number_cell(FILE *page, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    html_put(page, "<td class=\"number\">");
    put_formatted(page, format, arguments);
    html_put(page, "</td>");
    va_end(arguments);
}

void html_heading(FILE *page, const char *text) {
    html_put(page, "<h2>");
    html_text(page, text);
    html_put(page, "</h2>\n");
}

void html_item(FILE *page, const char *text) {
    html_put(page, "<li>");
    html_text(page, text);
    html_put(page, "</li>\n");
}

void html_cell(FILE *page, const char *text) {
    html_put(page, "<td>");
    html_text(page, text);
    html_put(page, "</td>");
}

void html_code(FILE *page, const char *text) {
    html_put(page, "<code>");
    html_text(page, text);
    html_put(page, "</code>");
}

/* A link to a file beside the page; what a URL cannot hold is percent-encoded. */
void html_link(FILE *page, const char *file, const char *label) {
    html_put(page, "<a href=\"");
    for (const char *c = file; *c; c++)
        if (isalnum((unsigned char)*c) || strchr("/._-", *c))
            fputc(*c, page);
        else
            fprintf(page, "%%%02X", (unsigned)(unsigned char)*c);
    html_put(page, "\">");
    html_text(page, label);
    html_put(page, "</a>");
}

int html_image(FILE *page, const unsigned char *png, size_t size, const char *alternative) {
    unsigned char *digits = mem_alloc(4 * (size + 2) / 3 + 4);
    if (!digits)
        return -1;
    int length = EVP_EncodeBlock(digits, png, (int)size);
    html_put(page, "<img alt=\"");
    html_text(page, alternative);
    html_put(page, "\" src=\"data:image/png;base64,");
    fwrite(digits, 1, (size_t)length, page);
    html_put(page, "\">");
    free(digits);
    return 0;
}
