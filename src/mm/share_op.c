/* SPDX-License-Identifier: BSD-2-Clause */
/* share_op: see share_op.h. */
#include "mm/share_op.h"
#include "core/calculus.h"
#include "mm/space.h"

static struct share_pair share_op_back(struct share_pair p) { return (struct share_pair){ p.j, p.i }; }

enum ukern_status share_op_pending(struct share_pair p, uint64_t va)
{
    return share_entry_set(p, (struct share_entry){ SHARE_PENDING, 1, va });
}

void share_op_dead(struct share_pair p)
{
    enum ukern_status st = share_entry_set(p, SHARE_BOOT);
#ifndef UKERN_BUG_MM_SHARE_ONE_SIDE
    if (st == UKERN_OK) /* one of the two had an entry: there is room */
        st = share_entry_set(share_op_back(p), (struct share_entry){ SHARE_DEAD, 0, 0 });
#endif
    CHECK(st == UKERN_OK, "a pair with an entry can always die, it answers %s", ukern_status_name(st));
    (void)st;
}

enum ukern_status share_op_ready(struct share_pair p, uint64_t va)
{
    uint64_t other_va = share_entry_get(share_op_back(p)).va;
    enum ukern_status st = share_entry_set(p, (struct share_entry){ SHARE_READY, 1, va });
    if (st == UKERN_OK)
        st = space_resv2(p.i, va, p.j, other_va, PERM_USER | PERM_WRITE);
    if (st == UKERN_OK)
#ifndef UKERN_BUG_MM_SHARE_SEEN
        return share_entry_set(share_op_back(p), (struct share_entry){ SHARE_READY, 0, other_va });
#else
        return share_entry_set(share_op_back(p), (struct share_entry){ SHARE_READY, 1, other_va });
#endif
    share_op_dead(p);
    return st;
}

void share_op_seen(struct share_pair p)
{
    struct share_entry e = share_entry_get(p);
    e.seen = 1;
    enum ukern_status st = share_entry_set(p, e);
    CHECK(st == UKERN_OK, "what is there, or is the boot value, can be set, it answers %s", ukern_status_name(st));
    (void)st;
}
