/* SPDX-License-Identifier: BSD-2-Clause */
/* tlb: see tlb.h. A line's tag says whose it is: map + 1, the map's generation when it was filled, and what of the page
 * number the line's place does not say. The first two stand ready, one word a map; a CPU takes them when it enters the map, so
 * a hit is a load and a compare.
 *
 * What is hot says inline: where the linker optimises (docs/decisions.md), it may put that into its callers.
 *
 * Enter and shoot-down meet as in Dekker's algorithm: a CPU writes that it is inside, then reads the generation; whoever
 * shoots writes the generation, then reads who is inside. One of them sees the other. The CPU's fence between the two is
 * the compiler's only: the engine's barrier op makes it a full one when somebody shoots (or m->fences says to pay for it).
 *
 * Generations wrap. Twice in each turn the epoch goes up first, and a CPU that enters and sees a new epoch empties its
 * cache: so between two equal generations of a map there is one that went up after the older one's last use. */
#include "mm/tlb.h"
#include "core/calculus.h"

enum {
#ifdef UKERN_CHECK
    GENERATION_BITS = 6, /* they wrap all the time */
#else
    GENERATION_BITS = 20,
#endif
    PAGE_BITS = TLB_VA_BITS - FRAME_SHIFT - 8, /* of the page number, beside the line's place */
    MAP_BITS = 17,
    GENERATION_AT = PAGE_BITS,
    MAP_AT = 64 - MAP_BITS
};
static_assert(TLB_ENTRIES == 1 << 8 && GENERATION_AT + GENERATION_BITS <= MAP_AT, "the parts of a tag do not overlap");
#define GENERATIONS (UINT32_C(1) << GENERATION_BITS)

/* Written by its CPU; read by R of others, too (tlb_peek). */
struct tlb_line {
    _Atomic uint64_t tag; /* 0: nothing, as no map is -1 */
    _Atomic uint64_t entry;
};

struct tlb_cpu {
    _Atomic uint64_t word[2]; /* how often it was entered << 32 | map + 1, 0: none; read by whoever shoots */
    uint64_t tag[2];          /* of the maps that it is inside */
    const _Atomic uint64_t *tags;        /* as struct tlb_state's; constant */
    const _Atomic uint32_t *epoch_now;   /* likewise */
    bool fences;                         /* as the machine's */
#ifdef UKERN_CHECK
    uint64_t inside;          /* map + 1 in each half: the one entered first in the lower: for R */
#endif
    uint32_t epoch;
    struct tlb_line line[TLB_ENTRIES] __attribute__((aligned(64)));
};

struct tlb_state {
    uint32_t maps;
    _Atomic uint32_t epoch;
    _Atomic uint64_t *tags; /* of each map: itself + 1, and its generation */
};

static uint64_t tlb_tag(struct pt_id id, uint32_t generation)
{
    return (uint64_t)(id.n + 1) << MAP_AT | (uint64_t)(generation & (GENERATIONS - 1)) << GENERATION_AT;
}

static uint32_t tlb_generation(uint64_t tag) { return (uint32_t)(tag >> GENERATION_AT) & (GENERATIONS - 1); }

enum ukern_status tlb_init(void)
{
    struct ukern *m = here->m;
    uint32_t maps = machine_maps(m);
    struct tlb_state *s = arena_array(&m->arena, struct tlb_state, 1);
    struct tlb_cpu *cpu = s ? arena_array(&m->arena, struct tlb_cpu, m->cpus) : NULL;
    _Atomic uint64_t *tags = cpu ? arena_array(&m->arena, _Atomic uint64_t, maps) : NULL;
    CHECK(maps < UINT32_C(1) << MAP_BITS, "a tag has room for %u maps, there are %u", (1u << MAP_BITS) - 1, maps);
    if (!tags)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/tlb (%u CPUs)", m->cpus);
    *s = (struct tlb_state){ .maps = maps, .tags = tags };
    m->tlb = s;
    for (uint32_t i = 0; i < maps; i++)
        atomic_init(&tags[i], tlb_tag((struct pt_id){ i }, 0));
    for (uint32_t i = 0; i < m->cpus; i++) {
        cpu[i].tags = tags;
        cpu[i].epoch_now = &s->epoch;
        cpu[i].fences = m->fences;
        m->cpu[i].tlb = &cpu[i];
    }
    return EVENT_OWNED(UKERN_OK);
}

/* ---- a CPU's own section ---- */

