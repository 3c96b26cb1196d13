/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of ipc/chan through the kernel's calls, on both engines: what arrives, in which order, and every refusal. */
#include "ipc/chan.h"
#include "world.h"
#include <stdlib.h>

static uint64_t hash(const unsigned char *bytes, size_t n) { return harness_hash(bytes, n); }

/* ---- contents: messages of random sizes at random alignments, across pages ---- */

enum { MESSAGES = 300, BIGGEST = 3 * UKERN_PAGE };

struct header {
    uint64_t bytes, hash;
};

static int sends_random(const struct ukern_start *start)
{
    struct harness_random r = { 42 };
    void *memory;
    (void)start;
    if (ukern_mem_map(UKERN_MAP_LOW, 4 * UKERN_PAGE, UKERN_PROT_WRITE, &memory) != UKERN_OK)
        return 1;
    for (int i = 0; i < MESSAGES; i++) {
        size_t n = harness_below(&r, BIGGEST), taken;
        unsigned char *at = (unsigned char *)memory + harness_below(&r, UKERN_PAGE);
        for (size_t k = 0; k < n; k++)
            at[k] = (unsigned char)harness_random(&r);
        struct header h = { n, hash(at, n) };
        if (ukern_chan_send(0, &h, sizeof h, 0, &taken) != UKERN_OK || taken != sizeof h)
            return 2;
        if (ukern_chan_send(0, at, n, 0, &taken) != UKERN_OK || taken != n)
            return 3;
    }
    return 0;
}

static int receives_random(const struct ukern_start *start)
{
    struct harness_random r = { 43 };
    void *memory;
    (void)start;
    if (ukern_mem_map(UKERN_MAP_LOW, 4 * UKERN_PAGE, UKERN_PROT_WRITE, &memory) != UKERN_OK)
        return 1;
    for (int i = 0; i < MESSAGES; i++) {
        unsigned char *at = (unsigned char *)memory + harness_below(&r, UKERN_PAGE);
        struct header h;
        size_t got;
        if (ukern_chan_recv(0, &h, sizeof h, 0, &got) != UKERN_OK || got != sizeof h)
            return 2;
        if (ukern_chan_recv(0, at, BIGGEST, 0, &got) != UKERN_OK || got != h.bytes || hash(at, got) != h.hash)
            return 3;
    }
    return 0;
}

WORLD_TEST(contents_on_two_cpus, 2)
{
    world_spawn((struct world_task){ .name = "sender", .program = sends_random });
    world_spawn((struct world_task){ .name = "receiver", .program = receives_random, .cpu = 1 });
    ck_ok(world_run());
}

WORLD_TEST(contents_on_one_cpu, 1)
{
    world_spawn((struct world_task){ .name = "receiver", .program = receives_random });
    world_spawn((struct world_task){ .name = "sender", .program = sends_random });
    ck_ok(world_run());
}

/* ---- sizes ---- */

static int sends_sizes(const struct ukern_start *start)
{
    char bytes[100] = "0123456789";
    size_t taken = 77;
    (void)start;
    if (ukern_chan_send(1, bytes, 100, 0, &taken) != UKERN_OK || taken != 40) /* the receiver has room for 40 */
        return 1;
    if (ukern_chan_send(1, bytes, 10, 0, &taken) != UKERN_OK || taken != 10)
        return 2;
    if (ukern_chan_send(1, bytes, 0, 0, &taken) != UKERN_OK || taken != 0)
        return 3;
    return 0;
}

static int receives_sizes(const struct ukern_start *start)
{
    char bytes[100];
    size_t got;
    (void)start;
    memset(bytes, 'x', sizeof bytes);
    if (ukern_chan_recv(1, bytes, 40, 0, &got) != UKERN_OK || got != 40 || memcmp(bytes, "0123456789", 11) || bytes[40] != 'x')
        return 1;
    if (ukern_chan_recv(1, bytes, 100, 0, &got) != UKERN_OK || got != 10)
        return 2;
    if (ukern_chan_recv(1, bytes, 100, 0, &got) != UKERN_OK || got != 0)
        return 3;
    return 0;
}

