/* SPDX-License-Identifier: BSD-2-Clause */
/* acpi: the few tables that let a guest find its interrupt controllers, and power off and reset in order.
 *
 * For        guests that ask ACPI for the machine's shape; nothing in them depends on the guest
 * Tables     RSDP, XSDT, FADT, FACS, MADT, DSDT (its one object is _S5), from ACPI_AT on, in the BIOS area
 * Ports      ACPI_EVENT (status and enable), ACPI_CONTROL (PM1a: power off); the reset register is 0xcf9 */
#pragma once
#include <stdint.h>

#define ACPI_AT UINT64_C(0xe0000)
enum { ACPI_EVENT = 0x600, ACPI_CONTROL = 0x604, ACPI_S5 = 5, ACPI_BYTES = 0x1000 };

/* Writes the tables; guest RAM [ACPI_AT, ACPI_AT + ACPI_BYTES) must be there. */
void acpi_write(uint8_t *ram);
