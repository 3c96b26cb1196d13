/* SPDX-License-Identifier: BSD-2-Clause */
/* driver: machines of the lower part of the tower, and whole runs on them. */
#include "driver_inside.h"
#include "core/sanitize.h"
#include "host/engine.h"
#include "host/reserve.h"
#include "host/window.h"
#include "mm/space.h"
#include <time.h>

/* What a machine's CPUs find through its hooks. */
struct seat {
    jmp_buf escape;
    bool armed;
    const char *why;   /* it gave up without a report */
    struct driver *driver;
};

/* ---- an engine of nothing: one host thread is the CPU that `here` says ---- */

static struct seat *seat_of(const struct ukern *m) { return m->hooks.ctx; }

static __attribute__((noreturn)) void seq_park(struct cpu *c)
{
    struct seat *s = seat_of(c->m);
    if (s->armed)
        longjmp(s->escape, 1);
    __builtin_trap(); /* a check failed outside of every guard: a mistake in the driver */
}
static uint64_t seq_now(struct ukern *m) { return (void)m, 0; }
static void seq_point(struct cpu *c, enum point kind, uint64_t a, uint64_t b) { (void)c, (void)kind, (void)a, (void)b; }
static void seq_spin(struct cpu *c, uint32_t turns)
{
    if (turns < 100000)
        return;
    seat_of(c->m)->why = "a wait that never ends: only one CPU at a time runs here";
    machine_end(c->m, END_BROKEN);
    seq_park(c);
}
static void seq_idle(struct cpu *c, uint64_t deadline) { (void)c, (void)deadline; }
static void seq_kick(struct cpu *to) { (void)to; }
static bool seq_barrier(struct ukern *m) { return (void)m, true; }
static const struct engine_ops seq_ops = {
    .now = seq_now, .point = seq_point, .spin = seq_spin, .idle = seq_idle, .kick = seq_kick, .barrier = seq_barrier, .park = seq_park,
};

static bool guard(struct ukern *m, void (*step)(void *arg), void *arg)
{
    struct seat *s = seat_of(m);
    struct cpu *cpu = &m->cpu[0];
    const struct engine_ops *ops = m->ops;
    bool simulated = cpu->simulated;
    here = cpu;
    m->ops = &seq_ops;
    for (uint32_t i = 0; i < m->cpus; i++)
        m->cpu[i].simulated = false;
    s->armed = true;
    volatile bool ok = false;
    if (setjmp(s->escape) == 0) {
        step(arg);
        ok = true;
    }
    s->armed = false;
    m->ops = ops;
    for (uint32_t i = 0; i < m->cpus; i++)
        m->cpu[i].simulated = simulated;
    return ok;
}

bool driver_guard(struct ukern *m, void (*step)(void *arg), void *arg)
{
    struct cpu *outside = here;
    bool ok = guard(m, step, arg) && !machine_is_broken(m);
    here = outside;
    return ok;
}

/* ---- the tower ---- */

const struct layer *driver_layer(const char *name)
{
    for (const struct layer *const *l = calculus_tower.layers; *l; l++)
        if (strcmp((*l)->name, name) == 0)
            return *l;
    return NULL;
}

const struct layer *driver_top(void)
{
    const struct layer *const *l = calculus_tower.layers;
    while (*l && l[1])
        l++;
    return *l;
}

void driver_defaults(struct driver_machine *dm)
{
    const struct layer *top = driver_top();
    *dm = (struct driver_machine){ .frames = 1024, .cpus = 2, .containers = 64, .maps = 24, .check_every = 1000 };
    snprintf(dm->top, sizeof dm->top, "%s", top ? top->name : "");
}

void driver_mode(struct driver_machine *dm, const char *layer, enum ukern_mode mode)
{
    bool all = strcmp(layer, "all") == 0;
    for (const struct layer *const *l = calculus_tower.layers; *l; l++)
        if (all || strcmp((*l)->name, layer) == 0)
            dm->mode[(*l)->index] = mode;
}

/* ---- the machine ---- */

struct boot {
    struct ukern *m;
    const struct layer *top;
    enum ukern_status st;
};

static void boot_layers(void *arg)
{
    struct boot *b = arg;
    for (const struct layer *const *l = calculus_tower.layers; b->st == UKERN_OK && *l && (*l)->index <= b->top->index; l++)
        for (const struct prim *const *p = (*l)->prims; b->st == UKERN_OK && *p; p++) {
            const char *stem = strstr((*p)->name, "_init");
            unsigned char args[HOOK_RECORD] = { 0 }, ret[HOOK_RECORD] = { 0 };
            if (!stem || stem[5] != 0 || (size_t)(stem - (*p)->name) != strlen((*l)->name) || (*p)->args_size > 1)
                continue;
            (*p)->call(args, ret);
            b->st = (*p)->has_status ? (enum ukern_status)word_at(ret, 0) : UKERN_OK;
        }
}

