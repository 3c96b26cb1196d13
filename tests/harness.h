/* SPDX-License-Identifier: BSD-2-Clause */
/* harness: what the unit tests share: a small boot, one source of random numbers, and a runner whose exit status is true.
 *
 * Boot     harness_boot makes a machine of the layers up to mm only, in an order that can be read here, without engine and
 *          threads: `here` is its CPU 0. Tests of layers above sched use ukern_make.
 * Modes    UKERN_LAYERS='all=both,pt=spec' in the environment says in which modes the layers run (check build; machines
 *          whose params name none), UKERN_CHECK_EVERY=100 how often all relations are compared
 * Verdict  harness_main returns 0 only when every planned test ran and passed, and there was at least one.
 * Modes    works with and without CK_FORK=no */
#pragma once
#include "core/machine.h"
#include <check.h>

/* Boots core, host/ram and mm. params: NULL or zero fields mean 1 CPU, 1 MiB of ram, all of it usable, 16 tasks.
 * arena_bytes 0: enough. On failure everything is given back, and harness_error has the text. Sets `here`. */
enum ukern_status harness_boot(const struct ukern_params *params, size_t arena_bytes, struct ukern **ret_machine);
/* Modes from outside, for params that name none, so that every unit test can be run in every mode of the check build:
 * UKERN_LAYERS='all=both,pt=spec', UKERN_CHECK_EVERY=100. */
void harness_modes(struct ukern_params *p);
/* The same; the test fails when the boot does. */
struct ukern *harness_make(uint64_t ram);
void harness_free(struct ukern *m); /* `here` is NULL afterwards */
/* True: machines are made as on a host without membarrier. */
extern bool harness_fences;
/* False: UKERN_LAYERS lets layers run by their specifications alone; those have no messages, and nothing to peek at. */
bool harness_all_code(void);
/* What harness_boot's last failure said; valid until the next one on this thread. */
const char *harness_error(void);

/* Runs step(arg) and says whether a check of the kernel failed in it (the check build's machine_broken). What it had
 * locked stays locked: free the machine afterwards. */
bool harness_breaks(void (*step)(void *arg), void *arg);

#ifdef UKERN_CHECK
struct driver_machine;
/* Makes such a machine, calls calls(m) there; fails, with the report, when a check of the kernel fails. What `ukern check`
 * prints are tests of this form. */
void harness_calls(const struct driver_machine *dm, void (*calls)(void *m));
#endif

/* A pseudo-random sequence, the same everywhere (splitmix64). */
struct harness_random {
    uint64_t state;
};
uint64_t harness_random(struct harness_random *r);
static inline uint64_t harness_below(struct harness_random *r, uint64_t n) { return harness_random(r) % n; }

/* Whether the byte at p can be read, or written, without touching it from here: Linux is asked. */
bool harness_readable(const void *p);
bool harness_writable(void *p); /* writes back the byte that is there when it can */

/* n, a quarter of it under a sanitizer, or a tenth under valgrind, which is some fifty times slower: for the lengths of random
 * sequences. */
uint32_t harness_rounds(uint32_t n);
bool harness_on_valgrind(void);
bool harness_is_slow(void); /* valgrind, ASan, TSan */

/* Hash of n bytes, for "nothing changed". */
uint64_t harness_hash(const void *bytes, size_t n);

#define ck_status(expression, expected)                                                                          \
    do {                                                                                                         \
        enum ukern_status ck_got = (expression), ck_want = (expected);                                           \
        ck_assert_msg(ck_got == ck_want, "%s answers %s, expected %s", #expression, ukern_status_name(ck_got),   \
                      ukern_status_name(ck_want));                                                               \
    } while (0)
#define ck_ok(expression) ck_status(expression, UKERN_OK)

int harness_main(const char *name, const TTest *const *tests);
/* The main function of a test program: its suite's name, then its tests. */
#define HARNESS_TESTS(name, ...) \
    int main(void) { return harness_main(name, (const TTest *const[]){ __VA_ARGS__, NULL }); }
