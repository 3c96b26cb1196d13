/* SPDX-License-Identifier: BSD-2-Clause */
/* board: see board.h. */
#include "board.h"
#include "acpi.h"
#include <string.h>

enum { COM1 = 0x3f8, CMOS = 0x70, KEYBOARD_DATA = 0x60, KEYBOARD = 0x64, PORT_92 = 0x92, RESET = 0xcf9, DEBUG_EXIT = 0xf4 };
enum { PM1_ENABLED = 1, PM1_SLEEP = 1 << 13 };

void board_init(struct board *b, uint64_t ram, void *ctx, uint64_t (*seconds)(void *ctx))
{
    b->end = BOARD_RUNS;
    b->exit_code = 0;
    b->reset_by = NULL;
    b->keyboard_command = b->keyboard_data = 0;
    b->keyboard_mode = 0x30; /* both ports off */
    b->keyboard_full = false;
    b->port92 = 2; /* A20 is on */
    memset(b->acpi, 0, sizeof b->acpi);
    b->acpi[4] = PM1_ENABLED;
    b->ctx = ctx;
    b->seconds = seconds;
    cmos_init(&b->cmos, ram);
}

static void board_reset(struct board *b, const char *by)
{
    b->end = BOARD_RESET;
    b->reset_by = by;
}

static void keyboard_answer(struct board *b, uint8_t v)
{
    b->keyboard_data = v;
    b->keyboard_full = true;
}

static void keyboard_write(struct board *b, uint32_t port, uint8_t v)
{
    if (port == KEYBOARD_DATA) {
        if (b->keyboard_command == 0x60)
            b->keyboard_mode = v;
        else if (b->keyboard_command == 0xd1 && !(v & 1))
            board_reset(b, "the keyboard controller's output port");
        b->keyboard_command = 0;
        return;
    }
    b->keyboard_command = v;
    switch (v) {
    case 0x20: keyboard_answer(b, b->keyboard_mode); break;
    case 0xaa: keyboard_answer(b, 0x55); break; /* self-test passed */
    case 0xab:
    case 0xa9: keyboard_answer(b, 1); break;    /* nothing plugged in: clock line stuck */
    case 0xfe: board_reset(b, "the keyboard controller (0xfe to port 0x64)"); break;
    default: break;
    }
}

static uint8_t keyboard_read(struct board *b, uint32_t port)
{
    if (port == KEYBOARD)
        return (uint8_t)(0x14 | (b->keyboard_full ? 1 : 0)); /* unlocked, initialised, never busy */
    b->keyboard_full = false;
    return b->keyboard_data;
}

static void acpi_port_write(struct board *b, uint32_t offset, uint8_t v)
{
    if (offset < 2)
        b->acpi[offset] &= (uint8_t)~v; /* status: writing a one clears it */
    else if (offset != 4)
        b->acpi[offset] = v;
    else
        b->acpi[4] = v | PM1_ENABLED;
    if (offset == 5 && v & PM1_SLEEP >> 8)
        b->end = BOARD_POWER_OFF; /* S5 is the only state on offer */
}

static void port_write(struct board *b, uint32_t port, uint8_t v)
{
    if (port == CMOS || port == CMOS + 1)
        cmos_write(&b->cmos, port, v);
    else if (port == KEYBOARD || port == KEYBOARD_DATA)
        keyboard_write(b, port, v);
    else if (port >= ACPI_EVENT && port < ACPI_EVENT + sizeof b->acpi)
        acpi_port_write(b, port - ACPI_EVENT, v);
    else if (port == PORT_92 && v & 1)
        board_reset(b, "port 0x92");
    else if (port == PORT_92)
        b->port92 = v;
    else if (port == RESET && v & 4)
        board_reset(b, "port 0xcf9");
    else if (port == DEBUG_EXIT) {
        b->end = BOARD_DEBUG_EXIT;
        b->exit_code = v;
    }
}

static uint8_t port_read(struct board *b, uint32_t port)
{
    if (port == CMOS || port == CMOS + 1)
        return cmos_read(&b->cmos, port, b->seconds(b->ctx));
    if (port == KEYBOARD || port == KEYBOARD_DATA)
        return keyboard_read(b, port);
    if (port >= ACPI_EVENT && port < ACPI_EVENT + sizeof b->acpi)
        return b->acpi[port - ACPI_EVENT];
    if (port == PORT_92)
        return b->port92;
    return 0xff;
}

static bool is_com1(uint64_t port) { return port >= COM1 && port < COM1 + SERIAL_PORTS; }

/* PCI's ports are 32 bits wide, and 0xcf9 is one of 0xcf8's bytes: only a byte written there resets. */
static bool is_pci(const struct ukern_vm_exit *x) { return x->width == 4 && (x->address & ~UINT64_C(7)) == 0xcf8; }

void board_io(struct board *b, struct ukern_vm_exit *x)
{
    uint32_t n = x->width * x->count;
    if (x->width == 1 && is_com1(x->address) && x->write) {
        serial_write(&b->com1, (uint32_t)x->address - COM1, x->data, n);
        return;
    }
    /* A wider access is its bytes at consecutive ports. */
    for (uint32_t i = 0; i < n && i < sizeof x->data; i++) {
#ifdef UKERN_BUG_VMM_IN_WIDTH
        uint32_t port = (uint32_t)x->address;
#else
        uint32_t port = (uint32_t)x->address + i % x->width;
#endif
        if (is_pci(x)) {
            if (!x->write)
                x->data[i] = 0xff;
        } else if (is_com1(port) && x->write) {
            serial_write(&b->com1, port - COM1, &x->data[i], 1);
        } else if (is_com1(port)) {
            x->data[i] = serial_read(&b->com1, port - COM1);
        } else if (x->write) {
            port_write(b, port, x->data[i]);
        } else {
            x->data[i] = port_read(b, port);
        }
    }
}
