/*
 * bench/lock.cc - a lock that nobody else wants: acquire and release, in a process that has a second (idle) thread.
 *
 * The second thread matters: glibc leaves out the atomic instructions while a process has one thread only, and a
 * program with one thread needs no lock. The floors are the two instructions that a lock cannot do without, on a word
 * that stays in the cache.
 */
#include "harness.h"
#include "locks.hh"

static int64_t time_floor_store(uint64_t n)
{
	alignas(BENCH_CACHE_LINE) uint32_t word = 0;
	int64_t start = bench_now();

	for (; n > 0; n--) {
		uint32_t expected = 0;

		__atomic_compare_exchange_n(&word, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
		bench_fence();
		__atomic_store_n(&word, 0, __ATOMIC_RELEASE);
		bench_fence();
	}
	return bench_now() - start;
}

static int64_t time_floor_exchange(uint64_t n)
{
	alignas(BENCH_CACHE_LINE) uint32_t word = 0;
	int64_t start = bench_now();

	for (; n > 0; n--) {
		uint32_t expected = 0;

		__atomic_compare_exchange_n(&word, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
		bench_fence();
		__atomic_exchange_n(&word, 0, __ATOMIC_RELEASE);
		bench_fence();
	}
	return bench_now() - start;
}

/* The same by a thread that holds another lock, which is when a checker of their order has something to do. */
template <class lock> static int64_t time_second(uint64_t n)
{
	lock first, second;
	typename lock::held held_first, held_second;

	first.acquire(held_first);
	int64_t start = bench_now();

	for (; n > 0; n--) {
		second.acquire(held_second);
		bench_fence();
		second.release(held_second);
		bench_fence();
	}
	int64_t took = bench_now() - start;

	first.release(held_first);
	return took;
}

const struct bench bench_lock[] = {
	{
		.cpus = 1,
		.metrics = {{
			.name = "lock",
			.what = "acquire + release of a free lock, in a process with two threads",
			.unit = "ns",
			.scale = 1,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "pthread", 0.77}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_uncontended<fairlead_lock>},
				{"pthread", BENCH_PEER, time_uncontended<pthread_lock>},
				{"pthread adaptive", BENCH_PEER, time_uncontended<pthread_adaptive>},
				{"nsync", BENCH_PEER, time_uncontended<nsync_lock>},
				{"GLib", BENCH_PEER, time_uncontended<glib_lock>},
				{"Abseil", BENCH_PEER, time_uncontended<absl_lock>},
				{"TBB mutex", BENCH_PEER, time_uncontended<tbb_lock>},
				{"TBB spin", BENCH_SPINNER, time_uncontended<tbb_spin>},
				{"TBB queuing", BENCH_SPINNER, time_uncontended<tbb_queuing>},
				{"ck fas", BENCH_SPINNER, time_uncontended<ck_fas>},
				{"ck ticket", BENCH_SPINNER, time_uncontended<ck_ticket>},
				{"floor: CAS + store", BENCH_FLOOR, time_floor_store},
				{"floor: CAS + exchange", BENCH_FLOOR, time_floor_exchange},
			},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "lock-second",
			.what = "the same by a thread that holds another lock",
			.unit = "ns",
			.scale = 1,
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_second<fairlead_lock>},
				{"pthread", BENCH_PEER, time_second<pthread_lock>},
				{"nsync", BENCH_PEER, time_second<nsync_lock>},
				{"Abseil", BENCH_PEER, time_second<absl_lock>},
			},
	},
	{},
};
