/* SPDX-License-Identifier: BSD-2-Clause */
/* serial: see serial.h. Source: National Semiconductor's PC16550D data sheet. */
#include "serial.h"
#include <string.h>

enum { DATA, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };
enum { IER_RECEIVED = 1, IER_EMPTY = 2, IER_MASK = 15 };
enum { FCR_ENABLE = 1, FCR_CLEAR_RECEIVER = 2 };
enum { LCR_DIVISOR = 0x80 };
enum { MCR_DTR = 1, MCR_RTS = 2, MCR_OUT1 = 4, MCR_OUT2 = 8, MCR_LOOP = 16 };
enum { LSR_DATA = 1, LSR_EMPTY = 0x60 };
enum { MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80 };
enum { IIR_NONE = 1, IIR_EMPTY = 2, IIR_RECEIVED = 4, IIR_FIFO = 0xc0 };

void serial_init(struct serial *s, void *ctx, void (*out)(void *, const uint8_t *, size_t), void (*line)(void *, bool), void (*hungry)(void *))
{
    *s = (struct serial){ .ctx = ctx, .out = out, .line = line, .hungry = hungry, .dll = 1, .thr_empty = true };
}

static uint8_t cause(const struct serial *s)
{
    if (s->ier & IER_RECEIVED && s->in_count)
        return IIR_RECEIVED;
    if (s->ier & IER_EMPTY && s->thr_empty)
        return IIR_EMPTY;
    return IIR_NONE;
}

/* On a PC, OUT2 lets the interrupt through. */
static void update_line(struct serial *s)
{
    bool level = cause(s) != IIR_NONE && s->mcr & MCR_OUT2 && !(s->mcr & MCR_LOOP);
    if (level != s->level)
        s->line(s->ctx, level);
    s->level = level;
}

static void transmit(struct serial *s, const uint8_t *bytes, uint32_t n)
{
    /* The line falls while the byte is on its way: the interrupt controller wants an edge for the next one. */
#ifndef UKERN_BUG_VMM_UART_EDGE
    s->thr_empty = false;
    update_line(s);
#endif
    if (s->mcr & MCR_LOOP)
        serial_receive(s, bytes, n < serial_room(s) ? n : serial_room(s));
    else
        s->out(s->ctx, bytes, n);
    s->thr_empty = true;
    update_line(s);
}

static void write_register(struct serial *s, uint32_t offset, uint8_t v)
{
    switch (offset) {
    case DATA: s->dll = v; break; /* only with LCR_DIVISOR */
    case IER:
        if (s->lcr & LCR_DIVISOR) {
            s->dlm = v;
        } else {
            if (!(s->ier & IER_EMPTY) && v & IER_EMPTY)
                s->thr_empty = true; /* enabling it raises it at once */
            s->ier = v & IER_MASK;
        }
        break;
    case IIR_FCR:
        s->fcr = v;
        if (v & FCR_CLEAR_RECEIVER)
            s->in_count = 0;
        break;
    case LCR: s->lcr = v; break;
    case MCR: s->mcr = v & 31; break;
    case SCR: s->scratch = v; break;
    default: break; /* line and modem status cannot be written */
    }
}

void serial_write(struct serial *s, uint32_t offset, const uint8_t *bytes, uint32_t n)
{
    if (offset == DATA && !(s->lcr & LCR_DIVISOR)) {
        transmit(s, bytes, n);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        write_register(s, offset, bytes[i]);
    update_line(s);
}

static uint8_t read_data(struct serial *s)
{
    if (s->lcr & LCR_DIVISOR)
        return s->dll;
    if (!s->in_count)
        return 0;
    uint8_t v = s->in[s->in_first];
    s->in_first = (s->in_first + 1) % SERIAL_BUFFER;
    if (--s->in_count == 0)
        s->hungry(s->ctx);
    return v;
}

static uint8_t read_cause(struct serial *s)
{
    uint8_t v = cause(s);
    if (v == IIR_EMPTY)
        s->thr_empty = false; /* reading it answers it */
    return v | (s->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint8_t modem_status(const struct serial *s)
{
    if (!(s->mcr & MCR_LOOP))
        return MSR_CTS | MSR_DSR | MSR_DCD;
    return (uint8_t)((s->mcr & MCR_RTS ? MSR_CTS : 0) | (s->mcr & MCR_DTR ? MSR_DSR : 0) | (s->mcr & MCR_OUT1 ? MSR_RI : 0) |
                     (s->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

uint8_t serial_read(struct serial *s, uint32_t offset)
{
    uint8_t v = 0;
    switch (offset) {
    case DATA: v = read_data(s); break;
    case IER: v = s->lcr & LCR_DIVISOR ? s->dlm : s->ier; break;
    case IIR_FCR: v = read_cause(s); break;
    case LCR: v = s->lcr; break;
    case MCR: v = s->mcr; break;
    case LSR: v = (uint8_t)(LSR_EMPTY | (s->in_count ? LSR_DATA : 0)); break;
    case MSR: v = modem_status(s); break;
    case SCR: v = s->scratch; break;
    default: break;
    }
    update_line(s);
    return v;
}

uint32_t serial_room(const struct serial *s) { return SERIAL_BUFFER - s->in_count; }

void serial_receive(struct serial *s, const uint8_t *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        s->in[(s->in_first + s->in_count++) % SERIAL_BUFFER] = bytes[i];
    update_line(s);
}
