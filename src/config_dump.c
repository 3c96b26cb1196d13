/* SPDX-License-Identifier: BSD-2-Clause */
/* config_dump: see config_dump.h. */
#include "config_dump.h"
#include "config_value.h"
#include "core/lib.h"
#include <stdio.h>

static void text_in_quotes(const struct config_dump *d, const char *text)
{
    d->write(d->ctx, "\"");
    for (; *text != 0; text++) {
        char c[3] = { *text, 0, 0 };
#ifdef UKERN_BUG_CONFIG_ESCAPE
        if (*text == '"') {
#else
        if (*text == '"' || *text == '\\') {
#endif
            c[0] = '\\';
            c[1] = *text;
        }
        d->write(d->ctx, c);
    }
    d->write(d->ctx, "\"");
}

/* Absolute, so that the dump means the same wherever it is put. */
static void path_in_quotes(const struct config_dump *d, const char *prefix, const char *path)
{
    char all[8192];
    (void)snprintf(all, sizeof all, "%s%s%s%s", prefix, path[0] == '/' ? "" : d->directory, path[0] == '/' ? "" : "/",
                   path);
    text_in_quotes(d, all);
}

static void scalar(const struct config_dump *d, const struct config_key *k, const char *at)
{
    char room[64];
    const char *text;
    int64_t value;
    if (config_value_is_text(k->type)) {
        memcpy(&text, at, sizeof text);
        if (k->type == CONFIG_PATH)
            path_in_quotes(d, "", text);
        else if (k->type == CONFIG_OUTPUT && strncmp(text, "file:", 5) == 0)
            path_in_quotes(d, "file:", text + 5);
        else
            text_in_quotes(d, text);
        return;
    }
    memcpy(&value, at, sizeof value);
    (void)config_value_print(k, value, room, sizeof room);
    d->write(d->ctx, room);
}

static void list(const struct config_dump *d, const struct config_key *k, const struct config_list *l, int indent)
{
    const struct config_group *g = k->type == CONFIG_GROUPS ? config_schema_group(k->choices) : NULL;
    d->write(d->ctx, g != NULL ? "( " : "[ ");
    for (size_t i = 0; i < l->count; i++) {
        d->write(d->ctx, i > 0 ? ", " : "");
        if (g == NULL) {
            text_in_quotes(d, ((char *const *)l->items)[i]);
            continue;
        }
        char close[40];
        (void)snprintf(close, sizeof close, "%*s}", indent, "");
        d->write(d->ctx, "{\n");
        config_dump_group(d, g, (const char *)l->items + i * g->size, indent + 4);
        d->write(d->ctx, close);
    }
    d->write(d->ctx, g != NULL ? " )" : " ]");
}

static bool is_given(const struct config_key *k, const char *at)
{
    const char *text;
    struct config_list l;
    if (config_value_is_text(k->type)) {
        memcpy(&text, at, sizeof text);
        return text != NULL;
    }
    if (k->type != CONFIG_TEXTS && k->type != CONFIG_GROUPS)
        return true;
    memcpy(&l, at, sizeof l);
    return l.count > 0;
}

void config_dump_group(const struct config_dump *d, const struct config_group *g, const void *base, int indent)
{
    char start[64];
    for (size_t i = 0; i < g->key_count; i++) {
        const struct config_key *k = &g->keys[i];
        const char *at = (const char *)base + k->offset;
        struct config_list l;
        if (!is_given(k, at))
            continue;
        (void)snprintf(start, sizeof start, "%*s%s = ", indent, "", k->name);
        d->write(d->ctx, start);
        switch (k->type) {
        case CONFIG_GROUP:
            d->write(d->ctx, "{\n");
            config_dump_group(d, config_schema_group(k->choices), at, indent + 4);
            d->write(d->ctx, "}");
            break;
        case CONFIG_TEXTS:
        case CONFIG_GROUPS:
            memcpy(&l, at, sizeof l);
            list(d, k, &l, indent);
            break;
        default: scalar(d, k, at);
        }
        d->write(d->ctx, ";\n");
    }
}

/* ---- the schema ---- */

static void bounds(const struct config_key *k, char *room, size_t n)
{
    char min[40], max[40];
    (void)config_value_print(k, k->min, min, sizeof min);
    (void)config_value_print(k, k->max, max, sizeof max);
    (void)snprintf(room, n, "%s to %s%s", min, max, k->type == CONFIG_PAGES ? ", a multiple of 4096" : "");
}

static void what_it_may_be(const struct config_key *k, char *room, size_t n)
{
    switch (k->type) {
    case CONFIG_INT: bounds(k, room, n); break;
    case CONFIG_SIZE:
    case CONFIG_PAGES: bounds(k, room, n); break;
    case CONFIG_BOOL: (void)snprintf(room, n, "true or false"); break;
    case CONFIG_ENUM: (void)snprintf(room, n, "%s", k->choices); break;
    case CONFIG_NAME:
    case CONFIG_TEXT: (void)snprintf(room, n, "text, at most %lld characters", (long long)k->max); break;
    case CONFIG_PATH: (void)snprintf(room, n, "path"); break;
    case CONFIG_OUTPUT: (void)snprintf(room, n, "console, stdio, null or file:PATH"); break;
    case CONFIG_TEXTS: (void)snprintf(room, n, "list of at most %lld texts", (long long)k->max); break;
    case CONFIG_GROUP: (void)snprintf(room, n, "group { %s }", k->choices); break;
    case CONFIG_GROUPS:
        (void)snprintf(room, n, "list of at most %lld groups ( { %s }, ... )", (long long)k->max, k->choices);
        break;
    }
}

void config_dump_schema(const struct config_dump *d)
{
    const struct config_group *g;
    char may[160], line[512];
    for (size_t i = 0; (g = config_schema_at(i)) != NULL; i++) {
        if (g->name[0] != 0)
            (void)snprintf(line, sizeof line, "\n{ %s }: %s\n", g->name, g->doc);
        else
            (void)snprintf(line, sizeof line, "the file\n");
        d->write(d->ctx, line);
        for (size_t j = 0; j < g->key_count; j++) {
            const struct config_key *k = &g->keys[j];
            what_it_may_be(k, may, sizeof may);
            (void)snprintf(line, sizeof line, "    %-15s %s\n                    %s%s%s\n", k->name, k->doc, may,
                           k->standard == NULL   ? "; required"
                           : k->standard[0] != 0 ? "; default "
                                                 : "",
                           k->standard != NULL ? k->standard : "");
            d->write(d->ctx, line);
        }
    }
}
