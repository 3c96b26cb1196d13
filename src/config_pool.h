/* SPDX-License-Identifier: BSD-2-Clause */
/* config_pool: the memory of one configuration, and where its errors go.                               Row config_pool
 *
 * State       struct config_pool: every piece of memory of a configuration, freed together; the number of errors
 * Primitives  config_pool_init   hooks are copied
 *             config_pool_take   n zeroed bytes; NULL when there is none (and the pool remembers that)
 *             config_pool_text   a copy of n characters, with a 0 behind them
 *             config_pool_format the same, as printf does
 *             config_pool_free   everything taken from it
 *             config_pool_error  one line to hooks->log, counted; after 50 only counted
 *             config_pool_note   a line at another level
 * Lock        none: a configuration belongs to one thread */
#pragma once
#include <stdarg.h>
#include <ukern/ukern.h>

struct config_pool {
    struct ukern_hooks hooks;
    struct config_piece *pieces;
    unsigned errors;
    bool out_of_memory;
};

void config_pool_init(struct config_pool *p, const struct ukern_hooks *hooks);
void *config_pool_take(struct config_pool *p, size_t n);
char *config_pool_text(struct config_pool *p, const char *s, size_t n);
char *config_pool_format(struct config_pool *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void config_pool_free(struct config_pool *p);
void config_pool_error(struct config_pool *p, const char *where, const char *format, va_list args);
void config_pool_note(const struct ukern_hooks *hooks, enum ukern_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
