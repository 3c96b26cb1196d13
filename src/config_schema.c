/* SPDX-License-Identifier: BSD-2-Clause */
/* config_schema: see config_schema.h. */
#include "config_schema.h"
#include "core/lib.h"

#define K INT64_C(1024)
#define M (K * 1024)
#define G (M * 1024)
#define GROUP(text, type, keys, doc) { text, doc, sizeof(struct type), keys, COUNT_OF(keys) }
#define AT(type, field) offsetof(struct type, field)

static const struct config_key root_keys[] = {
    { "machine", CONFIG_GROUP, AT(config_root, machine), 0, 1, "", "machine", "the machine itself" },
    { "layers", CONFIG_GROUP, AT(config_root, layers), 0, 1, "", "layers",
      "what runs of each layer of the kernel: its code, its specification, or both" },
    { "processes", CONFIG_GROUPS, AT(config_root, processes), 0, 4096, "", "process",
      "hosted tasks, started in this order" },
    { "vms", CONFIG_GROUPS, AT(config_root, vms), 0, 1024, "", "vm",
      "guests, each with a monitor that is a task, after the processes" },
};

static const struct config_key machine_keys[] = {
    { "name", CONFIG_NAME, AT(config_machine, name), 1, 31, "\"ukern\"", NULL, "shown in the summary" },
    { "cpus", CONFIG_INT, AT(config_machine, cpus), 1, 256, "1", NULL,
      "number of CPUs; may be more than the host has" },
    { "ram", CONFIG_PAGES, AT(config_machine, ram), M, 64 * G, "\"64M\"", NULL, "physical memory" },
    { "engine", CONFIG_ENUM, AT(config_machine, engine), 0, 0, "\"smp\"", "smp|sim",
      "smp: a thread per CPU; sim: one thread, virtual time, repeatable" },
    { "seed", CONFIG_INT, AT(config_machine, seed), 0, INT64_MAX, "0", NULL,
      "of the sim engine's schedule: one seed, one trace" },
    { "memory", CONFIG_GROUPS, AT(config_machine, memory), 0, 64, "", "region",
      "memory map; the default is all of ram, usable; gaps are reserved" },
    { "max_tasks", CONFIG_INT, AT(config_machine, max_tasks), 1, 65535, "256", NULL,
      "room for so many tasks, VMs included" },
    { "max_channels", CONFIG_INT, AT(config_machine, max_channels), 1, 65535, "64", NULL,
      "channels are numbered from 0" },
    { "max_vms", CONFIG_INT, AT(config_machine, max_vms), 1, 1024, "16", NULL, "room for so many VMs" },
    { "max_containers", CONFIG_INT, AT(config_machine, max_containers), 1, 65535, "1024", NULL,
      "room for so many containers of memory" },
    { "limits", CONFIG_ENUM, AT(config_machine, limits), 0, 0, "\"own\"", "own|mcertikos",
      "mcertikos: the constants of that kernel: 64 containers and page maps, 3 children each, lowest free frame" },
    { "frames", CONFIG_GROUP, AT(config_machine, frames), 0, 1, "", "frames", "physical frames" },
    { "wall_time", CONFIG_INT, AT(config_machine, wall_time), 0, INT64_C(1) << 40, "0", NULL,
      "seconds since 1970 at the start; 0: the host's clock, with sim 2026-01-01" },
    { "kvm", CONFIG_ENUM, AT(config_machine, kvm), 0, 0, "\"auto\"", "auto|off|required",
      "off: never open /dev/kvm; required: no run without it" },
    { "skip_vms", CONFIG_BOOL, AT(config_machine, skip_vms), 0, 1, "false", NULL, "leave all VMs out of this run" },
};

static const struct config_key region_keys[] = {
    { "start", CONFIG_PAGES, AT(config_region, start), 0, 64 * G, NULL, NULL, "first byte" },
    { "length", CONFIG_PAGES, AT(config_region, length), 4096, 64 * G, NULL, NULL, "bytes" },
    { "usable", CONFIG_BOOL, AT(config_region, usable), 0, 1, "true", NULL, "false: reserved" },
};

static const struct config_key frames_keys[] = {
    { "policy", CONFIG_ENUM, AT(config_frames, policy), 0, 0, "\"any\"", "any|lowest",
      "which free frame is given out; lowest is slower" },
};

