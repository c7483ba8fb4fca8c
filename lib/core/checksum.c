#include "core/checksum.h"

#include "core/error.h"
#include "core/memory.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct checksum {
    EVP_MD_CTX *context;
};

checksum *checksum_begin(const char *algorithm) {
    const EVP_MD *digest = EVP_get_digestbyname(algorithm);
    if (!digest || 2 * EVP_MD_size(digest) >= CHECKSUM_HEX)
        return err_set_null("%s: unknown checksum, expected sha256 or md5", algorithm);
    checksum *c = mem_alloc(sizeof *c);
    if (!c)
        return NULL;
    c->context = EVP_MD_CTX_new();
    if (c->context && EVP_DigestInit_ex(c->context, digest, NULL) == 1)
        return c;
    checksum_discard(c);
    return err_set_null("checksum failed");
}

int checksum_add(checksum *c, const void *data, size_t size) {
    return EVP_DigestUpdate(c->context, data, size) == 1 ? 0 : err_set("checksum failed");
}

int checksum_end(checksum *c, char *hex) {
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    int status = EVP_DigestFinal_ex(c->context, value, &length) == 1 ? 0 : err_set("checksum failed");
    for (unsigned i = 0; status == 0 && i < length; i++)
        sprintf(hex + 2 * i, "%02x", value[i]);
    checksum_discard(c);
    return status;
}

void checksum_discard(checksum *c) {
    if (c)
        EVP_MD_CTX_free(c->context);
    free(c);
}
