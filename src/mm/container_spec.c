/* SPDX-License-Identifier: BSD-2-Clause */
/* container_spec: a tree of quotas.                                                        Specification of mm/container
 *
 * Environment   here->m->params.limits, here->m->params.max_containers, the arena */
#include "core/spec.h"

enum { CHILDREN = 3 }; /* of mCertiKOS: those of `id` are 3 id + 1 + n, n < 3 */

void container_abs_init(struct container_abs *s) { INIT(s->of, "container.of"); }

static bool mcertikos(void) { return here->m->params.limits == UKERN_LIMITS_MCERTIKOS; }
static uint32_t ids(void) { return here->m->params.max_containers; }
static uint32_t left(struct container_info c)
{
#ifdef UKERN_BUG_SPEC_QUOTA_EDGE
    c.quota += c.usage > 0 && c.usage == c.quota;
#endif
    return c.quota - c.usage;
}

static void charge(struct container_view *s, struct container_id id, uint32_t frames)
{
    struct container_info c = get(s->container->of, id);
    c.usage += frames;
    set(s->container->of, id, c);
}

static void credit(struct container_view *s, struct container_id id, uint32_t frames)
{
    struct container_info c = get(s->container->of, id);
    c.usage -= frames;
    set(s->container->of, id, c);
}

/* Whether a child of `id` may have the number n. */
static bool may_be(const struct container_view *s, struct container_id id, uint32_t n)
{
    return n < ids() && !has(s->container->of, (struct container_id){ n }) &&
           (!mcertikos() || (n > 3 * id.n && n <= 3 * id.n + CHILDREN));
}

/* The lowest number that a child of `id` may have; NO_ID: none. */
static uint32_t lowest_child(const struct container_view *s, struct container_id id)
{
    struct container_id from = { mcertikos() ? 3 * id.n + 1 : 0 }, n = first_absent(s->container->of, from);
    return may_be(s, id, n.n) ? n.n : NO_ID;
}

enum verdict container_init_spec(struct container_view *s, const struct container_init_ret *did,
                                 struct container_init_ret *r)
{
    PRE(size(s->container->of) == 0 && size(s->frame->used) == 0);
    r->ret = UKERN_NOMEM;
    if (did && did->ret == UKERN_NOMEM) /* the arena is full: the environment's choice */
        return DEFINED;
    r->ret = UKERN_OK;
    set(s->container->of, ROOT_CONTAINER,
        ((struct container_info){ .quota = val(s->frame_type->normals), .parent = ROOT_CONTAINER }));
    return DEFINED;
}

enum verdict container_split_spec(struct container_view *s, struct container_id id, uint32_t quota,
                                  const struct container_split_ret *did, struct container_split_ret *r)
{
    PRE(true);
    r->ret = UKERN_BADARG;
    if (!has(s->container->of, id))
        return DEFINED;
    struct container_info c = get(s->container->of, id);
    struct container_id lowest = { lowest_child(s, id) };
    r->ret = UKERN_NOMEM;
    if (quota > left(c) || lowest.n == NO_ID || (did && did->ret == UKERN_NOMEM && here->m->cpus > 1))
        return DEFINED; /* the last: another CPU gave its number back when this one had looked through them */
    r->ret = UKERN_OK;
    r->ret_child = CHOICE(did, ret_child, lowest);
    ALLOW(may_be(s, id, r->ret_child.n));
    ALLOW(!mcertikos() || r->ret_child.n == lowest.n);
    c.usage += quota;
#ifndef UKERN_BUG_SPEC_CHILD_UNCOUNTED
    c.children++;
#endif
    set(s->container->of, id, c);
    set(s->container->of, r->ret_child, ((struct container_info){ .quota = quota, .parent = id }));
    return DEFINED;
}

enum verdict container_revoke_spec(struct container_view *s, struct container_id id,
                                   const struct container_revoke_ret *did, struct container_revoke_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = UKERN_BADARG;
    if (id.n == ROOT_CONTAINER.n || !has(s->container->of, id))
        return DEFINED;
    struct container_info c = get(s->container->of, id), parent = get(s->container->of, c.parent);
    r->ret = UKERN_BUSY;
    if (c.children > 0 || c.usage > 0)
        return DEFINED;
    r->ret = UKERN_OK;
#ifndef UKERN_BUG_SPEC_REVOKE_KEEPS
    parent.usage -= c.quota;
#endif
    parent.children--;
    set(s->container->of, c.parent, parent);
    del(s->container->of, id);
    return DEFINED;
}

enum verdict container_alloc_spec(struct container_view *s, struct container_id id,
                                  const struct container_alloc_ret *did, struct container_alloc_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = UKERN_BADARG;
    if (!has(s->container->of, id))
        return DEFINED;
    r->ret = UKERN_NOMEM;
    if (left(get(s->container->of, id)) == 0)
        return DEFINED;
    r->ret = frame_alloc(id, &r->ret_frame); /* the choice is that of the layer below */
    if (r->ret == UKERN_OK)
        charge(s, id, 1);
    return DEFINED;
}

enum verdict container_alloc_run_spec(struct container_view *s, struct container_id id, uint32_t want,
                                      const struct container_alloc_run_ret *did, struct container_alloc_run_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = UKERN_BADARG;
    if (!has(s->container->of, id) || want == 0)
        return DEFINED;
    uint32_t most = left(get(s->container->of, id));
    r->ret = UKERN_NOMEM;
    if (most == 0)
        return DEFINED;
    r->ret = frame_alloc_run(id, want < most ? want : most, &r->ret_first, &r->ret_count);
    if (r->ret == UKERN_OK)
        charge(s, id, r->ret_count);
    return DEFINED;
}

