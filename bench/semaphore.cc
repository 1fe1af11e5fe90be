/*
 * bench/semaphore.cc - a semaphore that nobody waits for: release a permit and acquire it again; and one that processes
 * share.
 */
#include "harness.h"
#include "semaphores.hh"

template <class semaphore> static int64_t time_semaphore(uint64_t n)
{
	semaphore object;
	int64_t start = bench_now();

	for (; n > 0; n--) {
		object.release();
		bench_fence();
		object.acquire();
		bench_fence();
	}
	return bench_now() - start;
}

/* The other way round: only who has a permit releases it. */
static int64_t time_seats(uint64_t n)
{
	fairlead_seats object;
	int64_t start = bench_now();

	for (; n > 0; n--) {
		object.acquire();
		bench_fence();
		object.release();
		bench_fence();
	}
	return bench_now() - start;
}

static int64_t time_two_atomics(uint64_t n)
{
	alignas(BENCH_CACHE_LINE) uint32_t word = 0;
	int64_t start = bench_now();

	for (; n > 0; n--) {
		__atomic_fetch_add(&word, 1, __ATOMIC_RELEASE);
		bench_fence();
		uint32_t expected = 1;

		__atomic_compare_exchange_n(&word, &expected, 0, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
		bench_fence();
	}
	return bench_now() - start;
}

const struct bench bench_semaphore[] = {
	{
		.cpus = 1,
		.metrics = {{
			.name = "semaphore",
			.what = "release + acquire of a semaphore that nobody waits for",
			.unit = "ns",
			.scale = 1,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "sem_t", 0.75}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_semaphore<fairlead_semaphore>},
				{"sem_t", BENCH_PEER, time_semaphore<posix_semaphore>},
				{"std::counting_semaphore", BENCH_PEER, time_semaphore<std_semaphore>},
				{"floor: add + CAS", BENCH_FLOOR, time_two_atomics},
			},
	},
	{},
};

const struct bench bench_shared_semaphore[] = {
	{
		.cpus = 1,
		.metrics = {{
			.name = "shared-semaphore",
			.what = "release + acquire of a semaphore that processes share",
			.unit = "ns",
			.scale = 1,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "sem_t, process-shared", 1.2}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_semaphore<fairlead_shared_semaphore>},
				{"fairlead, with holders", BENCH_VARIANT, time_seats},
				{"sem_t, process-shared", BENCH_PEER, time_semaphore<posix_shared_semaphore>},
				{"floor: add + CAS", BENCH_FLOOR, time_two_atomics},
			},
	},
	{},
};
