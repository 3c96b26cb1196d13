/* SPDX-License-Identifier: BSD-2-Clause */
/* ram: the simulated physical memory: a sparse memfd and one direct map of it.                    Row host/ram
 *
 * State       m->ram (the direct map), m->frames, the memfd in m->host
 * Rule        the kernel reads and writes frames through frame_bytes only
 * Source      DESIGN 2.6; CertiKOS MBoot's flat memory HP */
#pragma once
#include "core/machine.h"

enum ukern_status ram_make(struct ukern *m, uint64_t bytes) must_use; /* HOST; sets m->ram, m->frames */
void ram_free(struct ukern *m);
int ram_fd(const struct ukern *m);
/* Gives a frame's host memory back; its contents are then zero. (madvise/fallocate; may do nothing) */
void ram_forget(struct ukern *m, struct frame_id first, uint32_t n);

static inline uint8_t *frame_bytes(struct frame_id f) { return here->m->ram + ((size_t)f.n << FRAME_SHIFT); }
