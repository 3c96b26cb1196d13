/* SPDX-License-Identifier: BSD-2-Clause */
/* driver_call: one command: its names become numbers, the manners are kept, the primitive is called, its results get
 * names and go into the trace. */
#include "driver_inside.h"

/* ---- names ---- */

static bool grow(void *list, uint32_t *room, uint32_t needed, size_t one)
{
    void **at = list;
    uint32_t more = *room ? *room : 64;
    if (needed <= *room)
        return true;
    while (more < needed)
        more *= 2;
    void *p = realloc(*at, more * one);
    if (!p)
        return false;
    *at = p;
    *room = more;
    return true;
}

bool driver_names_make(struct names *n, const struct driver_machine *dm, uint32_t commands)
{
    bool ok = true;
    *n = (struct names){ .first_room = commands };
    n->first = calloc(commands + 1, sizeof *n->first);
    n->parts = calloc(commands + 1, sizeof *n->parts);
    for (uint32_t k = 0; k < DRIVER_KINDS; k++) {
        n->at_size[k] = driver_limit(dm, (enum driver_kind)k);
        n->at[k] = calloc(n->at_size[k] + 1, sizeof *n->at[k]);
        ok &= n->at[k] != NULL;
    }
    return ok && n->first && n->parts;
}

void driver_names_free(struct names *n)
{
    free(n->object);
    free(n->first);
    free(n->parts);
    for (uint32_t k = 0; k < DRIVER_KINDS; k++) {
        free(n->at[k]);
        free(n->alive[k]);
    }
    *n = (struct names){ 0 };
}

static void name_one(struct names *n, enum driver_kind k, uint32_t value, uint32_t maker, uint16_t part)
{
    if (value >= n->at_size[k] || !grow(&n->object, &n->room, n->objects + 1, sizeof *n->object) ||
        !grow(&n->alive[k], &n->alive_room[k], n->alives[k] + 1, sizeof *n->alive[k]))
        return; /* without a name it is never used: nothing worse */
    n->object[n->objects] = (struct object){
        .value = value, .maker = maker, .part = part, .kind = (uint8_t)k, .alive = true, .refs = 1, .place = n->alives[k]
    };
    n->alive[k][n->alives[k]++] = n->objects;
    n->at[k][value] = ++n->objects;
    n->parts[maker]++;
}

static void end_name(struct names *n, struct object *o)
{
    uint32_t last = n->alive[o->kind][--n->alives[o->kind]];
    n->alive[o->kind][o->place] = last;
    n->object[last].place = o->place;
    if (n->at[o->kind][o->value] == (uint32_t)(o - n->object) + 1)
        n->at[o->kind][o->value] = 0;
    o->alive = false;
}

static struct object *object_of(const struct names *n, const struct driver_use *u)
{
    if (u->maker >= n->first_room || u->part >= n->parts[u->maker])
        return NULL;
    struct object *o = &n->object[n->first[u->maker] + u->part];
    if (u->stale)
        return !o->alive && n->at[o->kind][o->value] == 0 ? o : NULL;
    return o->alive && o->kind == u->kind ? o : NULL;
}

/* ---- manners ---- */

static bool is_inside(const struct driver *d, uint8_t cpu, const struct prim_of *p, uint32_t value)
{
    const typeof(d->inside[0]) *in = &d->inside[cpu];
    for (uint8_t i = 0; i < in->n; i++)
        if (in->in[i].value == value && in->in[i].by->prim->layer == p->prim->layer)
            return true;
    return false;
}

/* Who waits for CPUs that are inside would wait for ever when one thread is them all, or when it is inside itself. */
static bool has_manners(const struct driver *d, const struct driver_command *c, const struct prim_of *p, const struct object *o)
{
    const typeof(d->inside[0]) *in = &d->inside[c->cpu];
    if (d->insiders > 0 && d->lanes == 1 && in->n == 0)
        return false;
    if (in->n > 0 && !p->inside && !p->leaves && (!p->enters || in->n == INSIDE_MAX))
        return false;
    if ((p->leaves || p->inside) && !is_inside(d, c->cpu, p, word_at(c->args, 0)))
        return false;
    return !((p->ends >= 0 || p->spoils) && o && o->busy > 0);
}

static void note_inside(struct driver *d, const struct driver_command *c, const struct prim_of *p)
{
    typeof(d->inside[0]) *in = &d->inside[c->cpu];
    uint32_t value = word_at(c->args, 0);
    if (p->enters) {
        if (d->lanes == 1) /* else other CPUs' threads would write it, too */
            d->insiders += in->n == 0;
        in->in[in->n].by = p;
        in->in[in->n++].value = value;
    }
    for (uint8_t i = 0; p->leaves && i < in->n; i++)
        if (in->in[i].value == value && in->in[i].by->prim->layer == p->prim->layer) {
            in->in[i] = in->in[--in->n];
            if (d->lanes == 1)
                d->insiders -= in->n == 0;
            return;
        }
}

