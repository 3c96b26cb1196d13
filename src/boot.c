/* SPDX-License-Identifier: BSD-2-Clause */
/* boot: every layer's init in plain sight, bottom first. */
#include "boot.h"
#include "console.h"
#include "core/calculus.h"
#include "core/sanitize.h"
#include "host/clock.h"
#include "host/engine.h"
#include "host/ram.h"
#include "host/reserve.h"
#include "host/window.h"
#include "ipc/chan.h"
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
#include "sched/thread.h"
#include "vm/vm.h"

enum { MCERTIKOS_IDS = 64 }; /* containers and page maps of mCertiKOS */
#define SIM_WALL_TIME UINT64_C(1767225600) /* 2026-01-01 */

struct cpu *boot_enter(struct ukern *m)
{
    struct cpu *outside = here;
    here = &m->cpu[0];
    here->simulated = false; /* no points: nobody else moves */
    return outside;
}

void boot_leave(struct cpu *outside)
{
    here->simulated = here->m->params.engine == UKERN_SIM;
    here = outside;
}

/* Before there is a machine, errors go to the hook directly. */
static enum ukern_status refuse(const struct ukern_params *p, enum ukern_status st, const char *text)
{
    if (p->hooks && p->hooks->log)
        p->hooks->log(p->hooks->ctx, UKERN_LOG_ERROR, text);
    return st;
}

/* The fast build has no specification: it says so, and never ignores what was asked. */
static enum ukern_status modes_built(struct ukern *m)
{
#ifdef UKERN_CHECK
    return calculus_start(m);
#else
    for (size_t i = 0; i < m->params.layer_count; i++)
        if (m->params.layers[i].mode != UKERN_MODE_IMPL)
            return machine_fail(m, UKERN_NOTBUILT, "params.layers: this is the fast build, every layer runs its code: expected impl for"
                                " `%.40s'; the check build (ukern-check, libukern-check.a) has the specifications",
                                m->params.layers[i].layer ? m->params.layers[i].layer : "?");
    return UKERN_OK;
#endif
}

static enum ukern_status check(const struct ukern_params *p)
{
    if (p->hooks && p->hooks->size == 0)
        return UKERN_BADARG; /* nobody to tell */
    if (p->engine != UKERN_SMP && p->engine != UKERN_SIM)
        return refuse(p, UKERN_BADARG, "params.engine: expected UKERN_SMP or UKERN_SIM");
    if (p->cpus > 256)
        return refuse(p, UKERN_BADARG, "params.cpus: expected 1 to 256");
    if (p->ram % FRAME_SIZE || p->ram > RAM_MAX_BYTES)
        return refuse(p, UKERN_BADARG, "params.ram: expected a multiple of 4096, less than 16 TiB");
    if (p->region_count > MEMMAP_REGIONS || (p->region_count && !p->regions))
        return refuse(p, UKERN_BADARG, "params.region_count: expected at most 64 regions, and regions");
    if (p->layer_count > 256 || (p->layer_count && !p->layers))
        return refuse(p, UKERN_BADARG, "params.layer_count: expected at most 256 modes of layers, and layers");
    if (p->max_tasks > 65535 || p->max_channels > 65535 || p->max_vms > 1024)
        return refuse(p, UKERN_BADARG, "params.max_...: expected at most 65535 tasks, 65535 channels, 1024 VMs");
    if (p->max_containers > 65535)
        return refuse(p, UKERN_BADARG, "params.max_containers: expected at most 65535");
    if (p->frame_policy != UKERN_FRAMES_ANY && p->frame_policy != UKERN_FRAMES_LOWEST)
        return refuse(p, UKERN_BADARG, "params.frame_policy: expected UKERN_FRAMES_ANY or UKERN_FRAMES_LOWEST");
    if (p->limits != UKERN_LIMITS_OWN && p->limits != UKERN_LIMITS_MCERTIKOS)
        return refuse(p, UKERN_BADARG, "params.limits: expected UKERN_LIMITS_OWN or UKERN_LIMITS_MCERTIKOS");
    return UKERN_OK;
}

static struct ukern_params with_defaults(const struct ukern_params *given)
{
    struct ukern_params p = { .size = sizeof p };
    if (given) /* an older program's struct is shorter: what it does not know stays 0 */
        memcpy(&p, given, given->size < sizeof p ? given->size : sizeof p);
    p.size = sizeof p;
    p.cpus = p.cpus ? p.cpus : 1;
    p.ram = p.ram ? p.ram : UINT64_C(64) << 20;
    p.max_tasks = p.max_tasks ? p.max_tasks : 256;
    p.max_channels = p.max_channels ? p.max_channels : 64;
    p.max_vms = p.max_vms ? p.max_vms : 16;
    p.max_containers = p.max_containers ? p.max_containers : 1024;
    if (p.limits == UKERN_LIMITS_MCERTIKOS) {
        p.max_containers = MCERTIKOS_IDS;
        p.frame_policy = UKERN_FRAMES_LOWEST;
    }
    if (p.wall_time == 0) /* a simulation knows nothing of today */
        p.wall_time = p.engine == UKERN_SIM ? SIM_WALL_TIME : clock_wall();
    return p;
}

