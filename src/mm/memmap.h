/* SPDX-License-Identifier: BSD-2-Clause */
/* memmap: the memory map as a boot loader reports it.                                    Row mm/memmap, CertiKOS MBoot
 *
 * State       up to 64 regions (start, length in bytes, usable), disjoint, in any order; total frames
 * Primitives  memmap_init     takes the regions of the machine's params
 *             memmap_usable   whether all of a frame lies in one usable region
 * Invariants  regions do not overlap and lie in the memory (checked by memmap_init: BADARG otherwise)
 * Lock        none: constant after boot */
#pragma once
#include "core/machine.h"

enum ukern_status memmap_init(void) must_use; /* BADARG with text in ukern_error, NOMEM */
bool memmap_usable(struct frame_id f);
uint32_t memmap_count(void);
