/* SPDX-License-Identifier: BSD-2-Clause */
/* check_subsets: the same calls under many assignments of modes to layers: one visible behaviour (vertical composition).
 * Which calls are defined is decided once, by the specifications alone; the trace of that run is everybody's. */
#include "cli.h"
#ifdef UKERN_CHECK
#include "check.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 3000, SHOWN = 5 };

struct subsets {
    struct checking *c;
    uint32_t layers, tried, refused, different, wrong_counts;
    uint64_t trace, chance, calls, mark[CALLS];
    struct { uint64_t code[4], spec[4], runs[4]; } of[TOWER_LAYERS]; /* by the mode that it had */
};

static uint64_t chance(uint64_t *s) /* splitmix64 */
{
    uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void name_modes(const struct subsets *s, const enum ukern_mode *mode, char *text, size_t size)
{
    size_t n = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < s->layers && n < size; i++)
        if (mode[i] != UKERN_MODE_IMPL)
            n += (size_t)snprintf(text + n, size - n, " --mode %s=%s", calculus_tower.layers[i]->name,
                                  mode[i] == UKERN_MODE_BOTH ? "both" : "spec");
}

static void count(struct subsets *s, const struct driver_outcome *o)
{
    for (uint32_t i = 0; i < o->layers; i++) {
        enum mode m = o->layer_counts[i].mode;
        s->of[i].runs[m]++;
        s->of[i].code[m] += o->layer_counts[i].code;
        s->of[i].spec[m] += o->layer_counts[i].spec;
        s->wrong_counts += m == MODE_SPEC && o->layer_counts[i].code > 0;
        s->wrong_counts += m == MODE_IMPL && o->layer_counts[i].spec > 0;
    }
}

static void say_difference(const struct subsets *s, const char *modes)
{
    const struct driver_sequence *q = &s->c->sequence;
    uint32_t i = 0;
    while (i + 1 < q->n && q->mark[i] == s->mark[i])
        i++;
    printf("FAILED:%s: another trace than that of the specifications, from command %u on: %s\n", modes, i,
           driver_prim_name(driver_layer(s->c->machine.top), q->command[i].prim));
}

/* One assignment; the first one decides and gives the trace. */
static bool try(struct subsets *s, const enum ukern_mode *mode)
{
    struct checking *c = s->c;
    struct driver_outcome *o = &c->failure;
    char modes[2048];
    bool first = s->tried++ == 0;
    memcpy(c->sequence.machine.mode, mode, sizeof c->sequence.machine.mode);
    if (first)
        driver_random(&c->sequence, c->seed, CALLS, o);
    else
        driver_replay(&c->sequence, false, o);
    name_modes(s, mode, modes, sizeof modes);
    if (o->boot != UKERN_OK && !o->failed) {
        if (s->refused++ < SHOWN)
            printf("refused: %s:%s\n", o->text, modes);
        return false;
    }
    count(s, o);
    s->calls += o->done;
    if (first) {
        s->trace = o->trace;
        memcpy(s->mark, c->sequence.mark, c->sequence.n * sizeof s->mark[0]);
    }
    if (!o->failed && o->trace == s->trace)
        return true;
    if (s->different++ < SHOWN && o->failed)
        printf("FAILED:%s: %s\n%s", modes, o->what, o->text);
    else if (s->different <= SHOWN)
        say_difference(s, modes);
    return false;
}

static void set_all(struct subsets *s, enum ukern_mode *mode, enum ukern_mode to)
{
    for (uint32_t i = 0; i < s->layers; i++)
        mode[i] = to;
}

/* At seed's policy; each assignment in turn. */
static void try_all(struct subsets *s)
{
    enum ukern_mode mode[TOWER_LAYERS] = { UKERN_MODE_IMPL };
    static const enum ukern_mode modes[] = { UKERN_MODE_SPEC, UKERN_MODE_BOTH, UKERN_MODE_IMPL };
    for (size_t k = 0; k < 3; k++) { /* all specifications come first: they decide */
        set_all(s, mode, modes[k]);
        (void)try(s, mode);
    }
    for (size_t k = 0; k < 2; k++)
        for (uint32_t i = 0; i < s->layers; i++) {
            set_all(s, mode, UKERN_MODE_IMPL);
            mode[i] = modes[k];
            (void)try(s, mode);
        }
    for (uint32_t n = 0; n < s->c->assignments; n++) {
        for (uint32_t i = 0; i < s->layers; i++)
            mode[i] = modes[chance(&s->chance) % 3];
        (void)try(s, mode);
    }
}

static void say_layers(const struct subsets *s)
{
    printf("%-12s %21s %21s %21s %21s\n", "runs code/spec", "impl", "shadow", "both", "spec");
    for (uint32_t i = 0; i < s->layers; i++) {
        printf("%-12s", calculus_tower.layers[i]->name);
        for (uint32_t m = 0; m < 4; m++)
            printf("  %3" PRIu64 " %7" PRIu64 "/%-7" PRIu64, s->of[i].runs[m], s->of[i].code[m], s->of[i].spec[m]);
        putchar('\n');
    }
}

int check_subsets(struct checking *c)
{
    struct subsets *s = calloc(1, sizeof *s);
    if (s == NULL)
        return EXIT_FAILED;
    int code = EXIT_OK;
    for (int policy = 0; policy < 2; policy++) {
        if (c->policy != 2 && policy != c->policy)
            continue;
        *s = (struct subsets){ .c = c, .layers = driver_layer(c->machine.top)->index + 1, .chance = c->seed };
        c->sequence.machine = c->machine;
        c->sequence.machine.lowest = policy == 1;
        c->sequence.sure = true;
        try_all(s);
        printf("layer %s, policy %s, seed %" PRIu64 ": %u assignments of modes, %u refused, %u differ, %" PRIu64 " calls, trace %016" PRIx64 "\n",
               c->machine.top, policy ? "lowest" : "any", c->seed, s->tried, s->refused, s->different, s->calls, s->trace);
        say_layers(s);
        if (s->wrong_counts > 0)
            printf("FAILED: %u times code ran in mode spec, or a specification in mode impl\n", s->wrong_counts);
        if (s->refused + s->different + s->wrong_counts > 0 || s->calls == 0)
            code = EXIT_FAILED;
    }
    free(s);
    return code;
}
#endif
