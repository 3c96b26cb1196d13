/* SPDX-License-Identifier: BSD-2-Clause */
/* switch_ref: the raw context switch: callee-saved registers, stack pointer, and pop+jmp.
 *
 * The caller's return address lies above the saved registers. It is popped and jumped to: `ret` would be predicted with
 * the address of the context that is being left, and be wrong every time. */
    .text
    .globl ref_switch
    .type ref_switch, @function
    .p2align 4
ref_switch: /* rdi: where this context's stack pointer goes; rsi: the stack pointer to continue with */
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    pop %rcx
    jmp *%rcx
    .size ref_switch, .-ref_switch

    .globl ref_switch_entry
    .type ref_switch_entry, @function
    .p2align 4
ref_switch_entry: /* a new context's first instruction: rbx is the argument of ref_switch_other */
    mov %rbx, %rdi
    call ref_switch_other@PLT
    ud2
    .size ref_switch_entry, .-ref_switch_entry

    .section .note.GNU-stack, "", @progbits
