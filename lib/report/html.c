#include "report/html.h"

#include "core/memory.h"
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

char *html_png(const unsigned char *png, size_t size) {
    static const char type[] = "data:image/png;base64,";
    char *text = mem_alloc(sizeof type + 4 * (size + 2) / 3 + 4);
    if (text)
        EVP_EncodeBlock((unsigned char *)strcpy(text, type) + sizeof type - 1, png, (int)size);
    return text;
}
