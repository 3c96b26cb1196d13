/* SPDX-License-Identifier: BSD-2-Clause */
/* trap_ref: the raw kernel call: this thread's record, whether it may call, on to the kernel's stack, and back.
 *
 * rbp keeps the caller's stack pointer over the call, so nothing is stored beside what a C function stores. */
    .text
    .globl ref_trap
    .hidden ref_trap
    .type ref_trap, @function
    .p2align 4
ref_trap: /* rdi: call number; rsi rdx rcx r8: arguments; result in rax:rdx */
    mov ref_trap_here@gottpoff(%rip), %rax
    mov %fs:(%rax), %r9
    test %r9, %r9
    jz 1f
    cmpb $0, 8(%r9)
    je 1f
    push %rbp
    mov %rsp, %rbp
    mov (%r9), %rsp
    call ref_trap_enter
    leave
    ret
1:  mov $5, %eax
    xor %edx, %edx
    ret
    .size ref_trap, .-ref_trap

    .section .note.GNU-stack, "", @progbits
