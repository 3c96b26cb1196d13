/* SPDX-License-Identifier: BSD-2-Clause */
/* config_value: see config_value.h. */
#include "config_value.h"
#include "core/lib.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char units[] = "KMGT";

__attribute__((format(printf, 2, 3))) static bool bad(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, CONFIG_WHY, format, args);
    va_end(args);
    return false;
}

static bool is_size(enum config_type type)
{
    return type == CONFIG_SIZE || type == CONFIG_PAGES;
}

bool config_value_is_text(enum config_type type)
{
    return type == CONFIG_NAME || type == CONFIG_TEXT || type == CONFIG_PATH || type == CONFIG_OUTPUT;
}

/* The largest unit that divides it: "64M". */
static int print_size(int64_t value, char *room, size_t n)
{
    unsigned unit = 0;
    while (unit < 4 && value != 0 && value % 1024 == 0) {
        value /= 1024;
        unit++;
    }
    return unit == 0 ? snprintf(room, n, "%" PRId64, value)
                     : snprintf(room, n, "%" PRId64 "%c", value, units[unit - 1]);
}

bool config_value_number(const struct config_key *k, int64_t came, char *why, int64_t *ret_value)
{
    char min[32], max[32], text[32];
    if (k->type != CONFIG_INT && !is_size(k->type))
        return bad(why, "expected text in double quotes, got the number %" PRId64, came);
    if (came < k->min || came > k->max) {
        if (!is_size(k->type))
            return bad(why, "expected a number from %" PRId64 " to %" PRId64 ", got %" PRId64, k->min, k->max, came);
        (void)print_size(k->min, min, sizeof min);
        (void)print_size(k->max, max, sizeof max);
        (void)print_size(came, text, sizeof text);
        return bad(why, "expected a size from %s to %s, got %s%s", min, max, text,
                   came > 0 && came < k->min ? "; sizes are in bytes unless they have a unit, as in \"64M\"" : "");
    }
    if (k->type == CONFIG_PAGES && came % UKERN_PAGE != 0)
        return bad(why, "expected a multiple of %u, got %" PRId64 "; the next one is %" PRId64, UKERN_PAGE, came,
                   (int64_t)round_up((uint64_t)came, UKERN_PAGE));
    *ret_value = came;
    return true;
}

static bool parse_size(const struct config_key *k, const char *came, char *why, int64_t *ret_value)
{
    char *end;
    bool hex = came[0] == '0' && (came[1] == 'x' || came[1] == 'X');
    errno = 0;
    long long value = isdigit((unsigned char)came[0]) || came[0] == '-' ? strtoll(came, &end, hex ? 16 : 10)
                                                                        : (end = (char *)came, 0);
    bool overflow = errno == ERANGE;
    bool number = end != came;
    while (number && *end == ' ')
        end++;
    const char *unit = number && *end != 0 ? strchr(units, toupper((unsigned char)*end)) : NULL;
    if (unit != NULL) {
        overflow |= __builtin_mul_overflow(value, 1ll << (10 * (unit - units + 1)), &value);
        end += strcmp(end + 1, "iB") == 0 ? 3 : 1;
    }
    if (!number || *end != 0)
        return bad(why,
                   "expected a size such as \"64M\" (units K M G T, also KiB and so on: powers of 1024), got \"%.60s\"",
                   came);
    if (overflow)
        return bad(why, "size \"%.60s\" does not fit into 64 bits", came);
    return config_value_number(k, value, why, ret_value);
}

static bool parse_choice(const char *choices, const char *came, char *why, int64_t *ret_value)
{
    int n = config_schema_choice(choices, came);
    if (n >= 0) {
        *ret_value = n;
        return true;
    }
    for (int i = 0;; i++) {
        const char *text;
        char word[32];
        int length = config_schema_choice_text(choices, i, &text);
        if (length == 0)
            return bad(why, "expected one of %s, got \"%.60s\"", choices, came);
        (void)snprintf(word, sizeof word, "%.*s", length, text);
        if (config_schema_nearer(word, came) <= 2)
            return bad(why, "expected one of %s, got \"%.60s\"; did you mean \"%s\"?", choices, came, word);
    }
}

static bool check_text(const struct config_key *k, const char *came, char *why)
{
    size_t n = strlen(came);
    if ((int64_t)n < k->min || (int64_t)n > k->max)
        return bad(why, "expected %" PRId64 " to %" PRId64 " characters, got %zu", k->min, k->max, n);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)came[i] < ' ' || came[i] == 0x7f)
            return bad(why, "expected printable characters, got the byte 0x%02x", (unsigned char)came[i]);
    return true;
}

static bool check_output(const char *came, char *why)
{
    int64_t choice;
    if (strncmp(came, "file:", 5) == 0)
        return came[5] != 0 || bad(why, "expected a path after \"file:\"");
    if (!parse_choice("console|stdio|null", came, why, &choice)) {
        size_t n = strlen(why);
        (void)snprintf(why + n, CONFIG_WHY - n, " (or \"file:PATH\")");
        return false;
    }
    return true;
}

bool config_value_text(const struct config_key *k, const char *came, char *why, int64_t *ret_value)
{
    switch (k->type) {
    case CONFIG_SIZE:
    case CONFIG_PAGES: return parse_size(k, came, why, ret_value);
    case CONFIG_ENUM: return parse_choice(k->choices, came, why, ret_value);
    case CONFIG_OUTPUT: return check_text(k, came, why) && check_output(came, why);
    case CONFIG_NAME:
    case CONFIG_TEXT:
    case CONFIG_PATH: return check_text(k, came, why);
    case CONFIG_BOOL: return bad(why, "expected true or false, got \"%.60s\"", came);
    case CONFIG_INT: return bad(why, "expected a number, got \"%.60s\"", came);
    default:
        return bad(why, "expected %s, got the text \"%.60s\"",
                   k->type == CONFIG_GROUP ? "a group { ... }" : "a list ( ... )", came);
    }
}

int config_value_print(const struct config_key *k, int64_t value, char *room, size_t n)
{
    const char *text;
    char size[32];
    switch (k->type) {
    case CONFIG_SIZE:
    case CONFIG_PAGES:
        (void)print_size(value, size, sizeof size);
        return snprintf(room, n, "\"%s\"", size);
    case CONFIG_BOOL: return snprintf(room, n, "%s", value != 0 ? "true" : "false");
    case CONFIG_ENUM: {
        int length = config_schema_choice_text(k->choices, value, &text);
        return snprintf(room, n, "\"%.*s\"", length, text);
    }
    default: return snprintf(room, n, "%" PRId64, value);
    }
}
