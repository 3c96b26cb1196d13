/* SPDX-License-Identifier: BSD-2-Clause */
/* vm: see vm.h. */
#include "vm/vm.h"
#include "core/lock.h"
#include "sched/thread.h"
#include "vm/npt.h"

/* How long a guest runs while others wait for its CPU, and how often one that makes no exit is looked at. */
enum { VM_SLICE_NS = 10000000, VM_LOOK_NS = 200000000 };

struct vm {
    _Atomic uint32_t owner; /* a thread's number; NO_ID: the entry is free */
    struct kvm_guest guest;
    struct npt npt;
    uint64_t slice_end, look_at;
    bool answer_due; /* the last exit wants bytes */
};

struct vm_state {
    struct kvm_host host;
    struct lock lock;
    uint32_t max;
    struct vm *vm;
    _Atomic uint64_t exits[UKERN_EXIT_KINDS];
};

static void vm_thread_ended(struct thread_id t);

enum ukern_status vm_init(void)
{
    struct ukern *m = here->m;
    struct vm_state *s = arena_array(&m->arena, struct vm_state, 1);
    uint32_t max = m->params.max_vms;
    struct vm *table = s ? arena_array(&m->arena, struct vm, max) : NULL;
    if (!table)
        return UKERN_NOMEM;
    for (uint32_t i = 0; i < max; i++) {
        atomic_init(&table[i].owner, NO_ID);
        table[i].guest = (struct kvm_guest){ .vm = -1, .vcpu = -1 };
    }
    s->vm = table;
    s->max = max;
    lock_init(&s->lock, LAYER_vm_vm);
    kvm_open(m, &s->host);
    m->vm = s;
    thread_at_end(vm_thread_ended);
    return UKERN_OK;
}

void vm_free(struct ukern *m)
{
    struct vm_state *s = m->vm;
    if (!s)
        return;
    for (uint32_t i = 0; i < s->max; i++)
        kvm_guest_free(&s->vm[i].guest); /* before the windows: its slots are their memory */
    kvm_close(&s->host);
}

uint64_t vm_exits(const struct ukern *m, enum ukern_vm_exit_kind kind)
{
    return m->vm && kind < UKERN_EXIT_KINDS ? atomic_load_explicit(&m->vm->exits[kind], memory_order_relaxed) : 0;
}

const char *vm_why_not(const struct ukern *m) { return m->vm->host.fd < 0 ? m->vm->host.why : NULL; }
bool vm_hardware(const struct ukern *m) { return m->vm->host.hardware; }

/* The caller's VM of that number, or NULL. Relaxed: an entry with the caller's own number was written by the caller. */
static struct vm *vm_mine(struct vm_id v)
{
    struct vm_state *s = here->m->vm;
#ifdef UKERN_BUG_VM_ANYBODY
    if (v.n >= s->max || atomic_load_explicit(&s->vm[v.n].owner, memory_order_relaxed) == NO_ID)
        return NULL;
#else
    if (v.n >= s->max || atomic_load_explicit(&s->vm[v.n].owner, memory_order_relaxed) != thread_self().n)
        return NULL;
#endif
    return &s->vm[v.n];
}

static struct vm *vm_claim(struct vm_id *ret_id)
{
    struct vm_state *s = here->m->vm;
    LOCK_SCOPE(&s->lock);
    for (uint32_t i = 0; i < s->max; i++) {
        if (atomic_load_explicit(&s->vm[i].owner, memory_order_relaxed) == NO_ID) {
            atomic_store_explicit(&s->vm[i].owner, thread_self().n, memory_order_relaxed);
            ret_id->n = i;
            return &s->vm[i];
        }
    }
    return NULL;
}

static void vm_release(struct vm *v)
{
    LOCK_SCOPE(&here->m->vm->lock);
    atomic_store_explicit(&v->owner, NO_ID, memory_order_relaxed);
}

enum ukern_status vm_new(uint32_t flags, struct vm_id *ret_vm)
{
    struct vm_state *s = here->m->vm;
    struct vm_id id;
    if (flags & ~(uint32_t)UKERN_VM_IRQCHIP)
        return UKERN_BADARG;
    if (s->host.fd < 0)
        return UKERN_UNSUPPORTED;
    struct vm *v = vm_claim(&id);
    if (!v)
        return UKERN_NOMEM;
    enum ukern_status st = kvm_guest_make(&s->host, flags & UKERN_VM_IRQCHIP, &v->guest);
    if (st == UKERN_OK && (st = npt_new(&v->guest, s->host.slots, &v->npt)) != UKERN_OK)
        kvm_guest_free(&v->guest);
    if (st != UKERN_OK) {
        vm_release(v);
        return st;
    }
    v->answer_due = false;
    v->slice_end = v->look_at = 0;
    *ret_vm = id;
    return UKERN_OK;
}

static void vm_drop(struct vm *v)
{
    kvm_guest_free(&v->guest); /* first: its slots are the window's memory */
    npt_destroy(&v->npt);
    v->npt = (struct npt){ 0 };
    vm_release(v);
}

enum ukern_status vm_destroy(struct vm_id id)
{
    struct vm *v = vm_mine(id);
    if (!v)
        return UKERN_NOTFOUND;
    vm_drop(v);
    return UKERN_OK;
}

