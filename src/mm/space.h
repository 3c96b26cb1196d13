/* SPDX-License-Identifier: BSD-2-Clause */
/* space: address spaces of hosted tasks.        Row mm/space, CertiKOS MPTKern, MPTInit, MPTBit, MPTNew
 *
 * State       per space: a page table and the host window that mirrors it (user address u is at window + u)
 * Primitives  space_new        an empty space
 *             space_map        fresh zeroed pages at va
 *             space_map_frames the same with given frames, each gets one more reference
 *             space_unmap      pages go, their references with them
 *             space_translate  page of va -> frame, permission
 *             space_destroy    all pages, tables and host addresses come home
 *             space_base       host address of user address 0
 * Invariants  the window shows exactly the pages of the page table that have PERM_USER, writable as they have PERM_WRITE;
 *             addresses lie in [0, UKERN_WINDOW)
 * Failure     nothing changed. BADARG: no such space, va unaligned, no page, the range wraps or leaves the space, perm out
 *             of range, a frame that is not in use; NOMEM: no slot, frame, or host mapping
 * Owner       a space belongs to its one task: it changes only in that task's own kernel calls, or after its end.
 *             So whoever holds a task that is in, or blocked in, a kernel call may walk its space without a lock.
 * Lock        space.lock guards the list of free slots only */
#pragma once
#include "core/machine.h"

enum ukern_status space_init(void) must_use;                         /* NOMEM: arena */
enum ukern_status space_new(struct space_id *ret_space) must_use;    /* NOMEM */
void space_destroy(struct space_id s);                               /* of no space: nothing */
/* EXISTS: one of the pages is mapped. */
enum ukern_status space_map(struct space_id s, uint64_t va, uint32_t pages, uint32_t perm) must_use;
enum ukern_status space_map_frames(struct space_id s, uint64_t va, struct frame_id first, uint32_t pages, uint32_t perm) must_use;
/* NOTFOUND: one of the pages is not mapped; NOMEM: Linux could not split a mapping. */
enum ukern_status space_unmap(struct space_id s, uint64_t va, uint32_t pages) must_use;
/* NOTFOUND: not mapped, outside the space, no such space. */
enum ukern_status space_translate(struct space_id s, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm) must_use;
uint8_t *space_base(struct space_id s); /* NULL: no such space */
void space_free(struct ukern *m); /* host addresses of all spaces; the machine may be in any state, no CPU runs */
