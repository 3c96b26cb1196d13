/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of sched/thread through the kernel's calls, on both engines: order, sleep, wake-ups, ends, deadlock. */
#include "world.h"
#include <pthread.h>
#include <stdlib.h>
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_DISABLE_ERROR_REPORTING ((void)0)
#define VALGRIND_ENABLE_ERROR_REPORTING ((void)0)
#define RUNNING_ON_VALGRIND 0
#endif

/* Prints its name's first letter, yields, three times. */
static int letters(const struct ukern_start *start)
{
    for (int i = 0; i < 3; i++) {
        ukern_print(start, "%c", start->argv[0][0]);
        ukern_yield();
    }
    return 0;
}

WORLD_TEST(yield_is_fifo, 1)
{
    world_spawn((struct world_task){ .name = "a", .program = letters });
    world_spawn((struct world_task){ .name = "b", .program = letters });
    world_spawn((struct world_task){ .name = "c", .program = letters });
    ck_ok(world_run());
    ck_assert_str_eq(world->console, "abcabcabc");
}

static int sleeps(const struct ukern_start *start)
{
    uint64_t ms = strtoul(start->argv[1], NULL, 10), before = ukern_time();
    ukern_sleep(ms * 1000000);
    ukern_print(start, "%s ", start->argv[0]);
    return ukern_time() - before < ms * 1000000;
}

WORLD_TEST(sleepers_wake_in_order, 1)
{
    world_spawn((struct world_task){ .name = "thirty", .program = sleeps, .argument = "30" });
    world_spawn((struct world_task){ .name = "ten", .program = sleeps, .argument = "10" });
    world_spawn((struct world_task){ .name = "twenty", .program = sleeps, .argument = "20" });
    ck_ok(world_run());
    if (world->engine == UKERN_SIM) /* on a slow host the first one's time is over before the last one begins */
        ck_assert_str_eq(world->console, "ten twenty thirty ");
    ck_assert_uint_eq(world->console_bytes, sizeof "ten twenty thirty " - 1);
}

/* A wake-up that comes before the wait is kept, one only; a wait may time out; nobody else is woken. */
static int wakes_itself(const struct ukern_start *start)
{
    if (ukern_wake(start->task) != UKERN_OK || ukern_wake(start->task) != UKERN_OK)
        return 1;
    if (ukern_wait_wake(1000000000) != UKERN_OK)
        return 2;
    if (ukern_wait_wake(1000000) != UKERN_TIMEOUT)
        return 3;
    if (ukern_wake(12345) != UKERN_NOTFOUND || ukern_wake(UINT32_MAX) != UKERN_NOTFOUND)
        return 4;
    return 0;
}

WORLD_TEST(wake_token, 1)
{
    world_spawn((struct world_task){ .name = "self", .program = wakes_itself });
    ck_ok(world_run());
}

enum { WAKES = 2000 };

/* Tasks 2n and 2n + 1 wake each other in turn. A lost wake-up is a deadlock. */
static int wakes_partner(const struct ukern_start *start)
{
    bool first = start->task % 2 == 0;
    for (int i = 0; i < WAKES; i++) {
        if (first && ukern_wake(start->task + 1) != UKERN_OK)
            return 1;
        if (ukern_wait_wake(0) != UKERN_OK)
            return 2;
        if (!first && ukern_wake(start->task - 1) != UKERN_OK)
            return 3;
    }
    return 0;
}

WORLD_TEST(no_wake_up_is_lost, 4) /* more CPUs than many a host has cores */
{
    for (uint32_t i = 0; i < 8; i++)
        world_spawn((struct world_task){ .name = "pair", .program = wakes_partner, .cpu = i % 2 ? (i / 2 + 1) % 4 : i / 2 });
    ck_ok(world_run());
}

static int polls(const struct ukern_start *start)
{
    uint64_t before = ukern_time();
    for (int i = 0; ukern_wake(start->task + 1) == UKERN_OK; i++)
        if (i == 200000) /* it never got the CPU */
            return 1;
    if (ukern_time() == before)
        return 2;
    ukern_print(start, "late ");
    return 0;
}

