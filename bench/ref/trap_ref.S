/* SPDX-License-Identifier: BSD-2-Clause */
/* trap_ref: the raw kernel call: this thread's record, on to its kernel stack, one call through a table, and back. */
    .text
    .globl ref_trap
    .type ref_trap, @function
    .p2align 4
ref_trap: /* rdi: call number; rsi rdx rcx r8: arguments; result in rax:rdx */
    mov ref_trap_here@gottpoff(%rip), %rax
    mov %fs:(%rax), %rax
    mov %rsp, 8(%rax)
    mov (%rax), %rsp
    push %rax
    sub $8, %rsp
    lea ref_trap_table(%rip), %r9
    call *(%r9, %rdi, 8)
    add $8, %rsp
    pop %rcx
    mov 8(%rcx), %rsp
    ret
    .size ref_trap, .-ref_trap

    .section .note.GNU-stack, "", @progbits
