/*
 * bench/monitors.hh - a lock and its condition behind the same names, for templates; see locks.hh.
 *
 * Fairlead's condition is over an fl_lock, which is what the peers have too; on its own it would be over an RLock.
 */
#ifndef FAIRLEAD_BENCH_MONITORS_HH
#define FAIRLEAD_BENCH_MONITORS_HH

#include "c_peers.hh"
#include "machine.h"

#include <absl/synchronization/mutex.h>
#include <fairlead/condition.h>
#include <fairlead/lock.h>
#include <glib.h>
#include <pthread.h>

struct alignas(BENCH_CACHE_LINE) fairlead_monitor {
	fl_lock lock = FL_LOCK_INIT;
	fl_condition changed = FL_CONDITION_OVER_LOCK(&lock);

	void acquire() { fl_lock_acquire(&lock); }
	void release() { fl_lock_release(&lock); }
	void wait() { fl_condition_wait(&changed); }
	void notify() { fl_condition_notify(&changed, 1); }
	void notify_all() { fl_condition_notify_all(&changed); }
};

struct alignas(BENCH_CACHE_LINE) pthread_monitor {
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

	void acquire() { pthread_mutex_lock(&lock); }
	void release() { pthread_mutex_unlock(&lock); }
	void wait() { pthread_cond_wait(&changed, &lock); }
	void notify() { pthread_cond_signal(&changed); }
	void notify_all() { pthread_cond_broadcast(&changed); }
};

struct alignas(BENCH_CACHE_LINE) nsync_monitor {
	nsync::nsync_mu lock = NSYNC_MU_INIT;
	nsync::nsync_cv changed = NSYNC_CV_INIT;

	void acquire() { nsync::nsync_mu_lock(&lock); }
	void release() { nsync::nsync_mu_unlock(&lock); }
	void wait() { nsync::nsync_cv_wait(&changed, &lock); }
	void notify() { nsync::nsync_cv_signal(&changed); }
	void notify_all() { nsync::nsync_cv_broadcast(&changed); }
};

struct alignas(BENCH_CACHE_LINE) glib_monitor {
	GMutex lock;
	GCond changed;

	glib_monitor()
	{
		g_mutex_init(&lock);
		g_cond_init(&changed);
	}
	~glib_monitor()
	{
		g_cond_clear(&changed);
		g_mutex_clear(&lock);
	}
	void acquire() { g_mutex_lock(&lock); }
	void release() { g_mutex_unlock(&lock); }
	void wait() { g_cond_wait(&changed, &lock); }
	void notify() { g_cond_signal(&changed); }
	void notify_all() { g_cond_broadcast(&changed); }
};

struct alignas(BENCH_CACHE_LINE) absl_monitor {
	absl::Mutex lock;
	absl::CondVar changed;

	void acquire() { lock.Lock(); }
	void release() { lock.Unlock(); }
	void wait() { changed.Wait(&lock); }
	void notify() { changed.Signal(); }
	void notify_all() { changed.SignalAll(); }
};

#endif
