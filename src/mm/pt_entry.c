/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_entry: see pt_entry.h. The bytes are the processor's to read, too, so there is nothing but them. */
#include "mm/pt_entry.h"
#include "host/ram.h"

static struct pte *pt_entry_slot(struct pte_at at) { return (struct pte *)(void *)frame_bytes(at.table) + at.index; }

void pt_entry_begin(struct frame_id table)
{
#ifndef UKERN_BUG_MM_TABLE_DIRTY
    memset(frame_bytes(table), 0, FRAME_SIZE);
#else
    memset(frame_bytes(table), 0, sizeof(struct pte));
#endif
}

void pt_entry_end(struct frame_id table) { (void)table; }

struct pte pt_entry_get(struct pte_at at) { return *pt_entry_slot(at); }

void pt_entry_set(struct pte_at at, struct pte e)
{
    *pt_entry_slot(at) = e;
#ifdef UKERN_BUG_MM_CLEAR_NEIGHBOUR
    if (e.bits == 0 && at.index + 1 < PT_ENTRIES)
        *pt_entry_slot((struct pte_at){ at.table, at.index + 1 }) = e;
#endif
}
