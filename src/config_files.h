/* SPDX-License-Identifier: BSD-2-Clause */
/* config_files: what a configuration names in the file system.                                         Row config_files
 *
 * Primitives  config_files_read  reads every file that is named, loads modules; errors are reported
 * Why         before a machine exists: no error of a path comes later, and the program can give up opening files
 * Lock        none: belongs to one thread */
#pragma once
#include "config_rules.h"

void config_files_read(const struct config_tree *tree, struct config_root *root);
