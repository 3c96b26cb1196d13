/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor_speed: a guest of a few bytes, which shows that one runs at all, and how fast its supervisor code is. */
#include "doctor.h"
#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { LOOPS = 20000, MEASURE_MS = 150, LIMIT_S = 2, PORT = 0xf4 };

/* Real mode, at 0: LOOPS times `dec cx; jnz`, then out; for ever. */
static const unsigned char guest_code[] = { 0xb9, LOOPS & 0xff, LOOPS >> 8, 0x49, 0x75, 0xfd, 0xe6, PORT, 0xeb, 0xf6 };

struct guest {
    int vm, vcpu;
    unsigned char *memory;
    struct kvm_run *run;
    size_t run_bytes;
};

static void on_alarm(int signal)
{
    (void)signal; /* only to end KVM_RUN */
}

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool set_registers(int vcpu)
{
    struct kvm_sregs s;
    struct kvm_regs r = { .rflags = 2 };
    if (ioctl(vcpu, KVM_GET_SREGS, &s) != 0)
        return false;
    s.cs.base = 0;
    s.cs.selector = 0;
    return ioctl(vcpu, KVM_SET_SREGS, &s) == 0 && ioctl(vcpu, KVM_SET_REGS, &r) == 0;
}

static bool make(struct guest *g, int kvm)
{
    int bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    g->memory = mmap(NULL, UKERN_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    g->vm = ioctl(kvm, KVM_CREATE_VM, 0);
    if (g->vm < 0 || g->memory == MAP_FAILED || bytes <= 0)
        return false;
    memcpy(g->memory, guest_code, sizeof guest_code);
    struct kvm_userspace_memory_region region = { .memory_size = UKERN_PAGE,
                                                  .userspace_addr = (uint64_t)(uintptr_t)g->memory };
    if (ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &region) != 0 || (g->vcpu = ioctl(g->vm, KVM_CREATE_VCPU, 0)) < 0)
        return false;
    g->run_bytes = (size_t)bytes;
    g->run = mmap(NULL, g->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu, 0);
    return g->run != MAP_FAILED && set_registers(g->vcpu);
}

static void drop(struct guest *g)
{
    if (g->run != MAP_FAILED)
        (void)munmap(g->run, g->run_bytes);
    if (g->memory != MAP_FAILED)
        (void)munmap(g->memory, UKERN_PAGE);
    if (g->vcpu >= 0)
        (void)close(g->vcpu);
    if (g->vm >= 0)
        (void)close(g->vm);
}

/* Instructions per second; below 0: the guest did not come to its first output within the limit. */
static double measure(struct guest *g)
{
    struct sigaction act = { .sa_handler = on_alarm }, old;
    const struct itimerval limit = { .it_interval = { .tv_sec = LIMIT_S }, .it_value = { .tv_sec = LIMIT_S } },
                           none = { 0 };
    double begin = seconds(), now = begin;
    unsigned long rounds = 0;
    (void)sigaction(SIGALRM, &act, &old); /* without SA_RESTART: KVM_RUN ends with EINTR */
    (void)setitimer(ITIMER_REAL, &limit, NULL);
    while (now - begin < MEASURE_MS / 1000.0) {
        if (ioctl(g->vcpu, KVM_RUN, 0) != 0 || g->run->exit_reason != KVM_EXIT_IO || g->run->io.port != PORT)
            break;
        rounds++;
        now = seconds();
    }
    (void)setitimer(ITIMER_REAL, &none, NULL);
    (void)sigaction(SIGALRM, &old, NULL);
    return rounds == 0 ? -1 : (double)rounds * (2.0 * LOOPS + 3) / (now - begin);
}

void doctor_speed(struct findings *f, int kvm)
{
    struct guest g = { .vm = -1, .vcpu = -1, .memory = MAP_FAILED, .run = MAP_FAILED };
    if (!make(&g, kvm)) {
        doctor_add(f, "KVM", "a guest", FINDING_BAD, "see the kernel's log: sudo dmesg | grep -i kvm",
                   "cannot be made: %s", strerror(errno));
        f->guests = false;
        drop(&g);
        return;
    }
    double speed = measure(&g);
    if (speed < 0) {
        doctor_add(f, "KVM", "a guest", FINDING_BAD, "use the lab: ukern run --lab",
                   "ran for %d s and came to nothing (exit reason %u)", LIMIT_S, g.run->exit_reason);
        f->guests = false;
    } else {
        doctor_add(f, "KVM", "a guest", FINDING_GOOD, NULL, "runs");
        doctor_add(f, "KVM", "supervisor code", speed > 1e8 ? FINDING_GOOD : FINDING_ADVICE,
                   speed > 1e8 ? NULL
                               : "this KVM interprets it: small guests only; Linux guests in the lab (ukern run --lab)",
                   "%.1f million instructions/s", speed / 1e6);
    }
    drop(&g);
}
