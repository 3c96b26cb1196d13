/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_entry: the entries of page tables, in frames of the simulated memory.           Row mm/pt_entry, CertiKOS MPTIntro
 *
 * State       table : frame -> present entries in it (frames that are tables); entry : (table, index) -> 64 bits; what
 *             is absent is 0
 * Primitives  pt_entry_begin   a frame becomes a table of 512 absent entries (its bytes are written directly, no call
 *                              of mm/frame); PRE it is a used NORMAL frame or a KERNEL frame, and no table
 *             pt_entry_end     it is a table no more; PRE a table without entries
 *             pt_entry_get     one entry; PRE a table, index < 512
 *             pt_entry_set     likewise; bits 0: absent; PRE bits 0, or P
 * Format      x86-64 (Intel SDM 3A 4.5): bit 0 P, 1 W, 2 U, 5 A, 6 D, 7 PS (a 2 MiB page, at level 1), 63 NX, bits
 *             12..51 the frame's address; bits 52..61 are ignored by the processor: an entry for a table has there the
 *             number of present entries in it
 * Invariants  I1 the number of a table's entries that are not 0 is table's value  I2 an entry that is not 0 has P
 * Lock        none: a table belongs to its map (local) */
#pragma once
#include "core/machine.h"
#include "core/maths.h"

#define PTE_P (UINT64_C(1) << 0)
#define PTE_W (UINT64_C(1) << 1)
#define PTE_U (UINT64_C(1) << 2)
#define PTE_A (UINT64_C(1) << 5)
#define PTE_D (UINT64_C(1) << 6)
#define PTE_PS (UINT64_C(1) << 7)
#define PTE_NX (UINT64_C(1) << 63)
#define PTE_FRAME UINT64_C(0x000ffffffffff000)
#define PTE_COUNT_SHIFT 52
#define PTE_COUNT (UINT64_C(0x3ff) << PTE_COUNT_SHIFT)
enum { PT_ENTRIES = 512, PT_LEVELS = 4, PT_INDEX_BITS = 9 };

struct pte { uint64_t bits; };
struct pte_at { struct frame_id table; uint32_t index; };
static inline struct frame_id pte_frame(struct pte e) { return (struct frame_id){ (uint32_t)((e.bits & PTE_FRAME) >> FRAME_SHIFT) }; }

struct pt_entry_abs { MAP(struct frame_id, uint32_t) table; MAP(struct pte_at, struct pte) entry; };

void pt_entry_begin(struct frame_id table);
void pt_entry_end(struct frame_id table);
struct pte pt_entry_get(struct pte_at at);
void pt_entry_set(struct pte_at at, struct pte e);
