/* SPDX-License-Identifier: BSD-2-Clause */
/* image_fuzz: what the fuzz targets of the image loaders share.
 *
 * Input     byte 0: how (bit 0: the rest is the file itself; else damages to a valid image); byte 1: which valid image, RAM;
 *           byte 2: how much is cut off; then records of 7 bytes: offset (2), width (1), value (4)
 * Checks    the image lies in a heap block of its exact length, and guest RAM too, so ASan sees every byte too far; pieces of an
 *           accepted plan lie in RAM and do not overlap; a refusal says why */
#pragma once
#include "../../vmm/acpi.h"
#include "../vmm/images.h"
#include <stdlib.h>

struct image_fuzz_base {
    void (*make)(uint8_t *);
    uint32_t length;
};

static void image_fuzz_damage(uint8_t *image, uint32_t length, const uint8_t *data, size_t size)
{
    for (; size >= 7; data += 7, size -= 7) {
        uint32_t at = plan_u16(data, 0) % length, wide = data[2] & 3, n = wide == 3 ? 4 : wide + 1;
        for (uint32_t i = 0; i < n && at + i < length; i++)
            image[at + i] = data[3 + i];
    }
}

/* The image that the input describes, in a block of its own. */
static uint8_t *image_fuzz_make(const uint8_t *data, size_t size, const struct image_fuzz_base *bases, uint32_t count, uint64_t *ret_length)
{
    static uint8_t valid[0x2000];
    if (data[0] & 1) {
        uint8_t *raw = malloc(size - 3 ? size - 3 : 1);
        memcpy(raw, data + 3, size - 3);
        *ret_length = size - 3;
        return raw;
    }
    const struct image_fuzz_base *base = &bases[data[1] % count];
    base->make(valid);
    image_fuzz_damage(valid, base->length, data + 3, size - 3);
    uint32_t cut = data[0] & 2 ? data[2] * 16u : data[2] & 15, length = cut < base->length ? base->length - cut : 1;
    uint8_t *image = malloc(length);
    memcpy(image, valid, length);
    *ret_length = length;
    return image;
}

static void image_fuzz_check(const struct plan *p, const struct image *im)
{
    for (uint32_t i = 0; i < p->pieces; i++) {
        const struct plan_piece *q = &p->piece[i];
        uint64_t end = q->at + q->bytes + q->zeroes;
        if (end <= q->at || end > im->ram || (q->at < PLAN_HIGH && end > PLAN_LOW_END))
            abort();
        for (uint32_t k = 0; k < i; k++)
            if (q->at < p->piece[k].at + p->piece[k].bytes + p->piece[k].zeroes && p->piece[k].at < end)
                abort();
    }
}

static int image_fuzz(const uint8_t *data, size_t size, enum ukern_guest_format format, const struct image_fuzz_base *bases, uint32_t count)
{
    static struct plan p;
    static const uint8_t extra[3000];
    struct image im = { .cmdline = "console=ttyS0" };
    if (size < 3)
        return 0;
    uint8_t *image = image_fuzz_make(data, size, bases, count, &im.length);
    im.bytes = image;
    im.ram = UINT64_C(65536) << (data[1] >> 5); /* 64 KiB to 8 MiB */
    if (data[1] & 16 && format == UKERN_GUEST_LINUX) {
        im.initrd = extra;
        im.initrd_length = sizeof extra;
    } else if (data[1] & 16) {
        im.modules = 1;
        im.module[0].name = "module";
        im.module[0].bytes = extra;
        im.module[0].length = sizeof extra;
    }
    if (plan_make(&im, format, &p)) {
        static uint8_t *ram[8]; /* one block of each size; what an earlier run left in it does no harm */
        uint8_t **block = &ram[data[1] >> 5];
        struct ukern_vm_regs regs = { 0 };
        if (!*block)
            *block = calloc(1, im.ram);
        image_fuzz_check(&p, &im);
        plan_apply(&p, &im, *block);
        plan_regs(&p, &regs);
    } else if (!p.why[0]) {
        abort();
    }
    free(image);
    return 0;
}