/* Tasks use the same addresses, and two of them speak to each other in turn: so maps begin at different lines. */
static uint32_t tlb_spread(struct pt_id id) { return id.n * 61 & (TLB_ENTRIES - 1); }
static uint32_t tlb_place(struct pt_id id, uint64_t va) { return ((uint32_t)(va >> FRAME_SHIFT) ^ tlb_spread(id)) & (TLB_ENTRIES - 1); }
static struct tlb_line *tlb_line(struct tlb_cpu *c, struct pt_id id, uint64_t va) { return &c->line[tlb_place(id, va)]; }
static uint64_t tlb_page(uint64_t va) { return va >> (FRAME_SHIFT + 8); }
/* Which of its two words says that it is inside `id`. */
static uint32_t tlb_slot(const struct tlb_cpu *c, struct pt_id id)
{
    return (uint32_t)atomic_load_explicit(&c->word[0], memory_order_relaxed) == id.n + 1 ? 0 : 1;
}

static void __attribute__((cold, noinline)) tlb_empty(struct tlb_cpu *c, uint32_t epoch)
{
    c->epoch = epoch;
#ifndef UKERN_BUG_MM_TLB_WRAP
    for (uint32_t i = 0; i < TLB_ENTRIES; i++)
#else
    for (uint32_t i = 0; i < TLB_ENTRIES / 2; i++)
#endif
        atomic_store_explicit(&c->line[i].tag, 0, memory_order_relaxed);
}

#ifdef UKERN_CHECK
static void tlb_note(struct tlb_cpu *c, uint64_t inside) { c->inside = inside; }
static uint64_t tlb_noted(const struct tlb_cpu *c) { return c->inside; }
#else
static void tlb_note(struct tlb_cpu *c, uint64_t inside) { (void)c, (void)inside; }
static uint64_t tlb_noted(const struct tlb_cpu *c) { return (void)c, 0; }
#endif

inline void tlb_enter(struct pt_id id)
{
    struct tlb_cpu *c = here->tlb;
    uint32_t slot = (uint32_t)atomic_load_explicit(&c->word[0], memory_order_relaxed) == 0 ? 0 : 1;
    uint64_t word = atomic_load_explicit(&c->word[slot], memory_order_relaxed) + (UINT64_C(1) << 32) + id.n + 1;
    if (unlikely(c->fences))
        atomic_exchange(&c->word[slot], word);
    else /* release: whoever waits for the last time's end takes this for it. */
        atomic_store_explicit(&c->word[slot], word, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst); /* a full fence when it matters: see the head */
    /* seq_cst, a plain load: after the word; and an epoch that went up before this generation is seen. */
    c->tag[slot] = atomic_load(&c->tags[id.n]);
    tlb_note(c, tlb_noted(c) == 0 ? id.n + 1 : tlb_noted(c) | (uint64_t)(id.n + 1) << 32);
    uint32_t epoch = atomic_load_explicit(c->epoch_now, memory_order_relaxed);
    if (unlikely(epoch != c->epoch))
        tlb_empty(c, epoch);
    EVENT_OWNED_DONE();
}

inline void tlb_leave(struct pt_id id)
{
    struct tlb_cpu *c = here->tlb;
    uint32_t slot = tlb_slot(c, id);
    uint64_t word = atomic_load_explicit(&c->word[slot], memory_order_relaxed);
    tlb_note(c, (uint32_t)tlb_noted(c) == id.n + 1 ? tlb_noted(c) >> 32 : (uint32_t)tlb_noted(c));
    /* release: what was done with translations is done. */
    atomic_store_explicit(&c->word[slot], word - (id.n + 1), memory_order_release);
    EVENT_OWNED_DONE();
}

inline enum ukern_status tlb_find(struct pt_id id, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm)
{
    struct tlb_cpu *c = here->tlb;
    const struct tlb_line *line = tlb_line(c, id, va);
    if (unlikely(atomic_load_explicit(&line->tag, memory_order_relaxed) != (c->tag[tlb_slot(c, id)] | tlb_page(va))))
        return UKERN_NOTFOUND;
    uint64_t entry = atomic_load_explicit(&line->entry, memory_order_relaxed);
    *ret_frame = (struct frame_id){ (uint32_t)entry };
    *ret_perm = (uint32_t)(entry >> 32);
    return UKERN_OK;
}

void tlb_fill(struct pt_id id, uint64_t va, struct frame_id f, uint32_t perm)
{
    struct tlb_cpu *c = here->tlb;
    struct tlb_line *line = tlb_line(c, id, va);
    /* Before the write: at every moment the State, an upper bound, has what the line has. */
    EVENT_OWNED_DONE();
    atomic_store_explicit(&line->tag, 0, memory_order_relaxed);
#ifndef UKERN_BUG_MM_TLB_FRAME
    atomic_store_explicit(&line->entry, (uint64_t)perm << 32 | f.n, memory_order_release);
#else
    atomic_store_explicit(&line->entry, (uint64_t)perm << 32 | (f.n ^ (va >> FRAME_SHIFT & 1)), memory_order_release);
#endif
#ifndef UKERN_BUG_MM_TLB_PAGE
    atomic_store_explicit(&line->tag, c->tag[tlb_slot(c, id)] | tlb_page(va), memory_order_release);
#else
    atomic_store_explicit(&line->tag, c->tag[tlb_slot(c, id)] | tlb_page(va) >> 1 << 1, memory_order_release);
#endif
}

