/* SPDX-License-Identifier: BSD-2-Clause */
/* config_text: see config_text.h. One pass over each file, which copies it and knows strings and comments as the parser
 * does; what the parser would take for an include outside them cannot get past it, since any other @ is an error. */
#include "config_text.h"
#include "host/file.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 1 << 20, INCLUDE_DEPTH = 8, NEST_MAX = 16, LINE_START = 256, TEXT_START = 4096 };

enum state { NORMAL, STRING, LINE_COMMENT, BLOCK_COMMENT };

/* The scan of one file. */
struct scan {
    struct config_text *t;
    const char *bytes;
    size_t length, at;
    uint32_t file, line;
    unsigned depth;       /* of includes */
    unsigned nest, outer; /* of brackets, in this file and around it */
    enum state state;
    uint32_t opened;      /* the line in which the string or comment began */
    bool blank;           /* nothing but blanks so far in this line */
    bool includes;        /* are allowed */
};

static enum ukern_status load(struct config_text *t, const char *path, unsigned depth, const struct scan *from);

__attribute__((format(printf, 2, 3))) static enum ukern_status bad(const struct scan *s, const char *format, ...)
{
    char where[512];
    va_list args;
    (void)snprintf(where, sizeof where, "%s:%u", s->t->files[s->file], s->line);
    va_start(args, format);
    config_pool_error(s->t->pool, where, format, args);
    va_end(args);
    return UKERN_BADCONFIG;
}

static bool line_begins(struct config_text *t, uint32_t file, uint32_t line)
{
    if (t->line_count == t->line_room) {
        size_t room = t->line_room == 0 ? LINE_START : t->line_room * 4;
        struct config_line *lines = config_pool_take(t->pool, room * sizeof *lines);
        if (lines == NULL)
            return false;
        if (t->line_count > 0)
            memcpy(lines, t->lines, t->line_count * sizeof *lines);
        t->lines = lines;
        t->line_room = room;
    }
    t->lines[t->line_count++] = (struct config_line){ file, line };
    return true;
}

static enum ukern_status put(struct scan *s, const char *bytes, size_t n)
{
    struct config_text *t = s->t;
    if (n > TEXT_MAX - t->length)
        return bad(s, "the configuration with its includes is larger than %d bytes; make it smaller", TEXT_MAX);
    if (n >= t->room - t->length) { /* room for the 0 behind it, too */
        size_t room = t->room * 2 > t->length + n + 1 ? t->room * 2 : t->length + n + TEXT_START;
        char *larger = config_pool_take(t->pool, room);
        if (larger == NULL)
            return UKERN_NOMEM;
        if (t->length > 0)
            memcpy(larger, t->bytes, t->length);
        t->bytes = larger; /* the smaller one goes with the pool */
        t->room = room;
    }
    memcpy(t->bytes + t->length, bytes, n);
    t->length += n;
    t->bytes[t->length] = 0;
    return UKERN_OK;
}

static enum ukern_status new_line(struct scan *s)
{
    enum ukern_status st = put(s, "\n", 1);
    s->line++;
    s->blank = true;
    if (st == UKERN_OK && !line_begins(s->t, s->file, s->line))
        st = UKERN_NOMEM;
    return st;
}

static bool sees(const struct scan *s, const char *word)
{
    size_t n = strlen(word);
    return s->length - s->at >= n && memcmp(s->bytes + s->at, word, n) == 0;
}

/* The path of an include is relative to the file in which it stands. */
static enum ukern_status include(struct scan *s)
{
    size_t p = s->at + strlen("@include"), n = 0;
    while (p < s->length && (s->bytes[p] == ' ' || s->bytes[p] == '\t'))
        p++;
    bool gap = p > s->at + strlen("@include");
    if (!gap || p == s->length || s->bytes[p] != '"')
        return bad(s, "expected @include \"FILE\"");
    p++;
    while (p + n < s->length && s->bytes[p + n] != '"' && (unsigned char)s->bytes[p + n] >= ' ')
        n++;
    if (p + n == s->length || s->bytes[p + n] != '"' || n == 0)
        return bad(s, "@include: expected the name of a file in double quotes, on one line");
    if (!s->includes)
        return bad(s, "@include is not possible here");
    const char *outer = s->t->files[s->file], *slash = strrchr(outer, '/');
    int dir = s->bytes[p] != '/' && slash != NULL ? (int)(slash - outer) + 1 : 0;
    char *path = config_pool_format(s->t->pool, "%.*s%.*s", dir, outer, (int)n, s->bytes + p);
    if (path == NULL)
        return UKERN_NOMEM;
    s->at = p + n + 1;
    /* The blanks before the directive are a line of the outer file, the included text begins on its own. */
    enum ukern_status st = put(s, "\n", 1);
    if (st == UKERN_OK)
        st = load(s->t, path, s->depth + 1, s);
    if (st == UKERN_OK && !line_begins(s->t, s->file, s->line))
        st = UKERN_NOMEM;
    return st;
}

