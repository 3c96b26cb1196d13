/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/frame_table: entries of all shapes, each in its own place, at both ends of the table. */
#include "mm/frame_table.h"
#include "harness.h"

static bool is_same(struct frame_entry a, struct frame_entry b) { return memcmp(&a, &b, sizeof a) == 0; }

START_TEST(what_was_never_set_is_zero)
{
    struct ukern *m = harness_make(UINT64_C(16) << 20);
    const uint32_t ends[] = { 1000, m->frames / 2, m->frames - 1 }; /* below, the kernel has begun to use frames itself */
    for (uint32_t i = 0; i < COUNT_OF(ends); i++)
        ck_assert(is_same(frame_table_get((struct frame_id){ ends[i] }), (struct frame_entry){ 0 }));
    harness_free(m);
}
END_TEST

START_TEST(an_entry_is_what_was_set_last)
{
    enum { FRAMES = 512 };
    struct ukern *m = harness_make(FRAMES * FRAME_SIZE);
    struct frame_entry model[FRAMES], before[FRAMES];
    struct harness_random r = { 5 };
    for (uint32_t n = 0; n < FRAMES; n++)
        model[n] = before[n] = frame_table_get((struct frame_id){ n });
    for (uint32_t i = 0; i < 5000; i++) {
        uint32_t n = (uint32_t)harness_below(&r, FRAMES);
        uint64_t x = harness_random(&r);
        model[n] = (struct frame_entry){ .refs = (uint32_t)x, .owner = (uint16_t)(x >> 32), .dirty = x >> 63 };
        if (i % 7 == 0)
            model[n] = (struct frame_entry){ .refs = UINT32_MAX, .owner = UINT16_MAX, .dirty = 1 };
        frame_table_set((struct frame_id){ n }, model[n]);
        n = (uint32_t)harness_below(&r, FRAMES);
        ck_assert(is_same(frame_table_get((struct frame_id){ n }), model[n]));
    }
    for (uint32_t n = 0; n < FRAMES; n++)
        ck_assert_msg(is_same(frame_table_get((struct frame_id){ n }), model[n]), "frame %u", n);
    for (uint32_t n = 0; n < FRAMES; n++) /* the layers above know nothing of this */
        frame_table_set((struct frame_id){ n }, before[n]);
    harness_free(m);
}
END_TEST

#ifdef UKERN_CHECK
static void beyond(void *arg)
{
    (void)frame_table_get((struct frame_id){ *(const uint32_t *)arg });
}

START_TEST(there_is_no_entry_beyond_the_memory)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct ukern *m = harness_make(512 * FRAME_SIZE);
        uint32_t n = i ? UINT32_MAX : m->frames;
        ck_assert(harness_breaks(beyond, &n));
        harness_free(m);
    }
}
END_TEST
#endif

HARNESS_TESTS("mm/frame_table",
#ifdef UKERN_CHECK
    there_is_no_entry_beyond_the_memory,
#endif
    what_was_never_set_is_zero, an_entry_is_what_was_set_last)
