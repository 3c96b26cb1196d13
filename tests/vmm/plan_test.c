/* SPDX-License-Identifier: BSD-2-Clause */
/* Image loaders against images that are right, and images with one thing wrong: each is refused with a message about it. */
#include "harness.h"
#include "vmm/images.h"
#include <stdlib.h>

static uint8_t bytes[0x10000];
static struct plan p;
static struct image im;

static void use(uint64_t length, uint64_t ram)
{
    im = (struct image){ .bytes = bytes, .length = length, .cmdline = "a=b", .ram = ram };
}
static void accept(enum ukern_guest_format format) { ck_assert_msg(plan_make(&im, format, &p), "refused: %s", p.why); }
static void refuse(const char *text)
{
    ck_assert_msg(!plan_make(&im, UKERN_GUEST_AUTO, &p), "accepted; expected a refusal about '%s'", text);
    ck_assert_msg(strstr(p.why, text) != NULL, "refused with '%s', expected '%s'", p.why, text);
}
static uint8_t *apply(void)
{
    uint8_t *ram = calloc(1, im.ram);
    ck_assert(ram != NULL);
    plan_apply(&p, &im, ram);
    return ram;
}

START_TEST(flat)
{
    memset(bytes, 0xf4, sizeof bytes);
    use(sizeof bytes, 1 << 20);
    accept(UKERN_GUEST_AUTO);
    ck_assert(p.mode == PLAN_REAL && p.entry == 0x7c00);
    uint8_t *ram = apply();
    ck_assert(ram[0x7bff] == 0 && ram[0x7c00] == 0xf4 && ram[0x7c00 + sizeof bytes - 1] == 0xf4 && ram[0x7c00 + sizeof bytes] == 0);
    free(ram);
    use(sizeof bytes, 0x10000);
    refuse("the flat image");
    use(0, 1 << 20);
    refuse("empty");
    use(16, 0x10001);
    refuse("guest RAM");
    use(16, 0x1000);
    refuse("guest RAM");
    use(16, 1 << 20);
    im.modules = 1;
    refuse("no modules");
}
END_TEST

static uint32_t word(const uint8_t *ram, uint64_t at) { return plan_u32(ram, at); }

START_TEST(multiboot_elf)
{
    images_elf(bytes);
    use(IMAGES_ELF, 4 << 20);
    im.modules = 2;
    im.module[0].name = "m0 x";
    im.module[0].bytes = (const uint8_t *)"0123456789";
    im.module[0].length = 10;
    im.module[1].name = "m1"; /* empty */
    accept(UKERN_GUEST_AUTO);
    ck_assert(p.mode == PLAN_MULTIBOOT && p.entry == 0x100020);
    uint8_t *ram = apply(), *info = ram + p.info;
    ck_assert(ram[0x100020] == 0x90 && ram[0x102000] == 0xdd && ram[0x102100] == 0);
    ck_assert_uint_eq(word(info, 0), 0x24d);
    ck_assert_uint_eq(word(info, 4), 639);
    ck_assert_uint_eq(word(info, 8), 3 << 10);
    ck_assert_str_eq((char *)ram + word(info, 16), "a=b");
    ck_assert_str_eq((char *)ram + word(info, 64), "ukern");
    ck_assert_uint_eq(word(info, 20), 2);
    const uint8_t *m = ram + word(info, 24);
    ck_assert(word(m, 0) % 4096 == 0 && word(m, 0) >= 0x104000 && word(m, 4) == word(m, 0) + 10);
    ck_assert_str_eq((char *)ram + word(m, 8), "m0 x");
    ck_assert_str_eq((char *)ram + word(m, 16 + 8), "m1");
    ck_assert(memcmp(ram + word(m, 0), "0123456789", 10) == 0 && word(m, 16) == word(m, 20));
    uint64_t usable = 0, at = word(info, 48), end = at + word(info, 44);
    for (; at < end; at += 4 + word(ram, at))
        usable += word(ram, at + 20) == 1 ? plan_u64(ram, at + 12) : 0;
    ck_assert_uint_eq(usable, (639 + 3072) << 10);
    free(ram);
}
END_TEST

START_TEST(multiboot_addresses)
{
    images_aout(bytes);
    use(IMAGES_AOUT, 2 << 20);
    accept(UKERN_GUEST_AUTO);
    ck_assert(p.entry == 0x100040 && p.piece[0].at == 0x100000 && p.piece[0].bytes == IMAGES_AOUT && p.piece[0].zeroes == 0x1000);
    plan_put32(bytes, 0x20 + 20, 0); /* to the end of the file; no .bss */
    plan_put32(bytes, 0x20 + 24, 0);
    accept(UKERN_GUEST_AUTO);
    ck_assert(p.piece[0].bytes == IMAGES_AOUT && p.piece[0].zeroes == 0);
}
END_TEST

