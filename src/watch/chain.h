/*
 * watch/chain.h - along the chain of what a thread holds: the quick way, and the way round it.
 *
 * The quick way is taken when the thread has been there before, in the same segment of its life, and the lock is
 * still the same: then there is one place to look at, and a count to go down. notes.h says what chains are.
 *
 * Many programs call from one place only, in a function of their own which locks; and std::mutex does when it is not
 * inlined. Which of its callers it was shows in how deep the stack is there: so a site is the address that the call
 * returns to with, in its highest bits, some of the stack pointer's. They are few, so that a function that calls itself
 * does not make a chain for each depth.
 *
 * Which acquisitions are timed: the first TIMED_FIRST of a chain, then one of 64 to 127, at distances that vary, so
 * that a program which does the same thing every 64 times is not misjudged. A hold of some tenths of a second is
 * found by the command, which looks at the tops from outside.
 */
#ifndef FL_WATCH_CHAIN_H
#define FL_WATCH_CHAIN_H

#include "atomic.h"
#include "notes.h"
#include <stddef.h>
#include <time.h>

/* The seat of the calling thread; or that of nobody, where no way is known. */
extern __thread struct watch_seat *watch_me_ __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* A stack pointer is a multiple of 16: its bits 4 to 11 come to be 56 to 63. */
#define WATCH_SITE ((const void *)((uintptr_t)__builtin_return_address(0) | (uintptr_t)__builtin_dwarf_cfa() << 52))

/* How the lock is acquired is part of the site, and whether the chain is to be said in the log again. */
#define WATCH_MODE_SHIFT 48u
#define WATCH_STALE (UINT64_C(1) << 52)

static inline uintptr_t watch_address(uint64_t site)
{
	return (uintptr_t)(site & ((UINT64_C(1) << WATCH_MODE_SHIFT) - 1));
}

static inline int64_t watch_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static inline uint64_t watch_site(const void *where, unsigned mode)
{
	return (uintptr_t)where | (uint64_t)mode << WATCH_MODE_SHIFT;
}

/* The bucket in which the child of a chain is looked for. Chains lie 256 bytes apart, locks a multiple of 8. */
static inline uint32_t watch_bucket(const struct watch_chain *parent, uintptr_t lock, uint64_t site)
{
	return (uint32_t)((uintptr_t)parent >> 8) + (uint32_t)(lock >> 3) + (uint32_t)site;
}

/* Returns the chain that is the top's with that lock, acquired there; NULL: watch_find_ is to be asked. */
static inline struct watch_chain *watch_step(const struct watch_seat *me, const void *lock, unsigned mode,
					     const void *where)
{
	uint64_t site = watch_site(where, mode);
	struct watch_chain *chain = me->buckets[watch_bucket(me->top, (uintptr_t)lock, site) & me->mask];

	if (fl_likely(chain->parent == me->top && chain->address == (uintptr_t)lock &&
		      fl_load_relaxed(&chain->site) == site))
		return chain;
	return NULL;
}

/* The same in all cases, with a new chain if there is none; NULL: this is not watched. */
struct watch_chain *watch_find_(const void *lock, unsigned mode, enum watch_kind kind, const void *site);

/* Begins to time, and chooses when next. */
void watch_time_(struct watch_chain *chain);

/* The thread is about to acquire the lock of a chain, and may wait for ever. */
static inline void watch_go(struct watch_seat *me, struct watch_chain *chain)
{
	/* [top.1] release; pairs with [top.2] */
	fl_store_release(&me->top, (struct watch_chain *)((uintptr_t)chain | WATCH_GOING));
}

/* What a thread holds; also in a signal handler that interrupts an acquisition. */
static inline struct watch_chain *watch_held(const struct watch_seat *me)
{
	uintptr_t top = (uintptr_t)me->top;
	struct watch_chain *chain = (struct watch_chain *)(top & ~WATCH_GOING);

	return top & WATCH_GOING ? chain->parent : chain;
}

/* The lock has been acquired. */
static inline void watch_enter(struct watch_seat *me, struct watch_chain *chain)
{
	/* [top.1] release; pairs with [top.2] */
	fl_store_release(&me->top, chain);
	if (fl_unlikely(--chain->left == 0))
		watch_time_(chain);
}

/* A lock has been released, or was not acquired after all. */
static inline void watch_back(struct watch_seat *me, struct watch_chain *chain)
{
	/* [top.1] release; pairs with [top.2] */
	fl_store_release(&me->top, chain->parent);
}

/* A lock is about to be released. This is the quick way: the lock was the last one, and is not timed. */
static inline bool watch_leave_last(const void *lock)
{
	struct watch_seat *me = watch_me_;
	struct watch_chain *top = me->top;

	if (fl_unlikely(top->address != (uintptr_t)lock || top->since != 0))
		return false;
	watch_back(me, top);
	return true;
}

/* The same in all cases. */
void watch_leave_(const void *lock);

/* Gives a seat that was never used an empty chain and buckets; returns whether there was room. */
bool watch_furnish_(struct watch_seat *seat);

/* A chain, or all that can be gone along next, is to be said in the log again. */
void watch_stale_(struct watch_chain *chain);
void watch_all_stale_(const struct watch_seat *me);

/* Puts a lock on the top that the thread holds although it did not acquire it: one of before a fork. */
void watch_inherit_(const void *lock, unsigned mode, enum watch_kind kind, const void *site);

#endif
