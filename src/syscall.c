/* SPDX-License-Identifier: BSD-2-Clause */
/* syscall: one short function per call; the table, its names and argument counts come from UKERN_CALLS. */
#include "syscall.h"
#include "console.h"
#include "ipc/chan.h"
#include "mm/space.h"
#include "mm/ucopy.h"
#include "sched/thread.h"
#include "vm/vm.h"
#include <inttypes.h>

struct arguments {
    uint64_t a0, a1, a2, a3;
};

static struct ukern_result give(enum ukern_status st) { return (struct ukern_result){ st, 0 }; }
static struct ukern_result give_value(enum ukern_status st, uint64_t value)
{
    return (struct ukern_result){ st, st == UKERN_OK ? value : 0 };
}
static struct space_id own_space(void) { return thread_space(thread_self()); }
static bool is_id(uint64_t x) { return x < NO_ID; }

/* No deadline is later than this, in 292 years: a simulation that jumps to one has as many years left, and does not wrap. */
#define TIME_END ((uint64_t)INT64_MAX)

/* Machine time `ns` from now; 0 stays 0, which means for ever. */
static uint64_t deadline_in(uint64_t ns)
{
    if (ns == 0)
        return 0;
    uint64_t now = machine_now();
    return now < TIME_END && ns < TIME_END - now ? now + ns : TIME_END;
}

/* Pages [va, va + n) that a task may map: whole, not empty, in the part of the window that is its own. */
static bool own_pages(uint64_t va, uint64_t n)
{
    return n > 0 && is_aligned(va | n, FRAME_SIZE) && va >= UKERN_MAP_LOW && range_in(va, n, UKERN_MAP_HIGH);
}

static struct ukern_result sys_yield(const struct arguments *a)
{
    (void)a;
    thread_yield();
    return give(UKERN_OK);
}

static struct ukern_result sys_exit(const struct arguments *a)
{
    char why[120];
    uint64_t n = a->a2 < sizeof why - 1 ? a->a2 : sizeof why - 1, done;
    enum ukern_status st = n ? ucopy_in(own_space(), a->a1, (struct kernel_bytes){ why }, n, &done) : UKERN_OK;
    if (st != UKERN_OK)
        return give(st);
    why[n] = 0;
    thread_exit((int)a->a0, why);
}

static struct ukern_result sys_sleep(const struct arguments *a)
{
    uint64_t value;
    if (a->a0 == 0)
        return give(UKERN_OK);
    thread_block(NULL, deadline_in(a->a0), "its timer", NO_ID, &value); /* TIMEOUT is what it came for */
    return give(UKERN_OK);
}

static struct ukern_result sys_wait(const struct arguments *a) { return give(thread_wait(deadline_in(a->a0))); }

static struct ukern_result sys_wake(const struct arguments *a)
{
    if (!is_id(a->a0))
        return give(UKERN_NOTFOUND);
    return give(thread_wake((struct thread_id){ (uint32_t)a->a0 }));
}

static struct ukern_result sys_time(const struct arguments *a)
{
    (void)a;
    return give_value(UKERN_OK, machine_now());
}

static struct ukern_result sys_console_write(const struct arguments *a)
{
    uint64_t n = 0;
    if (!is_id(a->a0))
        return give(UKERN_BADARG);
    enum ukern_status st = console_write((uint32_t)a->a0, own_space(), a->a1, a->a2, &n);
    return give_value(st, n);
}

static struct ukern_result sys_console_read(const struct arguments *a)
{
    uint64_t n = 0;
    if (!is_id(a->a0))
        return give(UKERN_BADARG);
    enum ukern_status st = console_read((uint32_t)a->a0, own_space(), a->a1, a->a2, &n);
    return give_value(st, n);
}

static struct ukern_result sys_mem_map(const struct arguments *a)
{
    if (!own_pages(a->a0, a->a1) || a->a2 > UKERN_PROT_WRITE)
        return give(UKERN_BADARG);
    uint32_t perm = PERM_USER | (a->a2 == UKERN_PROT_WRITE ? PERM_WRITE : 0);
    enum ukern_status st = space_map(own_space(), a->a0, (uint32_t)(a->a1 >> FRAME_SHIFT), perm);
    thread_pass(thread_self(), thread_self()); /* the task uses the memory after this */
    return give(st);
}

static struct ukern_result sys_mem_unmap(const struct arguments *a)
{
    if (!own_pages(a->a0, a->a1))
        return give(UKERN_BADARG);
    thread_pass(thread_self(), thread_self()); /* the task used the memory before this */
    return give(space_unmap(own_space(), a->a0, (uint32_t)(a->a1 >> FRAME_SHIFT)));
}

static struct ukern_result sys_chan_send(const struct arguments *a)
{
    uint64_t taken = 0;
    if (!is_id(a->a0))
        return give(UKERN_BADARG);
    enum ukern_status st = chan_send((struct chan_id){ (uint32_t)a->a0 }, a->a1, a->a2, deadline_in(a->a3), &taken);
    return give_value(st, taken);
}

