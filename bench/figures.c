/* SPDX-License-Identifier: BSD-2-Clause */
/* figures: which path of the kernel is measured beside which floors, and the targets.
 *
 * Targets are at most so many times the floor: the gate should hold, the aim is what we would like. Their names are those
 * of the list of targets (docs/bench.md has it). A figure without floor would say nothing, so there is none. */
#include "floors.h"
#include <string.h>

static const struct bench_figure harness = {
    .name = "harness", .what = "the harness itself: a floor beside itself, and beside a fifth more", .cpus = BENCH_ONE_CPU,
    .subject = &floor_work_more, .floor = { { &floor_work, NULL, 0, 0 }, { &floor_work_more, NULL, 0, 0 } },
};
static const struct bench_figure chan = {
    .name = "chan", .what = "channel round trip, 8 words, two tasks of one CPU", .cpus = BENCH_ONE_CPU, .subject = &own_chan,
    .floor = { { &floor_switch, "P2", 9, 6 }, { &floor_futex, "P3", 1.0 / 40, 1.0 / 100 }, { &floor_pipe, NULL, 0, 0 },
               { &floor_eventfd, NULL, 0, 0 }, { &floor_socket, NULL, 0, 0 } },
};
static const struct bench_figure chan2 = {
    .name = "chan2", .what = "channel round trip, 8 words, tasks on two CPUs", .cpus = BENCH_TWO_CPUS, .subject = &own_chan_2,
    .floor = { { &floor_line, "P4", 2.5, 1.3 }, { &floor_futex_2, "P5", 1.3, 1.05 }, { &floor_pipe_2, NULL, 0, 0 },
               { &floor_eventfd_2, NULL, 0, 0 }, { &floor_socket_2, NULL, 0, 0 } },
};
static const struct bench_figure exit_pio = {
    .name = "exit-pio", .what = "VM exit by port output, to a hosted task and back", .cpus = BENCH_ONE_CPU,
    .subject = &own_vm_pio, .floor = { { &floor_kvm_pio, "P6", 1.10, 1.02 } },
};
static const struct bench_figure exit_mmio = {
    .name = "exit-mmio", .what = "VM exit by a write where no memory is", .cpus = BENCH_ONE_CPU,
    .subject = &own_vm_mmio, .floor = { { &floor_kvm_mmio, "P6", 1.10, 1.02 } },
};
static const struct bench_figure exit_hlt = {
    .name = "exit-hlt", .what = "VM exit by HLT", .cpus = BENCH_ONE_CPU,
    .subject = &own_vm_hlt, .floor = { { &floor_kvm_hlt, "P6", 1.10, 1.02 } },
};
static const struct bench_figure trap = {
    .name = "trap", .what = "kernel call that does nothing", .cpus = BENCH_ONE_CPU, .subject = &own_trap,
    .floor = { { &floor_trap, NULL, 0, 0 }, { &floor_getppid, NULL, 0, 0 } },
};
static const struct bench_figure lock = {
    .name = "lock", .what = "the kernel's ticket lock, alone", .cpus = BENCH_ONE_CPU, .subject = &own_lock,
    .floor = { { &floor_lock, "P18", 1.1, 1.02 } },
};
static const struct bench_figure walk = {
    .name = "walk", .what = "translation of a user address by page walk", .cpus = BENCH_ONE_CPU, .subject = &own_walk,
    .floor = { { &floor_walk, "P15", 1.5, 1.15 } },
};
static const struct bench_figure frame = {
    .name = "frame", .what = "a frame allocated and freed, on the CPU's cache", .cpus = BENCH_ONE_CPU, .subject = &own_frame,
    .floor = { { &floor_lock, "P17", 1.5, 0.5 }, { &floor_freelist, NULL, 0, 0 }, { &floor_malloc, NULL, 0, 0 } },
};

const struct bench_figure *const bench_figures[] = { &harness, &chan, &chan2, &exit_pio, &exit_mmio, &exit_hlt,
                                                     &trap, &lock, &walk, &frame, NULL };

const struct bench_figure *bench_figure_find(const char *name)
{
    for (const struct bench_figure *const *f = bench_figures; *f; f++)
        if (!strcmp((*f)->name, name))
            return *f;
    return NULL;
}
