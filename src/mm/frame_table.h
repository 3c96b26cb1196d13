/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_table: what every frame is.                                                  Row mm/frame_table, CertiKOS MATIntro
 *
 * State       type, refs, dirty : frame -> its type; how many references it has (0: free); whether its bytes may be other than
 *             zero. What was never set is 0. total : frames in the memory
 * Primitives  frame_table_init     all entries 0: RESERVED, no references, clean; NOMEM (arena)
 *             getters and setters  PRE a frame number is below total
 * Invariants  none of its own
 * Lock        none of its own: mm/frame's lock guards the entries */
#pragma once
#include "core/machine.h"
#include "core/maths.h"

enum frame_type { FRAME_RESERVED, FRAME_KERNEL, FRAME_NORMAL }; /* CertiKOS: Resv 0, Kern 1, Norm 2 */

struct frame_table_abs { MAP(struct frame_id, uint32_t) type, refs, dirty; VAR(uint32_t) total; };

enum ukern_status frame_table_init(void) must_use;
enum frame_type frame_table_type(struct frame_id f);
void frame_table_set_type(struct frame_id f, enum frame_type type);
uint32_t frame_table_refs(struct frame_id f);
void frame_table_set_refs(struct frame_id f, uint32_t refs);
bool frame_table_dirty(struct frame_id f);
void frame_table_set_dirty(struct frame_id f, bool dirty);
