/* SPDX-License-Identifier: BSD-2-Clause */
/* cmos: see cmos.h. Source: Motorola's MC146818 data sheet; the memory-size bytes are the PC's convention. */
#include "cmos.h"

enum { SECONDS = 0, MINUTES = 2, HOURS = 4, WEEKDAY = 6, DAY = 7, MONTH = 8, YEAR = 9, STATUS_A, STATUS_B, STATUS_C, STATUS_D, CENTURY = 0x32 };
enum { B_24_HOURS = 2, B_BINARY = 4 };

static void put_size(struct cmos *c, uint32_t at, uint64_t v)
{
    uint64_t most = v > 0xffff ? 0xffff : v;
    c->memory[at] = (uint8_t)most;
    c->memory[at + 1] = (uint8_t)(most >> 8);
}

void cmos_init(struct cmos *c, uint64_t ram)
{
    *c = (struct cmos){ 0 };
    c->memory[STATUS_A] = 0x26;
    c->memory[STATUS_B] = B_24_HOURS;
    c->memory[STATUS_D] = 0x80; /* the battery is good */
    uint64_t mib = 1 << 20, above = ram > mib ? ram - mib : 0;
    put_size(c, 0x15, ram < 640 << 10 ? ram >> 10 : 640);
    put_size(c, 0x17, above >> 10);
    put_size(c, 0x30, above >> 10);
    put_size(c, 0x34, ram > 16 * mib ? (ram - 16 * mib) >> 16 : 0);
}

void cmos_write(struct cmos *c, uint32_t port, uint8_t v)
{
    if (port == 0x70)
        c->index = v & 0x7f; /* bit 7 masks NMI */
    else if (c->index >= STATUS_D + 1 || c->index == STATUS_B || c->index == 1 || c->index == 3 || c->index == 5)
        c->memory[c->index] = v; /* alarms, mode, memory; the clock itself stays the machine's */
}

/* Days since 1970 -> year, month 1..12, day 1..31 (Gregorian; March-based years make the leap day the last one). */
static void civil(uint64_t days, uint32_t *ret_year, uint32_t *ret_month, uint32_t *ret_day)
{
    uint64_t z = days + 719468, era = z / 146097, doe = z % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint64_t mp = (5 * doy + 2) / 153;
    *ret_day = (uint32_t)(doy - (153 * mp + 2) / 5 + 1);
    *ret_month = (uint32_t)(mp < 10 ? mp + 3 : mp - 9);
#ifdef UKERN_BUG_VMM_NEW_YEAR
    *ret_year = (uint32_t)(yoe + era * 400);
#else
    *ret_year = (uint32_t)(yoe + era * 400 + (*ret_month <= 2));
#endif
}

static uint32_t clock_field(uint8_t index, uint64_t seconds)
{
    uint32_t year, month, day;
    uint64_t days = seconds / 86400, rest = seconds % 86400;
    civil(days, &year, &month, &day);
    switch (index) {
    case SECONDS: return (uint32_t)(rest % 60);
    case MINUTES: return (uint32_t)(rest / 60 % 60);
    case HOURS: return (uint32_t)(rest / 3600);
    case WEEKDAY: return (uint32_t)((days + 4) % 7 + 1); /* 1970 began on a Thursday; Sunday is 1 */
    case DAY: return day;
    case MONTH: return month;
    case YEAR: return year % 100;
    default: return year / 100;
    }
}

uint8_t cmos_read(const struct cmos *c, uint32_t port, uint64_t seconds)
{
    uint8_t i = c->index;
    if (port == 0x70)
        return 0xff;
    if (!(i == SECONDS || i == MINUTES || i == HOURS || (i >= WEEKDAY && i <= YEAR) || i == CENTURY))
        return c->memory[i];
    uint32_t v = clock_field(i, seconds), hour = v;
    if (i == HOURS && !(c->memory[STATUS_B] & B_24_HOURS))
        v = hour % 12 ? hour % 12 : 12;
    if (!(c->memory[STATUS_B] & B_BINARY))
        v = v / 10 << 4 | v % 10;
    if (i == HOURS && !(c->memory[STATUS_B] & B_24_HOURS) && hour >= 12)
        v |= 0x80;
    return (uint8_t)v;
}
