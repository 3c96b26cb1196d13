/* SPDX-License-Identifier: BSD-2-Clause */
/* own_vm: VM exits through the kernel: a hosted task that calls vm_run in a loop, with the guest of the bare KVM loop. */
#include "floors.h"
#include "own_task.h"
#include "ref/ref.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t expected[REF_GUEST_COUNT] = { UKERN_EXIT_IO, UKERN_EXIT_MMIO, UKERN_EXIT_HLT };

static enum ukern_status guest_make(enum ref_guest guest, uint32_t *ret_vm)
{
    void *memory;
    struct ukern_vm_regs regs;
    enum ukern_status st = ukern_vm_create(0, ret_vm);
    if (st == UKERN_OK)
        st = ukern_mem_map(UKERN_MAP_LOW, REF_GUEST_MEMORY, UKERN_PROT_WRITE, &memory);
    if (st != UKERN_OK)
        return st;
    size_t bytes;
    const uint8_t *code = ref_guest_code(guest, &bytes);
    memcpy((uint8_t *)memory + REF_GUEST_ENTRY, code, bytes);
    st = ukern_vm_map(*ret_vm, 0, memory, REF_GUEST_MEMORY);
    if (st == UKERN_OK)
        st = ukern_vm_get_regs(*ret_vm, &regs);
    if (st != UKERN_OK)
        return st;
    regs.cs.base = regs.cs.selector = 0;
    regs.rip = REF_GUEST_ENTRY;
    regs.rflags = 2;
    return ukern_vm_set_regs(*ret_vm, &regs);
}

static int monitor(const struct ukern_start *start)
{
    struct own_block *b = own_block_of(start);
    struct ukern_vm_exit exit = { .kind = UKERN_EXIT_RECALL };
    uint32_t vm;
    enum ukern_status st = guest_make((enum ref_guest)b->arg, &vm);
    if (st != UKERN_OK)
        return own_fail(b, "making a VM", st);
    uint64_t recalls = 0;
    for (uint64_t i = 0; i < b->n + OWN_WARM; i++) {
        if (i == OWN_WARM)
            b->start = bench_now();
        do {
            st = ukern_vm_run(vm, &exit);
            if (st != UKERN_OK)
                return own_fail(b, "running a VM", st);
        } while (exit.kind == UKERN_EXIT_RECALL && ++recalls);
        if (exit.kind != expected[b->arg])
            return own_fail(b, ukern_exit_name((enum ukern_vm_exit_kind)exit.kind), UKERN_FAILED);
    }
    b->end = bench_now();
    return 0;
}

static const struct own_program programs[] = { { "monitor", monitor, 0 }, { NULL, NULL, 0 } };

struct vm_bench {
    struct bench_place place;
    uint64_t guest;
};

static bool vm_open(const struct bench_place *place, uint64_t arg, void **ret_state, bool *ret_skip, char *ret_why)
{
    struct vm_bench *s = malloc(sizeof *s);
    if (!s) {
        snprintf(ret_why, BENCH_WHY, "out of memory");
        return false;
    }
    *s = (struct vm_bench){ *place, arg };
    *ret_state = s;
    uint64_t ns;
    bool unsupported = false;
    if (own_run(&s->place, programs, s->guest, 1, &ns, &unsupported, ret_why))
        return true;
    const char *required = getenv("UKERN_REQUIRE_KVM");
    *ret_skip = unsupported && !(required && !strcmp(required, "1"));
    free(s);
    return false;
}

static bool vm_run(void *state, uint64_t n, uint64_t *ret_ns, char *ret_why)
{
    struct vm_bench *s = state;
    return own_run(&s->place, programs, s->guest, n, ret_ns, NULL, ret_why);
}

#define SIDE(symbol, guest, shown)                                                                                  \
    const struct bench_side symbol = { .name = shown, .what = "a hosted task's loop of vm_run", .open = vm_open,    \
                                       .run = vm_run, .close = free, .arg = guest };

SIDE(own_vm_pio, REF_GUEST_PIO, "vm_run, PIO")
SIDE(own_vm_mmio, REF_GUEST_MMIO, "vm_run, MMIO")
SIDE(own_vm_hlt, REF_GUEST_HLT, "vm_run, HLT")
