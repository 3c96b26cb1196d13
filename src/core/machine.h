/* SPDX-License-Identifier: BSD-2-Clause */
/* machine: `struct ukern` and `struct cpu`: where all mutable state hangs.                       Row core/machine
 *
 * State       one struct ukern per machine, in its own arena; one struct cpu per CPU; thread-local `here` is the CPU
 *             that this host thread is being (NULL outside the machine's functions), the one mutable global.
 * Rules       every layer has one pointer here, to a struct that only its own .c file defines.
 *             Fields of struct cpu belong to that CPU unless marked (any): those are atomic.
 * Engine      core reaches the host only through struct engine_ops, which an engine gives.
 * Names       here
 * Upward      sim_*, smp_* (host/engine), behind struct engine_ops; thread_quiet (sched/thread), behind on_quiet */
#pragma once
#include "core/arena.h"
#include "core/lib.h"
#include <stdatomic.h>

struct cpu;
struct thread;

/* Where a simulation may change CPU, and what its trace shows (DESIGN 3). a and b are plain numbers, never host
 * pointers, frame numbers or real time: they are printed. */
enum point {
    POINT_CALL,   /* kernel entry: a = call number, b = first argument unless it is an address */
    POINT_RETURN, /* kernel exit: a = status, b = value (0 where the value is a choice)        */
    POINT_SPIN,   /* a contended lock or a full queue                                          */
    POINT_SWITCH, /* another thread runs: a = its number, NO_ID the idle loop                  */
    POINT_WAKE,   /* a thread became ready: a = its number                                     */
    POINT_IDLE,   /* the idle loop looked for work and found none                              */
    POINT_INTERRUPT, /* pending bits were taken: a = the bits                                  */
    POINT_GUEST,  /* a guest ran: a = exit kind, b = address                                   */
    POINT_CONSOLE, /* bytes went out: a = console, b = how many                                */
    POINT_EVENT,  /* check build only: an atomic step of a shared object                       */
    POINT_COUNT
};

/* Interrupts of a CPU: bits of cpu->pending. */
enum { IRQ_RESCHEDULE = 1, IRQ_TIMER = 2, IRQ_INPUT = 4, IRQ_STOP = 8 };

/* What a CPU counts. */
enum count { COUNT_SWITCHES, COUNT_CALLS, COUNT_MESSAGES, COUNT_INTERRUPTS, COUNT_FAULTS, COUNT_COUNT };

enum cpu_state { CPU_RUN, CPU_IDLE, CPU_GUEST };

struct engine_ops {
    uint64_t (*now)(struct ukern *m);                       /* ns of machine time */
    void (*point)(struct cpu *c, enum point kind, uint64_t a, uint64_t b);
    void (*spin)(struct cpu *c, uint32_t turns);            /* in a wait loop, after `turns` turns */
    void (*idle)(struct cpu *c, uint64_t deadline);         /* until pending != 0 or now >= deadline (0: none) */
    void (*kick)(struct cpu *to);                           /* pending is set: make it look (any CPU, any thread) */
    /* When it comes back, every CPU has passed a full memory barrier since the call. False: Linux refused. */
    bool (*barrier)(struct ukern *m);
    void (*park)(struct cpu *c) __attribute__((noreturn));                  /* the machine has ended or is broken: never comes back */
};

struct cpu {
    /* The first fields are known to host/trap.S: see the static_asserts in host/fault.c. */
    uint8_t *kstack_top;           /* of the running thread: where ukern_trap switches to   */
    bool in_user;                  /* a hosted task's own code is running; read by signal handlers on this thread */
    bool simulated;                /* the engine is sim: points are taken                   */
    uint32_t id;
    uint32_t running;              /* number of the current thread, NO_ID: the idle loop    */
    struct ukern *m;
    _Atomic uint32_t state;        /* (any) enum cpu_state: written by its CPU, read by kickers */
    _Atomic uint32_t pending;      /* (any) IRQ_ bits */
    struct thread *current;        /* NULL: the idle loop (sched/thread) */
    struct flow *flow;             /* the kernel stack that it runs on: the current thread's or the idle loop's */
    struct side *side;             /* the current thread's, for the sanitizers (host/switch) */
    struct engine_cpu *engine;     /* host/engine */
    struct sched_cpu *sched;       /* sched/thread */
    struct frame_cache *frame;     /* mm/frame */
    struct tlb_cpu *tlb;           /* mm/tlb */
    struct fault {                 /* why a task ends that did not ask for it: filled by a signal handler on this CPU */
        int signal;                /* 0: `why` says it */
        uint64_t address, at;      /* what it touched, where its code was */
        const char *why;
    } fault;
    _Atomic uint64_t count[COUNT_COUNT];   /* (any) statistics; written by this CPU only */
    _Atomic uint64_t seen_calls, seen_time; /* (any) ukern_task_info's memory of when the calls last changed */
#ifdef UKERN_CHECK
    uint32_t held[40], held_count; /* ranks of the locks that it holds, innermost last */
    struct crossings *crossings, *idle_crossings; /* (core/hook) the running kernel thread's; the idle loop's */
    struct journal *journal;       /* (core/maths) where changes of abstract maps are written down: of `crossings` */
    uint32_t refuse_in;            /* for tests: the n-th request of the host from now on is refused; 0: none */
    uint32_t refused;              /* how often the host refused something that it is asked for on this CPU */
#endif
};

