/* SPDX-License-Identifier: BSD-2-Clause */
/* check: `ukern check`: random calls at the tower's interfaces, each checked against its specification. In the fast build it
 * starts the other one. */
#include "cli.h"
#ifdef UKERN_CHECK
#include "check.h"
#include <argp.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { EPISODE = 20000, EPISODE_MOST = 1 << 20, FEWEST = 100 }; /* commands on one machine, more on large ones; then a new one, with the next seed */

enum { KEY_LAYER = 1000, KEY_STEPS, KEY_SEED, KEY_ENGINE, KEY_CPUS, KEY_FRAMES, KEY_CONTAINERS, KEY_MAPS, KEY_MODE };
enum { KEY_POLICY = KEY_MODE + 1, KEY_LIMITS, KEY_EVERY, KEY_JSON, KEY_SUBSETS, KEY_INJECT, KEY_OUT };

static const struct argp_option table[] = {
    { "layer", KEY_LAYER, "L", 0, "calls at this layer's interface; default: the highest that has a specification", 0 },
    { "steps", KEY_STEPS, "N", 0, "how many calls; default 100000", 0 },
    { "seed", KEY_SEED, "N", 0, "of the first machine, the next ones have the next numbers; default 1", 0 },
    { "engine", KEY_ENGINE, "seq|sim|smp", 0,
      "seq: one CPU at a time, repeatable, failures are made small; sim: CPUs interleave, repeatable; smp: threads", 0 },
    { "cpus", KEY_CPUS, "N", 0, "of the machine; default 2", 1 },
    { "frames", KEY_FRAMES, "N", 0, "of its memory, 4 KiB each; default 1024", 1 },
    { "containers", KEY_CONTAINERS, "N", 0, "at most so many; default 64", 1 },
    { "maps", KEY_MAPS, "N", 0, "page maps, at most so many; default 24", 1 },
    { "policy", KEY_POLICY, "any|lowest", 0, "which free frame is given out; default: by the seed, even any, odd lowest", 1 },
    { "limits", KEY_LIMITS, "own|mcertikos", 0, "mcertikos: that kernel's constants", 1 },
    { "mode", KEY_MODE, "L=impl|both|spec", 0, "of a layer, or all; may be repeated; default all=both", 2 },
    { "check-every", KEY_EVERY, "N", 0, "everything is compared after so many steps; default 10000; 0: at the end of each machine", 2 },
    { "subsets", KEY_SUBSETS, "N", 0, "the same calls with each layer alone in both and in spec, all in both, all in spec, and N "
      "random assignments of modes: one trace, or it fails", 2 },
    { "inject", KEY_INJECT, NULL, 0, "refuse every allocation of every call in turn: nothing may have changed", 2 },
    { "output", KEY_OUT, "FILE", 0, "where the shortest failing sequence goes, as C; default: standard output", 3 },
    { "json", KEY_JSON, NULL, 0, "the result as JSON", 3 },
    { 0 },
};

static uint64_t number(struct argp_state *state, const char *name, const char *arg, uint64_t least, uint64_t most)
{
    char *end;
    unsigned long long n = strtoull(arg, &end, 0);
    if (*arg == 0 || *arg == '-' || *end != 0 || n < least || n > most)
        argp_error(state, "--%s: expected a number from %" PRIu64 " to %" PRIu64 ", got \"%s\"", name, least, most, arg);
    return n;
}

static int choice(struct argp_state *state, const char *name, const char *arg, const char *words)
{
    int i = 0;
    for (const char *w = words; *w; i++) {
        size_t n = strcspn(w, "|");
        if (strlen(arg) == n && strncmp(w, arg, n) == 0)
            return i;
        w += n + (w[n] != 0);
    }
    argp_error(state, "--%s: expected one of %s, got \"%s\"", name, words, arg);
    return 0;
}

static void known_layer(struct argp_state *state, const char *option, const char *name, bool all)
{
    char known[1024] = "";
    if (driver_layer(name) != NULL || (all && strcmp(name, "all") == 0))
        return;
    for (const struct layer *const *l = calculus_tower.layers; *l != NULL; l++)
        (void)snprintf(known + strlen(known), sizeof known - strlen(known), " %s", (*l)->name);
    argp_error(state, "--%s: there is no layer \"%s\" with a specification; there are:%s%s", option, name, all ? " all" : "", known);
}

