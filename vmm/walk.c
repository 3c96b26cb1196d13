/* SPDX-License-Identifier: BSD-2-Clause */
/* walk: see walk.h. Source: Intel's Software Developer's Manual, volume 3, chapter 4. */
#include "walk.h"
#include "plan.h"

#define CR0_PG (UINT64_C(1) << 31)
enum { CR4_PSE = 1 << 4, CR4_PAE = 1 << 5, CR4_LA57 = 1 << 12, EFER_LMA = 1 << 10, PRESENT = 1, LARGE = 1 << 7 };
#define ADDRESS UINT64_C(0x000ffffffffff000)

static bool is_ram(uint64_t bytes, uint64_t at, uint64_t n)
{
    return at <= bytes && n <= bytes - at && !(at < PLAN_BIOS && at + n > PLAN_LOW_END);
}

/* Levels of 512 entries, from `level` (1: pages) down. */
static bool walk_wide(const uint8_t *ram, uint64_t bytes, uint64_t table, uint32_t level, uint64_t linear, uint64_t *ret_physical)
{
    for (;; level--) {
        uint32_t shift = 12 + 9 * (level - 1);
        uint64_t at = table + 8 * (linear >> shift & 511);
        if (!is_ram(bytes, at, 8))
            return false;
        uint64_t entry = plan_u64(ram, at), below = (UINT64_C(1) << shift) - 1;
        if (!(entry & PRESENT))
            return false;
        if (level == 1 || (level <= 3 && entry & LARGE)) {
#ifdef UKERN_BUG_VMM_WALK_LARGE
            below = 4095;
#endif
            *ret_physical = (entry & ADDRESS & ~below) | (linear & below);
            return true;
        }
        table = entry & ADDRESS;
    }
}

static bool walk_32(const uint8_t *ram, uint64_t bytes, const struct ukern_vm_regs *r, uint64_t linear, uint64_t *ret_physical)
{
    uint64_t at = (r->cr3 & 0xfffff000) + 4 * (linear >> 22 & 1023);
    if (!is_ram(bytes, at, 4))
        return false;
    uint64_t entry = plan_u32(ram, at);
    if (!(entry & PRESENT))
        return false;
    if (entry & LARGE && r->cr4 & CR4_PSE) {
        *ret_physical = (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32 | (linear & 0x3fffff);
        return true;
    }
    at = (entry & 0xfffff000) + 4 * (linear >> 12 & 1023);
    if (!is_ram(bytes, at, 4))
        return false;
    entry = plan_u32(ram, at);
    *ret_physical = (entry & 0xfffff000) | (linear & 0xfff);
    return entry & PRESENT;
}

bool walk_guest(const uint8_t *ram, uint64_t bytes, const struct ukern_vm_regs *regs, uint64_t linear, uint64_t *ret_physical)
{
    uint64_t physical = linear;
    bool ok = true;
    if (!(regs->cr0 & CR0_PG))
        ok = true;
    else if (regs->efer & EFER_LMA)
        ok = walk_wide(ram, bytes, regs->cr3 & ADDRESS, regs->cr4 & CR4_LA57 ? 5 : 4, linear, &physical);
    else if (regs->cr4 & CR4_PAE)
        /* The top level has four entries and begins at any 32 bytes. */
        ok = walk_wide(ram, bytes, regs->cr3 & 0xffffffe0, 3, linear & 0xffffffff, &physical);
    else
        ok = walk_32(ram, bytes, regs, linear & 0xffffffff, &physical);
    if (ok)
        *ret_physical = physical;
    return ok;
}

uint32_t walk_read(const uint8_t *ram, uint64_t bytes, const struct ukern_vm_regs *regs, uint64_t linear, uint8_t *to, uint32_t n)
{
    uint64_t at;
    for (uint32_t i = 0; i < n; i++) {
        if (!walk_guest(ram, bytes, regs, linear + i, &at) || !is_ram(bytes, at, 1))
            return i;
        to[i] = ram[at];
    }
    return n;
}
