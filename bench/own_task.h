/* SPDX-License-Identifier: BSD-2-Clause */
/* own_task: timing inside hosted tasks of a machine that is made for one block.
 *
 * A program finds its struct own_block through argv[1], a host address as text: hosted tasks are C in this process, and
 * nothing else of the kernel is asked to carry the result out. It calls own_begin and own_end around its n operations. */
#pragma once
#include "bench.h"
#include <ukern/user.h>

enum { OWN_WARM = 64 }; /* operations before the timed ones */

struct own_block {
    const struct bench_place *place;
    uint64_t n, arg;
    uint64_t start, end;
    char *why; /* [BENCH_WHY] */
    bool failed, unsupported;
};

struct own_block *own_block_of(const struct ukern_start *start);
/* Notes the first failure, for programs: `return own_fail(b, "send", st);` */
int own_fail(struct own_block *b, const char *what, enum ukern_status st);

struct own_program {
    const char *name;
    ukern_program *program;
    uint32_t cpu;
};
/* Runs the programs (ended by a NULL program) on a new machine with as many CPUs as the place has, for n operations. */
bool own_run(const struct bench_place *place, const struct own_program *programs, uint64_t arg, uint64_t n, uint64_t *ret_ns,
             bool *ret_unsupported, char *ret_why);
