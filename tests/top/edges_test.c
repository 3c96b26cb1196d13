/* SPDX-License-Identifier: BSD-2-Clause */
/* The edges: guards below kernel stacks and faults above them, half a buffer, the end of machine time, a failed check beside
 * a held lock, two threads that type at once, a machine's descriptor. */
#include "core/lock.h"
#include "host/engine.h"
#include "sched/thread.h"
#include "world.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends(const struct ukern_start *start)
{
    (void)start;
    return 0;
}

static int sleeps_for_ever(const struct ukern_start *start)
{
    while (start)
        ukern_sleep(1000000000);
    return 0;
}

/* What `drop` does is done by the kernel, on a kernel stack, at each task's end. */
static void at_each_end(void (*drop)(struct thread_id t))
{
    here = &world->m->cpu[0];
    thread_at_end(drop);
    here = NULL;
}

/* ---- below every kernel stack lies a page that nobody can touch; a fault of the kernel's own is nobody else's ---- */

static void looks_below(struct thread_id t)
{
    const uint8_t *mine = here->flow->stack_low, *idle = engine_loop_flow(here)->stack_low;
    if (!t.n || harness_readable(mine - 1) || harness_readable(idle - 1) || !harness_readable(mine) || !harness_readable(idle))
        ukern_stop(here->m);
}

WORLD_TEST(kernel_stacks_are_guarded, 2)
{
    at_each_end(looks_below);
    world_spawn((struct world_task){ .name = "daemon", .program = sleeps_for_ever, .daemon = true });
    for (uint32_t i = 0; i < 3; i++)
        world_spawn((struct world_task){ .name = "ends", .program = ends, .cpu = i % 2 });
    ck_ok(world_run());
}

/* Once: were it taken for the task's fault, the task's end would come again, and go well. */
static void goes_below(struct thread_id t)
{
    static bool been_there;
    (void)t;
    if (been_there)
        return;
    been_there = true;
    *((volatile uint8_t *)(uintptr_t)here->flow->stack_low - 1) = 1;
}

WORLD_TEST(a_fault_of_the_kernel_ends_the_process, 1)
{
#ifdef __SANITIZE_THREAD__
    return; /* what it sees of a forked child's threads is not true */
#endif
    if (harness_on_valgrind()) /* it prints a page about the death */
        return;
    at_each_end(goes_below);
    world_spawn((struct world_task){ .name = "ends", .program = ends, .expect = UKERN_EXPECT_KILLED });
    pid_t child = fork();
    if (child == 0)
        _exit(world_run() == UKERN_OK ? 1 : 2);
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "the process ended with status %#x", status);
}

/* ---- a buffer that is half there is not there ---- */

static int writes_from_half(const struct ukern_start *start)
{
    void *page;
    if (ukern_mem_map(UKERN_MAP_LOW, UKERN_PAGE, UKERN_PROT_WRITE, &page) != UKERN_OK)
        return 1;
    memset(page, 'x', UKERN_PAGE);
    ukern_trap(UKERN_CALL_console_write, start->console, UKERN_MAP_LOW, 2 * UKERN_PAGE, 0);
    return 0;
}

WORLD_TEST(nothing_is_printed_from_half_a_buffer, 1)
{
    world_spawn((struct world_task){ .name = "half", .program = writes_from_half, .expect = UKERN_EXPECT_KILLED });
    ck_ok(world_run());
    ck_assert_uint_eq(world->console_bytes, 0);
}

/* Also when there is nothing to read. */
static int reads_to(const struct ukern_start *start, uint64_t va)
{
    ukern_trap(UKERN_CALL_console_read, start->console, va, 16, 0);
    return 0;
}
static int reads_to_nowhere(const struct ukern_start *start) { return reads_to(start, UKERN_MAP_LOW); }
static int reads_to_its_start(const struct ukern_start *start) { return reads_to(start, ukern_user_address(start)); }

WORLD_TEST(reading_needs_memory_to_write_to, 1)
{
    world_spawn((struct world_task){ .name = "nowhere", .program = reads_to_nowhere, .expect = UKERN_EXPECT_KILLED });
    world_spawn((struct world_task){ .name = "start", .program = reads_to_its_start, .expect = UKERN_EXPECT_KILLED });
    ck_ok(world_run());
}

/* ---- what a task may map, and with which permission ---- */