static void mode(struct argp_state *state, struct checking *c, const char *arg)
{
    char layer[40];
    const char *equals = strchr(arg, '=');
    if (equals == NULL || (size_t)(equals - arg) >= sizeof layer)
        argp_error(state, "--mode: expected LAYER=impl|both|spec, got \"%s\"", arg);
    (void)snprintf(layer, sizeof layer, "%.*s", (int)(equals - arg), arg);
    known_layer(state, "mode", layer, true);
    driver_mode(&c->machine, layer, (enum ukern_mode)choice(state, "mode", equals + 1, "impl|both|spec"));
    (void)snprintf(c->modes + strlen(c->modes), sizeof c->modes - strlen(c->modes), " --mode %s", arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct checking *c = state->input;
    struct driver_machine *dm = &c->machine;
    switch (key) {
    case KEY_LAYER:
        known_layer(state, "layer", arg, false);
        (void)snprintf(dm->top, sizeof dm->top, "%s", arg);
        break;
    case KEY_STEPS: c->steps = number(state, "steps", arg, 1, UINT64_C(1) << 40); break;
    case KEY_SEED: c->seed = number(state, "seed", arg, 0, UINT64_MAX); break;
    case KEY_ENGINE: dm->engine = (enum driver_engine)choice(state, "engine", arg, "seq|sim|smp"); break;
    case KEY_CPUS: dm->cpus = (uint32_t)number(state, "cpus", arg, 1, DRIVER_CPUS); break;
    case KEY_FRAMES: dm->frames = (uint32_t)number(state, "frames", arg, 1, 1u << 24); break;
    case KEY_CONTAINERS: dm->containers = (uint32_t)number(state, "containers", arg, 1, 65535); break;
    case KEY_MAPS: dm->maps = (uint32_t)number(state, "maps", arg, 1, 65535); break;
    case KEY_MODE: mode(state, c, arg); break;
    case KEY_POLICY: c->policy = choice(state, "policy", arg, "any|lowest"); break;
    case KEY_LIMITS: dm->mcertikos = choice(state, "limits", arg, "own|mcertikos") == 1; break;
    case KEY_EVERY: dm->check_every = (uint32_t)number(state, "check-every", arg, 0, UINT32_MAX); break;
    case KEY_SUBSETS:
        c->subsets = true;
        c->assignments = (uint32_t)number(state, "subsets", arg, 0, 10000);
        break;
    case KEY_INJECT: c->inject = true; break;
    case KEY_OUT: c->output = arg; break;
    case KEY_JSON: c->json = true; break;
    case ARGP_KEY_ARG: argp_error(state, "expected no argument, got \"%s\"", arg); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- what is said ---- */

void check_command(const struct checking *c, uint64_t seed, uint64_t steps, char *text, size_t size)
{
    static const char *const engines[] = { "seq", "sim", "smp" };
    const struct driver_machine *dm = &c->machine;
    (void)snprintf(text, size, "ukern check --layer %s --seed %" PRIu64 " --steps %" PRIu64 " --engine %s --cpus %u --frames %u --containers %u "
                   "--maps %u --policy %s%s --check-every %u%s",
                   dm->top, seed, steps, engines[dm->engine], dm->cpus, dm->frames, dm->containers, dm->maps,
                   dm->lowest ? "lowest" : "any", dm->mcertikos ? " --limits mcertikos" : "", dm->check_every, c->modes);
}

static void add(struct checking *c, const struct driver_outcome *o)
{
    struct driver_outcome *sum = &c->sum;
    sum->done += o->done;
    sum->refused += o->refused;
    sum->undefined += o->undefined;
    sum->skipped += o->skipped;
    sum->steps += o->steps;
    sum->seconds += o->seconds;
    sum->full += o->full;
    sum->trace = (sum->trace ^ o->trace) * UINT64_C(0x9e3779b97f4a7c15);
    sum->layers = o->layers > sum->layers ? o->layers : sum->layers;
    sum->prims = o->prims;
    for (uint32_t i = 0; i < o->layers; i++) {
        sum->layer_counts[i].layer = o->layer_counts[i].layer;
        sum->layer_counts[i].mode = o->layer_counts[i].mode;
        sum->layer_counts[i].code += o->layer_counts[i].code;
        sum->layer_counts[i].spec += o->layer_counts[i].spec;
    }
    for (uint32_t i = 0; i < o->prims; i++)
        sum->prim_done[i] += o->prim_done[i];
}

static void never_called(const struct checking *c, char *text, size_t size)
{
    const struct layer *top = driver_layer(c->machine.top);
    size_t n = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < c->sum.prims && n < size && c->machine.engine == DRIVER_SEQ; i++)
        if (c->sum.prim_done[i] == 0)
            n += (size_t)snprintf(text + n, size - n, " %s", driver_prim_name(top, i));
}

static void say_result(const struct checking *c)
{
    const struct driver_outcome *s = &c->sum;
    char never[1024];
    printf("layer %s, seed %" PRIu64 "%s%" PRIu64 ", %u machines of %u frames and %u CPUs\n", c->machine.top, c->seed,
           c->machines > 1 ? ".." : ", once ", c->machines > 1 ? c->seed + c->machines - 1 : 1, c->machines, c->machine.frames,
           c->machine.cpus);
    printf("%-12s %-7s %12s %12s\n", "layer", "mode", "code ran", "spec ran");
    for (uint32_t i = 0; i < s->layers; i++)
        printf("%-12s %-7s %12" PRIu64 " %12" PRIu64 "\n", s->layer_counts[i].layer, calculus_mode_name(s->layer_counts[i].mode),
               s->layer_counts[i].code, s->layer_counts[i].spec);
    never_called(c, never, sizeof never);
    if (never[0] != 0)
        printf("never called:%s\n", never);
    printf("%" PRIu64 " calls (%" PRIu64 " answered an error), %" PRIu64 " undefined and %" PRIu64 " without a name left out, %" PRIu64
           " steps of specifications, %u full checks at ends\n",
           s->done, s->refused, s->undefined, s->skipped, s->steps, s->full);
    printf("%.2f s, %.0f calls/s%s", s->seconds, s->seconds > 0 ? (double)s->done / s->seconds : 0,
           c->machine.engine == DRIVER_SMP ? "\n" : "");
    if (c->machine.engine != DRIVER_SMP)
        printf(", trace %016" PRIx64 "\n", s->trace);
}

static json_t *json_counts(const struct driver_outcome *s)
{
    json_t *layers = json_array();
    for (uint32_t i = 0; i < s->layers; i++)
        json_array_append_new(layers, json_pack("{s:s, s:s, s:I, s:I}", "layer", s->layer_counts[i].layer, "mode",
                                                calculus_mode_name(s->layer_counts[i].mode), "code",
                                                (json_int_t)s->layer_counts[i].code, "spec", (json_int_t)s->layer_counts[i].spec));
    return layers;
}

static void say_json(const struct checking *c)
{
    const struct driver_outcome *s = &c->sum, *f = &c->failure;
    char trace[20];
    (void)snprintf(trace, sizeof trace, "%016" PRIx64, s->trace);
    json_t *all = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o}", "layer", c->machine.top, "seed", (json_int_t)c->seed,
                            "machines", (json_int_t)c->machines, "calls", (json_int_t)s->done, "errors", (json_int_t)s->refused,
                            "undefined", (json_int_t)s->undefined, "nameless", (json_int_t)s->skipped, "steps", (json_int_t)s->steps,
                            "seconds", s->seconds, "layers", json_counts(s));
    if (c->machine.engine != DRIVER_SMP)
        json_object_set_new(all, "trace", json_string(trace));
    json_object_set_new(all, "failed", json_boolean(c->failed));
    if (c->failed)
        json_object_set_new(all, "failure", json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "what", f->what, "primitive", f->prim, "layer",
                                                      f->layer, "report", f->text, "command", c->command, "calls", (json_int_t)c->sequence.n));
    (void)json_dumpf(all, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
    (void)putchar('\n');
    json_decref(all);
}

