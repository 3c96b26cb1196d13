/* SPDX-License-Identifier: BSD-2-Clause */
/* config_rules: what must hold between the settings of a configuration.                                Row config_rules
 *
 * Primitives  config_rules_check     regions, names, CPUs, memory, consoles; built-in programs are found
 *             config_rules_consoles  numbers the consoles: 0 is the machine's, each other output has its own
 * Errors      all are reported through the tree's pool */
#pragma once
#include "config_tree.h"

void config_rules_check(const struct config_tree *tree, struct config_root *root);

struct config_console {
    const char *output; /* "console", "stdio", "null", "file:PATH" */
    const char *owner;
    const void *setting;
    bool is_vm;
};
/* Sets the console numbers of processes and VMs; ret_list holds a struct config_console each. */
void config_rules_consoles(const struct config_tree *tree, struct config_root *root, struct config_list *ret_list);
/* Where key `name` of the group stands; the group itself when it is not given. */
const void *config_rules_place(const char *group, const struct config_place *place, const char *name);
