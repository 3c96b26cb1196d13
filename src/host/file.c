/* SPDX-License-Identifier: BSD-2-Clause */
/* file: see file.h. */
#include "host/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode))
        return "it is a directory";
    if (S_ISCHR(mode) || S_ISBLK(mode))
        return "it is a device";
    if (S_ISFIFO(mode))
        return "it is a FIFO";
    if (S_ISSOCK(mode))
        return "it is a socket";
    return "it is no regular file";
}

static enum ukern_status refuse(enum ukern_status st, const char *text, char *why)
{
    (void)snprintf(why, FILE_WHY, "%s", text);
    return st;
}

enum ukern_status file_open(const char *path, char *why, struct file *ret_file)
{
    /* O_NONBLOCK: opening a FIFO that nobody writes must not hang; it means nothing for a regular file. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return refuse(errno == ENOENT ? UKERN_NOTFOUND : UKERN_HOST, strerror(errno), why);
    struct stat st;
    enum ukern_status result = UKERN_OK;
    if (fstat(fd, &st) != 0)
        result = refuse(UKERN_HOST, strerror(errno), why);
    else if (!S_ISREG(st.st_mode))
        result = refuse(UKERN_BADARG, kind_of(st.st_mode), why);
    if (result != UKERN_OK) {
        (void)close(fd);
        return result;
    }
    *ret_file = (struct file){ .fd = fd, .size = (uint64_t)st.st_size };
    return UKERN_OK;
}

enum ukern_status file_read(const struct file *f, void *bytes, char *why)
{
    uint64_t done = 0;
    while (done < f->size) {
        ssize_t n = pread(f->fd, (char *)bytes + done, (size_t)(f->size - done), (off_t)done);
        if (n > 0)
            done += (uint64_t)n;
        else if (n == 0)
            return refuse(UKERN_HOST, "it became shorter while it was read", why);
        else if (errno != EINTR)
            return refuse(UKERN_HOST, strerror(errno), why);
    }
    return UKERN_OK;
}

void file_close(struct file *f)
{
    (void)close(f->fd);
    f->fd = -1;
}

char *file_resolve(const char *path)
{
    return realpath(path, NULL);
}
