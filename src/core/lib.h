/* SPDX-License-Identifier: BSD-2-Clause */
/* lib: what every file uses: ids, sizes, small integer helpers, the checks of the check build.   Row core/lib
 *
 * Ids are distinct types, so that swapped arguments do not compile. Each has one sentinel, NO_x.
 * Upward      machine_broken (core/machine), behind CHECK */
#pragma once
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ukern/ukern.h>

struct frame_id { uint32_t n; };   /* a 4 KiB frame of the simulated memory; physical address n * 4096 */
struct container_id { uint32_t n; }; /* who pays for memory; 0 is the root */
struct pt_id { uint32_t n; };      /* a page map, of a space or of a VM */
struct space_id { uint32_t n; };   /* an address space; its number is its page map's */
struct thread_id { uint32_t n; };  /* a thread; a task has exactly one */
struct chan_id { uint32_t n; };    /* a channel */
struct vm_id { uint32_t n; };      /* a virtual machine with its one vCPU */
struct kernel_bytes { void *at; }; /* a buffer of the kernel's own, as a parameter of a primitive */
#define NO_ID UINT32_MAX
#define NO_FRAME ((struct frame_id){ NO_ID })
#define NO_SPACE ((struct space_id){ NO_ID })
#define NO_THREAD ((struct thread_id){ NO_ID })

enum { FRAME_SIZE = 4096, FRAME_SHIFT = 12 };

/* What a page may be used for. A mapped page can always be read by the kernel. */
enum perm { PERM_READ = 0, PERM_WRITE = 1, PERM_USER = 2, PERM_EXEC = 4, PERM_ALL = 7 };

#define must_use __attribute__((warn_unused_result))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline bool is_aligned(uint64_t x, uint64_t to) { return (x & (to - 1)) == 0; }
static inline uint64_t round_up(uint64_t x, uint64_t to) { return (x + to - 1) & ~(to - 1); }
/* Whether [start, start + n) lies in [0, limit) without wrapping. */
static inline bool range_in(uint64_t start, uint64_t n, uint64_t limit) { return n <= limit && start <= limit - n; }

/* CHECK(cond, "what was expected, what came"): in the check build a false condition marks the machine BROKEN and parks
 * the CPU (machine_broken in core/machine.h); the fast build evaluates nothing. Never for errors of callers outside. */
#ifdef UKERN_CHECK
#define CHECK(cond, ...) ((cond) ? (void)0 : machine_broken(__FILE__, __LINE__, #cond, __VA_ARGS__))
_Noreturn void machine_broken(const char *file, int line, const char *cond, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));
#else
#define CHECK(cond, ...) ((void)0)
#endif

/* Planted bugs, for the tests of the checks: built with -DUKERN_BUG_<name>; none is ever defined otherwise. */
