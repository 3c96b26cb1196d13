/* SPDX-License-Identifier: BSD-2-Clause */
/* config_syntax: see config_syntax.h. Recursive descent; config_text has limited the depth. */
#include "config_syntax.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_MAX = 256 };

enum token { END, NAME, NUMBER, BOOLEAN, STRING, MARK };

struct parse {
    const struct config_text *t;
    const char *at;       /* behind the token */
    const char *from;     /* of the token */
    size_t n;
    enum token token;
    unsigned line;        /* of the expanded text, where the token begins */
    bool failed;
};

struct name {
    const char *at;
    size_t n;
};

static void value(struct parse *p);

__attribute__((format(printf, 2, 3))) static void bad(struct parse *p, const char *format, ...)
{
    char where[512];
    va_list args;
    if (p->failed)
        return;
    p->failed = true;
    config_text_where(p->t, p->line, where, sizeof where);
    va_start(args, format);
    config_pool_error(p->t->pool, where, format, args);
    va_end(args);
}

static void expected(struct parse *p, const char *what)
{
    if (p->token == END)
        bad(p, "syntax error: expected %s, got the end of the file", what);
    else
        bad(p, "syntax error: expected %s, got %.*s", what, (int)(p->n < 40 ? p->n : 40), p->from);
}

/* Blanks and comments; config_text has seen that comments end. */
static void skip(struct parse *p)
{
    for (;;) {
        if (*p->at == '\n')
            p->line++;
        if (*p->at == ' ' || *p->at == '\t' || *p->at == '\r' || *p->at == '\n') {
            p->at++;
        } else if (*p->at == '#' || (p->at[0] == '/' && p->at[1] == '/')) {
            p->at += strcspn(p->at, "\n");
        } else if (p->at[0] == '/' && p->at[1] == '*') {
            const char *end = strstr(p->at + 2, "*/");
            for (; p->at < end; p->at++)
                p->line += *p->at == '\n';
            p->at += 2;
        } else {
            return;
        }
    }
}

static bool is_word(const char *from, size_t n, const char *word)
{
    if (n != strlen(word))
        return false;
    for (size_t i = 0; i < n; i++)
        if (tolower((unsigned char)from[i]) != word[i])
            return false;
    return true;
}

static void next(struct parse *p)
{
    skip(p);
    const char *s = p->from = p->at;
    if (*s == 0) {
        p->token = END;
        p->n = 0;
        return;
    }
    if (isalpha((unsigned char)*s) || *s == '*') {
        while (isalnum((unsigned char)*s) || *s == '_' || *s == '-' || *s == '*')
            s++;
        bool truth =
            is_word(p->from, (size_t)(s - p->from), "true") || is_word(p->from, (size_t)(s - p->from), "false");
        p->token = truth ? BOOLEAN : NAME;
    } else if (isdigit((unsigned char)*s) || *s == '-' || *s == '+') {
        for (s++; isalnum((unsigned char)*s);)
            s++;
        p->token = NUMBER;
    } else if (*s == '"') {
        for (s++; *s != '"'; s++)
            s += *s == '\\';
        s++;
        p->token = STRING;
    } else {
        s++;
        p->token = MARK;
    }
    p->at = s;
    p->n = (size_t)(s - p->from);
}

static bool mark(const struct parse *p, char c)
{
    return p->token == MARK && *p->from == c;
}

static bool is_scalar(const struct parse *p)
{
    return p->token == NUMBER || p->token == BOOLEAN || p->token == STRING;
}

static void scalar(struct parse *p)
{
    bool string = p->token == STRING;
    do
        next(p);
    while (string && p->token == STRING);
}

static void setting(struct parse *p, struct name *names, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        if (names[i].n == p->n && memcmp(names[i].at, p->from, p->n) == 0)
            bad(p, "%.*s is set twice here; remove one", (int)(p->n < 60 ? p->n : 60), p->from);
    if (*count == NAMES_MAX) {
        bad(p, "more than %d settings in one group", NAMES_MAX);
        return;
    }
    names[(*count)++] = (struct name){ p->from, p->n };
    next(p);
    if (!mark(p, '=') && !mark(p, ':')) {
        expected(p, "'=' and a value");
        return;
    }
    next(p);
    value(p);
    if (mark(p, ';') || mark(p, ','))
        next(p);
}

static void settings(struct parse *p)
{
    struct name names[NAMES_MAX];
    size_t count = 0;
    while (p->token == NAME && !p->failed)
        setting(p, names, &count);
}

static void items(struct parse *p, char close, bool scalars)
{
    enum token first = END;
    next(p);
    if (mark(p, close))
        return;
    while (!p->failed) {
        if (scalars && !is_scalar(p))
            expected(p, "a number, a text or true or false");
        else if (scalars && first != END && first != p->token)
            bad(p, "the values between [ and ] must have one type; write ( ... ) to mix them");
        first = p->token;
        if (!p->failed)
            value(p);
        if (mark(p, close) || p->failed)
            return;
        if (!mark(p, ','))
            expected(p, close == ')' ? "',' or ')'" : "',' or ']'");
        next(p);
    }
}

static void value(struct parse *p)
{
    if (is_scalar(p)) {
        scalar(p);
        return;
    }
    if (mark(p, '{')) {
        next(p);
        settings(p);
        if (!mark(p, '}'))
            expected(p, "a setting, NAME = VALUE;, or '}'");
    } else if (mark(p, '(')) {
        items(p, ')', false);
    } else if (mark(p, '[')) {
        items(p, ']', true);
    } else {
        expected(p, "a value: a number, \"text\", true, false, { ... }, ( ... ) or [ ... ]");
    }
    if (!p->failed)
        next(p);
}

enum ukern_status config_syntax_check(const struct config_text *t)
{
    struct parse p = { .t = t, .at = t->bytes, .line = 1 };
    if (t->bytes == NULL)
        return UKERN_OK;
    next(&p);
    settings(&p);
    if (p.token != END)
        expected(&p, "a setting, NAME = VALUE;");
    return p.failed ? UKERN_BADCONFIG : UKERN_OK;
}
