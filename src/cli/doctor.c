/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: `ukern doctor`: what this host can run, why not more, and what to do about it. */
#include "doctor.h"
#include <argp.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const marks[] = { "  ", "ok", "! ", "NO" }, *const kinds[] = { "fact", "good", "advice", "bad" };

void doctor_add(struct findings *f, const char *group, const char *name, enum finding_kind kind, const char *advice,
                const char *format, ...)
{
    va_list args;
    if (f->count == f->room) {
        size_t room = f->room == 0 ? 64 : f->room * 2;
        struct finding *list = realloc(f->list, room * sizeof *list);
        if (list == NULL)
            return;
        f->list = list;
        f->room = room;
    }
    struct finding *one = &f->list[f->count++];
    *one = (struct finding){ .group = group, .name = name, .kind = kind };
    va_start(args, format);
    (void)vsnprintf(one->value, sizeof one->value, format, args);
    va_end(args);
    if (advice != NULL)
        (void)snprintf(one->advice, sizeof one->advice, "%s", advice);
}

bool doctor_line(const char *path, char *room, size_t n)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    bool ok = fgets(room, (int)n, f) != NULL;
    (void)fclose(f);
    if (ok)
        room[strcspn(room, "\n")] = 0;
    return ok;
}

/* ---- the CPU, and which of the four situations this is ---- */

static bool flag_in(const char *flags, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = flags; (p = strstr(p, word)) != NULL; p += n)
        if ((p == flags || p[-1] == ' ') && (p[n] == ' ' || p[n] == 0 || p[n] == '\n'))
            return true;
    return false;
}

static void look_at_cpu(struct findings *f, bool *ret_emulated)
{
    char line[8192], model[160] = "unknown";
    bool vmx = false, svm = false, hypervisor = false;
    FILE *info = fopen("/proc/cpuinfo", "re");
    while (info != NULL && fgets(line, sizeof line, info) != NULL && line[0] != '\n') {
        char *colon = strchr(line, ':');
        if (colon != NULL && strncmp(line, "model name", 10) == 0)
            (void)snprintf(model, sizeof model, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        if (colon != NULL && strncmp(line, "flags", 5) == 0) {
            vmx = flag_in(colon, "vmx");
            svm = flag_in(colon, "svm");
            hypervisor = flag_in(colon, "hypervisor");
        }
    }
    if (info != NULL)
        (void)fclose(info);
    f->hardware = vmx || svm;
    *ret_emulated = strstr(model, "QEMU") != NULL || strstr(model, "TCG") != NULL;
    doctor_add(f, "CPU", "model", FINDING_FACT, NULL, "%s%s", model, hypervisor ? " (inside a virtual machine)" : "");
    doctor_add(f, "CPU", "hardware virtualization", f->hardware ? FINDING_GOOD : FINDING_ADVICE,
               f->hardware  ? NULL
               : hypervisor ? "for speed and for Linux guests, let this machine's host offer nested virtualization; "
                              "without it use the lab"
                            : "turn on VT-x or AMD-V in the firmware's settings",
               "%s", vmx ? "vmx" : svm ? "svm" : "neither vmx nor svm");
}

static const char *situation(const struct findings *f, bool emulated)
{
    if (!f->guests)
        return "no usable /dev/kvm: everything but guests runs; guests run in the lab (ukern run --lab)";
    if (emulated)
        return "the lab: an emulated CPU with complete KVM; slow, everything runs";
    if (f->hardware)
        return "hardware KVM: everything runs at full speed";
    return "KVM without hardware virtualization: small guests run, their supervisor code is interpreted; Linux guests "
           "run in the lab (ukern run --lab)";
}

/* ---- reports ---- */

static void report_text(const struct findings *f, const char *where)
{
    const char *group = "";
    printf("ukern %s\n\nThis host: %s.\n", ukern_version(), where);
    for (size_t i = 0; i < f->count; i++) {
        const struct finding *one = &f->list[i];
        if (strcmp(one->group, group) != 0)
            printf("\n%s\n", group = one->group);
        printf("  %s %-28s %s\n", marks[one->kind], one->name, one->value);
        if (one->advice[0] != 0)
            printf("     -> %s\n", one->advice);
    }
}

static int report_json(const struct findings *f, const char *where)
{
    json_t *list = json_array();
    for (size_t i = 0; i < f->count; i++) {
        const struct finding *one = &f->list[i];
        json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "group", one->group, "name", one->name, "kind", kinds[one->kind],
                              "value", one->value);
        if (o != NULL && one->advice[0] != 0)
            (void)json_object_set_new(o, "advice", json_string(one->advice));
        (void)json_array_append_new(list, o);
    }
    json_t *all = json_pack("{s:s, s:s, s:b, s:b, s:o}", "version", ukern_version(), "situation", where, "guests",
                            f->guests, "hardware_virtualization", f->hardware, "findings", list);
    int error = all == NULL || json_dumpf(all, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF;
    json_decref(all);
    return error;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    bool *json = state->input;
    (void)arg;
    if (key == 'j')
        *json = true;
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "expected no argument, got \"%s\"", arg);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

int cli_doctor(int argc, char **argv)
{
    static const struct argp_option options[] = { { "json", 'j', NULL, 0, "for programs", 0 }, { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .doc = "Says what this host can run, and what to do about the rest.\vExit codes: 0 guests can run; 77 they "
               "cannot.",
    };
    struct findings f = { 0 };
    bool json = false, emulated;
    if (argp_parse(&argp, argc, argv, 0, NULL, &json) != 0)
        return EXIT_USAGE;
    look_at_cpu(&f, &emulated);
    doctor_kvm(&f);
    doctor_limits(&f);
    const char *where = situation(&f, emulated);
    int error = 0;
    if (json)
        error = report_json(&f, where);
    else
        report_text(&f, where);
    if (fflush(stdout) != 0 || error != 0) {
        cli_say("standard output: the report could not be written");
        free(f.list);
        return EXIT_FAILED;
    }
    free(f.list);
    return f.guests ? EXIT_OK : EXIT_CANNOT;
}
