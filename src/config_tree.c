/* SPDX-License-Identifier: BSD-2-Clause */
/* config_tree: see config_tree.h. */
#include "config_tree.h"
#include "config_value.h"
#include "core/lib.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { LABEL = 96 };

/* One group being read. */
struct reading {
    struct config_tree *tree;
    const struct config_group *group;
    char label[LABEL];         /* "machine", "processes[1]", "" for the file */
    config_setting_t *setting; /* NULL: all defaults */
    char *base;                /* of the struct that it becomes */
};

static void read_group(const struct reading *r);

void config_tree_error(const struct config_tree *tree, const void *setting, const char *format, ...)
{
    char where[512];
    const config_setting_t *s = setting;
    const char *override = s != NULL ? s->hook : NULL;
    if (override != NULL)
        (void)snprintf(where, sizeof where, "set %.400s", override);
    else
        config_text_where(tree->text, s != NULL ? config_setting_source_line(s) : 0, where, sizeof where);
    va_list args;
    va_start(args, format);
    config_pool_error(tree->pool, where, format, args);
    va_end(args);
}

char *config_tree_path(const struct config_tree *tree, const void *setting, const char *path)
{
    const config_setting_t *s = setting;
    const char *file = config_text_file(tree->text, config_setting_source_line(s)), *slash = strrchr(file, '/');
    if (path[0] == '/' || s->hook != NULL || slash == NULL)
        return config_pool_text(tree->pool, path, strlen(path));
    return config_pool_format(tree->pool, "%.*s%s", (int)(slash - file) + 1, file, path);
}

enum ukern_status config_tree_parse(struct config_tree *tree)
{
    char where[512];
    config_init(&tree->lib);
    if (tree->text->bytes == NULL || config_read_string(&tree->lib, tree->text->bytes) == CONFIG_TRUE)
        return UKERN_OK;
    config_text_where(tree->text, (unsigned)config_error_line(&tree->lib), where, sizeof where);
    config_pool_note(&tree->pool->hooks, UKERN_LOG_ERROR, "%s: %s near here; expected settings such as  key = value;",
                     where, config_error_text(&tree->lib));
    tree->pool->errors++;
    return UKERN_BADCONFIG;
}

void config_tree_free(struct config_tree *tree)
{
    config_destroy(&tree->lib);
}

/* ---- reading ---- */

static const char *type_came(const config_setting_t *s)
{
    switch (config_setting_type(s)) {
    case CONFIG_TYPE_GROUP: return "a group { ... }";
    case CONFIG_TYPE_LIST: return "a list ( ... )";
    case CONFIG_TYPE_ARRAY: return "an array [ ... ]";
    case CONFIG_TYPE_BOOL: return config_setting_get_bool(s) ? "true" : "false";
    case CONFIG_TYPE_STRING: return "text";
    default: return "a number";
    }
}

static const char *type_expected(const struct config_key *k)
{
    switch (k->type) {
    case CONFIG_GROUP: return "a group { ... }";
    case CONFIG_GROUPS: return "a list of groups ( { ... }, { ... } )";
    case CONFIG_TEXTS: return "a list of texts [ \"...\", \"...\" ]";
    case CONFIG_BOOL: return "true or false";
    case CONFIG_INT: return "a number";
    case CONFIG_SIZE:
    case CONFIG_PAGES: return "a size such as \"64M\"";
    default: return "text in double quotes";
    }
}

static void wrong_type(const struct reading *r, const struct config_key *k, const config_setting_t *s)
{
    config_tree_error(r->tree, s, "%s%s%s: expected %s, got %s", r->label, r->label[0] != 0 ? "." : "", k->name,
                      type_expected(k), type_came(s));
}

