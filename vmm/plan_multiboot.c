/* SPDX-License-Identifier: BSD-2-Clause */
/* plan_multiboot: plans for multiboot 1 kernels: 32-bit ELF files, or any file whose header carries load addresses.
 * Source: the Multiboot Specification 0.6.96, sections 3.1 to 3.3. */
#include "plan.h"
#include <stdio.h>
#include <string.h>

enum {
    MB_MAGIC = 0x1badb002,
    MB_SEARCH = 8192,
    MB_PAGE_ALIGN = 1 << 0,
    MB_MEMORY = 1 << 1,
    MB_VIDEO = 1 << 2,
    MB_ADDRESSES = 1 << 16,
    MB_KNOWN = MB_PAGE_ALIGN | MB_MEMORY, /* mandatory flags (0..15) that this loader serves */
};

/* The information block: the structure, the memory map, the module list, then the strings. */
enum { INFO_BYTES = 120, MMAP_ENTRY = 24, MODULE_ENTRY = 16, NAME_MAX_BYTES = 64 };

static uint64_t find_header(const struct image *im)
{
    for (uint64_t at = 0; at + 12 <= im->length && at + 12 <= MB_SEARCH; at += 4)
        if (plan_u32(im->bytes, at) == MB_MAGIC)
            return at;
    return UINT64_MAX;
}

/* The header's own load addresses ("a.out kludge"). */
static bool plan_addresses(const struct image *im, struct plan *p, uint64_t header)
{
    if (im->length < 32 || header > im->length - 32)
        return plan_refuse(p, "the multiboot header promises load addresses, but the file ends before them");
    const uint8_t *h = im->bytes + header;
    uint64_t header_addr = plan_u32(h, 12), load = plan_u32(h, 16), load_end = plan_u32(h, 20), bss_end = plan_u32(h, 24);
    if (load > header_addr || header_addr - load > header)
        return plan_refuse(p, "multiboot: the header lies at file offset %llu and address %#llx, which load address %#llx contradicts",
                           (unsigned long long)header, (unsigned long long)header_addr, (unsigned long long)load);
    uint64_t offset = header - (header_addr - load), bytes = load_end ? load_end - load : im->length - offset;
    if (load_end && load_end < load)
        return plan_refuse(p, "multiboot: load_end_addr %#llx is below load_addr %#llx", (unsigned long long)load_end, (unsigned long long)load);
    if (bytes > im->length - offset)
        return plan_refuse(p, "multiboot: %llu bytes are to be loaded, the file holds %llu (truncated?)", (unsigned long long)bytes,
                           (unsigned long long)(im->length - offset));
    if (bss_end && bss_end < load + bytes)
        return plan_refuse(p, "multiboot: bss_end_addr %#llx is below the end of the loaded part %#llx", (unsigned long long)bss_end,
                           (unsigned long long)(load + bytes));
    p->entry = plan_u32(h, 28);
    return plan_add(p, im, "the multiboot kernel", load, im->bytes + offset, bytes, bss_end ? bss_end - load - bytes : 0);
}

static bool elf_segment(const struct image *im, struct plan *p, const uint8_t *ph, uint32_t number)
{
    char what[32];
    uint64_t offset = plan_u32(ph, 4), at = plan_u32(ph, 12), filesz = plan_u32(ph, 16), memsz = plan_u32(ph, 20);
    if (plan_u32(ph, 0) != 1 /* PT_LOAD */ || memsz == 0)
        return true;
    snprintf(what, sizeof what, "ELF segment %u", number);
    if (filesz > memsz)
        return plan_refuse(p, "%s has more bytes in the file (%llu) than in memory (%llu)", what, (unsigned long long)filesz, (unsigned long long)memsz);
#ifdef UKERN_BUG_FUZZ_MULTIBOOT
    if (offset + filesz > im->length + 4096)
#else
    if (offset > im->length || filesz > im->length - offset)
#endif
        return plan_refuse(p, "%s wants bytes [%llu, %llu) of the file, which has %llu (truncated?)", what, (unsigned long long)offset,
                           (unsigned long long)(offset + filesz), (unsigned long long)im->length);
    if (at + memsz > UINT64_C(0x100000000))
        return plan_refuse(p, "%s at %#llx, %llu bytes, wraps past 4 GiB", what, (unsigned long long)at, (unsigned long long)memsz);
    return plan_add(p, im, what, at, im->bytes + offset, filesz, memsz - filesz);
}

