/* SPDX-License-Identifier: BSD-2-Clause */
/* module: programs out of shared objects.                                                               Row host/module
 *
 * Guards      tasks must not share memory behind the kernel's back: a module with writable data of its own is refused,
 *             and the data are named
 * Primitives  module_writable  names the writable objects of a shared object; how many there are
 *             module_program   loads it and answers the function of that name
 * Loading     is for the life of the process (machines may outlive what named the module), and runs the module's
 *             constructors: a module is trusted as much as the program that loads it
 * Errors      the text is written to `why` (MODULE_WHY bytes)
 * Lock        none: no state */
#pragma once
#include "core/lib.h"

enum { MODULE_WHY = 320 };

/* BADARG: no shared object of this processor; NOTFOUND; HOST. ret_names: "counter (4 bytes in .bss), ...". */
enum ukern_status module_writable(const char *path, char *why, char *ret_names, size_t room,
                                  unsigned *ret_count) must_use;
/* NOTFOUND: the module has no such function; HOST: it cannot be loaded. */
enum ukern_status module_program(const char *path, const char *name, char *why, ukern_program **ret_program) must_use;
