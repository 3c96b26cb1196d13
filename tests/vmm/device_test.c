/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM's devices without a guest: the UART as Linux's driver probes it, the clock against libc, ports and their widths, ACPI
 * tables, and the walk of guest page tables. */
#include "../../vmm/acpi.h"
#include "../../vmm/board.h"
#include "../../vmm/plan.h"
#include "../../vmm/walk.h"
#include "harness.h"
#include <stdlib.h>
#include <time.h>

static struct board b;
static char out[2048];
static size_t out_used;
static int edges, hungry_calls;
static bool line_level;
static uint64_t now;

static void on_out(void *ctx, const uint8_t *bytes, size_t n)
{
    (void)ctx;
    memcpy(out + out_used, bytes, n);
    out_used += n;
}
static void on_line(void *ctx, bool level)
{
    (void)ctx;
    ck_assert(level != line_level); /* only changes are told */
    edges += level;
    line_level = level;
}
static void on_hungry(void *ctx) { (void)ctx; hungry_calls++; }
static uint64_t seconds(void *ctx) { (void)ctx; return now; }

static void fresh(void)
{
    memset(&b, 0, sizeof b);
    memset(out, 0, sizeof out);
    out_used = 0;
    edges = hungry_calls = 0;
    line_level = false;
    board_init(&b, 64 << 20, NULL, seconds);
    serial_init(&b.com1, NULL, on_out, on_line, on_hungry);
}

static void outw(uint32_t port, uint32_t width, uint32_t v)
{
    struct ukern_vm_exit x = { .kind = UKERN_EXIT_IO, .address = port, .width = width, .count = 1, .write = true };
    plan_put32(x.data, 0, v);
    board_io(&b, &x);
}
static uint32_t inw(uint32_t port, uint32_t width)
{
    struct ukern_vm_exit x = { .kind = UKERN_EXIT_IO, .address = port, .width = width, .count = 1 };
    board_io(&b, &x);
    return plan_u32(x.data, 0);
}
static void put(uint32_t port, uint32_t v) { outw(port, 1, v); }
static uint32_t get(uint32_t port) { return inw(port, 1); }

/* The steps of Linux's autoconfig: interrupt enable, loop-back, FIFO. */
START_TEST(uart_is_a_16550a)
{
    fresh();
    put(0x3f9, 0);
    ck_assert_uint_eq(get(0x3f9) & 15, 0);
    put(0x3f9, 15);
    ck_assert_uint_eq(get(0x3f9), 15);
    put(0x3f9, 0);
    put(0x3fc, 0x1a); /* loop: RTS and OUT2 come back as CTS and DCD */
    ck_assert_uint_eq(get(0x3fe) & 0xf0, 0x90);
    put(0x3fc, 0);
    put(0x3fa, 1);
    ck_assert_uint_eq(get(0x3fa) >> 6, 3);
    put(0x3ff, 0x5a);
    ck_assert_uint_eq(get(0x3ff), 0x5a);
    put(0x3fb, 0x83);
    put(0x3f8, 0x0c);
    put(0x3f9, 0x01);
    ck_assert(get(0x3f8) == 0x0c && get(0x3f9) == 1);
    put(0x3fb, 3);
    ck_assert_uint_eq(get(0x3fd), 0x60);
    put(0x3f8, 'x');
    ck_assert_str_eq(out, "x");
    ck_assert(edges == 0);
}
END_TEST

START_TEST(uart_interrupts)
{
    fresh();
    put(0x3fc, 8);
    put(0x3f9, 2); /* transmitter empty: at once, and after each byte */
    ck_assert(line_level && edges == 1 && (get(0x3fa) & 15) == 2 && !line_level);
    put(0x3f8, 'a');
    ck_assert(line_level && edges == 2);
    put(0x3f8, 'b');
    ck_assert(line_level && edges == 3); /* a new edge without reading the cause */
    put(0x3f9, 1);
    ck_assert(!line_level);
    serial_receive(&b.com1, (const uint8_t *)"hi", 2);
    ck_assert(line_level && (get(0x3fa) & 15) == 4 && get(0x3fd) == 0x61);
    ck_assert(get(0x3f8) == 'h' && line_level && hungry_calls == 0);
    ck_assert(get(0x3f8) == 'i' && !line_level && hungry_calls == 1);
    uint8_t many[SERIAL_BUFFER] = { 1 };
    serial_receive(&b.com1, many, serial_room(&b.com1));
    ck_assert_uint_eq(serial_room(&b.com1), 0);
    put(0x3fa, 3); /* clears the receiver */
    ck_assert(serial_room(&b.com1) == SERIAL_BUFFER && !line_level);
}
END_TEST

START_TEST(uart_loops_back)
{
    fresh();
    put(0x3fc, 0x18);
    for (int i = 0; i < 300; i++)
        put(0x3f8, 'l');
    ck_assert(out_used == 0 && get(0x3f8) == 'l');
}
END_TEST

static uint32_t cmos(uint32_t index)
{
    put(0x70, index);
    return get(0x71);
}
static int bcd(uint32_t v) { return (int)(10 * (v >> 4) + (v & 15)); }

