/* SPDX-License-Identifier: BSD-2-Clause */
/* console: see console.h. */
#include "console.h"
#include "mm/ucopy.h"
#include "sched/thread.h"

struct console {
    _Atomic uint32_t head, tail;   /* bytes that ever came in and went out */
    _Atomic uint32_t reader;       /* thread number + 1; 0: nobody */
    _Atomic uint32_t open;
    _Atomic bool filling;          /* a thread of the embedder puts bytes in */
    uint8_t ring[CONSOLE_RING];
};

struct console_state {
    struct console console[CONSOLES];
};

static void on_input(void)
{
    struct ukern *m = here->m;
    for (uint32_t i = 0; i < CONSOLES; i++) {
        struct console *c = &m->console->console[i];
        uint32_t reader = atomic_load(&c->reader);
        if (reader && atomic_load(&c->head) != atomic_load(&c->tail))
            thread_wake((struct thread_id){ reader - 1 }); /* NOTFOUND: it has just ended */
    }
}

static void drop_reader(struct thread_id t)
{
    for (uint32_t i = 0; i < CONSOLES; i++) {
        uint32_t me = t.n + 1;
        atomic_compare_exchange_strong(&here->m->console->console[i].reader, &me, 0);
    }
}

enum ukern_status console_init(void)
{
    struct ukern *m = here->m;
    m->console = arena_array(&m->arena, struct console_state, 1);
    if (!m->console)
        return UKERN_NOMEM;
    thread_on_input(on_input);
    thread_at_end(drop_reader);
    return UKERN_OK;
}

enum ukern_status console_write(uint32_t console, struct space_id s, uint64_t va, uint64_t n, uint64_t *ret_n)
{
    uint8_t chunk[1024];
    if (console >= CONSOLES || n > 65536)
        return UKERN_BADARG;
    enum ukern_status st = ucopy_check(s, va, n, PERM_USER);
    for (uint64_t done = 0, got; st == UKERN_OK && done < n; done += got) {
        st = ucopy_in(s, va + done, (struct kernel_bytes){ chunk }, n - done < sizeof chunk ? n - done : sizeof chunk, &got);
        if (st == UKERN_OK)
            machine_console(here->m, console, chunk, got);
    }
    if (st != UKERN_OK)
        return st;
    engine_point(POINT_CONSOLE, console, n);
    *ret_n = n;
    return UKERN_OK;
}

enum ukern_status console_read(uint32_t console, struct space_id s, uint64_t va, uint64_t n, uint64_t *ret_n)
{
    if (console >= CONSOLES || n > 65536)
        return UKERN_BADARG;
    struct console *c = &here->m->console->console[console];
    uint32_t nobody = 0, me = thread_self().n + 1;
    if (!atomic_compare_exchange_strong(&c->reader, &nobody, me) && nobody != me)
        return UKERN_BUSY;
    enum ukern_status st = ucopy_check(s, va, n, PERM_USER | PERM_WRITE);
    uint32_t tail = atomic_load_explicit(&c->tail, memory_order_relaxed);
    uint32_t have = atomic_load(&c->head) - tail; /* seq_cst: see console_input */
    uint32_t take = n < have ? (uint32_t)n : have;
    for (uint32_t done = 0, run; st == UKERN_OK && done < take; done += run) {
        uint64_t copied;
        uint32_t at = (tail + done) % CONSOLE_RING;
        run = take - done < CONSOLE_RING - at ? take - done : CONSOLE_RING - at;
        st = ucopy_out(s, va + done, (struct kernel_bytes){ &c->ring[at] }, run, &copied);
    }
    if (st != UKERN_OK)
        return st;
    atomic_store_explicit(&c->tail, tail + take, memory_order_release); /* release: the ring's bytes may be reused */
    *ret_n = take;
    return UKERN_OK;
}

size_t console_input(struct ukern *m, uint32_t console, const uint8_t *bytes, size_t n)
{
    if (console >= CONSOLES)
        return 0;
    struct console *c = &m->console->console[console];
#ifndef UKERN_BUG_TWO_PRODUCERS
    if (atomic_exchange_explicit(&c->filling, true, memory_order_acquire))
        return 0; /* another thread is at it; this one offers its bytes again, as when the ring is full */
#endif
    uint32_t head = atomic_load_explicit(&c->head, memory_order_relaxed);
    uint32_t room = CONSOLE_RING - (head - atomic_load_explicit(&c->tail, memory_order_acquire));
    uint32_t take = n < room ? (uint32_t)n : room;
    for (uint32_t i = 0; i < take; i++)
        c->ring[(head + i) % CONSOLE_RING] = bytes[i];
    /* seq_cst: on_input reads head after reader; console_read writes reader before it reads head. One sees the other. */
    atomic_store(&c->head, head + take);
    atomic_store_explicit(&c->filling, false, memory_order_release);
    uint32_t reader = atomic_load(&c->reader);
    if (take && reader)
        cpu_interrupt(&m->cpu[thread_cpu(m, reader - 1)], IRQ_INPUT);
    return take;
}

void console_open(struct ukern *m, uint32_t console, bool open)
{
    if (console >= CONSOLES)
        return;
    bool was = atomic_exchange(&m->console->console[console].open, open);
    if (was == open)
        return;
    if (open) {
        atomic_fetch_add(&m->inputs_open, 1);
    } else if (atomic_fetch_sub(&m->inputs_open, 1) == 1) {
        cpu_interrupt(&m->cpu[0], IRQ_RESCHEDULE); /* whether this is a deadlock now is decided when it idles again */
    }
}
