/* SPDX-License-Identifier: BSD-2-Clause */
/* sanitize: tells AddressSanitizer which bytes of our own memory are nobody's.                    Row core/sanitize
 *
 * For       arena and frames: the sanitizer knows malloc's memory, not what we hand out ourselves
 *           valgrind knows a frame by the address through which it was written: what the kernel writes through the
 *           direct map it does not see in the window that shows the same frame, so copies take the knowledge along
 * Builds    without ASan the first two functions are nothing; the third asks whether valgrind is there at all */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZE_ADDRESS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZE_ADDRESS 1
#endif
#endif
#ifndef SANITIZE_ADDRESS
#define SANITIZE_ADDRESS 0
#endif

#if SANITIZE_ADDRESS
#include <sanitizer/asan_interface.h>
/* Any access to these bytes is reported, until they are given out again. */
static inline void sanitize_poison(const volatile void *p, size_t n) { __asan_poison_memory_region(p, n); }
static inline void sanitize_unpoison(const volatile void *p, size_t n) { __asan_unpoison_memory_region(p, n); }
#else
static inline void sanitize_poison(const volatile void *p, size_t n) { (void)p, (void)n; }
static inline void sanitize_unpoison(const volatile void *p, size_t n) { (void)p, (void)n; }
#endif

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
/* n bytes at `to` are now as defined, for valgrind, as those at `from` are: both as they are read by whoever owns them. */
static inline void sanitize_copied(void *to, const void *from, size_t n)
{
    unsigned char bits[256];
    for (size_t done = 0, part; done < n; done += part) {
        part = n - done < sizeof bits ? n - done : sizeof bits;
        if (VALGRIND_GET_VBITS((const char *)from + done, bits, part) == 1)
            (void)VALGRIND_SET_VBITS((char *)to + done, bits, part);
        else
            (void)VALGRIND_MAKE_MEM_DEFINED((char *)to + done, part);
    }
}
static inline bool sanitize_valgrind(void) { return RUNNING_ON_VALGRIND != 0; }
#else /* built where there is no valgrind: such a build cannot be looked at by one, and says nothing to it */
#define VALGRIND_STACK_REGISTER(low, high) ((void)(low), (void)(high), 0u)
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
static inline void sanitize_copied(void *to, const void *from, size_t n) { (void)to, (void)from, (void)n; }
static inline bool sanitize_valgrind(void) { return false; }
#endif
