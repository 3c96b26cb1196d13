/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: findings about the host, each with what to do about it. */
#pragma once
#include "cli.h"

enum finding_kind { FINDING_FACT, FINDING_GOOD, FINDING_ADVICE, FINDING_BAD };
struct finding {
    const char *group, *name; /* literals */
    enum finding_kind kind;
    char value[200], advice[400];
};
struct findings {
    struct finding *list;
    size_t count, room;
    bool guests;              /* can run */
    bool hardware;            /* the CPU has VMX or SVM */
};

/* advice NULL: none. */
void doctor_add(struct findings *f, const char *group, const char *name, enum finding_kind kind, const char *advice,
                const char *format, ...) __attribute__((format(printf, 6, 7)));
/* The first line of a file, without its newline; false: there is none. */
bool doctor_line(const char *path, char *room, size_t n);

void doctor_kvm(struct findings *f);    /* /dev/kvm, its version and capabilities */
void doctor_speed(struct findings *f, int kvm);
void doctor_limits(struct findings *f); /* limits, tools */
