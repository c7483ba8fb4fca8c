/* SHA-256 and MD5 ("sha256", "md5"), as lower-case hex, of bytes in pieces. Of a whole file: core/file.h. */
#ifndef SSFD_CORE_CHECKSUM_H
#define SSFD_CORE_CHECKSUM_H

#include <stddef.h>

#define CHECKSUM_HEX 65 /* bytes that hex must hold */

typedef struct checksum checksum;
checksum *checksum_begin(const char *algorithm);
int checksum_add(checksum *c, const void *data, size_t size);
int checksum_end(checksum *c, char *hex); /* also frees c */
void checksum_discard(checksum *c);       /* NULL is allowed */

#endif
