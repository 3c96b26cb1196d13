/* SPDX-License-Identifier: BSD-2-Clause */
/* ioctl_test: an exit of a guest costs one ioctl, KVM_RUN, and no other (target P7: exact, so it needs no quiet host).
 *
 * This program has an ioctl and a timer_settime of its own, which count and pass on: a timer set anew at each exit would
 * cost a sixth of the exit. Exits of all kinds that the bench measures. */
#include "../../bench/ref/guest_ref.c"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ukern/user.h>
#include <unistd.h>

enum { WARM = 16, EXITS = 500 };

struct tally { /* of the CPU's thread; tasks find it as a host address, being C of this process */
    uint64_t run, look, other, last_other, timer; /* look: at a guest that a kick interrupted, whether it is halted for ever */
};
static struct tally counted;

/* The task reads what its own kernel calls wrote: only the kernel's orders are shown to ThreadSanitizer, not this one. */
#define UNSEEN __attribute__((no_sanitize("thread")))

UNSEEN int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    long argument = va_arg(list, long);
    va_end(list);
    if (request == KVM_RUN) {
        counted.run++;
    } else if (request == KVM_GET_MP_STATE) {
        counted.look++;
    } else {
        counted.other++;
        counted.last_other = request;
    }
    return (int)syscall(SYS_ioctl, fd, request, argument);
}

int timer_settime(timer_t timer, int flags, const struct itimerspec *new, struct itimerspec *old)
{
    int (*next)(timer_t, int, const struct itimerspec *, struct itimerspec *);
    void *symbol = dlsym(RTLD_NEXT, "timer_settime");
    memcpy(&next, &symbol, sizeof next);
    counted.timer++;
    return next(timer, flags, new, old);
}

static enum ukern_status guest_make(enum ref_guest guest, uint32_t *ret_vm)
{
    void *memory;
    struct ukern_vm_regs regs;
    enum ukern_status st = ukern_vm_create(0, ret_vm);
    if (st == UKERN_OK)
        st = ukern_mem_map(UKERN_MAP_LOW, REF_GUEST_MEMORY, UKERN_PROT_WRITE, &memory);
    if (st != UKERN_OK)
        return st;
    size_t bytes;
    const uint8_t *code = ref_guest_code(guest, &bytes);
    memcpy((uint8_t *)memory + REF_GUEST_ENTRY, code, bytes);
    st = ukern_vm_map(*ret_vm, 0, memory, REF_GUEST_MEMORY);
    if (st == UKERN_OK)
        st = ukern_vm_get_regs(*ret_vm, &regs);
    if (st != UKERN_OK)
        return st;
    regs.cs.base = regs.cs.selector = 0;
    regs.rip = REF_GUEST_ENTRY;
    regs.rflags = 2;
    return ukern_vm_set_regs(*ret_vm, &regs);
}

/* Exit codes: 0 counted as it should be; 1 not; 2 something failed; 3 the VM could not be made. */
static UNSEEN int monitor(const struct ukern_start *start)
{
    enum ref_guest guest = (enum ref_guest)(start->argv[0][0] - '0');
    bool look = start->argv[0][1] == 'r'; /* also reads and writes the registers at each exit: still one ioctl */
    bool more = start->argv[0][1] == 'x'; /* planted: one ioctl more an exit */
    struct ukern_vm_exit exit = { .kind = UKERN_EXIT_RECALL };
    struct ukern_vm_regs regs;
    struct tally before = { 0 };
    uint32_t vm;
    if (guest_make(guest, &vm) != UKERN_OK)
        return 3;
    for (int i = 0; i < WARM + EXITS; i++) {
        if (i == WARM)
            before = counted;
        do {
            if (ukern_vm_run(vm, &exit) != UKERN_OK)
                return 2;
        } while (exit.kind == UKERN_EXIT_RECALL);
        if (look && (ukern_vm_get_regs(vm, &regs) != UKERN_OK || ukern_vm_set_regs(vm, &regs) != UKERN_OK))
            return 2;
        if (more)
            (void)ioctl(-1, KVM_GET_API_VERSION, 0);
    }
    uint64_t run = counted.run - before.run, other = counted.other - before.other, timer = counted.timer - before.timer,
             looks = counted.look - before.look;
    /* A slice that ends, or a host that interrupts, may cost a KVM_RUN more, and on a slow host a look at the guest
     * that was interrupted; nothing else is ever asked of KVM. */
    return run >= EXITS && run <= EXITS + EXITS / 10 && other == 0 && looks <= EXITS / 10 && timer <= EXITS / 10 ? 0 : 1;
}

static void say(void *ctx, enum ukern_log_level level, const char *line)
{
    (void)ctx;
    if (level <= UKERN_LOG_WARNING)
        fprintf(stderr, "  %s\n", line);
}

static int run_one(const char *name)
{
    struct ukern_hooks hooks = { .size = sizeof hooks, .log = say };
    struct ukern_params params = { .size = sizeof params, .engine = UKERN_SMP, .cpus = 1, .hooks = &hooks };
    struct ukern_task_params task = { .size = sizeof task, .name = "monitor", .program = monitor, .argc = 1, .argv = &name };
    struct ukern *m;
    uint32_t number;
    struct ukern_task_info info = { .size = sizeof info };
    if (ukern_make(&params, &m) != UKERN_OK)
        return 2;
    int code = 2;
    if (ukern_spawn(m, &task, &number) == UKERN_OK) {
        enum ukern_status st = ukern_run(m);
        if (ukern_task_info(m, number, &info) == UKERN_OK && !info.killed && (st == UKERN_OK || st == UKERN_FAILED))
            code = info.code;
    }
    ukern_free(m);
    return code;
}

int main(void)
{
    static const char *const names[] = { "0", "1", "2", "0r", "1r", "2r", "0x" };
    static const char *const texts[] = { "PIO", "MMIO", "HLT", "PIO and registers", "MMIO and registers", "HLT and registers",
                                         "planted, one more" };
    int failed = 0, fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        const char *required = getenv("UKERN_REQUIRE_KVM");
        printf("SKIP: /dev/kvm: %s\n", strerror(errno));
        return required && !strcmp(required, "1") ? 1 : 77;
    }
    close(fd);
    for (int i = 0; i < 7; i++) {
        int code = run_one(names[i]);
        int expected = names[i][1] == 'x';
        printf("%s: %s (task's code %d; in all, set-up included: %llu other ioctls, last %#llx; %llu settings of a timer)\n",
               texts[i], code != expected ? "FAIL" : code ? "noticed" : "one ioctl an exit", code, (unsigned long long)counted.other,
               (unsigned long long)counted.last_other, (unsigned long long)counted.timer);
        failed += code != expected;
    }
    if (counted.run < 7 * EXITS) {
        printf("FAIL: only %llu KVM_RUN were counted: the counting ioctl is not the one in use\n", (unsigned long long)counted.run);
        failed++;
    }
    return failed ? 1 : 0;
}
