/* SPDX-License-Identifier: BSD-2-Clause */
/* tables: what the tests of page tables share: a model of which tables there are, and shortage of frames. */
#pragma once
#include "harness.h"
#include "host/ram.h"
#include "mm/container.h"
#include "mm/frame.h"
#include "mm/frame_type.h"

enum { MODEL_PAGES = 400, MODEL_TABLES = 4000 };

/* A page of level 0 (4 KiB) or 1 (2 MiB); a table of level 0..2, as entries are counted. */
struct model_page {
    uint64_t va;
    uint32_t frame, perm, level, aged;
};
struct model_table {
    uint64_t va;
    uint32_t level;
};
struct model {
    struct model_page page[MODEL_PAGES];
    struct model_table table[MODEL_TABLES];
    uint32_t pages, tables;
};

static inline uint64_t model_span(uint32_t level) { return UINT64_C(4096) << 9 * level; }

/* The page that va lies in. */
static inline struct model_page *model_page(struct model *m, uint64_t va)
{
    for (uint32_t i = 0; i < m->pages; i++)
        if (va >= m->page[i].va && va - m->page[i].va < model_span(m->page[i].level))
            return &m->page[i];
    return NULL;
}

/* Whether a page lies in [va, va + span). */
static inline bool model_in_way(struct model *m, uint64_t va, uint64_t span)
{
    for (uint32_t i = 0; i < m->pages; i++)
        if (m->page[i].va < va + span && va < m->page[i].va + model_span(m->page[i].level))
            return true;
    return false;
}

static inline struct model_table *model_table(struct model *m, uint32_t level, uint64_t va)
{
    for (uint32_t i = 0; i < m->tables; i++)
        if (m->table[i].level == level && m->table[i].va == (va & ~(model_span(level + 1) - 1)))
            return &m->table[i];
    return NULL;
}

/* How many tables were made. */
static inline uint32_t model_need(struct model *m, uint64_t va, uint32_t level)
{
    uint32_t made = 0;
    for (uint32_t at = 2; at + 1 > level; at--) {
        struct model_page *p = model_page(m, va);
        if (model_table(m, at, va) || (at == 0 && p && p->level == 1))
            continue;
        ck_assert(m->tables < MODEL_TABLES);
        m->table[m->tables++] = (struct model_table){ va & ~(model_span(at + 1) - 1), at };
        made++;
    }
    return made;
}

/* The tables above va that have nothing below them go, those of the levels up to `level`. */
static inline void model_trim(struct model *m, uint64_t va, uint32_t level)
{
    for (uint32_t at = 0; at <= level; at++) {
        struct model_table *t = model_table(m, at, va);
        if (!t)
            continue;
        if (model_in_way(m, t->va, model_span(at + 1)))
            return;
        for (uint32_t i = 0; i < m->tables; i++)
            if (m->table[i].level < at && m->table[i].va >= t->va && m->table[i].va - t->va < model_span(at + 1))
                return;
        *t = m->table[--m->tables];
    }
}

/* Frames are taken until k are left. */
static inline void tables_leave_free(uint32_t k)
{
    struct frame_id f;
    while (frame_usable() - frame_used() > k)
        ck_ok(container_alloc(ROOT_CONTAINER, &f));
}

/* What every frame holds that is used, or the kernel's. */
static inline uint64_t tables_hash(void)
{
    uint64_t hash = 0;
    for (struct frame_id f = { 0 }; f.n < here->m->frames; f.n++)
        if (frame_refs(f) || frame_type_of(f) == FRAME_KERNEL)
            hash = hash * 31 + harness_hash(frame_bytes(f), FRAME_SIZE);
    return hash;
}
