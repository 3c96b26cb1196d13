/* SPDX-License-Identifier: BSD-2-Clause */
/* boot: making a machine, layer by layer in the order of src/LAYERS, and taking it apart.         Row boot
 *
 * Primitives  boot_make    the machine, off: all layers initialised, no task
 *             boot_enter, boot_leave   the calling thread is CPU 0 of a machine that has not been started
 *             boot_spawn   a hosted task: its space, start page, blobs, stack, thread
 *             boot_free
 * Lock        none: one thread, before any CPU runs or after all have ended
 * Pointers    init: the table of all layers' init functions */
#pragma once
#include "core/machine.h"

enum ukern_status boot_make(const struct ukern_params *params, struct ukern **ret_machine) must_use;
void boot_free(struct ukern *m);
struct cpu *boot_enter(struct ukern *m); /* returns what boot_leave wants */
void boot_leave(struct cpu *outside);
enum ukern_status boot_spawn(const struct ukern_task_params *task, uint32_t *ret_task) must_use;
