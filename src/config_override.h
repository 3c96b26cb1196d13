/* SPDX-License-Identifier: BSD-2-Clause */
/* config_override: one setting of a parsed text changed by its path, as on a command line.          Row config_override
 *
 * Primitives  config_override_apply  "machine.cpus=4", "processes.ping.cpu=1", "vms[0].ram=32M"; the schema says
 *                                    whether the value becomes a number, a truth value or text
 * Errors      BADCONFIG: reported; NOMEM
 * Lock        none: belongs to one thread */
#pragma once
#include "config_tree.h"

UKERN_MUST_USE enum ukern_status config_override_apply(struct config_tree *tree, const char *assignment);
