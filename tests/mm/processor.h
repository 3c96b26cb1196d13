/* SPDX-License-Identifier: BSD-2-Clause */
/* processor: page tables as the processor walks them, after Intel's manual, volume 3A, 4.5: a second opinion for the tests.
 *
 * Nothing of src/mm/pt*.h is used here. Reserved bits must be zero; W and U need every level, NX any one. */
#pragma once
#include "harness.h"

struct processor_page {
    uint32_t frame, perm, order; /* frame: of the address's own 4 KiB */
    bool accessed, dirty;
};

static inline uint64_t processor_entry(uint64_t table, uint64_t va, uint32_t shift)
{
    uint64_t entry;
    memcpy(&entry, here->m->ram + table + (va >> shift) % 512 * 8, 8);
    return entry;
}

/* False: page fault. */
static inline bool processor_walk(uint32_t root, uint64_t va, struct processor_page *ret)
{
    uint64_t table = (uint64_t)root * 4096, entry = 0, both = 6, no_exec = 0;
    uint32_t shift = 39;
    for (;; shift -= 9) {
        entry = processor_entry(table, va, shift);
        if (!(entry & 1))
            return false;
        both &= entry;
        no_exec |= entry >> 63;
        bool large = entry >> 7 & 1;
        ck_assert_msg(!large || shift == 21 || shift == 12, "PS at bit %u of an address", shift);
        ck_assert_msg(!large || shift != 12, "a small page with the PAT bit");
        if (shift == 12 || large)
            break;
        table = entry & UINT64_C(0x000ffffffffff000);
        ck_assert_msg(table / 4096 < here->m->frames, "a table outside the memory: %#lx", (unsigned long)entry);
    }
    ck_assert_msg(shift == 12 || !(entry & 0x1ff000), "reserved bits in a large page's entry: %#lx", (unsigned long)entry);
    ret->order = shift - 12;
    ret->frame = (uint32_t)((entry & UINT64_C(0x000ffffffffff000)) / 4096 + (va >> 12) % (UINT64_C(1) << ret->order));
    ret->perm = (both & 2 ? PERM_WRITE : 0u) | (both & 4 ? PERM_USER : 0u) | (no_exec ? 0u : PERM_EXEC);
    ret->accessed = entry >> 5 & 1;
    ret->dirty = entry >> 6 & 1;
    return true;
}

/* Addresses that share tables often, at the ends of tables and of the lower half as well; aligned to `order`. */
static inline uint64_t processor_some_va(struct harness_random *r, uint32_t order)
{
    static const uint64_t index[] = { 0, 1, 2, 255, 510, 511 };
    uint64_t va = 0;
    for (uint32_t shift = 12; shift <= 39; shift += 9)
        va |= (harness_below(r, 3) ? index[harness_below(r, COUNT_OF(index))] : harness_below(r, 8)) << shift;
    return va & ((UINT64_C(1) << 47) - 1) & ~((UINT64_C(4096) << order) - 1);
}
