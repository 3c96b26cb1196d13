/* SPDX-License-Identifier: BSD-2-Clause */
/* reserve: the host memory behind a machine's arena, and guard pages in it.                       Row host/reserve
 *
 * State       none: the reservation is described by the arena that it becomes
 * Primitives  reserve_make   an arena of `size` bytes of zeroed address space; pages cost nothing until they are touched
 *             reserve_guard  makes one page inaccessible (below a stack): a touch is SIGSEGV
 *             reserve_free   gives it all back; the arena is then empty
 *             reserve_unmark takes AddressSanitizer's marks off addresses that change their owner (nothing without it)
 * Limit       where Linux has no MADV_GUARD_INSTALL (before 6.13) each guard costs two of vm.max_map_count's mappings
 * Lock        none */
#pragma once
#include "core/arena.h"

enum ukern_status reserve_make(size_t size, struct arena *ret_arena) must_use; /* BADARG: 0 or absurd; NOMEM */
enum ukern_status reserve_guard(void *page) must_use;                          /* BADARG: not on a page; NOMEM */
void reserve_free(struct arena *a);
void reserve_unmark(void *p, size_t n); /* whole pages */