enum verdict container_alloc_large_spec(struct container_view *s, struct container_id id,
                                        const struct container_alloc_large_ret *did,
                                        struct container_alloc_large_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = UKERN_BADARG;
    if (!has(s->container->of, id))
        return DEFINED;
    r->ret = UKERN_NOMEM;
    if (left(get(s->container->of, id)) < FRAME_LARGE)
        return DEFINED;
    r->ret = frame_alloc_large(id, &r->ret_first);
    if (r->ret == UKERN_OK)
        charge(s, id, FRAME_LARGE);
    return DEFINED;
}

enum verdict container_free_spec(struct container_view *s, struct frame_id f, const struct container_free_ret *did,
                                 struct container_free_ret *r)
{
    (void)did;
    PRE(true);
    bool last = false;
    r->ret = UKERN_BADARG;
    if (frame_refs(f) == 0)
        return DEFINED;
    struct container_id payer = frame_owner(f); /* as the code found it: when this step is taken the frame may be another's */
    r->ret = frame_drop(f, &last);
#ifdef UKERN_BUG_SPEC_CREDIT_EARLY
    last = r->ret == UKERN_OK;
#endif
    if (last)
        credit(s, payer, 1);
    return DEFINED;
}

enum verdict container_info_spec(struct container_view *s, struct container_id id, const struct container_info_ret *did,
                                 struct container_info_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = UKERN_BADARG;
    if (!has(s->container->of, id))
        return DEFINED;
    r->ret = UKERN_OK;
    r->ret_info = get(s->container->of, id);
    return DEFINED;
}

enum verdict container_can_consume_spec(struct container_view *s, struct container_id id, uint32_t n,
                                        const struct container_can_consume_ret *did,
                                        struct container_can_consume_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = has(s->container->of, id) && n <= left(get(s->container->of, id));
    return DEFINED;
}

bool container_relates_at(const struct container_view *s, const struct map *m, uint64_t key)
{
    (void)m;
    struct container_id id = { (uint32_t)key };
    struct container_info abs = get(s->container->of, id), code = { 0 };
    bool there = container_peek(id, &code);
    return AGREE(has(s->container->of, id), there, "whether container %u exists", id.n) &&
           (!there || (AGREE(abs.quota, code.quota, "quota of container %u", id.n) &&
                       AGREE(abs.usage, code.usage, "usage of container %u", id.n) &&
                       AGREE(abs.parent.n, code.parent.n, "parent of container %u", id.n) &&
                       AGREE(abs.children, code.children, "children of container %u", id.n)));
}

bool container_relates(const struct container_view *s)
{
    for (uint32_t n = 0; n < ids(); n++)
        if (!container_relates_at(s, &s->container->of.m, n))
            return false;
    return true;
}

bool container_invariant_at(const struct container_view *s, const struct map *m, uint64_t key)
{
    struct container_id id = { (uint32_t)key };
    if (!IS(s->container->of, m) || !has(s->container->of, id))
        return true;
    struct container_info c = get(s->container->of, id);
    return HOLDS(c.usage <= c.quota, "I1 at container %u", id.n) &&
           HOLDS(id.n == 0 ? c.parent.n == 0 : c.parent.n != id.n && get(s->container->of, c.parent).children > 0,
                 "I3 at container %u: its parent is there and counts it", id.n);
}

static uint64_t weight(struct container_id id) { return (id.n + UINT64_C(1)) * (id.n + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15); }

/* I2 and the count of I3, for one container, exactly: slow, and asked only when the sums below differ. */
static bool accounts_of(const struct container_view *s, struct container_id id)
{
    uint64_t taken = 0, children = 0;
    EACH(s->frame->used, f)
        taken += get(s->frame->used, f).owner.n == id.n;
    EACH(s->container->of, child) {
        struct container_info c = get(s->container->of, child);
        bool is_child = child.n != id.n && c.parent.n == id.n;
        taken += is_child ? c.quota : 0;
        children += is_child;
    }
    return AGREE(get(s->container->of, id).usage, taken, "I2 at container %u", id.n) &&
           AGREE(get(s->container->of, id).children, children, "I3 at container %u", id.n);
}

/* The same for all at once: each side of the equations is summed with a weight for each container. */
static bool accounts(const struct container_view *s)
{
    uint64_t usage = 0, children = 0;
    EACH(s->frame->used, f)
        usage -= weight(get(s->frame->used, f).owner);
    EACH(s->container->of, id) {
        struct container_info c = get(s->container->of, id);
        usage += c.usage * weight(id);
        children += c.children * weight(id);
        usage -= id.n == 0 ? 0 : c.quota * weight(c.parent);
        children -= id.n == 0 ? 0 : weight(c.parent);
    }
    if (usage == 0 && children == 0)
        return true;
    EACH(s->container->of, id)
        if (!accounts_of(s, id))
            return false;
    return HOLDS(false, "I2: frames are charged to a container that does not exist");
}

static bool below_root(const struct container_view *s, struct container_id id)
{
    for (size_t steps = 0; steps < size(s->container->of); steps++, id = get(s->container->of, id).parent)
        if (id.n == ROOT_CONTAINER.n)
            return true;
    return false;
}

bool container_invariant(const struct container_view *s)
{
    uint64_t promised = 0;
    EACH(s->container->of, id) {
        if (!container_invariant_at(s, &s->container->of.m, id.n) ||
            !HOLDS(below_root(s, id), "I3 at container %u: it is its own ancestor", id.n))
            return false;
        promised += left(get(s->container->of, id));
    }
    return accounts(s) && HOLDS(promised <= val(s->frame_type->normals) - size(s->frame->used), "I4: %llu frames are promised",
                                (unsigned long long)promised);
}
