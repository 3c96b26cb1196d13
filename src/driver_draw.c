/* SPDX-License-Identifier: BSD-2-Clause */
/* driver_draw: commands by chance. Every 64 commands the primitives get new weights, some none at all (swarm testing,
 * Groce and others 2012): so machines fill and empty, and every pair of primitives meets without others between. */
#include "driver_inside.h"
#include <ukern/user.h>

enum { PHASE = 64 };

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t driver_chance(struct random *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t driver_below(struct lane *l, uint32_t n)
{
    struct driver *d = l->d;
    if (!d->bytes)
        return (uint32_t)((driver_chance(&l->random) >> 32) * n >> 32);
    uint32_t value = 0;
    for (uint32_t span = 1; span < n && d->bytes < d->bytes_end; span = span >= 1u << 24 ? n : span << 8)
        value = value << 8 | *d->bytes++;
    return value % n;
}

/* Nothing may depend on choices of the layers. */
static bool is_sure(const struct lane *l) { return l->d->s->sure && !l->d->dm->lowest; }

static bool one_in(struct lane *l, uint32_t n) { return driver_below(l, n) == 0; }

/* ---- plain numbers ---- */

static uint64_t draw_page(struct lane *l)
{
    uint64_t near = driver_below(l, 4);
    switch (driver_below(l, 24)) {
    case 0: return near;
    case 1: return UKERN_WINDOW / FRAME_SIZE - 2 + near;
    case 2: return (UINT64_C(1) << 35) - 2 + near;
    case 3: return (UINT64_C(1) << 52) - (UINT64_C(1) << 35) + driver_below(l, l->d->dm->frames + 2);
    case 4: return (UINT64_C(1) << 52) - 4 + near;
    case 5: return (uint64_t)driver_below(l, 8) << 31 | near << 27; /* other tables at each level */
    default: return 0x400 + driver_below(l, 12) + (uint64_t)512 * driver_below(l, 3);
    }
}

static uint64_t draw_address(struct lane *l, const struct prim_of *p)
{
    uint64_t va = draw_page(l) << FRAME_SHIFT;
    if (p->many || (p->args > 4 && one_in(l, 2)))
        va &= ~UINT64_C(0x1fffff);
    bool any_byte = p->bytes || p->inside || p->args <= 3;
    return one_in(l, any_byte ? 2 : 16) ? va + driver_below(l, FRAME_SIZE) : va;
}

static uint64_t draw_length(struct lane *l, const struct prim_of *p)
{
    uint64_t n = one_in(l, 4) ? driver_below(l, DRIVER_SCRATCH + 1) : driver_below(l, 3 * FRAME_SIZE);
    return !p->bytes && one_in(l, 16) ? ~(uint64_t)0 - n : n;
}

static uint32_t draw_pages(struct lane *l)
{
    uint32_t r = driver_below(l, 64);
    return r == 0 ? 0 : r == 1 ? 512 : r == 2 ? 513 : r == 3 ? NO_ID : r < 8 ? 1 + driver_below(l, 40) : 1 + driver_below(l, 4);
}

static uint64_t draw_number(struct lane *l, const struct prim_of *p, const struct field_of *f, const unsigned char *args)
{
    uint64_t va = 0;
    switch (f->kind) {
    case FIELD_VA: return draw_address(l, p);
    case FIELD_LAST:
        for (uint8_t i = 0; i < p->args; i++)
            if (p->arg[i].kind == FIELD_VA)
                memcpy(&va, args + p->arg[i].field->at, 8);
        return va + (uint64_t)draw_pages(l) * FRAME_SIZE - 1;
    case FIELD_PAGES: return draw_pages(l);
    case FIELD_PERM: return one_in(l, 16) ? 8 + driver_below(l, 3) : PERM_USER * driver_below(l, 2) + driver_below(l, 8) % 8;
    case FIELD_ORDER: /* whether a frame begins 2 MiB depends on which was chosen */
        for (uint8_t i = 0; is_sure(l) && i < p->args; i++)
            if (p->arg[i].kind == FIELD_FRAME)
                return 0;
        return one_in(l, 32) ? driver_below(l, 20) : one_in(l, 4) ? 9 : 0;
    case FIELD_LEVEL: return driver_below(l, one_in(l, 16) ? 6 : 4);
    case FIELD_LENGTH: return draw_length(l, p);
    case FIELD_WANT: return driver_below(l, 17);
    case FIELD_ONE: return 1;
    case FIELD_QUOTA: return one_in(l, 8) ? driver_below(l, 2 * l->d->dm->frames + 2) : driver_below(l, l->d->dm->frames / 4 + 2);
    case FIELD_BOOL: return driver_below(l, 2);
    case FIELD_SMALL: return one_in(l, 8) ? driver_below(l, 600) : driver_below(l, 8);
    default: return (uint64_t)driver_below(l, 1u << 31) << driver_below(l, 33);
    }
}

/* ---- names ---- */

/* A number that is no object's, whatever was chosen; where nobody makes such names, a number in range. */
static uint32_t draw_stranger(struct lane *l, uint8_t cpu, enum driver_kind k)
{
    const struct driver *d = l->d;
    uint32_t limit = driver_limit(d->dm, k), range = limit < 24 ? limit : 24;
    if (d->table->made[k] || one_in(l, 16))
        return one_in(l, 3) ? NO_ID : limit + driver_below(l, 3);
    uint32_t n = driver_below(l, range);
    return d->lanes > 1 ? n / d->lanes * d->lanes + cpu : n; /* each CPU its own */
}

static void use_object(struct driver_command *c, const struct object *o, size_t at)
{
    put_word(c->args, at, o->value);
    if (c->uses < DRIVER_USES)
        c->use[c->uses++] = (struct driver_use){ .at = (uint8_t)at, .kind = o->kind & 7, .stale = !o->alive, .part = o->part, .maker = o->maker };
}

/* Where entries are walked and nobody owns them, each shows a frame that is a table: the walk may go on from any of them. */
static uint64_t draw_pte(struct lane *l, struct driver_command *c, size_t at)
{
    const struct names *n = &l->names;
    uint64_t flags = driver_below(l, 8), frame = driver_below(l, l->d->dm->frames + 1);
    uint64_t bits = (flags | 1) | (one_in(l, 2) ? UINT64_C(1) << 63 : 0) | (uint64_t)driver_below(l, 4) << 5;
    if (one_in(l, 4))
        return 0;
    if (!l->d->table->walks)
        return bits | frame << FRAME_SHIFT;
    const struct object *o = n->alives[DRIVER_FRAME] ? &n->object[n->alive[DRIVER_FRAME][driver_below(l, n->alives[DRIVER_FRAME])]] : NULL;
    if (!o || !o->busy || c->uses == DRIVER_USES)
        return 0;
    use_object(c, o, at);
    c->use[c->uses - 1].pte = 1;
    return bits | (uint64_t)o->value << FRAME_SHIFT;
}

/* A frame that was freed and is nobody's now: a second free must be refused. */
static const struct object *draw_stale(struct lane *l, enum driver_kind k)
{
    const struct names *n = &l->names;
    const struct driver *d = l->d;
    if (k != DRIVER_FRAME || !d->table->bare || d->lanes > 1 || d->s->sure || n->objects == 0)
        return NULL;
    const struct object *o = &n->object[driver_below(l, n->objects)];
    return o->kind == k && !o->alive && n->at[k][o->value] == 0 ? o : NULL;
}

static void draw_name(struct lane *l, struct driver_command *c, const struct prim_of *p, enum driver_kind k, size_t at)
{
    struct names *n = &l->names;
    const typeof(l->d->inside[0]) *in = &l->d->inside[c->cpu];
    uint32_t which = in->n > 0 ? driver_below(l, in->n) : 0;
    if (in->n > 0 && (p->inside || p->leaves) && in->in[which].by->prim->layer == p->prim->layer) { /* what this CPU is inside of */
        uint32_t value = in->in[which].value;
        uint32_t o = value < n->at_size[k] ? n->at[k][value] : 0;
        if (o)
            use_object(c, &n->object[o - 1], at);
        else
            put_word(c->args, at, value);
        return;
    }
    bool stranger = n->alives[k] == 0 || one_in(l, 16);
    const struct object *stale = stranger ? draw_stale(l, k) : NULL;
    if (stale) {
        use_object(c, stale, at);
        return;
    }
    if (k == DRIVER_CONTAINER && (stranger || one_in(l, 4)) && !one_in(l, 8))
        put_word(c->args, at, 0); /* the root */
    else if (stranger)
        put_word(c->args, at, draw_stranger(l, c->cpu, k));
    else
        use_object(c, &n->object[n->alive[k][driver_below(l, n->alives[k])]], at);
}

/* ---- a command ---- */

static void draw_argument(struct lane *l, struct driver_command *c, const struct prim_of *p, const struct field_of *f)
{
    uint8_t kinds[2], at[2];
    uint32_t words = driver_words(l->d->table, f->kind, kinds, at);
    unsigned char *to = c->args + f->field->at;
    for (uint32_t i = 0; i < words; i++)
        draw_name(l, c, p, (enum driver_kind)kinds[i], f->field->at + at[i]);
    if (f->kind == FIELD_ENTRY_AT) {
        put_word(to, 4, one_in(l, 32) ? 510 + driver_below(l, 4) : driver_below(l, 6));
    } else if (f->kind == FIELD_FRAME_ENTRY) { /* refs, owner, dirty, zero */
        put_word(to, 0, driver_below(l, 3));
        put_word(to, 4, driver_below(l, 4) | driver_below(l, 2) << 16);
    } else if (f->kind == FIELD_SHARE_ENTRY) {
        uint64_t va = draw_page(l) << FRAME_SHIFT;
        put_word(to, 0, driver_below(l, 4));
        put_word(to, 4, driver_below(l, 3) % 2);
        memcpy(to + 8, &va, 8);
    } else if (f->kind == FIELD_BYTES) {
        memset(to, 0, f->field->size); /* the call fills it in */
    } else if (words == 0) {
        uint64_t value = f->kind == FIELD_PTE ? draw_pte(l, c, f->field->at) : draw_number(l, p, f, c->args);
        memcpy(to, &value, f->field->size < 8 ? f->field->size : 8);
    }
}

static void spin_wheel(struct lane *l)
{
    static const uint8_t chances[] = { 0, 1, 1, 2, 4 };
    const struct table *t = l->d->table;
    bool sure = is_sure(l);
    l->wheel_n = 0;
    for (uint32_t i = 0; i < t->prims; i++)
        for (uint32_t n = sure && t->prim[i].chancy ? 0 : chances[driver_below(l, COUNT_OF(chances))]; n > 0; n--)
            l->wheel[l->wheel_n++] = (uint16_t)i;
    if (l->wheel_n == 0)
        l->wheel[l->wheel_n++] = (uint16_t)driver_below(l, t->prims);
}

static uint16_t draw_prim(struct lane *l, bool inside)
{
    const struct table *t = l->d->table;
    for (uint32_t tries = 0; tries < 64; tries++) {
        uint16_t i = inside ? (uint16_t)driver_below(l, t->prims) : l->wheel[driver_below(l, l->wheel_n)];
        const struct prim_of *p = &t->prim[i];
        bool fits = p->inside || p->leaves || p->enters;
        if (p->many && !one_in(l, 16)) /* five hundred frames at once: seldom */
            continue;
        if (inside ? fits : !(p->inside || p->leaves) || one_in(l, 16))
            return i;
    }
    return l->wheel[0];
}

static void draw_arguments(struct lane *l, struct driver_command *c)
{
    const struct prim_of *p = &l->d->table->prim[c->prim];
    for (uint8_t i = 0; i < p->args; i++)
        draw_argument(l, c, p, &p->arg[i]);
}

void driver_draw(struct lane *l, struct driver_command *ret_command)
{
    const struct driver *d = l->d;
    struct driver_command c = { .cpu = d->lanes > 1 ? (uint8_t)(l - d->lane) : (uint8_t)driver_below(l, d->dm->cpus) };
    if (l->phase++ % PHASE == 0)
        spin_wheel(l);
    for (uint32_t i = 0; d->lanes == 1 && d->insiders > 0 && i < d->dm->cpus; i++)
        if (d->inside[i].n > 0)
            c.cpu = (uint8_t)i;
    c.prim = draw_prim(l, d->inside[c.cpu].n > 0);
    draw_arguments(l, &c);
    *ret_command = c;
}

void driver_draw_call(struct lane *l, uint16_t prim, struct driver_command *ret_command)
{
    struct driver_command c = { .prim = prim, .cpu = (uint8_t)driver_below(l, l->d->dm->cpus) };
    draw_arguments(l, &c);
    *ret_command = c;
}