/* A task that asks over and over whether its neighbour has ended does not keep the CPU from it, nor stop the clock. */
WORLD_TEST(polling_lets_others_run, 1)
{
    world_spawn((struct world_task){ .name = "poll", .program = polls });
    world_spawn((struct world_task){ .name = "a", .program = letters });
    ck_ok(world_run());
    ck_assert_str_eq(world->console, "aaalate ");
}

static int returns_code(const struct ukern_start *start) { return atoi(start->argv[1]); }
static int exits_code(const struct ukern_start *start) { ukern_exit(atoi(start->argv[1])); }

WORLD_TEST(exit_codes, 1)
{
    uint32_t a = world_spawn((struct world_task){ .name = "a", .program = returns_code, .argument = "7", .expect_code = 7 });
    uint32_t b = world_spawn((struct world_task){ .name = "b", .program = exits_code, .argument = "-3", .expect_code = -3 });
    ck_ok(world_run());
    ck_assert_str_eq(world_reason(a), "exited with code 7");
    ck_assert_str_eq(world_reason(b), "exited with code -3");
}

WORLD_TEST(a_wrong_code_fails_the_run, 1)
{
    world_spawn((struct world_task){ .name = "bad", .program = returns_code, .argument = "1" });
    world_spawn((struct world_task){ .name = "a", .program = letters });
    ck_status(world_run(), UKERN_FAILED);
    ck_assert(world_logged("task bad: exited with code 1"));
    ck_assert_str_eq(world->console, "aaa");
}

WORLD_TEST(who_should_die_and_does_not_fails_the_run, 1)
{
    world_spawn((struct world_task){ .name = "good", .program = returns_code, .argument = "0", .expect = UKERN_EXPECT_KILLED });
    ck_status(world_run(), UKERN_FAILED);
}

static int reads_page_0(const struct ukern_start *start)
{
    VALGRIND_DISABLE_ERROR_REPORTING; /* this fault is meant; the task does not come back */
    const volatile int *low = (const volatile int *)(uintptr_t)(16 * start->argc); /* a plain NULL is UBSan's */
    return *low;
}
static int divides(const struct ukern_start *start)
{
    volatile int zero = start->argc - 1;
    __asm__ volatile("cltd\n\tidivl %1" : : "a"(start->argc), "m"(zero) : "edx");
    return 0;
}
static int illegal(const struct ukern_start *start)
{
    (void)start;
    VALGRIND_DISABLE_ERROR_REPORTING;
    __asm__ volatile("ud2");
    return 0;
}
static int writes_start_page(const struct ukern_start *start)
{
    VALGRIND_DISABLE_ERROR_REPORTING;
    *(volatile uint32_t *)(uintptr_t)&start->task = 99;
    return 0;
}
static __attribute__((noinline)) int deeper(volatile char *above, int depth)
{
    volatile char frame[2048];
    frame[0] = above[0];
    return depth == 1 << 30 ? 0 : deeper(frame, depth + 1) + frame[depth % 2048];
}
static int overflows(const struct ukern_start *start)
{
    volatile char first = start->argv[0][0];
    VALGRIND_DISABLE_ERROR_REPORTING;
    return deeper(&first, 0);
}

/* One task's fault is its own end; the others go on, and its memory comes home. */
WORLD_TEST(faults_kill_the_task_alone, 2)
{
    static const struct { const char *name; ukern_program *run; const char *reason; } all[] = {
        { "low", reads_page_0, "touched an address it has no access to: 0x10" },
        { "divide", divides, "divided by zero" },
        { "illegal", illegal, "ran an illegal instruction" },
        { "start", writes_start_page, "touched an address" },
        { "overflow", overflows, "the stack overflowed" },
    };
    for (uint32_t i = 0; i < COUNT_OF(all); i++)
        world_spawn((struct world_task){ .name = all[i].name, .program = all[i].run, .cpu = i % 2, .expect = UKERN_EXPECT_KILLED });
    world_spawn((struct world_task){ .name = "a", .program = letters });
    world_spawn((struct world_task){ .name = "b", .program = letters, .cpu = 1 });
    ck_ok(world_run());
    for (uint32_t i = 0; i < COUNT_OF(all); i++)
        ck_assert_msg(strstr(world_reason(i), all[i].reason), "%s: %s", all[i].name, world_reason(i));
    ck_assert_uint_eq(world->console_bytes, 6);
}

