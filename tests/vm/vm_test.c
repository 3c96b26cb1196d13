/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's calls for VMs, made by hosted tasks: results for wrong arguments, answers to exits, registers, recall, ownership, and
 * that a VM's memory and descriptors come home when its task ends. */
#include "vm/guests.h"
#include <dirent.h>
#include <stdlib.h>

/* Real mode at 0: reads four bytes from port 0x10, writes them to port 0x20; reads memory that is not there, writes what came to
 * port 0x22; asks CPUID for the hypervisor's name, writes its first letters to port 0x24; halts. */
__asm__(".pushsection .rodata\n"
        "probe:\n"
        ".code16\n"
        "    inl $0x10, %eax\n"
        "    outl %eax, $0x20\n"
        "    movw $0x8000, %bx\n"
        "    movl (%bx), %eax\n"
        "    outl %eax, $0x22\n"
        "    movl $0x40000000, %eax\n"
        "    cpuid\n"
        "    movl %ebx, %eax\n"
        "    outl %eax, $0x24\n"
        "    sti\n"
        "    hlt\n"
        "    cli\n"
        "    hlt\n"
        "probe_end:\n"
        ".code64\n"
        ".popsection\n");
extern const uint8_t probe[], probe_end[];

/* In a task: the line that failed is the exit code. */
#define WANT(condition)      \
    do {                     \
        if (!(condition))    \
            return __LINE__; \
    } while (0)
#define WANT_STATUS(call, status) WANT((call) == (status))

static enum ukern_status make(uint32_t flags, uint32_t *vm, void **memory)
{
    struct ukern_vm_regs r = { 0 };
    enum ukern_status st = ukern_vm_create(flags, vm);
    if (st != UKERN_OK || (st = ukern_mem_map(UKERN_MAP_LOW, 0x8000, UKERN_PROT_WRITE, memory)) != UKERN_OK)
        return st;
    memcpy(*memory, probe, (size_t)(probe_end - probe));
    if ((st = ukern_vm_map(*vm, 0, *memory, 0x8000)) != UKERN_OK || (st = ukern_vm_get_regs(*vm, &r)) != UKERN_OK)
        return st;
    r.cs.base = r.cs.selector = 0;
    r.rip = 0;
    return ukern_vm_set_regs(*vm, &r);
}

/* To the guest's own next exit: a recall may come at any time, when the host is slow. */
static enum ukern_status run_on(uint32_t vm, struct ukern_vm_exit *x)
{
    enum ukern_status st;
    do
        st = ukern_vm_run(vm, x);
    while (st == UKERN_OK && x->kind == UKERN_EXIT_RECALL);
    return st;
}

static int answers(const struct ukern_start *start)
{
    struct ukern_vm_exit x = { 0 };
    struct ukern_vm_regs r = { 0 };
    void *memory;
    uint32_t vm, v = 0x11223344;
    (void)start;
    WANT_STATUS(make(0, &vm, &memory), UKERN_OK);
    WANT_STATUS(ukern_mem_unmap(memory, 0x8000), UKERN_OK); /* the guest keeps its memory */
    WANT_STATUS(run_on(vm, &x), UKERN_OK);
    WANT(x.kind == UKERN_EXIT_IO && !x.write && x.address == 0x10 && x.width == 4 && x.count == 1);
    memcpy(x.data, &v, 4);
    WANT_STATUS(ukern_wake(start->task), UKERN_OK); /* the answer survives a recall */
    WANT_STATUS(ukern_vm_run(vm, &x), UKERN_OK);
    WANT(x.kind == UKERN_EXIT_RECALL);
    WANT_STATUS(run_on(vm, &x), UKERN_OK);
    WANT(x.kind == UKERN_EXIT_IO && x.write && x.address == 0x20 && x.width == 4 && memcmp(x.data, &v, 4) == 0);
    WANT_STATUS(run_on(vm, &x), UKERN_OK);
    WANT(x.kind == UKERN_EXIT_MMIO && !x.write && x.address == 0x8000 && x.width == 4);
    v = 0xa1b2c3d4;
    memcpy(x.data, &v, 4);
    WANT_STATUS(run_on(vm, &x), UKERN_OK);
    WANT(x.kind == UKERN_EXIT_IO && x.address == 0x22 && memcmp(x.data, &v, 4) == 0);
    WANT_STATUS(run_on(vm, &x), UKERN_OK);
    WANT(x.kind == UKERN_EXIT_IO && x.address == 0x24 && memcmp(x.data, "uker", 4) == 0);
    WANT_STATUS(run_on(vm, &x), UKERN_OK);
    WANT(x.kind == UKERN_EXIT_HLT);
    WANT_STATUS(ukern_vm_get_regs(vm, &r), UKERN_OK);
    WANT(r.rflags >> 9 & 1 && r.rbx == 0x72656b75 && r.rip == (uint64_t)(probe_end - probe) - 2);
    WANT_STATUS(run_on(vm, &x), UKERN_OK);
    WANT(x.kind == UKERN_EXIT_HLT);
    return 7;
}

