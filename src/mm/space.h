/* SPDX-License-Identifier: BSD-2-Clause */
/* space: address spaces: maps whose pages are paid for, shown to their task, and come home.       Row mm/space, CertiKOS MPTNew
 *
 * State       of : space -> (container, first demand page, demand pages, demand permission). A space's id is its map's (mm/pt_bit); its pages are mm/pt's
 * Primitives  space_init       none exists
 *             space_new        an empty space whose frames and tables `who` pays; NOMEM: no id, frame, quota or host addresses; BADARG: no such container
 *             space_destroy    all pages, tables, host addresses and charges come home; of no space: nothing
 *             space_map        `pages` fresh zeroed pages of 4 KiB at va
 *             space_map_large  one fresh zeroed page of 2 MiB
 *             space_unmap      `pages` pages of 4 KiB go (a large one only whole), their references with them; when it returns no CPU can use a stale translation
 *             space_share      the page at from_va of `from` (4 KiB) also appears at to_va of `to`, permission `perm` (not above the page's own): pt_resv2 of an existing page; one more reference
 *             space_resv2      one fresh page, paid by `a`, at va_a of a and va_b of b: CertiKOS pt_resv2
 *             space_demand     from now on a fault in [va, va + pages) of a page that is not mapped is answered with a fresh page (`perm`); pages 0: no such range
 *             space_fault      the page fault of an access at va (any address): OK when a page is there that allows `access` or was reserved now (demand: only when its permission has all of
 *                              `access`); FAULT, also outside the space; NOMEM; BADARG: no such space, access above PERM_ALL
 *             space_read       the page of va: frame, permission; NOTFOUND: not mapped, outside the space, no such space
 *             space_is         whether there is such a space
 *             space_enter      this CPU begins to use the space (tlb_enter); BADARG: no such space. PRE nobody makes or ends it meanwhile (it takes no lock)
 *             space_leave      PRE entered
 *             space_access     the MMU: the frame behind va when its permissions have all of `access` (PERM_USER, PERM_WRITE); sets accessed, and dirty
 *                              for PERM_WRITE; through this CPU's TLB. FAULT: not mapped or not allowed (a demand page that is not there yet: reserved as by space_fault, then OK; NOMEM). PRE entered.
 *                              BUSY: not in the TLB, and the space's lock is taken: nothing was done; the caller leaves all spaces that it has entered, and begins its chunk again
 *             space_demand with pages 0: whatever va and perm are; the space has no range then (first, perm 0)
 *             space_share      a piece of a large page may be shared, too: each of its frames has its own reference
 * Preconditions  this CPU is inside no space, but for space_is, space_enter, space_leave, space_access
 * Peek        space_peek: what the code has written down about a space; false: there is none
 * Outside     space_base: host address of user address 0, NULL: no such space; space_free: host addresses of all spaces when the machine goes; space_hold, space_let: the locks of one or two
 *             spaces, for whoever was told BUSY (see Lock)
 * Failure     nothing changed. BADARG: no such space, va unaligned (large: 2 MiB), no page, the range wraps or leaves the space, permission out of range, twice the same space in space_resv2 or the same
 *             page in space_share, access or permission above the page's own; EXISTS: a page is there already; NOTFOUND: one is not mapped, or (unmap) is part of a large one; NOMEM: frame, quota, host mapping. When several apply: BADARG of the arguments; in space_share
 *             NOTFOUND at from, BADARG by its permission; EXISTS; NOTFOUND; NOMEM
 * Order       of the calls that change lower components. "The window" is the host's (window_map, once for each run of consecutive frames; only for pages with PERM_USER; no call of the
 *             calculus): it is the last thing that can be refused
 *             space_new: pt_bit_take, pt_new, window_make; a refusal undoes: pt_end, pt_bit_give
 *             space_map: pt_prepare; container_alloc_run(what is missing) until `pages` are there, frame_clear of each run when it comes; the window; pt_insert by ascending va.
 *             A refusal gives frames back with container_free, last run first, each from its first frame, then pt_trim of the range
 *             space_map_large: pt_prepare(va, 512, 9); container_alloc_large; frame_clear; the window; pt_insert; a refusal as above
 *             demand (space_fault, space_access): exactly space_map of that one page
 *             space_unmap: the window of the whole range; then, by ascending va in pieces of at most 512 pages (a large page is one): pt_remove of each, into a list; tlb_shoot from the first
 *             to the end of the last; container_free of each, a large one's 512 ascending
 *             space_destroy: as space_unmap of all pages that there are (a piece: the next 512, wherever), then pt_end, pt_bit_give
 *             space_share: pt_prepare(to); frame_ref; the window; pt_insert; a refusal: container_free, pt_trim
 *             space_resv2: pt_prepare(a), pt_prepare(b); container_alloc; frame_clear; frame_ref; both windows; pt_insert(a), pt_insert(b); a refusal in reverse: container_free for each reference,
 *             pt_trim(b), pt_trim(a)
 *             space_access: tlb_find; when it has all of `access`, nothing more. Else under the space's lock (BUSY): the reservation, if any; pt_touch(va, write: access has PERM_WRITE); tlb_fill(va) of
 *             the page with its permission, but without PERM_WRITE unless `access` has it: so whoever writes first comes here, and a hit never has to mark a page dirty
 * Invariants  I1 each page's frame is used  I2 filled translations (mm/tlb) agree with the pages: same frame, no more permission  I3 the window shows exactly the pages
 *             that have PERM_USER, writable as they have PERM_WRITE (hardware, host/window: carried out in every mode)  I4 addresses lie in [0, UKERN_WINDOW)
 * Lock        one per space, around every primitive but space_is, space_enter, space_leave and space_access's hit; two at once by core/lock's pair. tlb_shoot waits under it for CPUs inside the space: between
 *             space_enter and space_leave a CPU takes a space's lock (a miss) only by trying: BUSY says that it is taken, and then the caller leaves everything that it has entered (else four CPUs
 *             and two spaces deadlock, and what an earlier space_access of the same chunk returned may be gone) */
