/* SPDX-License-Identifier: BSD-2-Clause */
/* ram: the simulated physical memory: a sparse memfd and one direct map of it.                    Row host/ram
 *
 * State       m->ram (the direct map), m->frames, the memfd in m->ram_state
 * Primitives  ram_make    all bytes zero; pages cost host memory from their first touch
 *             ram_free    all of it goes back to the host
 *             ram_fd      the memfd, for windows and for KVM's slots; it cannot be resized or executed
 *             ram_forget  gives frames' host memory back; their bytes are then zero
 *             frame_bytes where the kernel reads and writes a frame: the only way
 * Lock        none: constant after ram_make
 * Source      DESIGN 2.6; CertiKOS MBoot's flat memory HP */
#pragma once
#include "core/machine.h"

/* Frame numbers are 32 bits, the last of them is NO_FRAME. */
#define RAM_MAX_BYTES ((uint64_t)NO_ID << FRAME_SHIFT)

/* Sets m->ram, m->frames, m->ram_state. BADARG: bytes is 0, no multiple of 4096 or above RAM_MAX_BYTES; NOMEM: arena;
 * HOST: Linux refused (ukern_error says what). m needs its arena only, `here` may be NULL. */
enum ukern_status ram_make(struct ukern *m, uint64_t bytes) must_use;
void ram_free(struct ukern *m); /* also after a ram_make that failed */
int ram_fd(const struct ukern *m);
void ram_forget(struct ukern *m, struct frame_id first, uint32_t n);

static inline uint8_t *frame_bytes(struct frame_id f) { return here->m->ram + ((size_t)f.n << FRAME_SHIFT); }
