/* SPDX-License-Identifier: BSD-2-Clause */
/* programs: the programs that are built into the library, for configurations to name.                     Row programs
 *
 * Primitives  programs_find  the program of that name, or NULL
 *             programs_at    the nth one, NULL behind the last: for suggestions and lists
 * Lock        none: a constant table
 * Pointers    programs: the table; kernel_address: hands out an address of the kernel's on purpose */
#pragma once
#include <ukern/ukern.h>

struct program {
    const char *name;
    ukern_program *run;
    const char *doc;
};

const struct program *programs_find(const char *name);
const struct program *programs_at(size_t n);
