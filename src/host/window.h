/* SPDX-License-Identifier: BSD-2-Clause */
/* window: a reserved run of host addresses that mirrors a space (or a guest's memory).            Row host/window
 *
 * State       base, size: host addresses, inaccessible until a page is mapped; base is aligned to `align`
 * Primitives  window_make   reserves addresses; nothing accessible
 *             window_map    a run of frames appears, one system call; replaces what was there
 *             window_unmap  a run of pages is inaccessible again
 *             window_free   all addresses go back to the host
 * Limit       each maximal run of consecutive frames with one permission is one of vm.max_map_count's mappings
 * Note        the kernel never reads through a window: it uses the direct map
 * Lock        none of its own: a window belongs to its space or VM */
#pragma once
#include "core/machine.h"

struct window {
    uint8_t *base; /* NULL: none */
    uint64_t size;
};

/* BADARG: size or align is 0 or no multiple of a page, align no power of two; NOMEM: no such run of addresses. */
enum ukern_status window_make(uint64_t size, uint64_t align, struct window *ret_window) must_use;
/* Frames first..first+n appear at offset (bytes). Replaces what was there. writable: else read-only. n > 0.
 * BADARG: not in the window or not in the memory; NOMEM: Linux has no mapping left (vm.max_map_count); nothing changed. */
enum ukern_status window_map(const struct window *w, uint64_t offset, struct frame_id first, uint32_t n, bool writable) must_use;
/* n pages. Answers as window_map; on NOMEM the pages are still visible. */
enum ukern_status window_unmap(const struct window *w, uint64_t offset, uint32_t n);
void window_free(struct window *w); /* a window without base is allowed */
