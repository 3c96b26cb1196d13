/* SPDX-License-Identifier: BSD-2-Clause */
/* ram: see ram.h. One MAP_SHARED map of the whole memfd, so that windows can show single frames of it elsewhere. */
#include "host/ram.h"
#include "host/reserve.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u /* Linux 6.3 */
#endif

struct ram_state {
    int fd; /* -1: none */
};

static int ram_open(void)
{
    int fd = memfd_create("ukern-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("ukern-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd;
}

/* Size and seals: a memfd that shrinks under its map would turn kernel accesses into SIGBUS. */
static bool ram_size(int fd, uint64_t bytes)
{
    return ftruncate(fd, (off_t)bytes) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
}

enum ukern_status ram_make(struct ukern *m, uint64_t bytes)
{
    if (bytes == 0 || !is_aligned(bytes, FRAME_SIZE) || bytes > RAM_MAX_BYTES)
        return machine_fail(m, UKERN_BADARG,
                            "ram must be a multiple of %d bytes, at least %d and at most %llu; it is %llu", FRAME_SIZE,
                            FRAME_SIZE, (unsigned long long)RAM_MAX_BYTES, (unsigned long long)bytes);
    m->ram_state = arena_array(&m->arena, struct ram_state, 1);
    if (!m->ram_state)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for host/ram");
    m->ram_state->fd = ram_open();
    if (m->ram_state->fd < 0)
        return machine_fail(m, UKERN_HOST, "memfd_create for the simulated memory failed: %s", strerror(errno));
    if (!ram_size(m->ram_state->fd, bytes))
        return machine_fail(m, UKERN_HOST, "sizing the simulated memory to %llu bytes failed: %s",
                            (unsigned long long)bytes, strerror(errno));
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, m->ram_state->fd, 0);
    if (map == MAP_FAILED)
        return machine_fail(m, UKERN_HOST, "mapping %llu bytes of simulated memory failed: %s; give the machine less ram",
                            (unsigned long long)bytes, strerror(errno));
    m->ram = map;
    m->frames = (uint32_t)(bytes >> FRAME_SHIFT);
    return UKERN_OK;
}

void ram_free(struct ukern *m)
{
    if (m->ram) {
        reserve_unmark(m->ram, (size_t)m->frames << FRAME_SHIFT);
        munmap(m->ram, (size_t)m->frames << FRAME_SHIFT);
        m->ram = NULL;
        m->frames = 0;
    }
    if (m->ram_state && m->ram_state->fd >= 0)
        close(m->ram_state->fd);
    m->ram_state = NULL;
}

int ram_fd(const struct ukern *m) { return m->ram_state ? m->ram_state->fd : -1; }

void ram_forget(struct ukern *m, struct frame_id first, uint32_t n)
{
    off_t start = (off_t)first.n << FRAME_SHIFT, length = (off_t)n << FRAME_SHIFT;
    if (n && fallocate(m->ram_state->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start, length) != 0)
        memset(m->ram + start, 0, (size_t)length);
}
