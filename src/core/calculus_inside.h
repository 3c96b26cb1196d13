/* SPDX-License-Identifier: BSD-2-Clause */
/* calculus_inside: the state of the calculus, for its own files.                                   Row core/calculus
 *
 * Files       calculus.c         the boundary: which of code and spec runs
 *             calculus_step.c    one step: beside the code, instead of the code
 *             calculus_world.c   the components' locks; who is inside; full checks
 *             calculus_report.c  the report of a failure
 *             calculus_boot.c    modes, conflicts, memory; questions from outside */
#pragma once
#include "core/calculus.h"
#include "core/lock.h"

#ifdef UKERN_CHECK
enum { CALCULUS_RING = 16, CALCULUS_TEXT = 8192, CALCULUS_COMMAND = 256 };

struct component {
    _Alignas(64) _Atomic uint32_t taken; /* the checker's lock of it */
    struct lock instead; /* in mode spec, stands for the layer's object's lock */
    enum mode mode;
    _Atomic uint64_t code, spec; /* how often each ran */
    _Atomic bool live; /* a step of it has changed something: its init did not fail, so there is something to relate */
};

struct calculus {
    const struct tower *tower;
    struct abs *abs;
    struct maths maths;
    uint32_t layers;
    bool threads; /* several host threads: locks are needed */
    struct component of[TOWER_LAYERS];
    _Atomic uint32_t *inside;   /* [cpus] outermost crossings that are open */
    _Atomic uint32_t checking;  /* a full check keeps others out */
    _Atomic uint64_t steps, checked, left;
    _Atomic uint32_t ring_taken;
    _Atomic uint32_t failed;    /* somebody has begun the report */
    struct event { uint32_t cpu; const struct prim *prim; unsigned char args[HOOK_RECORD], ret[HOOK_RECORD]; } ring[CALCULUS_RING];
    uint64_t ring_n;
    bool ended; /* calculus_end was there */
    void (*where)(const void *pc, char *text, size_t size);
    char replay[CALCULUS_COMMAND], text[CALCULUS_TEXT];
    struct calculus_report report;
};

static inline bool calculus_sees(const struct layer *l, const struct layer *of) { return l->sees >> of->index & 1; }
/* A machine with another tower knows nothing of this layer. */
static inline enum mode calculus_mode_in(const struct calculus *c, const struct layer *l)
{
    return l->index < c->layers && c->tower->layers[l->index] == l ? c->of[l->index].mode : MODE_IMPL;
}
/* Nothing is checked any more. */
static inline bool calculus_failed(const struct calculus *c) { return atomic_load_explicit(&c->failed, memory_order_relaxed) != 0; }
/* One more, of what only one host thread counts unless there are several. */
static inline void calculus_bump(const struct calculus *c, _Atomic uint64_t *n)
{
    if (c->threads)
        atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
    else
        atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* calculus_step.c */
void calculus_ask(struct crossing *x);
void calculus_beside(struct crossing *x);
void calculus_instead(struct crossing *x);
void calculus_take(struct crossing *up, const struct prim *p, const void *args, void *ret); /* a lower step in up's spec */
bool calculus_same(const struct field *f, const void *a, const void *b);

/* calculus_world.c */
bool calculus_word_take(_Atomic uint32_t *word) must_use; /* false: the machine is broken, somebody keeps it */
void calculus_word_give(_Atomic uint32_t *word);
void calculus_world_take(struct calculus *c, const struct layer *l); /* its component and all below */
void calculus_world_give(struct calculus *c, const struct layer *l);
void calculus_enter(struct calculus *c); /* the outermost crossing of a kernel thread */
void calculus_leave(struct calculus *c); /* and now and then a full check */

/* calculus_report.c: x may be NULL, `says` what the spec returned or NULL */
void calculus_tell(struct crossing *x, const struct layer *l, enum failure kind, const void *says) __attribute__((cold));
void calculus_fail(struct crossing *x, const struct layer *l, enum failure kind, const void *says) __attribute__((noreturn, cold));
#endif