WORLD_TEST(the_smaller_side_decides, 2)
{
    world_spawn((struct world_task){ .name = "sender", .program = sends_sizes });
    world_spawn((struct world_task){ .name = "receiver", .program = receives_sizes, .cpu = 1 });
    ck_ok(world_run());
}

static int is_refused(const struct ukern_start *start)
{
    char byte = 0;
    size_t n = 5;
    (void)start;
    if (ukern_chan_send(64, &byte, 1, 0, &n) != UKERN_BADARG || ukern_chan_recv(UINT32_MAX, &byte, 1, 0, &n) != UKERN_BADARG)
        return 1;
    if (ukern_trap(UKERN_CALL_chan_send, UINT64_C(1) << 32, 0, 0, 0).status != UKERN_BADARG)
        return 2;
    if (ukern_chan_send(0, &byte, CHAN_BYTES + 1, 0, &n) != UKERN_BADARG || ukern_chan_recv(0, &byte, SIZE_MAX, 0, &n) != UKERN_BADARG)
        return 3;
    if (ukern_trap(UKERN_CALL_COUNT, 0, 0, 0, 0).status != UKERN_BADARG || ukern_trap(UINT64_MAX, 0, 0, 0, 0).status != UKERN_BADARG)
        return 4;
    return n == 5 ? 0 : 5; /* outputs untouched */
}

WORLD_TEST(bad_arguments_are_values, 1)
{
    world_spawn((struct world_task){ .name = "hostile", .program = is_refused });
    ck_ok(world_run());
}

/* ---- time-outs leave the channel as it was ---- */

static int times_out(const struct ukern_start *start)
{
    char byte = 'a';
    size_t n;
    (void)start;
    for (int i = 0; i < 3; i++)
        if (ukern_chan_send(2, &byte, 1, 1000000, &n) != UKERN_TIMEOUT || ukern_chan_recv(2, &byte, 1, 1000000, &n) != UKERN_TIMEOUT)
            return 1;
    /* Nobody is left in the queues: the next message is the partner's, which sends it when it is told. */
    if (ukern_chan_send(5, &byte, 1, 0, &n) != UKERN_OK)
        return 3;
    return ukern_chan_recv(2, &byte, 1, 0, &n) == UKERN_OK && byte == 'b' ? 0 : 2;
}

static int sends_late(const struct ukern_start *start)
{
    char byte;
    (void)start;
    if (ukern_chan_recv(5, &byte, 1, 0, NULL) != UKERN_OK)
        return 1;
    byte = 'b';
    return ukern_chan_send(2, &byte, 1, 0, NULL) != UKERN_OK;
}

WORLD_TEST(time_outs, 2)
{
    world_spawn((struct world_task){ .name = "impatient", .program = times_out });
    world_spawn((struct world_task){ .name = "late", .program = sends_late, .cpu = 1 });
    ck_ok(world_run());
}

/* Both sides time out at random, on two CPUs: the timer and the partner race for the same sleeper. */
static int races_with_its_timer(const struct ukern_start *start)
{
    struct harness_random r = { start->task };
    uint64_t sent = 0, received = 0;
    for (int i = 0; i < 2000; i++) {
        char byte = 'r';
        uint64_t ns = 1 + harness_below(&r, 20000);
        size_t n = 0;
        if (start->task % 2 == 0) {
            if (ukern_chan_send(3, &byte, 1, ns, &n) == UKERN_OK)
                sent += n;
        } else if (ukern_chan_recv(3, &byte, 1, ns, &n) == UKERN_OK) {
            received += n;
        }
    }
    ukern_print(start, "%c%lu\n", start->task % 2 == 0 ? 's' : 'r', (unsigned long)(sent + received));
    return 0;
}

WORLD_TEST(timers_race_with_partners, 2)
{
    unsigned long sent = 0, received = 0;
    for (uint32_t i = 0; i < 4; i++)
        world_spawn((struct world_task){ .name = "racer", .program = races_with_its_timer, .cpu = i / 2 });
    ck_ok(world_run());
    for (char *at = world->console; *at; at = strchr(at, '\n') + 1)
        *(*at == 's' ? &sent : &received) += strtoul(at + 1, NULL, 10);
    ck_assert_uint_eq(sent, received);
    struct ukern_stats stats = { .size = sizeof stats };
    ukern_stats(world->m, &stats);
    ck_assert_uint_eq(stats.messages, sent);
}

