/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm, third part: the path of every exit. One ioctl, KVM_RUN; everything else travels in the run page. */
#include "host/engine.h"
#include "host/kvm.h"
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

enum { RFLAGS_IF = 1 << 9 };

static uint8_t *io_data(struct kvm_run *run) { return (uint8_t *)run + run->io.data_offset; }

/* Bytes of the I/O exit in the run page that fit into struct ukern_vm_exit. KVM's own bound is the same 1024. */
static uint32_t io_bytes(const struct kvm_run *run)
{
    uint64_t n = (uint64_t)run->io.size * run->io.count;
    return n <= sizeof((struct ukern_vm_exit *)0)->data ? (uint32_t)n : (uint32_t)sizeof((struct ukern_vm_exit *)0)->data;
}

static void fill(uint8_t *to, uint64_t room, const uint8_t *data, uint64_t n)
{
    uint64_t take = n < room ? n : room;
    memcpy(to, data, take);
    memset(to + take, 0, room - take);
}

void kvm_guest_answer(struct kvm_guest *g, const uint8_t *data, uint64_t n)
{
    struct kvm_run *run = g->run;
    if (run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_IN)
        fill(io_data(run), io_bytes(run), data, n);
    else if (run->exit_reason == KVM_EXIT_MMIO && !run->mmio.is_write)
        fill(run->mmio.data, sizeof run->mmio.data, data, n);
}

enum kvm_end kvm_guest_run(struct kvm_guest *g, struct cpu *c, uint64_t deadline)
{
    if (!engine_guest_enter(c, &g->run->immediate_exit, deadline))
        return KVM_END_INTERRUPTED;
    int r = ioctl(g->vcpu, KVM_RUN, 0), e = errno;
    engine_guest_leave(c, r != 0);
    if (likely(r == 0))
        return g->run->exit_reason == KVM_EXIT_INTR ? KVM_END_INTERRUPTED : KVM_END_EXIT;
    if (e == EINTR || e == EAGAIN)
        return KVM_END_INTERRUPTED;
    if (e == EINVAL)
        return KVM_END_REFUSED;
    (void)machine_fail(here->m, UKERN_HOST, "KVM_RUN failed: %s", strerrordesc_np(e));
    return KVM_END_FAILED;
}

static void exit_io(struct kvm_run *run, struct ukern_vm_exit *x)
{
    x->kind = UKERN_EXIT_IO;
    x->address = run->io.port;
    x->width = run->io.size;
    x->count = io_bytes(run) / run->io.size;
    x->write = run->io.direction == KVM_EXIT_IO_OUT;
    if (x->write)
        memcpy(x->data, io_data(run), io_bytes(run));
}

static void exit_mmio(const struct kvm_run *run, struct ukern_vm_exit *x)
{
    x->kind = UKERN_EXIT_MMIO;
    x->address = run->mmio.phys_addr;
    x->width = run->mmio.len;
    x->count = 1;
    x->write = run->mmio.is_write;
    memcpy(x->data, run->mmio.data, sizeof run->mmio.data);
}

void kvm_guest_exit(const struct kvm_guest *g, struct ukern_vm_exit *ret_exit)
{
    struct kvm_run *run = g->run;
    struct ukern_vm_exit *x = ret_exit;
    x->raw = run->exit_reason;
    x->address = 0;
    x->width = x->count = 0;
    x->write = false;
    switch (run->exit_reason) {
    case KVM_EXIT_IO: exit_io(run, x); break;
    case KVM_EXIT_MMIO: exit_mmio(run, x); break;
    case KVM_EXIT_HLT: x->kind = UKERN_EXIT_HLT; break;
    case KVM_EXIT_SHUTDOWN: x->kind = UKERN_EXIT_SHUTDOWN; break;
    case KVM_EXIT_FAIL_ENTRY:
        x->kind = UKERN_EXIT_ENTRY;
        x->address = run->fail_entry.hardware_entry_failure_reason;
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        x->kind = UKERN_EXIT_INTERNAL;
        x->address = run->internal.suberror;
        break;
    default: x->kind = UKERN_EXIT_OTHER; break;
    }
}

static void get_segment(const struct kvm_segment *s, struct ukern_vm_segment *t)
{
    *t = (struct ukern_vm_segment){ s->base, s->limit, s->selector, s->type, s->present, s->dpl, s->db, s->s, s->l, s->g, s->avl };
}

static void set_segment(const struct ukern_vm_segment *s, struct kvm_segment *t)
{
    /* KVM accepts single bits only; the task's bytes may hold anything. */
    *t = (struct kvm_segment){ .base = s->base, .limit = s->limit, .selector = s->selector, .type = s->type & 15, .present = s->present & 1,
                               .dpl = s->dpl & 3, .db = s->db & 1, .s = s->s & 1, .l = s->l & 1, .g = s->g & 1, .avl = s->avl & 1,
                               .unusable = !(s->present & 1) };
}

#define GENERAL(X) \
    X(rax) X(rbx) X(rcx) X(rdx) X(rsi) X(rdi) X(rsp) X(rbp) X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15) X(rip) X(rflags)
#define SEGMENTS(X) X(cs) X(ds) X(es) X(fs) X(gs) X(ss) X(tr) X(ldt)
#define CONTROLS(X) X(cr0) X(cr2) X(cr3) X(cr4) X(efer)

void kvm_guest_get(const struct kvm_guest *g, struct ukern_vm_regs *ret_regs)
{
    const struct kvm_regs *k = &g->run->s.regs.regs;
    const struct kvm_sregs *s = &g->run->s.regs.sregs;
    struct ukern_vm_regs *u = ret_regs;
#define GET(name) u->name = k->name;
    GENERAL(GET)
#undef GET
#define GET(name) get_segment(&s->name, &u->name);
    SEGMENTS(GET)
#undef GET
#define GET(name) u->name = s->name;
    CONTROLS(GET)
#undef GET
    u->gdt = (struct ukern_vm_table){ s->gdt.base, s->gdt.limit };
    u->idt = (struct ukern_vm_table){ s->idt.base, s->idt.limit };
}

void kvm_guest_set(struct kvm_guest *g, const struct ukern_vm_regs *regs)
{
    struct kvm_regs *k = &g->run->s.regs.regs;
    struct kvm_sregs *s = &g->run->s.regs.sregs;
    const struct ukern_vm_regs *u = regs;
#define SET(name) k->name = u->name;
    GENERAL(SET)
#undef SET
#define SET(name) set_segment(&u->name, &s->name);
    SEGMENTS(SET)
#undef SET
#define SET(name) s->name = u->name;
    CONTROLS(SET)
#undef SET
    s->gdt = (struct kvm_dtable){ .base = u->gdt.base, .limit = u->gdt.limit };
    s->idt = (struct kvm_dtable){ .base = u->idt.base, .limit = u->idt.limit };
#ifndef UKERN_BUG_VM_NOT_DIRTY
    g->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
#endif
}

bool kvm_guest_stuck(const struct kvm_guest *g)
{
    const struct kvm_sync_regs *r = &g->run->s.regs;
    struct kvm_mp_state mp;
    if (r->regs.rflags & RFLAGS_IF || r->events.nmi.pending || r->events.nmi.injected)
        return false;
    return ioctl(g->vcpu, KVM_GET_MP_STATE, &mp) == 0 && mp.mp_state == KVM_MP_STATE_HALTED;
}
