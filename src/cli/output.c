/* SPDX-License-Identifier: BSD-2-Clause */
/* output: bytes to a descriptor that may be a pipe, a terminal, a full disk, closed, or non-blocking by somebody else's
 * doing. No buffer: what a task printed is out before its call returns. */
#include "cli.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static bool wait_for_room(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

bool output_write(struct output *o, const void *bytes, size_t n)
{
    const char *p = bytes;
    if (o->fd < 0)
        return true;
    if (atomic_load_explicit(&o->lost, memory_order_relaxed) != 0)
        return false;
    while (n > 0) {
        ssize_t done = write(o->fd, p, n);
        if (done >= 0) {
            p += done;
            n -= (size_t)done;
        } else if (errno != EINTR && (errno != EAGAIN || !wait_for_room(o->fd))) {
#ifndef UKERN_BUG_OUTPUT_LOST
            atomic_store(&o->lost, errno);
#endif
            return false;
        }
    }
    return true;
}

bool output_text(struct output *o, const char *text)
{
    return output_write(o, text, strlen(text));
}
