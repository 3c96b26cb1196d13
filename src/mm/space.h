/* SPDX-License-Identifier: BSD-2-Clause */
/* space: address spaces of hosted tasks.        Row mm/space, CertiKOS MPTKern, MPTInit, MPTBit, MPTNew
 *
 * State       per space: a page table and the host window that mirrors it (user address u is at window + u)
 * Primitives  space_new        an empty space; NOMEM (no slot, frames or host addresses)
 *             space_map        n fresh zeroed pages at va; EXISTS when any of them is mapped, NOMEM; then nothing changed
 *             space_map_frames the same with given frames, each gets one more reference
 *             space_unmap      NOTFOUND when any of them is not mapped; then nothing changed
 *             space_translate  page of va -> frame, permission; NOTFOUND
 *             space_destroy    all pages, tables and host addresses come home
 *             space_base       host address of user address 0
 * Invariants  the window shows exactly the pages of the page table; addresses lie in [0, UKERN_WINDOW)
 * Owner       a space belongs to its one task: it changes only in that task's own kernel calls, or after its end.
 *             So whoever holds a task that is in, or blocked in, a kernel call may walk its space without a lock.
 * Lock        space.lock guards the table of slots only */
#pragma once
#include "core/machine.h"

enum ukern_status space_init(void) must_use;
enum ukern_status space_new(struct space_id *ret_space) must_use;
void space_destroy(struct space_id s);
enum ukern_status space_map(struct space_id s, uint64_t va, uint32_t pages, uint32_t perm) must_use;
enum ukern_status space_map_frames(struct space_id s, uint64_t va, struct frame_id first, uint32_t pages, uint32_t perm) must_use;
enum ukern_status space_unmap(struct space_id s, uint64_t va, uint32_t pages) must_use;
enum ukern_status space_translate(struct space_id s, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm) must_use;
uint8_t *space_base(struct space_id s);
