/* SPDX-License-Identifier: BSD-2-Clause */
/* config_override: see config_override.h. */
#include "config_override.h"
#include "core/lib.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((format(printf, 3, 4))) static enum ukern_status bad(struct config_tree *tree, const char *assignment,
                                                                   const char *format, ...)
{
    char where[512];
    va_list args;
    (void)snprintf(where, sizeof where, "set %.400s", assignment);
    va_start(args, format);
    config_pool_error(tree->pool, where, format, args);
    va_end(args);
    return UKERN_BADCONFIG;
}

static bool names(const config_setting_t *item, const char *word)
{
    const char *name = NULL;
    if (!config_setting_is_group(item))
        return false;
    if (!config_setting_lookup_string(item, "name", &name))
        (void)config_setting_lookup_string(item, "program", &name);
    return name != NULL && strcmp(name, word) == 0;
}

static config_setting_t *list_item(config_setting_t *list, const char *word)
{
    char *end;
    int count = config_setting_length(list);
    for (int i = 0; i < count; i++)
        if (names(config_setting_get_elem(list, (unsigned)i), word))
            return config_setting_get_elem(list, (unsigned)i);
    unsigned long n = strtoul(word, &end, 10);
    return *word != 0 && *end == 0 && n < (unsigned long)count ? config_setting_get_elem(list, (unsigned)n) : NULL;
}

static void add(config_setting_t *group, const struct config_key *k, const char *value, void *text)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 0);
    bool whole = *value != 0 && *end == 0 && errno == 0;
    bool truth = strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
    config_setting_t *s;
    (void)config_setting_remove(group, k->name);
    if (k->type == CONFIG_INT && whole) {
        if ((s = config_setting_add(group, k->name, CONFIG_TYPE_INT64)) != NULL)
            (void)config_setting_set_int64(s, number);
    } else if (k->type == CONFIG_BOOL && truth) {
        if ((s = config_setting_add(group, k->name, CONFIG_TYPE_BOOL)) != NULL)
            (void)config_setting_set_bool(s, strcmp(value, "true") == 0);
    } else if ((s = config_setting_add(group, k->name, CONFIG_TYPE_STRING)) != NULL) {
        (void)config_setting_set_string(s, value);
    }
    if (s != NULL)
        config_setting_set_hook(s, text);
}

/* The group that `word` leads to from `at`; *used: how many words that took. */
static config_setting_t *enter(config_setting_t *at, const struct config_key *k, char *const *words, size_t count,
                               size_t *used)
{
    config_setting_t *next = config_setting_get_member(at, k->name);
    *used = 1;
    if (k->type == CONFIG_GROUP && next == NULL)
        next = config_setting_add(at, k->name, CONFIG_TYPE_GROUP);
    if (k->type == CONFIG_GROUPS) {
        *used = 2;
        next = next != NULL && count > 1 && config_setting_is_list(next) ? list_item(next, words[1]) : NULL;
    }
    return next != NULL && config_setting_is_group(next) ? next : NULL;
}

/* "machine.cpus": the group in which the last word is a key; lists are entered by name or number. */
static enum ukern_status find(struct config_tree *tree, const char *assignment, char *path,
                              config_setting_t **ret_group, const struct config_group **ret_schema,
                              const char **ret_key)
{
    config_setting_t *at = config_root_setting(&tree->lib);
    const struct config_group *schema = config_schema_group("");
    char *words[9] = { NULL }, *rest = path;
    size_t count = 0, used;
    while (count + 1 < COUNT_OF(words) && (words[count] = strtok_r(rest, ".[]", &rest)) != NULL)
        count++;
    for (size_t i = 0; i + 1 < count; i += used) {
        const struct config_key *k = config_schema_find(schema, words[i]);
        if (k == NULL || (k->type != CONFIG_GROUP && k->type != CONFIG_GROUPS))
            return bad(tree, assignment, "%.60s is no group of settings; expected for example machine.cpus=4",
                       words[i]);
        at = enter(at, k, words + i, count - i, &used);
        if (at == NULL)
            return bad(tree, assignment, "there is no %s \"%.60s\" in this configuration", k->choices,
                       words[i + used - 1]);
        if (i + used >= count)
            return bad(tree, assignment, "expected a setting after %.60s", words[i + used - 1]);
        schema = config_schema_group(k->choices);
    }
    *ret_group = at;
    *ret_schema = schema;
    *ret_key = count > 0 ? words[count - 1] : NULL;
    return UKERN_OK;
}

enum ukern_status config_override_apply(struct config_tree *tree, const char *assignment)
{
    const char *equals = strchr(assignment, '='), *key = NULL;
    config_setting_t *group;
    const struct config_group *schema;
    if (equals == NULL)
        return bad(tree, assignment, "expected KEY=VALUE, for example machine.cpus=4");
    char *text = config_pool_text(tree->pool, assignment, strlen(assignment));
    char *path = config_pool_text(tree->pool, assignment, (size_t)(equals - assignment));
    if (text == NULL || path == NULL)
        return UKERN_NOMEM;
    enum ukern_status st = find(tree, assignment, path, &group, &schema, &key);
    if (st != UKERN_OK)
        return st;
    const struct config_key *k = key != NULL ? config_schema_find(schema, key) : NULL;
    const char *alike = key != NULL ? config_schema_suggest(schema, key) : NULL;
    if (k == NULL)
        return bad(tree, assignment, "there is no such setting%s%s%s", alike != NULL ? "; did you mean " : "",
                   alike != NULL ? alike : "", alike != NULL ? "?" : "");
    if (k->type == CONFIG_GROUP || k->type == CONFIG_GROUPS || k->type == CONFIG_TEXTS)
        return bad(tree, assignment, "%s holds several values: change it in the file", k->name);
    add(group, k, equals + 1, text);
    return UKERN_OK;
}
