/* SPDX-License-Identifier: BSD-2-Clause */
/* sanitize: tells AddressSanitizer which bytes of our own memory are nobody's.                    Row core/sanitize
 *
 * For       arena and frames: the sanitizer knows malloc's memory, not what we hand out ourselves
 * Builds    without ASan both functions are nothing */
#pragma once
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
