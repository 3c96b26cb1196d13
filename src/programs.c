/* SPDX-License-Identifier: BSD-2-Clause */
/* programs: the built-in hosted programs. They are user code: they see <ukern/user.h> only.
 *
 * The first four make the tour; the others each do one thing that a kernel must survive. */
#include "programs.h"
#include <stdlib.h>
#include <string.h>
#include <ukern/user.h>

/* The i-th argument; argv[0] is the task's name, as everywhere. */
static unsigned long number(const struct ukern_start *start, int i, unsigned long otherwise)
{
    return start->argc > i ? strtoul(start->argv[i], NULL, 0) : otherwise;
}

struct ball {
    uint64_t round, sum;
};

/* ping [rounds [out [back]]]: sends a number, wants it back increased, many times. */
static int ping(const struct ukern_start *start)
{
    unsigned long rounds = number(start, 1, 1000);
    uint32_t out = (uint32_t)number(start, 2, 0), back = (uint32_t)number(start, 3, 1);
    struct ball b = { 0, 0 };
    ukern_print(start, "ping: task %u on cpu%u of %u plays %lu rounds\n", start->task, start->cpu, start->cpus, rounds);
    for (b.round = 0; b.round < rounds; b.round++) {
        uint64_t sum = b.sum + b.round;
        if (ukern_chan_send(out, &b, sizeof b, 0, NULL) != UKERN_OK || ukern_chan_recv(back, &b, sizeof b, 0, NULL) != UKERN_OK)
            return 1;
        if (b.sum != sum) {
            ukern_print(start, "ping: round %lu came back with sum %lu, expected %lu\n", (unsigned long)b.round,
                        (unsigned long)b.sum, (unsigned long)sum);
            return 1;
        }
        if (b.round < 3)
            ukern_print(start, "ping: round %lu came back, sum %lu\n", (unsigned long)b.round, (unsigned long)b.sum);
    }
    ukern_print(start, "ping: all %lu rounds came back, sum %lu\n", rounds, (unsigned long)b.sum);
    return 0;
}

/* pong [rounds [in [back]]] */
static int pong(const struct ukern_start *start)
{
    unsigned long rounds = number(start, 1, 1000);
    uint32_t in = (uint32_t)number(start, 2, 0), back = (uint32_t)number(start, 3, 1);
    struct ball b;
    ukern_print(start, "pong: task %u on cpu%u of %u is there\n", start->task, start->cpu, start->cpus);
    for (unsigned long i = 0; i < rounds; i++) {
        size_t got;
        if (ukern_chan_recv(in, &b, sizeof b, 0, &got) != UKERN_OK || got != sizeof b)
            return 1;
        b.sum += b.round;
        if (ukern_chan_send(back, &b, sizeof b, 0, NULL) != UKERN_OK)
            return 1;
    }
    ukern_print(start, "pong: played %lu rounds\n", rounds);
    return 0;
}

/* wild [address]: hands the kernel an address that is not its own. */
static int wild(const struct ukern_start *start)
{
    uint64_t address = number(start, 1, 0xdeadbeef000);
    ukern_print(start, "wild: asking the kernel to send 64 bytes from %#llx\n", (unsigned long long)address);
    ukern_trap(UKERN_CALL_chan_send, 0, address, 64, 0);
    ukern_print(start, "wild: still here\n");
    return 1;
}

/* hello [word...]: prints its arguments. */
static int hello(const struct ukern_start *start)
{
    ukern_print(start, "hello from task %u on cpu%u", start->task, start->cpu);
    for (int i = 1; i < start->argc; i++)
        ukern_print(start, " %s", start->argv[i]);
    ukern_print(start, "\n");
    return 0;
}

/* echo [console]: gives back what is typed, until a line "quit". */
static int echo(const struct ukern_start *start)
{
    char line[256];
    size_t have = 0, got = 0;
    for (;;) {
        char *end = memchr(line, '\n', have);
        if (!end && have < sizeof line) {
            if (ukern_console_read(start->console, line + have, sizeof line - have, &got) != UKERN_OK)
                return 1;
            if (got == 0)
                (void)ukern_wait_wake(0);
            have += got;
            continue;
        }
        size_t n = end ? (size_t)(end - line) : have;
        ukern_print(start, "echo: %.*s\n", (int)n, line);
        if (n == 4 && memcmp(line, "quit", 4) == 0)
            return 0;
        size_t gone = end ? n + 1 : n;
        memmove(line, line + gone, have - gone);
        have -= gone;
    }
}