static size_t arena_bytes(const struct ukern_params *p)
{
    return (32 << 20) + (size_t)(p->ram >> FRAME_SHIFT) * 64 + p->cpus * (size_t)(4 << 20) +
           ((size_t)p->max_tasks + p->max_containers) * 4096 + calculus_bytes(p);
}

static enum ukern_status make(const struct ukern_params *p, const struct driver_machine *dm, struct ukern **ret_machine)
{
    struct arena arena;
    struct ukern_hooks hooks = { .size = sizeof hooks };
    enum ukern_status st = reserve_make(arena_bytes(p), &arena);
    if (st != UKERN_OK)
        return st;
    struct ukern *m = arena_array(&arena, struct ukern, 1);
    m->arena = arena;
    m->valgrind = sanitize_valgrind();
    m->params = *p;
    m->cpu = arena_array(&m->arena, struct cpu, p->cpus);
    struct seat *seat = arena_array(&m->arena, struct seat, 1);
    if (!m->cpu || !seat)
        return UKERN_NOMEM;
    hooks.ctx = seat;
    m->hooks = hooks;
    m->params.hooks = &m->hooks;
    m->cpus = p->cpus;
    m->ops = &seq_ops;
    for (uint32_t i = 0; i < m->cpus; i++) {
        m->cpu[i].m = m;
        m->cpu[i].id = i;
    }
    *ret_machine = m;
    here = &m->cpu[0];
    if (dm->engine != DRIVER_SEQ)
        st = engine_make(m);
    if (st == UKERN_OK)
        st = ram_make(m, p->ram);
    if (st == UKERN_OK)
        st = window_init(m, machine_maps(m));
    return st == UKERN_OK ? calculus_start(m) : st;
}

enum ukern_status driver_machine_make(const struct driver_machine *dm, struct ukern **ret_machine, char *why, size_t size)
{
    struct boot b = { .top = driver_layer(dm->top) };
    struct ukern_layer_mode modes[TOWER_LAYERS];
    struct ukern_params p = {
        .size = sizeof p, .engine = dm->engine == DRIVER_SMP ? UKERN_SMP : UKERN_SIM, .cpus = dm->cpus, .seed = dm->seed,
        .ram = (uint64_t)dm->frames << FRAME_SHIFT, .max_tasks = dm->maps, .max_containers = dm->containers, .max_channels = 1,
        .frame_policy = dm->lowest || dm->mcertikos ? UKERN_FRAMES_LOWEST : UKERN_FRAMES_ANY, .without_kvm = true,
        .limits = dm->mcertikos ? UKERN_LIMITS_MCERTIKOS : UKERN_LIMITS_OWN, .layers = modes, .check_every = dm->check_every,
        .wall_time = 1,
    };
    if (!b.top) {
        snprintf(why, size, "there is no layer \"%s\" with a specification", dm->top);
        return UKERN_BADARG;
    }
    for (const struct layer *const *l = calculus_tower.layers; *l && (*l)->index <= b.top->index; l++)
        if (dm->mode[(*l)->index] != UKERN_MODE_IMPL)
            modes[p.layer_count++] = (struct ukern_layer_mode){ (*l)->name, dm->mode[(*l)->index] };
    struct cpu *outside = here;
    b.st = make(&p, dm, &b.m);
    if (b.st == UKERN_OK && dm->where)
        calculus_set_resolver(b.m, dm->where);
    if (b.st == UKERN_OK && dm->replay)
        calculus_set_replay(b.m, dm->replay);
    if (b.st == UKERN_OK) { /* no full check in between: a layer whose init is refused has nothing to compare */
        b.m->params.check_every = 0;
        if (!guard(b.m, boot_layers, &b))
            b.st = UKERN_BROKEN;
        b.m->params.check_every = dm->check_every;
        calculus_fail_at(b.m, dm->heap_fails);
    }
    here = outside;
    *ret_machine = b.m;
    snprintf(why, size, "%s: %s", ukern_status_name(b.st), b.m ? b.m->error : "no address space for the machine");
    return b.st;
}

void driver_machine_free(struct ukern *m)
{
    if (!m)
        return;
    struct cpu *outside = here;
    here = &m->cpu[0];
    space_free(m);
    if (m->engine)
        engine_free(m);
    ram_free(m);
    struct arena arena = m->arena; /* m lies in it */
    here = outside && outside->m == m ? NULL : outside;
    reserve_free(&arena);
}

