/* SPDX-License-Identifier: BSD-2-Clause */
/* calculus: runs each primitive by its code, its code beside its spec, or its spec.                Row core/calculus
 *
 * Step        of a primitive beside its code: take back what its inner calls changed, so that the spec sees the state before the
 *             whole call; run the spec, where a lower call means "that inner call, now" and puts its changes in again; compare
 *             results; compare R and the invariants at every key that changed. PRE is settled before the code runs, and asked
 *             again at the step only when no inner call changed anything: else another CPU may have moved on
 * Events      `return EVENT(result);` in x.c: the step of this primitive happens here, with this result: where a shared
 *             object's lock is still held, after the last write. EVENT_DONE(): of one without result. EVENT_OWNED...: the section
 *             of a per-CPU object, or one thread at boot, where no lock is held. EVENT_ATOMIC...: a primitive without lock. A local
 *             layer says nothing: its step is its return
 * Modes       for each layer, from params.layers at boot; a layer in impl that another one sees becomes shadow
 * Verdicts    enum failure; the first one ends the machine: the report goes to the log line by line, its first line is
 *             ukern_error's; the CPU parks, nothing is unwound
 * Locks       objects' own, in the order of src/LAYERS; in mode spec one lock per layer with the layer's rank stands for them. Inside
 *             those, a word for each component, taken upwards by whoever takes a step, and given away around the real lower calls of
 *             a spec; they are left out when only one host thread is there
 * Full checks all relations and invariants of all layers that have taken a step; only while no other kernel thread is inside a
 *             primitive, since between a write and its event R need not hold
 * Memory      of the arena, reserved at start; when it is full the machine is BROKEN and says how to get more
 * Upward      frame and the other stems: hooks.c, made of src/LAYERS, joins them with this layer
 * Pointers    calculus_full: the heap calls it
 * Lock        see Locks */
#pragma once
#include "core/hook.h"

enum failure {
    FAILURE_UNDEFINED = 1, /* the caller broke the precondition */
    FAILURE_FORBIDDEN,     /* the code's choice is not among those that the spec allows */
    FAILURE_RESULT,        /* a result or an output differs */
    FAILURE_RELATION,
    FAILURE_INVARIANT,
    FAILURE_STEP_MISSING,  /* the spec takes a lower step that the code did not take */
    FAILURE_STEP_EXTRA,    /* the code took a lower step that the spec does not take */
    FAILURE_EVENT_MISSING, /* shared state changed, and nobody said when */
    FAILURE_EVENT_TWICE,
    FAILURE_EVENT_UNLOCKED,
    FAILURE_EVENT_LATE,    /* the result changed after the event */
    FAILURE_SPEC,          /* the spec itself is wrong: no PRE, a change before it */
    FAILURE_EXHAUSTED,     /* the checker's memory is used up */
    FAILURE_COUNT
};

struct calculus_report {
    enum failure kind;
    const char *what;         /* "the result differs" */
    const struct prim *prim;  /* NULL: a full check */
    const struct layer *layer;
    const void *caller;       /* who called the primitive: a return address */
    const char *text;         /* all of it, in lines */
};

struct calculus_counts {
    uint64_t code, spec; /* how often the layer's code ran, how often its spec took a step */
};

#ifdef UKERN_CHECK
#ifndef CALCULUS_LAYER /* x.code.h, forced into x.c, says whose events these are */
#define CALCULUS_LAYER NULL
#endif
#define EVENT_WITH(result, owned) \
    ({ __auto_type event_ = (result); \
       calculus_event(CALCULUS_LAYER, &event_, sizeof event_, owned); \
       event_; })
#define EVENT(result) EVENT_WITH(result, false)
#define EVENT_DONE() calculus_event(CALCULUS_LAYER, NULL, 0, false)
#define EVENT_OWNED(result) EVENT_WITH(result, true)
#define EVENT_OWNED_DONE() calculus_event(CALCULUS_LAYER, NULL, 0, true)
/* The step of a primitive without lock: the one instruction that takes effect, and the step, with nobody's step between. The
 * expression is that instruction, or a lower layer's such primitive: it takes no lock and waits for nobody. */
