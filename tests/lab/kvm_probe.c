/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm_probe: is the KVM here complete? Runs 19 bytes of real-mode code that KVM's interpreter refuses (SSE2 arithmetic
 * in supervisor mode), by the bare interface, without a line of ukern.
 *
 * Prints one word: `complete`, `interpreted` (KVM works, but gave up on the instruction) or `none` (no /dev/kvm).
 * Exit status 0 for each of them, 1 when something else happened. The lab's tests stand on `complete`. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

static const uint8_t code[] = {
    0x0f, 0x20, 0xe0,             /* mov eax, cr4           */
    0x66, 0x0d, 0x00, 0x02, 0, 0, /* or eax, OSFXSR         */
    0x0f, 0x22, 0xe0,             /* mov cr4, eax           */
    0x66, 0x0f, 0xfe, 0xc9,       /* paddd xmm1, xmm1       */
    0xe6, 0xf4,                   /* out 0xf4, al           */
    0xf4,                         /* hlt                    */
};

static int fail(const char *what)
{
    fprintf(stderr, "kvm_probe: %s: %s\n", what, strerror(errno));
    return 1;
}

static int run(int vcpu, struct kvm_run *shared)
{
    struct kvm_sregs sregs;
    struct kvm_regs regs = {.rip = 0x1000, .rflags = 2};
    if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0) return fail("KVM_GET_SREGS");
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0) return fail("KVM_SET_SREGS");
    if (ioctl(vcpu, KVM_SET_REGS, &regs) < 0) return fail("KVM_SET_REGS");
    if (ioctl(vcpu, KVM_RUN, 0) < 0) return fail("KVM_RUN");
    if (shared->exit_reason == KVM_EXIT_IO && shared->io.port == 0xf4) {
        puts("complete");
        return 0;
    }
    if (shared->exit_reason == KVM_EXIT_INTERNAL_ERROR) {
        puts("interpreted");
        return 0;
    }
    fprintf(stderr, "kvm_probe: expected an output to port 0xf4, came exit %u\n", shared->exit_reason);
    return 1;
}

int main(void)
{
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0) {
        puts("none");
        return 0;
    }
    int vm = ioctl(kvm, KVM_CREATE_VM, 0);
    if (vm < 0) return fail("KVM_CREATE_VM");
    uint8_t *ram = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (ram == MAP_FAILED) return fail("mmap");
    memcpy(ram, code, sizeof code);
    struct kvm_userspace_memory_region slot = {
        .guest_phys_addr = 0x1000, .memory_size = 4096, .userspace_addr = (uintptr_t)ram};
    if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0) return fail("KVM_SET_USER_MEMORY_REGION");
    int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
    if (vcpu < 0) return fail("KVM_CREATE_VCPU");
    int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (size < (int)sizeof(struct kvm_run)) return fail("KVM_GET_VCPU_MMAP_SIZE");
    struct kvm_run *shared = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    if (shared == MAP_FAILED) return fail("mmap of the vCPU");
    return run(vcpu, shared);
}