struct ukern {
    struct arena arena;
    struct ukern_params params;    /* with the defaults filled in; regions and hooks copied */
    struct ukern_hooks hooks;
    const struct engine_ops *ops;
    uint8_t *ram;                  /* the direct map of the simulated memory: ram + frame * 4096 */
    uint32_t frames;               /* frames in it */
    uint32_t cpus;
    struct cpu *cpu;               /* [cpus] */
    bool valgrind;                 /* constant after boot: copies tell it what they did (core/sanitize) */
    bool fences;                   /* constant after boot: ops->barrier is not there, who relies on it fences for itself */
    bool started;                  /* the embedder's thread only */
    _Atomic uint32_t ended;        /* (any) enum machine_end */
    _Atomic uint32_t log_lock;     /* (any) one log or console line at a time; outside threads log, too, so no struct lock */
    _Atomic uint32_t inputs_open;  /* (any) consoles for which input may still come */
    void (*on_quiet)(struct ukern *m); /* upcall of the engine: every CPU is idle, no timer runs (sched/thread) */
    struct engine *engine;
    struct ram_state *ram_state;   /* host/ram: the memfd behind m->ram */
    struct window_state *window;   /* host/window */
    struct memmap_state *memmap;
    struct frame_table_state *frame_table;
    struct frame_type_state *frame_type;
    struct frame_state *frame;
    struct container_state *container;
    struct pt_kern_state *pt_kern;
    struct pt_bit_state *pt_bit;
    struct tlb_state *tlb;
    struct space_state *space;
    struct share_entry_state *share_entry;
    struct share_table *share;
    struct tcb_state_table *tcb;
    struct thread_state *thread;
    struct chan_state *chan;
    struct vm_state *vm;
    struct console_state *console;
#ifdef UKERN_CHECK
    struct calculus *calculus;     /* NULL: every layer is in impl */
    struct maths *maths;
#endif
    char error[256];
};

/* Why the machine ended; 0 while it has not. */
enum machine_end { END_NOT, END_DONE, END_STOPPED, END_DEADLOCK, END_BROKEN, END_HOST };

extern _Thread_local struct cpu *here;

/* How many page maps there can be: one for each task and each VM; mCertiKOS has 64. Their ids are below it. */
static inline uint32_t machine_maps(const struct ukern *m)
{
    return m->params.limits == UKERN_LIMITS_MCERTIKOS ? 64 : m->params.max_tasks + m->params.max_vms;
}

static inline uint64_t machine_now(void) { return here->m->ops->now(here->m); }
static inline void engine_point(enum point kind, uint64_t a, uint64_t b)
{
    struct cpu *c = here;
    if (unlikely(c->simulated))
        c->m->ops->point(c, kind, a, b);
}
/* One more of something that this CPU counts: it is the only writer, so no read-modify-write is needed. */
static inline void cpu_count(enum count what)
{
    _Atomic uint64_t *n = &here->count[what];
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1, memory_order_relaxed);
}
/* src/host says that Linux refused what it may refuse: specs read it as an environment value. */
#ifdef UKERN_CHECK
static inline void cpu_host_refused(void)
{
    if (here)
        here->refused++;
}
/* Asked by src/host before it asks Linux: a test wants this request refused. */
static inline bool cpu_host_must_refuse(void) { return here && here->refuse_in && --here->refuse_in == 0; }
#else
static inline void cpu_host_refused(void) {}
static inline bool cpu_host_must_refuse(void) { return false; }
#endif
/* An atomic step of a shared object: a point in the check build, nothing in the fast build. */
#ifdef UKERN_CHECK
#define EVENT_POINT(layer_rank) engine_point(POINT_EVENT, (layer_rank), 0)
#else
#define EVENT_POINT(layer_rank) ((void)0)
#endif

/* Interrupts CPU `to`: sets the bits, then makes it look. (any thread) */
static inline void cpu_interrupt(struct cpu *to, uint32_t bits)
{
    /* seq_cst: the bits must be visible before `state` is read in kick, as the idler writes state before it reads
     * the bits (store-buffering pattern: anything weaker can lose the wake-up). */
    atomic_fetch_or(&to->pending, bits);
    to->m->ops->kick(to);
}

/* Logs one line through the embedder's hook; at most 511 bytes. */
void machine_log(struct ukern *m, enum ukern_log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Sets ukern_error(m), logs it, and returns st. */
enum ukern_status machine_fail(struct ukern *m, enum ukern_status st, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Bytes for a console, through the embedder's hook. */
void machine_console(struct ukern *m, uint32_t console, const void *bytes, size_t n);
/* Ends the machine once: the first caller's reason stays, and it alone gets true; END_BROKEN replaces any other.
 * Interrupts every CPU. (any thread, async-signal-safe) */
bool machine_end(struct ukern *m, enum machine_end why);
static inline bool machine_is_broken(struct ukern *m) { return atomic_load_explicit(&m->ended, memory_order_relaxed) == END_BROKEN; }
static inline bool machine_has_ended(struct ukern *m) { return atomic_load_explicit(&m->ended, memory_order_acquire) != END_NOT; }
