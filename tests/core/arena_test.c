/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of core/arena and host/reserve. */
#include "core/arena.h"
#include "core/sanitize.h"
#include "harness.h"
#include "host/reserve.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena make(size_t size)
{
    struct arena a;
    ck_ok(reserve_make(size, &a));
    return a;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

START_TEST(pieces_are_zero_aligned_and_apart)
{
    struct arena a = make(1 << 20);
    struct harness_random r = { 1 };
    struct { uint8_t *p; size_t n; } piece[200];
    for (uint32_t i = 0; i < COUNT_OF(piece); i++) {
        size_t align = (size_t)1 << harness_below(&r, 9), n = harness_below(&r, 300);
        piece[i].p = arena_take(&a, n, align);
        piece[i].n = n;
        ck_assert_ptr_nonnull(piece[i].p);
        ck_assert_uint_eq((uintptr_t)piece[i].p & (align - 1), 0);
        ck_assert(is_zero(piece[i].p, n));
        ck_assert(piece[i].p >= a.base && piece[i].p + n <= a.base + a.used && a.used <= a.size);
        memset(piece[i].p, (int)i + 1, n);
    }
    for (uint32_t i = 0; i < COUNT_OF(piece); i++)
        for (size_t k = 0; k < piece[i].n; k++)
            ck_assert_uint_eq(piece[i].p[k], (uint8_t)(i + 1));
    reserve_free(&a);
    ck_assert_ptr_null(a.base);
}
END_TEST

START_TEST(a_full_arena_answers_null_and_stays)
{
    struct arena a = make(3 * ARENA_PAGE);
    size_t red = SANITIZE_ADDRESS ? 64 : 0; /* the red zone that follows each piece */
    ck_assert_ptr_null(arena_take(&a, a.size + 1, 1));
    ck_assert_uint_eq(a.used, 0);
    ck_assert_ptr_nonnull(arena_take(&a, a.size - 100 - 2 * red, 1));
    size_t used = a.used;
    ck_assert_ptr_null(arena_take(&a, 101, 1));
    ck_assert_ptr_null(arena_take(&a, 1, ARENA_PAGE));
    ck_assert_ptr_null(arena_take_pages(&a, 1));
    ck_assert_uint_eq(a.used, used);
    ck_assert_ptr_nonnull(arena_take(&a, 100, 1));
    ck_assert_uint_eq(a.used, a.size);
    ck_assert_ptr_null(arena_take(&a, 1, 1));
    reserve_free(&a);
}
END_TEST

START_TEST(sizes_that_overflow_are_refused)
{
    struct arena a = make(1 << 16);
    ck_assert_ptr_null(arena_take(&a, SIZE_MAX, 1));
    ck_assert_ptr_null(arena_take(&a, SIZE_MAX - 63, 64));
    ck_assert_ptr_null(arena_take_pages(&a, SIZE_MAX));
    ck_assert_ptr_null(arena_take_pages(&a, SIZE_MAX - 4095));
    ck_assert_ptr_null(arena_array(&a, uint64_t, SIZE_MAX / 8 + 2)); /* the product would be 8 */
    ck_assert_uint_eq(a.used, 0);
    ck_assert_ptr_nonnull(arena_array(&a, uint64_t, 8));
    reserve_free(&a);
}
END_TEST

START_TEST(arrays_begin_on_cache_lines)
{
    struct arena a = make(1 << 16);
    for (size_t i = 1; i < 20; i++)
        ck_assert_uint_eq((uintptr_t)arena_array(&a, uint8_t, i) & 63, 0);
    reserve_free(&a);
}
END_TEST

START_TEST(pages_have_a_page_below_them)
{
    struct arena a = make(1 << 20);
    uint8_t *before = arena_take(&a, 10, 1), *p = arena_take_pages(&a, 5000), *q = arena_take_pages(&a, 1);
    ck_assert_uint_eq((uintptr_t)p & (ARENA_PAGE - 1), 0);
    ck_assert(p - ARENA_PAGE >= before + 10);
    ck_assert(q - ARENA_PAGE >= p + 2 * ARENA_PAGE);
    memset(p, 1, 2 * ARENA_PAGE);
    ck_ok(reserve_guard(p - ARENA_PAGE));
    ck_ok(reserve_guard(q - ARENA_PAGE));
    ck_assert(!harness_readable(p - 1) && !harness_readable(p - ARENA_PAGE) && !harness_readable(q - 1));
    ck_assert(harness_readable(before) && harness_readable(p) && harness_readable(p + 2 * ARENA_PAGE - 1) && harness_readable(q));
    ck_status(reserve_guard(p - 8), UKERN_BADARG);
    reserve_free(&a);
}
END_TEST

START_TEST(a_touched_guard_kills)
{
    if (harness_on_valgrind()) /* it prints a page about the death */
        return;
    struct arena a = make(1 << 16);
    volatile uint8_t *p = arena_take_pages(&a, 1);
    ck_ok(reserve_guard((void *)(uintptr_t)(p - ARENA_PAGE)));
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(p - 1) = 1;
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    reserve_free(&a);
}
END_TEST

START_TEST(absurd_reservations_are_refused)
{
    struct arena a = { .size = 7 };
    ck_status(reserve_make(0, &a), UKERN_BADARG);
    ck_status(reserve_make(SIZE_MAX, &a), UKERN_BADARG);
    ck_status(reserve_make(SIZE_MAX / 2, &a), UKERN_NOMEM); /* more than there are addresses */
    ck_assert_uint_eq(a.size, 7);
    struct arena none = { 0 };
    reserve_free(&none);
}
END_TEST

HARNESS_TESTS("core/arena",
    pieces_are_zero_aligned_and_apart, a_full_arena_answers_null_and_stays, sizes_that_overflow_are_refused,
    arrays_begin_on_cache_lines, pages_have_a_page_below_them, a_touched_guard_kills, absurd_reservations_are_refused)
