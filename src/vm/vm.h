/* SPDX-License-Identifier: BSD-2-Clause */
/* vm: virtual machines with one vCPU each: made, given memory, run from exit to exit.
 *             Row vm/vm, CertiKOS VSVMSwitch, VSVMOp, VVMCBInit, VSVMIntro, VVMCBOp, VSVM (AMD's VMCB is KVM's run page)
 * State       a table of VMs: owner, nested page table, KVM's descriptors, the exit that waits for its answer
 * Primitives  vm_new         flags: UKERN_VM_IRQCHIP; UNSUPPORTED (no usable KVM), NOMEM, BADARG, HOST
 *             vm_map         pages of a space become guest memory (errors: npt_map)
 *             vm_run         answers the last exit with exit->data, runs the guest to its next exit. Ends with RECALL when
 *                            the caller has a wake token (it is consumed), or the guest made no exit for 200 ms
 *             vm_get_regs, vm_set_regs   take effect at the next vm_run; BADARG at that vm_run when KVM refuses them
 *             vm_irq         a line 0..23 of the interrupt controllers; BADARG
 *             vm_destroy     memory, descriptors and table entry come home
 * Invariants  a VM belongs to the thread that made it: to others it is NOTFOUND; it goes when that thread ends
 * Slice       while another thread of the CPU is ready, a guest runs at most 10 ms, then yields; input and wake-ups kick it
 * Halted      a guest that makes no exit is looked at every 200 ms, and whenever it is kicked: halted with interrupts off
 *             it is stuck for ever, and the exit is HALTED
 * Lock        vm.lock guards the table's `owner` fields; the rest of an entry is its owner's */
#pragma once
#include "core/machine.h"
#include <ukern/user.h>

enum ukern_status vm_init(void) must_use; /* opens /dev/kvm unless without_kvm; a missing one is no error; NOMEM */
void vm_free(struct ukern *m);            /* closes every descriptor; the machine may be in any state, no CPU runs */
enum ukern_status vm_new(uint32_t flags, struct vm_id *ret_vm) must_use;
enum ukern_status vm_map(struct vm_id v, uint64_t gpa, struct space_id space, uint64_t va, uint64_t bytes) must_use;
enum ukern_status vm_run(struct vm_id v, struct ukern_vm_exit *exit) must_use;
enum ukern_status vm_get_regs(struct vm_id v, struct ukern_vm_regs *ret_regs) must_use;
enum ukern_status vm_set_regs(struct vm_id v, const struct ukern_vm_regs *regs) must_use;
enum ukern_status vm_irq(struct vm_id v, uint32_t line, bool level) must_use;
enum ukern_status vm_destroy(struct vm_id v) must_use;
/* (any thread) Exits of one kind since the machine was made. */
uint64_t vm_exits(const struct ukern *m, enum ukern_vm_exit_kind kind);
/* Why VMs cannot be made on this machine; NULL: they can. */
const char *vm_why_not(const struct ukern *m);
/* Whether the host's KVM runs supervisor code natively (false: it interprets it). */
bool vm_hardware(const struct ukern *m);
