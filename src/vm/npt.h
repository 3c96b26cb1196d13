/* SPDX-License-Identifier: BSD-2-Clause */
/* npt: a guest's nested page table, and the KVM slots that follow it.     Row vm/npt, CertiKOS VNPTIntro, VNPTInit
 *
 * State       per VM: guest-physical address -> frame (four-level table in frames); a host window that mirrors it
 * Invariants  KVM's slots are exactly the maximal runs of mapped guest pages; a hole has no slot, so it exits
 * Note        each mapped frame carries one reference of the VM's own */
#pragma once
#include "host/window.h"

struct npt {
    struct frame_id root;
    struct window window;
    /* further fields of npt.c's author */
};