/* ---- a failure ---- */

static void write_text(void *ctx, const char *text) { (void)fputs(text, ctx); }

static bool print_sequence(const struct checking *c)
{
    FILE *out = c->output != NULL ? fopen(c->output, "we") : stdout;
    if (out == NULL) {
        cli_say("--output %s: cannot be written", c->output);
        return false;
    }
    driver_print(&c->sequence, &c->failure, c->command, write_text, out);
    return (out == stdout ? fflush(out) : fclose(out)) == 0;
}

/* The report of the smallest sequence, once more, now with file and line of callers. */
static void tell(struct checking *c)
{
    struct driver_outcome *again = malloc(sizeof *again);
    c->sequence.machine.where = where_resolve;
    c->sequence.machine.replay = c->command;
    if (again != NULL && c->machine.engine == DRIVER_SEQ) {
        driver_replay(&c->sequence, true, again);
        if (again->failed && again->kind == c->failure.kind)
            c->failure = *again;
    }
    free(again);
}

static void failed(struct checking *c, uint64_t seed)
{
    uint32_t replays = 0, before = c->sequence.n;
    c->failed = true;
    check_command(c, seed, c->failure.at > 0 ? c->failure.at : 1, c->command, sizeof c->command);
    driver_shrink(&c->sequence, &c->failure, &replays);
    tell(c);
    if (!c->json) {
        printf("FAILED after %" PRIu64 " calls: %s%s%s\n%s", c->sum.done, c->failure.prim, c->failure.prim[0] ? ": " : "", c->failure.what,
               c->failure.text);
        if (c->machine.engine == DRIVER_SEQ)
            printf("made smaller by %u replays: from %u commands and %u frames to %u and %u\n", replays, before, c->machine.frames,
                   c->sequence.n, c->sequence.machine.frames);
        printf("again: %s\n", c->command);
    }
    if (c->machine.engine == DRIVER_SEQ && (!c->json || c->output != NULL))
        (void)print_sequence(c);
}

