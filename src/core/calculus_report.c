/* SPDX-License-Identifier: BSD-2-Clause */
/* calculus_report: what a failure says: who, with what, from where, what changed, what differs, what came before. */
#include "core/calculus_inside.h"
#include <stdarg.h>
#include <stdio.h>

static const struct { const char *name, *text; } failures[FAILURE_COUNT] = {
    [FAILURE_UNDEFINED] = { "UNDEFINED", "undefined, the caller broke the precondition" },
    [FAILURE_FORBIDDEN] = { "FORBIDDEN", "the spec forbids this choice" },
    [FAILURE_RESULT] = { "RESULT", "the result differs" },
    [FAILURE_RELATION] = { "RELATION", "the relation is broken" },
    [FAILURE_INVARIANT] = { "INVARIANT", "an invariant is broken" },
    [FAILURE_STEP_MISSING] = { "STEP_MISSING", "the spec takes a lower step that the code did not take" },
    [FAILURE_STEP_EXTRA] = { "STEP_EXTRA", "the code took a lower step that the spec does not take" },
    [FAILURE_EVENT_MISSING] = { "EVENT_MISSING", "shared state changed outside an event" },
    [FAILURE_EVENT_TWICE] = { "EVENT_TWICE", "a second event in one call" },
    [FAILURE_EVENT_UNLOCKED] = { "EVENT_UNLOCKED", "an event while no lock of the layer is held" },
    [FAILURE_EVENT_LATE] = { "EVENT_LATE", "the result is another one than at the event" },
    [FAILURE_SPEC] = { "SPEC", "the spec is wrong: expected one PRE, before any change and any lower call" },
    [FAILURE_EXHAUSTED] = { "EXHAUSTED", "the checker's memory is used up" },
};
static const char *const modes[] = { "impl", "shadow", "both", "spec" };

const char *calculus_failure_name(enum failure kind) { return kind < FAILURE_COUNT ? failures[kind].name : "?"; }
const char *calculus_mode_name(enum mode mode) { return modes[mode]; }

/* ---- text ---- */

struct text {
    char *at;
    size_t n, size;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->at + t->n, t->size - t->n, format, args);
    va_end(args);
    if (n > 0)
        t->n += (size_t)n < t->size - t->n ? (size_t)n : t->size - t->n - 1;
}

static bool is_unset(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != HOOK_UNSET)
            return false;
    return n > 0;
}

static void add_value(struct text *t, const struct field *f, const void *from)
{
    const unsigned char *bytes = (const unsigned char *)from + f->at;
    size_t step = strstr(f->type, "64") || strstr(f->type, "bytes") ? 8 : 4;
    if (is_unset(bytes, f->size)) {
        add(t, "(unset)");
        return;
    }
    for (size_t i = 0; i < f->size; i += step) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, f->size - i < step ? f->size - i : step);
        if (strcmp(f->type, "enum ukern_status") == 0)
            add(t, "%s", ukern_status_name((enum ukern_status)word));
        else
            add(t, word >> 16 ? "%s0x%llx" : "%s%llu", i ? "/" : "", (unsigned long long)word);
    }
}

static void add_fields(struct text *t, const struct field *f, const void *from)
{
    for (const char *comma = ""; f->name; f++, comma = ", ") {
        add(t, "%s%s=", comma, f->name);
        add_value(t, f, from);
    }
}

static void add_call(struct text *t, const struct prim *p, const void *args, const void *ret)
{
    add(t, "%s(", p->name);
    add_fields(t, p->args, args);
    add(t, ") ");
    if (ret)
        add_fields(t, p->ret, ret);
}

int calculus_call_text(const struct prim *p, const void *args, const void *ret, char *text, size_t size)
{
    struct text t = { .at = text, .size = size };
    if (size == 0)
        return 0;
    text[0] = 0;
    add_call(&t, p, args, ret);
    return (int)t.n;
}

/* ---- the report ---- */

static void add_call_lines(struct text *t, const struct calculus *c, const struct crossing *x, const void *says)
{
    char where[200];
    snprintf(where, sizeof where, "%p", (void *)(uintptr_t)x->caller);
    if (c->where)
        c->where((const char *)x->caller - 1, where, sizeof where); /* - 1: the call, not what follows it */
    add(t, "\n  called from  %s\n  call         ", where);
    add_call(t, x->prim, x->args, x->ret);
    if (says) {
        add(t, "\n  spec says    ");
        add_fields(t, x->prim->ret, says);
    }
    for (const struct crossing *up = x->up; up; up = up->up) {
        add(t, "\n  inside       ");
        add_call(t, up->prim, up->args, NULL);
    }
}

