/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm: every ioctl on /dev/kvm, and the layout of its run page.                    Row host/kvm, CertiKOS VVMCBIntro
 *
 * State       struct kvm_host: the open /dev/kvm of a machine, its capabilities and the CPUID that guests get;
 *             struct kvm_guest: the descriptors of one VM with one vCPU, and its run page, which carries all registers
 *             (KVM_CAP_SYNC_REGS): CertiKOS's VMCB is this page
 * Primitives  kvm_open, kvm_close        once per machine; afterwards only ioctl, mmap, munmap and close on descriptors
 *             kvm_guest_make, _free      a VM with its vCPU
 *             kvm_guest_slot             one memory slot; bytes 0 removes it
 *             kvm_guest_answer, _run, _exit   one exit: answer the last one, KVM_RUN, read what came
 *             kvm_guest_get, _set        registers, in the run page: no ioctl
 *             kvm_guest_irq              a line of the interrupt controllers
 *             kvm_guest_stuck            halted, and nothing can wake it
 * Cost        one exit is one ioctl: registers travel in the run page and are marked dirty only when they were set
 * Owner       a guest is used by one thread at a time (vm/vm sees to it); a host is constant after kvm_open */
#pragma once
#include "core/machine.h"
#include <ukern/user.h>

struct kvm_run;    /* Linux's */
struct kvm_cpuid2; /* Linux's */

struct kvm_host {
    int fd; /* -1: there is none, and `why` says why */
    uint32_t run_bytes, slots;
    bool hardware; /* VMX or SVM: else KVM interprets the guest's supervisor code */
    struct kvm_cpuid2 *cpuid[2]; /* in the arena; without and with interrupt controllers */
    char why[160];
};

struct kvm_guest {
    int vm, vcpu; /* -1: none */
    uint32_t run_bytes;
    bool irqchip;
    struct kvm_run *run;
};

/* What ended kvm_guest_run. */
enum kvm_end {
    KVM_END_EXIT,        /* the guest did something: kvm_guest_exit says what       */
    KVM_END_INTERRUPTED, /* a kick, the deadline, or an interrupt that was pending  */
    KVM_END_REFUSED,     /* KVM refused the registers (EINVAL)                       */
    KVM_END_FAILED       /* any other error of Linux                                 */
};

/* Opens /dev/kvm. Never fails: without a usable one, fd is -1 and `why` is set. */
void kvm_open(struct ukern *m, struct kvm_host *ret_host);
void kvm_close(struct kvm_host *h);
enum ukern_status kvm_guest_make(const struct kvm_host *h, bool irqchip, struct kvm_guest *ret_guest) must_use; /* UNSUPPORTED, NOMEM, HOST */
void kvm_guest_free(struct kvm_guest *g);
enum ukern_status kvm_guest_slot(const struct kvm_guest *g, uint32_t slot, uint64_t gpa, void *memory, uint64_t bytes) must_use;
/* n bytes for the guest's IN or MMIO read that ended the last run (what is missing is zero); ignored after any other exit. */
void kvm_guest_answer(struct kvm_guest *g, const uint8_t *data, uint64_t n);
enum kvm_end kvm_guest_run(struct kvm_guest *g, struct cpu *c, uint64_t deadline) must_use;
void kvm_guest_exit(const struct kvm_guest *g, struct ukern_vm_exit *ret_exit);
void kvm_guest_get(const struct kvm_guest *g, struct ukern_vm_regs *ret_regs);
void kvm_guest_set(struct kvm_guest *g, const struct ukern_vm_regs *regs);
enum ukern_status kvm_guest_irq(const struct kvm_guest *g, uint32_t line, bool level) must_use; /* BADARG: no irqchip, no such line */
bool kvm_guest_stuck(const struct kvm_guest *g);
