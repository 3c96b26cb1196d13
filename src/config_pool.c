/* SPDX-License-Identifier: BSD-2-Clause */
/* config_pool: see config_pool.h. */
#include "config_pool.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERRORS_SHOWN = 50, LINE_MAX_BYTES = 1024 };

struct config_piece {
    struct config_piece *next;
    _Alignas(max_align_t) unsigned char bytes[];
};

void config_pool_init(struct config_pool *p, const struct ukern_hooks *hooks)
{
    *p = (struct config_pool){ 0 };
    if (hooks != NULL)
        p->hooks = *hooks;
}

void *config_pool_take(struct config_pool *p, size_t n)
{
    struct config_piece *piece = NULL;
    if (n <= SIZE_MAX - sizeof *piece) {
        size_t all = sizeof *piece + n;
        piece = p->hooks.alloc != NULL ? p->hooks.alloc(p->hooks.ctx, all) : malloc(all);
    }
    if (piece == NULL) {
        p->out_of_memory = true;
        return NULL;
    }
    piece->next = p->pieces;
    p->pieces = piece;
    memset(piece->bytes, 0, n);
    return piece->bytes;
}

char *config_pool_text(struct config_pool *p, const char *s, size_t n)
{
    char *copy = config_pool_take(p, n + 1);
    if (copy != NULL && n > 0)
        memcpy(copy, s, n);
    return copy;
}

char *config_pool_format(struct config_pool *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : config_pool_take(p, (size_t)n + 1);
    if (text != NULL) {
        va_start(args, format);
        (void)vsnprintf(text, (size_t)n + 1, format, args);
        va_end(args);
    }
    return text;
}

void config_pool_free(struct config_pool *p)
{
    while (p->pieces != NULL) {
        struct config_piece *piece = p->pieces;
        p->pieces = piece->next;
        if (p->hooks.dealloc != NULL)
            p->hooks.dealloc(p->hooks.ctx, piece);
        else
            free(piece);
    }
}

void config_pool_note(const struct ukern_hooks *hooks, enum ukern_log_level level, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;
    if (hooks == NULL || hooks->log == NULL)
        return;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    hooks->log(hooks->ctx, level, line);
}

void config_pool_error(struct config_pool *p, const char *where, const char *format, va_list args)
{
    char text[LINE_MAX_BYTES / 2];
    if (++p->errors > ERRORS_SHOWN) {
        if (p->errors == ERRORS_SHOWN + 1)
            config_pool_note(&p->hooks, UKERN_LOG_ERROR, "%s: and more errors, which are not shown", where);
        return;
    }
    (void)vsnprintf(text, sizeof text, format, args);
    config_pool_note(&p->hooks, UKERN_LOG_ERROR, "%s: %s", where, text);
}
