/* SPDX-License-Identifier: BSD-2-Clause */
/* container: who may use how much memory.                                            Row mm/container, CertiKOS MContainer
 *
 * State       of : container -> (quota, usage, parent, children); ids that are not in it are free. Counted in frames.
 * Primitives  container_init   the root (id 0, its own parent) may use all NORMAL frames
 *             container_split  a child with `quota`, charged to `id`; BADARG: no such container; NOMEM: more than quota - usage, or no id left
 *             container_revoke the container ends, its quota goes back to its parent; BADARG: none, or the root; BUSY: it has
 *                              children or frames are still charged to it
 *             container_alloc, container_alloc_run, container_alloc_large   as mm/frame's, charged to `id` (run: to what is left of
 *                              the quota at most; large: 512); BADARG: no such container, want 0; NOMEM: nothing left of the quota (large: fewer than 512 left), or no free frame
 *             container_free   one reference of a frame fewer; with the last one its payer is charged one less; BADARG: not used
 *             container_info   quota, usage, parent, children; BADARG: no such container
 *             container_can_consume   whether n more frames are within the quota; false: no such container
 * Peek        container_peek: the line of a container as memory has it, without its lock; false: no such container. For the relation only
 * Invariants  I1 usage <= quota  I2 usage = frames it pays for + quotas of its children  I3 the parent of each but the root exists, and no
 *             container is its own ancestor; children counts them  I4 frames free >= sum over all of (quota - usage)
 * Ids         choice: any free id below params.max_containers. limits = mcertikos: 64 ids, at most 3 children; the child of
 *             `id` is 3 id + 1 + n with the lowest n in 0..2 that is free (CertiKOS: n = number of children; the same as long as nothing is revoked), NOMEM when there is none below 64
 * Lock        one per container, guarding its line; split and revoke hold the parent's and the child's (core/lock's pair). Never held on a way out */
#pragma once
#include "core/machine.h"
#include "core/maths.h"

#define ROOT_CONTAINER ((struct container_id){ 0 })
struct container_info { uint32_t quota, usage; struct container_id parent; uint32_t children; };

struct container_abs { MAP(struct container_id, struct container_info) of; };

enum ukern_status container_init(void) must_use; /* NOMEM (arena) */
enum ukern_status container_split(struct container_id id, uint32_t quota, struct container_id *ret_child) must_use;
enum ukern_status container_revoke(struct container_id id) must_use;
enum ukern_status container_alloc(struct container_id id, struct frame_id *ret_frame) must_use;
enum ukern_status container_alloc_run(struct container_id id, uint32_t want, struct frame_id *ret_first, uint32_t *ret_count) must_use;
enum ukern_status container_alloc_large(struct container_id id, struct frame_id *ret_first) must_use;
enum ukern_status container_free(struct frame_id f);
enum ukern_status container_info(struct container_id id, struct container_info *ret_info) must_use;
bool container_can_consume(struct container_id id, uint32_t n);
bool container_peek(struct container_id id, struct container_info *ret_info);
