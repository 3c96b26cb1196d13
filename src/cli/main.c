/* SPDX-License-Identifier: BSD-2-Clause */
/* main: the ukern tool: finds the verb and hands over. */
#include "cli.h"
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
} verbs[] = { { "run", cli_run }, { "check", cli_check }, { "layers", cli_layers }, { "bench", cli_bench }, { "doctor", cli_doctor } };

struct command {
    const struct verb *verb;
    int at; /* of the verb in argv */
};

static void print_version(FILE *stream, struct argp_state *state)
{
    (void)state;
    fprintf(stream, "ukern %s\n", ukern_version());
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct command *c = state->input;
    if (key == ARGP_KEY_NO_ARGS)
        argp_error(state, "expected a verb: run, check, layers, bench or doctor");
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(arg, verbs[i].name) == 0)
            c->verb = &verbs[i];
    if (c->verb == NULL)
        argp_error(state, "there is no verb \"%s\"; expected run, check, layers, bench or doctor", arg);
    c->at = state->next - 1;
    state->next = state->argc;
    return 0;
}

void cli_say(const char *format, ...)
{
    char line[2048];
    va_list args;
    size_t n = (size_t)snprintf(line, sizeof line, "ukern: ");
    va_start(args, format);
    (void)vsnprintf(line + n, sizeof line - n - 1, format, args);
    va_end(args);
    strcat(line, "\n");
    struct output err = { .fd = STDERR_FILENO, .name = "standard error" };
    (void)output_text(&err, line);
}

const char *cli_instrumented(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return "AddressSanitizer";
#elif defined(__SANITIZE_THREAD__)
    return "ThreadSanitizer";
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
    return "a sanitizer";
#endif
#endif
    return RUNNING_ON_VALGRIND ? "valgrind" : NULL;
}

/* A descriptor that is closed would be taken by the next file that is opened, and written to. Read-only: what is
 * written to standard output then is an error and no silent loss. */
static void fill_standard_files(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDONLY) < 0)
            _exit(EXIT_FAILED);
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = parse,
        .args_doc = "VERB [OPTION...] [FILE]",
        .doc = "A concurrent microkernel and hypervisor that runs as one Linux process.\v"
               "Verbs:\n"
               "  run FILE      boot a machine from a configuration\n"
               "  check         call the kernel's layers at random, beside their specifications\n"
               "  layers        the tower of layers, with what each has and hides\n"
               "  bench [NAME]  measure the kernel beside its floors\n"
               "  doctor        say what this host can run, and what to do about the rest\n\n"
               "`ukern VERB --help` says more. Exit codes: 0 ok, 1 it was right and failed, 2 command line or "
               "configuration wrong, 77 cannot run here.",
    };
    struct command c = { 0 };
    char name[32];
    fill_standard_files();
    (void)signal(SIGPIPE, SIG_IGN);
    argp_err_exit_status = EXIT_USAGE;
    argp_program_version_hook = print_version;
    if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &c) != 0)
        return EXIT_USAGE;
    (void)snprintf(name, sizeof name, "ukern %s", c.verb->name);
    char **rest = argv + c.at;
    rest[0] = name;
    return c.verb->run(argc - c.at, rest);
}