static int waits_for_ever(const struct ukern_start *start)
{
    char byte;
    if (strcmp(start->argv[0], "waiter") == 0)
        return (int)ukern_wait_wake(0);
    return (int)ukern_chan_recv(5, &byte, 1, 0, NULL);
}

WORLD_TEST(deadlock_names_who_waits, 2)
{
    world_spawn((struct world_task){ .name = "waiter", .program = waits_for_ever });
    world_spawn((struct world_task){ .name = "receiver", .program = waits_for_ever, .cpu = 1 });
    world_spawn((struct world_task){ .name = "a", .program = letters, .cpu = 1 });
    ck_status(world_run(), UKERN_DEADLOCK);
    ck_assert(world_logged("deadlock: task waiter waits for a wake-up"));
    ck_assert(world_logged("deadlock: task receiver waits for a sender on channel 5"));
    ck_assert(!world_logged("task a"));
}

WORLD_TEST(the_run_does_not_wait_for_daemons, 2)
{
    world_spawn((struct world_task){ .name = "waiter", .program = waits_for_ever, .daemon = true });
    world_spawn((struct world_task){ .name = "a", .program = letters, .cpu = 1 });
    ck_ok(world_run());
    ck_assert_str_eq(world->console, "aaa");
}

WORLD_TEST(no_task_no_run, 2) { ck_ok(world_run()); }

/* Rounding upwards, set by a task that asked for control words of its own, is neither lost nor seen by others. */
static __attribute__((noinline)) double third(void)
{
    volatile double one = 1, three = 3;
    return one / three;
}
static __attribute__((noinline)) void round_up_from_now_on(void)
{
    uint32_t mxcsr;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    mxcsr = (mxcsr & ~UINT32_C(0x6000)) | 0x4000;
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}
static int rounds_up(const struct ukern_start *start)
{
    double nearest = third(), up;
    (void)start;
    round_up_from_now_on();
    up = third();
    for (int i = 0; i < 10; i++) {
        ukern_yield();
        if (third() != up)
            return 1;
    }
    return up == nearest;
}
static int rounds_to_nearest(const struct ukern_start *start)
{
    (void)start;
    for (int i = 0; i < 10; i++) {
        ukern_yield();
        if (third() != 0x1.5555555555555p-2)
            return 1;
    }
    return 0;
}

WORLD_TEST(control_words_are_kept, 1)
{
    if (RUNNING_ON_VALGRIND) /* it computes with its own rounding, whatever the control words say */
        return;
    world_spawn((struct world_task){ .name = "up", .program = rounds_up, .floating_point = true });
    world_spawn((struct world_task){ .name = "nearest", .program = rounds_to_nearest });
    ck_ok(world_run());
}

/* The contract of the context switch: callee-saved registers of each task survive kernel calls and the turns of others. */
uint64_t yield_with_registers(uint64_t seed); /* 0: they were all kept */
__asm__(".text\n"
        "yield_with_registers:\n\t"
        "push %rbp\n\tpush %rbx\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\tpush %rdi\n\t"
        "mov %rdi, %rbx\n\tlea 1(%rdi), %rbp\n\tlea 2(%rdi), %r12\n\tlea 3(%rdi), %r13\n\tlea 4(%rdi), %r14\n\tlea 5(%rdi), %r15\n\t"
        "xor %edi, %edi\n\tcall ukern_trap@PLT\n\t"
        "pop %rdi\n\t"
        "sub %rdi, %rbx\n\tsub %rdi, %rbp\n\tdec %rbp\n\tsub %rdi, %r12\n\tsub $2, %r12\n\tsub %rdi, %r13\n\tsub $3, %r13\n\t"
        "sub %rdi, %r14\n\tsub $4, %r14\n\tsub %rdi, %r15\n\tsub $5, %r15\n\t"
        "mov %rbx, %rax\n\tor %rbp, %rax\n\tor %r12, %rax\n\tor %r13, %rax\n\tor %r14, %rax\n\tor %r15, %rax\n\t"
        "pop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbx\n\tpop %rbp\n\tret\n");

