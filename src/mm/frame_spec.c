/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_spec: who pays for what is a map; free is each NORMAL frame that is not in it.          Specification of mm/frame
 *
 * Environment   here->m->params.frame_policy, the arena
 * Hardware      the bytes of frames: zero after frame_clear; and what AddressSanitizer knows of them */
#include "core/spec.h"
#include "core/sanitize.h"
#include "host/ram.h"

void frame_abs_init(struct frame_abs *s)
{
    INIT(s->used, "frame.used");
    INIT(s->peak, "frame.peak");
}

static bool lowest_only(void) { return here->m->params.frame_policy == UKERN_FRAMES_LOWEST; }
static bool is_payer(struct container_id who) { return who.n <= UINT16_MAX; }
static struct frame_id frame(uint64_t n) { return (struct frame_id){ (uint32_t)n }; }
static uint64_t end_of(struct frame_run a) { return (uint64_t)a.first.n + a.count; }

/* The run of NORMAL frames in which f lies; count 0: f is no NORMAL frame. */
static struct frame_run run_of(const struct frame_view *s, struct frame_id f)
{
    EACH(s->frame_type->run, i) {
        struct frame_run a = get(s->frame_type->run, i);
        if (f.n >= a.first.n && f.n < end_of(a))
            return a;
    }
    return (struct frame_run){ 0 };
}

static uint32_t free_frames(const struct frame_view *s)
{
    return val(s->frame_type->normals) - (uint32_t)size(s->frame->used);
}

/* How many free frames follow each other from f on. */
static uint64_t free_from(const struct frame_view *s, struct frame_id f)
{
    struct frame_run a = run_of(s, f);
    uint64_t used = first_from(s->frame->used, f).n, end = used < end_of(a) ? used : end_of(a);
    return a.count == 0 ? 0 : end - f.n;
}

static struct frame_id lowest_free(const struct frame_view *s)
{
    for (uint32_t i = 0; has(s->frame_type->run, i); i++) {
        struct frame_run a = get(s->frame_type->run, i);
        struct frame_id f = first_absent(s->frame->used, a.first);
        if (f.n < end_of(a))
            return f;
    }
    return NO_FRAME;
}

static struct frame_id lowest_free_large(const struct frame_view *s)
{
    for (uint32_t i = 0; has(s->frame_type->run, i); i++) {
        struct frame_run a = get(s->frame_type->run, i);
        uint64_t used, f = round_up(a.first.n, FRAME_LARGE);
        for (; f + FRAME_LARGE <= end_of(a); f = round_up(used + 1, FRAME_LARGE))
            if ((used = first_from(s->frame->used, frame(f)).n) >= f + FRAME_LARGE)
                return frame(f);
    }
    return NO_FRAME;
}

static uint32_t as_many(uint64_t there, uint32_t want) { return there < want ? (uint32_t)there : want; }

static void take(struct frame_view *s, struct frame_id first, uint32_t count, struct container_id who)
{
#ifdef UKERN_BUG_SPEC_FRAME_TWICE
    count--;
#endif
    for (uint32_t n = first.n; n < first.n + count; n++)
        set(s->frame->used, frame(n), ((struct frame_use){ 1, who }));
    if (size(s->frame->used) > val(s->frame->peak))
        let(s->frame->peak, (uint32_t)size(s->frame->used));
}

enum verdict frame_init_spec(struct frame_view *s, const struct frame_init_ret *did, struct frame_init_ret *r)
{
    PRE(size(s->frame->used) == 0 && size(s->frame_type->kernel) > 0);
    r->ret = UKERN_NOMEM;
    if (did && did->ret == UKERN_NOMEM) /* the arena is full: the environment's choice */
        return DEFINED;
    r->ret = UKERN_OK;
    EACH(s->frame_type->run, i) {
        struct frame_run a = get(s->frame_type->run, i);
        INSTEAD(sanitize_poison(frame_bytes(a.first), (size_t)a.count << FRAME_SHIFT));
    }
    return DEFINED;
}

enum verdict frame_alloc_spec(struct frame_view *s, struct container_id who, const struct frame_alloc_ret *did,
                              struct frame_alloc_ret *r)
{
    PRE(is_payer(who));
    r->ret = UKERN_NOMEM;
    if (free_frames(s) == 0)
        return DEFINED;
    r->ret = UKERN_OK;
    r->ret_frame = CHOICE(did, ret_frame, lowest_free(s));
    ALLOW(free_from(s, r->ret_frame) > 0);
    ALLOW(!lowest_only() || r->ret_frame.n == lowest_free(s).n);
    take(s, r->ret_frame, 1, who);
    INSTEAD(sanitize_unpoison(frame_bytes(r->ret_frame), FRAME_SIZE));
    return DEFINED;
}