/* ---- the run ---- */

static bool check_machine(struct checking *c, uint64_t seed)
{
    uint32_t frames = c->machine.frames, most = frames < EPISODE ? EPISODE : frames > EPISODE_MOST ? EPISODE_MOST : frames;
    uint64_t left = c->steps - c->sum.done;
    if (c->machines > 0 && left < FEWEST)
        left = FEWEST;
    struct driver_outcome *o = &c->failure;
    c->machine.lowest = c->policy == 2 ? seed & 1 : c->policy == 1;
    c->machine.seed = seed;
    c->sequence.machine = c->machine;
    driver_random(&c->sequence, seed, (uint32_t)(left < most ? left : most), o);
    if (o->boot != UKERN_OK && !o->failed) {
        cli_say("check: the machine cannot be made: %s", o->text);
        c->wrong = true;
        return false;
    }
    c->machines++;
    add(c, o);
    if (!o->failed)
        return true;
    failed(c, seed);
    return false;
}

static int run(struct checking *c)
{
    if (c->subsets)
        return check_subsets(c);
    if (c->inject)
        return check_inject(c);
    for (uint64_t seed = c->seed; c->sum.done < c->steps && check_machine(c, seed); seed++)
        if (c->failure.done == 0 && c->sum.done > 0) {
            break; /* the few that were left over for the last machine were all undefined */
        } else if (c->failure.done == 0) {
            cli_say("check: no call was possible at layer %s with this machine", c->machine.top);
            c->wrong = true;
            break;
        }
    if (c->wrong)
        return EXIT_USAGE;
    if (c->json)
        say_json(c);
    else
        say_result(c);
    return c->failed ? EXIT_FAILED : EXIT_OK;
}

int cli_check(int argc, char **argv)
{
    static const struct argp argp = {
        .options = table, .parser = parse,
        .doc = "Calls the kernel's layers at random, valid and invalid calls mixed, and compares code and specification at every "
               "step.\vA failure is reported with its minimal sequence of calls as a C program, and with the command that repeats it; "
               "the exit code is 1 then.",
    };
    struct checking *c = calloc(1, sizeof *c);
    if (c == NULL)
        return EXIT_FAILED;
    c->steps = 100000;
    c->seed = 1;
    c->policy = 2;
    driver_defaults(&c->machine);
    driver_mode(&c->machine, "all", UKERN_MODE_BOTH);
    c->machine.check_every = 10000;
    if (argp_parse(&argp, argc, argv, 0, NULL, c) != 0 || driver_top() == NULL)
        return EXIT_USAGE;
    json_object_seed(1);
    int code = run(c);
    if (fflush(stdout) != 0)
        code = EXIT_FAILED;
    driver_free(&c->sequence);
    free(c);
    return code;
}
#else
int cli_check(int argc, char **argv)
{
    return again_in_check_build("check: specifications are in the other build", argc, argv);
}
#endif