static int keeps_registers(const struct ukern_start *start)
{
    for (uint64_t turn = 0; turn < 200; turn++)
        if (yield_with_registers(start->task * 1000 + turn) != 0)
            return 1;
    return 0;
}
static_assert(UKERN_CALL_yield == 0, "keeps_registers calls it by number");

WORLD_TEST(registers_survive, 2)
{
    for (uint32_t i = 0; i < 6; i++)
        world_spawn((struct world_task){ .name = "regs", .program = keeps_registers, .cpu = i % 2 });
    ck_ok(world_run());
}

/* A waker that is never woken itself: nothing else orders the two. */
static int wakes_the_first(const struct ukern_start *start)
{
    (void)start;
    while (ukern_wake(0) == UKERN_OK)
        for (volatile int i = 0; i < 50; i++)
            ;
    return 0;
}
static int is_woken(const struct ukern_start *start)
{
    (void)start;
    for (int i = 0; i < 2000; i++)
        if (ukern_wait_wake(0) != UKERN_OK)
            return 1;
    return 0;
}

WORLD_TEST(a_waker_on_its_own, 2)
{
    world_spawn((struct world_task){ .name = "sleeper", .program = is_woken });
    world_spawn((struct world_task){ .name = "waker", .program = wakes_the_first, .cpu = 1 });
    ck_ok(world_run());
}

/* A wake-up before the deadline takes the timer away: the next sleep has one of its own (the check build looks). */
static int is_woken_early(const struct ukern_start *start)
{
    (void)start;
    if (ukern_wait_wake(UINT64_C(60000000000)) != UKERN_OK)
        return 1;
    uint64_t before = ukern_time();
    ukern_sleep(20000000);
    return ukern_time() - before < 20000000;
}
static int wakes_early(const struct ukern_start *start)
{
    (void)start;
    ukern_sleep(1000000);
    return ukern_wake(0) != UKERN_OK;
}

WORLD_TEST(an_early_wake_up_takes_the_timer, 2)
{
    world_spawn((struct world_task){ .name = "sleeper", .program = is_woken_early });
    world_spawn((struct world_task){ .name = "waker", .program = wakes_early, .cpu = 1 });
    ck_ok(world_run());
}

/* Another thread that asks how a task ended sees all of it. */
static void *asks(void *machine)
{
    struct ukern_task_info info = { .size = sizeof info };
    do {
        if (ukern_task_info(machine, 0, &info) != UKERN_OK)
            return NULL;
    } while (info.state != UKERN_TASK_ENDED);
    return info.as_expected && strcmp(info.reason, "exited with code 0") == 0 ? machine : NULL;
}
START_TEST(an_end_is_seen_whole)
{
    for (int i = 0; i < 20; i++) {
        pthread_t asker;
        void *seen;
        world_make(UKERN_SMP, 2);
        world_spawn((struct world_task){ .name = "a", .program = letters });
        world_spawn((struct world_task){ .name = "b", .program = letters, .cpu = 1 });
        ck_assert_int_eq(pthread_create(&asker, NULL, asks, world->m), 0);
        ck_ok(world_run());
        pthread_join(asker, &seen);
        ck_assert_ptr_nonnull(seen);
        world_end();
    }
}
END_TEST

HARNESS_TESTS("sched/thread", WORLD_BOTH(registers_survive), WORLD_BOTH(a_waker_on_its_own), WORLD_BOTH(an_early_wake_up_takes_the_timer), an_end_is_seen_whole, WORLD_BOTH(yield_is_fifo), WORLD_BOTH(sleepers_wake_in_order), WORLD_BOTH(wake_token),
              WORLD_BOTH(no_wake_up_is_lost), WORLD_BOTH(polling_lets_others_run), WORLD_BOTH(exit_codes),
              WORLD_BOTH(a_wrong_code_fails_the_run), WORLD_BOTH(who_should_die_and_does_not_fails_the_run),
              WORLD_BOTH(faults_kill_the_task_alone), WORLD_BOTH(deadlock_names_who_waits),
              WORLD_BOTH(the_run_does_not_wait_for_daemons), WORLD_BOTH(no_task_no_run), WORLD_BOTH(control_words_are_kept))
