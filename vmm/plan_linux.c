/* SPDX-License-Identifier: BSD-2-Clause */
/* plan_linux: plans for Linux bzImages: the 64-bit entry of the boot protocol, or the 32-bit one for kernels without it.
 * Source: Linux's Documentation/x86/boot.rst and zero-page.rst.
 *
 * Low memory  0x1000 GDT, 0x2000 page tables (six pages: the first 4 GiB one to one), 0x8000 boot_params, 0x10000 command line */
#include "acpi.h"
#include "plan.h"
#include <string.h>

enum { GDT_AT = 0x1000, TABLES_AT = 0x2000, PARAMS_AT = 0x8000, CMDLINE_AT = 0x10000, CMDLINE_MAX = 0x10000 };
/* Offsets in the setup header, which lies at the same place in the file and in boot_params. */
enum {
    SETUP_SECTS = 0x1f1, SYSSIZE = 0x1f4, BOOT_FLAG = 0x1fe, JUMP = 0x200, MAGIC = 0x202, VERSION = 0x206, LOADER = 0x210,
    LOADFLAGS = 0x211, RAMDISK_IMAGE = 0x218, RAMDISK_SIZE = 0x21c, CMD_LINE_PTR = 0x228, INITRD_MAX = 0x22c,
    ALIGNMENT = 0x230, RELOCATABLE = 0x234, XLOADFLAGS = 0x236, CMDLINE_SIZE = 0x238, PREF_ADDRESS = 0x258, INIT_SIZE = 0x260,
    HEADER_END_206 = 0x23c, HEADER_END_MAX = 0x290, ACPI_RSDP = 0x070, EXT_MEM_K = 0x002, ALT_MEM_K = 0x1e0, E820_COUNT = 0x1e8,
    E820_TABLE = 0x2d0,
};
/* What the header says, with older versions' defaults filled in. */
struct setup {
    uint32_t version, header_end;
    uint64_t bytes; /* of the real-mode part */
    uint64_t payload, pref, init_size, alignment, initrd_max, cmdline_size;
    bool relocatable, long_mode;
};

static bool read_header(const struct image *im, struct plan *p, struct setup *s)
{
    const uint8_t *b = im->bytes;
    if (im->length < HEADER_END_206 || memcmp(b + MAGIC, "HdrS", 4) != 0 || plan_u16(b, BOOT_FLAG) != 0xaa55)
        return plan_refuse(p, "no Linux bzImage: the setup header (0xaa55 at 0x1fe, \"HdrS\" at 0x202) is missing in a file of %llu bytes",
                           (unsigned long long)im->length);
    s->version = plan_u16(b, VERSION);
    if (s->version < 0x206)
        return plan_refuse(p, "Linux: boot protocol %u.%02u; 2.06 or newer (Linux 2.6.22) is needed", s->version >> 8, s->version & 0xff);
    s->header_end = MAGIC + plan_u8(b, JUMP + 1);
    if (s->header_end < HEADER_END_206 || s->header_end > HEADER_END_MAX || s->header_end > im->length)
        return plan_refuse(p, "Linux: the setup header ends at %#x; [0x23c, 0x290] and the file's end were expected", s->header_end);
    if (!(plan_u8(b, LOADFLAGS) & 1))
        return plan_refuse(p, "Linux: a zImage that wants to be loaded low; a bzImage is needed");
    return true;
}

static bool read_sizes(const struct image *im, struct plan *p, struct setup *s)
{
    const uint8_t *b = im->bytes;
    uint32_t sectors = plan_u8(b, SETUP_SECTS);
    s->bytes = ((sectors ? sectors : 4) + 1) * UINT64_C(512);
    uint64_t announced = plan_u32(b, SYSSIZE) * UINT64_C(16);
    if (s->bytes >= im->length)
        return plan_refuse(p, "Linux: the file ends at %llu, before the kernel proper, which begins at %llu (truncated?)",
                           (unsigned long long)im->length, (unsigned long long)s->bytes);
    s->payload = im->length - s->bytes;
    /* The announced size is in units of 16 bytes, rounded up. */
#ifndef UKERN_BUG_FUZZ_BZIMAGE
    if (announced > s->payload + 15)
        return plan_refuse(p, "Linux: the header announces a kernel of %llu bytes, the file holds %llu (truncated?)",
                           (unsigned long long)announced, (unsigned long long)s->payload);
#else
    s->payload = announced;
#endif
    return true;
}

static void read_wishes(const struct image *im, struct setup *s)
{
    const uint8_t *b = im->bytes;
    bool v210 = s->version >= 0x20a && s->header_end >= INIT_SIZE + 4;
    s->relocatable = plan_u8(b, RELOCATABLE) != 0;
    s->alignment = plan_u32(b, ALIGNMENT);
    s->initrd_max = plan_u32(b, INITRD_MAX);
    s->cmdline_size = plan_u32(b, CMDLINE_SIZE);
    s->long_mode = s->version >= 0x20c && (plan_u16(b, XLOADFLAGS) & 1);
    s->pref = v210 ? plan_u64(b, PREF_ADDRESS) : PLAN_HIGH;
    s->init_size = v210 ? plan_u32(b, INIT_SIZE) : s->payload;
    if (s->init_size < s->payload)
        s->init_size = s->payload;
}

/* Where it prefers, or, if it can move and does not fit there, as low as it can. */
static bool place_kernel(const struct image *im, struct plan *p, const struct setup *s, uint64_t *ret_at)
{
    uint64_t at = s->pref;
    bool fits = at >= PLAN_HIGH && at <= im->ram && s->init_size <= im->ram - at;
    if (!fits && s->relocatable && s->alignment >= 4096 && !(s->alignment & (s->alignment - 1)))
        at = (PLAN_HIGH + s->alignment - 1) & ~(s->alignment - 1);
    *ret_at = at;
    return plan_add(p, im, "the Linux kernel", at, im->bytes + s->bytes, s->payload, s->init_size - s->payload);
}

