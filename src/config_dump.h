/* SPDX-License-Identifier: BSD-2-Clause */
/* config_dump: a checked configuration as text that reads back to the same.                            Row config_dump
 *
 * Primitives  config_dump_group   one group and all below it, by the schema; not what is not given and has no default
 *             config_dump_schema  the schema itself: every setting, what it may be, its default, what it is for */
#pragma once
#include "config_schema.h"

struct config_dump {
    void (*write)(void *ctx, const char *text);
    void *ctx;
    const char *directory; /* put before relative paths */
};

void config_dump_schema(const struct config_dump *d);
void config_dump_group(const struct config_dump *d, const struct config_group *g, const void *base, int indent);
