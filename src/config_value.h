/* SPDX-License-Identifier: BSD-2-Clause */
/* config_value: one scalar setting: its text or number checked against its row of the schema.          Row config_value
 *
 * Primitives  config_value_number  a number for INT, SIZE, PAGES
 *             config_value_text    text for every scalar type: sizes with units, choices, names, outputs
 *             config_value_print   the value as a configuration writes it (for --dump-config)
 * Errors      `why` (CONFIG_WHY bytes): what was expected, what came, what to do */
#pragma once
#include "config_schema.h"

enum { CONFIG_WHY = 320 };

bool config_value_number(const struct config_key *k, int64_t came, char *why, int64_t *ret_value);
/* For types that are kept as text (NAME, TEXT, PATH, OUTPUT) *ret_value stays untouched: the caller keeps the text. */
bool config_value_text(const struct config_key *k, const char *came, char *why, int64_t *ret_value);
bool config_value_is_text(enum config_type type);
int config_value_print(const struct config_key *k, int64_t value, char *room, size_t n);
