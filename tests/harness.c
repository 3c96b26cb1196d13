/* SPDX-License-Identifier: BSD-2-Clause */
/* harness: see harness.h. */
#include "harness.h"
#ifdef UKERN_CHECK
#include "driver.h"
#endif
#include "core/calculus.h"
#include "host/barrier.h"
#include "host/ram.h"
#include "host/reserve.h"
#include "host/window.h"
#include "mm/container.h"
#include "mm/frame.h"
#include "mm/frame_table.h"
#include "mm/frame_type.h"
#include "mm/memmap.h"
#include "mm/pt_bit.h"
#include "mm/pt_kern.h"
#include "mm/share.h"
#include "mm/space.h"
#include "mm/tlb.h"
#include <sched.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_DISABLE_ERROR_REPORTING ((void)0)
#define VALGRIND_ENABLE_ERROR_REPORTING ((void)0)
#endif

static _Thread_local char error_text[256];
bool harness_fences;
static _Thread_local jmp_buf *broken; /* where a failed check goes; NULL: the test program ends */

/* ---- an engine of nothing: the test's own threads are the CPUs ---- */

static uint64_t none_now(struct ukern *m)
{
    (void)m;
    return 0;
}
static void none_point(struct cpu *c, enum point kind, uint64_t a, uint64_t b) { (void)c, (void)kind, (void)a, (void)b; }
static void none_spin(struct cpu *c, uint32_t turns)
{
    (void)c;
    if (turns > 100)
        sched_yield();
}
static void none_idle(struct cpu *c, uint64_t deadline) { (void)c, (void)deadline; }
static void none_kick(struct cpu *to) { (void)to; }
static bool none_barrier(struct ukern *m) { return m->fences || barrier_all(); }
static __attribute__((noreturn)) void none_park(struct cpu *c)
{
    if (broken)
        longjmp(*broken, 1);
#ifdef UKERN_CHECK
    const struct calculus_report *r = calculus_report(c->m);
    fprintf(stderr, "%s", r ? r->text : "");
#endif
    fprintf(stderr, "a check of the kernel failed outside harness_breaks: %s\n", c->m->error);
    abort();
}
static const struct engine_ops none_ops = {
    .now = none_now, .point = none_point, .spin = none_spin, .idle = none_idle, .kick = none_kick, .barrier = none_barrier, .park = none_park,
};

bool harness_breaks(void (*step)(void *arg), void *arg)
{
    jmp_buf back;
    struct cpu *cpu = here;
    volatile bool failed = true;
    broken = &back;
    if (setjmp(back) == 0) {
        step(arg);
        failed = false;
    }
    broken = NULL;
    here = cpu;
    return failed;
}

/* ---- boot ---- */

static enum ukern_status boot_layers(struct ukern *m)
{
    enum ukern_status st = ram_make(m, m->params.ram);
    if (st == UKERN_OK)
        st = window_init(m, machine_maps(m));
    if (st == UKERN_OK)
        st = memmap_init();
    if (st == UKERN_OK)
        st = frame_table_init();
    if (st == UKERN_OK)
        st = frame_type_init();
    if (st == UKERN_OK)
        st = frame_init();
    if (st == UKERN_OK)
        st = container_init();
    if (st == UKERN_OK)
        st = pt_kern_init();
    if (st == UKERN_OK)
        st = pt_bit_init();
    if (st == UKERN_OK)
        st = tlb_init();
    if (st == UKERN_OK)
        st = space_init();
    if (st == UKERN_OK)
        st = share_entry_init();
    return st == UKERN_OK ? share_init() : st;
}

void harness_modes(struct ukern_params *p)
{
#ifdef UKERN_CHECK
    enum { MODES = 32 };
    static _Thread_local struct ukern_layer_mode given[MODES];
    static _Thread_local char text[512];
    static const char *const names[] = { [UKERN_MODE_IMPL] = "impl", [UKERN_MODE_BOTH] = "both", [UKERN_MODE_SPEC] = "spec" };
    const char *from = getenv("UKERN_LAYERS"), *every = getenv("UKERN_CHECK_EVERY");
    if (!from || p->layer_count > 0)
        return;
    snprintf(text, sizeof text, "%s", from);
    p->layers = given;
    p->check_every = every ? (uint32_t)strtoul(every, NULL, 10) : p->check_every;
    char *rest = text, *word;
    while ((word = strsep(&rest, ",")) != NULL && p->layer_count < MODES) {
        char *mode = strchr(word, '=');
        ck_assert_msg(mode, "UKERN_LAYERS: expected layer=mode, it has `%s'", word);
        *mode++ = '\0';
        given[p->layer_count].layer = word;
        for (size_t i = 0; i < COUNT_OF(names); i++)
            if (strcmp(mode, names[i]) == 0)
                given[p->layer_count].mode = (enum ukern_mode)i;
        p->layer_count++;
    }
#else
    (void)p;
#endif
}

static void boot_defaults(struct ukern_params *p)
{
    p->cpus = p->cpus ? p->cpus : 1;
    p->ram = p->ram ? p->ram : 1 << 20;
    p->max_tasks = p->max_tasks ? p->max_tasks : 16;
    p->max_vms = p->max_vms ? p->max_vms : 4;
    p->max_containers = p->max_containers ? p->max_containers : 64;
    if (p->limits == UKERN_LIMITS_MCERTIKOS) {
        p->max_containers = 64;
        p->frame_policy = UKERN_FRAMES_LOWEST;
    }
}

