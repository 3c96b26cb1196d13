/* SPDX-License-Identifier: BSD-2-Clause */
/* plan: what all formats share, flat images, and the start state. See plan.h. */
#include "plan.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static uint64_t page_up(uint64_t x) { return (x + 4095) & ~UINT64_C(4095); }

bool plan_refuse(struct plan *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->why, sizeof p->why, format, args);
    va_end(args);
    return false;
}

static bool in_usable_ram(const struct image *im, uint64_t at, uint64_t bytes)
{
    uint64_t low = im->ram < PLAN_LOW_END ? im->ram : PLAN_LOW_END;
    if (at <= low && bytes <= low - at)
        return true;
    return at >= PLAN_HIGH && at <= im->ram && bytes <= im->ram - at;
}

static const struct plan_piece *overlapped(const struct plan *p, uint64_t at, uint64_t bytes)
{
    for (uint32_t i = 0; i < p->pieces; i++) {
        const struct plan_piece *q = &p->piece[i];
        if (at < q->at + q->bytes + q->zeroes && q->at < at + bytes)
            return q;
    }
    return NULL;
}

bool plan_add(struct plan *p, const struct image *im, const char *what, uint64_t at, const uint8_t *from, uint64_t bytes, uint64_t zeroes)
{
    uint64_t all = bytes + zeroes;
    const struct plan_piece *q;
    if (all < bytes || !in_usable_ram(im, at, all))
        return plan_refuse(p, "%s wants guest memory at %#llx, %llu bytes; the guest has %llu KiB of RAM (give it more), without "
                              "[0xa0000, 0x100000)", what, (unsigned long long)at, (unsigned long long)all, (unsigned long long)im->ram / 1024);
#ifdef UKERN_BUG_VMM_OVERLAP
    if (all != 0 && (q = overlapped(p, at, 1)) != NULL)
#else
    if (all != 0 && (q = overlapped(p, at, all)) != NULL)
#endif
        return plan_refuse(p, "%s at %#llx, %llu bytes, overlaps what lies at %#llx, %llu bytes", what, (unsigned long long)at,
                           (unsigned long long)all, (unsigned long long)q->at, (unsigned long long)(q->bytes + q->zeroes));
    if (p->pieces == PLAN_PIECES)
        return plan_refuse(p, "the image has more than %d pieces", PLAN_PIECES);
    if (all != 0)
        p->piece[p->pieces++] = (struct plan_piece){ at, bytes, zeroes, from };
    return true;
}

uint64_t plan_gap(const struct plan *p, const struct image *im, uint64_t bytes, uint64_t from, uint64_t to)
{
    const struct plan_piece *q;
    uint64_t at = page_up(from);
    while (at < to && bytes <= to - at) {
        if (at < PLAN_HIGH && !in_usable_ram(im, at, bytes))
            at = PLAN_HIGH;
        else if (!in_usable_ram(im, at, bytes))
            return 0;
        else if ((q = overlapped(p, at, bytes)) != NULL)
            at = page_up(q->at + q->bytes + q->zeroes);
        else
            return at;
    }
    return 0;
}

uint32_t plan_regions(const struct image *im, struct plan_region region[PLAN_REGIONS])
{
    uint32_t n = 0;
    const uint64_t low = 0x9fc00; /* the last KiB below 640 KiB is the BIOS's on a PC */
    region[n++] = (struct plan_region){ 0, im->ram < low ? im->ram : low, true };
    if (im->ram > low)
        region[n++] = (struct plan_region){ low, PLAN_LOW_END - low, false };
    if (im->ram > PLAN_BIOS)
        region[n++] = (struct plan_region){ PLAN_BIOS, PLAN_HIGH - PLAN_BIOS, false };
    if (im->ram > PLAN_HIGH)
        region[n++] = (struct plan_region){ PLAN_HIGH, im->ram - PLAN_HIGH, true };
    return n;
}

static bool has_multiboot(const struct image *im)
{
    for (uint64_t at = 0; at + 12 <= im->length && at + 12 <= 8192; at += 4)
        if (plan_u32(im->bytes, at) == 0x1badb002 && plan_u32(im->bytes, at) + plan_u32(im->bytes, at + 4) + plan_u32(im->bytes, at + 8) == 0)
            return true;
    return false;
}

enum ukern_guest_format plan_format(const struct image *im)
{
    if (has_multiboot(im) || (im->length >= 4 && memcmp(im->bytes, "\177ELF", 4) == 0))
        return UKERN_GUEST_MULTIBOOT;
    if (im->length >= 0x206 && memcmp(im->bytes + 0x202, "HdrS", 4) == 0)
        return UKERN_GUEST_LINUX;
    return UKERN_GUEST_FLAT;
}

