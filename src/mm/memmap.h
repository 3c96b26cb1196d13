/* SPDX-License-Identifier: BSD-2-Clause */
/* memmap: the memory map as a boot loader reports it.                                    Row mm/memmap, CertiKOS MBoot
 *
 * State       up to 64 regions (start, length in bytes, usable), disjoint; none of them empty
 * Primitives  memmap_init     takes the regions of the machine's params; without any, all of the memory is usable
 *             memmap_count    how many regions there are
 *             memmap_region   the i-th region in order of address
 *             memmap_usable   whether all of a frame lies in one usable region
 * Invariants  regions do not overlap and lie in the memory (checked by memmap_init)
 * Lock        none: constant after boot */
#pragma once
#include "core/machine.h"

enum { MEMMAP_REGIONS = 64 };

/* BADARG: too many regions, an empty one, one that wraps or leaves the memory, two that overlap (ukern_error says which);
 * NOMEM: arena. */
enum ukern_status memmap_init(void) must_use;
uint32_t memmap_count(void);
enum ukern_status memmap_region(uint32_t i, struct ukern_region *ret_region) must_use; /* NOTFOUND */
bool memmap_usable(struct frame_id f);