/* The entry is a virtual address in ELF; the guest starts unpaged, so it is taken to a physical one by its segment. */
static uint64_t elf_entry(const struct image *im, uint64_t phoff, uint32_t phnum, uint64_t entry)
{
    for (uint32_t i = 0; i < phnum; i++) {
        const uint8_t *ph = im->bytes + phoff + 32 * (uint64_t)i;
        uint64_t vaddr = plan_u32(ph, 8), paddr = plan_u32(ph, 12), memsz = plan_u32(ph, 20);
        if (plan_u32(ph, 0) == 1 && entry >= paddr && entry - paddr < memsz)
            return entry;
        if (plan_u32(ph, 0) == 1 && entry >= vaddr && entry - vaddr < memsz)
            return entry - vaddr + paddr;
    }
    return entry;
}

static bool plan_elf(const struct image *im, struct plan *p)
{
    const uint8_t *b = im->bytes;
    if (im->length < 52 || memcmp(b, "\177ELF", 4) != 0)
        return plan_refuse(p, "multiboot: the header gives no load addresses, so the file must be a 32-bit ELF, and it is not");
    if (b[4] != 1 || b[5] != 1 || plan_u16(b, 18) != 3)
        return plan_refuse(p, "multiboot kernels are 32-bit little-endian ELF files for i386; this one is class %u, data %u, machine %u",
                           b[4], b[5], plan_u16(b, 18));
    if (plan_u16(b, 16) != 2)
        return plan_refuse(p, "multiboot: the ELF file is of type %u; an executable (2) is needed", plan_u16(b, 16));
    uint64_t phoff = plan_u32(b, 28);
    uint32_t phentsize = plan_u16(b, 42), phnum = plan_u16(b, 44);
    if (phnum == 0 || phentsize != 32 || phnum > 64 || phoff > im->length || 32 * (uint64_t)phnum > im->length - phoff)
        return plan_refuse(p, "multiboot: the ELF program headers are missing or cut off: %u of %u bytes at %llu in a file of %llu "
                              "(1 to 64 of 32 bytes were expected)", phnum, phentsize, (unsigned long long)phoff, (unsigned long long)im->length);
    for (uint32_t i = 0; i < phnum; i++)
        if (!elf_segment(im, p, b + phoff + 32 * (uint64_t)i, i))
            return false;
    if (p->pieces == 0)
        return plan_refuse(p, "multiboot: the ELF file has nothing to load");
    p->entry = elf_entry(im, phoff, phnum, plan_u32(b, 24));
    return true;
}

static uint64_t name_bytes(const char *name)
{
    size_t n = name ? strlen(name) : 0;
    return (n < NAME_MAX_BYTES ? n : NAME_MAX_BYTES - 1) + 1;
}

static uint64_t kernel_end(const struct plan *p)
{
    uint64_t end = PLAN_HIGH;
    for (uint32_t i = 0; i < p->pieces; i++)
        if (p->piece[i].at + p->piece[i].bytes + p->piece[i].zeroes > end)
            end = p->piece[i].at + p->piece[i].bytes + p->piece[i].zeroes;
    return end;
}

static bool plan_modules(const struct image *im, struct plan *p)
{
    uint64_t end = kernel_end(p);
    for (uint32_t i = 0; i < im->modules; i++) {
        uint64_t at = plan_gap(p, im, im->module[i].length ? im->module[i].length : 1, end, im->ram);
        if (!at)
            return plan_refuse(p, "multiboot: no room for module %u, %llu bytes, above the kernel: the guest has %llu KiB of RAM (give it more)",
                               i, (unsigned long long)im->module[i].length, (unsigned long long)im->ram / 1024);
        p->module_at[i] = at;
        if (!plan_add(p, im, "a multiboot module", at, im->module[i].bytes, im->module[i].length, 0))
            return false;
    }
    return true;
}

/* Low memory first: kernels that map little of it early find the information there. */
static bool plan_info(const struct image *im, struct plan *p)
{
    p->info_bytes = INFO_BYTES + MMAP_ENTRY * PLAN_REGIONS + MODULE_ENTRY * PLAN_MODULES;
    for (uint32_t i = 0; i < im->modules; i++)
        p->info_bytes += name_bytes(im->module[i].name);
    p->cmdline_at = p->info_bytes; /* relative for the moment */
    p->info_bytes += strlen(im->cmdline) + 1;
    p->info = plan_gap(p, im, p->info_bytes, 0x1000, im->ram);
    if (!p->info)
        return plan_refuse(p, "multiboot: no room for the boot information, %llu bytes: the guest has %llu KiB of RAM (give it more)",
                           (unsigned long long)p->info_bytes, (unsigned long long)im->ram / 1024);
    p->cmdline_at += p->info;
    return plan_add(p, im, "the boot information", p->info, NULL, p->info_bytes, 0);
}

