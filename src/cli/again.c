/* SPDX-License-Identifier: BSD-2-Clause */
/* again: the same command in another place: the build with the kernel's checks, or the lab. */
#include "cli.h"
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first of the places where a program may be; beside this program it belongs to the same build. */
static bool find(const char *const *places, size_t count, const char *name, char *ret_path, size_t room)
{
    for (size_t i = 0; i < count; i++) {
        int n = places[i] != NULL ? snprintf(ret_path, room, "%s/%s", places[i], name) : -1;
        if (n > 0 && (size_t)n < room && access(ret_path, X_OK) == 0)
            return true;
    }
    return false;
}

static bool own_path(char *ret_path, size_t room)
{
    ssize_t n = readlink("/proc/self/exe", ret_path, room - 1);
    if (n <= 0)
        return false;
    ret_path[n] = 0;
    return true;
}

int again_in_check_build(const char *why, int argc, char **argv)
{
    char self[PATH_MAX], path[PATH_MAX], **args = calloc((size_t)argc + 2, sizeof *args);
    int n = 0;
    if (args == NULL || !own_path(self, sizeof self)) {
        free(args);
        return EXIT_FAILED;
    }
    const char *places[] = { dirname(self), UKERN_LIBEXECDIR };
    args[n++] = path;
    args[n++] = strchr(argv[0], ' ') != NULL ? strchr(argv[0], ' ') + 1 : argv[0]; /* the verb */
    for (int i = 1; i < argc; i++) /* --check among them: it means nothing to that build */
        args[n++] = argv[i];
    if (find(places, 2, "ukern-check", path, sizeof path)) {
        cli_say("%s: running %s", why, path);
        (void)execv(path, args);
        cli_say("%s: %s", path, strerror(errno));
    } else {
        cli_say("%s: there is no ukern-check beside this program, nor in %s", why, UKERN_LIBEXECDIR);
    }
    free(args);
    return EXIT_CANNOT;
}

struct words {
    char *word[256];
    size_t count;
};

static void add(struct words *w, const char *word)
{
    if (w->count + 1 < sizeof w->word / sizeof w->word[0])
        w->word[w->count++] = strdup(word);
}

/* As argp takes it: a long option may be shortened. Left in, the lab would look for a lab. */
static bool is_lab_option(const char *arg) { return strlen(arg) > 2 && strncmp("--lab", arg, strlen(arg)) == 0; }

/* The lab's own script, from UKERN_LAB, beside the installed data, or in the tree that this was built in. */
static bool find_lab(const char *self, char *ret_path, size_t room)
{
    char folder[PATH_MAX], in_build[PATH_MAX + 16], above[PATH_MAX + 32];
    (void)snprintf(folder, sizeof folder, "%s", self);
    const char *dir = dirname(folder);
    (void)snprintf(in_build, sizeof in_build, "%s/tests/lab", dir);
    (void)snprintf(above, sizeof above, "%s/../tests/lab", dir);
    const char *places[] = { getenv("UKERN_LAB"), UKERN_PKGDATADIR "/lab", in_build, above };
    return find(places, sizeof places / sizeof places[0], "lab-run", ret_path, room);
}

/* The lab keeps no files: what would be written there is not lost in silence. */
static bool outputs_can_be_had(const struct options *o, const struct ukern_config *c)
{
    struct ukern_console_info info = { .size = sizeof info };
    if (o->trace != NULL) {
        cli_say("--lab: the lab keeps no files, so --trace %s would be lost; expected one of the two", o->trace);
        return false;
    }
    for (uint32_t i = 0; ukern_config_console(c, i, &info) == UKERN_OK; i++)
        if (info.kind == UKERN_CONSOLE_FILE)
            cli_say("--lab: warning: the lab keeps no files: what \"%s\" writes to %s is LOST", info.owner, info.path);
    return true;
}

int again_in_lab(const struct options *o, const struct ukern_config *c, int argc, char **argv)
{
    char self[PATH_MAX], path[PATH_MAX], real[PATH_MAX];
    struct words w = { .count = 0 };
    const char *file;
    if (!outputs_can_be_had(o, c))
        return EXIT_USAGE;
    if (!own_path(self, sizeof self) || !find_lab(self, path, sizeof path)) {
        cli_say("--lab: lab-run is not found; expected it in " UKERN_PKGDATADIR
                "/lab, or in the folder that UKERN_LAB names");
        return EXIT_CANNOT;
    }
    cli_say("--lab: this host's own KVM is not used; running in a small Linux under an emulator: slow, and complete");
    add(&w, path);
    for (uint32_t i = 0; ukern_config_path(c, i, &file) == UKERN_OK; i++)
        if (realpath(file, real) != NULL) {
            add(&w, "--copy");
            add(&w, real);
        }
    add(&w, "--");
    add(&w, self);
    add(&w, "run");
    for (int i = 1; i < argc; i++)
        if (!is_lab_option(argv[i]))
            add(&w, argv[i]);
    w.word[w.count] = NULL;
    (void)execv(path, w.word);
    cli_say("%s: %s", path, strerror(errno));
    return EXIT_CANNOT;
}
