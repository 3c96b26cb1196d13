/* SPDX-License-Identifier: BSD-2-Clause */
/* console: bytes out to the embedder, bytes in from it.                                          Row console
 *
 * State       per console a ring of 4096 input bytes, filled by one thread of the embedder at a time and emptied by the task that
 *             reads; the reader, which input wakes
 * Primitives  console_write, console_read (never blocks), console_input and console_open (from outside)
 * Order       single producer, single consumer: head is the producer's, tail the consumer's
 * Lock        none; two tasks that read one console would corrupt its tail, so a console has one reader: the first one;
 *             others get BUSY until it has ended */
#pragma once
#include "core/machine.h"

enum { CONSOLES = 64, CONSOLE_RING = 4096 };

enum ukern_status console_init(void) must_use;
enum ukern_status console_write(uint32_t console, struct space_id s, uint64_t va, uint64_t n, uint64_t *ret_n) must_use; /* BADARG, FAULT */
enum ukern_status console_read(uint32_t console, struct space_id s, uint64_t va, uint64_t n, uint64_t *ret_n) must_use;  /* BUSY */
size_t console_input(struct ukern *m, uint32_t console, const uint8_t *bytes, size_t n);
void console_open(struct ukern *m, uint32_t console, bool open);