/* The default as the schema writes it: a number, true, false, or text in quotes. */
static void set_default(const struct reading *r, const struct config_key *k)
{
    char why[CONFIG_WHY], text[32];
    int64_t value = 0;
    size_t n = k->standard != NULL ? strlen(k->standard) : 0;
    if (n == 0)
        return;
    if (k->standard[0] == '"') {
        (void)snprintf(text, sizeof text, "%.*s", (int)n - 2, k->standard + 1);
        if (config_value_is_text(k->type)) {
            char *kept = config_pool_text(r->tree->pool, text, strlen(text));
            memcpy(r->base + k->offset, &kept, sizeof kept);
            return;
        }
        (void)config_value_text(k, text, why, &value);
    } else {
        value = strcmp(k->standard, "true") == 0 ? 1 : strtoll(k->standard, NULL, 10);
    }
    memcpy(r->base + k->offset, &value, sizeof value);
}

static void read_scalar(const struct reading *r, const struct config_key *k, config_setting_t *s)
{
    char why[CONFIG_WHY];
    int64_t value = 0;
    bool ok, text = config_setting_type(s) == CONFIG_TYPE_STRING;
    if (k->type == CONFIG_BOOL && config_setting_type(s) == CONFIG_TYPE_BOOL) {
        value = config_setting_get_bool(s);
        ok = true;
    } else if (text) {
        ok = config_value_text(k, config_setting_get_string(s), why, &value);
    } else if (config_setting_is_number(s) && k->type != CONFIG_BOOL) {
        ok = config_value_number(k, config_setting_get_int64(s), why, &value);
    } else {
        wrong_type(r, k, s);
        set_default(r, k);
        return;
    }
    if (!ok) {
        config_tree_error(r->tree, s, "%s%s%s: %s", r->label, r->label[0] != 0 ? "." : "", k->name, why);
        set_default(r, k);
    } else if (config_value_is_text(k->type)) {
        const char *came = config_setting_get_string(s);
        char *kept;
        if (k->type == CONFIG_PATH)
            kept = config_tree_path(r->tree, s, came);
        else if (k->type == CONFIG_OUTPUT && strncmp(came, "file:", 5) == 0)
            kept = (kept = config_tree_path(r->tree, s, came + 5)) != NULL
                       ? config_pool_format(r->tree->pool, "file:%s", kept)
                       : NULL;
        else
            kept = config_pool_text(r->tree->pool, came, strlen(came));
        memcpy(r->base + k->offset, &kept, sizeof kept);
    } else {
        memcpy(r->base + k->offset, &value, sizeof value);
    }
}

static void read_texts(const struct reading *r, const struct config_key *k, const config_setting_t *s,
                       struct config_list *list)
{
    char **items = list->items;
    struct config_key one = { .name = k->name, .type = CONFIG_TEXT, .max = 1023 };
    char why[CONFIG_WHY];
    for (unsigned i = 0; i < list->count; i++) {
        const config_setting_t *item = config_setting_get_elem(s, i);
        const char *text = config_setting_type(item) == CONFIG_TYPE_STRING ? config_setting_get_string(item) : NULL;
        int64_t unused;
        if (text == NULL)
            config_tree_error(r->tree, item, "%s.%s[%u]: expected text in double quotes, got %s", r->label, k->name, i,
                              type_came(item));
        else if (!config_value_text(&one, text, why, &unused))
            config_tree_error(r->tree, item, "%s.%s[%u]: %s", r->label, k->name, i, why);
        else
            items[i] = config_pool_text(r->tree->pool, text, strlen(text));
    }
}

static void read_groups(const struct reading *r, const struct config_key *k, const config_setting_t *s,
                        struct config_list *list)
{
    const struct config_group *group = config_schema_group(k->choices);
    for (unsigned i = 0; i < list->count; i++) {
        config_setting_t *item = config_setting_get_elem(s, i);
        struct reading in = {
            .tree = r->tree, .group = group, .setting = item, .base = (char *)list->items + i * group->size
        };
        (void)snprintf(in.label, sizeof in.label, "%.40s%s%.20s[%u]", r->label, r->label[0] != 0 ? "." : "", k->name,
                       i);
        if (config_setting_is_group(item))
            read_group(&in);
        else
            config_tree_error(r->tree, item, "%s: expected a group { ... }, got %s", in.label, type_came(item));
    }
}

