/* SPDX-License-Identifier: BSD-2-Clause */
/* hook: what the generated boundary (hooks.c in the build directory) and the calculus say to each other.   Row core/hook
 *
 * Tables      tower: all layers of the calculus, bottom first; a layer: its place, what it stands on, sees and hides, its
 *             primitives; a primitive: its fields, its spec, a call through the boundary. Made by scripts/gen-hooks.py from
 *             src/LAYERS and the headers, constant; `ukern layers` and the drivers read them
 * Crossing    one call over a layer's boundary, on the caller's kernel stack
 * Crossings   what belongs to a kernel thread while it is inside: its open crossings, innermost first, the journal of what
 *             they changed, and the lower calls that their code made. A thread may lose its CPU in the middle of a
 *             primitive; so `here->crossings` follows the thread (sched/kctx), and each CPU has one more, for its idle loop
 *             and for boot
 * Blocking    a primitive that gives its CPU away (yield, sleep, receive) is two steps, a primitive each in its layer's
 *             header: `x_wait_begin` puts the caller where a waker finds it and is a step under the object's lock; then the
 *             thread switches, outside of any crossing; `x_wait_end`, a step of its own, says what came. Between them others
 *             take their steps. A crossing that is open while its thread has no CPU is allowed (a lock may be contended),
 *             but then no full check can be made (calculus_check_all)
 * Names       calculus_in, calculus_out, calculus_tower
 *
 * Types for both builds; the fast build has no object of it. */
#pragma once
#include "core/maths.h"

enum verdict {
    DEFINED,
    UNDEFINED, /* PRE is false: the caller's fault */
    FORBIDDEN, /* ALLOW is false: the code made a choice that it does not have */
    WAITING    /* AWAIT is false: not yet; the step is tried again */
};

enum mode {
    MODE_IMPL,
    MODE_SHADOW, /* impl, but a layer above sees the component: the spec runs beside the code, R is not compared */
    MODE_BOTH,
    MODE_SPEC
};

enum phase {
    PHASE_CODE,    /* the layer's code runs */
    PHASE_ASK,     /* its spec is asked for PRE */
    PHASE_BESIDE,  /* its spec takes the step that the code took */
    PHASE_INSTEAD  /* its spec takes the step by itself */
};

enum { TOWER_LAYERS = 64, HOOK_RECORD = 64, HOOK_UNSET = 0xA5 };

struct abs; /* all components: hooks.c */
struct cpu;

struct field {
    const char *name, *type; /* as the header says them; NULL: no more */
    uint32_t at, size;
    bool always; /* an output that is passed on whatever the result is */
};

struct prim {
    const char *name, *header;
    uint32_t line;
    bool has_result; /* ret[0] is the result, the others are outputs */
    bool has_status; /* the result is an enum ukern_status */
    const struct layer *layer;
    uint32_t args_size, ret_size;
    const struct field *args, *ret;
    enum verdict (*spec)(struct abs *abs, const void *args, const void *did, void *r);
    void (*call)(const void *args, void *ret); /* through the boundary */
};

struct layer {
    const char *name, *row, *origin; /* "frame", "mm/frame", "MAT" */
    uint32_t index, rank;            /* in the tower; in src/LAYERS */
    bool shared;                     /* its steps are events under a lock */
    uint64_t over, closure;          /* bits of layers: what it stands on; the same with all below, and itself */
    uint64_t sees, hides;            /* what its spec's view has; whole layers that it hides */
    const struct prim *const *prims, *const *hidden_prims; /* NULL at the end */
    size_t abs_at, abs_size;
    void (*abs_init)(struct abs *abs);
    bool (*relates_at)(struct abs *abs, const struct map *m, uint64_t key);
    bool (*relates)(struct abs *abs);
    bool (*invariant_at)(struct abs *abs, const struct map *m, uint64_t key);
    bool (*invariant)(struct abs *abs);
};

struct tower {
    const struct layer *const *layers; /* bottom first, NULL at the end */
    size_t abs_size;
};

/* A lower call that a primitive's code made. Its changes are journal entries from..to of its thread. The calls that it made
 * itself follow it when somebody further out may see them, though not this one. */
struct inner {
    const struct prim *prim;
    bool taken; /* the spec has taken this step */
    uint32_t below; /* how many records of its own calls follow */
    size_t from, to;
    unsigned char args[HOOK_RECORD], ret[HOOK_RECORD];
};

struct crossing {
    const struct prim *prim;
    const void *args, *caller;
    void *ret;
    struct crossing *up; /* the crossing that is open around it */
    enum mode mode;
    enum phase phase;
    bool plain;       /* this call is not checked: its code runs, and that is all */
    bool from_spec;   /* and it is a spec that called, which has given its locks away meanwhile */
    bool stepped;     /* the step has been taken, at an event */
    size_t changes, inner; /* where this call's part of the journal and of the inner calls begins */
    size_t next, window; /* inner: where the spec will look first for its next lower step, and from where on it may look */
    uint32_t refused; /* what the host had refused when it began */
    uint32_t asked; /* PREs that the spec evaluated */
    uint64_t met[4]; /* by CPU: AWAIT_EACH has seen it */
    unsigned char said[HOOK_RECORD]; /* the result at the event */
};

struct crossings {
    struct journal journal; /* of the open crossings */
    struct journal back;    /* what the current step has taken back */
    LIST(struct inner) inner;
    struct crossing *top;
    bool relating;          /* R or an invariant is evaluated: calls pass through */
    bool settled;           /* PRE held at the call; others may have moved on since */
    bool supposing;         /* a lower spec is asked what it would say, beside the code */
    bool acts;              /* it would have an effect on the hardware */
    const struct layer *atomic; /* whose linearization instruction runs, with the locks in hand; NULL: none */
    const struct layer *world; /* whose component, and those below, are locked by this thread; NULL: none */
    const char *why;        /* the condition that failed */
    char differs[200];
};

#ifdef UKERN_CHECK
/* True: run the code, then calculus_out. False: *ret is filled. */
bool calculus_in(struct crossing *x, const struct prim *p, const void *args, void *ret, const void *caller);
void calculus_out(struct crossing *x);
extern const struct tower calculus_tower; /* hooks.c: the kernel's */
#endif
