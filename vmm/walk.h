/* SPDX-License-Identifier: BSD-2-Clause */
/* walk: the guest's own address translation, for reports: linear address -> guest-physical, without setting any bit.
 *
 * Modes      none (paging off), 32-bit, PAE, four and five levels; large pages
 * Input      hostile: tables may point anywhere, an entry outside the RAM ends the walk */
#pragma once
#include <ukern/user.h>

bool walk_guest(const uint8_t *ram, uint64_t bytes, const struct ukern_vm_regs *regs, uint64_t linear, uint64_t *ret_physical);
/* Copies up to n bytes from linear addresses; returns how many could be read. */
uint32_t walk_read(const uint8_t *ram, uint64_t bytes, const struct ukern_vm_regs *regs, uint64_t linear, uint8_t *to, uint32_t n);
