/* SPDX-License-Identifier: BSD-2-Clause */
/* driver_table: what the driver knows of each primitive, by the types and names in its prototype. */
#include "driver_inside.h"

/* Made once for each type; what is not here is a plain number, whose name says what it is for. */
static const struct { const char *type; uint8_t kind; } types[] = {
    { "struct frame_id", FIELD_FRAME }, { "struct container_id", FIELD_CONTAINER }, { "struct pt_id", FIELD_MAP },
    { "struct space_id", FIELD_SPACE }, { "struct share_pair", FIELD_PAIR }, { "struct pte_at", FIELD_ENTRY_AT },
    { "struct pte", FIELD_PTE }, { "struct pt_leaf", FIELD_LEAF }, { "struct frame_entry", FIELD_FRAME_ENTRY },
    { "struct share_entry", FIELD_SHARE_ENTRY }, { "struct container_info", FIELD_INFO }, { "struct kernel_bytes", FIELD_BYTES },
    { "bool", FIELD_BOOL },
};
static const struct { const char *name; uint8_t kind; } numbers[] = {
    { "va", FIELD_VA }, { "from_va", FIELD_VA }, { "to_va", FIELD_VA }, { "va_a", FIELD_VA }, { "va_b", FIELD_VA }, { "from", FIELD_VA },
    { "last", FIELD_LAST }, { "pages", FIELD_PAGES }, { "perm", FIELD_PERM }, { "access", FIELD_PERM }, { "order", FIELD_ORDER },
    { "level", FIELD_LEVEL }, { "n", FIELD_LENGTH }, { "want", FIELD_WANT }, { "count", FIELD_ONE }, { "quota", FIELD_QUOTA },
};

static uint8_t kind_of(const struct field *f)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (strcmp(f->type, types[i].type) == 0)
            return types[i].kind == FIELD_FRAME && strstr(f->name, "root") ? FIELD_ROOT : types[i].kind;
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (strcmp(f->name, numbers[i].name) == 0)
            return numbers[i].kind;
    return f->size <= 4 ? FIELD_SMALL : FIELD_OTHER;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}
static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

/* Hidden from whoever stands on `top`. */
static bool is_hidden(const struct prim *p, const struct layer *top)
{
    for (const struct layer *const *l = calculus_tower.layers; *l && (*l)->index <= top->index; l++) {
        if ((*l)->hides >> p->layer->index & 1)
            return true;
        for (const struct prim *const *h = (*l)->hidden_prims; h && *h; h++)
            if (*h == p)
                return true;
    }
    return false;
}

/* The manners: what a prototype does not say. */
static void learn_manners(struct prim_of *p)
{
    static const char *const inside[] = { "tlb_find", "tlb_fill", "space_access", NULL };
    static const struct { const char *prim; int8_t kind; bool last; } ends[] = {
        { "container_free", DRIVER_FRAME, true }, { "frame_drop", DRIVER_FRAME, true }, { "container_revoke", DRIVER_CONTAINER, false },
        { "pt_table_end", DRIVER_ROOT, false }, { "pt_bit_give", DRIVER_MAP, false }, { "space_destroy", DRIVER_SPACE, false },
    };
    static const struct { const char *prim; int8_t by; } busies[] = {
        { "pt_entry_begin", 1 }, { "pt_entry_end", -1 }, { "pt_kern_new", 1 }, { "pt_kern_end", -1 }, { "pt_new", 1 }, { "pt_end", -1 },
    };
    const char *name = p->prim->name;
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        if (strcmp(name, ends[i].prim) == 0) {
            p->ends = ends[i].kind;
            p->ends_last = ends[i].last;
        }
    for (size_t i = 0; i < COUNT_OF(busies); i++)
        if (strcmp(name, busies[i].prim) == 0)
            p->busies = busies[i].by;
    p->lends = strcmp(name, "pt_insert") == 0 ? 1 : strcmp(name, "pt_remove") == 0 ? -1 : 0;
    p->shares = strcmp(name, "share_offer") == 0 ? 1 : strcmp(name, "share_gone") == 0 ? -1 : 0;
    p->partial = strcmp(p->prim->layer->name, "ucopy") == 0;
    p->spoils = strcmp(name, "frame_clear") == 0;
    p->ends_roots = strcmp(name, "pt_kern_end") == 0;
    p->refers = strcmp(name, "frame_ref") == 0;
    p->inside = is_one_of(name, inside);
    p->enters = ends_with(name, "_enter");
    p->leaves = ends_with(name, "_leave");
}

