/* SPDX-License-Identifier: BSD-2-Clause */
/* npt: a guest's nested page table, and the KVM slots that follow it.     Row vm/npt, CertiKOS VNPTIntro, VNPTInit
 *
 * State       per VM: guest-physical address -> frame (four-level table in frames); a host window that mirrors it; the
 *             runs: one KVM slot each, sorted by address
 * Primitives  npt_new, npt_destroy
 *             npt_map      pages of a space become guest memory; EXISTS when one is there already, FAULT when the
 *                          space has not mapped one of them writable, NOMEM, BADARG: unaligned, empty, over NPT_LIMIT;
 *                          then nothing changed
 *             npt_unmap    NOTFOUND when one of them is not mapped; NOMEM (a run too many); then nothing changed
 *             npt_read     the frame of a guest page; NOTFOUND
 * Invariants  KVM's slots are exactly the maximal runs of mapped guest pages, so a hole has no slot, and an access to it
 *             exits with its address; each mapped frame carries one reference of the VM's own; the window shows exactly
 *             the mapped pages
 * Owner       a table belongs to its VM (vm/vm): no lock of its own */
#pragma once
#include "host/kvm.h"
#include "host/window.h"

#define NPT_LIMIT (UINT64_C(1) << 32) /* guest-physical addresses that RAM may have */

struct npt_run {
    uint32_t first, pages; /* page numbers */
    uint32_t slot;         /* KVM's number of it */
};

struct npt {
    struct kvm_guest *guest;
    struct pt_id id;       /* its page map, and its window */
    struct frame_id table; /* that `run` lies in */
    struct npt_run *run; /* [runs], sorted, never adjacent */
    uint32_t runs, runs_max;
};

enum ukern_status npt_new(struct kvm_guest *guest, uint32_t slots, struct npt *ret_npt) must_use; /* NOMEM, HOST */
void npt_destroy(struct npt *n);
enum ukern_status npt_map(struct npt *n, uint64_t gpa, struct space_id space, uint64_t va, uint64_t bytes) must_use;
enum ukern_status npt_unmap(struct npt *n, uint64_t gpa, uint64_t bytes) must_use;
enum ukern_status npt_read(const struct npt *n, uint64_t gpa, struct frame_id *ret_frame) must_use;
