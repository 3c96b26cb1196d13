/* SPDX-License-Identifier: BSD-2-Clause */
/* config: config files of the library's interface: read, changed, written out.  Row config
 *
 * State       struct ukern_config: the path, the overrides, and the reading of both; a change is a new reading beside
 *             the old one, which takes its place when it is right: nothing is ever half changed
 * Lock        none: a configuration belongs to one thread */
#include "config.h"
#include "config_dump.h"
#include "config_files.h"
#include "config_override.h"
#include "config_syntax.h"
#include "core/lib.h"
#include "host/file.h"
#include <stdio.h>
#include <stdlib.h>

static const struct ukern_hooks no_hooks = { .size = sizeof no_hooks };

static void *take(const struct ukern_hooks *hooks, size_t n)
{
    return hooks->alloc != NULL ? hooks->alloc(hooks->ctx, n) : malloc(n);
}

static void give(const struct ukern_hooks *hooks, void *p)
{
    if (hooks->dealloc != NULL)
        hooks->dealloc(hooks->ctx, p);
    else
        free(p);
}

static void reading_free(struct config_reading *r)
{
    struct ukern_hooks hooks = r->pool.hooks;
    if (r->tree.lib.root != NULL)
        config_tree_free(&r->tree);
    config_pool_free(&r->pool);
    give(&hooks, r);
}

static struct config_reading *reading_new(const struct ukern_hooks *hooks)
{
    struct config_reading *r = take(hooks, sizeof *r);
    if (r == NULL)
        return NULL;
    memset(r, 0, sizeof *r);
    config_pool_init(&r->pool, hooks);
    r->text.pool = &r->pool;
    r->tree.pool = &r->pool;
    r->tree.text = &r->text;
    return r;
}

static enum ukern_status check(struct config_reading *r)
{
    /* Wrong settings have their defaults then, and all other errors are found in the same go. */
    if (config_tree_read(&r->tree, &r->root) == UKERN_NOMEM)
        return UKERN_NOMEM;
    config_rules_check(&r->tree, &r->root);
    if (r->pool.out_of_memory)
        return UKERN_NOMEM;
    config_rules_consoles(&r->tree, &r->root, &r->consoles);
    if (r->files)
        config_files_read(&r->tree, &r->root);
    if (r->pool.out_of_memory)
        return UKERN_NOMEM;
    return r->pool.errors == 0 ? UKERN_OK : UKERN_BADCONFIG;
}

/* The text is there: from it and the overrides to the structs. */
static enum ukern_status interpret(struct config_reading *r, const char *const *overrides, size_t count)
{
    enum ukern_status st = config_syntax_check(&r->text);
    if (st == UKERN_OK)
        st = config_tree_parse(&r->tree);
    for (size_t i = 0; st == UKERN_OK && i < count; i++)
        st = config_override_apply(&r->tree, overrides[i]);
    return st == UKERN_OK ? check(r) : st;
}

/* Reads the file anew. All texts are copied. */
static enum ukern_status read_file(const struct ukern_hooks *hooks, const char *path, const char *const *overrides,
                                   size_t count, struct config_reading **ret_reading)
{
    struct config_reading *r = reading_new(hooks);
    if (r == NULL)
        return UKERN_NOMEM;
    enum ukern_status st = UKERN_NOMEM;
    r->files = true;
    r->path = config_pool_text(&r->pool, path, strlen(path));
    r->overrides = config_pool_take(&r->pool, (count + 1) * sizeof *r->overrides);
    if (r->path != NULL && r->overrides != NULL)
        st = config_text_load(&r->text, path);
    for (size_t i = 0; st == UKERN_OK && i < count; i++)
        if ((r->overrides[i] = config_pool_text(&r->pool, overrides[i], strlen(overrides[i]))) == NULL)
            st = UKERN_NOMEM;
    r->override_count = count;
    if (st == UKERN_OK)
        st = interpret(r, r->overrides, count);
    if (st == UKERN_NOMEM)
        config_pool_note(hooks, UKERN_LOG_ERROR, "%s: no memory", path);
    if (st != UKERN_OK)
        reading_free(r);
    else
        *ret_reading = r;
    return st;
}

/* The configuration around a reading, which it takes. */
static enum ukern_status config_new(const struct ukern_hooks *hooks, struct config_reading *r,
                                    struct ukern_config **ret_config)
{
    struct ukern_config *c = take(hooks, sizeof *c);
    if (c == NULL) {
        reading_free(r);
        return UKERN_NOMEM;
    }
    *c = (struct ukern_config){ .hooks = *hooks, .reading = r };
    *ret_config = c;
    return UKERN_OK;
}

enum ukern_status ukern_config_read(const char *path, const struct ukern_hooks *hooks, struct ukern_config **ret_config)
{
    struct config_reading *r;
    if (path == NULL || ret_config == NULL)
        return UKERN_BADARG;
    if (hooks == NULL)
        hooks = &no_hooks;
    enum ukern_status st = read_file(hooks, path, NULL, 0, &r);
    return st == UKERN_OK ? config_new(hooks, r, ret_config) : st;
}

enum ukern_status config_parse(const char *bytes, size_t n, const struct ukern_hooks *hooks,
                               struct ukern_config **ret_config)
{
    if (hooks == NULL)
        hooks = &no_hooks;
    struct config_reading *r = reading_new(hooks);
    if (r == NULL)
        return UKERN_NOMEM;
    enum ukern_status st = config_text_add(&r->text, "(memory)", bytes, n);
    if (st == UKERN_OK)
        st = interpret(r, NULL, 0);
    if (st == UKERN_OK)
        return config_new(hooks, r, ret_config);
    reading_free(r);
    return st;
}