/* sleep [ms [times]] */
static int sleeper(const struct ukern_start *start)
{
    unsigned long ms = number(start, 1, 10), times = number(start, 2, 3);
    for (unsigned long i = 0; i < times; i++) {
        uint64_t before = ukern_time();
        ukern_sleep(ms * 1000000);
        if (ukern_time() - before < ms * 1000000)
            return 1;
    }
    ukern_print(start, "sleep: slept %lu times\n", times);
    return 0;
}

/* spin [calls]: with 0, computes for ever without a kernel call; else yields that often. */
static int spin(const struct ukern_start *start)
{
    unsigned long calls = number(start, 1, 0);
    if (calls == 0)
        for (volatile unsigned long i = 0;; i++)
            ;
    for (unsigned long i = 0; i < calls; i++)
        ukern_yield();
    return 0;
}

/* Each call needs a new frame, whatever the compiler thinks of it. */
static __attribute__((noinline)) unsigned long deeper(volatile unsigned char *above, unsigned long depth)
{
    volatile unsigned char frame[1024];
    frame[0] = above[0];
    frame[1023] = (unsigned char)depth;
    if (depth == 1 << 30) /* a terabyte of stack: never, but the compiler cannot know */
        return 0;
    return deeper(frame, depth + 1) + frame[depth % 1024];
}

/* overflow: recurses until its stack ends. */
static int overflow(const struct ukern_start *start)
{
    volatile unsigned char first[1] = { 1 };
    ukern_print(start, "overflow: going down\n");
    return (int)deeper(first, 0);
}

/* fault [address]: reads an address directly. */
static int fault(const struct ukern_start *start)
{
    const volatile unsigned char *p = (const volatile unsigned char *)number(start, 1, 8);
    return *p;
}

/* free-twice: unmaps memory twice; the second time must be refused, and nothing lost. */
static int free_twice(const struct ukern_start *start)
{
    void *memory;
    if (ukern_mem_map(UKERN_MAP_LOW, 4 * UKERN_PAGE, UKERN_PROT_WRITE, &memory) != UKERN_OK)
        return 1;
    memset(memory, 0x5a, 4 * UKERN_PAGE);
    if (ukern_mem_unmap(memory, 4 * UKERN_PAGE) != UKERN_OK)
        return 2;
    enum ukern_status st = ukern_mem_unmap(memory, 4 * UKERN_PAGE);
    ukern_print(start, "free-twice: the second time the kernel says %s\n", ukern_status_name(st));
    return st == UKERN_NOTFOUND ? 0 : 3;
}

/* kernel-address: hands the kernel a host address of the kernel's own. */
static int kernel_address(const struct ukern_start *start)
{
    ukern_print(start, "kernel-address: asking the kernel to read into its own memory\n");
    ukern_trap(UKERN_CALL_console_read, start->console, (uint64_t)(uintptr_t)&ukern_trap, 16, 0);
    return 1;
}

/* receive [channel]: waits for a message that may never come. */
static int receive(const struct ukern_start *start)
{
    char bytes[64];
    size_t got;
    return ukern_chan_recv((uint32_t)number(start, 1, 0), bytes, sizeof bytes, 0, &got) == UKERN_OK ? 0 : 1;
}

/* exit [code] */
static int exit_code(const struct ukern_start *start) { return (int)number(start, 1, 0); }

static const struct program programs[] = {
    { "ping", ping, "[rounds [out [back]]] sends a number over channel `out` and wants it back over `back`" },
    { "pong", pong, "[rounds [in [back]]] the other side of ping" },
    { "wild", wild, "[address] hands the kernel an address that is not its own, and is killed for it" },
    { "hello", hello, "[word...] prints its arguments" },
    { "echo", echo, "gives back what is typed, until a line says quit" },
    { "sleep", sleeper, "[ms [times]] sleeps" },
    { "spin", spin, "[calls] yields that often; 0: computes for ever without a kernel call" },
    { "overflow", overflow, "recurses until its stack ends, and is killed for it" },
    { "fault", fault, "[address] reads a host address, and is killed for it" },
    { "free-twice", free_twice, "unmaps memory twice; the second time is refused" },
    { "kernel-address", kernel_address, "hands the kernel an address of the kernel's, and is killed for it" },
    { "receive", receive, "[channel] waits for a message" },
    { "exit", exit_code, "[code] ends with that code" },
};

const struct program *programs_find(const char *name)
{
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(programs[i].name, name) == 0)
            return &programs[i];
    return NULL;
}

const struct program *programs_at(size_t n) { return n < sizeof programs / sizeof programs[0] ? &programs[n] : NULL; }
