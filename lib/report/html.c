#include "report/html.h"

#include "core/error.h"
#include <ctype.h>
#include <openssl/evp.h>
#include <string.h>

void html_text(FILE *page, const char *text) {
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", page);
            break;
        case '<':
            fputs("&lt;", page);
            break;
        case '>':
            fputs("&gt;", page);
            break;
        case '"':
            fputs("&quot;", page);
            break;
        default:
            fputc(*text, page);
        }
}

void html_address(FILE *page, const char *file) {
    for (; *file; file++)
        if (isalnum((unsigned char)*file) || strchr("/._-", *file))
            fputc(*file, page);
        else
            fprintf(page, "%%%02X", (unsigned)(unsigned char)*file);
}

char *html_png(const char *path) {
    unsigned char bytes[3 * 1024], digits[4 * 1024 + 1];
    char *text = NULL;
    size_t length, n;
    FILE *in = fopen(path, "rb"), *out = open_memstream(&text, &length);
    while (in && out && (n = fread(bytes, 1, sizeof bytes, in)) > 0) {
        EVP_EncodeBlock(digits, bytes, (int)n);
        fprintf(out, "%s%s", ftell(out) ? "" : "data:image/png;base64,", digits);
    }
    if (in)
        fclose(in);
    return out && fclose(out) == 0 ? text : err_set_null("%s: out of memory", path);
}
