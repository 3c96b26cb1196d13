/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/pt_entry: entries are the words of a frame, each for itself. */
#include "mm/pt_entry.h"
#include "harness.h"
#include "host/ram.h"
#include "mm/container.h"

static uint64_t word(struct frame_id f, uint32_t index)
{
    uint64_t bits;
    memcpy(&bits, frame_bytes(f) + 8 * index, 8);
    return bits;
}

static struct frame_id dirty_frame(void)
{
    struct frame_id f;
    ck_ok(container_alloc(ROOT_CONTAINER, &f));
    memset(frame_bytes(f), 0x5a, FRAME_SIZE);
    return f;
}

START_TEST(a_new_table_has_512_absent_entries)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct frame_id f = dirty_frame();
    pt_entry_begin(f);
    for (uint32_t i = 0; i < PT_ENTRIES; i++)
        ck_assert(pt_entry_get((struct pte_at){ f, i }).bits == 0 && word(f, i) == 0);
    pt_entry_end(f);
    ck_ok(container_free(f));
    harness_free(m);
}
END_TEST

START_TEST(an_entry_is_one_word_and_no_other)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct harness_random r = { 5 };
    struct frame_id table[2] = { dirty_frame(), dirty_frame() };
    static uint64_t model[2][PT_ENTRIES];
    memset(model, 0, sizeof model);
    pt_entry_begin(table[0]);
    pt_entry_begin(table[1]);
    for (uint32_t n = harness_rounds(3000); n; n--) {
        uint32_t t = (uint32_t)harness_below(&r, 2), i = (uint32_t)harness_below(&r, 3) ? (uint32_t)harness_below(&r, PT_ENTRIES) : 511;
        uint64_t bits = harness_below(&r, 3) ? (harness_random(&r) & ~PTE_PS) | PTE_P : 0;
        pt_entry_set((struct pte_at){ table[t], i }, (struct pte){ bits });
        model[t][i] = bits;
        if (n % 16 == 0)
            for (uint32_t k = 0; k < 2 * PT_ENTRIES; k++) {
                struct pte_at at = { table[k / PT_ENTRIES], k % PT_ENTRIES };
                ck_assert(word(at.table, at.index) == model[k / PT_ENTRIES][at.index]);
                ck_assert(pt_entry_get(at).bits == model[k / PT_ENTRIES][at.index]);
            }
    }
    for (uint32_t k = 0; k < 2 * PT_ENTRIES; k++)
        pt_entry_set((struct pte_at){ table[k / PT_ENTRIES], k % PT_ENTRIES }, (struct pte){ 0 });
    for (uint32_t t = 0; t < 2; t++) {
        pt_entry_end(table[t]);
        ck_ok(container_free(table[t]));
    }
    harness_free(m);
}
END_TEST

START_TEST(the_format_is_the_processors)
{
    ck_assert(PTE_P == 1 && PTE_W == 2 && PTE_U == 4 && PTE_A == 32 && PTE_D == 64 && PTE_PS == 128 && PTE_NX == UINT64_C(1) << 63);
    ck_assert_uint_eq(pte_frame((struct pte){ UINT64_C(0xbff0000012345fff) }).n, 0x12345);
    ck_assert_uint_eq(pte_frame((struct pte){ UINT64_C(0xffffffffff) << 12 & PTE_FRAME }).n, UINT32_MAX); /* its low 32 bits */
    ck_assert((PTE_COUNT & (PTE_FRAME | PTE_NX | 0xfff)) == 0 && PTE_COUNT >> PTE_COUNT_SHIFT >= PT_ENTRIES);
}
END_TEST

HARNESS_TESTS("mm/pt_entry", a_new_table_has_512_absent_entries, an_entry_is_one_word_and_no_other, the_format_is_the_processors)
