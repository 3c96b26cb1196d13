/* SPDX-License-Identifier: BSD-2-Clause */
/* The page-table layers beside mCertiKOS's: the same calls are accepted and refused, the abstract map and the owner lists of
 * frames are the same. The original is written down here a second time, from its specification (MPTKern, MPTInit: two-level
 * tables, 64 maps, a user window from 1 GiB to 3.75 GiB). Return values and charges differ: docs/decisions.md has the table. */
#include "mm/pt.h"
#include "mm/pt_bit.h"
#include "mm/pt_kern.h"
#include "mm/tables.h"

#define WINDOW UINT64_C(0x40000000)
#define WINDOW_END UINT64_C(0xf0000000)
enum { MAPS = 64, MAPPED = 300, PDES = 300, MAGIC = 1048577, NONE = -1, LOW = 262144 };

/* ---- the original ---- */

struct original {
    struct { uint32_t n, page, perm; uint64_t va; } at[MAPPED]; /* present entries of second-level tables */
    struct { uint32_t n, pdx; } pde[PDES];                      /* second-level tables */
    uint32_t mapped, pdes, left[MAPS];                          /* left: of each container's quota */
    uint32_t nps;
    bool exists[MAPS];
};

static uint32_t original_find(const struct original *o, uint32_t n, uint64_t va)
{
    uint32_t i = 0;
    while (i < o->mapped && (o->at[i].n != n || o->at[i].va != va))
        i++;
    return i;
}

static bool original_place(const struct original *o, uint32_t n, uint64_t va)
{
    return n > 0 && n < MAPS && o->exists[n] && va >= WINDOW && va < WINDOW_END;
}

static bool original_has_table(const struct original *o, uint32_t n, uint64_t va)
{
    for (uint32_t i = 0; i < o->pdes; i++)
        if (o->pde[i].n == n && o->pde[i].pdx == va >> 22)
            return true;
    return false;
}

/* pt_insert: 0 (the table existed), 1 (a table was charged), MAGIC (over quota), NONE (undefined). */
static int original_insert(struct original *o, uint32_t n, uint64_t va, uint32_t page, uint32_t perm)
{
    if (!original_place(o, n, va) || page == 0 || page >= o->nps || (perm != 1 && perm != 3 && perm != 7))
        return NONE;
    if (original_find(o, n, va) < o->mapped) /* refuses to overwrite */
        return NONE;
    bool fresh = !original_has_table(o, n, va);
    if (fresh && o->left[n] == 0)
        return MAGIC;
    if (fresh) {
        ck_assert(o->pdes < PDES);
        o->pde[o->pdes].n = n;
        o->pde[o->pdes++].pdx = (uint32_t)(va >> 22);
        o->left[n]--;
    }
    ck_assert(o->mapped < MAPPED);
    o->at[o->mapped].n = n;
    o->at[o->mapped].va = va;
    o->at[o->mapped].page = page;
    o->at[o->mapped++].perm = perm;
    return fresh;
}

/* pt_rmv: the page, 0: none was there, NONE. */
static int original_remove(struct original *o, uint32_t n, uint64_t va)
{
    if (!original_place(o, n, va))
        return NONE;
    uint32_t i = original_find(o, n, va);
    if (i == o->mapped)
        return 0;
    uint32_t page = o->at[i].page;
    o->at[i] = o->at[--o->mapped];
    return (int)page;
}

/* ---- ours beside it ---- */

/* 1 P, 3 PW: the kernel's; 7 PWU: the user's. Everything could be executed there. */
static uint32_t own_perm(uint32_t perm) { return PERM_EXEC | (perm & 2 ? PERM_WRITE : 0u) | (perm & 4 ? PERM_USER : 0u); }

static struct ukern *mcertikos(struct original *o, uint32_t quota)
{
    struct ukern *m = NULL;
    struct ukern_params p = { .ram = (UINT64_C(1) << 30) + (8 << 20), .limits = UKERN_LIMITS_MCERTIKOS };
    ck_assert_msg(harness_boot(&p, 0, &m) == UKERN_OK, "%s", harness_error());
    memset(o, 0, sizeof *o);
    o->nps = m->frames;
    for (uint32_t n = 1; n <= 3; n++) { /* a map's number is its container's */
        struct container_id who;
        struct pt_id id;
        ck_ok(container_split(ROOT_CONTAINER, quota, &who));
        ck_ok(pt_bit_take(&id));
        ck_assert(who.n == n && id.n == n);
        ck_ok(pt_new(id, who));
        o->exists[n] = true;
        o->left[n] = quota;
    }
    return m;
}

