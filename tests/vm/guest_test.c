/* SPDX-License-Identifier: BSD-2-Clause */
/* Real guests under the VMM, through the library's interface, on both engines: what they print, how they end, which exits they
 * make; and that everything comes home afterwards. */
#include "vm/guests.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct guests_run run;

static void expect_end(const char *image, enum ukern_engine engine, int code, const char *text)
{
    guests_boot_image(image, engine, &run);
    ck_assert_msg(run.task.code == code && !run.task.killed, "%s ended with %d (%s), expected %d; console:\n%s", image, run.task.code,
                  run.task.reason, code, run.console);
    ck_assert_msg(guests_said(&run, text), "%s: '%s' is missing in:\n%s", image, text, run.console);
    ck_status(run.status, code ? UKERN_FAILED : UKERN_OK);
    ck_assert_msg(run.stats.frames_used == 0, "%s: %llu frames did not come home", image, (unsigned long long)run.stats.frames_used);
}

static const enum ukern_engine engines[] = { UKERN_SMP, UKERN_SIM };

START_TEST(hello_in_real_mode)
{
    expect_end("real_hello.bin", engines[_i], 42, "hello from real mode\n");
    ck_assert_uint_eq(run.stats.vm_exits[UKERN_EXIT_IO], 22);
    ck_assert(guests_said(&run, "ended: debug-exit port, code 42"));
    ck_assert_str_eq(run.task.reason, "debug-exit port, code 42");
}
END_TEST

START_TEST(strings_widths_and_holes)
{
    expect_end("real_string.bin", engines[_i], 5, "a string at once\n");
    ck_assert_uint_eq(run.stats.vm_exits[UKERN_EXIT_MMIO], 3);
}
END_TEST

START_TEST(reset) { expect_end("real_reset.bin", engines[_i], 0, "reset by the keyboard controller"); }
END_TEST
START_TEST(power_off) { expect_end("real_poweroff.bin", engines[_i], 0, "powered off"); }
END_TEST

START_TEST(triple_fault)
{
    expect_end("real_triple.bin", engines[_i], 256, "triple fault");
    ck_assert_uint_eq(run.stats.vm_exits[UKERN_EXIT_SHUTDOWN], 1);
}
END_TEST

START_TEST(halted_for_ever)
{
    expect_end("real_halt.bin", engines[_i], 0, "halted for ever");
    ck_assert_uint_eq(run.stats.vm_exits[UKERN_EXIT_HALTED], 1);
}
END_TEST

START_TEST(unhandled_exit_is_reported)
{
    expect_end("real_bad.bin", UKERN_SMP, 257, "rip 0000000000000010");
    ck_assert(guests_said(&run, "rax 0000000012345678") && guests_said(&run, "cs a000") && guests_said(&run, "bytes at rip: none"));
    ck_assert_int_eq(guests_said(&run, "interprets supervisor code"), guests_interpreted());
}
END_TEST

START_TEST(sse_where_kvm_interprets)
{
    if (!guests_interpreted()) {
        expect_end("real_sse.bin", UKERN_SMP, 0, "code 0");
        return;
    }
    expect_end("real_sse.bin", UKERN_SMP, 257, "interprets supervisor code");
    ck_assert(guests_said(&run, "bytes at rip: 0f 57 c0"));
}
END_TEST

START_TEST(multiboot_with_modules)
{
    struct guests_image im = guests_load("multiboot.elf");
    struct ukern_blob modules[] = { { "first args", "AAAA", 4 }, { "second", "contents\nof it", 14 } };
    struct ukern_vm_params vm = { .size = sizeof vm, .name = "mb", .ram = 4 << 20, .kernel = { "multiboot.elf", im.bytes, im.length },
                                  .modules = modules, .module_count = 2, .cmdline = "one two", .expect_code = 33 };
    struct ukern_params p = { .engine = engines[_i] };
    guests_boot(&p, &vm, &run);
    free(im.bytes);
    ck_assert_msg(run.status == UKERN_OK && run.task.code == 33, "%s\n%s", run.task.reason, run.console);
    /* 639 KiB below, 3 MiB above */
    ck_assert_msg(guests_said(&run, "one two\n00000e7f\nfirst args:AAAA\nsecond:contents\nof it\n"), "%s", run.console);
}
END_TEST