static void vm_thread_ended(struct thread_id t)
{
    struct vm_state *s = here->m->vm;
#ifndef UKERN_BUG_VM_OUTLIVES_TASK
    for (uint32_t i = 0; i < s->max; i++)
        if (atomic_load_explicit(&s->vm[i].owner, memory_order_relaxed) == t.n)
            vm_drop(&s->vm[i]);
#endif
}

enum ukern_status vm_map(struct vm_id id, uint64_t gpa, struct space_id space, uint64_t va, uint64_t bytes)
{
    struct vm *v = vm_mine(id);
    return v ? npt_map(&v->npt, gpa, space, va, bytes) : UKERN_NOTFOUND;
}

enum ukern_status vm_get_regs(struct vm_id id, struct ukern_vm_regs *ret_regs)
{
    struct vm *v = vm_mine(id);
    if (!v)
        return UKERN_NOTFOUND;
    kvm_guest_get(&v->guest, ret_regs);
    return UKERN_OK;
}

enum ukern_status vm_set_regs(struct vm_id id, const struct ukern_vm_regs *regs)
{
    struct vm *v = vm_mine(id);
    if (!v)
        return UKERN_NOTFOUND;
    kvm_guest_set(&v->guest, regs);
    return UKERN_OK;
}

enum ukern_status vm_irq(struct vm_id id, uint32_t line, bool level)
{
    struct vm *v = vm_mine(id);
    return v ? kvm_guest_irq(&v->guest, line, level) : UKERN_NOTFOUND;
}

/* ---- running --------------------------------------------------------------------------------------------------- */

static uint64_t earlier(uint64_t a, uint64_t b) { return !b || (a && a < b) ? a : b; }

/* When KVM_RUN must end by itself. The moment stays the same from exit to exit, so that the engine's timer need not be set
 * anew each time. Lets the others run first when the slice is over. */
static uint64_t vm_deadline(struct vm *v)
{
    uint64_t now = machine_now(), deadline;
    if (now >= v->look_at)
        v->look_at = now + VM_LOOK_NS;
    deadline = earlier(v->look_at, thread_next_deadline());
    if (!thread_others_ready()) {
        v->slice_end = 0;
        return deadline;
    }
    if (!v->slice_end)
        v->slice_end = now + VM_SLICE_NS;
    return earlier(deadline, v->slice_end);
}

static bool slice_over(const struct vm *v) { return v->slice_end && machine_now() >= v->slice_end; }

static enum ukern_status vm_ended(struct vm *v, struct ukern_vm_exit *x, enum ukern_vm_exit_kind kind)
{
    x->kind = kind;
    v->answer_due = (kind == UKERN_EXIT_IO || kind == UKERN_EXIT_MMIO) && !x->write;
    atomic_fetch_add_explicit(&here->m->vm->exits[kind], 1, memory_order_relaxed);
    engine_point(POINT_GUEST, kind, x->address);
    return UKERN_OK;
}

/* An end that is the kernel's, not the guest's: the answer that was given stays in the run page. */
static enum ukern_status vm_ended_by_kernel(struct vm *v, struct ukern_vm_exit *x, enum ukern_vm_exit_kind kind)
{
    *x = (struct ukern_vm_exit){ .kind = kind };
    return vm_ended(v, x, kind);
}

/* The task says how much it answers; more than there is room for is not believed. */
static uint64_t answer_bytes(const struct ukern_vm_exit *x)
{
    uint64_t n = (uint64_t)x->width * x->count;
    return n < sizeof x->data ? n : sizeof x->data;
}

enum ukern_status vm_run(struct vm_id id, struct ukern_vm_exit *exit)
{
    struct vm *v = vm_mine(id);
    if (!v)
        return UKERN_NOTFOUND;
#ifdef UKERN_BUG_VM_ANSWER_LOST
    if (v->answer_due && !thread_take_wake())
#else
    if (v->answer_due)
#endif
        kvm_guest_answer(&v->guest, exit->data, answer_bytes(exit));
    v->answer_due = false;
    if (slice_over(v)) {
        v->slice_end = 0;
        thread_yield();
    }
    for (;;) {
        thread_take_interrupts();
        if (thread_take_wake())
            return vm_ended_by_kernel(v, exit, UKERN_EXIT_RECALL);
        switch (kvm_guest_run(&v->guest, here, vm_deadline(v))) {
        case KVM_END_EXIT:
            kvm_guest_exit(&v->guest, exit);
            return vm_ended(v, exit, exit->kind);
        case KVM_END_REFUSED: return UKERN_BADARG;
        case KVM_END_FAILED: return UKERN_HOST;
        case KVM_END_INTERRUPTED: break;
        }
        if (kvm_guest_stuck(&v->guest))
            return vm_ended_by_kernel(v, exit, UKERN_EXIT_HALTED);
        if (machine_now() >= v->look_at) /* the monitor may have something to do when its guest is still for long */
            return vm_ended_by_kernel(v, exit, UKERN_EXIT_RECALL);
        /* The monitor hears nothing of it, but it was an exit: a kick, or the end of a slice. */
        atomic_fetch_add_explicit(&here->m->vm->exits[UKERN_EXIT_RECALL], 1, memory_order_relaxed);
        engine_point(POINT_GUEST, UKERN_EXIT_RECALL, 0);
        thread_take_interrupts();
        if (thread_others_ready()) {
            v->slice_end = 0;
            thread_yield();
        }
    }
}
