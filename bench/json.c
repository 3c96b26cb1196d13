/* SPDX-License-Identifier: BSD-2-Clause */
/* json: what ukern bench --json prints; the schema is in docs/bench.md. */
#include "bench.h"
#include <jansson.h>
#include <string.h>

static const char *const outcomes[] = { "measured", "skipped", "failed" };
static const char *const kvm_kinds[] = { "hardware", "software", "none" };

static json_t *side_json(const struct bench_side *side, const struct bench_sample *s, uint32_t blocks)
{
    json_t *o = json_pack("{s:s, s:s, s:s}", "name", side->name, "what", side->what, "outcome", outcomes[s->outcome]);
    if (side->anchor_ns > 0)
        json_object_set_new(o, "anchor", json_pack("{s:f, s:s}", "ns", side->anchor_ns, "source", side->anchor_source));
    if (s->outcome != BENCH_MEASURED) {
        json_object_set_new(o, "why", json_string(s->why));
        return o;
    }
    json_object_set_new(o, "operations", json_integer((json_int_t)s->operations));
    json_object_set_new(o, "median_ns", json_real(s->median));
    json_object_set_new(o, "min_ns", json_real(s->min));
    json_object_set_new(o, "max_ns", json_real(s->max));
    json_object_set_new(o, "mad_ns", json_real(s->mad));
    json_object_set_new(o, "spread", json_real(s->spread));
    json_t *each = json_array();
    for (uint32_t i = 0; i < blocks; i++)
        json_array_append_new(each, json_real(s->block[i]));
    json_object_set_new(o, "blocks_ns", each);
    return o;
}

static json_t *floor_json(const struct bench_result *r, uint32_t i)
{
    const struct bench_floor *f = &r->figure->floor[i];
    const struct bench_ratio *ratio = &r->ratio[i];
    json_t *o = side_json(f->side, &r->floor[i], r->blocks);
    if (f->gate > 0)
        json_object_set_new(o, "target", json_pack("{s:s, s:f, s:f}", "name", f->target, "gate", f->gate, "aim", f->aim));
    json_object_set_new(o, "verdict", json_string(bench_verdict_name(ratio->verdict)));
    if (ratio->ratio > 0)
        json_object_set_new(o, "ratio", json_pack("{s:f, s:f, s:f, s:f, s:b}", "value", ratio->ratio, "min", ratio->min,
                                                  "max", ratio->max, "mad", ratio->mad, "aim_met", (int)ratio->aim_met));
    return o;
}

static json_t *figure_json(const struct bench_result *r)
{
    json_t *cpus = json_array(), *floors = json_array();
    for (int i = 0; i < (int)r->place.cpus; i++)
        if (r->place.cpu[i] >= 0)
            json_array_append_new(cpus, json_integer(r->place.cpu[i]));
    for (uint32_t i = 0; i < r->floors; i++)
        json_array_append_new(floors, floor_json(r, i));
    return json_pack("{s:s, s:s, s:o, s:b, s:o, s:o}", "name", r->figure->name, "what", r->figure->what, "cpus", cpus,
                     "fifo", (int)r->place.fifo, "subject", side_json(r->figure->subject, &r->subject, r->blocks),
                     "floors", floors);
}

int bench_print_json(const struct bench_report *r, const struct bench_result *results, uint32_t n)
{
    json_t *figures = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(figures, figure_json(&results[i]));
    json_t *top = json_pack("{s:i, s:s, s:s, s:b, s:i, s:I, s:o}", "version", 1, "build", r->build, "kvm", kvm_kinds[r->kvm],
                            "judged", (int)r->setting->judged, "blocks", (int)r->setting->blocks, "block_ns",
                            (json_int_t)r->setting->block_ns, "figures", figures);
    if (r->instrumented)
        json_object_set_new(top, "instrumented", json_string(r->instrumented));
    if (r->kvm == BENCH_KVM_NONE)
        json_object_set_new(top, "kvm_error", json_string(strerror(r->kvm_error)));
    int failed = json_dumpf(top, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(top);
    return failed || printf("\n") < 0 ? -1 : 0;
}