/* Each row damages a valid image in one 16- or 32-bit field. */
struct damage {
    void (*make)(uint8_t *);
    uint32_t length, at, wide, value;
    const char *text;
};
static const struct damage damages[] = {
    { images_elf, IMAGES_ELF, 0x1008, 4, 0, "wrong checksum" },
    { images_elf, IMAGES_ELF, 0x1000, 4, 0, "no multiboot header" },
    { images_elf, IMAGES_ELF, 4, 2, 0x102, "32-bit little-endian" },
    { images_elf, IMAGES_ELF, 18, 2, 62, "machine 62" },
    { images_elf, IMAGES_ELF, 16, 2, 3, "type 3" },
    { images_elf, IMAGES_ELF, 0, 4, 0, "must be a 32-bit ELF" },
    { images_elf, IMAGES_ELF, 28, 4, 0xffffffff, "program headers are missing or cut off" },
    { images_elf, IMAGES_ELF, 42, 2, 56, "program headers are missing or cut off" },
    { images_elf, IMAGES_ELF, 44, 2, 0, "program headers are missing or cut off" },
    { images_elf, IMAGES_ELF, 44, 2, 0xffff, "program headers are missing or cut off" },
    { images_elf, IMAGES_ELF, 52 + 4, 4, 0xffffff00, "wants bytes" },
    { images_elf, IMAGES_ELF, 84 + 4, 4, 0x1301, "wants bytes" },
    { images_elf, IMAGES_ELF, 52 + 16, 4, 0x301, "more bytes in the file" },
    { images_elf, IMAGES_ELF, 52 + 12, 4, 0xffffffff, "wraps past 4 GiB" },
    { images_elf, IMAGES_ELF, 52 + 12, 4, 0x3fff00, "wants guest memory" },
    { images_elf, IMAGES_ELF, 52 + 12, 4, 0x9fe00, "wants guest memory" },
    { images_elf, IMAGES_ELF, 52 + 12, 4, 0x102fff, "overlaps" },
    { images_elf, IMAGES_ELF, 24, 4, 0x103000, "entry point" },
    { images_elf, IMAGES_ELF, 24, 4, 0, "entry point" },
    { images_aout, IMAGES_AOUT, 0x20 + 16, 4, 0x100021, "contradicts" },
    { images_aout, IMAGES_AOUT, 0x20 + 16, 4, 0x0fffff, "contradicts" },
    { images_aout, IMAGES_AOUT, 0x20 + 20, 4, 0x100401, "truncated" },
    { images_aout, IMAGES_AOUT, 0x20 + 20, 4, 0xfffff, "below load_addr" },
    { images_aout, IMAGES_AOUT, 0x20 + 24, 4, 0x100001, "bss_end_addr" },
    { images_aout, IMAGES_AOUT, 0x20 + 24, 4, 0xffffffff, "wants guest memory" },
    { images_aout, IMAGES_AOUT, 0x20 + 28, 4, 0x100400, "entry point" },
    { images_aout, 0x20 + 31, 0, 1, 0, "file ends before them" },
    { images_linux, IMAGES_LINUX, 0x1fe, 2, 0, "no Linux bzImage" },
    { images_linux, IMAGES_LINUX, 0x206, 2, 0x205, "boot protocol 2.05" },
    { images_linux, IMAGES_LINUX, 0x201, 1, 0x39, "setup header ends" },
    { images_linux, IMAGES_LINUX, 0x201, 1, 0xff, "setup header ends" },
    { images_linux, IMAGES_LINUX, 0x211, 1, 0, "zImage" },
    { images_linux, IMAGES_LINUX, 0x1f1, 1, 0xff, "before the kernel proper" },
    { images_linux, IMAGES_LINUX, 0x1f4, 4, (IMAGES_LINUX - 0x800) / 16 + 1, "announces a kernel" },
    { images_linux, IMAGES_LINUX, 0x1f4, 4, 0xffffffff, "announces a kernel" },
    { images_linux, IMAGES_LINUX, 0x238, 4, 2, "command line has 3" },
    { images_linux, IMAGES_LINUX, 0x260, 4, 0xffffffff, "the Linux kernel wants" },
    { images_linux, 0x804, 0x1f4, 4, 0, "only 4 bytes" },
    { images_linux, 0x230, 0, 1, 0, "no Linux bzImage" },
};

START_TEST(damaged_images)
{
    const struct damage *d = &damages[_i];
    d->make(bytes);
    if (d->wide == 1)
        bytes[d->at] = (uint8_t)d->value;
    else if (d->wide == 2)
        plan_put16(bytes, d->at, d->value);
    else
        plan_put32(bytes, d->at, d->value);
    if (d->at == 4 && d->make == images_elf)
        bytes[5] = 1; /* class 64 */
    use(d->length, 4 << 20);
    refuse(d->text);
}
END_TEST

