/*
 * bench/rwlock.cc - readers/writer locks that nobody else wants: the read side and the write side.
 */
#include "c_peers.hh"
#include "harness.h"

#include <absl/synchronization/mutex.h>
#include <fairlead/rwlock.h>
#include <glib.h>
#include <oneapi/tbb/rw_mutex.h>
#include <oneapi/tbb/spin_rw_mutex.h>
#include <pthread.h>

struct alignas(BENCH_CACHE_LINE) fairlead_rwlock {
	fl_rwlock lock = FL_RWLOCK_INIT;

	void acquire_read() { fl_rwlock_acquire_read(&lock); }
	void release_read() { fl_rwlock_release_read(&lock); }
	void acquire_write() { fl_rwlock_acquire_write(&lock); }
	void release_write() { fl_rwlock_release_write(&lock); }
};

struct alignas(BENCH_CACHE_LINE) pthread_rw {
	pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

	void acquire_read() { pthread_rwlock_rdlock(&lock); }
	void release_read() { pthread_rwlock_unlock(&lock); }
	void acquire_write() { pthread_rwlock_wrlock(&lock); }
	void release_write() { pthread_rwlock_unlock(&lock); }
};

struct alignas(BENCH_CACHE_LINE) nsync_rw {
	nsync::nsync_mu lock = NSYNC_MU_INIT;

	void acquire_read() { nsync::nsync_mu_rlock(&lock); }
	void release_read() { nsync::nsync_mu_runlock(&lock); }
	void acquire_write() { nsync::nsync_mu_lock(&lock); }
	void release_write() { nsync::nsync_mu_unlock(&lock); }
};

struct alignas(BENCH_CACHE_LINE) glib_rw {
	GRWLock lock;

	glib_rw() { g_rw_lock_init(&lock); }
	~glib_rw() { g_rw_lock_clear(&lock); }
	void acquire_read() { g_rw_lock_reader_lock(&lock); }
	void release_read() { g_rw_lock_reader_unlock(&lock); }
	void acquire_write() { g_rw_lock_writer_lock(&lock); }
	void release_write() { g_rw_lock_writer_unlock(&lock); }
};

struct alignas(BENCH_CACHE_LINE) absl_rw {
	absl::Mutex lock;

	void acquire_read() { lock.ReaderLock(); }
	void release_read() { lock.ReaderUnlock(); }
	void acquire_write() { lock.Lock(); }
	void release_write() { lock.Unlock(); }
};

template <class mutex> struct alignas(BENCH_CACHE_LINE) tbb_rw_of_type {
	mutex lock;

	void acquire_read() { lock.lock_shared(); }
	void release_read() { lock.unlock_shared(); }
	void acquire_write() { lock.lock(); }
	void release_write() { lock.unlock(); }
};

using tbb_rw = tbb_rw_of_type<tbb::rw_mutex>;
using tbb_spin_rw = tbb_rw_of_type<tbb::spin_rw_mutex>;

struct alignas(BENCH_CACHE_LINE) ck_rw {
	ck_rwlock_t lock = CK_RWLOCK_INITIALIZER;

	void acquire_read() { ck_rwlock_read_lock(&lock); }
	void release_read() { ck_rwlock_read_unlock(&lock); }
	void acquire_write() { ck_rwlock_write_lock(&lock); }
	void release_write() { ck_rwlock_write_unlock(&lock); }
};

template <class lock> static int64_t time_read(uint64_t n)
{
	lock object;
	int64_t start = bench_now();

	for (; n > 0; n--) {
		object.acquire_read();
		bench_fence();
		object.release_read();
		bench_fence();
	}
	return bench_now() - start;
}

template <class lock> static int64_t time_write(uint64_t n)
{
	lock object;
	int64_t start = bench_now();

	for (; n > 0; n--) {
		object.acquire_write();
		bench_fence();
		object.release_write();
		bench_fence();
	}
	return bench_now() - start;
}

const struct bench bench_rwlock[] = {
	{
		.cpus = 1,
		.metrics = {{
			.name = "rwlock-read",
			.what = "acquire + release of the read side of a free readers/writer lock",
			.unit = "ns",
			.scale = 1,
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_read<fairlead_rwlock>},
				{"pthread", BENCH_PEER, time_read<pthread_rw>},
				{"nsync", BENCH_PEER, time_read<nsync_rw>},
				{"GLib", BENCH_PEER, time_read<glib_rw>},
				{"Abseil", BENCH_PEER, time_read<absl_rw>},
				{"TBB rw_mutex", BENCH_PEER, time_read<tbb_rw>},
				{"TBB spin_rw_mutex", BENCH_SPINNER, time_read<tbb_spin_rw>},
				{"ck", BENCH_SPINNER, time_read<ck_rw>},
			},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "rwlock-write",
			.what = "acquire + release of the write side of a free readers/writer lock",
			.unit = "ns",
			.scale = 1,
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_write<fairlead_rwlock>},
				{"pthread", BENCH_PEER, time_write<pthread_rw>},
				{"nsync", BENCH_PEER, time_write<nsync_rw>},
				{"GLib", BENCH_PEER, time_write<glib_rw>},
				{"Abseil", BENCH_PEER, time_write<absl_rw>},
				{"TBB rw_mutex", BENCH_PEER, time_write<tbb_rw>},
				{"TBB spin_rw_mutex", BENCH_SPINNER, time_write<tbb_spin_rw>},
				{"ck", BENCH_SPINNER, time_write<ck_rw>},
			},
	},
	{},
};
