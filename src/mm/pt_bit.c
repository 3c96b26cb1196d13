/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_bit: see pt_bit.h. A set bit is a taken id, or one beyond the limit. */
#include "mm/pt_bit.h"
#include "core/calculus.h"
#include "core/lock.h"

enum { WORD = 64 };

struct pt_bit_state {
    struct lock lock;
    uint32_t limit, words;
    uint32_t full; /* words below it are full */
    uint64_t *word;
};

enum ukern_status pt_bit_init(void)
{
    struct ukern *m = here->m;
    struct pt_bit_state *s = arena_array(&m->arena, struct pt_bit_state, 1);
    uint32_t limit = machine_maps(m), words = (limit + WORD - 1) / WORD;
    uint64_t *word = arena_array(&m->arena, uint64_t, words);
    if (!s || !word)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/pt_bit (%u page maps)", limit);
    *s = (struct pt_bit_state){ .limit = limit, .words = words, .word = word };
    lock_init(&s->lock, LAYER_mm_pt_bit);
#ifndef UKERN_BUG_MM_BIT_LIMIT
    if (limit % WORD)
        word[words - 1] = UINT64_MAX << limit % WORD;
#endif
    if (m->params.limits == UKERN_LIMITS_MCERTIKOS)
        word[0] |= 1; /* the kernel's own map */
    m->pt_bit = s;
    return EVENT_OWNED(UKERN_OK);
}

enum ukern_status pt_bit_take(struct pt_id *ret_id)
{
    struct pt_bit_state *s = here->m->pt_bit;
    LOCK_SCOPE(&s->lock);
    while (s->full < s->words && s->word[s->full] == UINT64_MAX)
        s->full++;
    if (s->full == s->words)
        return EVENT(UKERN_NOMEM);
    uint32_t bit = (uint32_t)__builtin_ctzll(~s->word[s->full]);
    s->word[s->full] |= UINT64_C(1) << bit;
    *ret_id = (struct pt_id){ s->full * WORD + bit };
    return EVENT(UKERN_OK);
}

static bool pt_bit_at(const struct pt_bit_state *s, struct pt_id id)
{
    return id.n < s->limit && s->word[id.n / WORD] >> id.n % WORD & 1;
}

enum ukern_status pt_bit_give(struct pt_id id)
{
    struct pt_bit_state *s = here->m->pt_bit;
    LOCK_SCOPE(&s->lock);
    if (!pt_bit_at(s, id))
        return EVENT(UKERN_BADARG);
    s->word[id.n / WORD] &= ~(UINT64_C(1) << id.n % WORD);
#ifndef UKERN_BUG_MM_BIT_LOWEST
    if (s->full > id.n / WORD)
        s->full = id.n / WORD;
#endif
    return EVENT(UKERN_OK);
}

bool pt_bit_is(struct pt_id id)
{
    struct pt_bit_state *s = here->m->pt_bit;
    LOCK_SCOPE(&s->lock);
    return EVENT(pt_bit_at(s, id));
}

bool pt_bit_peek(struct pt_id id)
{
    const struct pt_bit_state *s = here->m->pt_bit;
    return s && pt_bit_at(s, id);
}
