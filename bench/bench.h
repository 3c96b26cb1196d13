/* SPDX-License-Identifier: BSD-2-Clause */
/* bench: measuring a figure beside its floors, in one run, alternately.
 *
 * For        ukern bench. docs/bench.md says how to read what it prints.
 * Terms      a side is a thing that can be timed; a figure is a side of the kernel's (the subject) and the floors that it
 *            is compared with; a block is a stretch of timed runs of a side, long enough to be told from noise.
 * Method     every side is warmed and calibrated, then blocks are taken in turn (A B C A B C ...): what disturbs the
 *            machine disturbs all of them. A side's figure is the median of its blocks; a ratio is that of two medians;
 *            its spread is that of the ratios of neighbouring blocks.
 * Must hold  a verdict is passed only on enough blocks (BENCH_MIN_BLOCKS) that are long enough (BENCH_MIN_NS), and when
 *            the floor itself was quiet (BENCH_QUIET). Otherwise the verdict says which of these was missing.
 * Clock      a side says itself how long its block took: tests give sides with a clock of their own. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_MAX_FLOORS = 6, BENCH_MAX_SIDES = BENCH_MAX_FLOORS + 1, BENCH_MAX_BLOCKS = 101, BENCH_WHY = 200 };
enum { BENCH_MIN_BLOCKS = 9, BENCH_MIN_NS = 10000000 };
#define BENCH_QUIET 0.15 /* of a floor: (max - min) / median of its blocks */

enum bench_cpus { BENCH_ONE_CPU = 1, BENCH_TWO_CPUS = 2 };

/* Where a figure is measured. */
struct bench_place {
    int cpu[2];      /* host CPUs; the second is -1 when this process has only one */
    bool fifo;       /* SCHED_FIFO was given: nothing of the normal class disturbs */
    enum bench_cpus cpus;
};

struct bench_side {
    const char *name, *what;
    double anchor_ns;           /* measured before, elsewhere: to see at once that something is off; 0: none */
    const char *anchor_source;
    /* All but run may be NULL. open and run: false with *ret_why filled; open's failure is a skip when it says so. */
    bool (*open)(const struct bench_place *place, uint64_t arg, void **ret_state, bool *ret_skip, char *ret_why);
    bool (*run)(void *state, uint64_t n, uint64_t *ret_ns, char *ret_why); /* n operations, and how long they took */
    void (*close)(void *state);
    uint64_t arg;               /* for open */
};

struct bench_floor {
    const struct bench_side *side;
    const char *target;         /* "P2": its name in the list of targets; NULL: none */
    double gate, aim;           /* subject / floor: at most; 0: none */
};

struct bench_figure {
    const char *name, *what;
    enum bench_cpus cpus;
    const struct bench_side *subject;
    struct bench_floor floor[BENCH_MAX_FLOORS];
};

struct bench_setting {
    uint64_t block_ns;
    uint32_t blocks;
    bool judged;                /* this build is one that the targets are for */
};

enum bench_outcome { BENCH_MEASURED, BENCH_SKIPPED, BENCH_FAILED };

struct bench_sample { /* of one side */
    enum bench_outcome outcome;
    char why[BENCH_WHY];
    uint64_t n;                          /* operations of the next run */
    uint64_t operations;                 /* of all blocks */
    double block[BENCH_MAX_BLOCKS];      /* ns per operation */
    double median, min, max, mad, spread; /* spread: (max - min) / median */
};

enum bench_verdict {
    BENCH_PASS,    /* at most the gate                                       */
    BENCH_FAIL,    /* above it, and the floor was quiet                      */
    BENCH_UNQUIET, /* the floor's own blocks differ too much: neither        */
    BENCH_SHORT,   /* fewer or shorter blocks than a verdict needs           */
    BENCH_NONE     /* no target, or not for this build, or nothing to judge  */
};

struct bench_ratio { /* subject / floor */
    double ratio, min, max, mad;
    enum bench_verdict verdict;
    bool aim_met;
};

struct bench_result {
    const struct bench_figure *figure;
    struct bench_place place;
    uint32_t floors, blocks;
    struct bench_sample subject, floor[BENCH_MAX_FLOORS];
    struct bench_ratio ratio[BENCH_MAX_FLOORS];
};

/* ---- measure.c ---- */
uint32_t bench_floor_count(const struct bench_figure *f);
void bench_measure(const struct bench_figure *f, const struct bench_place *place, const struct bench_setting *s,
                   struct bench_result *ret_result);
const char *bench_verdict_name(enum bench_verdict v);
double bench_median(const double *values, uint32_t n); /* n >= 1, at most BENCH_MAX_BLOCKS */

/* ---- place.c ---- */
uint64_t bench_now(void); /* ns */
struct bench_home { /* how this thread was scheduled before: a cpu_set_t */
    _Alignas(8) uint8_t allowed[128];
};
bool bench_home(struct bench_home *ret_home); /* false: errno */
/* Pins this thread to the first CPU of a place among home's, with SCHED_FIFO when `fifo`, the place is one CPU and Linux
 * lets us. False: *ret_why. */
bool bench_place_enter(const struct bench_home *home, enum bench_cpus cpus, bool fifo, struct bench_place *ret_place,
                       char *ret_why);
void bench_place_leave(const struct bench_home *home);
bool bench_pin(int cpu); /* this thread */
/* Under SCHED_FIFO: this thread one priority below the one that measures, which could not end it otherwise. */
bool bench_step_back(const struct bench_place *place);
void bench_give_way(void); /* the host CPU, to others of the same priority */
enum bench_kvm { BENCH_KVM_HARDWARE, BENCH_KVM_SOFTWARE, BENCH_KVM_NONE };
enum bench_kvm bench_kvm(int *ret_error);
const char *bench_kvm_text(enum bench_kvm kvm);

/* ---- pair.c ---- */
/* How long n rounds of ping take while a thread on the place's other CPU (or on the same one) does pong's. */
bool bench_pair(const struct bench_place *place, void (*ping)(void *, uint64_t), void (*pong)(void *, uint64_t), void *state,
                uint64_t n, uint64_t *ret_ns, char *ret_why);

/* ---- figures.c ---- */
extern const struct bench_figure *const bench_figures[];
const struct bench_figure *bench_figure_find(const char *name);

/* ---- report.c, json.c ---- */
struct bench_report {
    const char *build;        /* ukern_version(): "0.1.0 fast" */
    const char *instrumented; /* "AddressSanitizer" and the like; NULL: nothing slows it down */
    enum bench_kvm kvm;
    int kvm_error;
    const struct bench_setting *setting;
};
void bench_print_head(const struct bench_report *r);
void bench_print(const struct bench_result *r);
void bench_print_list(void);
int bench_print_json(const struct bench_report *r, const struct bench_result *results, uint32_t n); /* 0, or -1 with errno */
void bench_duration(double ns, char ret_text[24]); /* "3.40 ns", "52.1 us" */