static void add_changes(struct text *t, const struct crossings *s, size_t from)
{
    enum { SHOWN = 24 };
    char line[200];
    for (size_t i = from; i < s->journal.n && i < from + SHOWN; i++) {
        change_text(&s->journal.at[i], line, sizeof line);
        add(t, "\n  changed      %s", line);
    }
    if (s->journal.n > from + SHOWN)
        add(t, "\n  changed      and %zu more", s->journal.n - from - SHOWN);
}

static void add_events(struct text *t, struct calculus *c)
{
    bool locked = c->threads && calculus_word_take(&c->ring_taken);
    for (uint64_t n = c->ring_n < CALCULUS_RING ? 0 : c->ring_n - CALCULUS_RING; n < c->ring_n; n++) {
        const struct event *e = &c->ring[n % CALCULUS_RING];
        add(t, "\n  before it    cpu%u ", e->cpu);
        add_call(t, e->prim, e->args, e->ret);
    }
    if (locked)
        calculus_word_give(&c->ring_taken);
}

static void add_heap(struct text *t, const struct check_heap *h)
{
    add(t, "\n  memory       %zu of %zu bytes were handed out, in %llu pieces; expected room for one more: make the machine smaller,"
           " or put fewer layers in both or spec", h->used, h->size, (unsigned long long)h->takes);
}

static void compose(struct text *t, struct calculus *c, struct crossing *x, const struct layer *l, enum failure kind, const void *says)
{
    struct crossings *s = here->crossings;
    add(t, "%s: %s in layer %s (%s), cpu%u", x ? x->prim->name : "full check", failures[kind].text, l->name,
        modes[calculus_mode_in(c, l)], here->id);
    if (x)
        add_call_lines(t, c, x, says);
    add_changes(t, s, x ? x->changes : s->journal.n);
    if (s->why)
        add(t, "\n  condition    %s", s->why);
    if (s->differs[0])
        add(t, "\n  differs      %s", s->differs);
    if (kind == FAILURE_EXHAUSTED)
        add_heap(t, &c->maths.heap);
    add_events(t, c);
    if (c->replay[0])
        add(t, "\n  replay:      %s", c->replay);
    add(t, "\n");
}

/* Line by line; the first one is the machine's error. */
static void tell(struct ukern *m, const char *text)
{
    bool is_error = machine_end(m, END_BROKEN);
    for (const char *line = text; *line; is_error = false) {
        int n = (int)strcspn(line, "\n");
        if (is_error)
            machine_fail(m, UKERN_BROKEN, "%.*s", n, line);
        else
            machine_log(m, UKERN_LOG_ERROR, "%.*s", n, line);
        line += n + (line[n] == '\n');
    }
}

/* What this thread holds of the checker, so that others come to the point where they park. */
static void let_go(struct calculus *c, struct crossings *s)
{
    s->atomic = NULL;
    if (s->world)
        calculus_world_give(c, s->world);
    s->relating = s->supposing = s->settled = false;
}

/* The first failure is the machine's. */
void calculus_tell(struct crossing *x, const struct layer *l, enum failure kind, const void *says)
{
    struct ukern *m = here->m;
    struct calculus *c = m->calculus;
    struct crossings *s = here->crossings;
    bool is_first = atomic_exchange(&c->failed, 1) == 0;
    if (is_first) {
        struct text t = { .at = c->text, .size = sizeof c->text };
        compose(&t, c, x, l, kind, says);
        c->report = (struct calculus_report){ .kind = kind, .what = failures[kind].text, .prim = x ? x->prim : NULL, .layer = l,
                                              .caller = x ? x->caller : NULL, .text = c->text };
    }
    let_go(c, s);
    s->top = NULL;
    if (is_first)
        tell(m, c->text);
}

void calculus_fail(struct crossing *x, const struct layer *l, enum failure kind, const void *says)
{
    calculus_tell(x, l, kind, says);
    here->m->ops->park(here);
}

const struct calculus_report *calculus_report(const struct ukern *m)
{
    return m->calculus && m->calculus->report.kind ? &m->calculus->report : NULL;
}
