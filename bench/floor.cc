/*
 * bench/floor.cc - what the machine makes anybody pay: atomic instructions, cache lines, system calls, switches.
 *
 * No library takes part. These figures say how far a result could still fall, and whether the machine was quiet: run
 * them before believing anything else. Benches that have a floor of their own repeat it among their contestants.
 */
#include "harness.h"
#include "pair.hh"
#include "semaphores.hh"

#include <sched.h>
#include <sys/resource.h>

static uint32_t compare_and_swap(uint32_t *word, uint32_t expected, uint32_t desired)
{
	__atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	return expected;
}

static int64_t time_cas(uint64_t n)
{
	alignas(BENCH_CACHE_LINE) uint32_t word = 0;
	int64_t start = bench_now();

	for (; n > 0; n--) {
		compare_and_swap(&word, 0, 0);
		bench_fence();
	}
	return bench_now() - start;
}

static int64_t time_cas_store(uint64_t n)
{
	alignas(BENCH_CACHE_LINE) uint32_t word = 0;
	int64_t start = bench_now();

	for (; n > 0; n--) {
		compare_and_swap(&word, 0, 1);
		bench_fence();
		__atomic_store_n(&word, 0, __ATOMIC_RELEASE);
		bench_fence();
	}
	return bench_now() - start;
}

static int64_t time_cas_exchange(uint64_t n)
{
	alignas(BENCH_CACHE_LINE) uint32_t word = 0;
	int64_t start = bench_now();

	for (; n > 0; n--) {
		compare_and_swap(&word, 0, 1);
		bench_fence();
		__atomic_exchange_n(&word, 0, __ATOMIC_SEQ_CST);
		bench_fence();
	}
	return bench_now() - start;
}

static int64_t time_relax(uint64_t n)
{
	int64_t start = bench_now();

	for (; n > 0; n--)
		bench_relax();
	return bench_now() - start;
}

static int64_t time_clock(uint64_t n)
{
	int64_t start = bench_now();

	for (; n > 0; n--)
		bench_now();
	return bench_now() - start;
}

/* One word that two threads change in turn by CAS: each change moves the cache line to the other CPU. */
struct cas_game {
	alignas(BENCH_CACHE_LINE) uint32_t word = 0;

	void play(uint32_t mine, uint64_t n)
	{
		for (; n > 0; n--)
			while (compare_and_swap(&word, mine, !mine) != mine)
				;
	}
	void ping(uint64_t n) { play(0, n); }
	void pong(uint64_t n) { play(1, n); }
};

static int64_t time_wake(uint64_t n, int operation)
{
	alignas(BENCH_CACHE_LINE) uint32_t word = 0;
	int64_t start = bench_now();

	for (; n > 0; n--)
		syscall(SYS_futex, &word, operation, 1, nullptr, nullptr, 0);
	return bench_now() - start;
}

static int64_t time_wake_private(uint64_t n)
{
	return time_wake(n, FUTEX_WAKE_PRIVATE);
}

static int64_t time_wake_shared(uint64_t n)
{
	return time_wake(n, FUTEX_WAKE);
}

/* Two threads on one CPU that yield to each other. The kernel may answer a yield without a switch, so switches are
 * counted. */
struct yield_game {
	int64_t switches = 0;

	static int64_t count_switches()
	{
		struct rusage usage;

		getrusage(RUSAGE_THREAD, &usage);
		return usage.ru_nvcsw + usage.ru_nivcsw;
	}
	static void yield(uint64_t n)
	{
		for (; n > 0; n--)
			sched_yield();
	}
	void ping(uint64_t n)
	{
		int64_t before = count_switches();

		yield(n);
		switches = 2 * (count_switches() - before);
	}
	void pong(uint64_t n) { yield(n); }
};

/* As time_pair, for n switches. */
static int64_t time_switch(uint64_t n)
{
	pair_of<yield_game> pair;
	struct bench_crew crew;

	pair.n = n;
	bench_crew_start(&crew, BENCH_ONE_CPU, 2, pair_of<yield_game>::play, &pair);
	bench_crew_join(&crew);
	int64_t switches = pair.object.switches > 0 ? pair.object.switches : 1;

	return static_cast<int64_t>(static_cast<double>(pair.took) * static_cast<double>(n) /
				    static_cast<double>(switches));
}

const struct bench bench_floor[] = {
	{
		.cpus = 1,
		.metrics = {{.name = "floor",
			     .what = "what the machine makes anybody pay; one CPU",
			     .unit = "ns",
			     .scale = 1}},
		.contestants =
			{
				{"CAS", BENCH_FLOOR, time_cas},
				{"CAS + store", BENCH_FLOOR, time_cas_store},
				{"CAS + exchange", BENCH_FLOOR, time_cas_exchange},
				{"pause", BENCH_FLOOR, time_relax},
				{"reading the clock", BENCH_FLOOR, time_clock},
				{"futex wake of nobody, private", BENCH_FLOOR, time_wake_private},
				{"futex wake of nobody, shared", BENCH_FLOOR, time_wake_shared},
				{"context switch", BENCH_FLOOR, time_switch},
				{"futex round trip, one CPU", BENCH_FLOOR,
				 time_pair<baton_game<bare_futex>, BENCH_ONE_CPU>},
			},
	},
	{
		.cpus = 2,
		.metrics = {{.name = "floor-2cpu",
			     .what = "what the machine makes anybody pay; two CPUs",
			     .unit = "ns",
			     .scale = 1}},
		.contestants =
			{
				{"cache-line round trip, CAS", BENCH_FLOOR, time_pair<cas_game, BENCH_APART>},
				{"cache-line round trip, store", BENCH_FLOOR,
				 time_pair<baton_game<bare_cache_line>, BENCH_APART>},
				{"futex round trip, two CPUs", BENCH_FLOOR,
				 time_pair<baton_game<bare_futex>, BENCH_APART>},
			},
	},
	{},
};
