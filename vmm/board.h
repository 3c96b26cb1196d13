/* SPDX-License-Identifier: BSD-2-Clause */
/* board: the guest's I/O ports: which device answers where, and what no device answers to.
 *
 * State      the devices; whether and how the guest asked for its end
 * Ports      0x3f8 serial (IRQ 4), 0x70 CMOS, 0x60/0x64 keyboard controller (reset only), 0x92 and 0xcf9 reset, 0xf4 debug exit,
 *            0x600 and 0x604 ACPI (power off). Everything else reads as all ones and swallows writes: so PCI's
 *            configuration ports 0xcf8 and 0xcfc read as an empty bus, and 0x80 is a delay. KVM has PIC, PIT and I/O APIC
 * Outside    struct serial's functions, and the time */
#pragma once
#include "cmos.h"
#include "serial.h"
#include <ukern/user.h>

enum board_end { BOARD_RUNS, BOARD_POWER_OFF, BOARD_RESET, BOARD_DEBUG_EXIT };

struct board {
    struct serial com1;
    struct cmos cmos;
    enum board_end end;
    uint8_t exit_code;     /* BOARD_DEBUG_EXIT: the byte written to 0xf4 */
    const char *reset_by;  /* BOARD_RESET */
    uint8_t keyboard_command, keyboard_mode, keyboard_data, port92;
    bool keyboard_full;
    uint8_t acpi[8];       /* PM1a event and control blocks */
    uint64_t (*seconds)(void *ctx); /* since 1970 */
    void *ctx;
};

void board_init(struct board *b, uint64_t ram, void *ctx, uint64_t (*seconds)(void *ctx));
/* Does what the exit asks for; a read's bytes are put into x->data. */
void board_io(struct board *b, struct ukern_vm_exit *x);
