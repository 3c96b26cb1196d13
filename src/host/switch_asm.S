/* SPDX-License-Identifier: BSD-2-Clause */
/* switch: the stack switches that C cannot express.                                              Row host/switch
 *
 * switch_stack(void **save_sp, void *to_sp)  saves the callee-saved registers on the old stack, pops them from the new
 * switch_first                               a new stack's first return address: calls rbx(r12)
 * switch_trap(call, a0, a1, a2, a3)          the kernel entry of hosted tasks (ukern_trap): from the task's stack to the
 *                                            kernel stack of the running thread, trap_enter, and back
 * switch_user(entry, start, user_sp)         leaves the kernel for the first time: entry(start) on the task's stack; what
 *                                            it returns is its exit code
 * switch_fault                               where a signal handler sends a task that faulted: trap_fault on its kernel stack
 *
 * Direction flag and x87/SSE state: as at any C call. Control words: see sched/kctx. */

/* clang's way to say what gcc's macros say. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

#define CPU_KSTACK 0   /* offsetof(struct cpu, kstack_top), checked in host/fault.c */
#define CPU_IN_USER 8  /* offsetof(struct cpu, in_user) */

        .text
        .globl  switch_stack
        .hidden switch_stack
        .type   switch_stack, @function
        .p2align 4
switch_stack:
        .cfi_startproc
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        popq    %r15
#ifdef UKERN_BUG_SWITCH_R15
        xorl    %r15d, %r15d
#endif
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        popq    %rcx
        jmpq    *%rcx
        .cfi_endproc
        .size   switch_stack, .-switch_stack

        .globl  switch_first
        .hidden switch_first
        .type   switch_first, @function
switch_first:
        .cfi_startproc
        .cfi_undefined rip
        movq    %r12, %rdi
        xorl    %ebp, %ebp
        callq   *%rbx
        ud2
        .cfi_endproc
        .size   switch_first, .-switch_first

        .globl  switch_trap
        .hidden switch_trap
        .type   switch_trap, @function
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        .globl  ukern_trap
        .type   ukern_trap, @function
        .set    ukern_trap, switch_trap
#endif
        .p2align 4
switch_trap:
        .cfi_startproc
        movq    here@gottpoff(%rip), %rax
        movq    %fs:(%rax), %r9
        testq   %r9, %r9
        jz      1f
        cmpb    $0, CPU_IN_USER(%r9)
        je      1f
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register rbp
        movq    CPU_KSTACK(%r9), %rsp
        callq   trap_enter
        leave
        .cfi_def_cfa rsp, 8
        ret
1:      movl    $5, %eax                /* UKERN_NOTFOUND, checked in host/fault.c: no task is running here */
        xorl    %edx, %edx
        ret
        .cfi_endproc
        .size   switch_trap, .-switch_trap

        .globl  switch_user
        .hidden switch_user
        .type   switch_user, @function
switch_user:
        .cfi_startproc
        .cfi_undefined rip
        movq    %rdx, %rsp
        movq    %rdi, %rax
        movq    %rsi, %rdi
        xorl    %ebp, %ebp
        callq   *%rax
        movl    %eax, %esi
        xorl    %edx, %edx              /* no words */
        xorl    %ecx, %ecx
        movl    $1, %edi                /* UKERN_CALL_exit */
        callq   ukern_trap@PLT
        ud2
        .cfi_endproc
        .size   switch_user, .-switch_user

        .globl  switch_fault
        .hidden switch_fault
        .type   switch_fault, @function
switch_fault:
        .cfi_startproc
        .cfi_undefined rip
        movq    here@gottpoff(%rip), %rax
        movq    %fs:(%rax), %rdi
        movq    CPU_KSTACK(%rdi), %rsp
        xorl    %ebp, %ebp
        cld
        callq   trap_fault
        ud2
        .cfi_endproc
        .size   switch_fault, .-switch_fault
        .section .note.GNU-stack,"",@progbits
