/* SPDX-License-Identifier: BSD-2-Clause */
/* guest.h: what the test guests share: the serial port and the debug-exit port. General registers only, so that they run on hosts
 * whose KVM interprets supervisor code. Flat guests are assembled for 0000:7c00 and begin at `start`. */
#define COM1 0x3f8
#define DEBUG_EXIT 0xf4

/* AL -> COM1. Changes DX. */
#define PUT_AL movw $COM1, %dx; outb %al, %dx
/* Ends the guest. */
#define EXIT(code) movb $(code), %al; outb %al, $DEBUG_EXIT; 99: hlt; jmp 99b