/* ---- order ---- */

static int sends_its_name(const struct ukern_start *start)
{
    char name = start->argv[0][0];
    return ukern_chan_send(4, &name, 1, 0, NULL) != UKERN_OK;
}
static int receives_names(const struct ukern_start *start)
{
    for (int i = 0; i < 4; i++) {
        char name;
        if (ukern_chan_recv(4, &name, 1, 0, NULL) != UKERN_OK)
            return 1;
        ukern_print(start, "%c", name);
    }
    return 0;
}

WORLD_TEST(senders_are_served_in_order, 1)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    for (int i = 0; i < 4; i++)
        world_spawn((struct world_task){ .name = names[i], .program = sends_its_name });
    world_spawn((struct world_task){ .name = "receiver", .program = receives_names });
    ck_ok(world_run());
    ck_assert_str_eq(world->console, "abcd");
}

/* ---- wild addresses ---- */

static int sends_from_nowhere(const struct ukern_start *start)
{
    ukern_trap(UKERN_CALL_chan_send, 4, strtoull(start->argv[1], NULL, 0), 64, 0);
    return 0;
}
static int receives_into_start_page(const struct ukern_start *start)
{
    ukern_trap(UKERN_CALL_chan_recv, 4, ukern_user_address(start), 64, 0);
    return 0;
}
static int sends_over_the_edge(const struct ukern_start *start)
{
    void *memory;
    if (ukern_mem_map(UKERN_MAP_LOW, UKERN_PAGE, UKERN_PROT_WRITE, &memory) != UKERN_OK)
        return 1;
    ukern_trap(UKERN_CALL_chan_send, 4, UKERN_MAP_LOW + UKERN_PAGE - 8, strtoull(start->argv[1], NULL, 0), 0);
    return 0;
}
static int sends_good(const struct ukern_start *start)
{
    char byte = 'g';
    (void)start;
    ukern_sleep(2000000);
    return ukern_chan_send(4, &byte, 1, 0, NULL) != UKERN_OK;
}
static int receives_good(const struct ukern_start *start)
{
    char byte = 0;
    (void)start;
    return ukern_chan_recv(4, &byte, 1, 0, NULL) != UKERN_OK || byte != 'g';
}

/* Whoever hands over a bad address is killed; the partner that waits does not notice. */
WORLD_TEST(wild_addresses_kill_the_caller_only, 2)
{
    static const char *const addresses[] = { "0", "0xfff", "0xffffffffffffffff", "0xfffffffffffffff0", "0x7fffffffffff",
                                             "0x8000000000000000", "0xffffffff", "0xf0000000" };
    world_spawn((struct world_task){ .name = "patient", .program = receives_good });
    for (size_t i = 0; i < COUNT_OF(addresses); i++)
        world_spawn((struct world_task){ .name = "wild", .program = sends_from_nowhere, .cpu = i % 2, .argument = addresses[i],
                                         .expect = UKERN_EXPECT_KILLED });
    world_spawn((struct world_task){ .name = "readonly", .program = receives_into_start_page, .expect = UKERN_EXPECT_KILLED });
    world_spawn((struct world_task){ .name = "edge", .program = sends_over_the_edge, .cpu = 1, .argument = "9",
                                     .expect = UKERN_EXPECT_KILLED });
    world_spawn((struct world_task){ .name = "good", .program = sends_good, .cpu = 1 });
    ck_ok(world_run());
    ck_assert(strstr(world_reason(1), "chan_send(0x4, 0, 0x40") != NULL);
}

HARNESS_TESTS("ipc/chan", WORLD_BOTH(contents_on_two_cpus), WORLD_BOTH(contents_on_one_cpu), WORLD_BOTH(the_smaller_side_decides),
              WORLD_BOTH(bad_arguments_are_values), WORLD_BOTH(time_outs), WORLD_BOTH(timers_race_with_partners),
              WORLD_BOTH(senders_are_served_in_order), WORLD_BOTH(wild_addresses_kill_the_caller_only))