static int maps_where_it_may(const struct ukern_start *start)
{
    static const struct { uint64_t va, n, prot; enum ukern_status map, unmap; } all[] = {
        { UKERN_MAP_LOW, UKERN_PAGE, 1, UKERN_OK, UKERN_OK },
        { UKERN_MAP_HIGH - UKERN_PAGE, UKERN_PAGE, 1, UKERN_OK, UKERN_OK },
        { UKERN_MAP_LOW - UKERN_PAGE, UKERN_PAGE, 1, UKERN_BADARG, UKERN_BADARG },
        { UKERN_MAP_LOW - UKERN_PAGE, 2 * UKERN_PAGE, 1, UKERN_BADARG, UKERN_BADARG },
        { UKERN_MAP_HIGH, UKERN_PAGE, 1, UKERN_BADARG, UKERN_BADARG },
        { UKERN_MAP_HIGH - UKERN_PAGE, 2 * UKERN_PAGE, 1, UKERN_BADARG, UKERN_BADARG },
        { 0xf0000000 - UKERN_PAGE, UKERN_PAGE, 1, UKERN_BADARG, UKERN_BADARG }, /* its stack */
        { 0x00400000, UKERN_PAGE, 1, UKERN_BADARG, UKERN_BADARG },              /* its start page */
        { UKERN_MAP_LOW, 0, 1, UKERN_BADARG, UKERN_BADARG },
        { UKERN_MAP_LOW, UKERN_PAGE + 1, 1, UKERN_BADARG, UKERN_BADARG },
        { UKERN_MAP_LOW + 1, UKERN_PAGE, 1, UKERN_BADARG, UKERN_BADARG },
        { UKERN_MAP_LOW, (UINT64_C(1) << 44) + UKERN_PAGE, 1, UKERN_BADARG, UKERN_BADARG }, /* one page, if cut to 32 bits */
        { UKERN_MAP_LOW, UINT64_MAX - UKERN_PAGE + 1, 1, UKERN_BADARG, UKERN_BADARG },
        { UKERN_MAP_LOW, UKERN_PAGE, 2, UKERN_BADARG, UKERN_NOTFOUND },
        { UKERN_MAP_LOW, UKERN_PAGE, UINT64_C(1) << 32, UKERN_BADARG, UKERN_NOTFOUND },
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        enum ukern_status map = (enum ukern_status)ukern_trap(UKERN_CALL_mem_map, all[i].va, all[i].n, all[i].prot, 0).status;
        enum ukern_status unmap = (enum ukern_status)ukern_trap(UKERN_CALL_mem_unmap, all[i].va, all[i].n, 0, 0).status;
        if (map == all[i].map && unmap == all[i].unmap)
            continue;
        ukern_print(start, "row %u: %s %s\n", (unsigned)i, ukern_status_name(map), ukern_status_name(unmap));
        return 1;
    }
    return 0;
}

static int writes_to_read_only(const struct ukern_start *start)
{
    void *page;
    if (ukern_mem_map(UKERN_MAP_LOW, UKERN_PAGE, UKERN_PROT_READ, &page) != UKERN_OK)
        return 1;
    ukern_print(start, "%d", *(volatile char *)page);
    *(volatile char *)page = 1;
    return 0;
}

static int hands_in_read_only(const struct ukern_start *start)
{
    void *page;
    if (ukern_mem_map(UKERN_MAP_LOW, UKERN_PAGE, UKERN_PROT_READ, &page) != UKERN_OK)
        return 1;
    ukern_trap(UKERN_CALL_console_read, start->console, UKERN_MAP_LOW, 1, 0);
    return 0;
}

WORLD_TEST(tasks_map_in_their_part, 1)
{
    world_spawn((struct world_task){ .name = "maps", .program = maps_where_it_may });
    world_spawn((struct world_task){ .name = "writes", .program = writes_to_read_only, .expect = UKERN_EXPECT_KILLED });
    world_spawn((struct world_task){ .name = "hands in", .program = hands_in_read_only, .expect = UKERN_EXPECT_KILLED });
    ck_assert_msg(world_run() == UKERN_OK, "%s%s", world->console, world->log);
    ck_assert_str_eq(world->console, "0");
}

/* ---- how a task may end ---- */

static int says_much(const struct ukern_start *start)
{
    char words[200];
    memset(words, 'x', sizeof words);
    words[0] = '\x1b';
    words[1] = '\n';
    ukern_trap(UKERN_CALL_exit, start->task, ukern_user_address(words), sizeof words, 0);
    return 1;
}

WORLD_TEST(last_words_are_short_and_harmless, 1)
{
    world_spawn((struct world_task){ .name = "says much", .program = says_much });
    ck_ok(world_run());
    ck_assert_uint_eq(strlen(world_reason(0)), 119);
    ck_assert_int_eq(strncmp(world_reason(0), "??xxx", 5), 0);
}

static int prints_later(const struct ukern_start *start)
{
    ukern_sleep(5000000);
    ukern_print(start, "later");
    return 0;
}

