/* SPDX-License-Identifier: BSD-2-Clause */
/* switch_test: the stack switch keeps every callee-saved register. The compiler decides which of them hold something when a task
 * switches; so here all six do, and a stack is switched to itself. */
#include "harness.h"
#include "host/switch.h"

void probe(uint64_t ret_registers[6]);
__asm__(".text\n.globl probe\n.hidden probe\n.type probe, @function\nprobe:\n"
        "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\npushq %rdi\nsubq $8, %rsp\n"
        "movl $11, %ebp\nmovl $22, %ebx\nmovl $33, %r12d\nmovl $44, %r13d\nmovl $55, %r14d\nmovl $66, %r15d\n"
        "movq %rsp, %rdi\nleaq -56(%rsp), %rsi\n" /* where the stack will be: the return address and six registers lower */
        "call switch_stack\n"
        "movq 8(%rsp), %rdi\nmovq %rbp, (%rdi)\nmovq %rbx, 8(%rdi)\nmovq %r12, 16(%rdi)\nmovq %r13, 24(%rdi)\n"
        "movq %r14, 32(%rdi)\nmovq %r15, 40(%rdi)\n"
        "addq $8, %rsp\npopq %rdi\npopq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n.size probe, .-probe\n");

START_TEST(callee_saved_registers_are_kept)
{
    uint64_t registers[6] = { 0 };
    probe(registers);
    for (uint64_t i = 0; i < 6; i++)
        ck_assert_uint_eq(registers[i], 11 * (i + 1));
}
END_TEST

HARNESS_TESTS("host/switch", callee_saved_registers_are_kept)
