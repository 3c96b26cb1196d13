/* SPDX-License-Identifier: BSD-2-Clause */
/* config: what a configuration consists of; the interface is in ukern.h.  Row config
 *
 * Primitives  config_parse   as ukern_config_read, from memory and without opening any file (tests, fuzzing)
 * Lock        none: a configuration belongs to one thread */
#pragma once
#include "config_rules.h"

struct config_reading {
    struct config_pool pool;
    struct config_text text;
    struct config_tree tree;
    struct config_root root;
    struct config_list consoles;
    const char *path;
    const char **overrides;
    size_t override_count;
    bool files;               /* open what is named */
};

struct ukern_config {
    struct ukern_hooks hooks;
    struct config_reading *reading;
};

enum ukern_status config_parse(const char *bytes, size_t n, const struct ukern_hooks *hooks,
                               struct ukern_config **ret_config);
