/* SPDX-License-Identifier: BSD-2-Clause */
/* driver_shrink: a smaller sequence with the same report (kind and primitive), found by replay: first the machine, then the
 * commands, by delta debugging (Zeller and Hildebrandt 2002) with blocks of half the size each time, until none can go. */
#include "driver_inside.h"

struct shrinking {
    struct driver_sequence *best, try;
    struct driver_outcome *last, came; /* of best, of try */
    uint32_t *moved, replays;
};

static bool is_same(const struct driver_outcome *a, const struct driver_outcome *b)
{
    return a->failed && a->kind == b->kind && strcmp(a->prim, b->prim) == 0 && (a->kind || strcmp(a->what, b->what) == 0);
}

/* What is tried becomes the best when it gives the same report. */
static bool attempt(struct shrinking *s)
{
    s->replays++;
    driver_replay(&s->try, true, &s->came);
    if (!is_same(&s->came, s->last))
        return false;
    uint32_t n = s->came.at < s->try.n ? s->came.at : s->try.n;
    memcpy(s->best->command, s->try.command, n * sizeof *s->try.command);
    s->best->machine = s->try.machine;
    s->best->n = n;
    *s->last = s->came;
    return true;
}

static void copy(struct shrinking *s)
{
    memcpy(s->try.command, s->best->command, s->best->n * sizeof *s->best->command);
    s->try.machine = s->best->machine;
    s->try.n = s->best->n;
}

/* The best without n commands from `at`, and without those that use their names. */
static void cut(struct shrinking *s, uint32_t at, uint32_t n)
{
    const struct driver_sequence *from = s->best;
    s->try.n = 0;
    s->try.machine = from->machine;
    for (uint32_t i = 0; i < from->n; i++) {
        struct driver_command c = from->command[i];
        bool gone = i >= at && i - at < n;
        s->moved[i] = NO_ID;
        for (uint8_t k = 0; k < c.uses; k++) {
            gone |= s->moved[c.use[k].maker] == NO_ID;
            c.use[k].maker = s->moved[c.use[k].maker];
        }
        if (gone)
            continue;
        s->moved[i] = s->try.n;
        s->try.command[s->try.n++] = c;
    }
}

static void shrink_number(struct shrinking *s, uint32_t *number, uint32_t least)
{
    uint32_t *tried = (uint32_t *)((char *)&s->try.machine + ((char *)number - (char *)&s->best->machine));
    for (uint32_t n = least; n < *number; n = n < 8 ? n + 1 : n * 2) {
        copy(s);
        *tried = n;
        if (attempt(s))
            return;
    }
}

static void shrink_machine(struct shrinking *s)
{
    shrink_number(s, &s->best->machine.frames, 1);
    if (s->best->machine.cpus > 1) {
        copy(s);
        for (uint32_t i = 0; i < s->try.n; i++)
            s->try.command[i].cpu = 0;
        s->try.machine.cpus = 1;
        (void)attempt(s);
    }
    shrink_number(s, &s->best->machine.containers, 1);
    shrink_number(s, &s->best->machine.maps, 1);
}

static void shrink_commands(struct shrinking *s)
{
    uint32_t before;
    do {
        before = s->best->n;
        for (uint32_t n = before > 1 ? before / 2 : 1; n > 0; n /= 2)
            for (uint32_t at = s->best->n; at > 0;) { /* from the end: what follows a cause goes first */
                at = at > n ? at - n : 0;
                cut(s, at, n);
                if (s->try.n < s->best->n)
                    (void)attempt(s);
                if (at > s->best->n)
                    at = s->best->n;
            }
    } while (s->best->n < before);
}

/* Smaller arguments: zero, where that changes nothing else. */
static void shrink_arguments(struct shrinking *s)
{
    for (uint32_t i = 0; i < s->best->n; i++)
        for (uint8_t k = 0; k < s->best->command[i].uses; k++) {
            if (s->best->command[i].use[k].kind != DRIVER_CONTAINER)
                continue;
            copy(s); /* the root instead of a container that somebody had to make */
            struct driver_command *c = &s->try.command[i];
            put_word(c->args, c->use[k].at, 0);
            c->use[k] = c->use[--c->uses];
            (void)attempt(s);
        }
    shrink_commands(s);
    for (uint32_t i = 0; i < s->best->n; i++)
        for (uint32_t at = 0; at + 4 <= DRIVER_ARGS; at += 4) {
            bool name = word_at(s->best->command[i].args, at) == 0;
            for (uint8_t k = 0; k < s->best->command[i].uses; k++)
                name |= s->best->command[i].use[k].at == at;
            if (name)
                continue;
            copy(s);
            put_word(s->try.command[i].args, at, 0);
            (void)attempt(s);
            if (i >= s->best->n)
                return;
        }
}

void driver_shrink(struct driver_sequence *sequence, struct driver_outcome *last, uint32_t *ret_replays)
{
    struct shrinking *s = calloc(1, sizeof *s);
    *ret_replays = 0;
    if (!s || sequence->machine.engine != DRIVER_SEQ || !last->failed)
        goto out;
    *s = (struct shrinking){ .best = sequence, .last = last };
    s->try.command = malloc((sequence->n + 1) * sizeof *s->try.command);
    s->try.mark = malloc((sequence->n + 1) * sizeof *s->try.mark);
    s->try.room = sequence->n;
    s->moved = malloc((sequence->n + 1) * sizeof *s->moved);
    if (s->try.command && s->try.mark && s->moved) {
        copy(s);
        s->try.machine.check_every = 1; /* found where it happens, and not later */
        if (s->best->n <= 5000 || s->best->machine.frames <= 4096)
            (void)attempt(s);
        shrink_machine(s);
        shrink_commands(s);
        shrink_machine(s);
        shrink_arguments(s);
        shrink_machine(s);
        *ret_replays = s->replays;
    }
    free(s->try.command);
    free(s->try.mark);
    free(s->moved);
out:
    free(s);
}