enum ukern_status harness_boot(const struct ukern_params *params, size_t arena_bytes, struct ukern **ret_machine)
{
    struct ukern_params p = params ? *params : (struct ukern_params){ 0 };
    boot_defaults(&p);
    if (arena_bytes == 0) /* else the test counts bytes */
        harness_modes(&p);
    struct arena arena;
    /* 32 bytes a frame, 8 KiB a task or VM, 12 KiB a CPU are more than the layers take. */
    size_t enough = (1 << 20) + (size_t)(p.ram >> FRAME_SHIFT) * 32 + (size_t)(p.max_tasks + p.max_vms) * 8192 +
                    (size_t)p.max_containers * 128 + p.cpus * (size_t)12288;
#ifdef UKERN_CHECK
    enough += calculus_bytes(&p);
#endif
    enum ukern_status st = reserve_make(arena_bytes ? arena_bytes : enough, &arena);
    if (st != UKERN_OK)
        return st;
    arena.size = arena_bytes ? arena_bytes : arena.size; /* to the byte, so that every size is a case of its own */
    struct ukern *m = arena_array(&arena, struct ukern, 1);
    struct cpu *cpu = arena_array(&arena, struct cpu, p.cpus);
    if (!m || !cpu) {
        snprintf(error_text, sizeof error_text, "no room for the machine itself");
        reserve_free(&arena);
        return UKERN_NOMEM;
    }
    m->arena = arena;
    m->params = p;
    m->ops = &none_ops;
    m->fences = harness_fences || !barrier_offered();
    m->cpu = cpu;
    m->cpus = p.cpus;
    for (uint32_t i = 0; i < p.cpus; i++) {
        cpu[i].m = m;
        cpu[i].id = i;
    }
    here = &cpu[0];
#ifdef UKERN_CHECK
    st = calculus_start(m);
#endif
    if (st == UKERN_OK)
        st = boot_layers(m);
    if (st != UKERN_OK) {
        snprintf(error_text, sizeof error_text, "%s", m->error);
        harness_free(m);
        return st;
    }
    *ret_machine = m;
    return UKERN_OK;
}

struct ukern *harness_make(uint64_t ram)
{
    struct ukern *m = NULL;
    struct ukern_params p = { .ram = ram };
    enum ukern_status st = harness_boot(&p, 0, &m);
    ck_assert_msg(st == UKERN_OK, "boot answers %s: %s", ukern_status_name(st), harness_error());
    return m;
}

void harness_free(struct ukern *m)
{
    struct arena arena = m->arena; /* m lies in it */
    space_free(m);
    ram_free(m);
    here = NULL;
    reserve_free(&arena);
}

const char *harness_error(void) { return error_text; }

#ifdef UKERN_CHECK
void harness_calls(const struct driver_machine *dm, void (*calls)(void *m))
{
    struct ukern *m = NULL;
    enum ukern_status st = driver_machine_make(dm, &m, error_text, sizeof error_text);
    bool ok = st == UKERN_OK && driver_guard(m, calls, m);
    const struct calculus_report *r = m ? calculus_report(m) : NULL;
    if (!ok)
        fprintf(stderr, "%s", r ? r->text : m ? m->error : error_text);
    ck_assert_msg(ok, "%s: %s", r && r->prim ? r->prim->name : "machine", r ? r->what : st == UKERN_OK ? m->error : error_text);
    driver_machine_free(m);
}
#endif

/* ---- helpers ---- */

uint64_t harness_random(struct harness_random *r)
{
    uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

bool harness_all_code(void)
{
    const char *modes = getenv("UKERN_LAYERS");
    return !modes || !strstr(modes, "=spec");
}

bool harness_on_valgrind(void) { return RUNNING_ON_VALGRIND; }
bool harness_is_slow(void)
{
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
    return true;
#elif defined __has_feature
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
    return true;
#endif
#endif
    return harness_on_valgrind();
}
uint32_t harness_rounds(uint32_t n) { return harness_on_valgrind() ? (n + 9) / 10 : harness_is_slow() ? (n + 3) / 4 : n; }

uint64_t harness_hash(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static bool pipe_byte(void *p, bool write_back)
{
    int ends[2];
    char byte = 0;
    if (pipe(ends) != 0)
        abort();
    /* Linux copies the byte itself and answers EFAULT where a load or store would fault; valgrind would report that. */
    VALGRIND_DISABLE_ERROR_REPORTING;
    bool ok = write(ends[1], p, 1) == 1;
    if (ok)
        ok = read(ends[0], write_back ? p : &byte, 1) == 1;
    VALGRIND_ENABLE_ERROR_REPORTING;
    close(ends[0]);
    close(ends[1]);
    return ok;
}

bool harness_readable(const void *p) { return pipe_byte((void *)(uintptr_t)p, false); }
bool harness_writable(void *p) { return pipe_byte(p, true); }

/* ---- runner ---- */

int harness_main(const char *name, const TTest *const *tests)
{
    Suite *suite = suite_create(name);
    int planned = 0;
    for (; tests[planned]; planned++) {
        TCase *tc = tcase_create(tests[planned]->name);
        tcase_set_timeout(tc, 120);
        tcase_add_test(tc, tests[planned]);
        suite_add_tcase(suite, tc);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    if (ran != planned || planned == 0) {
        fprintf(stderr, "%s: %d tests are planned, %d ran\n", name, planned, ran);
        return 1;
    }
    return failed == 0 ? 0 : 1;
}