static void refused(const void *bytes, uint64_t length, uint64_t ram, int code, const char *text)
{
    struct ukern_vm_params vm = { .size = sizeof vm, .name = "bad", .ram = ram, .kernel = { "image", bytes, length } };
    guests_boot(NULL, &vm, &run);
    ck_assert_msg(run.task.code == code && guests_said(&run, text), "ended with %d; '%s' is missing in:\n%s", run.task.code, text, run.console);
    ck_status(run.status, UKERN_FAILED);
    ck_assert_uint_eq(run.stats.frames_used, 0);
}

START_TEST(bad_images)
{
    static char zeroes[1 << 20];
    refused("", 0, 0, 258, "the guest image is empty");
    refused("\177ELF\1\1\1", 7, 0, 258, "no multiboot header");
    refused(zeroes, sizeof zeroes, 2 << 20, 258, "the flat image");
    refused("x", 1, UINT64_C(3) << 30, 258, "guest RAM must be");
    refused("x", 1, 256 << 20, 259, "no room for");
}
END_TEST

/* ---- sharing a CPU, input, stopping ---- */

/* Sleeps until the guest has spoken, however long that takes here, and then some. */
static int sleeper(const struct ukern_start *start)
{
    (void)start;
    for (int i = 0; i < 20; i += atomic_load(&run.console_used) > 0)
        ukern_sleep(1000000);
    for (int i = 0; i < 20; i++)
        ukern_yield();
    return 7;
}

/* A guest that never exits does not keep its CPU from others. */
START_TEST(spinning_guest_shares_its_cpu)
{
    struct guests_image im = guests_load("real_spin.bin");
    struct ukern_vm_params vm = { .size = sizeof vm, .name = "spin", .ram = 1 << 20, .kernel = { "spin", im.bytes, im.length }, .daemon = true };
    struct ukern_task_params task = { .size = sizeof task, .name = "sleeper", .program = sleeper, .expect_code = 7 };
    struct ukern_hooks hooks = guests_hooks(&run);
    struct ukern_params p = { .size = sizeof p, .hooks = &hooks, .engine = engines[_i] };
    struct ukern *m;
    uint32_t n;
    memset(&run, 0, sizeof run);
    ck_ok(ukern_make(&p, &m));
    ck_ok(ukern_spawn_vm(m, &vm, &n));
    ck_ok(ukern_spawn(m, &task, &n));
    ck_status(ukern_run(m), UKERN_OK);
    ck_assert(guests_said(&run, "s"));
    ukern_free(m);
    free(im.bytes);
}
END_TEST

/* Many guests at once, on two CPUs, all with the same console: those that halt end by the look, the others by themselves. */
START_TEST(twelve_guests)
{
    struct guests_image im[2] = { guests_load("real_hello.bin"), guests_load("real_halt.bin") };
    struct ukern_hooks hooks = guests_hooks(&run);
    struct ukern_params p = { .size = sizeof p, .cpus = 2, .hooks = &hooks, .engine = engines[_i] };
    struct ukern *m;
    uint32_t n;
    memset(&run, 0, sizeof run);
    ck_ok(ukern_make(&p, &m));
    for (uint32_t i = 0; i < 12; i++) {
        struct ukern_vm_params vm = { .size = sizeof vm, .name = "one of many", .ram = 1 << 20, .cpu = i / 2 % 2,
                                      .kernel = { "k", im[i % 2].bytes, im[i % 2].length }, .expect_code = i % 2 ? 0 : 42 };
        ck_ok(ukern_spawn_vm(m, &vm, &n));
    }
    enum ukern_status st = ukern_run(m);
    ck_assert_msg(st == UKERN_OK, "%s:\n%s%s", ukern_status_name(st), run.log, run.console);
    struct ukern_stats s = { .size = sizeof s };
    ukern_stats(m, &s);
    ck_assert(s.vm_exits[UKERN_EXIT_HALTED] == 6 && s.vm_exits[UKERN_EXIT_IO] == 6 * 23 && s.frames_used == 0);
    ukern_free(m);
    free(im[0].bytes);
    free(im[1].bytes);
}
END_TEST

