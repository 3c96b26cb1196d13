/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_type: which frames are reserved, the kernel's own, or for everybody.         Row mm/frame_type, CertiKOS MATOp
 *
 * State       run : i -> (first, count), the i-th maximal run of NORMAL frames; kernel : i < K -> the frame of the i-th table of the
 *             kernel; normals : how many NORMAL frames there are
 *             (a frame's type is decided by the memory map once; nothing is stored per frame, so a large machine boots at once)
 * Types       RESERVED: not usable, or outside the memory. KERNEL: the lowest K usable frames, K = what the kernel's own
 *             tables need = P + D + T with P = ceil(total / 2^27), D = ceil(total / 2^18), T = (total % 512 ? 1 : 0), where total counts the frames
 *             of the memory (see mm/pt_kern). NORMAL: all other usable frames
 * Primitives  frame_type_init     decides; NOMEM when fewer than K + 1 frames are usable (ukern_error says how many are needed)
 *             frame_type_of       of a frame (any number: outside the memory is RESERVED)
 *             frame_type_kernel   the i-th KERNEL frame, ascending; PRE i < K
 *             frame_type_kernels  K
 *             frame_type_normals  how many NORMAL frames there are
 *             frame_type_run      the i-th maximal run of NORMAL frames, ascending: first, count; NOTFOUND
 * Invariants  I1 runs are disjoint, ascending, maximal, and hold exactly the usable frames that are not KERNEL
 * CertiKOS    types Resv 0, Kern 1, Norm 2 of mem_init; there the kernel's part is fixed by address (below 1 GiB and above 3.75 GiB). Under
 *             limits = mcertikos: KERNEL = frames < 262144 or >= 983040, usable or not; NORMAL = usable frames between; see docs/decisions.md.
 *             The K tables then come from the first K of those KERNEL frames that are usable (NOMEM when there are not K)
 * Lock        none: constant after boot (local) */
#pragma once
#include "core/machine.h"
#include "core/maths.h"

enum frame_type { FRAME_RESERVED, FRAME_KERNEL, FRAME_NORMAL };
struct frame_run { struct frame_id first; uint32_t count; };

struct frame_type_abs { MAP(uint32_t, struct frame_run) run; MAP(uint32_t, struct frame_id) kernel; VAR(uint32_t) normals; };

enum ukern_status frame_type_init(void) must_use; /* NOMEM */
enum frame_type frame_type_of(struct frame_id f);
struct frame_id frame_type_kernel(uint32_t i);
uint32_t frame_type_kernels(void);
uint32_t frame_type_normals(void);
enum ukern_status frame_type_run(uint32_t i, struct frame_run *ret_run) must_use; /* NOTFOUND */
