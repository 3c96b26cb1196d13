/* SPDX-License-Identifier: BSD-2-Clause */
/* world: what tests of a whole kernel share: a machine with a console and a log that are remembered.
 *
 * Every test here is written once and run on both engines (WORLD_TEST): the answer must be the same.
 * Tasks speak to their test by what they print (world_says) and how they end. */
#pragma once
#include "harness.h"
#include <ukern/user.h>

struct world {
    struct ukern *m;
    enum ukern_engine engine;
    char console[65536], log[65536];
    size_t console_bytes, log_bytes, trace_lines;
    uint64_t trace_hash;
};

/* The world of the test that runs: made fresh before each test, freed after it. */
extern struct world *world;

struct world_task {
    const char *name;
    ukern_program *program;
    uint32_t cpu;
    enum ukern_expect expect;
    bool daemon, floating_point;
    int expect_code;
    const char *argument; /* argv[1] */
};
void world_make(enum ukern_engine engine, uint32_t cpus);
void world_make_seeded(enum ukern_engine engine, uint32_t cpus, uint64_t seed); /* world_make's is 7 */
uint32_t world_spawn(struct world_task task); /* its number */
enum ukern_status world_run(void);            /* and every frame must have come home, unless the machine was stopped short */
void world_end(void);
bool world_says(const char *text);            /* the console contains it */
bool world_logged(const char *text);
const char *world_reason(uint32_t task);      /* why it ended */

/* void name(void) becomes name_smp and name_sim; name them in WORLD_TESTS's list by WORLD_BOTH(name). */
#define WORLD_TEST(name, cpus)                                                     \
    static void name(void);                                                       \
    START_TEST(name##_smp) { world_make(UKERN_SMP, cpus); name(); world_end(); } END_TEST \
    START_TEST(name##_sim) { world_make(UKERN_SIM, cpus); name(); world_end(); } END_TEST \
    static void name(void)
#define WORLD_BOTH(name) name##_smp, name##_sim