/* The page's owner list (n, place), in the original and in our maps: the same set. */
static void owners_agree(const struct original *o, uint32_t page)
{
    uint32_t owners = 0;
    for (uint32_t i = 0; i < o->mapped; i++)
        owners += o->at[i].page == page;
    for (struct pt_id id = { 0 }; id.n < MAPS; id.n++) {
        uint64_t va = 0;
        struct frame_id f;
        uint32_t order;
        for (; pt_next(id, va, &va, &f, &order) == UKERN_OK; va += FRAME_SIZE) {
            if (f.n != page)
                continue;
            uint32_t i = original_find(o, id.n, va);
            ck_assert(i < o->mapped && o->at[i].page == page && order == 0);
            owners--;
        }
    }
    ck_assert_uint_eq(owners, 0);
}

static void maps_agree(const struct original *o)
{
    uint32_t pages = 0;
    for (struct pt_id id = { 0 }; id.n < MAPS; id.n++) {
        uint64_t va = 0;
        struct frame_id f, read;
        uint32_t order, perm;
        for (; pt_next(id, va, &va, &f, &order) == UKERN_OK; va += FRAME_SIZE, pages++) {
            uint32_t i = original_find(o, id.n, va);
            ck_assert(i < o->mapped && o->at[i].page == f.n && pt_read(id, va, &read, &perm) == UKERN_OK);
            ck_assert(read.n == f.n && perm == own_perm(o->at[i].perm));
        }
    }
    ck_assert_uint_eq(pages, o->mapped);
}

static uint64_t some_window_va(struct harness_random *r)
{
    static const uint64_t edge[] = { WINDOW, WINDOW + 4096, WINDOW_END - 4096, 0x40400000, 0x403ff000, 0x7fe00000, 0x80000000, 0x7ffff000 };
    return harness_below(r, 2) ? edge[harness_below(r, COUNT_OF(edge))] : WINDOW + (harness_below(r, 40) << 20) + (harness_below(r, 4) << 12);
}

START_TEST(the_same_calls_are_accepted_and_the_map_is_the_same)
{
    struct harness_random r = { 64 };
    static struct original o;
    struct ukern *m = mcertikos(&o, 400);
    static const uint32_t perms[] = { 1, 3, 7, 7, 7 };
    uint32_t accepted = 0, refused = 0;
    for (uint32_t k = harness_rounds(6000); k; k--) {
        struct pt_id id = { (uint32_t)harness_below(&r, 5) }; /* 0: the kernel's map; 4: none */
        uint64_t va = some_window_va(&r);
        if (harness_below(&r, 2) && o.mapped < MAPPED) {
            struct frame_id f = { LOW + (uint32_t)harness_below(&r, 12) };
            uint32_t perm = perms[harness_below(&r, COUNT_OF(perms))];
            if (harness_below(&r, 50) == 0)
                f.n = o.nps + (uint32_t)harness_below(&r, 3);
            int was = original_insert(&o, id.n, va, f.n, perm);
            enum ukern_status st = pt_insert(id, va, f, own_perm(perm), 0);
            ck_assert_msg((st == UKERN_OK) == (was == 0 || was == 1), "%u:%#lx -> %u: %d there, %s here", id.n, (unsigned long)va, f.n, was,
                          ukern_status_name(st));
            ck_assert(was != NONE || st == UKERN_EXISTS || st == UKERN_BADARG);
            accepted += st == UKERN_OK;
            refused += st != UKERN_OK;
            owners_agree(&o, f.n);
        } else {
            struct frame_id f = { 0 };
            uint32_t order;
            int was = original_remove(&o, id.n, va);
            enum ukern_status st = pt_remove(id, va, &f, &order);
            ck_status(st, was == NONE ? UKERN_BADARG : was == 0 ? UKERN_NOTFOUND : UKERN_OK);
            ck_assert_uint_eq(f.n, was > 0 ? (uint32_t)was : 0);
        }
        if (k % 100 == 0)
            maps_agree(&o);
    }
    maps_agree(&o);
    ck_assert(accepted > 100 && refused > 100);
    harness_free(m);
}
END_TEST

