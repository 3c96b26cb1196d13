/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor_limits: limits of this host and this user, and programs that some verbs need. */
#include "doctor.h"
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static void look_at_rlimit(struct findings *f, const char *name, int which, rlim_t enough, const char *unit,
                           rlim_t scale, const char *advice)
{
    struct rlimit r;
    if (getrlimit((__rlimit_resource_t)which, &r) != 0)
        return;
    if (r.rlim_cur == RLIM_INFINITY)
        doctor_add(f, "Limits", name, FINDING_GOOD, NULL, "unlimited");
    else
        doctor_add(f, "Limits", name, r.rlim_cur >= enough ? FINDING_GOOD : FINDING_ADVICE,
                   r.rlim_cur >= enough ? NULL : advice, "%llu%s", (unsigned long long)(r.rlim_cur / scale), unit);
}

static void look_at_sysctl(struct findings *f, const char *name, const char *path, long least, long most,
                           const char *advice)
{
    char line[64];
    if (!doctor_line(path, line, sizeof line)) {
        doctor_add(f, "Limits", name, FINDING_FACT, NULL, "not there");
        return;
    }
    long value = strtol(line, NULL, 10);
    bool good = value >= least && value <= most;
    doctor_add(f, "Limits", name, good ? FINDING_GOOD : FINDING_ADVICE, good ? NULL : advice, "%s", line);
}

static void look_at_tool(struct findings *f, const char *program, const char *package, const char *what)
{
    char path[4096], advice[200];
    const char *from = getenv("PATH");
    for (const char *p = from != NULL ? from : ""; *p != 0; p += strspn(p, ":")) {
        int n = (int)strcspn(p, ":");
        (void)snprintf(path, sizeof path, "%.*s/%s", n, p, program);
        p += n;
        if (access(path, X_OK) == 0) {
            doctor_add(f, "Tools", program, FINDING_GOOD, NULL, "%s", path);
            return;
        }
    }
    (void)snprintf(advice, sizeof advice, "for %s: sudo apt-get install %s", what, package);
    doctor_add(f, "Tools", program, FINDING_ADVICE, advice, "not found");
}

static void look_at_seccomp(struct findings *f)
{
    char actions[200];
    bool there = doctor_line("/proc/sys/kernel/seccomp/actions_avail", actions, sizeof actions);
    doctor_add(f, "Limits", "system-call filters", there ? FINDING_GOOD : FINDING_ADVICE,
               there ? NULL : "ukern run needs --seccomp=off here", "%s",
               there ? actions : "not offered by this kernel");
}

static void look_at_membarrier(struct findings *f)
{
    long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    bool good = commands >= 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0;
    doctor_add(f, "Limits", "membarrier", good ? FINDING_GOOD : FINDING_ADVICE,
               good ? NULL : "allow the system call membarrier (a container's filter?): without it each allocation of a frame fences", "%s",
               good ? "private expedited" : commands < 0 ? "refused" : "too old");
}

void doctor_limits(struct findings *f)
{
    look_at_membarrier(f);
    look_at_rlimit(f, "locked memory", RLIMIT_MEMLOCK, 8 << 20, " KiB", 1024,
                   "raise it when guests or perf want more: ulimit -l, or /etc/security/limits.conf");
    look_at_rlimit(f, "open files", RLIMIT_NOFILE, 1024, "", 1, "each VM takes 2 and a few more: ulimit -n 1024");
    look_at_rlimit(f, "threads of this user", RLIMIT_NPROC, 1024, "", 1, "smp takes one per CPU: ulimit -u 1024");
    look_at_rlimit(f, "address space", RLIMIT_AS, (rlim_t)1 << 36, " MiB", 1 << 20,
                   "each task reserves 4 GiB of addresses: ulimit -v unlimited");
    look_at_sysctl(f, "threads of this host", "/proc/sys/kernel/threads-max", 1024, 1 << 30,
                   "sudo sysctl kernel.threads-max=65536");
    look_at_sysctl(f, "mappings of a process", "/proc/sys/vm/max_map_count", 65530, 1l << 40,
                   "each task takes some: sudo sysctl vm.max_map_count=262144");
    look_at_sysctl(f, "overcommit of memory", "/proc/sys/vm/overcommit_memory", 0, 1,
                   "machines reserve more than they use: sudo sysctl vm.overcommit_memory=0");
    look_at_sysctl(f, "random bits of addresses", "/proc/sys/vm/mmap_rnd_bits", 8, 28,
                   "ThreadSanitizer builds fail above 28: sudo sysctl vm.mmap_rnd_bits=28");
    look_at_sysctl(f, "perf for users", "/proc/sys/kernel/perf_event_paranoid", -1, 2,
                   "to count instructions in benchmarks: sudo sysctl kernel.perf_event_paranoid=2");
    look_at_seccomp(f);
    look_at_tool(f, "qemu-system-x86_64", "qemu-system-x86", "the lab");
    look_at_tool(f, "gdb", "gdb", "debugging");
    look_at_tool(f, "valgrind", "valgrind", "make check");
}
