/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz target: configurations. A byte stream rarely gets past the syntax, so an input is either text as it is, or a
 * program for a generator: it writes groups, keys of the schema and values of every type, some of them damaged.
 *
 * Property    whatever is accepted is written out by the dump, read back, accepted, and written out to the same text */
#include "config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
    char bytes[1 << 16];
    size_t n;
};

static void put(struct text *t, const char *s)
{
    size_t n = strlen(s);
    if (n < sizeof t->bytes - t->n) {
        memcpy(t->bytes + t->n, s, n + 1);
        t->n += n;
    }
}

struct input {
    const uint8_t *at;
    size_t left;
};

static unsigned next(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static void generate_group(struct input *in, struct text *t, const struct config_group *g, int depth);

/* What the schema would accept, mostly. */
static void generate_right(struct input *in, struct text *t, const struct config_key *k)
{
    static const char *const sizes[] = { "0", "\"64K\"", "\"1M\"", "0x100000", "\"32 MiB\"", "65536" };
    static const char *const outputs[] = { "\"console\"", "\"null\"", "\"stdio\"", "\"file:a/b\"", "\"file:c d\"" };
    static const char *const words[] = { "\"a\"", "\"b\" \"c\"", "\"d e\"", "\"\\\"f\"", "\"g\\x41\"", "\"h\\\\\"", "\"#\"", "\"\xc3\xa9\"" };
    char number[32];
    const char *text;
    unsigned pick = next(in);
    switch (k->type) {
    case CONFIG_INT:
        (void)snprintf(number, sizeof number, "%lld", (long long)(pick % 4 == 0 ? k->max : k->min + pick % 3));
        put(t, number);
        break;
    case CONFIG_SIZE:
    case CONFIG_PAGES: put(t, sizes[pick % 6]); break;
    case CONFIG_BOOL: put(t, pick % 2 == 0 ? "true" : "FALSE"); break;
    case CONFIG_ENUM:
        (void)snprintf(number, sizeof number, "\"%.*s\"", config_schema_choice_text(k->choices, pick % 2, &text), text);
        put(t, number);
        break;
    case CONFIG_OUTPUT: put(t, outputs[pick % 5]); break;
    case CONFIG_TEXTS:
        put(t, pick % 2 == 0 ? "[ " : "( ");
        put(t, words[pick / 2 % 8]);
        put(t, pick % 2 == 0 ? ", \"\" ]" : " )");
        break;
    default: put(t, strcmp(k->name, "program") == 0 ? "\"hello\"" : words[pick % 8]);
    }
}

static void generate_scalar(struct input *in, struct text *t, const struct config_key *k)
{
    static const char *const wrong[] = {
        "0", "-1", "4097", "9223372036854775807", "-9223372036854775808", "99999999999999999999", "0xffffffffffffffff", "1.5", "1e9", "64M",
        "\"\"", "\"64Q\"", "\"-1K\"", "\"9999999999T\"", "\"0x\"", "\"nosuch\"", "\"file:\"", "[ ]", "( )", "{ }", "[ 1, 2 ]",
        "( 1, \"a\" )", "\"a-name-that-is-much-longer-than-names-may-be\"", "\"\\x01\"", "( ( ( ) ) )", "{ a = { b = [ 1 ] } }",
    };
    unsigned pick = next(in);
    if (pick < 248)
        generate_right(in, t, k);
    else
        put(t, wrong[next(in) % (sizeof wrong / sizeof wrong[0])]);
}

static void generate_value(struct input *in, struct text *t, const struct config_key *k, int depth)
{
    const struct config_group *g = k->type == CONFIG_GROUP || k->type == CONFIG_GROUPS ? config_schema_group(k->choices) : NULL;
    if (g == NULL || depth > 4 || next(in) > 250) {
        generate_scalar(in, t, k);
        return;
    }
    put(t, k->type == CONFIG_GROUPS ? "( " : "");
    unsigned count = k->type == CONFIG_GROUPS ? next(in) % 4 : 1;
    for (unsigned i = 0; i < count; i++) {
        put(t, i > 0 ? ", { " : "{ ");
        generate_group(in, t, g, depth + 1);
        put(t, " }");
    }
    put(t, k->type == CONFIG_GROUPS ? " )" : "");
}

/* A byte for each key says whether it is given; few are damaged. */
static void generate_group(struct input *in, struct text *t, const struct config_group *g, int depth)
{
    for (size_t i = 0; i < g->key_count; i++) {
        unsigned b = next(in);
        if (b % 4 != 1 && g->keys[i].standard != NULL)
            continue;
        put(t, g->keys[i].name);
        put(t, b == 251 ? "x = " : " = ");
        generate_value(in, t, &g->keys[i], depth);
        put(t, b == 254 ? "\n" : b == 253 ? ";;\n" : ";\n");
    }
}

static void take(void *ctx, const char *text)
{
    put(ctx, text);
}

static void read_back(const struct ukern_config *c)
{
    static struct text once, twice;
    struct ukern_config *again;
    const char *path;
    struct ukern_console_info console = { .size = sizeof console };
    once.n = twice.n = 0;
    for (uint32_t i = 0; ukern_config_path(c, i, &path) == UKERN_OK; i++)
        if (path == NULL)
            abort();
    for (uint32_t i = 0; ukern_config_console(c, i, &console) == UKERN_OK; i++)
        if (console.owner == NULL)
            abort();
    ukern_config_dump(c, take, &once);
    if (once.n > sizeof once.bytes / 2)
        return;
    if (config_parse(once.bytes, once.n, NULL, &again) != UKERN_OK)
        abort();
    ukern_config_dump(again, take, &twice);
    ukern_config_free(again);
    if (once.n != twice.n || memcmp(once.bytes, twice.bytes, once.n) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct text t;
    struct ukern_config *c;
    struct input in = { data, size };
    t.n = 0;
    if (size > 0 && next(&in) % 2 == 1) {
        generate_group(&in, &t, config_schema_group(""), 0);
        data = (const uint8_t *)t.bytes;
        size = t.n;
    } else if (size > 0) {
        data++;
        size--;
    }
    if (config_parse((const char *)data, size, NULL, &c) == UKERN_OK) {
        read_back(c);
        ukern_config_free(c);
    }
    return 0;
}