START_TEST(clock_agrees_with_libc)
{
    struct harness_random random = { 11 };
    fresh();
    for (int i = 0; i < 2000; i++) {
        now = harness_below(&random, UINT64_C(4102444800)); /* up to 2099 */
        time_t t = (time_t)now;
        struct tm tm;
        gmtime_r(&t, &tm);
        ck_assert(bcd(cmos(0)) == tm.tm_sec && bcd(cmos(2)) == tm.tm_min && bcd(cmos(4)) == tm.tm_hour);
        ck_assert(bcd(cmos(6)) == tm.tm_wday + 1 && bcd(cmos(7)) == tm.tm_mday && bcd(cmos(8)) == tm.tm_mon + 1);
        ck_assert(bcd(cmos(0x32)) * 100 + bcd(cmos(9)) == tm.tm_year + 1900);
    }
    now = 12 * 3600 + 34 * 60; /* 12-hour clock, binary */
    put(0x70, 0xb);
    put(0x71, 4);
    ck_assert_uint_eq(cmos(4), 12 | 0x80);
    ck_assert_uint_eq(cmos(2), 34);
    ck_assert_uint_eq(cmos(0x15) | cmos(0x16) << 8, 640);
    ck_assert_uint_eq(cmos(0x17) | cmos(0x18) << 8, 63 << 10);
    ck_assert_uint_eq(cmos(0x34) | cmos(0x35) << 8, (48 << 20) >> 16);
}
END_TEST

START_TEST(ports_and_widths)
{
    fresh();
    ck_assert_uint_eq(inw(0xcfc, 4), 0xffffffff);
    outw(0xcf8, 4, 0x80000004); /* not a reset, although 0xcf9 is one of its bytes */
    ck_assert(b.end == BOARD_RUNS && inw(0xcf8, 4) == 0xffffffff);
    ck_assert_uint_eq(inw(0x1234, 2) & 0xffff, 0xffff);
    ck_assert_uint_eq(inw(0x604, 2) & 0xffff, 1);
    ck_assert_uint_eq(inw(0x3fc, 4), 0x00b06000); /* four registers of the UART: MCR, LSR, MSR, scratch */
    ck_assert_uint_eq(inw(0x91, 2) & 0xffff, 0x02ff); /* a word is two ports */
    put(0x64, 0xaa);
    ck_assert(get(0x64) & 1 && get(0x60) == 0x55 && !(get(0x64) & 1));
    struct ukern_vm_exit rep = { .kind = UKERN_EXIT_IO, .address = 0x3f8, .width = 1, .count = 5, .write = true, .data = "hello" };
    board_io(&b, &rep);
    ck_assert_str_eq(out, "hello");
}
END_TEST

START_TEST(ends)
{
    static const struct { uint32_t port, width, value; enum board_end end; } rows[] = {
        { 0x64, 1, 0xfe, BOARD_RESET },     { 0x92, 1, 1, BOARD_RESET },          { 0xcf9, 1, 6, BOARD_RESET },
        { 0xcf9, 1, 2, BOARD_RUNS },        { 0x92, 1, 2, BOARD_RUNS },           { 0x604, 2, 0x3401, BOARD_POWER_OFF },
        { 0x604, 2, 0x1401, BOARD_RUNS },   { 0x605, 1, 0x34, BOARD_POWER_OFF },  { 0xf4, 1, 9, BOARD_DEBUG_EXIT },
        { 0x80, 1, 0xff, BOARD_RUNS },      { 0x64, 1, 0xad, BOARD_RUNS },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        fresh();
        outw(rows[i].port, rows[i].width, rows[i].value);
        ck_assert_msg(b.end == rows[i].end, "row %zu: %d, expected %d", i, b.end, rows[i].end);
    }
    ck_assert_uint_eq((fresh(), put(0xf4, 9), b.exit_code), 9);
    fresh();
    put(0x64, 0xd1);
    put(0x60, 0xfe);
    ck_assert(b.end == BOARD_RESET && b.reset_by);
}
END_TEST

static bool adds_up(const uint8_t *t, uint32_t n)
{
    uint8_t sum = 0;
    while (n--)
        sum = (uint8_t)(sum + *t++);
    return sum == 0;
}

START_TEST(acpi_tables)
{
    uint8_t *ram = calloc(1, 1 << 20), *rsdp = ram + ACPI_AT;
    ck_assert(ram != NULL);
    acpi_write(ram);
    ck_assert(memcmp(rsdp, "RSD PTR ", 8) == 0 && adds_up(rsdp, 20) && adds_up(rsdp, 36));
    const uint8_t *xsdt = ram + plan_u64(rsdp, 24);
    ck_assert(memcmp(xsdt, "XSDT", 4) == 0 && adds_up(xsdt, plan_u32(xsdt, 4)));
    for (uint32_t at = 36; at < plan_u32(xsdt, 4); at += 8) {
        const uint8_t *t = ram + plan_u64(xsdt, at);
        ck_assert_msg(adds_up(t, plan_u32(t, 4)), "table %.4s", t);
        if (memcmp(t, "FACP", 4) == 0) {
            const uint8_t *dsdt = ram + plan_u64(t, 140);
            ck_assert(memcmp(dsdt, "DSDT", 4) == 0 && adds_up(dsdt, plan_u32(dsdt, 4)) && plan_u32(t, 64) == ACPI_CONTROL);
        }
    }
    free(ram);
}
END_TEST

