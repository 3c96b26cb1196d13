/* SPDX-License-Identifier: BSD-2-Clause */
/* config_tree: settings, read out of the parsed text by the schema.                                     Row config_tree
 *
 * State       struct config_tree: libconfig's tree over a config_text; overrides are settings whose hook is their text
 * Primitives  config_tree_parse     text to tree
 *             config_tree_read      tree to structs, by the schema; reports all errors; BADCONFIG: also filled in, with
 *                               defaults for what was wrong, so that the remaining rules can be checked
 *             config_tree_error     an error at a setting
 *             config_tree_path      a path, relative to the file in which its setting stands (overrides: as it is)
 * Errors      BADCONFIG: reported; NOMEM
 * Lock        none: belongs to one thread */
#pragma once
#include "config_schema.h"
#include "config_text.h"
#include <libconfig.h>

struct config_tree {
    struct config_pool *pool;
    struct config_text *text;
    struct config_t lib;
};

UKERN_MUST_USE enum ukern_status config_tree_parse(struct config_tree *tree);
UKERN_MUST_USE enum ukern_status config_tree_read(struct config_tree *tree, struct config_root *ret_root);
void config_tree_error(const struct config_tree *tree, const void *setting, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
char *config_tree_path(const struct config_tree *tree, const void *setting, const char *path);
void config_tree_free(struct config_tree *tree);
