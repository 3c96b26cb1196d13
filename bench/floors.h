/* SPDX-License-Identifier: BSD-2-Clause */
/* floors: the sides of bench/ref, and those of the kernel's own paths, by name. See figures.c for who meets whom. */
#pragma once
#include "bench.h"

/* floors.c */
extern const struct bench_side floor_switch, floor_trap, floor_getppid, floor_lock, floor_walk, floor_freelist,
    floor_malloc, floor_work, floor_work_more;
/* floors_pair.c */
extern const struct bench_side floor_pipe, floor_eventfd, floor_socket, floor_futex, floor_line;
extern const struct bench_side floor_pipe_2, floor_eventfd_2, floor_socket_2, floor_futex_2;
/* floors_kvm.c */
extern const struct bench_side floor_kvm_pio, floor_kvm_mmio, floor_kvm_hlt;
/* own_task.c: through a machine made for the block, timed inside its tasks */
extern const struct bench_side own_chan, own_chan_2, own_trap;
/* own_vm.c */
extern const struct bench_side own_vm_pio, own_vm_mmio, own_vm_hlt;
/* own_core.c: functions of the kernel called directly */
extern const struct bench_side own_lock, own_walk, own_frame;