static bool place_initrd(const struct image *im, struct plan *p, const struct setup *s, uint64_t kernel_end)
{
    if (!im->initrd || im->initrd_length == 0)
        return true;
#ifdef UKERN_BUG_VMM_INITRD_HIGH
    uint64_t top = im->ram;
#else
    uint64_t top = im->ram <= s->initrd_max ? im->ram : s->initrd_max + 1;
#endif
    if (top < kernel_end || im->initrd_length > top - kernel_end || ((top - im->initrd_length) & ~UINT64_C(4095)) < kernel_end)
        return plan_refuse(p, "Linux: no room for the initrd, %llu bytes, between the kernel's end %#llx and %#llx: the guest has %llu KiB of "
                              "RAM (give it more)", (unsigned long long)im->initrd_length, (unsigned long long)kernel_end, (unsigned long long)top,
                           (unsigned long long)im->ram / 1024);
    p->initrd_at = (top - im->initrd_length) & ~UINT64_C(4095);
    return plan_add(p, im, "the initrd", p->initrd_at, im->initrd, im->initrd_length, 0);
}

bool plan_linux(const struct image *im, struct plan *ret_plan)
{
    struct plan *p = ret_plan;
    struct setup s = { 0 };
    uint64_t at;
    if (!read_header(im, p, &s) || !read_sizes(im, p, &s))
        return false;
    read_wishes(im, &s);
    if (im->modules)
        return plan_refuse(p, "Linux takes an initrd, not modules");
    uint64_t length = strlen(im->cmdline), limit = s.cmdline_size < CMDLINE_MAX - 1 ? s.cmdline_size : CMDLINE_MAX - 1;
    if (length > limit)
        return plan_refuse(p, "Linux: the command line has %llu characters; this kernel takes %llu", (unsigned long long)length, (unsigned long long)limit);
    if (!plan_add(p, im, "Linux's start tables", GDT_AT, NULL, PARAMS_AT + 0x1000 - GDT_AT, 0) ||
        !plan_add(p, im, "the command line", CMDLINE_AT, NULL, length + 1, 0) || !place_kernel(im, p, &s, &at))
        return false;
    p->mode = s.long_mode ? PLAN_LINUX_64 : PLAN_LINUX_32;
    p->entry = s.long_mode ? at + 0x200 : at;
    if (p->entry >= at + s.payload)
        return plan_refuse(p, "Linux: the kernel proper has only %llu bytes; its entry lies behind them", (unsigned long long)s.payload);
    p->info = PARAMS_AT;
    p->info_bytes = 0x1000;
    p->cmdline_at = CMDLINE_AT;
    return place_initrd(im, p, &s, at + s.init_size);
}

/* ---- tables ---------------------------------------------------------------------------------------------------- */

static void put_page_tables(uint8_t *ram)
{
    uint64_t pml4 = TABLES_AT, pdpt = pml4 + 0x1000, pd = pdpt + 0x1000;
    plan_put64(ram, pml4, pdpt | 3);
    for (uint64_t i = 0; i < 4; i++)
        plan_put64(ram, pdpt + 8 * i, (pd + 0x1000 * i) | 3);
    for (uint64_t i = 0; i < 4 * 512; i++)
        plan_put64(ram, pd + 8 * i, i << 21 | 0x83); /* present, writable, 2 MiB */
}

static void put_gdt(const struct plan *p, uint8_t *ram)
{
    plan_put64(ram, GDT_AT + 0x10, p->mode == PLAN_LINUX_64 ? 0x00af9b000000ffff : 0x00cf9b000000ffff);
    plan_put64(ram, GDT_AT + 0x18, 0x00cf93000000ffff);
}

static void put_memory_map(const struct image *im, uint8_t *params)
{
    struct plan_region region[PLAN_REGIONS];
    uint32_t n = plan_regions(im, region);
    params[E820_COUNT] = (uint8_t)n;
    for (uint32_t i = 0; i < n; i++) {
        plan_put64(params, E820_TABLE + 20 * i, region[i].start);
        plan_put64(params, E820_TABLE + 20 * i + 8, region[i].length);
        plan_put32(params, E820_TABLE + 20 * i + 16, region[i].usable ? 1 : 2);
    }
    uint64_t above = (im->ram - PLAN_HIGH) / 1024;
    plan_put16(params, EXT_MEM_K, above > 0xffff ? 0xffff : (uint32_t)above);
    plan_put32(params, ALT_MEM_K, (uint32_t)above);
}

void plan_apply_linux(const struct plan *p, const struct image *im, uint8_t *ram)
{
    uint8_t *params = ram + p->info;
    memset(ram + GDT_AT, 0, PARAMS_AT + 0x1000 - GDT_AT);
    memcpy(params + SETUP_SECTS, im->bytes + SETUP_SECTS, MAGIC + plan_u8(im->bytes, JUMP + 1) - SETUP_SECTS);
    params[LOADER] = 0xff; /* no number assigned */
    plan_put32(params, RAMDISK_IMAGE, (uint32_t)p->initrd_at);
    plan_put32(params, RAMDISK_SIZE, p->initrd_at ? (uint32_t)im->initrd_length : 0);
    plan_put32(params, CMD_LINE_PTR, (uint32_t)p->cmdline_at);
    plan_put64(params, ACPI_RSDP, ACPI_AT);
    put_memory_map(im, params);
    memcpy(ram + p->cmdline_at, im->cmdline, strlen(im->cmdline) + 1);
    put_gdt(p, ram);
    if (p->mode == PLAN_LINUX_64)
        put_page_tables(ram);
}
