/* SPDX-License-Identifier: BSD-2-Clause */
/* images: valid guest images made in memory, for tests to damage and fuzz targets to start from. Header only: fuzz targets are
 * built without the tests' library. */
#pragma once
#include "../../vmm/plan.h"
#include <string.h>

enum { IMAGES_ELF = 0x1400, IMAGES_AOUT = 0x400, IMAGES_LINUX = 0x1400 };

static inline void images_multiboot_header(uint8_t *h, uint32_t flags)
{
    plan_put32(h, 0, 0x1badb002);
    plan_put32(h, 4, flags);
    plan_put32(h, 8, -(0x1badb002 + flags));
}

static inline void images_program_header(uint8_t *ph, uint32_t offset, uint32_t vaddr, uint32_t paddr, uint32_t filesz, uint32_t memsz)
{
    plan_put32(ph, 0, 1);
    plan_put32(ph, 4, offset);
    plan_put32(ph, 8, vaddr);
    plan_put32(ph, 12, paddr);
    plan_put32(ph, 16, filesz);
    plan_put32(ph, 20, memsz);
    plan_put32(ph, 24, 7);
    plan_put32(ph, 28, 4096);
}

/* An ELF file of IMAGES_ELF bytes: text at 1 MiB (linked at 0xc0100000), data with .bss at 0x102000. */
static inline void images_elf(uint8_t *b)
{
    memset(b, 0, IMAGES_ELF);
    memcpy(b, "\177ELF\1\1\1", 7);
    plan_put16(b, 16, 2);
    plan_put16(b, 18, 3);
    plan_put32(b, 20, 1);
    plan_put32(b, 24, 0xc0100020); /* entry */
    plan_put32(b, 28, 52);
    plan_put16(b, 40, 52);
    plan_put16(b, 42, 32);
    plan_put16(b, 44, 2);
    images_program_header(b + 52, 0x1000, 0xc0100000, 0x100000, 0x300, 0x300);
    images_program_header(b + 84, 0x1300, 0xc0102000, 0x102000, 0x100, 0x2000);
    images_multiboot_header(b + 0x1000, 3);
    memset(b + 0x1020, 0x90, 0x2e0);
    memset(b + 0x1300, 0xdd, 0x100);
}

/* A file of IMAGES_AOUT bytes whose header carries the load addresses: all of it at 1 MiB, .bss of 4 KiB. */
static inline void images_aout(uint8_t *b)
{
    memset(b, 0x90, IMAGES_AOUT);
    images_multiboot_header(b + 0x20, 1 << 16 | 3);
    plan_put32(b, 0x20 + 12, 0x100020);
    plan_put32(b, 0x20 + 16, 0x100000);
    plan_put32(b, 0x20 + 20, 0x100000 + IMAGES_AOUT);
    plan_put32(b, 0x20 + 24, 0x100000 + IMAGES_AOUT + 0x1000);
    plan_put32(b, 0x20 + 28, 0x100040);
}

/* A bzImage of IMAGES_LINUX bytes: 4 sectors of set-up, boot protocol 2.15, 64-bit entry. */
static inline void images_linux(uint8_t *b)
{
    memset(b, 0, IMAGES_LINUX);
    b[0x1f1] = 3;
    plan_put32(b, 0x1f4, (IMAGES_LINUX - 0x800) / 16);
    plan_put16(b, 0x1fe, 0xaa55);
    b[0x200] = 0xeb;
    b[0x201] = 0x68; /* the header ends at 0x26a */
    memcpy(b + 0x202, "HdrS", 4);
    plan_put16(b, 0x206, 0x20f);
    b[0x211] = 1;
    plan_put32(b, 0x22c, 0x7fffffff);
    plan_put32(b, 0x230, 0x200000);
    b[0x234] = 1;
    plan_put16(b, 0x236, 3);
    plan_put32(b, 0x238, 2047);
    plan_put64(b, 0x258, 0x1000000);
    plan_put32(b, 0x260, 0x4000);
    memset(b + 0x800, 0x90, IMAGES_LINUX - 0x800);
}