bool plan_flat(const struct image *im, struct plan *ret_plan)
{
    ret_plan->mode = PLAN_REAL;
    ret_plan->entry = PLAN_FLAT_AT;
    if (im->initrd || im->modules)
        return plan_refuse(ret_plan, "a flat image takes no initrd and no modules");
    return plan_add(ret_plan, im, "the flat image (loaded at 0x7c00, it must end below 0xa0000)", PLAN_FLAT_AT, im->bytes, im->length, 0);
}

bool plan_make(const struct image *im, enum ukern_guest_format format, struct plan *ret_plan)
{
    memset(ret_plan, 0, sizeof *ret_plan);
    if (im->ram < PLAN_RAM_MIN || im->ram > PLAN_RAM_MAX || im->ram % 4096)
        return plan_refuse(ret_plan, "guest RAM must be a multiple of 4 KiB from 64 KiB to %llu MiB; it is %llu bytes",
                           (unsigned long long)PLAN_RAM_MAX >> 20, (unsigned long long)im->ram);
    if (im->length == 0)
        return plan_refuse(ret_plan, "the guest image is empty");
    switch (format == UKERN_GUEST_AUTO ? plan_format(im) : format) {
    case UKERN_GUEST_MULTIBOOT: return plan_multiboot(im, ret_plan);
    case UKERN_GUEST_LINUX: return plan_linux(im, ret_plan);
    case UKERN_GUEST_FLAT: return plan_flat(im, ret_plan);
    case UKERN_GUEST_AUTO: break;
    }
    return plan_refuse(ret_plan, "there is no guest format number %d", (int)format);
}

void plan_apply(const struct plan *p, const struct image *im, uint8_t *ram)
{
    for (uint32_t i = 0; i < p->pieces; i++) {
        const struct plan_piece *q = &p->piece[i];
        if (q->from)
            memcpy(ram + q->at, q->from, q->bytes);
    }
    if (p->mode == PLAN_MULTIBOOT)
        plan_apply_multiboot(p, im, ram);
    else if (p->mode != PLAN_REAL)
        plan_apply_linux(p, im, ram);
}

/* ---- start state ----------------------------------------------------------------------------------------------- */

enum { CODE = 0xb, DATA = 0x3 };

static struct ukern_vm_segment flat_segment(uint16_t selector, uint8_t type, bool wide)
{
    return (struct ukern_vm_segment){ .base = 0, .limit = 0xffffffff, .selector = selector, .type = type, .present = 1, .s = 1,
                                      .db = wide && type == CODE ? 0 : 1, .l = wide && type == CODE, .g = 1 };
}

static void flat_regs(struct ukern_vm_regs *r, uint16_t code, uint16_t data, bool wide)
{
    r->cs = flat_segment(code, CODE, wide);
    r->ds = r->es = r->fs = r->gs = r->ss = flat_segment(data, DATA, wide);
    r->cr0 = 0x11; /* PE, ET */
    r->rflags = 2;
}

static void real_regs(struct ukern_vm_regs *r)
{
    struct ukern_vm_segment zero = { .limit = 0xffff, .type = DATA, .present = 1, .s = 1 };
    r->ds = r->es = r->fs = r->gs = r->ss = zero;
    zero.type = CODE;
    r->cs = zero;
    r->rsp = PLAN_FLAT_AT;
    r->rdx = 0x80; /* a boot sector's "drive" */
    r->rflags = 2;
}

void plan_regs(const struct plan *p, struct ukern_vm_regs *regs)
{
    struct ukern_vm_regs *r = regs;
    r->rip = p->entry;
    switch (p->mode) {
    case PLAN_REAL: real_regs(r); break;
    case PLAN_MULTIBOOT:
        flat_regs(r, 0x08, 0x10, false);
        r->rax = 0x2badb002;
        r->rbx = p->info;
        break;
    case PLAN_LINUX_32:
    case PLAN_LINUX_64:
        flat_regs(r, 0x10, 0x18, p->mode == PLAN_LINUX_64);
        r->rsi = p->info;
        r->gdt = (struct ukern_vm_table){ 0x1000, 4 * 8 - 1 };
        r->idt = (struct ukern_vm_table){ 0, 0 };
        if (p->mode == PLAN_LINUX_64) {
            r->cr3 = 0x2000;
            r->cr4 |= 1 << 5;           /* PAE */
            r->cr0 |= UINT64_C(1) << 31; /* PG  */
            r->efer |= 1 << 8 | 1 << 10; /* LME, LMA */
        }
        break;
    }
}
