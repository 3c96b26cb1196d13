/* SPDX-License-Identifier: BSD-2-Clause */
/* wire_ref: round trips between two threads through pipes, eventfds and Unix sockets.
 *
 * Pipe and socket carry the bytes of a channel's message; an eventfd carries its count only. */
#include "ref.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

bool ref_pipe_open(struct ref_wire *w)
{
    int ping[2], pong[2];
    if (pipe(ping))
        return false;
    if (pipe(pong)) {
        close(ping[0]);
        close(ping[1]);
        return false;
    }
    *w = (struct ref_wire){ .ping_out = ping[1], .pong_in = ping[0], .pong_out = pong[1], .ping_in = pong[0] };
    w->bytes = REF_WIRE_BYTES;
    return true;
}

bool ref_eventfd_open(struct ref_wire *w)
{
    int ping = eventfd(0, 0), pong = eventfd(0, 0);
    if (ping < 0 || pong < 0) {
        if (ping >= 0)
            close(ping);
        return false;
    }
    *w = (struct ref_wire){ .ping_out = ping, .pong_in = ping, .pong_out = pong, .ping_in = pong };
    w->bytes = sizeof(uint64_t);
    return true;
}

bool ref_socket_open(struct ref_wire *w)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
        return false;
    *w = (struct ref_wire){ .ping_out = ends[0], .ping_in = ends[0], .pong_out = ends[1], .pong_in = ends[1] };
    w->bytes = REF_WIRE_BYTES;
    return true;
}

/* A wire that fails in the middle would leave the other side waiting for ever: nothing is left to measure. */
static void broken(const char *which)
{
    perror(which);
    exit(1);
}

void ref_wire_ping(struct ref_wire *w, uint64_t n)
{
    uint64_t message[REF_WIRE_BYTES / sizeof(uint64_t)] = { 1 };
    for (; n; n--) {
        if (write(w->ping_out, message, w->bytes) != (ssize_t)w->bytes)
            broken("bench: write of a round trip");
        if (read(w->ping_in, message, w->bytes) != (ssize_t)w->bytes)
            broken("bench: read of a round trip");
    }
}

void ref_wire_pong(struct ref_wire *w, uint64_t n)
{
    uint64_t message[REF_WIRE_BYTES / sizeof(uint64_t)];
    for (; n; n--) {
        if (read(w->pong_in, message, w->bytes) != (ssize_t)w->bytes)
            broken("bench: read of a round trip");
        if (write(w->pong_out, message, w->bytes) != (ssize_t)w->bytes)
            broken("bench: write of a round trip");
    }
}

void ref_wire_close(struct ref_wire *w)
{
    close(w->ping_out);
    close(w->pong_out);
    if (w->ping_in != w->ping_out && w->ping_in != w->pong_out)
        close(w->ping_in);
    if (w->pong_in != w->pong_out && w->pong_in != w->ping_out)
        close(w->pong_in);
}
