/* SPDX-License-Identifier: BSD-2-Clause */
/* calculus_step: one step of a primitive: PRE alone, beside its code, instead of it. */
#include "core/calculus_inside.h"

/* ---- what the step may have done ---- */

bool calculus_same(const struct field *f, const void *a, const void *b)
{
    for (; f->name; f++)
        if (memcmp((const char *)a + f->at, (const char *)b + f->at, f->size) != 0) {
#ifdef UKERN_BUG_CALC_SECOND_OUTPUT
            if (f->at > 0)
                continue;
#endif
            return false;
        }
    return true;
}

static bool is_own(const struct calculus *c, const struct layer *l, const struct map *m)
{
    const char *own = (const char *)c->abs + l->abs_at, *at = (const char *)m;
    return at >= own && at < own + l->abs_size;
}

/* R and the invariants at every key that the step changed. */
static void compare(struct calculus *c, struct crossings *s, struct crossing *x, const void *says)
{
    const struct layer *l = x->prim->layer;
    enum failure wrong = 0;
    s->relating = true;
    for (size_t i = x->changes; !wrong && i < s->journal.n; i++) {
        const struct change *change = &s->journal.at[i];
#ifdef UKERN_BUG_CALC_RELATION_DELETED
        if (!change->has)
            continue;
#endif
        if (x->mode == MODE_BOTH && is_own(c, l, change->map) && !l->relates_at(c->abs, change->map, change->key))
            wrong = FAILURE_RELATION;
        else if (!l->invariant_at(c->abs, change->map, change->key))
            wrong = FAILURE_INVARIANT;
    }
    s->relating = false;
    if (wrong)
        calculus_fail(x, l, wrong, says);
}

/* The last steps, for reports. */
static void note(struct calculus *c, const struct crossing *x)
{
    bool locked = c->threads && calculus_word_take(&c->ring_taken);
    struct event *e = &c->ring[c->ring_n++ % CALCULUS_RING];
    e->cpu = here->id;
    e->prim = x->prim;
    memcpy(e->args, x->args, x->prim->args_size);
    memcpy(e->ret, x->ret, x->prim->ret_size);
    if (locked)
        calculus_word_give(&c->ring_taken);
    calculus_bump(c, &c->steps);
    calculus_bump(c, &c->of[x->prim->layer->index].spec);
    if (here->crossings->journal.n > x->changes)
        atomic_store_explicit(&c->of[x->prim->layer->index].live, true, memory_order_relaxed);
}

/* ---- PRE ---- */

void calculus_ask(struct crossing *x)
{
    struct calculus *c = here->m->calculus;
    struct crossings *s = here->crossings;
    const struct prim *p = x->prim;
#ifdef UKERN_BUG_CALC_PRE_LATE
    memset(x->ret, HOOK_UNSET, p->ret_size);
    return;
#endif
    calculus_world_take(c, p->layer);
    x->phase = PHASE_ASK;
    x->asked = 0;
    enum verdict v = p->spec(c->abs, x->args, NULL, x->ret);
    x->phase = PHASE_CODE;
    calculus_world_give(c, p->layer);
    memset(x->ret, HOOK_UNSET, p->ret_size); /* so that an output written on failure is seen */
    if (v == UNDEFINED)
        calculus_fail(x, p->layer, FAILURE_UNDEFINED, NULL);
    if (x->asked == 0 || s->journal.n > x->changes)
        calculus_fail(x, p->layer, FAILURE_SPEC, NULL);
}

/* ---- lower steps, in the spec beside the code ---- */

static void take_back(struct calculus *c, struct crossings *s, const struct crossing *x)
{
    s->back.n = 0;
    for (size_t i = x->changes; i < s->journal.n; i++)
        *LIST_ADD(&c->maths.heap, &s->back) = s->journal.at[i];
    s->journal.n = x->changes;
#ifdef UKERN_BUG_CALC_STAYS
    return;
#endif
#ifdef UKERN_BUG_CALC_UNDO_ORDER
    for (size_t i = 0; i < s->back.n; i++)
#else
    for (size_t i = s->back.n; i-- > 0;)
#endif
        if (!change_undo(&s->back.at[i])) { /* another CPU has moved on from there: it stays */
            s->back.at[i].map = NULL;
            calculus_bump(c, &c->left);
        }
}

static bool is_step(const struct inner *r, const struct prim *p, const void *args)
{
    return !r->taken && r->prim == p && calculus_same(p->args, r->args, args);
}

/* The next of the code's inner calls that this is: calls that changed something keep their order, between two such calls
 * the others may come in any. */
static struct inner *find_step(struct crossings *s, struct crossing *x, const struct prim *p, const void *args)
{
    struct inner *r = s->inner.at;
    if (x->next < s->inner.n && is_step(&r[x->next], p, args))
        return &r[x->next];
    for (size_t i = x->window; i < s->inner.n; i += 1 + r[i].below) {
        if (is_step(&r[i], p, args))
            return &r[i];
        if (!r[i].taken && r[i].to > r[i].from)
            break;
    }
    return NULL;
}

