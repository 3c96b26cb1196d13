/* SPDX-License-Identifier: BSD-2-Clause */
/* layers: `ukern layers`: the tower, from the tables that are made of src/LAYERS and the headers. In the fast build it starts
 * the other one, which has them. */
#include "cli.h"
#ifdef UKERN_CHECK
#include "check.h"
#include "layer_ranks.h"
#include <argp.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define ROW(row, state, origin, over, hides) { row, state, origin, over, hides },
static const struct row {
    const char *name, *state, *origin, *over, *hides;
} rows[] = { LAYER_ROWS(ROW) };
enum { ROWS = sizeof rows / sizeof rows[0] };

enum form { FORM_TEXT, FORM_JSON, FORM_DOT, FORM_MARKDOWN };
struct showing {
    struct driver_machine machine;
    enum form form;
    const char *file;
    char *sets[SETS_MAX + 1];
    size_t set_count;
    enum mode mode[TOWER_LAYERS];
};

enum { KEY_LAYER = 1000, KEY_JSON, KEY_DOT, KEY_MARKDOWN };
static const struct argp_option table[] = {
    { "layer", KEY_LAYER, "L=impl|both|spec", 0, "as in `ukern run`", 0 },
    { "json", KEY_JSON, NULL, 0, "as JSON", 0 },
    { "dot", KEY_DOT, NULL, 0, "a drawing, for graphviz: ukern layers --dot | dot -Tsvg", 0 },
    { "markdown", KEY_MARKDOWN, NULL, 0, "a page of documentation (docs/layers.md)", 0 },
    { 0 },
};

/* ---- the command line ---- */

