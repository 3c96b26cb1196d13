/* SPDX-License-Identifier: BSD-2-Clause */
/* config_syntax: the grammar of configurations, checked before the parser sees the text.            Row config_syntax
 *
 * For         errors that say what was expected; and the parser (libconfig) loses memory when it meets one
 * Primitives  config_syntax_check   the first error is reported; after OK the parser accepts the text
 * Grammar     settings = { NAME ("=" | ":") value [";" | ","] }
 *             value    = scalar | "{" settings "}" | "(" [value { "," value }] ")" | "[" [scalar { "," scalar }] "]"
 *             scalar   = NUMBER | true | false | STRING { STRING };  the scalars of one [ ] have one type
 *             no name twice in a group
 * Lock        none: belongs to one thread */
#pragma once
#include "config_text.h"

UKERN_MUST_USE enum ukern_status config_syntax_check(const struct config_text *t);
