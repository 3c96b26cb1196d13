/* SPDX-License-Identifier: BSD-2-Clause */
/* floors_kvm: the bare KVM loop of bench/ref as sides. */
#include "floors.h"
#include "ref/ref.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool kvm_open(const struct bench_place *place, uint64_t arg, void **ret_state, bool *ret_skip, char *ret_why)
{
    (void)place;
    const char *step = "out of memory";
    struct ref_kvm *k = malloc(sizeof *k);
    if (k && ref_kvm_open(k, (enum ref_guest)arg, &step)) {
        *ret_state = k;
        return true;
    }
    const char *required = getenv("UKERN_REQUIRE_KVM");
    *ret_skip = k && !strcmp(step, "open /dev/kvm") && !(required && !strcmp(required, "1"));
    snprintf(ret_why, BENCH_WHY, "%s: %s", step, strerror(errno));
    free(k);
    return false;
}

static bool kvm_run(void *state, uint64_t n, uint64_t *ret_ns, char *ret_why)
{
    struct ref_kvm *k = state;
    uint64_t start = bench_now();
    uint64_t done = ref_kvm_rounds(k, n);
    *ret_ns = bench_now() - start;
    if (done != n)
        snprintf(ret_why, BENCH_WHY, "exit %llu of a bare KVM loop was not the one expected", (unsigned long long)done);
    return done == n;
}

static void kvm_close(void *state)
{
    ref_kvm_close(state);
    free(state);
}

#define SIDE(symbol, guest, shown, ns)                                                                               \
    const struct bench_side symbol = { .name = shown, .what = "bare KVM_RUN loop, same guest code", .anchor_ns = ns, \
                                       .anchor_source = "performance.md 2.5", .open = kvm_open, .run = kvm_run, .close = kvm_close, \
                                       .arg = guest };

SIDE(floor_kvm_pio, REF_GUEST_PIO, "bare KVM, PIO", 7110)
SIDE(floor_kvm_mmio, REF_GUEST_MMIO, "bare KVM, MMIO", 7250)
SIDE(floor_kvm_hlt, REF_GUEST_HLT, "bare KVM, HLT", 7050)
