/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of core/check_heap: pieces are zeroed, distinct, come back; a full heap, and the n-th refusal. */
#include "core/check_heap.h"
#include "harness.h"
#include <setjmp.h>

static jmp_buf full;
static size_t wanted;

static void __attribute__((noreturn)) on_full(struct check_heap *h, size_t n)
{
    (void)h;
    wanted = n;
    longjmp(full, 1);
}

static struct ukern *make(struct check_heap *h, size_t size)
{
    struct ukern *m = harness_make(1 << 20);
    ck_ok(check_heap_make(h, &m->arena, size, false, on_full));
    return m;
}

enum { PIECES = 300 };

static bool is_filled(const uint8_t *at, size_t n, uint8_t with)
{
    for (size_t i = 0; i < n; i++)
        if (at[i] != with)
            return false;
    return true;
}

START_TEST(pieces_are_zeroed_and_nobody_elses)
{
    struct check_heap h;
    struct ukern *m = make(&h, 512 << 10);
    struct { uint8_t *at; size_t n; uint8_t fill; } piece[PIECES] = { 0 };
    struct harness_random r = { 7 };
    for (uint32_t turn = 0; turn < harness_rounds(30000); turn++) {
        uint32_t k = (uint32_t)harness_below(&r, PIECES);
        ck_assert(is_filled(piece[k].at, piece[k].n, piece[k].fill)); /* as it was left, whatever others did */
        if (piece[k].n)
            check_heap_give(&h, piece[k].at, piece[k].n);
        piece[k].n = 1 + (size_t)harness_below(&r, 700);
        piece[k].at = check_heap_take(&h, piece[k].n);
        piece[k].fill = (uint8_t)turn;
        ck_assert_uint_eq((uintptr_t)piece[k].at % 64, 0);
        ck_assert(is_filled(piece[k].at, piece[k].n, 0));
        memset(piece[k].at, piece[k].fill, piece[k].n);
    }
    ck_assert_uint_le(h.used, PIECES * 1024 + PIECES * 512 + PIECES * 256 + PIECES * 128 + PIECES * 64); /* they come back */
    harness_free(m);
}
END_TEST

START_TEST(a_full_heap_says_what_was_wanted)
{
    struct check_heap h;
    struct ukern *m = make(&h, 64 << 10);
    volatile uint32_t taken = 0;
    if (setjmp(full) == 0)
        for (;; taken++)
            (void)!check_heap_take(&h, 4000);
    ck_assert_uint_eq(taken, 16);
    ck_assert_uint_eq(wanted, 4000);
    if (setjmp(full) == 0) {
        (void)!check_heap_take(&h, SIZE_MAX / 2);
        ck_abort_msg("half of all addresses were given out");
    }
    harness_free(m);
}
END_TEST

START_TEST(the_nth_piece_is_refused)
{
    struct check_heap h;
    struct ukern *m = make(&h, 64 << 10);
    for (uint32_t n = 1; n < 6; n++) {
        volatile uint32_t taken = 0;
        h.fail_at = h.takes + n;
        if (setjmp(full) == 0)
            for (;; taken++)
                check_heap_give(&h, check_heap_take(&h, 100), 100);
        ck_assert_uint_eq(taken, n - 1);
    }
    h.fail_at = 0;
    check_heap_give(&h, check_heap_take(&h, 100), 100);
    harness_free(m);
}
END_TEST

START_TEST(an_arena_without_room_is_said)
{
    struct check_heap h;
    struct ukern *m = harness_make(1 << 20);
    ck_status(check_heap_make(&h, &m->arena, SIZE_MAX / 4, false, on_full), UKERN_NOMEM);
    harness_free(m);
}
END_TEST

HARNESS_TESTS("check_heap", pieces_are_zeroed_and_nobody_elses, a_full_heap_says_what_was_wanted, the_nth_piece_is_refused,
              an_arena_without_room_is_said)