/* ---- a run ---- */

static void run_lane(struct lane *l)
{
    struct driver *d = l->d;
    for (; l->next < l->n; l->next++) {
        if (machine_has_ended(d->m) || (d->bytes && d->bytes >= d->bytes_end))
            break;
        if (d->draws)
            driver_draw(l, &l->command[l->next]);
        driver_call(l, &l->command[l->next], l->next);
        if (d->lanes == 1)
            d->s->mark[l->next] = l->trace;
    }
    if (!machine_has_ended(d->m))
        driver_leave_all(l);
}

static void run_seq(void *arg)
{
    struct driver *d = arg;
    run_lane(d->lane);
    if (d->injection)
        driver_inject_run(d->lane, d->lane->n, d->injection);
}

static void driver_cpu_main(struct cpu *c)
{
    struct driver *d = seat_of(c->m)->driver;
    run_lane(&d->lane[c->id]);
    if (atomic_fetch_add(&d->ended, 1) + 1 == d->lanes)
        machine_end(c->m, END_DONE);
    while (!machine_has_ended(c->m))
        c->m->ops->idle(c, 0);
    c->m->ops->park(c);
}

static void nothing_more(struct ukern *m) { (void)m; }

static bool run_engine(struct driver *d)
{
    struct ukern *m = d->m;
    bool idle = false;
    m->on_quiet = nothing_more;
    for (uint32_t i = 0; i < m->cpus; i++)
        m->cpu[i].simulated = d->dm->engine == DRIVER_SIM;
    if (engine_start(m, driver_cpu_main) != UKERN_OK)
        return false;
    m->started = true;
    if (d->dm->engine == DRIVER_SMP)
        engine_wait(m);
    while (d->dm->engine == DRIVER_SIM && !machine_has_ended(m))
        engine_step(m, UINT64_MAX, &idle);
    return !machine_is_broken(m);
}

static void check_all(void *arg)
{
    struct driver *d = arg;
    d->full += calculus_check_all(d->m);
}

/* ---- outcomes ---- */

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void tell_failure(const struct driver *d, struct driver_outcome *o)
{
    const struct calculus_report *r = calculus_report(d->m);
    const char *why = seat_of(d->m)->why;
    o->failed = true;
    if (r) {
        o->kind = r->kind;
        snprintf(o->what, sizeof o->what, "%s", r->what);
        snprintf(o->prim, sizeof o->prim, "%s", r->prim ? r->prim->name : "");
        snprintf(o->layer, sizeof o->layer, "%s", r->layer ? r->layer->name : "");
        snprintf(o->text, sizeof o->text, "%s", r->text);
        return;
    }
    snprintf(o->what, sizeof o->what, "%.159s", why ? why : d->m->error);
    for (uint32_t i = 0; i < d->lanes; i++)
        if (d->lane[i].next < d->lane[i].n)
            snprintf(o->prim, sizeof o->prim, "%s", d->table->prim[d->lane[i].command[d->lane[i].next].prim].prim->name);
    snprintf(o->text, sizeof o->text, "%s: %s\n", o->prim, o->what);
}

static void tell_counts(const struct driver *d, struct driver_outcome *o)
{
    const struct layer *top = driver_layer(d->dm->top);
    for (const struct layer *const *l = calculus_tower.layers; *l && (*l)->index <= top->index; l++) {
        struct calculus_counts c = calculus_counts(d->m, *l);
        o->layer_counts[o->layers].layer = (*l)->name;
        o->layer_counts[o->layers].code = c.code;
        o->layer_counts[o->layers].spec = c.spec;
        o->layer_counts[o->layers++].mode = calculus_mode(d->m, *l);
    }
    for (uint32_t i = 0; i < d->lanes; i++) {
        const struct lane *l = &d->lane[i];
        o->done += l->done;
        o->refused += l->refused;
        o->undefined += l->undefined;
        o->skipped += l->skipped;
        o->trace = (o->trace ^ l->trace) * UINT64_C(0x9e3779b97f4a7c15);
        o->at = l->next < l->n ? l->next + 1 : o->at > l->n ? o->at : l->n;
    }
    o->prims = d->table->prims;
    for (uint32_t i = 0; i < d->table->prims; i++)
        o->prim_done[i] += d->prim_done[i];
    o->steps = calculus_steps(d->m);
    o->full = d->full;
}

enum { INJECTED = 65536 }; /* numbers of commands for injection: more than it makes */

