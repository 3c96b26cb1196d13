/* SPDX-License-Identifier: BSD-2-Clause */
/* chan: synchronous channels: a message is copied once, from the sender's addresses to the receiver's.
 *                                                              Row ipc/chan, CertiKOS PIPCIntro, PIPC
 * State       per channel two FIFO queues: threads that wait to send, threads that wait to receive; one of them is empty
 * Primitives  chan_send     waits until a receiver took the message; *ret_taken = min(n, what the receiver had room for)
 *             chan_receive  waits for a sender; *ret_got likewise
 *             Both: BADARG (no such channel, n over CHAN_BYTES), FAULT (an address of the caller's that is not mapped, or
 *             not writable; before anything is sent), TIMEOUT (machine time `deadline`; 0: none)
 * Invariants  whoever waits has a buffer that was checked, and stays as it is: its space changes only in its own calls
 * Lock        chan.lock (per channel) guards the queues and the message fields of the threads in them
 * Difference  CertiKOS's receiver never blocks (result 1027); here both sides do. See docs/decisions.md */
#pragma once
#include "core/lock.h"

enum { CHAN_BYTES = 65536 };

enum ukern_status chan_init(uint32_t channels) must_use;
enum ukern_status chan_send(struct chan_id ch, uint64_t va, uint64_t n, uint64_t deadline, uint64_t *ret_taken) must_use;
enum ukern_status chan_receive(struct chan_id ch, uint64_t va, uint64_t n, uint64_t deadline, uint64_t *ret_got) must_use;