static struct ukern_result sys_chan_recv(const struct arguments *a)
{
    uint64_t got = 0;
    if (!is_id(a->a0))
        return give(UKERN_BADARG);
    enum ukern_status st = chan_receive((struct chan_id){ (uint32_t)a->a0 }, a->a1, a->a2, deadline_in(a->a3), &got);
    return give_value(st, got);
}

static struct ukern_result sys_vm_create(const struct arguments *a)
{
    struct vm_id vm = { 0 };
    if (a->a0 & ~(uint64_t)UKERN_VM_IRQCHIP)
        return give(UKERN_BADARG);
    enum ukern_status st = vm_new((uint32_t)a->a0, &vm);
    return give_value(st, vm.n);
}

static struct ukern_result sys_vm_map(const struct arguments *a)
{
    if (!is_id(a->a0))
        return give(UKERN_NOTFOUND);
    return give(vm_map((struct vm_id){ (uint32_t)a->a0 }, a->a1, own_space(), a->a2, a->a3));
}

/* The exit's header travels always, its data only as far as it is used. */
static uint64_t exit_bytes(const struct ukern_vm_exit *x)
{
    uint64_t data = (uint64_t)x->width * x->count;
    return offsetof(struct ukern_vm_exit, data) + (data < sizeof x->data ? data : sizeof x->data);
}

static struct ukern_result sys_vm_run(const struct arguments *a)
{
    enum { HEADER = offsetof(struct ukern_vm_exit, data) };
    struct ukern_vm_exit exit;
    uint64_t done;
    if (!is_id(a->a0))
        return give(UKERN_NOTFOUND);
    enum ukern_status st = ucopy_check(own_space(), a->a1, sizeof exit, PERM_USER | PERM_WRITE);
    if (st == UKERN_OK)
        st = ucopy_in(own_space(), a->a1, (struct kernel_bytes){ &exit }, HEADER, &done); /* once: what is checked is what is used */
    if (st == UKERN_OK)
        st = ucopy_in(own_space(), a->a1 + HEADER, (struct kernel_bytes){ exit.data }, exit_bytes(&exit) - HEADER, &done);
    if (st == UKERN_OK)
        st = vm_run((struct vm_id){ (uint32_t)a->a0 }, &exit);
    if (st == UKERN_OK)
        st = ucopy_out(own_space(), a->a1, (struct kernel_bytes){ &exit }, exit.write ? exit_bytes(&exit) : HEADER, &done); /* no stale kernel bytes */
    return give(st);
}

static struct ukern_result sys_vm_get_regs(const struct arguments *a)
{
    struct ukern_vm_regs regs;
    uint64_t done;
    if (!is_id(a->a0))
        return give(UKERN_NOTFOUND);
    memset(&regs, 0, sizeof regs); /* no kernel bytes in the padding */
    enum ukern_status st = vm_get_regs((struct vm_id){ (uint32_t)a->a0 }, &regs);
    if (st == UKERN_OK)
        st = ucopy_out(own_space(), a->a1, (struct kernel_bytes){ &regs }, sizeof regs, &done);
    return give(st);
}

static struct ukern_result sys_vm_set_regs(const struct arguments *a)
{
    struct ukern_vm_regs regs;
    uint64_t done;
    if (!is_id(a->a0))
        return give(UKERN_NOTFOUND);
    enum ukern_status st = ucopy_in(own_space(), a->a1, (struct kernel_bytes){ &regs }, sizeof regs, &done);
    if (st == UKERN_OK)
        st = vm_set_regs((struct vm_id){ (uint32_t)a->a0 }, &regs);
    return give(st);
}

static struct ukern_result sys_vm_irq(const struct arguments *a)
{
    if (!is_id(a->a0))
        return give(UKERN_NOTFOUND);
    if (a->a1 > UINT32_MAX || a->a2 > 1)
        return give(UKERN_BADARG);
    return give(vm_irq((struct vm_id){ (uint32_t)a->a0 }, (uint32_t)a->a1, a->a2 == 1));
}

static struct ukern_result sys_vm_destroy(const struct arguments *a)
{
    if (!is_id(a->a0))
        return give(UKERN_NOTFOUND);
    return give(vm_destroy((struct vm_id){ (uint32_t)a->a0 }));
}

static const struct {
    struct ukern_result (*run)(const struct arguments *a);
    const char *name;
} calls[UKERN_CALL_COUNT] = {
#define ROW(name, argc, text) [UKERN_CALL_##name] = { sys_##name, #name },
    UKERN_CALLS(ROW)
#undef ROW
};

struct ukern_result syscall_dispatch(uint64_t call, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    struct arguments a = { a0, a1, a2, a3 };
    engine_point(POINT_CALL, call, 0);
    if (unlikely(call >= UKERN_CALL_COUNT))
        return give(UKERN_BADARG);
    struct ukern_result r = calls[call].run(&a);
    if (unlikely(r.status == UKERN_FAULT))
        thread_die("handed the kernel an address that it may not use so: %s(%#" PRIx64 ", %#" PRIx64 ", %#" PRIx64 ", %#" PRIx64 ")",
                   calls[call].name, a0, a1, a2, a3);
    engine_point(POINT_RETURN, r.status, 0);
    return r;
}
