/* SPDX-License-Identifier: BSD-2-Clause */
/* ucopy: copying between user addresses and the kernel, or between two spaces, by page walk.      Row mm/ucopy
 *
 * State       none
 * Primitives  ucopy_in    user to kernel
 *             ucopy_out   kernel to user
 *             ucopy_move  user to user, of one space or of two
 *             ucopy_check FAULT when a copy with these addresses and permissions would fault (demand pages are reserved as by the copy); copies nothing. access is PERM_USER | perm
 * Effect      bytes in ascending order, also where source and destination are the same memory; FAULT at the first address
 *             that is not mapped PERM_USER (and PERM_WRITE for the destination); *ret_done is exact, and is the one output
 *             that is written on failure, too. Demand pages come as by space_access
 * Wrapping    a range that wraps, or leaves the space, faults at the first address outside; no such space: FAULT, done 0
 * Order       space_enter(from), then of `to` when it is another space; space_leave in reverse. n 0: nothing at all, OK. A chunk ends where a page of either side ends. At its begin space_access of
 *             the source, then of the destination, at the chunk's own addresses, of a side only when the chunk is the first in that page (or begins again); then the bytes of the chunk.
 *             BUSY: all is left and entered again, and the chunk begins again. Every other refusal is FAULT
 *             ucopy_check: at va, then at the begin of each page: space_access
 * Owner       see space.h: the caller's space, or that of a task blocked in a kernel call
 * Lock        none: space_enter and space_leave around the whole; at most two spaces */
#pragma once
#include "core/machine.h"
#include "core/maths.h"

struct ucopy_abs { VAR(uint32_t) none; }; /* no state */

enum ukern_status ucopy_in(struct space_id from, uint64_t va, struct kernel_bytes to, uint64_t n, uint64_t *ret_done) must_use;  /* always: ret_done */
enum ukern_status ucopy_out(struct space_id to, uint64_t va, struct kernel_bytes from, uint64_t n, uint64_t *ret_done) must_use; /* always: ret_done */
enum ukern_status ucopy_move(struct space_id from, uint64_t from_va, struct space_id to, uint64_t to_va, uint64_t n, uint64_t *ret_done) must_use; /* always: ret_done */
enum ukern_status ucopy_check(struct space_id id, uint64_t va, uint64_t n, uint32_t perm) must_use;
