/* SPDX-License-Identifier: BSD-2-Clause */
/* serial: a 16550A UART, as PCs have it at COM1.
 *
 * State      the chip's registers, a receive buffer, the level of its interrupt line
 * Guards     what is offered beyond the buffer's room is not taken (serial_room says how much fits)
 * Outside    through three functions that the VMM gives: bytes out, interrupt line, more input wanted */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SERIAL_BUFFER = 256, SERIAL_PORTS = 8 };

struct serial {
    void *ctx;
    void (*out)(void *ctx, const uint8_t *bytes, size_t n);
    void (*line)(void *ctx, bool level);
    void (*hungry)(void *ctx); /* the guest has read all there was */
    uint8_t ier, lcr, mcr, scratch, dll, dlm, fcr;
    bool thr_empty; /* the interrupt "transmitter empty" is due */
    bool level;
    uint8_t in[SERIAL_BUFFER];
    uint32_t in_first, in_count;
};

void serial_init(struct serial *s, void *ctx, void (*out)(void *, const uint8_t *, size_t), void (*line)(void *, bool), void (*hungry)(void *));
/* offset 0..7. Bytes of one `rep` instruction come together. */
void serial_write(struct serial *s, uint32_t offset, const uint8_t *bytes, uint32_t n);
uint8_t serial_read(struct serial *s, uint32_t offset);
uint32_t serial_room(const struct serial *s);
void serial_receive(struct serial *s, const uint8_t *bytes, uint32_t n); /* n <= serial_room */