START_TEST(multiboot_flags)
{
    static const struct { uint32_t flags; const char *text; } rows[] = { { 4, "video mode" }, { 0x8000, "features" }, { 8, "features" } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        images_elf(bytes);
        images_multiboot_header(bytes + 0x1000, rows[i].flags);
        use(IMAGES_ELF, 4 << 20);
        refuse(rows[i].text);
    }
    images_elf(bytes); /* optional features are the kernel's wish, not its condition */
    images_multiboot_header(bytes + 0x1000, 0xff000003 & ~(1u << 16));
    use(IMAGES_ELF, 4 << 20);
    accept(UKERN_GUEST_AUTO);
    im.module[0].length = 8 << 20;
    im.modules = 1;
    refuse("no room for module 0");
}
END_TEST

START_TEST(linux_64)
{
    static const uint8_t initrd[5000] = { 1, 2, 3 };
    images_linux(bytes);
    use(IMAGES_LINUX, 32 << 20);
    im.initrd = initrd;
    im.initrd_length = sizeof initrd;
    accept(UKERN_GUEST_AUTO);
    ck_assert(p.mode == PLAN_LINUX_64 && p.entry == 0x1000200 && p.initrd_at == (32 << 20) - 8192);
    uint8_t *ram = apply(), *zero = ram + p.info;
    ck_assert(ram[0x1000000] == 0x90 && memcmp(zero + 0x202, "HdrS", 4) == 0);
    ck_assert_uint_eq(word(zero, 0x218), p.initrd_at);
    ck_assert_uint_eq(word(zero, 0x21c), sizeof initrd);
    ck_assert_str_eq((char *)ram + word(zero, 0x228), "a=b");
    ck_assert_uint_eq(zero[0x1e8], 4);
    ck_assert(plan_u64(zero, 0x2d0) == 0 && plan_u64(zero, 0x2d8) == 0x9fc00 && word(zero, 0x2e0) == 1);
    ck_assert(plan_u64(zero, 0x2d0 + 60) == 0x100000 && plan_u64(zero, 0x2d8 + 60) == 31 << 20);
    ck_assert(memcmp(ram + p.initrd_at, initrd, sizeof initrd) == 0);
    struct ukern_vm_regs r = { 0 };
    plan_regs(&p, &r);
    ck_assert(r.rip == p.entry && r.rsi == p.info && r.cs.l && !r.cs.db && r.efer == 0x500 && r.cr0 >> 31 && r.cr3 == 0x2000);
    free(ram);
    im.initrd_length = 31 << 20;
    refuse("no room for the initrd");
    use(IMAGES_LINUX, 1 << 20);
    refuse("the Linux kernel wants");
}
END_TEST

START_TEST(linux_variants)
{
    images_linux(bytes);
    use(IMAGES_LINUX, 8 << 20); /* less than where it prefers to be: it moves */
    accept(UKERN_GUEST_AUTO);
    ck_assert_uint_eq(p.entry, 0x200200);
    bytes[0x234] = 0; /* it cannot */
    refuse("the Linux kernel wants");
    images_linux(bytes);
    plan_put16(bytes, 0x206, 0x206); /* 2.6.22: 32-bit entry, at 1 MiB */
    accept(UKERN_GUEST_AUTO);
    ck_assert(p.mode == PLAN_LINUX_32 && p.entry == 0x100000);
    images_linux(bytes);
    im.initrd = bytes;
    im.initrd_length = 4096;
    plan_put32(bytes, 0x22c, 0x3fffff); /* its initrd must end below 4 MiB */
    accept(UKERN_GUEST_AUTO);
    ck_assert_uint_eq(p.initrd_at, 0x3ff000);
}
END_TEST

/* Every prefix of every valid image is refused or accepted, and what is accepted can be applied (ASan watches). */
START_TEST(truncated_anywhere)
{
    static void (*const make[])(uint8_t *) = { images_elf, images_aout, images_linux };
    static const uint32_t length[] = { IMAGES_ELF, IMAGES_AOUT, IMAGES_LINUX };
    uint32_t accepted = 0;
    for (size_t i = 0; i < COUNT_OF(make); i++) {
        for (uint32_t n = 1; n < length[i]; n += n < 0x300 ? 1 : 61) {
            make[i](bytes);
            uint8_t *copy = malloc(n);
            ck_assert(copy != NULL);
            memcpy(copy, bytes, n);
            use(n, 4 << 20);
            im.bytes = copy;
            if (plan_make(&im, i == 2 ? UKERN_GUEST_LINUX : UKERN_GUEST_MULTIBOOT, &p))
                accepted++, free(apply());
            else
                ck_assert(p.why[0] != 0);
            free(copy);
        }
    }
    ck_assert_uint_eq(accepted, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("plan");
    TCase *t = tcase_create("images");
    const TTest *const tests[] = { flat, multiboot_elf, multiboot_addresses, multiboot_flags, linux_64, linux_variants, truncated_anywhere };
    for (size_t i = 0; i < COUNT_OF(tests); i++)
        tcase_add_test(t, tests[i]);
    tcase_add_loop_test(t, damaged_images, 0, COUNT_OF(damages));
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr), ran = srunner_ntests_run(sr);
    srunner_free(sr);
    return failed == 0 && ran == (int)(COUNT_OF(tests) + COUNT_OF(damages)) ? 0 : 1;
}
