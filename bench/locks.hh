/*
 * bench/locks.hh - every lock of the comparison behind the same two names, for templates.
 *
 * A contestant is a struct with acquire(held) and release(held), inline and nothing but the library's own call, so
 * that a template's loop over it is the loop that a user of that library would have written. `held` is what the
 * holder has to keep between the two: a queue node for a queuing lock, nothing for most.
 *
 * Each object begins on a cache line of its own and is initialised as its library says, without tuning. The locks of
 * ConcurrencyKit are macros and inline functions, and TBB's spin locks live in its headers, so these are inlined, as
 * they are for anybody.
 */
#ifndef FAIRLEAD_BENCH_LOCKS_HH
#define FAIRLEAD_BENCH_LOCKS_HH

#include "c_peers.hh"
#include "machine.h"

#include <absl/synchronization/mutex.h>
#include <fairlead/lock.h>
#include <fairlead/rlock.h>
#include <glib.h>
#include <oneapi/tbb/mutex.h>
#include <oneapi/tbb/queuing_mutex.h>
#include <oneapi/tbb/spin_mutex.h>
#include <pthread.h>

struct nothing {
};

struct alignas(BENCH_CACHE_LINE) fairlead_lock {
	using held = nothing;
	fl_lock lock = FL_LOCK_INIT;

	void acquire(held &) { fl_lock_acquire(&lock); }
	void release(held &) { fl_lock_release(&lock); }
};

struct alignas(BENCH_CACHE_LINE) fairlead_rlock {
	using held = nothing;
	fl_rlock lock = FL_RLOCK_INIT;

	void acquire(held &) { fl_rlock_acquire(&lock); }
	void release(held &) { fl_rlock_release(&lock); }
};

template <int kind> struct alignas(BENCH_CACHE_LINE) pthread_lock_of_kind {
	using held = nothing;
	pthread_mutex_t lock;

	pthread_lock_of_kind()
	{
		pthread_mutexattr_t attributes;

		pthread_mutexattr_init(&attributes);
		pthread_mutexattr_settype(&attributes, kind);
		pthread_mutex_init(&lock, &attributes);
		pthread_mutexattr_destroy(&attributes);
	}
	~pthread_lock_of_kind() { pthread_mutex_destroy(&lock); }
	void acquire(held &) { pthread_mutex_lock(&lock); }
	void release(held &) { pthread_mutex_unlock(&lock); }
};

using pthread_lock = pthread_lock_of_kind<PTHREAD_MUTEX_DEFAULT>;
using pthread_adaptive = pthread_lock_of_kind<PTHREAD_MUTEX_ADAPTIVE_NP>;
using pthread_recursive = pthread_lock_of_kind<PTHREAD_MUTEX_RECURSIVE>;

struct alignas(BENCH_CACHE_LINE) nsync_lock {
	using held = nothing;
	nsync::nsync_mu lock = NSYNC_MU_INIT;

	void acquire(held &) { nsync::nsync_mu_lock(&lock); }
	void release(held &) { nsync::nsync_mu_unlock(&lock); }
};

struct alignas(BENCH_CACHE_LINE) ck_fas {
	using held = nothing;
	ck_spinlock_fas_t lock = CK_SPINLOCK_FAS_INITIALIZER;

	void acquire(held &) { ck_spinlock_fas_lock(&lock); }
	void release(held &) { ck_spinlock_fas_unlock(&lock); }
};

struct alignas(BENCH_CACHE_LINE) ck_ticket {
	using held = nothing;
	ck_spinlock_ticket_t lock = CK_SPINLOCK_TICKET_INITIALIZER;

	void acquire(held &) { ck_spinlock_ticket_lock(&lock); }
	void release(held &) { ck_spinlock_ticket_unlock(&lock); }
};

struct alignas(BENCH_CACHE_LINE) glib_lock {
	using held = nothing;
	GMutex lock;

	glib_lock() { g_mutex_init(&lock); }
	~glib_lock() { g_mutex_clear(&lock); }
	void acquire(held &) { g_mutex_lock(&lock); }
	void release(held &) { g_mutex_unlock(&lock); }
};

struct alignas(BENCH_CACHE_LINE) glib_rlock {
	using held = nothing;
	GRecMutex lock;

	glib_rlock() { g_rec_mutex_init(&lock); }
	~glib_rlock() { g_rec_mutex_clear(&lock); }
	void acquire(held &) { g_rec_mutex_lock(&lock); }
	void release(held &) { g_rec_mutex_unlock(&lock); }
};

template <class mutex> struct alignas(BENCH_CACHE_LINE) tbb_lock_of_type {
	using held = nothing;
	mutex lock;

	void acquire(held &) { lock.lock(); }
	void release(held &) { lock.unlock(); }
};

using tbb_lock = tbb_lock_of_type<tbb::mutex>;
using tbb_spin = tbb_lock_of_type<tbb::spin_mutex>;

struct alignas(BENCH_CACHE_LINE) tbb_queuing {
	using held = tbb::queuing_mutex::scoped_lock;
	tbb::queuing_mutex lock;

	void acquire(held &mine) { mine.acquire(lock); }
	void release(held &mine) { mine.release(); }
};

struct alignas(BENCH_CACHE_LINE) absl_lock {
	using held = nothing;
	absl::Mutex lock;

	void acquire(held &) { lock.Lock(); }
	void release(held &) { lock.Unlock(); }
};

/* Nanoseconds for n acquisitions and releases by one thread that nobody disturbs. */
template <class lock> int64_t time_uncontended(uint64_t n)
{
	lock object;
	typename lock::held held;
	int64_t start = bench_now();

	for (; n > 0; n--) {
		object.acquire(held);
		bench_fence();
		object.release(held);
		bench_fence();
	}
	return bench_now() - start;
}

#endif
