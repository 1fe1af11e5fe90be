/*
 * base/atomic.h - atomic operations on plain integers, with the memory order in the name.
 *
 * Public structs hold plain integers so that C++ can include them; these macros are how Fairlead touches the shared
 * ones. Only operations that somebody needs are here. Each use of an acquiring or releasing one carries a tag that
 * names its partner ("[lock.2] release; pairs with [lock.1]"), and scripts/lint-atomics checks that both ends exist.
 *
 * The model tests (tests/model) replace this file by their own operations, which let a scheduler choose what happens
 * next: so code in src/ shares memory between threads through these macros and in no other way.
 */
#ifndef FL_BASE_ATOMIC_H
#define FL_BASE_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#define fl_likely(x) __builtin_expect(!!(x), 1)
#define fl_unlikely(x) __builtin_expect(!!(x), 0)

#ifdef FL_MODEL
#include "model_atomic.h"
#else

#define fl_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define fl_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define fl_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define fl_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* Where a thread writes one word and then reads another, and a second thread does so the other way round, and one of
 * them at least must see what the other one wrote (Dekker's flags): all four of this kind, or fl_cas_seq_cst and
 * fl_exchange_seq_cst. */
#define fl_load_seq_cst(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define fl_store_seq_cst(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)

/* Compare and swap: true if *p was *expected and now is v; otherwise *expected is what *p was. A failed one orders
 * nothing, except fl_cas_acq_rel, which acquires. */
#define fl_cas_relaxed(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define fl_cas_acquire(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define fl_cas_release(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
#define fl_cas_acq_rel(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define fl_cas_seq_cst(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)
/* The same, and a failed one orders as much as one that did not. */
#define fl_cas_either_seq_cst(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

#define fl_exchange_relaxed(p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELAXED)
#define fl_exchange_acquire(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define fl_exchange_release(p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELEASE)
#define fl_exchange_acq_rel(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define fl_exchange_seq_cst(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)

/* These return what *p was. */
#define fl_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define fl_add_seq_cst(p, v) __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define fl_sub_release(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELEASE)
#define fl_and_relaxed(p, v) __atomic_fetch_and((p), (v), __ATOMIC_RELAXED)
#define fl_or_relaxed(p, v) __atomic_fetch_or((p), (v), __ATOMIC_RELAXED)

/* Orders this thread with its own signal handlers: keeps the compiler, not the processor, from moving accesses
 * across. */
#define fl_signal_fence() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* Tells the processor that this is a spinning loop. */
static inline void fl_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#else
	__asm__ volatile("" ::: "memory");
#endif
}

/* Begins to fetch a cache line for writing. A load that is followed by a store fetches it twice: once to share it,
 * once to own it. */
static inline void fl_prefetch_write(const void *address)
{
#if defined(__x86_64__)
	/* The compiler's builtin makes a prefetch for reading of it unless told that the processor is new. */
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)address));
#else
	__builtin_prefetch(address, 1);
#endif
}

#endif
#endif
