/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm_ref: the bare KVM loop: one VM, one slot, one vCPU, one ioctl an exit; registers by KVM_CAP_SYNC_REGS, so that
 * they are at hand after every exit as they are for a monitor, without a second ioctl. */
#include "ref.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static bool make_memory(struct ref_kvm *k, enum ref_guest guest)
{
    k->memory = mmap(NULL, REF_GUEST_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (k->memory == MAP_FAILED)
        return false;
    size_t bytes;
    const uint8_t *code = ref_guest_code(guest, &bytes);
    memcpy(k->memory + REF_GUEST_ENTRY, code, bytes);
    struct kvm_userspace_memory_region slot = { .memory_size = REF_GUEST_MEMORY, .userspace_addr = (uint64_t)k->memory };
    return !ioctl(k->vm, KVM_SET_USER_MEMORY_REGION, &slot);
}

static bool make_vcpu(struct ref_kvm *k)
{
    k->vcpu = ioctl(k->vm, KVM_CREATE_VCPU, 0);
    int size = ioctl(k->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (k->vcpu < 0 || size < 0)
        return false;
    k->run_size = (size_t)size;
    k->run = mmap(NULL, k->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, k->vcpu, 0);
    return k->run != MAP_FAILED;
}

static bool set_registers(struct ref_kvm *k)
{
    struct kvm_sregs sregs;
    struct kvm_regs regs = { .rip = REF_GUEST_ENTRY, .rflags = 2, .rsp = REF_GUEST_MEMORY };
    if (ioctl(k->vcpu, KVM_GET_SREGS, &sregs))
        return false;
    sregs.cs.base = sregs.cs.selector = 0;
    if (ioctl(k->vcpu, KVM_SET_SREGS, &sregs) || ioctl(k->vcpu, KVM_SET_REGS, &regs))
        return false;
    int sync = ioctl(k->kvm, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS);
    if (sync > 0)
        k->run->kvm_valid_regs = (uint64_t)sync & (KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS);
    return true;
}

bool ref_kvm_open(struct ref_kvm *k, enum ref_guest guest, const char **ret_why)
{
    static const uint32_t reason[] = { KVM_EXIT_IO, KVM_EXIT_MMIO, KVM_EXIT_HLT };
    *k = (struct ref_kvm){ .kvm = -1, .vm = -1, .vcpu = -1, .memory = MAP_FAILED, .run = MAP_FAILED, .reason = reason[guest] };
    const char *why = NULL;
    if ((k->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC)) < 0)
        why = "open /dev/kvm";
    else if ((k->vm = ioctl(k->kvm, KVM_CREATE_VM, 0)) < 0)
        why = "KVM_CREATE_VM";
    else if (!make_memory(k, guest))
        why = "guest memory";
    else if (!make_vcpu(k))
        why = "KVM_CREATE_VCPU";
    else if (!set_registers(k))
        why = "guest registers";
    if (!why)
        return true;
    int saved = errno;
    ref_kvm_close(k);
    errno = saved;
    *ret_why = why;
    return false;
}

uint64_t ref_kvm_rounds(struct ref_kvm *k, uint64_t n)
{
    for (uint64_t done = 0; done < n; done++)
        if (ioctl(k->vcpu, KVM_RUN, 0) || k->run->exit_reason != k->reason)
            return done;
    return n;
}

void ref_kvm_close(struct ref_kvm *k)
{
    if (k->run != MAP_FAILED)
        munmap(k->run, k->run_size);
    if (k->memory != MAP_FAILED)
        munmap(k->memory, REF_GUEST_MEMORY);
    if (k->vcpu >= 0)
        close(k->vcpu);
    if (k->vm >= 0)
        close(k->vm);
    if (k->kvm >= 0)
        close(k->kvm);
}