static int wrong_arguments(const struct ukern_start *start)
{
    struct ukern_vm_exit x = { 0 };
    struct ukern_vm_regs r = { 0 };
    uint32_t vm, other;
    void *memory, *more;
    (void)start;
    WANT_STATUS(ukern_vm_create(2, &vm), UKERN_BADARG);
    WANT_STATUS(ukern_vm_run(0, &x), UKERN_NOTFOUND);
    WANT_STATUS(make(UKERN_VM_IRQCHIP, &vm, &memory), UKERN_OK);
    WANT_STATUS(ukern_mem_map(UKERN_MAP_LOW + 0x10000, 0x4000, UKERN_PROT_WRITE, &more), UKERN_OK);
    WANT_STATUS(ukern_vm_map(vm, 0x10001, more, 0x1000), UKERN_BADARG);
    WANT_STATUS(ukern_vm_map(vm, 0x10000, (uint8_t *)more + 1, 0x1000), UKERN_BADARG);
    WANT_STATUS(ukern_vm_map(vm, 0x10000, more, 0), UKERN_BADARG);
    WANT_STATUS(ukern_vm_map(vm, 0x10000, more, 0x800), UKERN_BADARG);
    WANT_STATUS(ukern_vm_map(vm, UINT64_C(0xffffffff) << 12, more, 0x1000), UKERN_BADARG);
    WANT_STATUS(ukern_vm_map(vm, 0xfffff000, more, 0x2000), UKERN_BADARG);
    WANT_STATUS(ukern_vm_map(vm, 0x7000, more, 0x1000), UKERN_EXISTS);
    WANT_STATUS(ukern_vm_map(vm, 0x10000, (void *)(uintptr_t)start->argv, 0x1000), UKERN_BADARG);
    WANT_STATUS(ukern_vm_map(vm, 0x8000, more, 0x4000), UKERN_OK); /* one run with its neighbour */
    WANT_STATUS(ukern_vm_irq(vm, 24, true), UKERN_BADARG);
    WANT_STATUS(ukern_vm_irq(vm, 4, true), UKERN_OK);
    WANT_STATUS(ukern_vm_irq(vm, 4, false), UKERN_OK);
    WANT_STATUS(ukern_vm_get_regs(vm, &r), UKERN_OK);
    r.cr0 = UINT64_C(1) << 31; /* paging without protection */
    WANT_STATUS(ukern_vm_set_regs(vm, &r), UKERN_OK);
    WANT_STATUS(ukern_vm_run(vm, &x), UKERN_BADARG);
    WANT_STATUS(ukern_vm_create(0, &other), UKERN_OK);
    WANT_STATUS(ukern_vm_irq(other, 4, true), UKERN_BADARG); /* it has no interrupt controllers */
    WANT_STATUS(ukern_vm_create(0, &x.width), UKERN_NOMEM);  /* max_vms is 2 */
    WANT_STATUS(ukern_vm_destroy(other), UKERN_OK);
    WANT_STATUS(ukern_vm_destroy(other), UKERN_NOTFOUND);
    WANT_STATUS(ukern_vm_create(0, &other), UKERN_OK);
    return 7;
}

/* Memory that is not the task's to give ends the task, like every wild address. */
static int gives_a_hole(const struct ukern_start *start)
{
    uint32_t vm;
    void *memory;
    (void)start;
    WANT_STATUS(make(0, &vm, &memory), UKERN_OK);
    (void)ukern_vm_map(vm, 0x10000, (uint8_t *)memory + 0x7000, 0x2000); /* its second page is not mapped */
    return 7;
}

static int gives_read_only(const struct ukern_start *start)
{
    uint32_t vm;
    WANT_STATUS(ukern_vm_create(0, &vm), UKERN_OK);
    (void)ukern_vm_map(vm, 0, (void *)((uintptr_t)start & ~UINT64_C(4095)), 0x1000);
    return 7;
}

static int owner(const struct ukern_start *start)
{
    uint32_t vm;
    WANT_STATUS(ukern_vm_create(0, &vm), UKERN_OK);
    WANT(vm == 0);
    WANT_STATUS(ukern_wake(start->task + 1), UKERN_OK);
    WANT_STATUS(ukern_wait_wake(0), UKERN_OK);
    return 7;
}

