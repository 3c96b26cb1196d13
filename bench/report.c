/* SPDX-License-Identifier: BSD-2-Clause */
/* report: what ukern bench prints for people. docs/bench.md explains the columns. */
#include "bench.h"
#include <stdio.h>
#include <string.h>

void bench_duration(double ns, char ret_text[24])
{
    if (ns < 1000)
        snprintf(ret_text, 24, "%.*f ns", ns < 10 ? 2 : ns < 100 ? 1 : 0, ns);
    else if (ns < 1e6)
        snprintf(ret_text, 24, "%.*f us", ns < 1e4 ? 2 : ns < 1e5 ? 1 : 0, ns / 1e3);
    else
        snprintf(ret_text, 24, "%.*f ms", ns < 1e7 ? 2 : ns < 1e8 ? 1 : 0, ns / 1e6);
}

void bench_print_head(const struct bench_report *r)
{
    printf("ukern bench: build %s%s%s; %s", r->build, r->instrumented ? " with " : "", r->instrumented ? r->instrumented : "",
           bench_kvm_text(r->kvm));
    if (r->kvm == BENCH_KVM_NONE)
        printf(" (%s)", strerror(r->kvm_error));
    printf("; %u blocks of at least %.3g ms, sides in turn\n", r->setting->blocks, (double)r->setting->block_ns / 1e6);
    if (!r->setting->judged)
        printf("The targets are for the plain fast build, optimized: no verdicts here.\n");
}

static void print_side(const struct bench_side *side, const struct bench_sample *s)
{
    char median[24], min[24], max[24], anchor[24] = "";
    if (s->outcome != BENCH_MEASURED) {
        printf("  %-16s %s: %s", side->name, s->outcome == BENCH_SKIPPED ? "SKIP" : "FAILED", s->why);
        return;
    }
    bench_duration(s->median, median);
    bench_duration(s->min, min);
    bench_duration(s->max, max);
    printf("  %-16s %9s  %9s .. %-9s +-%4.1f %%", side->name, median, min, max, 100 * s->mad / s->median);
    if (side->anchor_ns > 0)
        bench_duration(side->anchor_ns, anchor);
    printf("  %9s", side->anchor_ns > 0 ? anchor : "-");
}

/* Ratios far below one are told the other way round. */
static void print_ratio(const struct bench_floor *f, const struct bench_ratio *r)
{
    const char *way = r->ratio < 0.1 ? "1/" : "";
    bool turned = r->ratio < 0.1;
    printf("  %2s%-6.2f (%s%.2f .. %s%.2f)", way, turned ? 1 / r->ratio : r->ratio, way, turned ? 1 / r->max : r->min, way,
           turned ? 1 / r->min : r->max);
    if (f->gate <= 0)
        return;
    printf("  %s %s%.3g: %s%s", f->target, f->gate < 0.1 ? "<= 1/" : "<= ", f->gate < 0.1 ? 1 / f->gate : f->gate,
           bench_verdict_name(r->verdict), r->aim_met ? ", aim met" : "");
}

void bench_print(const struct bench_result *r)
{
    printf("\n%s: %s", r->figure->name, r->figure->what);
    if (r->place.cpu[0] >= 0)
        printf(" [CPU %d", r->place.cpu[0]);
    if (r->place.cpu[0] >= 0 && r->place.cpus == BENCH_TWO_CPUS)
        printf(" and %d", r->place.cpu[1]);
    printf("%s\n", r->place.cpu[0] < 0 ? "" : r->place.fifo ? ", SCHED_FIFO]" : "]");
    printf("  %-16s %9s  %9s .. %-9s %-8s  %9s  ratio to it\n", "", "median", "min", "max", "typical", "anchor");
    print_side(r->figure->subject, &r->subject);
    printf("\n");
    for (uint32_t i = 0; i < r->floors; i++) {
        print_side(r->figure->floor[i].side, &r->floor[i]);
        if (r->subject.outcome == BENCH_MEASURED && r->floor[i].outcome == BENCH_MEASURED)
            print_ratio(&r->figure->floor[i], &r->ratio[i]);
        printf("\n");
    }
}

void bench_print_list(void)
{
    for (const struct bench_figure *const *f = bench_figures; *f; f++) {
        printf("%-10s %s\n", (*f)->name, (*f)->what);
        for (uint32_t i = 0; i < bench_floor_count(*f); i++) {
            const struct bench_floor *floor = &(*f)->floor[i];
            printf("%-10s   beside %-15s %s", "", floor->side->name, floor->side->what);
            if (floor->gate > 0)
                printf(" [%s: ratio at most %.3g, aim %.3g]", floor->target, floor->gate, floor->aim);
            printf("\n");
        }
    }
}
