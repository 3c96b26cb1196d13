/* SPDX-License-Identifier: BSD-2-Clause */
/* plan: how a guest image is to be loaded: a pure function of the bytes, so that it can be fuzzed.
 *
 * For        the VMM (vmm.c), tests, fuzz targets
 * Input      struct image: everything in it is hostile, the kernel's bytes above all
 * Output     struct plan: pieces to be copied into guest RAM, the start state, and where generated tables go; or `why`, one
 *            sentence that says what was expected and what came
 * Guarantee  every piece of an accepted plan lies in usable guest RAM, and no two overlap: plan_apply cannot fail */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ukern/user.h>

enum { PLAN_PIECES = 96, PLAN_MODULES = 8 };

/* Guest memory: RAM in [0, PLAN_LOW_END) and from PLAN_BIOS on; between them a hole where a PC has its video memory and video
 * ROM. From PLAN_BIOS to PLAN_HIGH it is RAM that the memory map calls reserved: ACPI tables lie there, and scanning it for
 * ROMs, as Linux does in steps of 16 bytes, costs no exits. */
#define PLAN_LOW_END UINT64_C(0xa0000)
#define PLAN_BIOS UINT64_C(0xc8000)
#define PLAN_HIGH UINT64_C(0x100000)
#define PLAN_RAM_MIN UINT64_C(0x10000)
#define PLAN_RAM_MAX (UKERN_MAP_HIGH - UKERN_MAP_LOW)
/* A flat image is loaded and entered like a boot sector, whatever its length: 0000:7c00, the stack below it. */
#define PLAN_FLAT_AT UINT64_C(0x7c00)

struct image {
    const uint8_t *bytes;
    uint64_t length;
    const uint8_t *initrd; /* NULL: none */
    uint64_t initrd_length;
    struct {
        const char *name;
        const uint8_t *bytes;
        uint64_t length;
    } module[PLAN_MODULES];
    uint32_t modules;
    const char *cmdline; /* never NULL */
    uint64_t ram;        /* bytes, a multiple of 4096 */
};

enum plan_mode {
    PLAN_REAL,      /* 16-bit, segments 0                                             */
    PLAN_MULTIBOOT, /* 32-bit, flat, paging off; EAX, EBX as multiboot says            */
    PLAN_LINUX_32,  /* 32-bit, flat, paging off; ESI: boot_params                      */
    PLAN_LINUX_64   /* 64-bit, the first 4 GiB mapped one to one; RSI: boot_params     */
};

struct plan_piece {
    uint64_t at, bytes, zeroes; /* guest-physical; `zeroes` follow the bytes */
    const uint8_t *from;        /* NULL: kept free for a generated table    */
};

struct plan {
    enum plan_mode mode;
    uint64_t entry;
    uint64_t info; /* multiboot information, or boot_params */
    uint64_t info_bytes, cmdline_at, initrd_at, module_at[PLAN_MODULES];
    struct plan_piece piece[PLAN_PIECES];
    uint32_t pieces;
    char why[240];
};

/* Finds the format out: a multiboot header, then Linux's setup header, else a flat image. ELF files are never flat. */
enum ukern_guest_format plan_format(const struct image *im);
/* False: plan->why says why not. format: UKERN_GUEST_AUTO as plan_format finds. */
bool plan_make(const struct image *im, enum ukern_guest_format format, struct plan *ret_plan);
bool plan_flat(const struct image *im, struct plan *ret_plan);
bool plan_multiboot(const struct image *im, struct plan *ret_plan);
bool plan_linux(const struct image *im, struct plan *ret_plan);
/* Copies the pieces and writes the tables. ram: image.ram zeroed bytes. */
void plan_apply(const struct plan *p, const struct image *im, uint8_t *ram);
/* Changes to the state after reset that the start needs. */
void plan_regs(const struct plan *p, struct ukern_vm_regs *regs);

/* ---- for the planners of the formats ---- */
bool plan_refuse(struct plan *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds a piece; refuses, naming `what`, one that leaves RAM or overlaps another. zeroes and bytes may be 0. */
bool plan_add(struct plan *p, const struct image *im, const char *what, uint64_t at, const uint8_t *from, uint64_t bytes, uint64_t zeroes);
/* The lowest page-aligned place in [from, to) for `bytes`; 0: none. */
uint64_t plan_gap(const struct plan *p, const struct image *im, uint64_t bytes, uint64_t from, uint64_t to);
/* The memory map, as boot loaders tell it. Returns how many. */
struct plan_region { uint64_t start, length; bool usable; };
enum { PLAN_REGIONS = 4 };
uint32_t plan_regions(const struct image *im, struct plan_region region[PLAN_REGIONS]);
void plan_apply_multiboot(const struct plan *p, const struct image *im, uint8_t *ram);
void plan_apply_linux(const struct plan *p, const struct image *im, uint8_t *ram);

/* Little-endian fields at any alignment. The caller has checked the bounds. */
static inline uint32_t plan_u8(const uint8_t *b, uint64_t at) { return b[at]; }
static inline uint32_t plan_u16(const uint8_t *b, uint64_t at) { return b[at] | (uint32_t)b[at + 1] << 8; }
static inline uint32_t plan_u32(const uint8_t *b, uint64_t at) { return plan_u16(b, at) | plan_u16(b, at + 2) << 16; }
static inline uint64_t plan_u64(const uint8_t *b, uint64_t at) { return plan_u32(b, at) | (uint64_t)plan_u32(b, at + 4) << 32; }
static inline void plan_put16(uint8_t *b, uint64_t at, uint32_t v) { b[at] = (uint8_t)v; b[at + 1] = (uint8_t)(v >> 8); }
static inline void plan_put32(uint8_t *b, uint64_t at, uint32_t v) { plan_put16(b, at, v); plan_put16(b, at + 2, v >> 16); }
static inline void plan_put64(uint8_t *b, uint64_t at, uint64_t v) { plan_put32(b, at, (uint32_t)v); plan_put32(b, at + 4, (uint32_t)(v >> 32)); }