/* A number that does not fit would be cut off by the parser; a size without quotes would be a syntax error. */
static enum ukern_status number(struct scan *s)
{
    const char *from = s->bytes + s->at;
    size_t n = 1;
    bool hex = false, fraction = false;
    while (s->at + n < s->length) {
        char c = from[n];
        hex = hex || ((c == 'x' || c == 'X') && from[n - 1] == '0');
        bool exponent = !hex && (c == '+' || c == '-') && (from[n - 1] == 'e' || from[n - 1] == 'E');
        if (!isalnum((unsigned char)c) && c != '.' && c != '_' && !exponent)
            break;
        fraction = fraction || c == '.';
        n++;
    }
    char text[64], *end;
    if (n >= sizeof text - 2)
        return bad(s, "number %.20s... is too long", from);
    (void)snprintf(text, sizeof text, "%.*s", (int)n, from);
    s->at += n;
    if (fraction)
        return bad(s, "%s: fractions are not used here; write a whole number", text);
    if (n == 1 && !isdigit((unsigned char)text[0]))
        return bad(s, "expected a number after '%s'", text);
    errno = 0;
    (void)strtoll(text, &end, hex ? 16 : 10);
    if (errno == ERANGE)
        return bad(s, "number %s does not fit into 64 bits", text);
    while (*end == 'L')
        *end++ = 0;
    if (*end != 0)
        return bad(s, "%s is no number; write a size with a unit in quotes: \"%s\"", text, text);
    if (hex && (text[0] == '-' || text[0] == '+'))
        return bad(s, "%s: a hexadecimal number has no sign", text);
    enum ukern_status st = put(s, text, strlen(text));
#ifdef UKERN_BUG_CONFIG_HEX
    if (hex)
        return st;
#endif
    return st == UKERN_OK ? put(s, "L", 1) : st;
}

static enum ukern_status bracket(struct scan *s, char c)
{
    bool opens = strchr("{[(", c) != NULL;
    if (opens && ++s->nest + s->outer > NEST_MAX)
        return bad(s, "groups and lists are nested deeper than %d", NEST_MAX);
    if (!opens && s->nest-- == 0)
        return bad(s, "'%c' closes nothing in this file", c);
    return UKERN_OK;
}

/* One character or token outside strings and comments. */
static enum ukern_status normal(struct scan *s)
{
    char c = s->bytes[s->at];
    bool word =
        s->at > 0 && (isalnum((unsigned char)s->bytes[s->at - 1]) || strchr("_-*", s->bytes[s->at - 1]) != NULL);
    if (c == '@')
        return s->blank && sees(s, "@include") ? include(s)
                                               : bad(s, "'@' is only for @include at the beginning of a line");
    if (!word && (isdigit((unsigned char)c) || ((c == '-' || c == '+') && s->at + 1 < s->length)))
        return number(s);
    if ((unsigned char)c >= 0x7f || ((unsigned char)c < ' ' && c != '\t' && c != '\r'))
        return bad(s, "byte 0x%02x is no text: is this a configuration file?", (unsigned char)c);
    enum ukern_status st = strchr("{}[]()", c) != NULL ? bracket(s, c) : UKERN_OK;
    if (st != UKERN_OK)
        return st;
    size_t n = 1;
    if (c == '"')
        s->state = STRING;
    else if (c == '#' || sees(s, "//"))
        s->state = LINE_COMMENT;
    else if (sees(s, "/*"))
        s->state = BLOCK_COMMENT, n = 2;
    s->opened = s->line;
    s->blank = s->blank && (c == ' ' || c == '\t');
    s->at += n;
    return put(s, s->bytes + s->at - n, n);
}

static enum ukern_status in_string(struct scan *s)
{
    char c = s->bytes[s->at];
    if (c == '\n')
        return bad(s, "a string must end in the line where it begins; a newline in it is written \\n");
    if ((unsigned char)c < ' ' && c != '\t')
        return bad(s, "a string holds the control character 0x%02x; write it as \\x%02x", (unsigned char)c,
                   (unsigned char)c);
    size_t n = c == '\\' && s->at + 1 < s->length && (unsigned char)s->bytes[s->at + 1] >= ' ' ? 2 : 1;
    if (n == 2 && s->length - s->at >= 4 && memcmp(s->bytes + s->at, "\\x00", 4) == 0)
        return bad(s, "a string holds \\x00, which would end it");
    if (c == '"')
        s->state = NORMAL;
    s->at += n;
    return put(s, s->bytes + s->at - n, n);
}

static enum ukern_status in_comment(struct scan *s)
{
    size_t n = 1;
    if (s->state == BLOCK_COMMENT && sees(s, "*/"))
        s->state = NORMAL, n = 2;
    s->at += n;
    return put(s, s->bytes + s->at - n, n);
}

