/* SPDX-License-Identifier: BSD-2-Clause */
/* driver_inside: what the driver's files share; nobody else includes it.
 *
 * Files       driver.c          the machine, its engines; whole runs
 *             driver_table.c    what the driver knows of each primitive: the kinds of its arguments and results
 *             driver_draw.c     commands by chance
 *             driver_call.c     one command: names, manners, the call, the trace
 *             driver_inject.c   refusals
 *             driver_shrink.c   a smaller sequence with the same report
 *             driver_print.c    a sequence as C */
#pragma once
#include "driver.h"
#include "host/ram.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

enum { PRIMS_MAX = DRIVER_PRIMS, FIELDS_MAX = 8, PARTS_MAX = 512, INSIDE_MAX = 2 };

/* What an argument or a result is: by its type, and for plain numbers by its name. */
enum field_kind {
    FIELD_FRAME, FIELD_ROOT, FIELD_CONTAINER, FIELD_MAP, FIELD_SPACE, /* as enum driver_kind */
    FIELD_PAIR, FIELD_ENTRY_AT, FIELD_PTE, FIELD_LEAF, FIELD_FRAME_ENTRY, FIELD_SHARE_ENTRY, FIELD_INFO, FIELD_BYTES,
    FIELD_VA, FIELD_LAST, FIELD_PAGES, FIELD_PERM, FIELD_ORDER, FIELD_LEVEL, FIELD_LENGTH, FIELD_WANT, FIELD_ONE, FIELD_QUOTA,
    FIELD_BOOL, FIELD_SMALL, FIELD_OTHER,
    FIELD_CHOICE /* a result that is a choice and nobody's name */
};

struct field_of {
    const struct field *field;
    uint8_t kind;
};

struct prim_of {
    const struct prim *prim;
    struct field_of arg[FIELDS_MAX], ret[FIELDS_MAX];
    uint8_t args, rets;
    int8_t makes;              /* kind of the object that an output is, -1: none */
    uint8_t made_at, count_at; /* in the results; count_at: of a run, 0: not one */
    int8_t ends;               /* kind of the object whose end it may be, -1: none */
    bool ends_last;            /* only with the last reference */
    bool spoils;               /* writes the frame's bytes: not while it is busy */
    bool ends_roots;
    int8_t shares;             /* +1: its spaces have something in common; -1: its first one has not any more */
    int8_t lends;              /* +1: maps its frame, which stays until, -1, the frame comes back */
    bool refers;               /* one more reference of its first name */
    bool enters, leaves, inside; /* inside: may be called between them */
    int8_t busies;             /* +1: its first name may not end until a -1 */
    bool many;                 /* takes 2 MiB */
    bool partial;              /* may have done a part when it answers an error */
    bool bytes;                /* has a kernel buffer */
    bool chancy;               /* what it answers depends on earlier choices: not for traces, unless the policy is lowest */
};

/* One machine's table; built for a top. */
struct table {
    struct prim_of prim[PRIMS_MAX];
    uint32_t prims;
    bool walks;                /* entries are walked, and no layer keeps the tables */
    bool bare;                 /* no layer keeps frames of its own: an ended one is free, or a name's */
    bool made[DRIVER_KINDS];   /* some primitive makes such names */
};

struct object {
    uint32_t value, maker;
    uint16_t part;
    uint8_t kind, cpu;
    bool alive;
    uint32_t busy;
    uint32_t refs;             /* that the driver has: other CPUs may give the number to others once it has none */
    uint32_t place;            /* in alive[] of its CPU and kind */
};

struct names {
    struct object *object;
    uint32_t objects, room;
    uint32_t *first, *parts;   /* by command: its objects */
    uint32_t first_room;
    uint32_t *at[DRIVER_KINDS], at_size[DRIVER_KINDS]; /* by value: object + 1, 0: none */
    uint32_t *alive[DRIVER_KINDS], alives[DRIVER_KINDS], alive_room[DRIVER_KINDS];
};

struct random { uint64_t state; };

/* What one CPU of a run has: under seq there is one for all CPUs. */
struct lane {
    struct driver *d;
    struct names names;
    struct random random;
    struct driver_command *command; /* its own, or the sequence's */
    uint32_t n, next;
    uint64_t trace, done, refused, undefined, skipped;
    enum ukern_status answer;  /* of the last call */
    uint8_t weight[PRIMS_MAX];
    uint16_t wheel[PRIMS_MAX * 4];
    uint32_t wheel_n, phase;
    uint8_t *scratch;
};

struct driver {
    const struct driver_machine *dm;
    struct table *table;
    struct ukern *m;
    struct driver_sequence *s;
    struct lane *lane;
    uint32_t lanes;
    bool draws, decide;        /* commands are drawn, else they are there; PRE is asked, else it is known */
    const uint8_t *bytes, *bytes_end; /* draws from these, then ends */
    uint64_t prim_done[PRIMS_MAX];
    /* by CPU, for what is inside: object of the name */
    struct { uint8_t n; struct { const struct prim_of *by; uint32_t value; } in[INSIDE_MAX]; } inside[DRIVER_CPUS];
    uint32_t insiders;         /* CPUs that are inside, seq only */
    _Atomic uint32_t ended;    /* lanes */
    uint32_t full;
    struct driver_injection *injection; /* NULL: none is wanted */
};

#define DRIVER_PTE_FRAME UINT64_C(0x000ffffffffff000)
uint64_t driver_chance(struct random *r);
uint32_t driver_below(struct lane *l, uint32_t n); /* from the lane's generator, or from the bytes of a fuzzer */
static inline uint32_t word_at(const void *p, size_t at) { uint32_t w; memcpy(&w, (const char *)p + at, 4); return w; }
static inline void put_word(void *p, size_t at, uint32_t w) { memcpy((char *)p + at, &w, 4); }

/* driver_table.c */
struct table *driver_table(const struct layer *top);
uint32_t driver_limit(const struct driver_machine *dm, enum driver_kind k); /* numbers of such objects are below */
/* Where words that may be names are in a value of this kind: *ret_kinds [2], offsets [2]; how many. */
uint32_t driver_words(const struct table *t, uint8_t field_kind, uint8_t kinds[2], uint8_t at[2]);

/* driver_draw.c */
void driver_draw(struct lane *l, struct driver_command *ret_command);

void driver_draw_call(struct lane *l, uint16_t prim, struct driver_command *ret_command);

/* driver_inject.c: commands from `number` on */
void driver_inject_run(struct lane *l, uint32_t number, struct driver_injection *out);

/* driver_call.c */
void driver_call(struct lane *l, struct driver_command *c, uint32_t number);
bool driver_names_make(struct names *n, const struct driver_machine *dm, uint32_t commands);
void driver_names_free(struct names *n);
void driver_leave_all(struct lane *l);