/* At the end nobody is inside any more. */
void driver_leave_all(struct lane *l)
{
    struct driver *d = l->d;
    for (uint32_t cpu = 0; cpu < d->dm->cpus; cpu++)
        while ((d->lanes == 1 || cpu == (uint32_t)(l - d->lane)) && d->inside[cpu].n > 0) { /* others' are not even read */
            const struct prim_of *enter = d->inside[cpu].in[0].by;
            struct driver_command c = { .cpu = (uint8_t)cpu };
            unsigned char ret[HOOK_RECORD];
            put_word(c.args, 0, d->inside[cpu].in[0].value);
            for (uint32_t i = 0; i < d->table->prims; i++) {
                const struct prim_of *p = &d->table->prim[i];
                if (!p->leaves || p->prim->layer != enter->prim->layer)
                    continue;
                if (d->lanes == 1)
                    here = &d->m->cpu[cpu];
                p->prim->call(c.args, ret);
                note_inside(d, &c, p);
                break;
            }
        }
}

/* ---- the trace ---- */

static void mix(struct lane *l, uint64_t w)
{
    uint64_t h = (l->trace ^ w) * UINT64_C(0x9e3779b97f4a7c15);
    l->trace = h ^ h >> 29;
}

/* A number that is a choice, as whose it is. */
static void mix_name(struct lane *l, enum driver_kind k, uint32_t value)
{
    const struct names *n = &l->names;
    uint32_t o = value < n->at_size[k] ? n->at[k][value] : 0;
    if (o)
        mix(l, (uint64_t)n->object[o - 1].maker << 16 | n->object[o - 1].part | UINT64_C(1) << 63);
    else
        mix(l, value == NO_ID ? UINT64_C(3) << 62 : k == DRIVER_CONTAINER && value == 0 ? UINT64_C(5) << 61 : UINT64_C(7) << 61);
}

static void mix_pte(struct lane *l, uint64_t bits)
{
    const uint64_t frame = DRIVER_PTE_FRAME;
    mix(l, bits & ~frame);
    if (bits & 1)
        mix_name(l, DRIVER_FRAME, (uint32_t)((bits & frame) >> FRAME_SHIFT));
}

static void mix_value(struct lane *l, const struct field_of *f, const unsigned char *at)
{
    uint8_t kinds[2], offset[2];
    uint64_t wide = 0;
    uint32_t size = f->field->size, words = driver_words(l->d->table, f->kind, kinds, offset);
    for (uint32_t i = 0; i < words; i++)
        mix_name(l, (enum driver_kind)kinds[i], word_at(at, offset[i]));
    if (words > 0)
        return;
    memcpy(&wide, at, size < 8 ? size : 8);
    if (f->kind == FIELD_PTE || f->kind == FIELD_LEAF) {
        mix_pte(l, wide);
        if (f->kind == FIELD_LEAF)
            mix(l, word_at(at, 8));
        return;
    }
    mix(l, wide);
    if (f->kind == FIELD_INFO) { /* quota, usage, parent, children */
        mix_name(l, DRIVER_CONTAINER, word_at(at, 8));
        mix(l, word_at(at, 12));
        return;
    }
    for (uint32_t i = 8; i + 4 <= size; i += 4)
        mix(l, word_at(at, i));
}

static void trace(struct lane *l, uint32_t number, const struct prim_of *p, const unsigned char *ret, bool ok, uint64_t bytes)
{
    mix(l, number);
    for (uint8_t i = 0; i < p->rets; i++)
        if (ok || (i == 0 && p->prim->has_result) || p->ret[i].field->always)
            mix_value(l, &p->ret[i], ret + p->ret[i].field->at);
    for (uint64_t i = 0; p->bytes && i + 8 <= bytes; i += 8) {
        uint64_t w;
        memcpy(&w, l->scratch + i, 8);
        mix(l, w);
    }
}

/* ---- the call ---- */

static uint64_t give_bytes(struct lane *l, struct driver_command *c, const struct prim_of *p, uint32_t number)
{
    uint64_t n = 0;
    for (uint8_t i = 0; i < p->args; i++)
        if (p->arg[i].kind == FIELD_LENGTH) {
            memcpy(&n, c->args + p->arg[i].field->at, 8);
            n %= DRIVER_SCRATCH + 1;
            memcpy(c->args + p->arg[i].field->at, &n, 8);
        }
    for (uint8_t i = 0; i < p->args; i++)
        if (p->arg[i].kind == FIELD_BYTES)
            memcpy(c->args + p->arg[i].field->at, &l->scratch, sizeof l->scratch);
    memset(l->scratch, (int)(number * 37 + 1), n);
    return n;
}