enum verdict frame_alloc_run_spec(struct frame_view *s, struct container_id who, uint32_t want,
                                  const struct frame_alloc_run_ret *did, struct frame_alloc_run_ret *r)
{
    PRE(is_payer(who));
    r->ret = UKERN_BADARG;
    if (want == 0)
        return DEFINED;
    r->ret = UKERN_NOMEM;
    if (free_frames(s) == 0)
        return DEFINED;
    r->ret = UKERN_OK;
    struct frame_id low = lowest_free(s);
    r->ret_first = CHOICE(did, ret_first, low);
    r->ret_count = CHOICE(did, ret_count, as_many(free_from(s, low), want));
    ALLOW(0 < r->ret_count && r->ret_count <= want && r->ret_count <= free_from(s, r->ret_first));
    ALLOW(!lowest_only() || (r->ret_first.n == low.n && r->ret_count == as_many(free_from(s, low), want)));
    take(s, r->ret_first, r->ret_count, who);
    INSTEAD(sanitize_unpoison(frame_bytes(r->ret_first), (size_t)r->ret_count << FRAME_SHIFT));
    return DEFINED;
}

enum verdict frame_alloc_large_spec(struct frame_view *s, struct container_id who,
                                    const struct frame_alloc_large_ret *did, struct frame_alloc_large_ret *r)
{
    PRE(is_payer(who));
    struct frame_id low = lowest_free_large(s);
    r->ret = UKERN_NOMEM;
    if (low.n == NO_FRAME.n)
        return DEFINED;
    r->ret = UKERN_OK;
    r->ret_first = CHOICE(did, ret_first, low);
    ALLOW(r->ret_first.n % FRAME_LARGE == 0 && free_from(s, r->ret_first) >= FRAME_LARGE);
    ALLOW(!lowest_only() || r->ret_first.n == low.n);
    take(s, r->ret_first, FRAME_LARGE, who);
    INSTEAD(sanitize_unpoison(frame_bytes(r->ret_first), (size_t)FRAME_LARGE << FRAME_SHIFT));
    return DEFINED;
}

static bool all_used(const struct frame_view *s, struct frame_id first, uint32_t count)
{
    return count == 0 || (has(s->frame->used, first) && first_absent(s->frame->used, first).n - first.n >= count);
}

static bool all_zero(struct frame_id first, uint32_t count)
{
    const uint8_t *bytes = frame_bytes(first);
    return count == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, ((size_t)count << FRAME_SHIFT) - 1) == 0);
}

enum verdict frame_clear_spec(struct frame_view *s, struct frame_id first, uint32_t count,
                              const struct frame_clear_ret *did, struct frame_clear_ret *r)
{
    (void)r;
    PRE(all_used(s, first, count));
    INSTEAD(memset(frame_bytes(first), 0, (size_t)count << FRAME_SHIFT));
    ALLOW(!did || all_zero(first, count));
    return DEFINED;
}

enum verdict frame_ref_spec(struct frame_view *s, struct frame_id f, const struct frame_ref_ret *did,
                            struct frame_ref_ret *r)
{
    (void)did;
    PRE(true);
    struct frame_use u = get(s->frame->used, f);
    r->ret = u.refs == 0 ? UKERN_BADARG : u.refs == UINT32_MAX ? UKERN_NOMEM : UKERN_OK;
#ifdef UKERN_BUG_SPEC_REF_LOST
    return DEFINED;
#endif
    if (r->ret == UKERN_OK)
        set(s->frame->used, f, ((struct frame_use){ u.refs + 1, u.owner }));
    return DEFINED;
}

enum verdict frame_drop_spec(struct frame_view *s, struct frame_id f, const struct frame_drop_ret *did,
                             struct frame_drop_ret *r)
{
    PRE(true);
    struct frame_use u = get(s->frame->used, f);
    r->ret = UKERN_BADARG;
    if (u.refs == 0)
        return DEFINED;
    r->ret = UKERN_OK;
    r->ret_free = u.refs == 1;
#ifdef UKERN_BUG_SPEC_DROP_ALL
    r->ret_free = true;
#endif
    if (!r->ret_free) {
        set(s->frame->used, f, ((struct frame_use){ u.refs - 1, u.owner }));
        return DEFINED;
    }
    del(s->frame->used, f);
    INSTEAD(memset(frame_bytes(f), FRAME_POISON, FRAME_SIZE));
    INSTEAD(sanitize_poison(frame_bytes(f), FRAME_SIZE));
    return DEFINED;
}