static enum ukern_status scan_one(struct scan *s)
{
    char c = s->bytes[s->at];
    if (c == 0)
        return bad(s, "there is a 0 byte: is this a configuration file?");
    if (c == '\n' && s->state != STRING) {
        s->at++;
        if (s->state == LINE_COMMENT)
            s->state = NORMAL;
        return new_line(s);
    }
    if (s->state == NORMAL)
        return normal(s);
    return s->state == STRING ? in_string(s) : in_comment(s);
}

static enum ukern_status scan_all(struct scan *s)
{
    enum ukern_status st = line_begins(s->t, s->file, 1) ? UKERN_OK : UKERN_NOMEM;
    while (st == UKERN_OK && s->at < s->length)
        st = scan_one(s);
    if (st != UKERN_OK)
        return st;
    if (s->state == STRING || s->state == BLOCK_COMMENT) {
        s->line = s->opened;
        return bad(s, "the file ends inside %s that begins here", s->state == STRING ? "a string" : "a comment");
    }
    if (s->nest > 0)
        return bad(s, "the file ends inside a group or list: %u closing bracket%s missing", s->nest,
                   s->nest == 1 ? " is" : "s are");
    return put(s, "\n", 1);
}

static enum ukern_status begin(struct config_text *t, const char *name, struct scan *s)
{
    *s = (struct scan){ .t = t, .line = 1, .blank = true, .file = t->file_count };
    if (t->file_count == COUNT_OF(t->files))
        return UKERN_BADCONFIG;
    t->files[t->file_count] = config_pool_text(t->pool, name, strlen(name));
    return t->files[t->file_count++] != NULL ? UKERN_OK : UKERN_NOMEM;
}

/* An error about a file belongs to the line that includes it, if one does. */
__attribute__((format(printf, 3, 4))) static enum ukern_status no_file(struct config_text *t, const struct scan *from,
                                                                       const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (from != NULL)
        return bad(from, "@include: %s", text);
    config_pool_note(&t->pool->hooks, UKERN_LOG_ERROR, "%s", text);
    t->pool->errors++;
    return UKERN_BADCONFIG;
}

static enum ukern_status load(struct config_text *t, const char *path, unsigned depth, const struct scan *from)
{
    char why[FILE_WHY];
    struct file f;
    struct scan s;
    if (depth > INCLUDE_DEPTH)
        return no_file(t, from, "%s: includes are nested deeper than %d; does a file include itself?", path,
                       INCLUDE_DEPTH);
    if (t->file_count == COUNT_OF(t->files))
        return no_file(t, from, "%s: more than %zu files", path, COUNT_OF(t->files));
    if (file_open(path, why, &f) != UKERN_OK)
        return no_file(t, from, "%s: expected a configuration file: %s", path, why);
    enum ukern_status st = begin(t, path, &s);
    char *bytes = NULL;
    if (st == UKERN_OK && f.size > TEXT_MAX)
        st = no_file(t, from, "%s: expected a configuration file of at most %d bytes, it has %llu", path, TEXT_MAX,
                     (unsigned long long)f.size);
    if (st == UKERN_OK)
        st = (bytes = config_pool_take(t->pool, (size_t)f.size + 1)) != NULL ? UKERN_OK : UKERN_NOMEM;
    if (st == UKERN_OK && file_read(&f, bytes, why) != UKERN_OK)
        st = no_file(t, from, "%s: %s", path, why);
    if (st == UKERN_OK) {
        s.bytes = bytes;
        s.length = (size_t)f.size;
        s.depth = depth;
        s.includes = true;
        s.outer = from != NULL ? from->nest + from->outer : 0;
        st = scan_all(&s);
    }
    file_close(&f);
    return st;
}

enum ukern_status config_text_load(struct config_text *t, const char *path)
{
    return load(t, path, 0, NULL);
}

enum ukern_status config_text_add(struct config_text *t, const char *name, const char *bytes, size_t n)
{
    struct scan s;
    enum ukern_status st = begin(t, name, &s);
    if (st != UKERN_OK)
        return st;
    s.bytes = bytes;
    s.length = n;
    return scan_all(&s);
}

void config_text_where(const struct config_text *t, unsigned line, char *ret_where, size_t room)
{
    if (line > t->line_count) /* the end of the text, which the parser may count as one more line */
        line = (unsigned)t->line_count;
    if (line >= 1)
        (void)snprintf(ret_where, room, "%s:%u", t->files[t->lines[line - 1].file], t->lines[line - 1].line);
    else
        (void)snprintf(ret_where, room, "%s", t->file_count > 0 ? t->files[0] : "configuration");
}

const char *config_text_file(const struct config_text *t, unsigned line)
{
    return line >= 1 && line <= t->line_count ? t->files[t->lines[line - 1].file] : t->files[0];
}
