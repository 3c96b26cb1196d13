/* SPDX-License-Identifier: BSD-2-Clause */
/* place: the clock, the host CPUs that a figure is measured on, and which kind of KVM this host has. */
#include "bench.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FIFO_PRIORITY = 50 };

uint64_t bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool bench_pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return !sched_setaffinity(0, sizeof set, &set);
}

/* The last CPUs that this process may use: Linux puts most of its own work on the first. */
static bool pick(const cpu_set_t *allowed, enum bench_cpus cpus, struct bench_place *p)
{
    p->cpu[0] = p->cpu[1] = -1;
    for (int i = CPU_SETSIZE - 1; i >= 0; i--)
        if (CPU_ISSET(i, allowed)) {
            if (p->cpu[0] < 0)
                p->cpu[0] = i;
            else {
                p->cpu[1] = i;
                break;
            }
        }
    return cpus == BENCH_ONE_CPU || p->cpu[1] >= 0;
}

_Static_assert(sizeof(cpu_set_t) <= sizeof(struct bench_home), "a home holds a cpu_set_t");

bool bench_home(struct bench_home *ret_home)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set))
        return false;
    memcpy(ret_home->allowed, &set, sizeof set);
    return true;
}

bool bench_place_enter(const struct bench_home *home, enum bench_cpus cpus, bool fifo, struct bench_place *ret_place,
                       char *ret_why)
{
    struct bench_place p = { .cpus = cpus };
    cpu_set_t allowed;
    memcpy(&allowed, home->allowed, sizeof allowed);
    if (!pick(&allowed, cpus, &p)) {
        snprintf(ret_why, BENCH_WHY, "needs two CPUs, and this process may use one");
        return false;
    }
    if (!bench_pin(p.cpu[0])) {
        snprintf(ret_why, BENCH_WHY, "pinning to CPU %d: %s", p.cpu[0], strerror(errno));
        return false;
    }
    struct sched_param priority = { .sched_priority = FIFO_PRIORITY };
    p.fifo = fifo && cpus == BENCH_ONE_CPU && !sched_setscheduler(0, SCHED_FIFO, &priority);
    *ret_place = p;
    return true;
}

void bench_place_leave(const struct bench_home *home)
{
    struct sched_param normal = { 0 };
    sched_setscheduler(0, SCHED_OTHER, &normal);
    cpu_set_t allowed;
    memcpy(&allowed, home->allowed, sizeof allowed);
    sched_setaffinity(0, sizeof allowed, &allowed);
}

/* The flags line of the first CPU, as environments are told apart everywhere in ukern; CPUID itself may be emulated. */
static bool has_virtualization(void)
{
    char line[8192];
    FILE *f = fopen("/proc/cpuinfo", "re");
    bool found = false;
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "flags", 5)) {
            found = strstr(line, " vmx ") || strstr(line, " svm ");
            break;
        }
    if (f)
        fclose(f);
    return found;
}

enum bench_kvm bench_kvm(int *ret_error)
{
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        *ret_error = errno;
        return BENCH_KVM_NONE;
    }
    close(fd);
    return has_virtualization() ? BENCH_KVM_HARDWARE : BENCH_KVM_SOFTWARE;
}

const char *bench_kvm_text(enum bench_kvm kvm)
{
    static const char *const texts[] = { "hardware KVM", "KVM without hardware virtualization", "no /dev/kvm" };
    return texts[kvm];
}

bool bench_step_back(const struct bench_place *place)
{
    struct sched_param lower = { .sched_priority = FIFO_PRIORITY - 1 };
    return !place->fifo || !sched_setscheduler(0, SCHED_FIFO, &lower);
}

void bench_give_way(void)
{
    sched_yield();
}