static void set_mode(struct argp_state *state, struct showing *s, const char *arg)
{
    static const char *const modes[] = { "impl", "both", "spec" };
    char layer[40];
    size_t n = strcspn(arg, "=");
    int mode = -1;
    (void)snprintf(layer, sizeof layer, "%.*s", (int)n, arg);
    for (int i = 0; arg[n] == '=' && i < 3; i++)
        if (strcmp(arg + n + 1, modes[i]) == 0)
            mode = i;
    if (mode < 0)
        argp_error(state, "--layer: expected LAYER=impl|both|spec, got \"%s\"", arg);
    if (strcmp(layer, "all") != 0 && driver_layer(layer) == NULL)
        argp_error(state, "--layer: there is no layer \"%s\" with a specification; `ukern layers` lists all", layer);
    if (s->set_count == SETS_MAX || asprintf(&s->sets[s->set_count], "layers.%s", arg) < 0)
        argp_error(state, "--layer: more than %d", SETS_MAX);
    s->set_count++;
    driver_mode(&s->machine, layer, (enum ukern_mode)mode);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct showing *s = state->input;
    switch (key) {
    case KEY_LAYER: set_mode(state, s, arg); break;
    case KEY_JSON: s->form = FORM_JSON; break;
    case KEY_DOT: s->form = FORM_DOT; break;
    case KEY_MARKDOWN: s->form = FORM_MARKDOWN; break;
    case ARGP_KEY_ARG:
        if (s->file != NULL)
            argp_error(state, "expected one configuration, got \"%s\" and \"%s\"", s->file, arg);
        s->file = arg;
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void on_log(void *ctx, enum ukern_log_level level, const char *line)
{
    (void)ctx;
    if (level == UKERN_LOG_ERROR)
        fprintf(stderr, "%s\n", line);
}

/* The modes that the configuration asks for; those of the command line are settings on top of it. */
static bool read_config(struct showing *s)
{
    const struct ukern_hooks hooks = { .size = sizeof hooks, .log = on_log };
    struct ukern_config *c;
    struct ukern_layer_mode mode;
    if (s->file == NULL)
        return true;
    if (ukern_config_read(s->file, &hooks, &c) != UKERN_OK)
        return false;
    bool ok = ukern_config_set_all(c, (const char *const *)s->sets, s->set_count) == UKERN_OK;
    for (uint32_t i = 0; ok && ukern_config_layer(c, i, &mode) == UKERN_OK; i++)
        driver_mode(&s->machine, mode.layer, mode.mode);
    ukern_config_free(c);
    return ok;
}

/* What the calculus makes of them: some layers in impl run their specification, too, because another one sees it. */
static bool ask_modes(struct showing *s)
{
    struct ukern *m = NULL;
    char why[512];
    enum ukern_status st = driver_machine_make(&s->machine, &m, why, sizeof why);
    if (st != UKERN_OK)
        cli_say("layers: these modes cannot be had: %s", why);
    for (const struct layer *const *l = calculus_tower.layers; st == UKERN_OK && *l != NULL; l++)
        s->mode[(*l)->index] = calculus_mode(m, *l);
    driver_machine_free(m);
    return st == UKERN_OK;
}

/* ---- pieces ---- */

static const struct layer *layer_of(const struct row *r)
{
    for (const struct layer *const *l = calculus_tower.layers; *l != NULL; l++)
        if (strcmp((*l)->row, r->name) == 0)
            return *l;
    return NULL;
}

static const char *mode_name(const struct showing *s, const struct layer *l)
{
    return l != NULL ? calculus_mode_name(s->mode[l->index]) : "impl";
}

static const char *folder_of(const struct row *r, char *text, size_t size)
{
    const char *slash = strchr(r->name, '/');
    (void)snprintf(text, size, "%.*s", slash != NULL ? (int)(slash - r->name) : 3, slash != NULL ? r->name : "top");
    return text;
}

static void words(const char *indent, const char *title, const struct layer *l)
{
    size_t column = (size_t)printf("%s%s", indent, title);
    for (const struct prim *const *p = l->prims; *p != NULL; p++) {
        if (column + strlen((*p)->name) > 118) {
            printf("\n%s", indent);
            column = strlen(indent);
        }
        column += (size_t)printf(" %s", (*p)->name);
    }
    putchar('\n');
}

/* ---- text ---- */

static void show_text(const struct showing *s)
{
    printf("%-18s %-6s %-7s %-30s %s\n", "row, bottom first", "state", "mode", "origin", "stands on; hides");
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        const struct layer *l = layer_of(r);
        printf("%-18s %-6s %-7s %-30s", r->name, r->state, l != NULL ? mode_name(s, l) : "-", r->origin);
        if (l != NULL)
            printf(" %s", r->over);
        printf("%s%s\n", strcmp(r->hides, "-") != 0 ? "; hides " : "", strcmp(r->hides, "-") != 0 ? r->hides : "");
        if (l != NULL)
            words("                   ", "", l);
    }
}

/* ---- JSON ---- */

static json_t *json_fields(const struct field *f)
{
    json_t *all = json_array();
    for (; f != NULL && f->name != NULL; f++)
        json_array_append_new(all, json_pack("{s:s, s:s}", "name", f->name, "type", f->type));
    return all;
}

static json_t *json_prims(const struct layer *l)
{
    json_t *all = json_array();
    for (const struct prim *const *p = l->prims; *p != NULL; p++)
        json_array_append_new(all, json_pack("{s:s, s:s, s:i, s:o, s:o}", "name", (*p)->name, "header", (*p)->header, "line",
                                             (int)(*p)->line, "arguments", json_fields((*p)->args), "results",
                                             json_fields((*p)->ret)));
    return all;
}

static json_t *json_bits(uint64_t bits)
{
    json_t *all = json_array();
    for (const struct layer *const *l = calculus_tower.layers; *l != NULL; l++)
        if (bits >> (*l)->index & 1)
            json_array_append_new(all, json_string((*l)->name));
    return all;
}

static void show_json(const struct showing *s)
{
    json_t *all = json_array();
    for (size_t i = 0; i < ROWS; i++) {
        const struct layer *l = layer_of(&rows[i]);
        json_t *one = json_pack("{s:s, s:s, s:s, s:b, s:s, s:s}", "row", rows[i].name, "state", rows[i].state, "origin", rows[i].origin,
                                "specification", l != NULL, "mode", mode_name(s, l), "hides", rows[i].hides);
        if (l != NULL) {
            json_object_set_new(one, "stands_on", json_bits(l->over));
            json_object_set_new(one, "hides_layers", json_bits(l->hides));
            json_object_set_new(one, "primitives", json_prims(l));
        }
        json_array_append_new(all, one);
    }
    (void)json_dumpf(all, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(all);
}

/* ---- the drawing ---- */

static void draw_row(const struct showing *s, size_t i)
{
    static const char *const colours[] = { [MODE_IMPL] = "white", [MODE_SHADOW] = "gray90", [MODE_BOTH] = "palegreen", [MODE_SPEC] = "lightblue" };
    const struct layer *l = layer_of(&rows[i]);
    const char *stem = strrchr(rows[i].name, '/');
    printf("    r%zu [label=\"%s", i, stem != NULL ? stem + 1 : rows[i].name);
    if (strcmp(rows[i].origin, "-") != 0)
        printf("\\n%s", rows[i].origin);
    printf("\", fillcolor=\"%s\"%s];\n", l != NULL ? colours[s->mode[l->index]] : "white", l != NULL ? ", penwidth=2" : ", color=gray60");
}

static size_t row_number(const struct layer *l)
{
    size_t i = 0;
    while (i < ROWS && strcmp(rows[i].name, l->row) != 0)
        i++;
    return i;
}

static void show_dot(const struct showing *s)
{
    char folder[16], last[16] = "";
    printf("/* the tower: ukern layers --dot | dot -Tsvg */\ndigraph layers {\n  rankdir=BT; newrank=true;\n"
           "  node [shape=box, style=filled, fontname=\"sans-serif\"];\n  edge [arrowhead=none];\n");
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(folder_of(&rows[i], folder, sizeof folder), last) != 0)
            printf("%s  subgraph cluster_%s { label=\"%s\";\n", last[0] != 0 ? "  }\n" : "", folder, folder);
        (void)snprintf(last, sizeof last, "%s", folder);
        draw_row(s, i);
    }
    printf("  }\n");
    for (const struct layer *const *l = calculus_tower.layers; *l != NULL; l++)
        for (const struct layer *const *below = calculus_tower.layers; *below != NULL; below++)
            if (((*l)->over | (*l)->hides) >> (*below)->index & 1)
                printf("  r%zu -> r%zu%s;\n", row_number(*below), row_number(*l),
                       (*l)->hides >> (*below)->index & 1 ? " [style=dashed, label=\"hidden\"]" : "");
    for (size_t i = 1; i < ROWS; i++) /* rows without a specification keep their place */
        if (layer_of(&rows[i]) == NULL || layer_of(&rows[i - 1]) == NULL)
            printf("  r%zu -> r%zu [style=invis];\n", i - 1, i);
    printf("}\n");
}

