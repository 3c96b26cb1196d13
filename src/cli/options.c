/* SPDX-License-Identifier: BSD-2-Clause */
/* options: the command line of `ukern run`. An option that changes a setting is an override of it, so that there is one
 * way from text to machine. */
#include "cli.h"
#include <argp.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_ENGINE = 1000, KEY_SEED, KEY_WITHOUT_VMS, KEY_DUMP, KEY_SETTINGS, KEY_TRACE, KEY_STATS, KEY_JSON };
enum { KEY_SECCOMP = KEY_JSON + 1, KEY_LAB, KEY_CHECK, KEY_LAYER };

static const struct argp_option table[] = {
    { "engine", KEY_ENGINE, "sim|smp", 0, "as --set machine.engine=...", 0 },
    { "seed", KEY_SEED, "N", 0, "as --set machine.seed=N: one seed, one trace (sim)", 0 },
    { "set", 's', "KEY=VALUE", 0, "change a setting: machine.cpus=4, processes.ping.cpu=1, vms[0].ram=32M", 0 },
    { "layer", KEY_LAYER, "L=impl|both|spec", 0, "as --set layers.L=...; L is a layer of `ukern layers`, or all", 0 },
    { "without-vms", KEY_WITHOUT_VMS, NULL, 0, "as --set machine.skip_vms=true", 0 },
    { "dump-config", KEY_DUMP, NULL, 0, "write the configuration with all defaults, and end", 1 },
    { "settings", KEY_SETTINGS, NULL, 0, "list every setting that a configuration may have, and end", 1 },
    { "trace", KEY_TRACE, "FILE", 0, "write the trace there (sim)", 1 },
    { "stats", KEY_STATS, "text|json|none", 0,
      "the summary at the end; with json what tasks print goes to standard error", 1 },
    { "json", KEY_JSON, NULL, 0, "as --stats=json", 1 },
    { "seccomp", KEY_SECCOMP, "on|log|off", 0,
      "confine this process by system-call filters; log: let the kernel's log name violations", 2 },
    { "check", KEY_CHECK, NULL, 0, "run the build that checks the kernel while it runs", 2 },
    { "lab", KEY_LAB, NULL, 0, "run inside a small Linux under an emulator that has complete KVM", 2 },
    { 0 },
};

static int choice(struct argp_state *state, const char *option, const char *arg, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(arg, words[i]) == 0)
            return i;
    argp_error(state, "--%s: expected one of %s, %s, %s, got \"%s\"", option, words[0], words[1], words[2], arg);
    return 0;
}

static void set(struct argp_state *state, const char *key, const char *value)
{
    struct options *o = state->input;
    char *text;
    if (o->set_count == SETS_MAX)
        argp_error(state, "more than %d settings", SETS_MAX);
    if (asprintf(&text, "%s%s", key, value) < 0)
        argp_failure(state, EXIT_FAILED, 0, "no memory");
    o->sets[o->set_count++] = text;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    static const char *const stats[] = { "text", "json", "none", NULL };
    static const char *const seccomp[] = { "on", "log", "off", NULL };
    struct options *o = state->input;
    switch (key) {
    case KEY_ENGINE: set(state, "machine.engine=", arg); break;
    case KEY_SEED: set(state, "machine.seed=", arg); break;
    case KEY_WITHOUT_VMS: set(state, "machine.skip_vms=", "true"); break;
    case KEY_LAYER: set(state, "layers.", arg); break;
    case 's': set(state, "", arg); break;
    case KEY_SETTINGS: o->settings = true; break;
    case KEY_DUMP: o->dump_config = true; break;
    case KEY_TRACE: o->trace = arg; break;
    case KEY_STATS: o->stats = (enum stats)choice(state, "stats", arg, stats); break;
    case KEY_JSON: o->stats = STATS_JSON; break;
    case KEY_SECCOMP:
        o->confine = (enum confine)choice(state, "seccomp", arg, seccomp);
        o->confine_asked = true;
        break;
    case KEY_LAB: o->lab = true; break;
    case KEY_CHECK: o->check = true; break;
    case ARGP_KEY_ARG:
        if (o->file != NULL)
            argp_error(state, "expected one configuration, got \"%s\" and \"%s\"", o->file, arg);
        o->file = arg;
        break;
    case ARGP_KEY_END:
        if (o->file == NULL && !o->settings)
            argp_error(state, "expected a configuration: ukern run FILE");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

void options_free(struct options *o)
{
    while (o->set_count > 0)
        free(o->sets[--o->set_count]);
}

void options_parse(int argc, char **argv, struct options *ret_options)
{
    static const struct argp argp = {
        .options = table,
        .parser = parse,
        .args_doc = "FILE",
        .doc =
            "Boots a machine from a configuration and runs it to its end.\v"
            "The first Ctrl-C or SIGTERM stops the machine in order, the second ends the process at once. A guest with "
            "serial = \"stdio\" has the terminal: Ctrl-a x stops the machine, Ctrl-a h lists all keys.",
    };
    *ret_options = (struct options){ .confine = CONFINE_ON };
    if (argp_parse(&argp, argc, argv, 0, NULL, ret_options) != 0)
        exit(EXIT_USAGE);
}
