/* SPDX-License-Identifier: BSD-2-Clause */
/* json_get FILE PATH: prints one scalar of a JSON file, for checks that are scripts. PATH: names and indices joined by
 * dots ("vms.0.exits.port"); FILE "-": stdin. Exit status 1, with a message, when the file is no JSON or has no such. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *step(json_t *at, const char *word)
{
    char *end;
    unsigned long index = strtoul(word, &end, 10);
    if (json_is_array(at) && *word && !*end) return json_array_get(at, index);
    return json_object_get(at, word);
}

static int print(const json_t *at)
{
    switch (json_typeof(at)) {
    case JSON_STRING: return puts(json_string_value(at)) < 0;
    case JSON_INTEGER: return printf("%" JSON_INTEGER_FORMAT "\n", json_integer_value(at)) < 0;
    case JSON_REAL: return printf("%.17g\n", json_real_value(at)) < 0;
    case JSON_TRUE: return puts("true") < 0;
    case JSON_FALSE: return puts("false") < 0;
    case JSON_ARRAY: return printf("%zu elements\n", json_array_size(at)) < 0;
    case JSON_OBJECT: return printf("%zu members\n", json_object_size(at)) < 0;
    default: return puts("null") < 0;
    }
}

int main(int argc, char **argv)
{
    json_error_t error;
    if (argc != 3) {
        fputs("usage: json_get FILE PATH\n", stderr);
        return 2;
    }
    FILE *f = strcmp(argv[1], "-") == 0 ? stdin : fopen(argv[1], "r");
    json_t *root = f ? json_loadf(f, 0, &error) : NULL;
    if (!root) {
        fprintf(stderr, "json_get: %s: %s\n", argv[1], f ? error.text : "cannot be opened");
        return 1;
    }
    json_t *at = root;
    for (char *rest = argv[2], *word; at && (word = strsep(&rest, "."));) at = step(at, word);
    int status = at ? print(at) : 1;
    if (!at) fprintf(stderr, "json_get: %s has no %s\n", argv[1], argv[2]);
    json_decref(root);
    return status;
}
