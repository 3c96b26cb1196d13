/* SPDX-License-Identifier: BSD-2-Clause */
/* calculus_world: who may look at the components, who is inside a primitive, and when everything is compared. */
#include "core/calculus_inside.h"

enum { PATIENCE = 20000 };

/* ---- words: innermost, of the checker alone ---- */

bool calculus_word_take(_Atomic uint32_t *word)
{
    for (uint32_t turns = 1; atomic_exchange_explicit(word, 1, memory_order_acquire); turns++) {
        if (machine_is_broken(here->m)) /* whoever has it may have parked */
            return false;
        here->m->ops->spin(here, turns);
    }
    return true;
}

void calculus_word_give(_Atomic uint32_t *word) { atomic_store_explicit(word, 0, memory_order_release); }

static void give(struct calculus *c, uint64_t layers)
{
    for (; layers; layers &= layers - 1)
        calculus_word_give(&c->of[__builtin_ctzll(layers)].taken);
}

void calculus_world_take(struct calculus *c, const struct layer *l)
{
    struct crossings *s = here->crossings;
    uint64_t taken = 0;
    if (s->atomic) /* all of it is locked */
        return;
#ifdef UKERN_BUG_CALC_WORLD_OPEN
    s->world = l;
    return;
#endif
    for (uint64_t below = c->threads ? l->closure : 0; below; below &= below - 1) { /* upwards: so nobody waits in a ring */
        if (!calculus_word_take(&c->of[__builtin_ctzll(below)].taken)) {
            give(c, taken);
            here->m->ops->park(here);
        }
        taken |= below & -below;
    }
    s->world = l;
}

void calculus_world_give(struct calculus *c, const struct layer *l)
{
    struct crossings *s = here->crossings;
    if (s->atomic)
        return;
    s->world = NULL;
    give(c, c->threads ? l->closure : 0);
}

/* ---- who is inside ---- */

void calculus_enter(struct calculus *c)
{
    _Atomic uint32_t *inside = &c->inside[here->id];
    for (;;) {
        uint32_t before = atomic_load_explicit(inside, memory_order_relaxed);
        if (!c->threads) {
            atomic_store_explicit(inside, before + 1, memory_order_relaxed);
            return;
        }
        /* seq_cst, as in wait_quiet: of the two that write one word and read the other's, one sees the other. */
        atomic_store(inside, before + 1);
        if (!atomic_load(&c->checking) || before > 0)
            return;
        atomic_store(inside, before);
        for (uint32_t turns = 1; atomic_load(&c->checking) && !calculus_failed(c); turns++)
            here->m->ops->spin(here, turns);
        if (calculus_failed(c)) /* the one who checked has parked */
            here->m->ops->park(here);
    }
}

static bool due(const struct calculus *c)
{
    uint32_t every = here->m->params.check_every;
    return every && atomic_load_explicit(&c->steps, memory_order_relaxed) -
                        atomic_load_explicit(&c->checked, memory_order_relaxed) >= every;
}

void calculus_leave(struct calculus *c)
{
    _Atomic uint32_t *inside = &c->inside[here->id];
    atomic_store_explicit(inside, atomic_load_explicit(inside, memory_order_relaxed) - 1, memory_order_release);
    if (unlikely(due(c)))
        (void)calculus_check_all(here->m); /* not possible now: the next one to leave tries again */
}

static bool all_outside(const struct calculus *c)
{
#ifdef UKERN_BUG_CALC_NOT_QUIET
    return true;
#endif
    for (uint32_t i = 0; i < here->m->cpus; i++)
        if (atomic_load(&c->inside[i]) != 0)
            return false;
    return true;
}

/* Waits a bounded time, since those inside may wait for what the caller holds. */
static bool wait_quiet(const struct calculus *c)
{
    for (uint32_t turns = 1; c->threads && turns < PATIENCE && !all_outside(c); turns++)
        here->m->ops->spin(here, turns < 1000 ? 1 : turns);
    return all_outside(c);
}

/* ---- everything ---- */

/* What is wrong with a layer; 0: nothing, or there is nothing to relate yet. */
static enum failure look_at(struct calculus *c, const struct layer *l)
{
    const struct component *k = &c->of[l->index];
    struct crossings *s = here->crossings;
    enum failure wrong = 0;
    if (k->mode < MODE_BOTH || !atomic_load_explicit(&k->live, memory_order_relaxed))
        return 0; /* not initialised, or in vain */
    s->relating = true;
    s->world = l; /* nobody is inside: no words are needed */
    if (k->mode == MODE_BOTH && !l->relates(c->abs))
        wrong = FAILURE_RELATION;
    else if (!l->invariant(c->abs))
        wrong = FAILURE_INVARIANT;
    s->relating = false;
    s->world = NULL;
    return wrong;
}

bool calculus_check_all(struct ukern *m)
{
    struct calculus *c = m->calculus;
    if (!c || calculus_failed(c))
        return true;
    if (here->crossings->top || (c->threads && atomic_exchange(&c->checking, 1)))
        return false;
    bool quiet = wait_quiet(c);
    for (uint32_t i = 0; quiet && i < c->layers; i++) {
        const struct layer *l = c->tower->layers[i];
        enum failure wrong = look_at(c, l);
        if (wrong)
            calculus_fail(NULL, l, wrong, NULL);
    }
    if (quiet)
        atomic_store_explicit(&c->checked, atomic_load_explicit(&c->steps, memory_order_relaxed), memory_order_relaxed);
    if (c->threads)
        atomic_store(&c->checking, 0);
    return quiet;
}

void calculus_end(struct ukern *m)
{
    struct calculus *c = m->calculus;
    if (!c || calculus_failed(c) || c->ended)
        return;
    c->ended = true;
    if (!all_outside(c)) {
        machine_log(m, UKERN_LOG_INFO, "the layers are not compared at the end: a CPU stopped inside a primitive");
        return;
    }
    for (uint32_t i = 0; i < c->layers && !calculus_failed(c); i++) {
        const struct layer *l = c->tower->layers[i];
        enum failure wrong = look_at(c, l);
        if (wrong)
            calculus_tell(NULL, l, wrong, NULL);
    }
}