#define MODES "impl|both|spec"
#define LAYER_KEY(stem) \
    { #stem, CONFIG_ENUM, AT(config_layers, mode[CONFIG_LAYER_##stem]), 0, 0, "\"impl\"", MODES, "default: as all" },
static const struct config_key layers_keys[] = {
    { "all", CONFIG_ENUM, AT(config_layers, all), 0, 0, "\"impl\"", MODES,
      "of every layer that is not named here. impl: its code runs; both: its specification runs beside it and is "
      "compared; spec: only its specification runs" },
    { "check_every", CONFIG_INT, AT(config_layers, check_every), 0, INT32_MAX, "0", NULL,
      "after so many steps everything is compared, not only what a step touched; 0: at the end" },
    LAYERS_WITH_MODES(LAYER_KEY)
};

static const struct config_key file_keys[] = {
    { "name", CONFIG_NAME, AT(config_file, name), 1, 31, "", NULL,
      "what the program finds it by; default: the file's own name" },
    { "file", CONFIG_PATH, AT(config_file, file), 1, 4095, NULL, NULL, "read before the start, mapped read-only" },
};

static const struct config_key module_keys[] = {
    { "file", CONFIG_PATH, AT(config_file, file), 1, 4095, NULL, NULL, "a multiboot module" },
    { "args", CONFIG_TEXT, AT(config_file, args), 0, 1023, "\"\"", NULL, "its command line" },
};

static const struct config_key process_keys[] = {
    { "name", CONFIG_NAME, AT(config_process, name), 1, 31, "", NULL, "default: the program's name" },
    { "program", CONFIG_NAME, AT(config_process, program), 1, 127, NULL, NULL,
      "a built-in program, or a function of the module" },
    { "module", CONFIG_PATH, AT(config_process, module), 1, 4095, "", NULL, "a shared object that holds the program" },
    { "shared_data", CONFIG_BOOL, AT(config_process, shared_data), 0, 1, "false", NULL,
      "the module may have writable data, which all its tasks share" },
    { "cpu", CONFIG_INT, AT(config_process, cpu), 0, 255, "0", NULL, "where it runs, for ever" },
    { "stack", CONFIG_PAGES, AT(config_process, stack), 16 * K, 16 * M, "\"64K\"", NULL, "bytes" },
    { "args", CONFIG_TEXTS, AT(config_process, args), 0, 64, "", NULL, "argv; strings" },
    { "files", CONFIG_GROUPS, AT(config_process, files), 0, 16, "", "file", "files that it finds in its memory" },
    { "daemon", CONFIG_BOOL, AT(config_process, daemon), 0, 1, "false", NULL, "the run does not wait for it" },
    { "expect", CONFIG_ENUM, AT(config_process, expect), 0, 0, "\"exit\"", "exit|killed",
      "how it must end, or the run has failed" },
    { "code", CONFIG_INT, AT(config_process, code), INT32_MIN, INT32_MAX, "0", NULL,
      "with expect = \"exit\": its exit code" },
    { "floating_point", CONFIG_BOOL, AT(config_process, floating_point), 0, 1, "false", NULL,
      "keeps floating-point control words of its own" },
    { "console", CONFIG_OUTPUT, AT(config_process, console), 0, 4095, "\"console\"", NULL,
      "where it prints: console | stdio (with input) | null | file:PATH" },
};

static const struct config_key vm_keys[] = {
    { "name", CONFIG_NAME, AT(config_vm, name), 1, 31, NULL, NULL, "shown in the summary" },
    { "cpu", CONFIG_INT, AT(config_vm, cpu), 0, 255, "0", NULL, "where it runs, for ever" },
    { "ram", CONFIG_PAGES, AT(config_vm, ram), 64 * K, 64 * G, "\"16M\"", NULL,
      "of the guest; taken from the machine's" },
    { "format", CONFIG_ENUM, AT(config_vm, format), 0, 0, "\"auto\"", "auto|flat|multiboot|linux",
      "of the kernel: flat real-mode image, multiboot 1 ELF, bzImage" },
    { "kernel", CONFIG_PATH, AT(config_vm, kernel), 1, 4095, NULL, NULL, "image to boot" },
    { "initrd", CONFIG_PATH, AT(config_vm, initrd), 1, 4095, "", NULL, "Linux: initial RAM disk" },
    { "modules", CONFIG_GROUPS, AT(config_vm, modules), 0, 8, "", "module", "multiboot modules" },
    { "cmdline", CONFIG_TEXT, AT(config_vm, cmdline), 0, 2047, "\"\"", NULL, "kernel command line" },
    { "serial", CONFIG_OUTPUT, AT(config_vm, serial), 0, 4095, "\"console\"", NULL,
      "of COM1: console | stdio (with input) | null | file:PATH" },
    { "daemon", CONFIG_BOOL, AT(config_vm, daemon), 0, 1, "false", NULL, "the run does not wait for it" },
    { "code", CONFIG_INT, AT(config_vm, code), INT32_MIN, INT32_MAX, "0", NULL,
      "expected from the debug-exit port; 0 also stands for an orderly end" },
    { "optional", CONFIG_BOOL, AT(config_vm, optional), 0, 1, "false", NULL,
      "without KVM it is left out, and a line says so" },
};

static const struct config_group groups[] = {
    GROUP("", config_root, root_keys, "the file"),
    GROUP("machine", config_machine, machine_keys, "the machine"),
    GROUP("frames", config_frames, frames_keys, "physical frames"),
    GROUP("layers", config_layers, layers_keys, "modes of layers; anything but impl runs the build with the checks in it"),
    GROUP("region", config_region, region_keys, "a region of the memory map"),
    GROUP("process", config_process, process_keys, "a hosted task"),
    GROUP("file", config_file, file_keys, "a file given to a process"),
    GROUP("vm", config_vm, vm_keys, "a guest"),
    GROUP("module", config_file, module_keys, "a multiboot module"),
};

static_assert(COUNT_OF(process_keys) <= CONFIG_KEYS_MAX && COUNT_OF(vm_keys) <= CONFIG_KEYS_MAX &&
              COUNT_OF(machine_keys) <= CONFIG_KEYS_MAX && COUNT_OF(layers_keys) <= CONFIG_KEYS_MAX, "struct config_place has room for every key's place");

const struct config_group *config_schema_group(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(groups); i++)
        if (strcmp(groups[i].name, name) == 0)
            return &groups[i];
    return NULL;
}