static void name_results(struct lane *l, const struct prim_of *p, const unsigned char *ret, uint32_t number)
{
    struct names *n = &l->names;
    uint32_t value = word_at(ret, p->made_at), count = 1;
    if (p->count_at)
        count = word_at(ret, p->count_at);
    else if (p->many)
        count = PARTS_MAX;
    n->first[number] = n->objects;
    for (uint32_t i = 0; i < count && i < PARTS_MAX; i++)
        name_one(n, (enum driver_kind)p->makes, value + i, number, (uint16_t)i);
}

/* Whoever maps a frame keeps a reference of it as long. */
static void lend(struct lane *l, const struct driver_command *c, const struct prim_of *p, const unsigned char *ret)
{
    const struct names *n = &l->names;
    uint32_t value = NO_ID;
    for (uint8_t i = 0; i < p->args && p->lends > 0; i++)
        if (p->arg[i].kind == FIELD_FRAME)
            value = word_at(c->args, p->arg[i].field->at);
    for (uint8_t i = 0; i < p->rets && p->lends < 0; i++)
        if (p->ret[i].kind == FIELD_FRAME)
            value = word_at(ret, p->ret[i].field->at);
    uint32_t o = value < n->at_size[DRIVER_FRAME] ? n->at[DRIVER_FRAME][value] : 0;
    if (o)
        n->object[o - 1].busy += (uint32_t)p->lends;
}

static void after(struct lane *l, const struct driver_command *c, const struct prim_of *p, struct object *o,
                  const unsigned char *ret, uint32_t number)
{
    if (p->makes >= 0)
        name_results(l, p, ret, number);
    if (p->busies && o)
        o->busy += (uint32_t)p->busies;
    for (uint8_t i = 0; i < c->uses && p->shares; i++) {
        struct object *space = object_of(&l->names, &c->use[i]);
        if (space)
            space->busy = p->shares > 0;
    }
    if (p->lends)
        lend(l, c, p, ret);
    if (p->refers && o)
        o->refs++;
    if (p->ends >= 0 && o && o->alive && o->kind == p->ends && (!p->ends_last || --o->refs == 0))
        end_name(&l->names, o);
    while (p->ends_roots && l->names.alives[DRIVER_ROOT] > 0) /* one of them, and nobody says which */
        end_name(&l->names, &l->names.object[l->names.alive[DRIVER_ROOT][0]]);
    if (p->enters || p->leaves)
        note_inside(l->d, c, p);
}

void driver_call(struct lane *l, struct driver_command *c, uint32_t number)
{
    struct driver *d = l->d;
    const struct prim_of *p = &d->table->prim[c->prim];
    unsigned char ret[HOOK_RECORD] = { 0 };
    struct object *first = NULL;
    for (uint8_t i = 0; i < c->uses; i++) {
        struct object *o = object_of(&l->names, &c->use[i]);
        if (!o) {
            l->skipped++;
            return;
        }
        if (c->use[i].pte) {
            uint64_t bits;
            memcpy(&bits, c->args + c->use[i].at, 8);
            bits = (bits & ~DRIVER_PTE_FRAME) | (uint64_t)o->value << FRAME_SHIFT;
            memcpy(c->args + c->use[i].at, &bits, 8);
        } else {
            put_word(c->args, c->use[i].at, o->value);
            first = first ? first : o;
        }
    }
    if (d->lanes == 1)
        here = &d->m->cpu[c->cpu];
    if (!has_manners(d, c, p, first)) {
        l->skipped++;
        return;
    }
    uint64_t bytes = p->bytes ? give_bytes(l, c, p, number) : 0;
    if (d->decide)
        c->undefined = !calculus_defined(d->m, p->prim, c->args);
    if (c->undefined) {
        l->undefined++;
        return;
    }
    p->prim->call(c->args, ret);
    bool ok = !p->prim->has_status || word_at(ret, 0) == UKERN_OK;
    l->done++;
    l->refused += !ok;
    l->answer = p->prim->has_status ? (enum ukern_status)word_at(ret, 0) : UKERN_OK;
    if (d->lanes == 1)
        d->prim_done[c->prim]++;
    if (ok)
        after(l, c, p, first, ret, number);
    trace(l, number, p, ret, ok, bytes);
}