WORLD_TEST(a_daemon_that_ends_ends_nothing_else, 1)
{
    world_spawn((struct world_task){ .name = "daemon", .program = ends, .daemon = true });
    world_spawn((struct world_task){ .name = "later", .program = prints_later });
    ck_ok(world_run());
    ck_assert_str_eq(world->console, "later");
}

/* ---- blobs have ends ---- */

static int reads_blobs(const struct ukern_start *start)
{
    const volatile uint8_t *first = start->blob[0].bytes, *second = start->blob[1].bytes;
    ukern_print(start, "%u%u%u", first[0], first[UKERN_PAGE - 1], second[0]);
    return first[UKERN_PAGE];
}

WORLD_TEST(behind_a_blob_is_nothing, 1)
{
    static uint8_t page[UKERN_PAGE] = { [0] = 1, [UKERN_PAGE - 1] = 2 }, other[1] = { 3 };
    const struct ukern_blob blobs[] = { { "page", page, sizeof page }, { "other", other, sizeof other } };
    struct ukern_task_params task = { .size = sizeof task, .name = "reads", .program = reads_blobs, .blobs = blobs, .blob_count = 2,
                                      .expect = UKERN_EXPECT_KILLED };
    ck_ok(ukern_spawn(world->m, &task, NULL));
    ck_ok(world_run());
    ck_assert_str_eq(world->console, "123");
}

/* ---- a run leaves its caller's thread as it was ---- */

WORLD_TEST(the_callers_signals_stay, 1)
{
    static uint8_t own[65536];
    stack_t stack = { .ss_sp = own, .ss_size = sizeof own }, after;
    sigset_t before, mask;
    ck_assert_int_eq(sigaltstack(&stack, NULL), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    world_spawn((struct world_task){ .name = "ends", .program = ends });
    ck_ok(world_run());
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    ck_assert_int_eq(sigismember(&mask, SIGURG), sigismember(&before, SIGURG));
    ck_assert_int_eq(sigaltstack(NULL, &after), 0);
    ck_assert_ptr_eq(after.ss_sp, own);
}

/* ---- a console has one reader, until that one ends ---- */

static int reads_first(const struct ukern_start *start)
{
    char byte;
    size_t got;
    if (ukern_console_read(start->console, &byte, 1, &got) != UKERN_OK)
        return 1;
    ukern_sleep(2000000);
    return ukern_console_read(start->console, &byte, 1, &got) != UKERN_OK;
}
static int reads_second(const struct ukern_start *start)
{
    char byte;
    size_t got;
    ukern_sleep(1000000);
    if (ukern_console_read(start->console, &byte, 1, &got) != UKERN_BUSY)
        return 1;
    ukern_sleep(500000000);
    return ukern_console_read(start->console, &byte, 1, &got) != UKERN_OK;
}

START_TEST(one_reader_at_a_time)
{
    world_make(UKERN_SIM, 2);
    world_spawn((struct world_task){ .name = "first", .program = reads_first });
    world_spawn((struct world_task){ .name = "second", .program = reads_second, .cpu = 1 });
    ck_ok(world_run());
    world_end();
}
END_TEST

/* ---- machine time never runs backwards, however long somebody sleeps ---- */

static int sleeps_to_the_end(const struct ukern_start *start)
{
    (void)start;
    uint64_t before = ukern_time();
    for (int i = 0; i < 5; i++) {
        ukern_sleep(UINT64_MAX);
        ukern_sleep(UINT64_C(1) << 63);
        (void)ukern_wait_wake(UINT64_MAX - 1000);
        if (ukern_time() < before)
            return 1;
        before = ukern_time();
    }
    return 0;
}

static int looks_at_the_clock(const struct ukern_start *start)
{
    uint64_t before = ukern_time();
    (void)start;
    for (int i = 0; i < 200; i++) {
        ukern_sleep(1000);
        if (ukern_time() <= before)
            return 1;
        before = ukern_time();
    }
    return 0;
}

START_TEST(the_end_of_time)
{
    world_make(UKERN_SIM, 2);
    world_spawn((struct world_task){ .name = "sleeper", .program = sleeps_to_the_end });
    world_spawn((struct world_task){ .name = "looker", .program = looks_at_the_clock, .cpu = 1 });
    ck_ok(world_run());
    world_end();
}
END_TEST

/* ---- a check fails while its CPU holds a lock for which the others wait ---- */

#ifdef UKERN_CHECK
static struct lock contended;
static _Atomic uint32_t arrived;

/* The first to come holds the lock until the others wait for it, and then fails. */
static void drops_under_a_lock(struct thread_id t)
{
    bool first = atomic_fetch_add(&arrived, 1) == 0;
    (void)t;
    lock_take(&contended);
    while (first && (uint16_t)(contended.next - contended.serving) != 4) {
        engine_point(POINT_SPIN, 0, 0);
        here->m->ops->spin(here, 200);
    }
    CHECK(!first, "planted: it fails with the lock held");
    lock_give(&contended);
}

static void breaks_under_a_lock(void)
{
    atomic_store(&arrived, 0);
    lock_init(&contended, LAYER_ipc_chan);
    at_each_end(drops_under_a_lock);
    for (uint32_t i = 0; i < 4; i++)
        world_spawn((struct world_task){ .name = "ends", .program = ends, .cpu = i });
}

WORLD_TEST(nobody_waits_for_a_broken_cpu, 4)
{
    breaks_under_a_lock();
    ck_status(world_run(), UKERN_BROKEN);
    ck_assert(world_logged("it fails with the lock held"));
    ck_assert_ptr_nonnull(strstr(ukern_error(world->m), "it fails with the lock held"));
}

/* Whatever else ends the run in that moment: BROKEN is the worst, so it is the result. */
static void ends_and_breaks(struct thread_id t)
{
    ukern_stop(world->m);
    CHECK(t.n != 0, "planted: after the stop");
}

WORLD_TEST(broken_is_the_worst, 1)
{
    at_each_end(ends_and_breaks);
    world_spawn((struct world_task){ .name = "ends", .program = ends });
    ck_status(world_run(), UKERN_BROKEN);
}
#endif

/* ---- two threads type on one console ---- */

struct typist {
    pthread_t thread;
    struct ukern *m;
    char letter;
};
enum { TYPED = 30000 };

static void *types(void *arg)
{
    struct typist *t = arg;
    for (int done = 0; done < TYPED;) {
        size_t taken = ukern_console_input(t->m, 0, &t->letter, 1);
        done += (int)taken;
        if (!taken)
            sched_yield();
    }
    return NULL;
}

static int counts_letters(const struct ukern_start *start)
{
    char bytes[512];
    size_t got = 0, a = 0, b = 0;
    while (a + b < 2 * TYPED) {
        if (ukern_console_read(start->console, bytes, sizeof bytes, &got) != UKERN_OK)
            return 1;
        if (got == 0)
            (void)ukern_wait_wake(0);
        for (size_t i = 0; i < got; i++)
            a += bytes[i] == 'a', b += bytes[i] == 'b';
    }
    return a == TYPED && b == TYPED ? 0 : 2;
}

START_TEST(two_typists)
{
    world_make(UKERN_SMP, 1);
    struct typist typist[2] = { { .m = world->m, .letter = 'a' }, { .m = world->m, .letter = 'b' } };
    ukern_console_open(world->m, 0, true);
    world_spawn((struct world_task){ .name = "counts", .program = counts_letters });
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&typist[i].thread, NULL, types, &typist[i]), 0);
    ck_ok(world_run());
    for (int i = 0; i < 2; i++)
        pthread_join(typist[i].thread, NULL);
    world_end();
}
END_TEST

