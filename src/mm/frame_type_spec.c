/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_type_spec: usable frames, minus those of the kernel, are everybody's.              Specification of mm/frame_type
 *
 *     KERNEL = the lowest K usable frames         NORMAL = usable frames above them                   (limits = own)
 *     KERNEL = frames outside CertiKOS's window   NORMAL = usable frames in the window          (limits = mcertikos)
 *
 * Environment   here->m->frames (the size of the memory), here->m->params.limits */
#include "core/spec.h"

enum { WINDOW_FIRST = 262144, WINDOW_END = 983040 }; /* of mCertiKOS's user frames: 1 GiB, 3.75 GiB */

struct span { uint64_t first, end; }; /* frames first..end-1 */

void frame_type_abs_init(struct frame_type_abs *s)
{
    INIT(s->run, "frame_type.run");
    INIT(s->kernel, "frame_type.kernel");
    INIT(s->normals, "frame_type.normals");
}

static bool mcertikos(void) { return here->m->params.limits == UKERN_LIMITS_MCERTIKOS; }
static uint64_t lower(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t higher(uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t in(struct span s) { return s.end > s.first ? s.end - s.first : 0; }
static struct span both(struct span a, struct span b)
{
    return (struct span){ higher(a.first, b.first), lower(a.end, b.end) };
}
static struct span span_of(struct frame_run r) { return (struct span){ r.first.n, (uint64_t)r.first.n + r.count }; }

static uint64_t tables(void) /* K: third and second level, and the first level of an uneven end */
{
    uint64_t total = here->m->frames;
#ifdef UKERN_BUG_SPEC_UNEVEN_END
    total = round_up(total, 512);
#endif
    return ((total - 1) >> 27) + 1 + ((total - 1) >> 18) + 1 + (total % 512 != 0);
}

static struct span usable(const struct frame_type_view *s, uint32_t i) /* the frames that lie wholly in region i */
{
    struct memmap_region g = get(s->memmap->region, i);
    if (!g.usable)
        return (struct span){ 0, 0 };
    return (struct span){ round_up(g.start, FRAME_SIZE) >> FRAME_SHIFT, (g.start + g.length) >> FRAME_SHIFT };
}

static uint64_t usable_in(const struct frame_type_view *s, struct span where)
{
    uint64_t n = 0;
    EACH(s->memmap->region, i)
        n += in(both(usable(s, i), where));
    return n;
}

static struct span outside_low(void) { return (struct span){ 0, mcertikos() ? WINDOW_FIRST : UINT32_MAX }; }
static struct span outside_high(void) { return (struct span){ mcertikos() ? WINDOW_END : UINT32_MAX, UINT32_MAX }; }

/* The first K usable frames of the parts where the kernel's may lie; returns the frame after the last of them. */
static uint64_t take_kernel(struct frame_type_view *s)
{
    struct span part[] = { outside_low(), outside_high() };
    uint64_t k = 0, next = 0;
    for (uint32_t p = 0; p < COUNT_OF(part); p++)
        for (uint32_t i = 0; i < size(s->memmap->region); i++)
            for (uint64_t f = both(usable(s, i), part[p]).first; f < both(usable(s, i), part[p]).end && k < tables(); f++) {
                set(s->frame_type->kernel, (uint32_t)k++, ((struct frame_id){ (uint32_t)f }));
                next = f + 1;
            }
    return next;
}

static void take_normal(struct frame_type_view *s, struct span window)
{
    uint32_t runs = 0;
    struct frame_run last = { 0 };
    for (uint32_t i = 0; i < size(s->memmap->region); i++) {
        struct span part = both(usable(s, i), window);
        if (in(part) == 0)
            continue;
#ifdef UKERN_BUG_SPEC_RUN_SPLIT
        last.count = 0;
#endif
        if (runs > 0 && span_of(last).end == part.first) { /* runs are maximal: it goes on */
            last.count += (uint32_t)in(part);
            runs--;
        } else {
            last = (struct frame_run){ { (uint32_t)part.first }, (uint32_t)in(part) };
        }
        set(s->frame_type->run, runs++, last);
    }
    let(s->frame_type->normals, (uint32_t)usable_in(s, window));
}

enum verdict frame_type_init_spec(struct frame_type_view *s, const struct frame_type_init_ret *did,
                                  struct frame_type_init_ret *r)
{
    PRE(size(s->frame_type->kernel) == 0 && size(s->memmap->region) > 0);
    uint64_t all = usable_in(s, (struct span){ 0, UINT32_MAX }), outside = usable_in(s, outside_low()) + usable_in(s, outside_high());
    r->ret = UKERN_NOMEM;
    if (outside < tables() || all == (mcertikos() ? outside : tables())) /* no table for the kernel, or no frame for others */
        return DEFINED;
    if (did && did->ret == UKERN_NOMEM) /* the arena is full: the environment's choice */
        return DEFINED;
    r->ret = UKERN_OK;
    uint64_t above = take_kernel(s);
    take_normal(s, mcertikos() ? (struct span){ WINDOW_FIRST, WINDOW_END } : (struct span){ above, UINT32_MAX });
    return DEFINED;
}

enum verdict frame_type_of_spec(struct frame_type_view *s, struct frame_id f, const struct frame_type_of_ret *did,
                                struct frame_type_of_ret *r)
{
    (void)did;
    PRE(true);
    bool window = f.n >= WINDOW_FIRST && f.n < WINDOW_END;
    r->ret = mcertikos() && !window && f.n < here->m->frames ? FRAME_KERNEL : FRAME_RESERVED;
    EACH(s->frame_type->kernel, i)
        if (get(s->frame_type->kernel, i).n == f.n)
            r->ret = FRAME_KERNEL;
    EACH(s->frame_type->run, i)
        if (f.n - get(s->frame_type->run, i).first.n < get(s->frame_type->run, i).count)
            r->ret = FRAME_NORMAL;
    return DEFINED;
}

enum verdict frame_type_kernel_spec(struct frame_type_view *s, uint32_t i, const struct frame_type_kernel_ret *did,
                                    struct frame_type_kernel_ret *r)
{
    (void)did;
    PRE(has(s->frame_type->kernel, i));
    r->ret = get(s->frame_type->kernel, i);
    return DEFINED;
}

enum verdict frame_type_kernels_spec(struct frame_type_view *s, const struct frame_type_kernels_ret *did,
                                     struct frame_type_kernels_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = (uint32_t)size(s->frame_type->kernel);
    return DEFINED;
}

enum verdict frame_type_normals_spec(struct frame_type_view *s, const struct frame_type_normals_ret *did,
                                     struct frame_type_normals_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = val(s->frame_type->normals);
    return DEFINED;
}

enum verdict frame_type_run_spec(struct frame_type_view *s, uint32_t i, const struct frame_type_run_ret *did,
                                 struct frame_type_run_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = UKERN_NOTFOUND;
    if (!has(s->frame_type->run, i))
        return DEFINED;
    r->ret = UKERN_OK;
    r->ret_run = get(s->frame_type->run, i);
    return DEFINED;
}

bool frame_type_relates_at(const struct frame_type_view *s, const struct map *m, uint64_t key)
{
    uint32_t i = (uint32_t)key;
    if (m == &s->frame_type->normals.m)
        return AGREE(val(s->frame_type->normals), frame_type_normals(), "number of NORMAL frames");
    if (m == &s->frame_type->kernel.m)
        return AGREE(size(s->frame_type->kernel), frame_type_kernels(), "number of the kernel's tables") &&
               AGREE(get(s->frame_type->kernel, i).n, frame_type_kernel(i).n, "frame of the kernel's table %u", i);
    struct frame_run abs = get(s->frame_type->run, i), code = { 0 };
    enum ukern_status found = frame_type_run(i, &code);
    return AGREE(has(s->frame_type->run, i), found == UKERN_OK, "whether run %u exists", i) &&
           AGREE(abs.first.n, code.first.n, "first frame of run %u", i) &&
           AGREE(abs.count, code.count, "frames in run %u", i);
}

static bool relates_of(const struct frame_type_view *s, uint64_t f)
{
    struct frame_type_of_ret abs = { 0 };
    struct frame_id frame = { (uint32_t)f };
    frame_type_of_spec((struct frame_type_view *)(uintptr_t)s, frame, NULL, &abs);
    return AGREE(abs.ret, frame_type_of(frame), "type of frame %u", frame.n);
}

bool frame_type_relates(const struct frame_type_view *s)
{
    uint32_t runs = (uint32_t)size(s->frame_type->run);
    if (!frame_type_relates_at(s, &s->frame_type->normals.m, 0) || !frame_type_relates_at(s, &s->frame_type->run.m, runs))
        return false;
    EACH(s->frame_type->kernel, i)
        if (!frame_type_relates_at(s, &s->frame_type->kernel.m, i) || !relates_of(s, get(s->frame_type->kernel, i).n))
            return false;
    EACH(s->frame_type->run, i) { /* a type changes only at the ends of runs */
        struct span a = span_of(get(s->frame_type->run, i));
        if (!frame_type_relates_at(s, &s->frame_type->run.m, i) || !relates_of(s, a.first - 1) ||
            !relates_of(s, a.first) || !relates_of(s, a.end - 1) || !relates_of(s, a.end))
            return false;
    }
    return relates_of(s, 0) && relates_of(s, here->m->frames) && relates_of(s, UINT32_MAX) &&
           relates_of(s, WINDOW_FIRST - 1) && relates_of(s, WINDOW_FIRST) && relates_of(s, WINDOW_END);
}

bool frame_type_invariant_at(const struct frame_type_view *s, const struct map *m, uint64_t key)
{
    uint32_t i = (uint32_t)key;
    if (m != &s->frame_type->run.m || !has(s->frame_type->run, i))
        return true;
    struct span a = span_of(get(s->frame_type->run, i));
    return HOLDS(usable_in(s, a) == in(a) && in(a) > 0, "I1 at run %u: all its frames are usable", i) &&
           HOLDS(i == 0 || span_of(get(s->frame_type->run, i - 1)).end < a.first, "I1 at run %u: ascending, maximal", i);
}

bool frame_type_invariant(const struct frame_type_view *s)
{
    uint64_t normals = 0, kernels = size(s->frame_type->kernel);
    if (mcertikos())
        kernels = usable_in(s, outside_low()) + usable_in(s, outside_high());
    EACH(s->frame_type->run, i) {
        if (!frame_type_invariant_at(s, &s->frame_type->run.m, i))
            return false;
        normals += get(s->frame_type->run, i).count;
    }
    return AGREE(val(s->frame_type->normals), normals, "I1, frames in all runs") &&
           AGREE(usable_in(s, (struct span){ 0, UINT32_MAX }), normals + kernels, "I1, usable frames: NORMAL or KERNEL");
}
