/* SPDX-License-Identifier: BSD-2-Clause */
/* toy: what the toy layers share: two kinds of numbers, and the bug that is switched on. */
#pragma once
#include "core/machine.h"

enum { TOY_OWNERS = 8 };
struct toy_item { uint32_t n; };
struct toy_owner { uint32_t n; }; /* 0: nobody */

enum toy_bug {
    TOY_RIGHT,
    TOY_WRONG_RESULT,    /* cell_get answers the next owner */
    TOY_WRONG_SECOND,    /* stock_alloc: its second output */
    TOY_OUTPUT_ANYWAY,   /* stock_alloc writes an output though it fails */
    TOY_FORBIDDEN,       /* stock_alloc gives an item that is owned */
    TOY_KEEPS,           /* stock_free does not reset the owner */
    TOY_FORGETS,         /* quota_alloc does not count */
    TOY_FORGETS_LAST,    /* quota_move leaves one behind with who gave all away */
    TOY_LOSES,           /* stock_init: an item is in no list; only the full relation sees it */
    TOY_NO_EVENT,        /* quota_move */
    TOY_TWO_EVENTS,      /* quota_move */
    TOY_UNLOCKED,        /* quota_move's event comes after the unlock */
    TOY_EVENT_EARLY,     /* quota_move's event comes with a result that it does not have yet */
    TOY_RETURNS_ANOTHER, /* quota_move returns another result than at the event */
    TOY_EXTRA,           /* quota_alloc takes two items */
    TOY_MISSING,         /* quota_alloc takes none */
    TOY_SPEC_WITHOUT_PRE /* of quota_refill */
};
extern enum toy_bug toy_bug;
/* What another CPU does after quota_free's inner step and before its own, and between cell_tick's instruction and its step;
 * NULL: nothing. */
extern void (*toy_between)(void);
