/* SPDX-License-Identifier: BSD-2-Clause */
/* driver: random calls at the tower's interfaces; failures are made small and printed as C.            Row driver
 *
 * Machine     struct driver_machine: the layers up to `top` and nothing else; modes; an engine: `seq` (one host thread is
 *             each CPU in turn, the command says which; what is replayed and made small), `sim`, `smp` (CPUs as the machine
 *             has them, each with commands and names of its own)
 * Commands    a primitive that no layer up to `top` hides, with arguments: valid and invalid ones mixed. A result is a name
 *             (a frame, container, map, space is named by the command that made it, a name dies at its end); commands refer
 *             to names, never to numbers of objects, so a sequence means the same whatever the layers choose
 * Undefined   calls whose precondition is false are counted and not made. Which those are is the specifications' word: in a
 *             machine with layers in impl the sequence must have been decided before (driver_decide)
 * Manners     rules of the interfaces that no precondition can say: what is inside a map (tlb_enter) leaves before anybody
 *             could wait for it; who has made a frame a table takes it back before it frees it
 * Trace       a hash of every result, names in place of choices
 * Chance      splitmix64, one for each CPU, from the seed
 * Primitives  driver_machine_make, driver_machine_free   the machine alone (tests/harness.c makes regression tests with it)
 *             driver_random     runs commands as it draws them, and keeps them
 *             driver_replay     runs commands that were kept
 *             driver_shrink     the machine first, then the commands, by replay, to the same report: kind and primitive
 *             driver_print      a sequence as C for tests/harness.h
 *             driver_inject     every allocation of every primitive refused in turn: nothing may have changed
 * Lock        none: a driver belongs to one thread; under smp its CPUs share nothing but the machine
 * Pointers    driver_cpu_main: an engine's CPU begins there; nothing_more: its on_quiet; seq_now, seq_point, seq_spin, seq_idle, seq_kick,
 *             seq_barrier, seq_park: the engine operations of seq; boot_layers, run_seq, check_all: run where a failed check comes back */
#pragma once
#include "core/calculus.h"

enum driver_engine { DRIVER_SEQ, DRIVER_SIM, DRIVER_SMP };
/* What names stand for. A root is a frame that a map of mm/pt_table begins with: nobody but that layer may free it. */
enum driver_kind { DRIVER_FRAME, DRIVER_ROOT, DRIVER_CONTAINER, DRIVER_MAP, DRIVER_SPACE, DRIVER_KINDS };

enum { DRIVER_ARGS = HOOK_RECORD, DRIVER_USES = 3, DRIVER_CPUS = 64, DRIVER_TEXT = 8192, DRIVER_SCRATCH = 65536, DRIVER_PRIMS = 256 };

struct driver_machine {
    char top[32];                 /* the highest layer that boots */
    uint32_t frames, cpus, containers, maps;
    bool lowest, mcertikos;       /* frame policy, limits */
    enum driver_engine engine;
    uint64_t seed;                /* of the sim engine's schedule */
    uint32_t check_every;
    uint32_t heap_fails;          /* the n-th request of the checker's memory after boot is refused; 0: none */
    enum ukern_mode mode[TOWER_LAYERS]; /* by a layer's index; above the top: ignored */
    void (*where)(const void *pc, char *text, size_t size); /* names a program counter in reports; NULL: numbers */
    const char *replay;           /* the command that repeats this run, for reports; NULL: none */
};

/* The word at `at` of the arguments is a name: the part-th object that command `maker` made. Stale: the object has ended, and
 * nobody has its number. Pte: it is the frame of a page-table entry there. */
struct driver_use {
    uint8_t at;
    uint8_t kind : 6, stale : 1, pte : 1;
    uint16_t part;
    uint32_t maker;
};
struct driver_command {
    uint16_t prim;     /* in the driver's table */
    uint8_t cpu, uses;
    bool undefined;    /* as decided: is not called */
    struct driver_use use[DRIVER_USES];
    unsigned char args[DRIVER_ARGS];
};

struct driver_sequence {
    struct driver_machine machine;
    struct driver_command *command;
    uint64_t *mark;     /* seq: the trace after each command of the last run */
    uint32_t n, room;
    bool sure;  /* draw only what means the same whatever the layers choose: for traces of several modes */
};

struct driver_outcome {
    bool failed;
    enum ukern_status boot;     /* not OK: there was no machine; text says why */
    enum failure kind;          /* 0: no report of the calculus; `what` says it */
    char what[160], prim[64], layer[32], text[DRIVER_TEXT];
    uint64_t trace, hash;       /* hash: of the abstract state at the end */
    uint64_t done, refused, undefined, skipped, steps; /* commands; of those: answered an error; not made; steps of specs */
    uint32_t at;                /* commands up to and with the one that failed */
    uint32_t full;              /* whether everything was compared at the end */
    double seconds;
    struct { const char *layer; uint64_t code, spec; enum mode mode; } layer_counts[TOWER_LAYERS];
    uint32_t layers, prims;
    uint64_t prim_done[DRIVER_PRIMS]; /* seq: by the driver's table */
};

void driver_defaults(struct driver_machine *dm);
/* Of one layer or, "all", of all. Unknown names change nothing. */
void driver_mode(struct driver_machine *dm, const char *layer, enum ukern_mode mode);
const struct layer *driver_layer(const char *name); /* NULL: there is none */
const struct layer *driver_top(void);               /* NULL: the tower is empty */

/* On failure *ret_machine may be a machine, to be freed, or NULL; why: the text. */
enum ukern_status driver_machine_make(const struct driver_machine *dm, struct ukern **ret_machine, char *why, size_t size);
void driver_machine_free(struct ukern *m);
/* Runs step(arg) on a seq machine as its CPU 0. False: a check failed in it, and what it held stays held. */
bool driver_guard(struct ukern *m, void (*step)(void *arg), void *arg);

/* n commands drawn from `seed`, on a machine as s->machine says; they are kept in s. */
void driver_random(struct driver_sequence *s, uint64_t seed, uint32_t n, struct driver_outcome *ret_outcome);
/* Runs them; decide: asks for each whether it is defined, else that is known. */
void driver_replay(struct driver_sequence *s, bool decide, struct driver_outcome *ret_outcome);
/* Commands from bytes, for fuzzing: every byte decides something, none is refused. */
void driver_bytes(struct driver_sequence *s, const uint8_t *bytes, size_t n, struct driver_outcome *ret_outcome);
void driver_shrink(struct driver_sequence *s, struct driver_outcome *last, uint32_t *ret_replays);
void driver_print(const struct driver_sequence *s, const struct driver_outcome *o, const char *command,
                  void (*write)(void *ctx, const char *text), void *ctx);
void driver_free(struct driver_sequence *s);

/* How a primitive is refused: no frame is left to pay with; the host gives no mapping. */
enum driver_refusal { DRIVER_REFUSE_FRAMES, DRIVER_REFUSE_HOST, DRIVER_REFUSALS };
struct driver_injection {
    uint64_t refusals[DRIVER_REFUSALS];             /* calls that were refused */
    uint32_t sites[DRIVER_REFUSALS][DRIVER_PRIMS];  /* by primitive: most places at which one call was refused in turn */
    char changed[200];                              /* not empty: an error that changed the state */
};
/* After some random calls, each primitive of the machine's top with every refusal in turn; adds to *sum. */
void driver_inject(struct driver_sequence *s, uint64_t seed, struct driver_outcome *ret_outcome, struct driver_injection *sum);
/* The name of the i-th primitive that is drawn at this top, NULL behind the last. */
const char *driver_prim_name(const struct layer *top, uint32_t i);