static void wait_for(struct guests_run *r, char last)
{
    for (int i = 0; i < 10000; i++) {
        size_t used = atomic_load(&r->console_used);
        if (used && r->console[used - 1] == last)
            return;
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    ck_abort_msg("the console does not show '%c' after 10 s", last);
}

START_TEST(input_reaches_a_halted_guest)
{
    struct guests_image im = guests_load("real_echo.bin");
    struct ukern_vm_params vm = { .size = sizeof vm, .name = "echo", .ram = 1 << 20, .kernel = { "echo", im.bytes, im.length }, .expect_code = 4 };
    struct ukern_hooks hooks = guests_hooks(&run);
    struct ukern_params p = { .size = sizeof p, .hooks = &hooks };
    struct ukern *m;
    uint32_t n;
    memset(&run, 0, sizeof run);
    ck_ok(ukern_make(&p, &m));
    ck_ok(ukern_spawn_vm(m, &vm, &n));
    ukern_console_open(m, 0, true);
    ck_ok(ukern_start(m));
    wait_for(&run, '>');
    for (const char *c = "abc"; *c; c++) {
        ck_assert_uint_eq(ukern_console_input(m, 0, c, 1), 1);
        wait_for(&run, *c);
    }
    ck_assert_uint_eq(ukern_console_input(m, 0, "q", 1), 1);
    ck_status(ukern_wait(m), UKERN_OK); /* four interrupts, one for each byte */
    ck_assert(guests_said(&run, ">abc"));
    ukern_free(m);
    free(im.bytes);
}
END_TEST

START_TEST(stopping_a_guest_that_never_exits)
{
    struct guests_image im = guests_load("real_spin.bin");
    struct ukern_vm_params vm = { .size = sizeof vm, .name = "spin", .ram = 1 << 20, .kernel = { "spin", im.bytes, im.length } };
    struct ukern_hooks hooks = guests_hooks(&run);
    struct ukern_params p = { .size = sizeof p, .hooks = &hooks };
    struct ukern *m;
    uint32_t n;
    memset(&run, 0, sizeof run);
    ck_ok(ukern_make(&p, &m));
    ck_ok(ukern_spawn_vm(m, &vm, &n));
    ck_ok(ukern_start(m));
    wait_for(&run, 's');
    ukern_stop(m);
    ck_status(ukern_wait(m), UKERN_STOPPED);
    ukern_free(m);
    free(im.bytes);
}
END_TEST

/* The image in the tree is what its source says. */
START_TEST(tour_guest_is_its_source)
{
    struct guests_image built = guests_load("guest-hello.bin");
    const char *dir = getenv("srcdir");
    char path[512];
    uint8_t bytes[4096];
    snprintf(path, sizeof path, "%s/examples/guest-hello.bin", dir ? dir : ".");
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s cannot be read; set srcdir", path);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    ck_assert_msg(n == built.length && memcmp(bytes, built.bytes, n) == 0, "examples/guest-hello.bin is not what examples/guest-hello.S "
                  "gives: copy tests/guest/guest-hello.bin from the build directory over it");
    free(built.bytes);
}
END_TEST

int main(void)
{
    guests_require();
    Suite *s = suite_create("guest");
    TCase *both = tcase_create("both engines"), *smp = tcase_create("smp");
    const TTest *const on_both[] = { hello_in_real_mode, strings_widths_and_holes, reset, power_off, triple_fault, halted_for_ever,
                                     multiboot_with_modules, spinning_guest_shares_its_cpu, twelve_guests };
    const TTest *const on_smp[] = { unhandled_exit_is_reported, sse_where_kvm_interprets, bad_images, input_reaches_a_halted_guest,
                                    stopping_a_guest_that_never_exits, tour_guest_is_its_source };
    int planned = 0;
    for (size_t i = 0; i < COUNT_OF(on_both); i++, planned += 2)
        tcase_add_loop_test(both, on_both[i], 0, 2);
    for (size_t i = 0; i < COUNT_OF(on_smp); i++, planned++)
        tcase_add_test(smp, on_smp[i]);
    tcase_set_timeout(both, 60);
    tcase_set_timeout(smp, 60);
    suite_add_tcase(s, both);
    suite_add_tcase(s, smp);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr), ran = srunner_ntests_run(sr);
    srunner_free(sr);
    return failed == 0 && ran == planned ? 0 : 1;
}
