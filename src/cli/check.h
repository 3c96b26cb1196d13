/* SPDX-License-Identifier: BSD-2-Clause */
/* check: what the files of `ukern check` and `ukern layers` share; check build only. */
#pragma once
#include "driver.h"

struct checking {
    struct driver_machine machine;
    uint64_t steps, seed;
    int policy;                /* 0 any, 1 lowest, 2 by the seed */
    bool subsets, inject, json;
    uint32_t assignments;
    const char *output;
    char modes[512], command[1024];
    uint32_t machines;
    bool failed, wrong;        /* wrong: no machine could be made */
    struct driver_outcome sum, failure;
    struct driver_sequence sequence;
};

int check_subsets(struct checking *c);
int check_inject(struct checking *c);
void check_command(const struct checking *c, uint64_t seed, uint64_t steps, char *text, size_t size);
/* file:line of a program counter of this process (where.c). */
void where_resolve(const void *pc, char *text, size_t size);
