/* SPDX-License-Identifier: BSD-2-Clause */
/* Conformance of sharing with mCertiKOS under limits = mcertikos: states 0 READY, 1 PEND, 2 DEAD, results of
 * shared_mem_status and offer_shared_mem, and the seen flags, value for value. The model is CertiKOS's own specification of
 * MShareIntro, MShareOp and MShare, over a pool of 64 x 64; only calls that it defines are made (docs/decisions.md has the
 * others). What fails for want of quota there fails here: a container that has nothing left. */
#include "harness.h"
#include "mm/container.h"
#include "mm/frame.h"
#include "mm/share.h"
#include "mm/space.h"

enum { READY, PEND, DEAD, IDS = 64, PROCESSES = 14, POOR = 3 };

/* smspool: i -> j -> (state, seen, address) */
static struct certikos {
    uint32_t state, seen;
    uint64_t loc;
} pool[IDS][IDS];
static struct space_id process[PROCESSES];
static struct container_id payer[PROCESSES];

static struct share_pair pair(struct space_id i, struct space_id j) { return (struct share_pair){ i, j }; }

/* ---- CertiKOS ---- */

static void clear_shared_mem(uint32_t i, uint32_t j) { pool[i][j] = (struct certikos){ DEAD, 1, 0 }; }
static void shared_mem_to_pending(uint32_t i, uint32_t j, uint64_t va) { pool[i][j] = (struct certikos){ PEND, 1, va }; }
static void shared_mem_to_dead(uint32_t i, uint32_t j)
{
    pool[i][j] = (struct certikos){ DEAD, 1, 0 };
    pool[j][i] = (struct certikos){ DEAD, 0, 0 };
}

static uint32_t shared_mem_to_ready(uint32_t i, uint32_t j, uint64_t va, bool quota)
{
    if (!quota)
        return 1048577; /* MagicNumber, of pt_resv2 */
    pool[i][j] = (struct certikos){ READY, 1, va };
    pool[j][i].state = READY;
    pool[j][i].seen = 0;
    return 0;
}

static uint32_t shared_mem_status(uint32_t i, uint32_t j)
{
    if (pool[i][j].seen)
        return pool[j][i].state == PEND ? (uint32_t)PEND : pool[i][j].state;
    pool[i][j].seen = 1;
    return pool[i][j].state;
}

static uint32_t offer_shared_mem(uint32_t i, uint32_t j, uint64_t va, bool quota)
{
    if (pool[i][j].state == PEND)
        return PEND;
    if (pool[j][i].state != PEND) {
        shared_mem_to_pending(i, j, va);
        return PEND;
    }
    if (shared_mem_to_ready(i, j, va, quota) == 0)
        return READY;
    shared_mem_to_dead(i, j);
    return DEAD;
}

/* ---- this kernel ---- */

static struct ukern *set_up(uint32_t quota)
{
    struct ukern *m;
    struct ukern_params p = { .limits = UKERN_LIMITS_MCERTIKOS, .ram = (UINT64_C(1) << 30) + 8192 * FRAME_SIZE };
    enum ukern_status st = harness_boot(&p, 0, &m);
    ck_assert_msg(st == UKERN_OK, "boot answers %s: %s", ukern_status_name(st), harness_error());
    for (uint32_t i = 0; i < IDS * IDS; i++)
        clear_shared_mem(i / IDS, i % IDS);
    for (uint32_t i = 0; i < PROCESSES; i++) {
        /* at most three children each: a tree */
        ck_ok(container_split(i < 3 ? ROOT_CONTAINER : payer[(i - 3) / 3], i < 3 ? 12 * quota : i == 3 ? 4 * quota : quota, &payer[i]));
        ck_ok(space_new(payer[i], &process[i]));
        ck_assert_uint_ge(process[i].n, 1); /* 0 is the kernel's */
    }
    for (uint32_t i = 0; i < POOR; i++) { /* the last ones have nothing left */
        struct frame_id f;
        while (container_alloc(payer[PROCESSES - 1 - i], &f) == UKERN_OK)
            ;
    }
    return m;
}

static bool is_poor(uint32_t p) { return p >= PROCESSES - POOR; }

