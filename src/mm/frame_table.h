/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_table: what every frame is.                                                  Row mm/frame_table, CertiKOS MATIntro
 *
 * State       for each frame: its type; how many references it has (0: free); whether its bytes may be other than zero
 * Primitives  getters and setters over one array; a frame number is below m->frames
 * Lock        none of its own: mm/frame's lock guards the entries */
#pragma once
#include "core/machine.h"

enum frame_type { FRAME_RESERVED, FRAME_KERNEL, FRAME_NORMAL }; /* CertiKOS: Resv 0, Kern 1, Norm 2 */

enum ukern_status frame_table_init(void) must_use; /* all frames RESERVED, 0 references, clean; NOMEM */
enum frame_type frame_table_type(struct frame_id f);
void frame_table_set_type(struct frame_id f, enum frame_type type);
uint32_t frame_table_refs(struct frame_id f);
void frame_table_set_refs(struct frame_id f, uint32_t refs);
bool frame_table_dirty(struct frame_id f);
void frame_table_set_dirty(struct frame_id f, bool dirty);