#pragma once
#include "core/machine.h"
#include "core/maths.h"

struct space_info { struct container_id payer; uint32_t demand_first, demand_pages, demand_perm; };

struct space_page { struct frame_id frame; uint32_t order; };

struct space_abs {
    MAP(struct space_id, struct space_info) of;
    MAP(uint32_t, struct space_page) step; /* the specs' list of a step's frames; empty between steps */
};

enum ukern_status space_init(void) must_use;                         /* NOMEM (arena) */
enum ukern_status space_new(struct container_id who, struct space_id *ret_space) must_use;
void space_destroy(struct space_id id);
enum ukern_status space_map(struct space_id id, uint64_t va, uint32_t pages, uint32_t perm) must_use;
enum ukern_status space_map_large(struct space_id id, uint64_t va, uint32_t perm) must_use;
enum ukern_status space_unmap(struct space_id id, uint64_t va, uint32_t pages) must_use;
enum ukern_status space_share(struct space_id from, uint64_t from_va, struct space_id to, uint64_t to_va, uint32_t perm) must_use;
enum ukern_status space_resv2(struct space_id a, uint64_t va_a, struct space_id b, uint64_t va_b, uint32_t perm) must_use;
enum ukern_status space_demand(struct space_id id, uint64_t va, uint32_t pages, uint32_t perm) must_use;
enum ukern_status space_fault(struct space_id id, uint64_t va, uint32_t access) must_use;
enum ukern_status space_read(struct space_id id, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm) must_use;
enum ukern_status space_enter(struct space_id id) must_use;
void space_leave(struct space_id id);
enum ukern_status space_access(struct space_id id, uint64_t va, uint32_t access, struct frame_id *ret_frame) must_use;
bool space_peek(struct space_id id, struct space_info *ret_info);
bool space_is(struct space_id id);
void space_hold(struct space_id a, struct space_id b); /* outside */
void space_let(struct space_id a, struct space_id b);  /* outside */
uint8_t *space_base(struct space_id id); /* outside */
void space_free(struct ukern *m);       /* outside */