/* Who does not hold a frame may see it half given out by another CPU. */
static bool of_one_moment(void) { return here->m->cpus > 1; }

enum verdict frame_refs_spec(struct frame_view *s, struct frame_id f, const struct frame_refs_ret *did,
                             struct frame_refs_ret *r)
{
    PRE(true);
    r->ret = CHOICE(did, ret, get(s->frame->used, f).refs);
    ALLOW(of_one_moment() || r->ret == get(s->frame->used, f).refs);
    return DEFINED;
}

enum verdict frame_owner_spec(struct frame_view *s, struct frame_id f, const struct frame_owner_ret *did,
                              struct frame_owner_ret *r)
{
    (void)did;
    PRE(has(s->frame->used, f));
    r->ret = get(s->frame->used, f).owner;
    return DEFINED;
}

/* Of several CPUs each counts for itself, so that the sum is of no particular moment. */
static bool may_count(const struct frame_view *s, uint32_t count, uint64_t least, uint64_t most)
{
    return here->m->cpus > 1 ? count <= val(s->frame_type->normals) : least <= count && count <= most;
}

enum verdict frame_used_spec(struct frame_view *s, const struct frame_used_ret *did, struct frame_used_ret *r)
{
    PRE(true);
    r->ret = CHOICE(did, ret, (uint32_t)size(s->frame->used));
    ALLOW(may_count(s, r->ret, size(s->frame->used), size(s->frame->used)));
    return DEFINED;
}

enum verdict frame_peak_spec(struct frame_view *s, const struct frame_peak_ret *did, struct frame_peak_ret *r)
{
    PRE(true);
    r->ret = CHOICE(did, ret, val(s->frame->peak));
    ALLOW(may_count(s, r->ret, val(s->frame->peak), val(s->frame->peak) + 1)); /* the frame that came back last counts as used */
    return DEFINED;
}

enum verdict frame_usable_spec(struct frame_view *s, const struct frame_usable_ret *did, struct frame_usable_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = val(s->frame_type->normals);
    return DEFINED;
}

bool frame_relates_at(const struct frame_view *s, const struct map *m, uint64_t key)
{
    if (!IS(s->frame->used, m))
        return true;
    struct frame_id f = frame(key);
    struct frame_use abs = get(s->frame->used, f);
    struct frame_entry code = frame_table_get(f);
    return AGREE(abs.refs, code.refs, "references of frame %u", f.n) &&
           (abs.refs == 0 || AGREE(abs.owner.n, code.owner, "payer of frame %u", f.n));
}

static uint64_t mark(uint64_t f) { return (f + 1) * (f + 1) * UINT64_C(0x9e3779b97f4a7c15); }

/* Each free frame is in one free block or one CPU's cache, and nothing else is: as many, and the same sum of marks. */
static bool all_free_kept(const struct frame_view *s, uint64_t free, uint64_t marks)
{
    struct frame_piece at = { 0 };
    while (frame_peek_piece(&at)) {
        if (!HOLDS(at.count > 0 && free_from(s, at.first) >= at.count, "frames %u + %u in a block or cache are free",
                   at.first.n, at.count))
            return false;
        free -= at.count;
        for (uint64_t f = at.first.n; f < (uint64_t)at.first.n + at.count; f++)
            marks -= mark(f);
    }
    return AGREE(0, free, "free frames in no block and no cache") &&
           AGREE(0, marks, "marks of the free frames: one is kept twice, another is lost");
}

bool frame_relates(const struct frame_view *s)
{
    uint64_t free = 0, marks = 0;
    EACH(s->frame_type->run, i) {
        struct frame_run a = get(s->frame_type->run, i);
        for (uint64_t f = a.first.n; f < end_of(a); f++) {
            if (!frame_relates_at(s, &s->frame->used.m, f))
                return false;
            bool is_free = !has(s->frame->used, frame(f));
            free += is_free;
            marks += is_free ? mark(f) : 0;
        }
    }
    return all_free_kept(s, free, marks);
}

bool frame_invariant_at(const struct frame_view *s, const struct map *m, uint64_t key)
{
    struct frame_id f = frame(key);
    if (!IS(s->frame->used, m) || !has(s->frame->used, f))
        return true;
    return HOLDS(run_of(s, f).count > 0, "I1 at frame %u", f.n) && HOLDS(get(s->frame->used, f).refs > 0, "I2 at frame %u", f.n);
}

bool frame_invariant(const struct frame_view *s)
{
    EACH(s->frame->used, f)
        if (!frame_invariant_at(s, &s->frame->used.m, f.n))
            return false;
    return true;
}
