#include "core/file.h"

#include "core/checksum.h"
#include "core/error.h"
#include "core/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Folder part of a path, "." when it has none. Owned by the caller. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (slash == path)
        length = 1;
    char *folder = slash ? strndup(path, length) : strdup(".");
    return folder ? folder : err_set_null("out of memory");
}

static int make_one(const char *folder) {
    struct stat info;
    if (mkdir(folder, 0777) == 0)
        return 0;
    int why = errno;
    if (why == EEXIST && stat(folder, &info) == 0 && S_ISDIR(info.st_mode))
        return 0;
    return err_set("%s: cannot make the folder: %s", folder, strerror(why == EEXIST ? ENOTDIR : why));
}

int path_make_dirs(const char *folder) {
    char *path = strdup(folder);
    if (!path)
        return err_set("out of memory");
    int status = 0;
    for (char *p = path + 1; *path && *p && status == 0; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        status = make_one(path);
        *p = '/';
    }
    if (status == 0)
        status = make_one(path);
    free(path);
    return status;
}

char *file_read_text(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return err_set_null("%s: cannot open: %s", path, strerror(errno));
    char *text = NULL;
    size_t size = 0;
    ssize_t length = getdelim(&text, &size, '\0', file);
    int status = 0;
    if (length < 0 && !feof(file))
        status = err_set("%s: cannot read: %s", path, strerror(errno));
    else if (length > 0 && text[length - 1] == '\0')
        status = err_set("%s: not a text file: it holds a zero byte", path);
    else if (length < 0 && text)
        text[0] = '\0';
    fclose(file);
    if (status == 0)
        return text;
    free(text);
    return NULL;
}

char *atomic_begin(const char *path) {
    char *folder = folder_of(path), *temporary = NULL;
    if (!folder)
        return NULL;
    if (path_make_dirs(folder) == 0 && asprintf(&temporary, "%s.part.%ld", path, (long)getpid()) < 0)
        temporary = err_set_null("out of memory");
    free(folder);
    return temporary;
}

/* fsync by name, for files written through other libraries and for folders. */
static int sync_path(const char *path, int flags) {
    int descriptor = open(path, flags | O_CLOEXEC);
    if (descriptor < 0)
        return err_set("%s: cannot open to flush: %s", path, strerror(errno));
    int status = fsync(descriptor) == 0 ? 0 : err_set("%s: cannot flush: %s", path, strerror(errno));
    if (close(descriptor) != 0 && status == 0)
        status = err_set("%s: cannot close: %s", path, strerror(errno));
    return status;
}

int atomic_commit(char *temporary, const char *path) {
    int status = sync_path(temporary, O_RDONLY);
    if (status == 0 && rename(temporary, path) != 0)
        status = err_set("%s: cannot put the finished file in place: %s", path, strerror(errno));
    if (status != 0) {
        atomic_discard(temporary);
        return -1;
    }
    free(temporary);
    char *folder = folder_of(path);
    status = folder ? sync_path(folder, O_RDONLY | O_DIRECTORY) : -1;
    free(folder);
    return status;
}

void atomic_discard(char *temporary) {
    if (temporary)
        unlink(temporary);
    free(temporary);
}

/* Feeds the whole file to the checksum. */
static int add_file(checksum *c, FILE *file) {
    enum { CHUNK = 1 << 16 };
    unsigned char *chunk = mem_alloc(CHUNK);
    if (!chunk)
        return -1;
    size_t got;
    int status = 0;
    while (status == 0 && (got = fread(chunk, 1, CHUNK, file)) > 0)
        status = checksum_add(c, chunk, got);
    if (status == 0 && ferror(file))
        status = err_set("cannot read: %s", strerror(errno));
    free(chunk);
    return status;
}

int file_checksum(const char *path, const char *algorithm, char *hex) {
    checksum *c = checksum_begin(algorithm);
    FILE *file = c ? fopen(path, "rb") : NULL;
    int status = -1;
    if (c && !file)
        err_set("%s: cannot open: %s", path, strerror(errno));
    else if (c && (status = add_file(c, file)) < 0)
        err_prefix("%s", path);
    if (file)
        fclose(file);
    if (status == 0)
        return checksum_end(c, hex);
    checksum_discard(c);
    return -1;
}
