/* SPDX-License-Identifier: BSD-2-Clause */
/* A multiboot 1 kernel: checks its start state, prints the command line, the KiB of usable memory (hexadecimal), and for each
 * module its name and contents. Exit code 33; 1 when the start state is wrong. */
#include "guest.h"
    .section .header, "a"
    .align 4
    .long 0x1badb002
    .long 3                   /* modules on page boundaries, memory map */
    .long -(0x1badb002 + 3)

    .text
    .code32
    .globl start
start:
    movl $stack_top, %esp
    cmpl $0x2badb002, %eax
    jne bad
    movl (%ebx), %eax
    andl $0x4d, %eax          /* memory, command line, modules, map */
    cmpl $0x4d, %eax
    jne bad
    cmpl $0, zeroes           /* .bss is zero */
    jne bad
    movl 16(%ebx), %esi
    call print
    call newline
    call memory
    call newline
    movl 20(%ebx), %ecx       /* modules */
    movl 24(%ebx), %edi
1:  jecxz 3f
    movl 8(%edi), %esi
    call print
    movb $':', %al
    call put
    movl (%edi), %esi
2:  cmpl 4(%edi), %esi
    jae 4f
    lodsb
    call put
    jmp 2b
4:  call newline
    addl $16, %edi
    decl %ecx
    jmp 1b
3:  movb $33, %al
    outb %al, $DEBUG_EXIT
bad:
    movb $1, %al
    outb %al, $DEBUG_EXIT
5:  hlt
    jmp 5b

/* The usable regions of the map, added up. */
memory:
    xorl %ebp, %ebp
    movl 48(%ebx), %esi
    movl %esi, %edx
    addl 44(%ebx), %edx
1:  cmpl %edx, %esi
    jae 2f
    cmpl $1, 20(%esi)
    jne 3f
    addl 12(%esi), %ebp
3:  addl (%esi), %esi
    addl $4, %esi
    jmp 1b
2:  shrl $10, %ebp
    movl $8, %ecx
4:  roll $4, %ebp
    movl %ebp, %eax
    andl $15, %eax
    movb digits(%eax), %al
    call put
    loop 4b
    ret

print:
    lodsb
    testb %al, %al
    jz 1f
    call put
    jmp print
1:  ret
newline:
    movb $'\n', %al
put:
    pushl %edx
    PUT_AL
    popl %edx
    ret

    .data
digits:
    .ascii "0123456789abcdef"
    .bss
zeroes:
    .skip 16
    .skip 4096
stack_top:
