/* SPDX-License-Identifier: BSD-2-Clause */
/* memmap: the memory map as a boot loader reports it.                                    Row mm/memmap, CertiKOS MBoot
 *
 * State       region : 0..count-1 -> (start, length, usable), ascending by address, disjoint, none empty, all in the memory
 * Primitives  memmap_init     takes the regions of the machine's params (the boot loader: environment); without any, all of
 *                             the memory is one usable region. BADARG: more than 64 regions, an empty one, one that wraps
 *                             or leaves the memory, two that overlap (ukern_error names them)
 *             memmap_count    how many regions there are
 *             memmap_region   the i-th region in order of address; NOTFOUND
 *             memmap_usable   whether all bytes of a frame lie in one usable region (false for frames outside the memory)
 * Invariants  I1 regions ascend and do not overlap  I2 none is empty, each lies in the memory
 * Lock        none: constant after boot (local) */
#pragma once
#include "core/machine.h"
#include "core/maths.h"

enum { MEMMAP_REGIONS = 64 };
struct memmap_region { uint64_t start, length, usable; }; /* bytes; usable: 0 or 1 */

struct memmap_abs { MAP(uint32_t, struct memmap_region) region; };

enum ukern_status memmap_init(void) must_use; /* BADARG, NOMEM (arena) */
uint32_t memmap_count(void);
enum ukern_status memmap_region(uint32_t i, struct memmap_region *ret_region) must_use;
bool memmap_usable(struct frame_id f);