static void learn_results(struct prim_of *p)
{
    const char *name = p->prim->name;
    bool maker = strstr(name, "_alloc") || ends_with(name, "_new") || ends_with(name, "_split") || ends_with(name, "_take");
    for (uint8_t i = 0; i < p->rets; i++) {
        const struct field *f = p->ret[i].field;
        if (maker && strncmp(f->name, "ret_", 4) == 0 && p->ret[i].kind <= FIELD_SPACE) {
            p->makes = (int8_t)p->ret[i].kind;
            p->made_at = (uint8_t)f->at;
        } else if (maker && strcmp(f->name, "ret_count") == 0) {
            p->count_at = (uint8_t)f->at;
            p->chancy = true;
        }
    }
    if (strcmp(name, "pt_kern_root") == 0) { /* the root of a map that is there has a name; it has none twice */
        p->makes = DRIVER_ROOT;
        p->made_at = 0;
    }
    p->many = ends_with(name, "_large");
    p->chancy |= p->many || strcmp(name, "frame_peak") == 0; /* the peak: seen when a cache is refilled */
}

static void learn(struct prim_of *p, const struct prim *prim)
{
    *p = (struct prim_of){ .prim = prim, .makes = -1, .ends = -1 };
    for (const struct field *f = prim->args; f->name && p->args < FIELDS_MAX; f++) {
        p->bytes |= kind_of(f) == FIELD_BYTES;
        p->arg[p->args++] = (struct field_of){ f, kind_of(f) };
    }
    for (const struct field *f = prim->ret; f->name && p->rets < FIELDS_MAX; f++)
        p->ret[p->rets++] = (struct field_of){ f, kind_of(f) };
    learn_results(p);
    learn_manners(p);
}

struct table *driver_table(const struct layer *top)
{
    /* What a layer up to the top owns by now, although it does not hide it. */
    static const struct { const char *prim, *owner; } owned[] = {
        { "pt_entry_begin", "pt_table" }, { "pt_entry_end", "pt_walk" }, { "pt_entry_set", "pt_table" }, { "pt_walk_set", "pt_table" }, { "pt_table_new", "pt_kern" }, { "pt_table_end", "pt_kern" }, { "tlb_fill", "space" },
    };
    struct table *t = calloc(1, sizeof *t);
    for (const struct layer *const *l = calculus_tower.layers; t && *l && (*l)->index <= top->index; l++)
        for (const struct prim *const *p = (*l)->prims; *p; p++) {
            bool skip = ends_with((*p)->name, "_init") || is_hidden(*p, top) || t->prims == PRIMS_MAX;
            for (size_t i = 0; i < COUNT_OF(owned); i++)
                skip |= strcmp((*p)->name, owned[i].prim) == 0 && driver_layer(owned[i].owner) &&
                        driver_layer(owned[i].owner)->index <= top->index;
            if (!skip)
                learn(&t->prim[t->prims++], *p);
        }
    if (t)
        t->walks = strcmp(top->name, "pt_walk") == 0;
    if (t)
        t->bare = !driver_layer("container") || top->index <= driver_layer("container")->index;
    for (uint32_t i = 0; t && i < t->prims; i++)
        if (t->prim[i].makes >= 0)
            t->made[t->prim[i].makes] = true;
    return t;
}

uint32_t driver_limit(const struct driver_machine *dm, enum driver_kind k)
{
    switch (k) {
    case DRIVER_FRAME:
    case DRIVER_ROOT: return dm->frames;
    case DRIVER_CONTAINER: return dm->mcertikos ? 64 : dm->containers;
    default: return dm->mcertikos ? 64 : dm->maps;
    }
}

uint32_t driver_words(const struct table *t, uint8_t field_kind, uint8_t kinds[2], uint8_t at[2])
{
    at[0] = 0;
    at[1] = 4;
    kinds[0] = kinds[1] = field_kind;
    switch (field_kind) {
    case FIELD_ROOT: /* where no root can be made, a root is a frame that was made a table */
        kinds[0] = t->made[DRIVER_ROOT] ? DRIVER_ROOT : DRIVER_FRAME;
        return 1;
    case FIELD_FRAME:
    case FIELD_CONTAINER:
    case FIELD_MAP:
    case FIELD_SPACE: return 1;
    case FIELD_ENTRY_AT: kinds[0] = t->made[DRIVER_ROOT] ? DRIVER_ROOT : DRIVER_FRAME; return 1;
    case FIELD_PAIR: kinds[0] = kinds[1] = DRIVER_SPACE; return 2;
    default: return 0;
    }
}

const char *driver_prim_name(const struct layer *top, uint32_t i)
{
    struct table *t = driver_table(top);
    const char *name = t && i < t->prims ? t->prim[i].prim->name : NULL;
    free(t);
    return name;
}
