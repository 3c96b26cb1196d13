/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm, second part: making a VM with its vCPU, its memory slots, its interrupt lines. */
#include "host/kvm.h"
#include "host/engine.h"
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Intel's real mode needs three pages and an identity-mapped one of KVM's own: just under the top of 4 GiB. */
#define KVM_TSS_AT 0xfffbd000ul
#define KVM_IDENTITY_AT 0xfffbc000ul

static enum ukern_status make_failed(const char *what)
{
    int e = errno;
    return machine_fail(here->m, e == ENOMEM || e == EMFILE || e == ENFILE ? UKERN_NOMEM : UKERN_HOST, "%s failed: %s", what, strerrordesc_np(e));
}

static bool set_signal_mask(const struct kvm_guest *g)
{
    union {
        struct kvm_signal_mask head;
        uint8_t bytes[sizeof(struct kvm_signal_mask) + 8];
    } mask = { .head.len = 8 };
    uint64_t bits = engine_guest_signal_mask();
    memcpy(mask.bytes + offsetof(struct kvm_signal_mask, sigset), &bits, 8);
    return ioctl(g->vcpu, KVM_SET_SIGNAL_MASK, &mask) == 0;
}

static bool make_chips(const struct kvm_guest *g)
{
    struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
    return ioctl(g->vm, KVM_CREATE_IRQCHIP, 0) == 0 && ioctl(g->vm, KVM_CREATE_PIT2, &pit) == 0;
}

static enum ukern_status guest_fill(const struct kvm_host *h, struct kvm_guest *g)
{
    uint64_t identity = KVM_IDENTITY_AT;
    if ((g->vm = ioctl(h->fd, KVM_CREATE_VM, 0)) < 0)
        return make_failed("KVM_CREATE_VM");
    if (ioctl(g->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0 || ioctl(g->vm, KVM_SET_TSS_ADDR, KVM_TSS_AT) < 0)
        return make_failed("KVM_SET_TSS_ADDR");
    if (g->irqchip && !make_chips(g))
        return make_failed("KVM_CREATE_IRQCHIP");
    if ((g->vcpu = ioctl(g->vm, KVM_CREATE_VCPU, 0)) < 0)
        return make_failed("KVM_CREATE_VCPU");
    void *run = mmap(NULL, g->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu, 0);
    if (run == MAP_FAILED)
        return make_failed("mapping the vCPU's run page");
    g->run = run;
    if (ioctl(g->vcpu, KVM_SET_CPUID2, h->cpuid[g->irqchip]) < 0)
        return make_failed("KVM_SET_CPUID2");
    if (!set_signal_mask(g))
        return make_failed("KVM_SET_SIGNAL_MASK");
    /* The only time that registers are read by ioctl: from the first KVM_RUN on they come in the run page. */
    if (ioctl(g->vcpu, KVM_GET_REGS, &g->run->s.regs.regs) < 0 || ioctl(g->vcpu, KVM_GET_SREGS, &g->run->s.regs.sregs) < 0)
        return make_failed("KVM_GET_SREGS");
    g->run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
    return UKERN_OK;
}

enum ukern_status kvm_guest_make(const struct kvm_host *h, bool irqchip, struct kvm_guest *ret_guest)
{
    if (h->fd < 0)
        return UKERN_UNSUPPORTED;
    struct kvm_guest g = { .vm = -1, .vcpu = -1, .run_bytes = h->run_bytes, .irqchip = irqchip };
    enum ukern_status st = guest_fill(h, &g);
    if (st != UKERN_OK)
        kvm_guest_free(&g);
    else
        *ret_guest = g;
    return st;
}

void kvm_guest_free(struct kvm_guest *g)
{
    if (g->run)
        munmap(g->run, g->run_bytes);
    if (g->vcpu >= 0)
        close(g->vcpu);
    if (g->vm >= 0)
        close(g->vm);
    *g = (struct kvm_guest){ .vm = -1, .vcpu = -1 };
}

enum ukern_status kvm_guest_slot(const struct kvm_guest *g, uint32_t slot, uint64_t gpa, void *memory, uint64_t bytes)
{
    struct kvm_userspace_memory_region r = { .slot = slot, .guest_phys_addr = gpa, .memory_size = bytes, .userspace_addr = (uint64_t)memory };
    return ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &r) == 0 ? UKERN_OK : make_failed("KVM_SET_USER_MEMORY_REGION");
}

enum ukern_status kvm_guest_irq(const struct kvm_guest *g, uint32_t line, bool level)
{
    struct kvm_irq_level irq = { .irq = line, .level = level };
    if (!g->irqchip || line >= 24)
        return UKERN_BADARG;
    return ioctl(g->vm, KVM_IRQ_LINE, &irq) == 0 ? UKERN_OK : make_failed("KVM_IRQ_LINE");
}
