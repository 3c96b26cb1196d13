/* SPDX-License-Identifier: BSD-2-Clause */
/* The tour's guest: a boot sector's worth of real mode. It says hello on the serial port, and ends with code 0 by the debug-exit
 * port 0xf4. Built to guest-hello.bin; loaded at 0000:7c00. */
    .code16
    .globl start
start:
    xorw %ax, %ax
    movw %ax, %ds
    movw $text, %si
    movw $0x3f8, %dx
    cld
1:  lodsb
    testb %al, %al
    jz 2f
    outb %al, %dx
    jmp 1b
2:  xorb %al, %al
    outb %al, $0xf4
3:  hlt
    jmp 3b
text:
    .asciz "guest: hello, I am running on /dev/kvm\n"