void ukern_config_free(struct ukern_config *c)
{
    if (c == NULL)
        return;
    struct ukern_hooks hooks = c->hooks;
    reading_free(c->reading);
    give(&hooks, c);
}

enum ukern_status ukern_config_set_all(struct ukern_config *c, const char *const *assignments, size_t count)
{
    struct config_reading *r = c->reading, *fresh;
    if (count == 0)
        return UKERN_OK;
    if (r->path == NULL)
        return UKERN_BADARG;
    const char **all = config_pool_take(&r->pool, (r->override_count + count) * sizeof *all);
    if (all == NULL)
        return UKERN_NOMEM;
    memcpy(all, r->overrides, r->override_count * sizeof *all);
    memcpy(all + r->override_count, assignments, count * sizeof *all);
    enum ukern_status st = read_file(&c->hooks, r->path, all, r->override_count + count, &fresh);
    if (st != UKERN_OK)
        return st;
    c->reading = fresh;
    reading_free(r);
    return UKERN_OK;
}

enum ukern_status ukern_config_set(struct ukern_config *c, const char *assignment)
{
    return ukern_config_set_all(c, &assignment, 1);
}

void ukern_config_dump(const struct ukern_config *c, void (*write)(void *ctx, const char *text), void *ctx)
{
    char *directory = file_resolve(".");
    struct config_dump d = { .write = write, .ctx = ctx, .directory = directory != NULL ? directory : "." };
    config_dump_group(&d, config_schema_group(""), &c->reading->root, 0);
    free(directory);
}

static bool has_checks(const struct config_layers *l)
{
    bool checks = false;
    for (size_t i = 0; i < CONFIG_LAYERS; i++)
        checks |= l->mode[i] != 0;
    return checks;
}

void ukern_config_info(const struct ukern_config *c, struct ukern_config_info *ret_info)
{
    const struct config_root *root = &c->reading->root;
    struct ukern_config_info info = {
        .size = ret_info->size,
        .name = root->machine.name,
        .engine = root->machine.engine == CONFIG_ENGINE_SIM ? UKERN_SIM : UKERN_SMP,
        .seed = (uint64_t)root->machine.seed,
        .cpus = (uint32_t)root->machine.cpus,
        .processes = (uint32_t)root->processes.count,
        .vms = root->machine.skip_vms ? 0 : (uint32_t)root->vms.count,
        .consoles = (uint32_t)c->reading->consoles.count,
        .checks = has_checks(&root->layers),
    };
    memcpy(ret_info, &info, info.size < sizeof info ? info.size : sizeof info);
}

void ukern_config_describe(void (*write)(void *ctx, const char *text), void *ctx)
{
    struct config_dump d = { .write = write, .ctx = ctx };
    config_dump_schema(&d);
}

/* Paths of a group and all below it; the one at which *left is 0 is answered. */
static const char *nth_path(const struct config_group *g, const char *base, uint32_t *left)
{
    const char *found = NULL;
    for (size_t i = 0; found == NULL && i < g->key_count; i++) {
        const struct config_key *k = &g->keys[i];
        struct config_list list = { .items = (char *)(uintptr_t)(base + k->offset), .count = 1 };
        if (k->type == CONFIG_PATH) {
            const char *path;
            memcpy(&path, base + k->offset, sizeof path);
            if (path != NULL && (*left)-- == 0)
                found = path;
        }
        if (k->type != CONFIG_GROUP && k->type != CONFIG_GROUPS)
            continue;
        const struct config_group *in = config_schema_group(k->choices);
        if (k->type == CONFIG_GROUPS)
            memcpy(&list, base + k->offset, sizeof list);
        for (size_t j = 0; found == NULL && j < list.count; j++)
            found = nth_path(in, (const char *)list.items + j * in->size, left);
    }
    return found;
}

enum ukern_status ukern_config_path(const struct ukern_config *c, uint32_t n, const char **ret_path)
{
    const struct config_text *text = &c->reading->text;
    if (n < text->file_count) {
        *ret_path = text->files[n];
        return UKERN_OK;
    }
    n -= text->file_count;
    const char *path = nth_path(config_schema_group(""), (const char *)&c->reading->root, &n);
    if (path == NULL)
        return UKERN_NOTFOUND;
    *ret_path = path;
    return UKERN_OK;
}

enum ukern_status ukern_config_console(const struct ukern_config *c, uint32_t console,
                                       struct ukern_console_info *ret_info)
{
    const struct config_console *all = c->reading->consoles.items;
    if (console >= c->reading->consoles.count)
        return UKERN_NOTFOUND;
    const struct config_console *one = &all[console];
    struct ukern_console_info info = {
        .size = ret_info->size, .owner = one->owner, .is_vm = one->is_vm, .kind = UKERN_CONSOLE_MACHINE
    };
    if (strcmp(one->output, "stdio") == 0)
        info.kind = UKERN_CONSOLE_STDIO;
    else if (strcmp(one->output, "null") == 0)
        info.kind = UKERN_CONSOLE_NULL;
    else if (strncmp(one->output, "file:", 5) == 0) {
        info.kind = UKERN_CONSOLE_FILE;
        info.path = one->output + 5;
    }
    memcpy(ret_info, &info, info.size < sizeof info ? info.size : sizeof info);
    return UKERN_OK;
}
