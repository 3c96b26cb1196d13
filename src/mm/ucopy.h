/* SPDX-License-Identifier: BSD-2-Clause */
/* ucopy: copying between user addresses and the kernel, or between two spaces, by page walk.      Row mm/ucopy
 *
 * State       none
 * Primitives  ucopy_in    user to kernel
 *             ucopy_out   kernel to user
 *             ucopy_move  user to user, of one space or of two
 *             ucopy_check FAULT when a copy with these addresses and permissions would fault; copies nothing
 * Effect      bytes in ascending order, also where source and destination are the same memory; FAULT at the first address
 *             that is not mapped PERM_USER (and PERM_WRITE for the destination); *ret_done is exact, and is the one output
 *             that is written on failure, too
 * Wrapping    a range that wraps, or leaves the space, faults at the first address outside
 * Owner       see space.h: the caller's space, or that of a task blocked in a kernel call
 * Lock        none */
#pragma once
#include "core/machine.h"

enum ukern_status ucopy_in(struct space_id from, uint64_t va, void *to, uint64_t n, uint64_t *ret_done) must_use;
enum ukern_status ucopy_out(struct space_id to, uint64_t va, const void *from, uint64_t n, uint64_t *ret_done) must_use;
enum ukern_status ucopy_move(struct space_id from, uint64_t from_va, struct space_id to, uint64_t to_va, uint64_t n,
                             uint64_t *ret_done) must_use;
enum ukern_status ucopy_check(struct space_id s, uint64_t va, uint64_t n, uint32_t perm) must_use;