START_TEST(walks)
{
    enum { RAM = 1 << 20 };
    uint8_t *ram = calloc(1, RAM), code[4];
    struct ukern_vm_regs r = { 0 };
    uint64_t at = 0;
    ck_assert(ram != NULL);
    ck_assert(walk_guest(ram, RAM, &r, 0x12345, &at) && at == 0x12345);
    r.cr0 = UINT64_C(1) << 31;
    r.cr3 = 0x1000;
    plan_put32(ram, 0x1000 + 4 * 1, 0x2003); /* 32-bit: 4 MiB + 0x3000 -> 0x5000 */
    plan_put32(ram, 0x2000 + 4 * 3, 0x5003);
    ck_assert(walk_guest(ram, RAM, &r, 0x403abc, &at) && at == 0x5abc);
    ck_assert(!walk_guest(ram, RAM, &r, 0x404000, &at) && !walk_guest(ram, RAM, &r, 0, &at));
    r.cr4 = 1 << 5; /* PAE */
    r.cr3 = 0x3020;
    plan_put64(ram, 0x3020 + 8 * 3, 0x4001);
    plan_put64(ram, 0x4000 + 8 * 511, 0x83); /* 2 MiB page at 0 */
    ck_assert(walk_guest(ram, RAM, &r, 0xffe01234, &at) && at == 0x1234);
    r.efer = 1 << 10; /* long mode */
    r.cr3 = 0x6000;
    plan_put64(ram, 0x6000 + 8 * 511, 0x7003);
    plan_put64(ram, 0x7000 + 8 * 510, 0x8003);
    plan_put64(ram, 0x8000 + 8 * 0, 0x9003);
    plan_put64(ram, 0x9000 + 8 * 1, UINT64_C(1) << 63 | 0x9f003);
    ck_assert(walk_guest(ram, RAM, &r, 0xffffffff80001fff, &at) && at == 0x9ffff);
    ram[0x9fffe] = 0xaa;
    ck_assert(walk_read(ram, RAM, &r, 0xffffffff80001ffe, code, 4) == 2 && code[0] == 0xaa);
    plan_put64(ram, 0x6000 + 8 * 511, UINT64_C(0x000fffffffff0003)); /* tables outside memory */
    ck_assert(!walk_guest(ram, RAM, &r, 0xffffffff80001fff, &at) && walk_read(ram, RAM, &r, 0xffffffff80001fff, code, 4) == 0);
    free(ram);
}
END_TEST

/* Whatever a guest does to its ports and tables, and whatever is typed meanwhile: no byte outside is touched (ASan watches), the
 * receive buffer keeps its bounds, and the line's level is always the cause's. */
START_TEST(hostile_guest)
{
    enum { RAM = 1 << 16 };
    static const uint16_t ports[] = { 0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3f6, 0x70, 0x71, 0x60, 0x64, 0x92, 0x600, 0x604, 0xcf8, 0xcfe, 0xffff };
    struct harness_random random = { 23 };
    uint8_t *ram = malloc(RAM), code[16];
    ck_assert(ram != NULL);
    for (uint32_t i = 0; i < RAM; i++)
        ram[i] = (uint8_t)harness_random(&random);
    fresh();
    for (int i = 0; i < 200000; i++) {
        struct ukern_vm_exit x = { .kind = UKERN_EXIT_IO, .width = 1u << harness_below(&random, 3), .write = harness_below(&random, 2) };
        x.address = harness_below(&random, 8) ? ports[harness_below(&random, COUNT_OF(ports))] : harness_below(&random, 65536);
        x.count = harness_below(&random, 16) ? 1 : (uint32_t)harness_below(&random, 1024 / x.width) + 1;
        for (uint32_t k = 0; x.write && k < 8; k++)
            x.data[k] = (uint8_t)harness_random(&random);
        board_io(&b, &x);
        out_used = 0;
        uint32_t typed = (uint32_t)harness_below(&random, 40);
        if (typed <= serial_room(&b.com1) && typed < 16)
            serial_receive(&b.com1, code, typed);
        ck_assert(b.com1.in_count <= SERIAL_BUFFER && b.com1.in_first < SERIAL_BUFFER && b.com1.level == line_level);
        if (b.end != BOARD_RUNS)
            fresh();
        struct ukern_vm_regs r = { .cr0 = UINT64_C(1) << 31, .cr3 = harness_below(&random, RAM), .cr4 = harness_below(&random, 2) << 5 | 16,
                                   .efer = harness_below(&random, 2) << 10 };
        ck_assert_uint_le(walk_read(ram, RAM, &r, harness_random(&random), code, sizeof code), sizeof code);
    }
    free(ram);
}
END_TEST

HARNESS_TESTS("devices", hostile_guest, uart_is_a_16550a, uart_interrupts, uart_loops_back, clock_agrees_with_libc, ports_and_widths, ends, acpi_tables, walks)