/* Address space is free; what is never touched costs nothing. */
static size_t arena_bytes(const struct ukern_params *p)
{
    size_t per_task = 512 << 10, per_cpu = (2 << 20) + (size_t)p->max_tasks * 16;
#ifdef UKERN_CHECK
    size_t checker = calculus_bytes(p);
#else
    size_t checker = 0;
#endif
    return checker + (64 << 20) + p->max_tasks * per_task + p->cpus * per_cpu + (size_t)(p->ram >> FRAME_SHIFT) * 64 +
           p->max_channels * (size_t)512 + p->max_vms * (size_t)65536 + p->max_containers * (size_t)128;
}

static enum ukern_status copy_in(struct ukern *m, const struct ukern_params *p)
{
    m->params = *p;
    if (p->hooks)
        memcpy(&m->hooks, p->hooks, p->hooks->size < sizeof m->hooks ? p->hooks->size : sizeof m->hooks);
    m->params.hooks = &m->hooks;
    struct ukern_region *regions = arena_array(&m->arena, struct ukern_region, p->region_count);
    struct ukern_layer_mode *layers = arena_array(&m->arena, struct ukern_layer_mode, p->layer_count);
    m->cpu = arena_array(&m->arena, struct cpu, p->cpus);
    if (!regions || !layers || !m->cpu)
        return UKERN_NOMEM;
    if (p->region_count)
        memcpy(regions, p->regions, p->region_count * sizeof *regions);
    m->params.regions = regions;
    if (p->layer_count)
        memcpy(layers, p->layers, p->layer_count * sizeof *layers);
    m->params.layers = layers;
    m->cpus = p->cpus;
    for (uint32_t i = 0; i < m->cpus; i++) {
        m->cpu[i].m = m;
        m->cpu[i].id = i;
    }
    return UKERN_OK;
}

static enum ukern_status frames_init(void)
{
    static enum ukern_status (*const init[])(void) = { memmap_init, frame_table_init, frame_type_init, frame_init, container_init };
    enum ukern_status st = UKERN_OK;
    for (size_t i = 0; st == UKERN_OK && i < COUNT_OF(init); i++)
        st = init[i]();
    return st;
}

/* The order is that of src/LAYERS. */
static enum ukern_status layers_init(struct ukern *m)
{
    static enum ukern_status (*const init[])(void) = { frames_init, pt_kern_init, pt_bit_init, tlb_init, space_init,
                                                       share_entry_init, share_init, thread_init };
    enum ukern_status st = ram_make(m, m->params.ram);
    if (st == UKERN_OK)
        st = window_init(m, machine_maps(m)); /* one for each page map that there can be */
    for (size_t i = 0; st == UKERN_OK && i < COUNT_OF(init); i++)
        st = init[i]();
    if (st == UKERN_OK)
        st = chan_init(m->params.max_channels);
    if (st == UKERN_OK)
        st = vm_init();
    if (st == UKERN_OK)
        st = console_init();
    return st;
}

enum ukern_status boot_make(const struct ukern_params *given, struct ukern **ret_machine)
{
    if (given && given->size == 0)
        return UKERN_BADARG;
    struct ukern_params p = with_defaults(given);
    struct arena arena;
    enum ukern_status st = check(&p);
    if (st != UKERN_OK)
        return st;
    st = reserve_make(arena_bytes(&p), &arena);
    if (st != UKERN_OK)
        return refuse(&p, st, "the machine's address space could not be reserved: is the limit on virtual memory (ulimit -v) too low?");
    struct ukern *m = arena_array(&arena, struct ukern, 1);
    m->arena = arena;
    m->valgrind = sanitize_valgrind();
    st = copy_in(m, &p);
    if (st == UKERN_OK)
        st = engine_make(m);
    if (st == UKERN_OK) {
        struct cpu *outside = boot_enter(m);
        st = modes_built(m);
        if (st == UKERN_OK)
            st = layers_init(m);
        boot_leave(outside);
    }
    if (st == UKERN_OK) {
        *ret_machine = m;
        return UKERN_OK;
    }
    if (m->error[0] == 0 && m->ops)
        (void)machine_fail(m, st, "the machine could not be made: %s", ukern_status_name(st));
    boot_free(m);
    return st;
}

void boot_free(struct ukern *m)
{
    vm_free(m);
    thread_free(m);
    space_free(m);
    engine_free(m);
    ram_free(m);
    struct arena arena = m->arena; /* m lies in it */
    reserve_free(&arena);
}