static bool lanes_make(struct driver *d, uint64_t seed)
{
    bool ok = true;
    for (uint32_t i = 0; i < d->lanes; i++) {
        struct lane *l = &d->lane[i];
        l->d = d;
        l->n = d->s->n / d->lanes;
        l->command = d->s->command + (size_t)i * l->n;
        l->random.state = seed + i * UINT64_C(0x632be59bd9b4e019);
        l->scratch = calloc(1, DRIVER_SCRATCH + 16);
        ok &= driver_names_make(&l->names, d->dm, l->n + (d->injection ? INJECTED : 0)) && l->scratch;
    }
    return ok;
}

static void lanes_free(struct driver *d)
{
    for (uint32_t i = 0; d->lane && i < d->lanes; i++) {
        driver_names_free(&d->lane[i].names);
        free(d->lane[i].scratch);
    }
    free(d->lane);
    free(d->table);
}

static void run(struct driver *d, uint64_t seed, struct driver_outcome *o)
{
    *o = (struct driver_outcome){ 0 };
    d->dm = &d->s->machine;
    d->lanes = d->dm->engine == DRIVER_SEQ ? 1 : d->dm->cpus;
    o->boot = driver_machine_make(d->dm, &d->m, o->text, sizeof o->text);
    const struct layer *top = driver_layer(d->dm->top);
    d->table = top ? driver_table(top) : NULL;
    d->lane = calloc(d->lanes, sizeof *d->lane);
    if (d->table && d->lane && lanes_make(d, seed) && o->boot == UKERN_OK) {
        double start = now();
        seat_of(d->m)->driver = d;
        bool ok = d->dm->engine == DRIVER_SEQ ? guard(d->m, run_seq, d) && !machine_is_broken(d->m) : run_engine(d);
        o->seconds = now() - start;
        ok = ok && guard(d->m, check_all, d) && !machine_is_broken(d->m);
        if (!ok)
            tell_failure(d, o);
        tell_counts(d, o);
        o->hash = calculus_hash(d->m);
    } else if (o->boot == UKERN_BROKEN) {
        tell_failure(d, o);
    }
    here = NULL;
    driver_machine_free(d->m);
    lanes_free(d);
}

static bool room_for(struct driver_sequence *s, uint32_t n)
{
    struct driver_command *more = n <= s->room ? s->command : realloc(s->command, n * sizeof *more);
    s->command = more ? more : s->command;
    uint64_t *marks = n <= s->room ? s->mark : realloc(s->mark, n * sizeof *marks);
    s->mark = marks ? marks : s->mark;
    if (!more || !marks)
        return false;
    s->room = n > s->room ? n : s->room;
    s->n = n;
    return true;
}

void driver_random(struct driver_sequence *s, uint64_t seed, uint32_t n, struct driver_outcome *ret_outcome)
{
    struct driver d = { .s = s, .draws = true, .decide = true };
    uint32_t lanes = s->machine.engine == DRIVER_SEQ ? 1 : s->machine.cpus;
    *ret_outcome = (struct driver_outcome){ .boot = UKERN_NOMEM };
    if (room_for(s, (n + lanes - 1) / lanes * lanes))
        run(&d, seed, ret_outcome);
    if (lanes == 1 && ret_outcome->at < s->n)
        s->n = ret_outcome->at; /* what is behind was never drawn */
}

void driver_bytes(struct driver_sequence *s, const uint8_t *bytes, size_t n, struct driver_outcome *ret_outcome)
{
    enum { COMMANDS = 4096 };
    struct driver d = { .s = s, .draws = true, .decide = true, .bytes = bytes, .bytes_end = bytes + n };
    *ret_outcome = (struct driver_outcome){ .boot = UKERN_NOMEM };
    if (room_for(s, COMMANDS))
        run(&d, 0, ret_outcome);
    s->n = ret_outcome->at;
}

void driver_inject(struct driver_sequence *s, uint64_t seed, struct driver_outcome *ret_outcome, struct driver_injection *sum)
{
    enum { BEFORE = 300 };
    struct driver d = { .s = s, .draws = true, .decide = true, .injection = sum };
    *ret_outcome = (struct driver_outcome){ .boot = UKERN_NOMEM };
    if (s->machine.engine == DRIVER_SEQ && room_for(s, BEFORE))
        run(&d, seed, ret_outcome);
}

void driver_replay(struct driver_sequence *s, bool decide, struct driver_outcome *ret_outcome)
{
    struct driver d = { .s = s, .decide = decide };
    run(&d, 0, ret_outcome);
}

void driver_free(struct driver_sequence *s)
{
    free(s->command);
    free(s->mark);
    s->command = NULL;
    s->mark = NULL;
    s->n = s->room = 0;
}