/* MagicNumber there, NOMEM here: the state is as before, in both. */
START_TEST(a_quota_that_is_used_up_refuses)
{
    static struct original o;
    struct ukern *m = mcertikos(&o, 4); /* here: the root, and three tables over the first page */
    struct pt_id id = { 2 };
    struct container_info info;
    int was = 0;
    ck_ok(pt_insert(id, WINDOW, (struct frame_id){ LOW }, own_perm(7), 0));
    ck_assert_int_eq(original_insert(&o, 2, WINDOW, LOW, 7), 1);
    for (uint64_t va = WINDOW + (4 << 20); was != MAGIC; va += 4 << 20) {
        was = original_insert(&o, 2, va, LOW, 7);
        ck_status(pt_insert(id, va, (struct frame_id){ LOW }, own_perm(7), 0), UKERN_NOMEM);
        if (was == 1)
            ck_assert_int_eq(original_remove(&o, 2, va), LOW); /* four tables there: its quota goes further */
    }
    ck_assert_int_eq(o.left[2], 0);
    ck_ok(container_info((struct container_id){ 2 }, &info));
    ck_assert(info.usage == 4 && info.quota == 4);
    maps_agree(&o);
    ck_assert_int_eq(original_insert(&o, 2, WINDOW + 4096, LOW + 1, 3), 0); /* no table is needed: accepted */
    ck_ok(pt_insert(id, WINDOW + 4096, (struct frame_id){ LOW + 1 }, own_perm(3), 0));
    maps_agree(&o);
    harness_free(m);
}
END_TEST

/* What the original charges and keeps for ever, and what is charged here and comes home. */
START_TEST(tables_come_home_here_only)
{
    static struct original o;
    struct ukern *m = mcertikos(&o, 100);
    struct pt_id id = { 1 };
    struct container_info info;
    struct frame_id f;
    uint32_t order;
    for (uint64_t va = WINDOW; va < WINDOW + (16 << 20); va += 4 << 20) {
        ck_assert_int_eq(original_insert(&o, 1, va, LOW, 7), 1);
        ck_ok(pt_insert(id, va, (struct frame_id){ LOW }, own_perm(7), 0));
    }
    ck_ok(container_info((struct container_id){ 1 }, &info));
    ck_assert(100 - o.left[1] == 4 && info.usage == 1 + 2 + 4); /* theirs: a table for 4 MiB; ours: root, two levels, a table for 2 MiB */
    for (uint64_t va = WINDOW; va < WINDOW + (16 << 20); va += 4 << 20) {
        ck_assert_int_eq(original_remove(&o, 1, va), LOW);
        ck_ok(pt_remove(id, va, &f, &order));
    }
    ck_ok(container_info((struct container_id){ 1 }, &info));
    ck_assert(100 - o.left[1] == 4 && info.usage == 1);
    pt_end(id);
    ck_ok(container_revoke((struct container_id){ 1 }));
    harness_free(m);
}
END_TEST

/* Map 0 is the kernel's own there; here no map has that number, so that it is refused as well. */
START_TEST(the_kernels_map_is_nobodys)
{
    static struct original o;
    struct ukern *m = mcertikos(&o, 10);
    struct frame_id f;
    uint32_t perm;
    ck_assert(pt_bit_is((struct pt_id){ 0 }) && pt_kern_root((struct pt_id){ 0 }).n == NO_ID);
    ck_assert_int_eq(original_insert(&o, 0, WINDOW, LOW, 7), NONE);
    ck_status(pt_insert((struct pt_id){ 0 }, WINDOW, (struct frame_id){ LOW }, own_perm(7), 0), UKERN_BADARG);
    ck_status(pt_read((struct pt_id){ 0 }, WINDOW, &f, &perm), UKERN_NOTFOUND);
    /* The kernel sees all of the memory in every map, whatever the frame's type: there at its own address, here above. */
    for (uint32_t n = 1; n <= 3 && harness_all_code(); n++)
        for (uint32_t frame = 0; frame < m->frames; frame += 4099) {
            struct pt_leaf leaf = pt_walk_leaf(pt_kern_root((struct pt_id){ n }), PT_KERNEL_BASE + (uint64_t)frame * FRAME_SIZE);
            ck_assert(leaf.level == 1 && pte_frame(leaf.e).n == (frame & ~511u) && !(leaf.e.bits & PTE_U));
        }
    harness_free(m);
}
END_TEST

HARNESS_TESTS("mm/mcertikos_pt", the_same_calls_are_accepted_and_the_map_is_the_same, a_quota_that_is_used_up_refuses,
              tables_come_home_here_only, the_kernels_map_is_nobodys)