static bool entry_is_loaded(const struct plan *p)
{
    for (uint32_t i = 0; i < p->pieces; i++)
        if (p->entry >= p->piece[i].at && p->entry - p->piece[i].at < p->piece[i].bytes)
            return true;
    return false;
}

bool plan_multiboot(const struct image *im, struct plan *ret_plan)
{
    struct plan *p = ret_plan;
    p->mode = PLAN_MULTIBOOT;
    uint64_t header = find_header(im);
    if (header == UINT64_MAX)
        return plan_refuse(p, "no multiboot header: the magic 0x1badb002 is not in the first 8 KiB of the file");
    uint32_t flags = plan_u32(im->bytes, header + 4);
    if (MB_MAGIC + flags + plan_u32(im->bytes, header + 8) != 0)
        return plan_refuse(p, "multiboot: the header at file offset %llu has a wrong checksum", (unsigned long long)header);
    if (flags & MB_VIDEO)
        return plan_refuse(p, "multiboot: the kernel insists on a video mode (header flag 2); there is no video here");
    if (flags & 0xffff & ~(uint32_t)MB_KNOWN)
        return plan_refuse(p, "multiboot: the kernel insists on features that this loader does not have (header flags %#x)", flags);
    if (im->initrd)
        return plan_refuse(p, "multiboot kernels take modules, not an initrd");
    if (!(flags & MB_ADDRESSES ? plan_addresses(im, p, header) : plan_elf(im, p)))
        return false;
    if (!entry_is_loaded(p))
        return plan_refuse(p, "multiboot: the entry point %#llx lies in no part of the image that is loaded", (unsigned long long)p->entry);
    return plan_modules(im, p) && plan_info(im, p);
}

/* ---- the information block ------------------------------------------------------------------------------------- */

static void put_memory_map(const struct plan *p, const struct image *im, uint8_t *ram, uint64_t at)
{
    struct plan_region region[PLAN_REGIONS];
    uint32_t n = plan_regions(im, region);
    uint8_t *info = ram + p->info;
    plan_put32(info, 4, im->ram > PLAN_LOW_END ? 639 : (uint32_t)(im->ram / 1024));                       /* mem_lower, KiB */
    plan_put32(info, 8, im->ram > PLAN_HIGH ? (uint32_t)((im->ram - PLAN_HIGH) / 1024) : 0);             /* mem_upper, KiB */
    plan_put32(info, 44, n * MMAP_ENTRY);
    plan_put32(info, 48, (uint32_t)at);
    for (uint32_t i = 0; i < n; i++, at += MMAP_ENTRY) {
        plan_put32(ram, at, MMAP_ENTRY - 4);
        plan_put64(ram, at + 4, region[i].start);
        plan_put64(ram, at + 12, region[i].length);
        plan_put32(ram, at + 20, region[i].usable ? 1 : 2);
    }
}

static void put_modules(const struct plan *p, const struct image *im, uint8_t *ram, uint64_t at)
{
    uint64_t name = at + MODULE_ENTRY * PLAN_MODULES;
    plan_put32(ram + p->info, 20, im->modules);
    plan_put32(ram + p->info, 24, (uint32_t)at);
    for (uint32_t i = 0; i < im->modules; i++, at += MODULE_ENTRY) {
        plan_put32(ram, at, (uint32_t)p->module_at[i]);
        plan_put32(ram, at + 4, (uint32_t)(p->module_at[i] + im->module[i].length));
        plan_put32(ram, at + 8, (uint32_t)name);
        plan_put32(ram, at + 12, 0);
        uint64_t n = name_bytes(im->module[i].name);
        if (im->module[i].name)
            memcpy(ram + name, im->module[i].name, n - 1);
        ram[name + n - 1] = 0;
        name += n;
    }
}

void plan_apply_multiboot(const struct plan *p, const struct image *im, uint8_t *ram)
{
    uint8_t *info = ram + p->info;
    memset(info, 0, p->info_bytes);
    plan_put32(info, 0, 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9); /* memory, command line, modules, map, loader's name */
    plan_put32(info, 16, (uint32_t)p->cmdline_at);
    memcpy(ram + p->cmdline_at, im->cmdline, strlen(im->cmdline) + 1);
    put_memory_map(p, im, ram, p->info + INFO_BYTES);
    put_modules(p, im, ram, p->info + INFO_BYTES + MMAP_ENTRY * PLAN_REGIONS);
    memcpy(info + 112, "ukern", 6);
    plan_put32(info, 64, (uint32_t)p->info + 112); /* boot_loader_name */
}
