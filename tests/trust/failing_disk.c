/* Lets every so-and-so-manyth write to a file fail, for a library loaded with LD_PRELOAD.

   failing_disk(every, error, part) begins: of all writes, cuts and flushes of files whose name
   contains `part`, each `every`th fails with `error` (EIO, ENOSPC, EROFS); `every` 0 ends it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int every, error, count, failed;
static char part[256];

void failing_disk(int new_every, int new_error, const char *new_part)
{
    every = new_every;
    error = new_error;
    count = failed = 0;
    strncpy(part, new_part, sizeof part - 1);
}

int failures(void) { return failed; }

static int fails(int file)
{
    char link[64], name[PATH_MAX];
    ssize_t length;

    if (!every)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, name, sizeof name - 1);
    if (length < 0)
        return 0;
    name[length] = 0;
    if (!strstr(name, part) || ++count % every)
        return 0;
    failed++;
    errno = error;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *from, size_t size)
{
    return fails(file) ? -1 : REAL(write)(file, from, size);
}
ssize_t pwrite(int file, const void *from, size_t size, off_t at)
{
    return fails(file) ? -1 : REAL(pwrite)(file, from, size, at);
}
ssize_t pwrite64(int file, const void *from, size_t size, off64_t at)
{
    return fails(file) ? -1 : REAL(pwrite64)(file, from, size, at);
}
int ftruncate(int file, off_t size) { return fails(file) ? -1 : REAL(ftruncate)(file, size); }
int ftruncate64(int file, off64_t size) { return fails(file) ? -1 : REAL(ftruncate64)(file, size); }
int fsync(int file) { return fails(file) ? -1 : REAL(fsync)(file); }
int fdatasync(int file) { return fails(file) ? -1 : REAL(fdatasync)(file); }