/* ---- the page ---- */

static void show_markdown(void)
{
    char folder[16], last[16] = "";
    printf("<!-- SPDX-License-Identifier: BSD-2-Clause -->\n# The tower, bottom first\n\nMade by `make layers-page` from `src/LAYERS` and the headers; `make check` compares it. Do not edit.\n\n"
           "State: shared (several CPUs reach it under its lock), local (one CPU's or one thread's), none, check (of the check build alone).\n"
           "Origin: the layer of mCertiKOS (or mC2, NOVA) that it comes from. A row with primitives has an executable specification.\n");
    for (size_t i = 0; i < ROWS; i++) {
        const struct layer *l = layer_of(&rows[i]);
        if (strcmp(folder_of(&rows[i], folder, sizeof folder), last) != 0)
            printf("\n## %s\n\n| row | state | origin | stands on | hides | primitives |\n|---|---|---|---|---|---|\n", folder);
        (void)snprintf(last, sizeof last, "%s", folder);
        printf("| `%s` | %s | %s | %s | %s |", rows[i].name, rows[i].state, rows[i].origin, l != NULL ? rows[i].over : "-", rows[i].hides);
        for (const struct prim *const *p = l != NULL ? l->prims : NULL; p != NULL && *p != NULL; p++)
            printf(" `%s`", (*p)->name);
        printf(" |\n");
    }
}

int cli_layers(int argc, char **argv)
{
    static const struct argp argp = {
        .options = table, .parser = parse, .args_doc = "[CONFIG]",
        .doc = "Prints the tower of layers, bottom first: where each comes from, its state, what it stands on and hides, its "
               "primitives, and in which mode it would run.\vModes: impl, its code; both, its code beside its specification; spec, "
               "its specification alone; shadow: impl, but a layer above sees its abstract state, so the specification runs along.",
    };
    struct showing *s = calloc(1, sizeof *s);
    if (s == NULL)
        return EXIT_FAILED;
    driver_defaults(&s->machine);
    if (argp_parse(&argp, argc, argv, 0, NULL, s) != 0)
        return EXIT_USAGE;
    json_object_seed(1);
    int code = read_config(s) && ask_modes(s) ? EXIT_OK : EXIT_USAGE;
    if (code == EXIT_OK)
        switch (s->form) {
        case FORM_TEXT: show_text(s); break;
        case FORM_JSON: show_json(s); break;
        case FORM_DOT: show_dot(s); break;
        case FORM_MARKDOWN: show_markdown(); break;
        }
    if (fflush(stdout) != 0 && code == EXIT_OK)
        code = EXIT_FAILED;
    while (s->set_count > 0)
        free(s->sets[--s->set_count]);
    free(s);
    return code;
}
#else
int cli_layers(int argc, char **argv)
{
    return again_in_check_build("layers: the tables are in the other build", argc, argv);
}
#endif
