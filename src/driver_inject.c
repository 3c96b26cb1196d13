/* SPDX-License-Identifier: BSD-2-Clause */
/* driver_inject: every refusal that a primitive can meet, in turn. After some random calls each primitive is called again and
 * again: with no frame left in any container, with one, with two, and so on until it is not refused any more; likewise with the
 * host refusing its first request, its second, and so on. A call that answers an error must leave the abstract state as it was;
 * that the concrete one agrees is compared after each call. */
#include "driver_inside.h"

enum { TRIES = 6, MOST = 24 };

struct injecting {
    struct lane *lane;
    struct driver_injection *out;
    uint32_t number;                  /* of the next command */
    struct container_id filler[DRIVER_PRIMS], of[DRIVER_PRIMS];
    uint32_t fillers;
};

static bool call(const char *name, const void *args, size_t size, unsigned char *ret)
{
    unsigned char a[HOOK_RECORD] = { 0 };
    memcpy(a, args, size);
    for (const struct layer *const *l = calculus_tower.layers; *l; l++)
        for (const struct prim *const *p = (*l)->prims; *p; p++)
            if (strcmp((*p)->name, name) == 0) {
                (*p)->call(a, ret);
                return word_at(ret, 0) == UKERN_OK;
            }
    return false;
}

/* A child that may use all that its parent has left, but n frames. */
static void fill(struct injecting *in, struct container_id id, uint32_t n)
{
    unsigned char ret[HOOK_RECORD] = { 0 };
    uint32_t args[2] = { id.n, 0 };
    if (in->fillers == DRIVER_PRIMS || !call("container_info", args, 4, ret))
        return;
    uint32_t left = word_at(ret, 4) - word_at(ret, 8); /* behind the status: quota, usage, ... */
    args[1] = left > n ? left - n : 0;
    if (left > n && call("container_split", args, 8, ret)) {
        in->filler[in->fillers].n = word_at(ret, 4);
        in->of[in->fillers++] = id;
    }
}

static void fill_all(struct injecting *in, uint32_t n)
{
    const struct names *names = &in->lane->names;
    for (uint32_t i = 0; i < names->alives[DRIVER_CONTAINER]; i++)
        fill(in, (struct container_id){ names->object[names->alive[DRIVER_CONTAINER][i]].value }, n);
    fill(in, (struct container_id){ 0 }, n);
}

static void empty_all(struct injecting *in)
{
    unsigned char ret[HOOK_RECORD];
    while (in->fillers > 0)
        (void)call("container_revoke", &in->filler[--in->fillers], 4, ret);
}

/* One call under one refusal; false: it was not refused. */
static bool attempt(struct injecting *in, struct driver_command *c, enum driver_refusal kind, uint32_t n)
{
    /* The highest number of frames used, and what a free frame's bytes may be, are nobody's to count on. */
    static const char *const free_to_change[] = { "frame.peak", "frame_table.entry", NULL };
    struct lane *l = in->lane;
    struct ukern *m = l->d->m;
    struct cpu *cpu = &m->cpu[c->cpu];
    const struct prim_of *p = &l->d->table->prim[c->prim];
    uint32_t host_before = cpu->refused;
    uint64_t calls = l->done;
    if (kind == DRIVER_REFUSE_FRAMES)
        fill_all(in, n);
    uint64_t before = calculus_hash_but(m, free_to_change);
    cpu->refuse_in = kind == DRIVER_REFUSE_HOST ? n + 1 : 0;
    l->answer = UKERN_OK;
    driver_call(l, c, in->number++);
    cpu->refuse_in = 0;
    bool error = l->done > calls && l->answer != UKERN_OK;
    if (error && !p->partial && calculus_hash_but(m, free_to_change) != before && in->out->changed[0] == 0)
        snprintf(in->out->changed, sizeof in->out->changed, "%s answered %s, and the state is another one", p->prim->name,
                 ukern_status_name(l->answer));
    empty_all(in);
    bool refused = error && l->answer == UKERN_NOMEM && (kind == DRIVER_REFUSE_FRAMES || cpu->refused > host_before);
    if (refused) {
        in->out->refusals[kind]++;
        if (in->out->sites[kind][c->prim] < n + 1)
            in->out->sites[kind][c->prim] = n + 1;
    }
    return refused;
}

static void inject(void *arg)
{
    struct injecting *in = arg;
    struct lane *l = in->lane;
    for (uint32_t i = 0; i < l->d->table->prims; i++)
        for (uint32_t turn = 0; turn < TRIES * DRIVER_REFUSALS && l->d->table->prim[i].prim->has_status; turn++) {
            struct driver_command c;
            driver_draw_call(l, (uint16_t)i, &c);
            for (uint32_t n = 0; n < MOST && attempt(in, &c, (enum driver_refusal)(turn % DRIVER_REFUSALS), n); n++)
                ;
            driver_leave_all(l);
        }
}

void driver_inject_run(struct lane *l, uint32_t number, struct driver_injection *out)
{
    struct injecting *in = calloc(1, sizeof *in);
    if (!in)
        return;
    *in = (struct injecting){ .lane = l, .out = out, .number = number };
    inject(in);
    free(in);
}
