/* SPDX-License-Identifier: BSD-2-Clause */
/* toy_quota: an array under one lock. */
#include "toy_quota.h"
#include "core/calculus.h"
#include "core/lock.h"
#include "toy_stock.h"

static struct {
    struct lock lock;
    uint32_t left[TOY_OWNERS];
} quota;

enum ukern_status toy_quota_init(uint32_t total)
{
    if (toy_stock_init(total) != UKERN_OK)
        return UKERN_NOMEM;
    lock_init(&quota.lock, toy_quota_layer.rank);
    memset(quota.left, 0, sizeof quota.left);
    quota.left[1] = total;
    return EVENT_OWNED(UKERN_OK);
}

static enum ukern_status move(struct toy_owner from, struct toy_owner to, uint32_t n)
{
    if (quota.left[from.n] < n)
        return UKERN_NOMEM;
    quota.left[from.n] -= n;
    if (toy_bug == TOY_FORGETS_LAST && quota.left[from.n] == 0)
        quota.left[from.n] = 1;
    quota.left[to.n] += n;
    return UKERN_OK;
}

enum ukern_status toy_quota_move(struct toy_owner from, struct toy_owner to, uint32_t n)
{
    enum ukern_status st;
    {
        LOCK_SCOPE(&quota.lock);
        st = move(from, to, n);
        if (toy_bug == TOY_NO_EVENT)
            return st;
        if (toy_bug == TOY_TWO_EVENTS)
            (void)EVENT(st);
        if (toy_bug == TOY_EVENT_EARLY)
            return (void)EVENT(UKERN_NOMEM), st;
        if (toy_bug == TOY_RETURNS_ANOTHER)
            return (void)EVENT(st), UKERN_BUSY;
        if (toy_bug != TOY_UNLOCKED)
            return EVENT(st);
    }
    return EVENT(st);
}

enum ukern_status toy_quota_alloc(struct toy_owner id, struct toy_item *ret_item)
{
    LOCK_SCOPE(&quota.lock);
    struct toy_item other;
    uint32_t n;
    if (quota.left[id.n] == 0)
        return EVENT(UKERN_NOMEM);
    enum ukern_status st = UKERN_OK;
    *ret_item = (struct toy_item){ 0 };
    if (toy_bug != TOY_MISSING)
        st = toy_stock_alloc(id, ret_item, &n);
    if (toy_bug == TOY_EXTRA)
        (void)!toy_stock_alloc(id, &other, &n);
    if (st == UKERN_OK && toy_bug != TOY_FORGETS)
        quota.left[id.n]--;
    return EVENT(st);
}

enum ukern_status toy_quota_two(struct toy_owner id, struct toy_item *ret_a, struct toy_item *ret_b)
{
    LOCK_SCOPE(&quota.lock);
    struct toy_item a, b;
    uint32_t n;
    if (quota.left[id.n] < 2 || toy_stock_alloc(id, &a, &n) != UKERN_OK)
        return EVENT(UKERN_NOMEM);
    if (toy_stock_alloc(id, &b, &n) != UKERN_OK) {
        toy_stock_free(a);
        return EVENT(UKERN_NOMEM);
    }
    quota.left[id.n] -= 2;
    *ret_a = a;
    *ret_b = b;
    return EVENT(UKERN_OK);
}

void toy_quota_free(struct toy_owner id, struct toy_item i)
{
    LOCK_SCOPE(&quota.lock);
    toy_stock_free(i);
    if (toy_between)
        toy_between();
    quota.left[id.n]++;
    EVENT_DONE();
}

bool toy_quota_refill(struct toy_owner id, uint32_t n, uint32_t *ret_left)
{
    LOCK_SCOPE(&quota.lock);
    quota.left[id.n] += n;
    *ret_left = quota.left[id.n];
    return EVENT(true); /* an int, as wide as it likes: the primitive's result is a bool */
}

uint32_t toy_quota_total(void) { return quota.left[0]; }
uint32_t toy_quota_peek(struct toy_owner id) { return quota.left[id.n]; }