static void read_list(const struct reading *r, const struct config_key *k, const config_setting_t *s)
{
    bool texts = k->type == CONFIG_TEXTS;
    if (!config_setting_is_list(s) && !(config_setting_is_array(s) && (texts || config_setting_length(s) == 0))) {
        wrong_type(r, k, s);
        return;
    }
    struct config_list list = { .count = (size_t)config_setting_length(s) };
    if ((int64_t)list.count > k->max) {
        config_tree_error(r->tree, s, "%s%s%s: expected at most %lld items, got %zu", r->label,
                          r->label[0] != 0 ? "." : "", k->name, (long long)k->max, list.count);
        return;
    }
    if (list.count > 0) {
        size_t size = texts ? sizeof(char *) : config_schema_group(k->choices)->size;
        list.items = config_pool_take(r->tree->pool, list.count * size);
        if (list.items == NULL)
            return;
        if (texts)
            read_texts(r, k, s, &list);
        else
            read_groups(r, k, s, &list);
    }
    memcpy(r->base + k->offset, &list, sizeof list);
}

static void read_key(const struct reading *r, const struct config_key *k, config_setting_t *s)
{
    struct reading in = { .tree = r->tree, .setting = s, .base = r->base + k->offset };
    switch (k->type) {
    case CONFIG_GROUP:
        in.group = config_schema_group(k->choices);
        (void)snprintf(in.label, sizeof in.label, "%.60s%s%.30s", r->label, r->label[0] != 0 ? "." : "", k->name);
        if (s != NULL && !config_setting_is_group(s))
            wrong_type(r, k, s);
        else
            read_group(&in);
        break;
    case CONFIG_GROUPS:
    case CONFIG_TEXTS:
        if (s != NULL)
            read_list(r, k, s);
        break;
    default:
        if (s != NULL)
            read_scalar(r, k, s);
        else
            set_default(r, k);
    }
    if (s == NULL && k->standard == NULL)
        config_tree_error(r->tree, r->setting, "%s: needs the setting %s (%s)", r->label, k->name, k->doc);
}

static void unknown_key(const struct reading *r, const config_setting_t *s)
{
    const char *name = config_setting_name(s), *alike = config_schema_suggest(r->group, name);
    char known[256];
    size_t n = 0;
    if (alike != NULL) {
        config_tree_error(r->tree, s, "%s%s%.60s: there is no such setting; did you mean %s?", r->label,
                          r->label[0] != 0 ? "." : "", name, alike);
        return;
    }
    for (size_t i = 0; i < r->group->key_count && n < sizeof known; i++)
        n += (size_t)snprintf(known + n, sizeof known - n, " %s", r->group->keys[i].name);
    config_tree_error(r->tree, s, "%s%s%.60s: there is no such setting; there are:%s", r->label,
                      r->label[0] != 0 ? "." : "", name, known);
}

static void read_group(const struct reading *r)
{
    struct config_place place = { .setting = r->setting };
    unsigned before = r->tree->pool->errors;
    for (size_t i = 0; i < r->group->key_count; i++) {
        const struct config_key *k = &r->group->keys[i];
        config_setting_t *s = r->setting != NULL ? config_setting_get_member(r->setting, k->name) : NULL;
        place.keys[i] = s;
        read_key(r, k, s);
    }
    for (int i = 0; r->setting != NULL && i < config_setting_length(r->setting); i++) {
        const config_setting_t *s = config_setting_get_elem(r->setting, (unsigned)i);
        if (config_schema_find(r->group, config_setting_name(s)) == NULL)
            unknown_key(r, s);
    }
    place.faulty = r->tree->pool->errors > before;
    memcpy(r->base, &place, sizeof place);
}

enum ukern_status config_tree_read(struct config_tree *tree, struct config_root *ret_root)
{
    struct config_root root = { 0 };
    struct reading r = { .tree = tree,
                         .group = config_schema_group(""),
                         .setting = config_root_setting(&tree->lib),
                         .base = (char *)&root };
    read_group(&r);
    if (tree->pool->out_of_memory)
        return UKERN_NOMEM;
    *ret_root = root;
    return tree->pool->errors == 0 ? UKERN_OK : UKERN_BADCONFIG;
}
