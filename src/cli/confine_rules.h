/* SPDX-License-Identifier: BSD-2-Clause */
/* confine_rules: which system calls each kind of thread may make, with which arguments. */
#pragma once
#include "cli.h"
#include <seccomp.h>

/* False: errno says why. */
bool confine_rules(const struct session *s, enum role role, scmp_filter_ctx filter);
