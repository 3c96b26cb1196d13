/* SPDX-License-Identifier: BSD-2-Clause */
/* spec: what an x_spec.c is written with.                                                           Row core/spec
 *
 *     enum verdict frame_drop_spec(struct frame_view *s, struct frame_id f, const struct frame_drop_ret *did,
 *                                  struct frame_drop_ret *r)
 *
 * View        s->x is the layer's own component; s->lower is read-only; a hidden one is no member
 * Choice      did is what the code returned, or NULL when there is no code and the spec chooses; the result goes to r
 * Maps        has, get, set, del, size, first, first_from, first_absent, EACH; val, let for variables; a get of what is not there is zeroes
 * Verdicts    PRE comes first, once in every spec: false blames the caller. ALLOW: false blames the code
 * Lower       a spec changes its own component with set, del, let, and a lower one by calling the lower layer's primitive by its
 *             own name: beside the code that is the step that the code took there, instead of the code it is the lower primitive
 * R           AGREE and HOLDS say what differs. They take no lock
 * Names       spec_asks, spec_pre, spec_only_asked, spec_says, spec_agree, spec_refused, spec_met,
 *             spec_acts
 * Lock        none */
#pragma once
#include "core/hook.h"
#include "hooks.h" /* generated: views, results, prototypes of the specs */

/* The words below nest: get(a, get(b, k)). Each has its names in a scope of its own. */
#pragma GCC diagnostic ignored "-Wshadow"

#define KEY(M, key) \
    ({ typeof(*(M).k) key_ = (key); \
       uint64_t word_ = 0; \
       static_assert(sizeof key_ <= sizeof word_, "a key has at most 8 bytes"); \
       memcpy(&word_, &key_, sizeof key_); \
       word_; })
#define FROM_KEY(M, word) \
    ({ uint64_t from_word_ = (word); \
       typeof(*(M).k) from_key_; \
       memcpy(&from_key_, &from_word_, sizeof from_key_); \
       from_key_; })
#define IS(M, map) (&(M).m == (map))
#define INIT(M, text) \
    do { \
        static_assert(sizeof *(M).k <= 8 && sizeof *(M).v <= MAP_VALUE, "a key has at most 8 bytes, a value at most 24"); \
        map_init(&(M).m, (text), sizeof *(M).k, sizeof *(M).v, __builtin_types_compatible_p(typeof(*(M).v), uint64_t)); \
    } while (0)

#define has(M, key) (map_at(&(M).m, KEY(M, key)) != NULL)
#define get(M, key) \
    ({ typeof(*(M).v) got_; \
       const void *at_ = map_at(&(M).m, KEY(M, key)); \
       if (at_) \
           memcpy(&got_, at_, sizeof got_); \
       else \
           memset(&got_, 0, sizeof got_); \
       got_; })
#define set(M, key, value) \
    ({ typeof(*(M).v) value_ = (value); \
       map_put(&(M).m, KEY(M, key), &value_); })
#define del(M, key) map_put(&(M).m, KEY(M, key), NULL)
#define size(M) ((M).m.size)
#define val(V) get(V, 0)
#define let(V, value) set(V, 0, value)
/* For keys that are small numbers: the lowest key that is there, or not, from `from` on; all ones: there is none. They remember
 * where they looked, so they also take a map that the spec may not change. */
#define first(M) FROM_KEY(M, map_next((struct map *)(uintptr_t)&(M).m, 0))
#define first_from(M, from) FROM_KEY(M, map_next((struct map *)(uintptr_t)&(M).m, KEY(M, from)))
#define first_absent(M, from) FROM_KEY(M, map_next_absent((struct map *)(uintptr_t)&(M).m, KEY(M, from)))
/* For each key, in no particular order, so only for "all" and "how many". The map may not change meanwhile. */
#define EACH(M, each) \
    for (size_t slot_ = 0, on_ = 1; on_ && slot_ < (size_t)1 << (M).m.log2; slot_++) \
        for (uint64_t word_of_, once_ = map_slot_key(&(M).m, slot_, &word_of_); once_; once_ = 0) \
            for (typeof(*(M).k) each = FROM_KEY(M, word_of_); once_ && (on_ = 0, true); once_ = 0, on_ = 1)

#define PRE(cond) \
    do { \
        if (spec_asks() && !spec_pre((cond), #cond)) \
            return UNDEFINED; \
        if (spec_only_asked()) \
            return DEFINED; \
    } while (0)
#define ALLOW(cond) \
    do { \
        if (!(cond)) \
            return spec_says(#cond), FORBIDDEN; \
    } while (0)
#define CHOICE(did, field, canonical) ((did) ? (did)->field : (canonical))
#define AGREE(abstract, code, ...) spec_agree((uint64_t)(abstract), (uint64_t)(code), __VA_ARGS__)
#define HOLDS(cond, ...) ((cond) || spec_agree(1, 0, __VA_ARGS__))
/* What the code waits for, before it does anything: right after PRE. Beside the code it has waited; instead of it the step is given
 * up, with the lock that stands for the object's, and tried again until it can be taken. */
#define AWAIT(cond) \
    do { \
        if (!did && !(cond)) \
            return WAITING; \
    } while (0)
/* Likewise, for each CPU that it has held once since the call began; what must happen before anybody is waited for comes before it, and
 * may happen again. */
#define AWAIT_EACH(cpu, cond) \
    do { \
        bool all_ = true; \
        for (uint32_t cpu = 0; !did && cpu < here->m->cpus; cpu++) \
            all_ = spec_met(cpu, (cond)) && all_; \
        if (!all_) \
            return WAITING; \
    } while (0)
/* The hardware's effect: what the code would have done to it, when there is no code. */
#define INSTEAD(statement) \
    do { \
        if (!did && spec_acts()) { \
            statement; \
        } \
    } while (0)
/* Whether the host has refused something during this call: an environment value. */
#define hardware_refused() spec_refused()

#ifdef UKERN_CHECK
bool spec_asks(void);       /* PRE is evaluated now */
bool spec_only_asked(void); /* and nothing else is */
bool spec_pre(bool holds, const char *cond);
void spec_says(const char *why);
bool spec_agree(uint64_t abstract, uint64_t code, const char *what, ...) __attribute__((format(printf, 3, 4)));
bool spec_refused(void);
bool spec_met(uint32_t cpu, bool holds);
bool spec_acts(void);       /* the hardware's effect is wanted: the spec is not only asked what it would say */
#endif
