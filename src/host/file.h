/* SPDX-License-Identifier: BSD-2-Clause */
/* file: regular files, read whole.                                                                        Row host/file
 *
 * For         configurations and the images that they name: whatever a path leads to is hostile
 * Primitives  file_open     opens a regular file for reading and tells its size; everything else (directory, device,
 *                           FIFO, socket) is refused without blocking on it
 *             file_read     all of it, from the beginning; HOST when it has become shorter meanwhile
 *             file_close
 *             file_resolve  the path, absolute and without links, or NULL; to be freed with free()
 * Errors      the text is written to `why` (FILE_WHY bytes): what is wrong, without the path
 * Lock        none: no state */
#pragma once
#include "core/lib.h"

enum { FILE_WHY = 128 };
struct file {
    int fd;
    uint64_t size;
};

enum ukern_status file_open(const char *path, char *why, struct file *ret_file) must_use;
enum ukern_status file_read(const struct file *f, void *bytes, char *why) must_use;
void file_close(struct file *f);
char *file_resolve(const char *path);
