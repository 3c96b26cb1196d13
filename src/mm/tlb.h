/* SPDX-License-Identifier: BSD-2-Clause */
/* tlb: each CPU's cache of translations, and the shoot-down of those that are stale.              Row mm/tlb (mC2 has none)
 *
 * State       filled : (map, page number) -> (frame, permission): what some CPU may still translate to
 * Primitives  tlb_init    nothing is cached
 *             tlb_enter   this CPU begins to use translations of map `id` (and bytes behind them); at most two at a time, PRE; PRE it has not entered `id`
 *             tlb_leave   it has finished; PRE it had begun
 *             tlb_find    OK with the frame of filled and no permission that filled lacks, or NOTFOUND at any time (choice: an entry may be evicted); PRE entered
 *             tlb_fill    this CPU knows one translation of 4 KiB: filled gets the frame and, beside what it has (another CPU may know more), the permission.
 *                         PRE entered, perm <= PERM_ALL, and filled has no other frame there: that one was to be shot first
 *             tlb_shoot   the translations of `pages` pages from va of map `id` are gone: when it returns, no CPU finds one, and
 *                         none still uses one that it found before; may take more than those away. PRE this CPU has not entered `id`
 * Ids         below the limit of maps, PRE of tlb_enter, tlb_shoot
 * Addresses   va below 2^TLB_VA_BITS, PRE of tlb_find, tlb_fill; tlb_shoot: what of the range lies there
 * Peek        tlb_peek: slot (below TLB_ENTRIES) of a CPU's cache, when tlb_find of a CPU that enters now, or is inside, could return it; tlb_peek_at: what that CPU knows of one page;
 *             tlb_peek_inside: the maps that it has entered, as `inside` has them
 * Invariants  I1 no CPU finds what is not in filled: another frame, or more permission
 * Shoot-down  the map's generation goes up, which makes its entries unfindable for whoever enters later; then the caller waits for the CPUs that have entered
 *             the map (a word each; the engine's barrier op, membarrier, stands for the fences in tlb_enter, so that enter, find and leave have no locked instruction)
 * Owner       a CPU's entries and words belong to it; generations are atomic. A shared layer: events of tlb_enter, find, fill, leave are of the CPU's own section, tlb_shoot's event is after the wait
 * Lock        none held while waiting for a CPU that could wait for it: tlb_shoot may be called under a lock that nobody takes between tlb_enter and tlb_leave... except mm/space's own, see there */
#pragma once
#include "core/machine.h"
#include "core/maths.h"

enum { TLB_ENTRIES = 256, TLB_VA_BITS = 47 };
struct tlb_at { uint64_t key; };          /* map << 36 | page number, as mm/pt's */
struct tlb_entry { struct frame_id frame; uint32_t perm; };

struct tlb_abs { MAP(struct tlb_at, struct tlb_entry) filled; MAP(uint32_t, uint64_t) inside; /* CPU -> the maps entered, (id + 1) in each 32 bits: first the low half, then the high one; absent: none */ };

enum ukern_status tlb_init(void) must_use; /* NOMEM (arena) */
void tlb_enter(struct pt_id id);
void tlb_leave(struct pt_id id);
enum ukern_status tlb_find(struct pt_id id, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm) must_use;
void tlb_fill(struct pt_id id, uint64_t va, struct frame_id f, uint32_t perm);
void tlb_shoot(struct pt_id id, uint64_t va, uint64_t pages);
bool tlb_peek(uint32_t cpu, uint32_t slot, struct tlb_at *ret_at, struct tlb_entry *ret_entry);
bool tlb_peek_at(uint32_t cpu, struct pt_id id, uint64_t va, struct tlb_entry *ret_entry);
uint64_t tlb_peek_inside(uint32_t cpu);