static int thief(const struct ukern_start *start)
{
    struct ukern_vm_exit x = { 0 };
    struct ukern_vm_regs r = { 0 };
    WANT_STATUS(ukern_wait_wake(0), UKERN_OK);
    WANT_STATUS(ukern_vm_run(0, &x), UKERN_NOTFOUND);
    WANT_STATUS(ukern_vm_get_regs(0, &r), UKERN_NOTFOUND);
    WANT_STATUS(ukern_vm_irq(0, 4, true), UKERN_NOTFOUND);
    WANT_STATUS(ukern_vm_destroy(0), UKERN_NOTFOUND);
    WANT_STATUS(ukern_wake(start->task - 1), UKERN_OK);
    return 7;
}

static int descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* Runs the programs on two CPUs, twice over, and looks at what is left. */
static void run(const char *name, enum ukern_engine engine, enum ukern_expect expect, ukern_program *first, ukern_program *second)
{
    struct guests_run r = { 0 };
    struct ukern_hooks hooks = guests_hooks(&r);
    struct ukern_params p = { .size = sizeof p, .cpus = 2, .engine = engine, .max_vms = 2, .hooks = &hooks };
    int before = descriptors();
    struct ukern *m;
    ck_ok(ukern_make(&p, &m));
    ukern_program *programs[] = { first, second };
    for (uint32_t i = 0; i < 2 && programs[i]; i++) {
        struct ukern_task_params t = { .size = sizeof t, .name = name, .program = programs[i], .cpu = i, .expect_code = 7, .expect = expect };
        uint32_t n;
        ck_ok(ukern_spawn(m, &t, &n));
    }
    enum ukern_status st = ukern_run(m);
    for (uint32_t i = 0; i < 2 && programs[i]; i++) {
        struct ukern_task_info info = { .size = sizeof info };
        ck_ok(ukern_task_info(m, i, &info));
        ck_assert_msg(expect == UKERN_EXPECT_KILLED ? info.killed : info.code == 7, "%s %u: line %d failed (%s)", name, i, info.code, info.reason);
    }
    ck_status(st, UKERN_OK);
    struct ukern_stats s = { .size = sizeof s };
    ukern_stats(m, &s);
    ck_assert_uint_eq(s.frames_used, 0);
    ukern_free(m);
    ck_assert_int_eq(descriptors(), before);
}

static const enum ukern_engine engines[] = { UKERN_SMP, UKERN_SIM };

START_TEST(exits_and_answers) { run("answers", engines[_i], UKERN_EXPECT_EXIT, answers, NULL); }
END_TEST
START_TEST(arguments) { run("arguments", engines[_i], UKERN_EXPECT_EXIT, wrong_arguments, NULL); }
END_TEST
START_TEST(ownership) { run("ownership", engines[_i], UKERN_EXPECT_EXIT, owner, thief); }
END_TEST

START_TEST(foreign_memory) { run("foreign", engines[_i], UKERN_EXPECT_KILLED, gives_a_hole, gives_read_only); }
END_TEST

static int unsupported(const struct ukern_start *start)
{
    uint32_t vm;
    (void)start;
    WANT_STATUS(ukern_vm_create(0, &vm), UKERN_UNSUPPORTED);
    return 7;
}

START_TEST(without_kvm)
{
    struct ukern_params p = { .size = sizeof p, .without_kvm = true };
    struct ukern_task_params t = { .size = sizeof t, .name = "t", .program = unsupported, .expect_code = 7 };
    struct ukern_vm_params v = { .size = sizeof v, .name = "v", .kernel = { "k", "\364", 1 } };
    struct ukern *m;
    uint32_t n;
    ck_ok(ukern_make(&p, &m));
    ck_status(ukern_spawn_vm(m, &v, &n), UKERN_UNSUPPORTED);
    ck_assert(strstr(ukern_error(m), "without_kvm"));
    ck_ok(ukern_spawn(m, &t, &n));
    ck_status(ukern_run(m), UKERN_OK);
    ukern_free(m);
}
END_TEST

int main(void)
{
    guests_require();
    Suite *s = suite_create("vm");
    TCase *t = tcase_create("calls");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, exits_and_answers, 0, 2);
    tcase_add_loop_test(t, arguments, 0, 2);
    tcase_add_loop_test(t, ownership, 0, 2);
    tcase_add_loop_test(t, foreign_memory, 0, 2);
    tcase_add_test(t, without_kvm);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr), ran = srunner_ntests_run(sr);
    srunner_free(sr);
    return failed == 0 && ran == 9 ? 0 : 1;
}
