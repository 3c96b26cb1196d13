/* SPDX-License-Identifier: BSD-2-Clause */
/* guests: what the tests with guests share: images from the build directory, a console that is kept, one VM run to its end. */
#pragma once
#include "harness.h"
#include <ukern/ukern.h>
#include <ukern/user.h>

enum { GUESTS_CONSOLE = 65536 };

/* What came out of one run. */
struct guests_run {
    enum ukern_status status;
    struct ukern_task_info task; /* of the VM */
    struct ukern_stats stats;
    char console[GUESTS_CONSOLE], log[8192];
    _Atomic size_t console_used;
    size_t log_used;
};

struct guests_image {
    void *bytes;
    uint64_t length;
};

/* Exits with 77 (or 1 under UKERN_REQUIRE_KVM=1), saying why, when this machine cannot run guests. */
void guests_require(void);
/* Of $builddir/tests/guest, default: ./tests/guest. The test fails when it is not there. */
struct guests_image guests_load(const char *name);
struct ukern_hooks guests_hooks(struct guests_run *r);
/* A machine of 2 CPUs and 64 MiB with this one VM; params may be NULL. */
void guests_boot(const struct ukern_params *params, const struct ukern_vm_params *vm, struct guests_run *ret_run);
/* The same, for an image by name. */
void guests_boot_image(const char *name, enum ukern_engine engine, struct guests_run *ret_run);
bool guests_said(const struct guests_run *r, const char *text);
bool guests_interpreted(void); /* no VMX, no SVM: KVM interprets supervisor code */
