/* SPDX-License-Identifier: BSD-2-Clause */
/* config_schema: every setting there is, in one table.                                               Row config_schema
 *
 * For         validation, --dump-config, suggestions and the manual page are made from this table and nothing else
 * State       none: tables, and the C structs that a checked configuration is
 * Values      numbers, sizes, booleans and enumerations (the index of the choice) are int64_t; strings and paths are
 *             char * (NULL: not given); lists are struct config_list of strings or of the group's structs
 * Primitives  config_schema_group    the group of that name
 *             config_schema_find     a key of a group, or NULL
 *             config_schema_suggest  the most alike of the keys, or NULL when none is
 *             config_schema_nearer   how alike two words are: the number of edits */
#pragma once
#include "layer_ranks.h"
#include <stddef.h>
#include <ukern/ukern.h>

enum config_type {
    CONFIG_INT,    /* min..max                                                     */
    CONFIG_SIZE,   /* bytes: a number, or text with a unit; min..max               */
    CONFIG_PAGES,  /* a size that is a multiple of 4096                            */
    CONFIG_BOOL,
    CONFIG_ENUM,   /* one of `choices`, separated by |                             */
    CONFIG_NAME,   /* 1 to max printable characters                                */
    CONFIG_TEXT,   /* at most max printable characters                             */
    CONFIG_PATH,   /* of a file, relative to the file in which it stands           */
    CONFIG_OUTPUT, /* console | stdio | null | file:PATH                           */
    CONFIG_TEXTS,  /* a list of at most max strings                                */
    CONFIG_GROUP,  /* one group `choices`                                          */
    CONFIG_GROUPS  /* a list of at most max groups `choices`                       */
};

struct config_key {
    const char *name;
    enum config_type type;
    size_t offset;        /* in the group's struct, also of its line in `lines` */
    int64_t min, max;
    const char *standard; /* the default as it would be written; NULL: required, "": not given */
    const char *choices;
    const char *doc;
};

enum { CONFIG_KEYS_MAX = 64 };

struct config_group {
    const char *name, *doc;
    size_t size;          /* of its struct, which begins with struct config_place */
    const struct config_key *keys;
    size_t key_count;
};

/* Where a group and each of its keys stand. */
struct config_place {
    const void *setting;               /* libconfig's; NULL: not given */
    const void *keys[CONFIG_KEYS_MAX];
    bool faulty;                       /* an error was reported inside: what could not be read has its default */
};

struct config_list {
    void *items;          /* of char * or of the group's struct */
    size_t count;
};

enum { CONFIG_ENGINE_SMP, CONFIG_ENGINE_SIM };
enum { CONFIG_KVM_AUTO, CONFIG_KVM_OFF, CONFIG_KVM_REQUIRED };
enum { CONFIG_LIMITS_OWN, CONFIG_LIMITS_MCERTIKOS };
enum { CONFIG_FRAMES_ANY, CONFIG_FRAMES_LOWEST };
enum { CONFIG_EXPECT_EXIT, CONFIG_EXPECT_KILLED };
/* The layers that have a mode, in the order of src/LAYERS. */
#define CONFIG_LAYER_NUMBER(stem) CONFIG_LAYER_##stem,
enum { LAYERS_WITH_MODES(CONFIG_LAYER_NUMBER) CONFIG_LAYERS };

struct config_blob {
    void *bytes;
    uint64_t length;
};
struct config_region {
    struct config_place place;
    int64_t start, length, usable;
};
struct config_frames {
    struct config_place place;
    int64_t policy;
};
struct config_machine {
    struct config_place place;
    char *name;
    int64_t cpus, ram, engine, seed, max_tasks, max_channels, max_vms, max_containers, limits, wall_time, kvm, skip_vms;
    struct config_list memory;
    struct config_frames frames;
};
struct config_layers {
    struct config_place place;
    int64_t all, check_every;
    int64_t mode[CONFIG_LAYERS + 1]; /* one more: there may be no layer */
};
struct config_file {
    struct config_place place;
    char *name, *file, *args;
    struct config_blob blob;
};
struct config_process {
    struct config_place place;
    char *name, *program, *module, *console;
    int64_t shared_data, cpu, stack, daemon, expect, code, floating_point;
    struct config_list args, files;
    uint32_t console_number;
    int (*entry)(const struct ukern_start *);
};
struct config_vm {
    struct config_place place;
    char *name, *kernel, *initrd, *cmdline, *serial;
    int64_t cpu, ram, format, daemon, code, optional;
    struct config_list modules;
    struct config_blob kernel_blob, initrd_blob;
    uint32_t console_number;
};
struct config_root {
    struct config_place place;
    struct config_machine machine;
    struct config_layers layers;
    struct config_list processes, vms;
};

const struct config_group *config_schema_group(const char *name);
const struct config_group *config_schema_at(size_t n); /* NULL behind the last */
const struct config_key *config_schema_find(const struct config_group *g, const char *name);
const char *config_schema_suggest(const struct config_group *g, const char *name);
unsigned config_schema_nearer(const char *a, const char *b);
/* The number of the choice `word` in "a|b|c", or -1; and the nth one's text. */
int config_schema_choice(const char *choices, const char *word);
int config_schema_choice_text(const char *choices, int64_t n, const char **ret_text);