const struct config_group *config_schema_at(size_t n)
{
    return n < COUNT_OF(groups) ? &groups[n] : NULL;
}

const struct config_key *config_schema_find(const struct config_group *g, const char *name)
{
    for (size_t i = 0; i < g->key_count; i++)
        if (strcmp(g->keys[i].name, name) == 0)
            return &g->keys[i];
    return NULL;
}

/* Levenshtein's distance; words longer than 31 characters are as far as can be. */
unsigned config_schema_nearer(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    unsigned char row[32];
    if (n > 31 || m > 31)
        return 32;
    for (size_t j = 0; j <= m; j++)
        row[j] = (unsigned char)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned char diagonal = row[0];
        row[0] = (unsigned char)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned char up = row[j];
            unsigned best = diagonal + (a[i - 1] != b[j - 1] ? 1u : 0u);
            if (up + 1u < best)
                best = up + 1u;
            if (row[j - 1] + 1u < best)
                best = row[j - 1] + 1u;
            row[j] = (unsigned char)best;
            diagonal = up;
        }
    }
    return row[m];
}

const char *config_schema_suggest(const struct config_group *g, const char *name)
{
    const char *found = NULL;
    unsigned best = strlen(name) <= 3 ? 2 : 3; /* fewer edits than this make a suggestion */
    for (size_t i = 0; i < g->key_count; i++) {
        unsigned d = config_schema_nearer(name, g->keys[i].name);
        if (d < best) {
            best = d;
            found = g->keys[i].name;
        }
    }
    return found;
}

int config_schema_choice_text(const char *choices, int64_t n, const char **ret_text)
{
    while (n-- > 0 && *choices != 0) {
        const char *bar = strchr(choices, '|');
        choices = bar != NULL ? bar + 1 : choices + strlen(choices);
    }
    *ret_text = choices;
    return (int)strcspn(choices, "|");
}

int config_schema_choice(const char *choices, const char *word)
{
    for (int n = 0;; n++) {
        const char *text;
        int length = config_schema_choice_text(choices, n, &text);
        if (length == 0)
            return -1;
        if (strlen(word) == (size_t)length && memcmp(word, text, (size_t)length) == 0)
            return n;
    }
}
