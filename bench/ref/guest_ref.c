/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_ref: the guests of the exit figures: one exit and one jump back, in real mode. */
#include "ref.h"

static const uint8_t pio[] = { 0xe6, REF_GUEST_PORT, 0xeb, 0xfc };   /* 1: out %al, $PORT; jmp 1b  */
static const uint8_t mmio[] = { 0xa2, 0x00, 0x80, 0xeb, 0xfb };      /* 1: mov %al, HOLE; jmp 1b   */
static const uint8_t hlt[] = { 0xf4, 0xeb, 0xfd };                   /* 1: hlt; jmp 1b             */
_Static_assert(REF_GUEST_HOLE == 0x8000, "the address in the code of mmio[]");

const uint8_t *ref_guest_code(enum ref_guest guest, size_t *ret_bytes)
{
    switch (guest) {
    case REF_GUEST_MMIO:
        *ret_bytes = sizeof mmio;
        return mmio;
    case REF_GUEST_HLT:
        *ret_bytes = sizeof hlt;
        return hlt;
    default:
        *ret_bytes = sizeof pio;
        return pio;
    }
}