/* ---- the descriptor tells the end ---- */

static bool says_ended(void)
{
    struct pollfd fd = { .fd = ukern_fd(world->m), .events = POLLIN };
    return poll(&fd, 1, 0) == 1;
}

static int sleeps_a_little(const struct ukern_start *start)
{
    (void)start;
    ukern_sleep(1000);
    return 0;
}

WORLD_TEST(the_descriptor_tells_the_end, 2)
{
    world_spawn((struct world_task){ .name = "sleeps", .program = sleeps_a_little });
    ck_assert(!says_ended());
    ck_ok(world_run());
    ck_assert(says_ended());
}

HARNESS_TESTS("edges", the_end_of_time, WORLD_BOTH(kernel_stacks_are_guarded), WORLD_BOTH(a_fault_of_the_kernel_ends_the_process),
              WORLD_BOTH(nothing_is_printed_from_half_a_buffer), WORLD_BOTH(reading_needs_memory_to_write_to), one_reader_at_a_time, WORLD_BOTH(tasks_map_in_their_part),
              WORLD_BOTH(behind_a_blob_is_nothing), WORLD_BOTH(the_callers_signals_stay), WORLD_BOTH(last_words_are_short_and_harmless), WORLD_BOTH(a_daemon_that_ends_ends_nothing_else),
#ifdef UKERN_CHECK
              WORLD_BOTH(nobody_waits_for_a_broken_cpu), WORLD_BOTH(broken_is_the_worst),
#endif
              two_typists, WORLD_BOTH(the_descriptor_tells_the_end))
