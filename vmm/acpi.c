/* SPDX-License-Identifier: BSD-2-Clause */
/* acpi: see acpi.h. Source: the ACPI Specification 6.4, chapters 4, 5 and 20. */
#include "acpi.h"
#include "plan.h"
#include <string.h>

enum { XSDT_AT = 0x40, FADT_AT = 0x100, FACS_AT = 0x240, MADT_AT = 0x300, DSDT_AT = 0x400, HEADER = 36 };

static void put_header(uint8_t *t, const char *signature, uint32_t length, uint8_t revision)
{
    memcpy(t, signature, 4);
    plan_put32(t, 4, length);
    t[8] = revision;
    memcpy(t + 10, "UKERN UKERNVMM", 14);
    plan_put32(t, 24, 1);
    memcpy(t + 28, "UKRN", 4);
    plan_put32(t, 32, 1);
}

/* Makes the bytes of a table add up to zero. */
static void put_checksum(uint8_t *t, uint64_t length, uint64_t at)
{
    uint8_t sum = 0;
    t[at] = 0;
    for (uint64_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + t[i]);
    t[at] = (uint8_t)-sum;
}

static void put_roots(uint8_t *base)
{
    uint8_t *rsdp = base, *xsdt = base + XSDT_AT;
    memcpy(rsdp, "RSD PTR ", 8);
    memcpy(rsdp + 9, "UKERN ", 6);
    rsdp[15] = 2;
    plan_put32(rsdp, 20, 36);
    plan_put64(rsdp, 24, ACPI_AT + XSDT_AT);
    put_checksum(rsdp, 20, 8);
    put_checksum(rsdp, 36, 32);
    put_header(xsdt, "XSDT", HEADER + 16, 1);
    plan_put64(xsdt, HEADER, ACPI_AT + FADT_AT);
    plan_put64(xsdt, HEADER + 8, ACPI_AT + MADT_AT);
    put_checksum(xsdt, HEADER + 16, 9);
}

/* A generic address: a register in I/O space. */
static void put_port(uint8_t *t, uint64_t at, uint8_t bits, uint8_t access, uint64_t port)
{
    t[at] = 1;
    t[at + 1] = bits;
    t[at + 3] = access;
    plan_put64(t, at + 4, port);
}

static void put_fadt(uint8_t *base)
{
    enum { LENGTH = 276, WBINVD = 1 << 0, PROC_C1 = 1 << 2, NO_BUTTONS = 3 << 4, RESET = 1 << 10 };
    uint8_t *t = base + FADT_AT;
    put_header(t, "FACP", LENGTH, 6);
    plan_put32(t, 36, ACPI_AT + FACS_AT);
    plan_put32(t, 40, ACPI_AT + DSDT_AT);
    plan_put16(t, 46, 9); /* SCI */
    plan_put32(t, 56, ACPI_EVENT);
    plan_put32(t, 64, ACPI_CONTROL);
    t[88] = 4; /* bytes of the event block, of the control block */
    t[89] = 2;
    plan_put16(t, 96, 0xfff);  /* no C2, no C3 */
    plan_put16(t, 98, 0xfff);
    t[108] = 0x32;             /* the CMOS register of the century */
    plan_put16(t, 109, 1 << 0 | 1 << 2); /* legacy devices, no VGA; no 8042 keyboard */
    plan_put32(t, 112, WBINVD | PROC_C1 | NO_BUTTONS | RESET);
    put_port(t, 116, 8, 1, 0xcf9);
    t[128] = 6; /* what resets, when written there */
    t[131] = 4;
    plan_put64(t, 140, ACPI_AT + DSDT_AT);
    put_port(t, 148, 32, 2, ACPI_EVENT);
    put_port(t, 172, 16, 2, ACPI_CONTROL);
    put_checksum(t, LENGTH, 9);
    memcpy(base + FACS_AT, "FACS", 4);
    plan_put32(base + FACS_AT, 4, 64);
    base[FACS_AT + 32] = 2;
}

static void put_madt(uint8_t *base)
{
    /* One CPU (APIC 0), the I/O APIC (1) with interrupts 0..23, and ISA's interrupt 9 (SCI): active high, level. */
    static const uint8_t entries[] = { 0, 8, 0, 0, 1, 0, 0, 0, 1, 12, 1, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0, 2, 10, 0, 9, 9, 0, 0, 0, 0x0d, 0 };
    uint8_t *t = base + MADT_AT;
    put_header(t, "APIC", HEADER + 8 + sizeof entries, 5);
    plan_put32(t, HEADER, 0xfee00000);
    plan_put32(t, HEADER + 4, 1); /* the two 8259s are there as well */
    memcpy(t + HEADER + 8, entries, sizeof entries);
    put_checksum(t, HEADER + 8 + sizeof entries, 9);
}

static void put_dsdt(uint8_t *base)
{
    /* Name (_S5, Package () { 5, 0, 0, 0 }) */
    static const uint8_t aml[] = { 0x08, '_', 'S', '5', '_', 0x12, 0x07, 0x04, 0x0a, ACPI_S5, 0x00, 0x00, 0x00 };
    uint8_t *t = base + DSDT_AT;
    put_header(t, "DSDT", HEADER + sizeof aml, 2);
    memcpy(t + HEADER, aml, sizeof aml);
    put_checksum(t, HEADER + sizeof aml, 9);
}

void acpi_write(uint8_t *ram)
{
    uint8_t *base = ram + ACPI_AT;
    memset(base, 0, ACPI_BYTES);
    put_roots(base);
    put_fadt(base);
    put_madt(base);
    put_dsdt(base);
}
