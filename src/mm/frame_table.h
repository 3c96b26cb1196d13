/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_table: one word for every frame.                                         Row mm/frame_table, CertiKOS MATIntro
 *
 * State       entry : frame -> (refs, owner, dirty); what was never set is all zeroes; total : frames in the memory
 * Primitives  frame_table_init   all entries zero
 *             frame_table_get, frame_table_set   one entry, whole; PRE f < total, and for set: owner < 2^16 by its type
 * Words       refs: references, 0 = free. owner: the container that pays. dirty: 0 when it was never given back: a free one is all zero
 * Invariants  none of its own
 * Lock        none: an entry belongs to who holds the frame, a free frame's to mm/frame. get acquires and set releases, so
 *             that whoever sees a frame's last reference also sees what its former holders did to it (local) */
#pragma once
#include "core/machine.h"
#include "core/maths.h"

struct frame_entry { uint32_t refs; uint16_t owner; uint8_t dirty, zero; };
static_assert(sizeof(struct frame_entry) == 8, "an entry is read and written as one word");

struct frame_table_abs { MAP(struct frame_id, struct frame_entry) entry; VAR(uint32_t) total; };

enum ukern_status frame_table_init(void) must_use; /* NOMEM (arena) */
struct frame_entry frame_table_get(struct frame_id f);
void frame_table_set(struct frame_id f, struct frame_entry e);
