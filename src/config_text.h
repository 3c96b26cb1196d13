/* SPDX-License-Identifier: BSD-2-Clause */
/* config_text: the text of a configuration, its includes put in.                                       Row config_text
 *
 * For         the parser (libconfig) sees one string and opens no file: its own include ends the process when the path
 *             is a directory, and it cuts large numbers off silently
 * State       struct config_text: the expanded text; for each of its lines the file and line that it came from
 * Primitives  config_text_load   reads a file with everything that it includes
 *             config_text_add    the same from memory (tests, fuzzing); includes are refused
 *             config_text_where  "file:line" of a line of the expanded text
 *             config_text_file   the path of the file that a line came from
 * Guarantees  after success: no 0 byte, no byte outside printable ASCII, blank or newline except in strings and
 *             comments; every string and comment is closed in its file; nesting at most 16; every number fits
 *             63 bits and a sign, and is marked as 64-bit; no @include is left
 * Lock        none: belongs to one thread */
#pragma once
#include "config_pool.h"

struct config_line {
    uint32_t file, line;
};

struct config_text {
    struct config_pool *pool;
    char *bytes;
    size_t length, room;
    struct config_line *lines; /* of each line of the expanded text */
    size_t line_count, line_room;
    const char *files[64];
    uint32_t file_count;
};

/* Both: BADCONFIG (every error was reported) or NOMEM. */
UKERN_MUST_USE enum ukern_status config_text_load(struct config_text *t, const char *path);
UKERN_MUST_USE enum ukern_status config_text_add(struct config_text *t, const char *name, const char *bytes, size_t n);
/* line counts from 1; anything else names the first file alone. */
void config_text_where(const struct config_text *t, unsigned line, char *ret_where, size_t room);
const char *config_text_file(const struct config_text *t, unsigned line);
