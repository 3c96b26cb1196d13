/* SPDX-License-Identifier: BSD-2-Clause */
/* report: what is printed about an exit that nobody handles: the exit, all registers, the bytes at RIP, and on hosts whose
 * KVM interprets supervisor code, that this is why. */
#include "vmm.h"
#include "walk.h"
#include <inttypes.h>
#include <stdio.h>

static void say_exit(struct vmm *v, const struct ukern_vm_exit *x)
{
    static const char *const suberror[] = { "", " (emulation failed)", " (two exceptions at once)", " (exit during event delivery)" };
    switch (x->kind) {
    case UKERN_EXIT_INTERNAL:
        vmm_say(v, "KVM gave up: internal error, suberror %" PRIu64 "%s", x->address, x->address < 4 ? suberror[x->address] : "");
        if (x->address == 1 && v->interpreted)
            vmm_say(v, "this host's KVM interprets supervisor code (no VMX, no SVM) and does not know every instruction: let the guest use "
                       "general registers only, or run it in the lab or on a host with VMX or SVM");
        break;
    case UKERN_EXIT_ENTRY: vmm_say(v, "the hardware refused to enter the guest, reason %#" PRIx64, x->address); break;
    case UKERN_EXIT_SHUTDOWN: vmm_say(v, "triple fault"); break;
    default: vmm_say(v, "unhandled exit: kind %u, KVM's reason %u, address %#" PRIx64, x->kind, x->raw, x->address); break;
    }
}

static void say_segment(struct vmm *v, const char *name, const struct ukern_vm_segment *s)
{
    vmm_say(v, "  %s %04x base %016" PRIx64 " limit %08x type %x s%u dpl%u p%u db%u l%u g%u", name, s->selector, s->base, s->limit, s->type, s->s,
            s->dpl, s->present, s->db, s->l, s->g);
}

static void say_registers(struct vmm *v, const struct ukern_vm_regs *r)
{
#define X PRIx64
    vmm_say(v, "  rip %016" X " rflags %08" X, r->rip, r->rflags);
    vmm_say(v, "  rax %016" X " rbx %016" X " rcx %016" X " rdx %016" X, r->rax, r->rbx, r->rcx, r->rdx);
    vmm_say(v, "  rsi %016" X " rdi %016" X " rbp %016" X " rsp %016" X, r->rsi, r->rdi, r->rbp, r->rsp);
    vmm_say(v, "  r8  %016" X " r9  %016" X " r10 %016" X " r11 %016" X, r->r8, r->r9, r->r10, r->r11);
    vmm_say(v, "  r12 %016" X " r13 %016" X " r14 %016" X " r15 %016" X, r->r12, r->r13, r->r14, r->r15);
    vmm_say(v, "  cr0 %08" X " cr2 %016" X " cr3 %016" X " cr4 %08" X " efer %05" X, r->cr0, r->cr2, r->cr3, r->cr4, r->efer);
    say_segment(v, "cs", &r->cs);
    say_segment(v, "ss", &r->ss);
    say_segment(v, "ds", &r->ds);
    say_segment(v, "es", &r->es);
    say_segment(v, "fs", &r->fs);
    say_segment(v, "gs", &r->gs);
    say_segment(v, "tr", &r->tr);
    vmm_say(v, "  gdt %016" X " limit %04x  idt %016" X " limit %04x", r->gdt.base, r->gdt.limit, r->idt.base, r->idt.limit);
#undef X
}

static void say_code(struct vmm *v, const struct ukern_vm_regs *r)
{
    uint8_t code[16];
    char text[3 * sizeof code + 1] = "";
    uint32_t n = walk_read(v->ram, v->ram_bytes, r, r->cs.base + r->rip, code, sizeof code);
    for (uint32_t i = 0; i < n; i++)
        snprintf(text + 3 * i, 4, " %02x", code[i]);
    vmm_say(v, "  bytes at rip:%s", n ? text : " none: not in guest memory");
}

void vmm_report(struct vmm *v, const struct ukern_vm_exit *x)
{
    struct ukern_vm_regs r = { 0 };
    say_exit(v, x);
    if (ukern_vm_get_regs(v->vm, &r) != UKERN_OK) {
        vmm_say(v, "  the registers cannot be read");
        return;
    }
    say_registers(v, &r);
    say_code(v, &r);
}