static void agrees(void)
{
    for (uint32_t i = 0; i < PROCESSES; i++)
        for (uint32_t j = 0; j < PROCESSES; j++) {
            if (i == j)
                continue;
            struct share_entry e = share_entry_get(pair(process[i], process[j]));
            const struct certikos *c = &pool[process[i].n][process[j].n];
            ck_assert_msg(e.state == c->state && e.seen == c->seen && e.va == c->loc,
                          "(%u, %u) is (%u, %u, %#llx), in CertiKOS (%u, %u, %#llx)", process[i].n, process[j].n, e.state, e.seen,
                          (unsigned long long)e.va, c->state, c->seen, (unsigned long long)c->loc);
        }
}

static void ask(uint32_t i, uint32_t j)
{
    uint32_t state = 99;
    ck_ok(share_status(pair(process[i], process[j]), &state));
    ck_assert_uint_eq(state, shared_mem_status(process[i].n, process[j].n));
}

static uint32_t offer(uint32_t i, uint32_t j, uint64_t va)
{
    uint32_t state = 99;
    ck_ok(share_offer(pair(process[i], process[j]), va, &state));
    ck_assert_uint_eq(state, offer_shared_mem(process[i].n, process[j].n, va, !is_poor(i) && !is_poor(j)));
    return state;
}

START_TEST(the_constants_are_certikos_s)
{
    ck_assert(SHARE_READY == 0 && SHARE_PENDING == 1 && SHARE_DEAD == 2);
    const struct share_entry boot = SHARE_BOOT;
    ck_assert(boot.state == 2 && boot.seen == 1 && boot.va == 0);
}
END_TEST

/* The table of reference: who does what, what it is told, what both then say about each other. */
START_TEST(the_handshake_step_by_step)
{
    struct ukern *m = set_up(40);
    agrees();
    ask(0, 1);                                            /* 2: nothing yet */
    ck_assert_uint_eq(offer(0, 1, 0x40000000), 1);        /* recorded */
    ck_assert_uint_eq(offer(0, 1, 0x50000000), 1);        /* again: the first address stays */
    ask(1, 0);                                            /* 1: the peer offers */
    ask(0, 1);
    agrees();
    ck_assert_uint_eq(offer(1, 0, 0x60000000), 0);        /* accepted: both READY */
    agrees();
    ask(0, 1);                                            /* 0, and now seen */
    ask(0, 1);
    ask(1, 0);
    agrees();
    ck_assert_uint_eq(offer(2, PROCESSES - 1, 0x40000000), 1);
    ck_assert_uint_eq(offer(PROCESSES - 1, 2, 0x40000000), 2); /* no quota: both DEAD */
    agrees();
    ask(2, PROCESSES - 1);                                /* 2, seen */
    ck_assert_uint_eq(offer(2, PROCESSES - 1, 0x50000000), 1); /* it may begin again */
    agrees();
    harness_free(m);
}
END_TEST

START_TEST(random_calls_give_certikos_s_values)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct ukern *m = set_up(100);
        struct harness_random r = { seed };
        uint64_t va = 0x40000000; /* each address once: mapping one twice is undefined there */
        uint32_t count[3] = { 0 };
        for (uint32_t n = 0, rounds = harness_rounds(2000); n < rounds; n++) {
            uint32_t i = (uint32_t)harness_below(&r, PROCESSES), j = (i + 1 + (uint32_t)harness_below(&r, PROCESSES - 1)) % PROCESSES;
            if (harness_below(&r, 2)) {
                ask(i, j);
            } else if (pool[process[i].n][process[j].n].state != READY) {
                count[offer(i, j, va)]++;
                va += FRAME_SIZE;
            }
            if (n % 20 == 0)
                agrees();
        }
        agrees();
        ck_assert(count[READY] > 5 && count[PEND] > 5 && count[DEAD] > 5); /* each outcome was met */
        harness_free(m);
    }
}
END_TEST

HARNESS_TESTS("mm/share as mCertiKOS", the_constants_are_certikos_s, the_handshake_step_by_step, random_calls_give_certikos_s_values)
