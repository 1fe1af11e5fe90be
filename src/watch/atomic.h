/*
 * watch/atomic.h - atomic operations on plain integers, with the memory order in the name.
 *
 * What base/atomic.h is for the library, with the few operations that are needed here: this library shares nothing
 * with the others, since it is loaded into programs that may have another version of them. scripts/lint-atomics reads
 * the tags of both.
 */
#ifndef FL_WATCH_ATOMIC_H
#define FL_WATCH_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#define fl_likely(x) __builtin_expect(!!(x), 1)
#define fl_unlikely(x) __builtin_expect(!!(x), 0)

#define fl_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define fl_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define fl_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define fl_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

#define fl_cas_relaxed(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define fl_cas_acquire(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define fl_cas_release(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)

/* Returns what *p was. */
#define fl_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define fl_exchange_release(p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELEASE)
#define fl_exchange_acquire(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)

#define fl_fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)

/* Orders this thread with its own signal handlers: keeps the compiler, not the processor, from moving accesses. */
#define fl_signal_fence() __atomic_signal_fence(__ATOMIC_SEQ_CST)

#endif
