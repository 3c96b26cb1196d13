/* SPDX-License-Identifier: BSD-2-Clause */
/* window: runs of host addresses that mirror spaces and guests' memory, by the number of their page map.  Row host/window
 *
 * State       of : page map -> (base, size): host addresses, inaccessible until a page is mapped; base is aligned as wanted
 * Primitives  window_init   no map has a window
 *             window_make   reserves addresses for a map; nothing accessible
 *             window_map    a run of frames appears, one system call; replaces what was there
 *             window_unmap  a run of pages is inaccessible again
 *             window_free   all addresses go back to the host
 *             window_base   where the map's address 0 is
 *             window_done   all windows of a machine go, when it goes
 * Hardware    to the layers above it is what a page-table register is: addressed by number, and what it shows is what a
 *             program sees. So it is carried out in every mode of those layers, and is no layer of the calculus itself
 * Refusal     Linux may have no mapping or no addresses left: NOMEM, and the CPU says so to specs (cpu_host_refused):
 *             that is no fact of the machine, but the environment's
 * Limit       each maximal run of consecutive frames with one permission is one of vm.max_map_count's mappings
 * Note        the kernel never reads through a window: it uses the direct map
 * Lock        none of its own: a window belongs to its space or VM, and ids are independent */
#pragma once
#include "core/machine.h"

/* `count` ids, all without a window; m needs its arena only. NOMEM: it is full. */
enum ukern_status window_init(struct ukern *m, uint32_t count) must_use;
/* BADARG: no such id, or it has one; size or align is 0 or no multiple of a page, align no power of two; NOMEM: no such
 * run of addresses. */
enum ukern_status window_make(struct pt_id id, uint64_t size, uint64_t align) must_use;
/* Frames first..first+n appear at offset (bytes). Replaces what was there. writable: else read-only. n > 0.
 * BADARG: no window, not in it, or not in the memory; NOMEM: Linux has no mapping left (vm.max_map_count); nothing changed. */
enum ukern_status window_map(struct pt_id id, uint64_t offset, struct frame_id first, uint32_t n, bool writable) must_use;
/* n pages. Answers as window_map; on NOMEM the pages are still visible. */
enum ukern_status window_unmap(struct pt_id id, uint64_t offset, uint32_t n);
void window_free(struct pt_id id); /* also when there is none */
uint8_t *window_base(struct pt_id id); /* NULL: none */
void window_done(struct ukern *m); /* also of a machine that has none */