#define EVENT_ATOMIC(result) \
    ({ calculus_atomic_begin(CALCULUS_LAYER); \
       __auto_type atomic_ = (result); \
       calculus_event(CALCULUS_LAYER, &atomic_, sizeof atomic_, true); \
       calculus_atomic_end(CALCULUS_LAYER); \
       atomic_; })
#define EVENT_ATOMIC_DONE(statement) \
    do { \
        calculus_atomic_begin(CALCULUS_LAYER); \
        statement; \
        calculus_event(CALCULUS_LAYER, NULL, 0, true); \
        calculus_atomic_end(CALCULUS_LAYER); \
    } while (0)
void calculus_event(const struct layer *of, const void *result, size_t size, bool owned);
void calculus_atomic_begin(const struct layer *of);
void calculus_atomic_end(const struct layer *of);

/* Bytes of the arena that these params make the calculus take; 0: every layer is in impl. */
size_t calculus_bytes(const struct ukern_params *p);
/* Modes from m->params; before any layer's init. BADARG: no such layer, or layers that do not compose; NOMEM: the arena. */
enum ukern_status calculus_start(struct ukern *m) must_use;
enum ukern_status calculus_start_tower(struct ukern *m, const struct tower *t) must_use;
/* NULL, or why these layers do not compose: the text is in `text`. */
const char *calculus_conflict(const struct tower *t, char *text, size_t size);

/* A kernel thread's crossings, of the arena; NULL in a machine without calculus. False: the arena is full. */
bool calculus_crossings(struct ukern *m, struct crossings **ret_crossings) must_use;
/* The thread that goes on here now. NULL: the idle loop. */
void calculus_switch(struct cpu *c, struct crossings *to);

enum mode calculus_mode(const struct ukern *m, const struct layer *l);
const char *calculus_mode_name(enum mode mode);
struct calculus_counts calculus_counts(const struct ukern *m, const struct layer *l);
uint64_t calculus_steps(const struct ukern *m);
uint64_t calculus_left(const struct ukern *m); /* changes that were not taken back: another CPU had moved on */
/* All relations and invariants now. False: nothing was checked, another kernel thread was inside a primitive. `here` is a CPU
 * of m. What is wrong ends the machine. */
bool calculus_check_all(struct ukern *m);
/* The same of a machine that has ended and runs no more, once: what is wrong makes it BROKEN, and this returns. */
void calculus_end(struct ukern *m);
/* The same without the maps of these names (NULL at the end): what is no state that a caller may count on. */
uint64_t calculus_hash_but(const struct ukern *m, const char *const *names);
uint64_t calculus_hash(const struct ukern *m); /* of the abstract state; equal for equal states */
bool calculus_defined(struct ukern *m, const struct prim *p, const void *args); /* PRE holds now; true in impl */

const struct calculus_report *calculus_report(const struct ukern *m); /* NULL: nothing has failed */
const char *calculus_failure_name(enum failure kind);
/* What the report's `replay:` line says; at most 255 bytes, copied. */
void calculus_set_replay(struct ukern *m, const char *command);
/* Who can name a program counter as file:line; core cannot. */
void calculus_set_resolver(struct ukern *m, void (*where)(const void *pc, char *text, size_t size));
/* The n-th piece of memory that the checker takes from now on is refused; 0: none. */
void calculus_fail_at(struct ukern *m, uint64_t n);
/* `name(argument=1) ret=OK` as snprintf; ret may be NULL. */
int calculus_call_text(const struct prim *p, const void *args, const void *ret, char *text, size_t size);
#else
#define EVENT(result) (result)
#define EVENT_DONE() ((void)0)
#define EVENT_OWNED(result) (result)
#define EVENT_OWNED_DONE() ((void)0)
#define EVENT_ATOMIC(result) (result)
#define EVENT_ATOMIC_DONE(statement) \
    do { \
        statement; \
    } while (0)
#endif
