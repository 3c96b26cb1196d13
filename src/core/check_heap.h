/* SPDX-License-Identifier: BSD-2-Clause */
/* check_heap: memory for what the checker writes down: maps, journals, records.                Row core/check_heap
 *
 * State       one piece of the machine's arena, handed out from the bottom; what comes back waits in a list of its size
 * Sizes       powers of two from 64 bytes; a piece is given back with the size that was asked for
 * Primitives  check_heap_make   a heap over `size` bytes of the arena, of which only what is used costs memory
 *             check_heap_take   n zeroed bytes; never NULL: a full heap calls `full`, which its maker
 *                               gave, and which does not come back
 *             check_heap_give   takes them back
 * Invariants  pieces lie in [base, base + used), do not overlap, are multiples of their class's size from each other
 * Failure     fail_at = n makes the n-th take from now on fail as if the heap were full (0: none), for tests
 * Lock        of its own, a word: it is taken inside everything else, and nothing is taken inside it */
#pragma once
#include "core/machine.h"

enum { CHECK_HEAP_CLASSES = 48, CHECK_HEAP_SMALLEST = 6 };

struct check_heap {
    uint8_t *base;
    size_t size, used;
    void *free[CHECK_HEAP_CLASSES]; /* [log2 of the size]: pieces linked through their first word */
    _Atomic uint32_t taken;         /* the lock; only when `shared` */
    bool shared;                    /* several host threads use it */
    uint64_t takes, fail_at;
    void (*full)(struct check_heap *h, size_t wanted) __attribute__((noreturn));
};

/* NOMEM: the arena has no room for `size` bytes. */
enum ukern_status check_heap_make(struct check_heap *h, struct arena *a, size_t size, bool shared,
                                  void (*full)(struct check_heap *h, size_t wanted) __attribute__((noreturn))) must_use;
void *check_heap_take(struct check_heap *h, size_t n) must_use;
void check_heap_give(struct check_heap *h, void *piece, size_t n);

/* A growing list: T *at; n elements, room for `room`. LIST_ADD gives a pointer to a new last element. */
#define LIST(T) struct { T *at; size_t n, room; }
#define LIST_ADD(h, list) \
    ({ if ((list)->n == (list)->room) \
           (list)->at = check_heap_grow((h), (list)->at, sizeof *(list)->at, &(list)->room); \
       &(list)->at[(list)->n++]; })
/* A list of *room elements of `one` bytes moves to twice the room (at first: 64). */
void *check_heap_grow(struct check_heap *h, void *list, size_t one, size_t *room) must_use;
