/* SPDX-License-Identifier: BSD-2-Clause */
/* spec: see spec.h. */
#include "core/spec.h"
#include <stdarg.h>
#include <stdio.h>

bool spec_asks(void) { return !here->crossings->settled; }

bool spec_only_asked(void)
{
    const struct crossing *x = here->crossings->top;
    return x && x->phase == PHASE_ASK;
}

bool spec_pre(bool holds, const char *cond)
{
    struct crossings *s = here->crossings;
    if (s->top)
        s->top->asked++;
    if (!holds)
        s->why = cond;
    return holds;
}

void spec_says(const char *why) { here->crossings->why = why; }

bool spec_agree(uint64_t abstract, uint64_t code, const char *what, ...)
{
    struct crossings *s = here->crossings;
    if (abstract == code)
        return true;
    va_list args;
    va_start(args, what);
    int n = vsnprintf(s->differs, sizeof s->differs, what, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof s->differs)
        snprintf(s->differs + n, sizeof s->differs - (size_t)n, ": abstract %lld, code %lld", (long long)abstract, (long long)code);
    return false;
}

bool spec_refused(void)
{
    const struct crossing *x = here->crossings->top;
    return x && here->refused != x->refused;
}

bool spec_acts(void)
{
    struct crossings *s = here->crossings;
    s->acts = true;
    return !s->supposing && !s->relating;
}

bool spec_met(uint32_t cpu, bool holds)
{
    struct crossing *x = here->crossings->top;
    uint64_t bit = UINT64_C(1) << cpu % 64;
    if (!x || x->phase != PHASE_INSTEAD)
        return true;
    x->met[cpu / 64] |= holds ? bit : 0;
    return x->met[cpu / 64] & bit;
}
