/* SPDX-License-Identifier: BSD-2-Clause */
/* window: a reserved run of host addresses that mirrors a space (or a guest's memory).            Row host/window
 *
 * State       base, size: host addresses, inaccessible until a page is mapped; base is aligned to `align`
 * Primitives  window_make, window_map (a run of frames, one system call), window_unmap, window_free
 * Note        the kernel never reads through a window: it uses the direct map */
#pragma once
#include "core/machine.h"

struct window {
    uint8_t *base;
    uint64_t size;
};

enum ukern_status window_make(uint64_t size, uint64_t align, struct window *ret_window) must_use; /* NOMEM, HOST */
/* Frames first..first+n appear at offset (bytes). Replaces what was there. writable: else read-only. */
enum ukern_status window_map(const struct window *w, uint64_t offset, struct frame_id first, uint32_t n, bool writable) must_use;
void window_unmap(const struct window *w, uint64_t offset, uint32_t n); /* n pages */
void window_free(struct window *w);