/* No call of the code's: then it may only be one that changes nothing, and the lower spec says what it answers. */
static bool suppose(struct calculus *c, struct crossings *s, const struct prim *p, const void *args, void *ret)
{
    size_t n = s->journal.n;
    bool outer = s->supposing, settled = s->settled;
    if (calculus_mode_in(c, p->layer) == MODE_IMPL)
        return false;
    memset(ret, HOOK_UNSET, p->ret_size);
    s->supposing = true;
    s->settled = s->acts = false;
    enum verdict v = p->spec(c->abs, args, NULL, ret);
    s->supposing = outer;
    s->settled = settled;
    return v == DEFINED && s->journal.n == n && !s->acts;
}

/* The step's changes happen again, at the end of the journal, where its own steps' changes are then, too. */
static void redo(struct crossings *s, const struct crossing *up, struct inner *r)
{
    size_t from = r->from, to = r->to;
    r->taken = true;
    for (struct inner *k = r; k <= r + r->below; k++) {
        size_t begin = s->journal.n, length = 0;
        for (size_t i = from; k->from < k->to && i < k->to; i++) {
            bool there = s->back.at[i - up->changes].map;
            begin += there && i < k->from;
            length += there && i >= k->from;
        }
        k->from = begin;
        k->to = begin + length;
    }
    for (size_t i = from; i < to; i++)
        if (s->back.at[i - up->changes].map)
            change_redo(&s->back.at[i - up->changes]);
}

void calculus_take(struct crossing *up, const struct prim *p, const void *args, void *ret)
{
    struct calculus *c = here->m->calculus;
    struct crossings *s = here->crossings;
    struct inner *r = s->supposing ? NULL : find_step(s, up, p, args);
    if (!r) {
        if (suppose(c, s, p, args, ret))
            return;
        s->why = p->name;
        calculus_fail(up, up->prim->layer, FAILURE_STEP_MISSING, NULL);
    }
    bool changed = r->to > r->from;
    redo(s, up, r);
    up->next = (size_t)(r - s->inner.at) + 1 + r->below;
    if (changed)
        up->window = up->next;
    memcpy(ret, r->ret, p->ret_size);
}

/* ---- steps ---- */

static void judge(struct crossings *s, struct crossing *x, enum verdict v, const void *says)
{
    const struct layer *l = x->prim->layer;
    if (v == UNDEFINED)
        calculus_fail(x, l, FAILURE_UNDEFINED, NULL);
    if (v == FORBIDDEN)
        calculus_fail(x, l, FAILURE_FORBIDDEN, says);
    if (!calculus_same(x->prim->ret, says, x->ret))
        calculus_fail(x, l, FAILURE_RESULT, says);
    for (size_t i = x->inner; i < s->inner.n; i += 1 + s->inner.at[i].below)
        if (!s->inner.at[i].taken && s->inner.at[i].to > s->inner.at[i].from) {
            s->why = s->inner.at[i].prim->name;
            calculus_fail(x, l, FAILURE_STEP_EXTRA, says);
        }
    s->why = NULL;
}

void calculus_beside(struct crossing *x)
{
    struct calculus *c = here->m->calculus;
    struct crossings *s = here->crossings;
    const struct prim *p = x->prim;
    unsigned char says[HOOK_RECORD];
    memset(says, HOOK_UNSET, p->ret_size);
    x->stepped = true;
    calculus_world_take(c, p->layer);
    take_back(c, s, x);
    x->next = x->window = x->inner;
    x->phase = PHASE_BESIDE;
#ifndef UKERN_BUG_CALC_PRE_AGAIN
    s->settled = s->back.n > 0;
#endif
    enum verdict v = p->spec(c->abs, x->args, x->ret, says);
    s->settled = false;
    x->phase = PHASE_CODE;
    judge(s, x, v, says);
    if (x->mode == MODE_BOTH)
        compare(c, s, x, says);
    note(c, x);
    calculus_world_give(c, p->layer);
}

/* False: the spec waits for somebody (AWAIT), and nothing was done. */
static bool try_instead(struct crossing *x)
{
    struct calculus *c = here->m->calculus;
    struct crossings *s = here->crossings;
    const struct prim *p = x->prim;
    struct lock *lock = s->atomic ? NULL : lock_take(&c->of[p->layer->index].instead); /* the object's */
    memset(x->ret, HOOK_UNSET, p->ret_size);
    calculus_world_take(c, p->layer);
    x->phase = PHASE_INSTEAD;
    x->asked = 0;
    enum verdict v = p->spec(c->abs, x->args, NULL, x->ret);
    x->phase = PHASE_CODE;
    if (v == WAITING) {
        calculus_world_give(c, p->layer);
        if (lock)
            lock_give(lock);
        return false;
    }
    if (v == UNDEFINED)
        calculus_fail(x, p->layer, FAILURE_UNDEFINED, NULL);
    if (v == FORBIDDEN || x->asked == 0)
        calculus_fail(x, p->layer, v == FORBIDDEN ? FAILURE_FORBIDDEN : FAILURE_SPEC, NULL);
    compare(c, s, x, NULL);
    note(c, x);
    calculus_world_give(c, p->layer);
    if (lock)
        lock_give(lock);
    return true;
}

void calculus_instead(struct crossing *x)
{
    memset(x->met, 0, sizeof x->met);
    for (uint32_t turns = 1; !try_instead(x); turns++) {
        engine_point(POINT_SPIN, 0, 0);
        if (machine_is_broken(here->m)) /* whoever is waited for may have parked */
            here->m->ops->park(here);
        here->m->ops->spin(here, turns);
    }
}