/* ---- shoot-down ---- */

/* Until the CPU has been outside of the map once. */
static void tlb_wait(const struct tlb_cpu *c, uint32_t slot, struct pt_id id)
{
    uint64_t word = atomic_load(&c->word[slot]); /* seq_cst: after the generation; acquire: what the CPU did before it left */
    if (likely((uint32_t)word != id.n + 1))
        return;
#ifdef UKERN_BUG_MM_TLB_NO_WAIT
    word++;
#endif
    for (uint32_t turns = 1; atomic_load_explicit(&c->word[slot], memory_order_acquire) == word; turns++) {
        engine_point(POINT_SPIN, 0, 0);
#ifdef UKERN_CHECK
        if (machine_is_broken(here->m)) /* who is inside may have parked */
            here->m->ops->park(here);
#endif
        here->m->ops->spin(here, turns);
    }
}

/* Every CPU has passed a full fence since the generation went up. */
static void tlb_fence(struct ukern *m)
{
    for (uint32_t turns = 1; !m->fences && m->cpus > 1 && !m->ops->barrier(m); turns++) /* Linux had no memory for it */
        m->ops->spin(here, turns);
}

void tlb_shoot(struct pt_id id, uint64_t va, uint64_t pages)
{
    struct ukern *m = here->m;
    struct tlb_state *s = m->tlb;
    uint32_t next = tlb_generation(atomic_load_explicit(&s->tags[id.n], memory_order_relaxed)) + 1;
    (void)va, (void)pages; /* all of the map: one word says it */
    if (unlikely((next & (GENERATIONS / 2 - 1)) == 0))
        atomic_fetch_add_explicit(&s->epoch, 1, memory_order_relaxed); /* ordered by the store below */
#ifndef UKERN_BUG_MM_TLB_GENERATION
    atomic_exchange(&s->tags[id.n], tlb_tag(id, next)); /* the caller owns the map: nobody else shoots it */
#endif
    tlb_fence(m);
    for (uint32_t i = 0; i < m->cpus; i++)
        for (uint32_t slot = 0; slot < 2; slot++)
            tlb_wait(m->cpu[i].tlb, slot, id);
    EVENT_OWNED_DONE();
}

/* ---- for the relation ---- */

/* Whether a tlb_find on that CPU could return the line: its tag is the map's now, or one that the CPU has prepared. */
static bool tlb_is_live(const struct tlb_cpu *c, uint64_t tag)
{
    const struct tlb_state *s = here->m->tlb;
    struct pt_id id = { (uint32_t)(tag >> MAP_AT) - 1 };
    uint64_t whose = tag >> GENERATION_AT << GENERATION_AT;
    if (tag == 0)
        return false;
    for (uint32_t slot = 0; slot < 2; slot++)
        if ((uint32_t)atomic_load_explicit(&c->word[slot], memory_order_relaxed) == id.n + 1)
            return whose == c->tag[slot];
    return whose == atomic_load_explicit(&s->tags[id.n], memory_order_relaxed) &&
           c->epoch == atomic_load_explicit(&s->epoch, memory_order_relaxed);
}

bool tlb_peek(uint32_t cpu, uint32_t slot, struct tlb_at *ret_at, struct tlb_entry *ret_entry)
{
    const struct tlb_cpu *c = here->m->cpu[cpu].tlb;
    uint64_t tag = atomic_load_explicit(&c->line[slot].tag, memory_order_acquire);
    uint64_t entry = atomic_load_explicit(&c->line[slot].entry, memory_order_acquire);
    if (!tlb_is_live(c, tag) || atomic_load_explicit(&c->line[slot].tag, memory_order_relaxed) != tag)
        return false;
    struct pt_id id = { (uint32_t)(tag >> MAP_AT) - 1 };
    uint64_t page = (tag & ((UINT64_C(1) << PAGE_BITS) - 1)) << 8 | (slot ^ tlb_spread(id));
    *ret_at = (struct tlb_at){ (uint64_t)id.n << 36 | page };
    *ret_entry = (struct tlb_entry){ { (uint32_t)entry }, (uint32_t)(entry >> 32) };
    return true;
}

bool tlb_peek_at(uint32_t cpu, struct pt_id id, uint64_t va, struct tlb_entry *ret_entry)
{
    struct tlb_at at;
    struct tlb_entry e;
    if (!tlb_peek(cpu, tlb_place(id, va), &at, &e) || at.key != ((uint64_t)id.n << 36 | va >> FRAME_SHIFT))
        return false;
    *ret_entry = e;
    return true;
}

uint64_t tlb_peek_inside(uint32_t cpu) { return tlb_noted(here->m->cpu[cpu].tlb); }
