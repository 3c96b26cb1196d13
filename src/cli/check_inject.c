/* SPDX-License-Identifier: BSD-2-Clause */
/* check_inject: `ukern check --inject`: every refusal in turn, on some machines; how many sites of each kind were found. */
#include "cli.h"
#ifdef UKERN_CHECK
#include "check.h"
#include <inttypes.h>
#include <stdlib.h>

enum { MACHINES = 20 };

static const char *const kinds[DRIVER_REFUSALS] = { [DRIVER_REFUSE_FRAMES] = "frames", [DRIVER_REFUSE_HOST] = "host mappings" };

/* Sites of that kind; prints them. */
static uint32_t say_kind(const struct checking *c, const struct driver_injection *sum, enum driver_refusal kind)
{
    const struct layer *top = driver_layer(c->machine.top);
    uint32_t sites = 0;
    for (uint32_t i = 0; i < DRIVER_PRIMS; i++)
        sites += sum->sites[kind][i];
    printf("%s: %u sites, %" PRIu64 " refusals:", kinds[kind], sites, sum->refusals[kind]);
    for (uint32_t i = 0; i < DRIVER_PRIMS; i++)
        if (sum->sites[kind][i] > 0)
            printf(" %s %u", driver_prim_name(top, i), sum->sites[kind][i]);
    putchar('\n');
    return sites;
}

/* The checker's own memory: each of its first requests refused ends the machine with a report, and nothing worse. */
static uint32_t fail_heap(struct checking *c)
{
    uint32_t reports = 0;
    for (uint32_t n = 1; n <= MACHINES; n++) {
        c->sequence.machine.heap_fails = n;
        driver_random(&c->sequence, c->seed, 300, &c->failure);
        if (c->failure.failed && c->failure.kind == FAILURE_EXHAUSTED)
            reports++;
    }
    c->sequence.machine.heap_fails = 0;
    printf("checker's memory: %u requests refused, each ended in a report\n", reports);
    return reports;
}

int check_inject(struct checking *c)
{
    struct driver_injection *sum = calloc(1, sizeof *sum);
    bool host = driver_layer("space") != NULL && driver_layer(c->machine.top)->index >= driver_layer("space")->index;
    if (sum == NULL)
        return EXIT_FAILED;
    c->machine.containers = c->machine.containers < 1024 ? 1024 : c->machine.containers;
    c->sequence.machine = c->machine;
    bool ok = true;
    for (uint64_t seed = c->seed; ok && seed < c->seed + MACHINES; seed++) {
        c->sequence.machine.lowest = seed & 1;
        driver_inject(&c->sequence, seed, &c->failure, sum);
        ok = c->failure.boot == UKERN_OK && !c->failure.failed && sum->changed[0] == 0;
        if (!ok)
            printf("FAILED, seed %" PRIu64 ": %s\n%s", seed, sum->changed[0] != 0 ? sum->changed : c->failure.what, c->failure.text);
    }
    ok &= say_kind(c, sum, DRIVER_REFUSE_FRAMES) > 0;
    ok &= say_kind(c, sum, DRIVER_REFUSE_HOST) > 0 || !host;
    ok &= fail_heap(c) > 0;
    free(sum);
    return ok ? EXIT_OK : EXIT_FAILED;
}
#endif
