/* SPDX-License-Identifier: BSD-2-Clause */
/* ref: the floors: the best known raw form of what the kernel does, written by hand.
 *
 * For       ukern bench, which times each kernel path beside its floor, and tests/bench/fast_test.sh, which compares the
 *           compiled code of hot primitives with these, instruction for instruction.
 * Rule      files of this folder include nothing of the kernel's: a build compared with itself proves nothing.
 *           Each floor was looked at in assembler: no call, no spill, no reload in its loop that a person would leave out.
 * Loops     x_ping(s, n) does n round trips with x_pong(s, n), which another context or thread runs; x_rounds(s, n) does
 *           n rounds alone. None reads a clock. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- switch_ref_asm.S, switch_ref.c: two contexts on one stack each, pop+jmp instead of ret (the return stack would
 * mispredict every return: five times the cost) ---- */
struct ref_switch {
    void *main_sp, *other_sp;
    uint8_t *stack;
};
void ref_switch(void **ret_save_sp, void *to_sp);
bool ref_switch_open(struct ref_switch *s);
void ref_switch_rounds(struct ref_switch *s, uint64_t n);
void ref_switch_close(struct ref_switch *s);

/* ---- trap_ref_asm.S, trap_ref.c: on to another stack, one call through a table, and back ---- */
struct ref_trap {
    uint8_t *kstack_top;
    bool in_user;
    uint8_t *stack;
};
struct ref_trap_result {
    uint64_t status, value;
};
struct ref_trap_result ref_trap(uint64_t call, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);
bool ref_trap_open(struct ref_trap *t);
void ref_trap_rounds(struct ref_trap *t, uint64_t n);
void ref_trap_close(struct ref_trap *t);
void ref_getppid_rounds(uint64_t n);

/* ---- lock_ref.c: a ticket lock ---- */
struct ref_lock {
    uint16_t next, serving;
};
void ref_lock_take(struct ref_lock *l);
void ref_lock_give(struct ref_lock *l);
void ref_lock_rounds(struct ref_lock *l, uint64_t *counter, uint64_t n);
void ref_lock_wait(struct ref_lock *l, uint16_t ticket);

/* ---- walk_ref.c: a four-level walk of x86-64 page tables in one flat memory ---- */
struct ref_walk {
    uint8_t *ram;
    uint32_t root;  /* frame of the top table */
    uint32_t pages; /* mapped from virtual address 0, a power of two */
};
/* 0: found; 1: nothing is mapped there. */
int ref_walk(uint32_t root, uint64_t va, uint32_t *ret_frame, uint32_t *ret_perm);
/* As the kernel's: the entry at which the walk ends, absent, of a page, or at level 1 of a large page. */
struct ref_leaf {
    uint64_t entry;
    uint32_t level, zero;
};
struct ref_leaf ref_walk_leaf(uint32_t root, uint64_t va);
bool ref_walk_open(struct ref_walk *w, uint32_t pages); /* at most 512 */
uint64_t ref_walk_in(const struct ref_walk *w, uint64_t (*use)(const struct ref_walk *w, uint64_t n), uint64_t n);
uint64_t ref_walk_rounds(const struct ref_walk *w, uint64_t n);
void ref_walk_close(struct ref_walk *w);

/* ---- frame_ref.c: a free list under a ticket lock; the C library's malloc ---- */
struct ref_frames {
    struct ref_lock lock;
    uint32_t first;
    uint32_t *next;
    uint8_t *ram;
};
bool ref_frames_open(struct ref_frames *f);
void ref_frames_rounds(struct ref_frames *f, uint64_t n);
void ref_frames_close(struct ref_frames *f);
void ref_malloc_rounds(uint64_t n);

/* ---- wire_ref.c: two threads and Linux between them ---- */
enum { REF_WIRE_BYTES = 64 }; /* the 8 words of a channel's message */
struct ref_wire {
    int ping_out, ping_in, pong_out, pong_in;
    size_t bytes;
};
bool ref_pipe_open(struct ref_wire *w);
bool ref_eventfd_open(struct ref_wire *w);
bool ref_socket_open(struct ref_wire *w);
void ref_wire_ping(struct ref_wire *w, uint64_t n);
void ref_wire_pong(struct ref_wire *w, uint64_t n);
void ref_wire_close(struct ref_wire *w);

/* ---- turn_ref.c: two threads and one cache line between them ---- */
struct ref_turn {
    _Alignas(128) uint32_t turn;
    uint8_t message[REF_WIRE_BYTES - sizeof(uint32_t)];
};
void ref_line_ping(struct ref_turn *t, uint64_t n);
void ref_line_pong(struct ref_turn *t, uint64_t n);
void ref_futex_ping(struct ref_turn *t, uint64_t n);
void ref_futex_pong(struct ref_turn *t, uint64_t n);

/* ---- guest_ref.c, kvm_ref.c: a bare KVM_RUN loop ---- */
enum ref_guest { REF_GUEST_PIO, REF_GUEST_MMIO, REF_GUEST_HLT, REF_GUEST_COUNT };
enum { REF_GUEST_ENTRY = 0x1000, REF_GUEST_HOLE = 0x8000, REF_GUEST_PORT = 0x10, REF_GUEST_MEMORY = 0x4000 };
/* Real-mode code for REF_GUEST_ENTRY that exits for ever; the kernel's figure runs the same bytes. */
const uint8_t *ref_guest_code(enum ref_guest guest, size_t *ret_bytes);
struct ref_kvm {
    int kvm, vm, vcpu;
    size_t run_size;
    struct kvm_run *run;
    uint8_t *memory;
    uint32_t reason; /* the exit that is expected */
};
/* False: *ret_why says which step Linux refused (a literal), errno why. */
bool ref_kvm_open(struct ref_kvm *k, enum ref_guest guest, const char **ret_why);
/* Exits done before one was not as expected: n when all were. */
uint64_t ref_kvm_rounds(struct ref_kvm *k, uint64_t n);
void ref_kvm_close(struct ref_kvm *k);

/* ---- work_ref.c: a floor for the harness itself: units of work that cannot be optimised away ---- */
void ref_work_rounds(uint64_t units, uint64_t n);
