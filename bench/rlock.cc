/*
 * bench/rlock.cc - a lock that its holder may acquire again: the first acquisition, and one more of a thread that has
 * it.
 */
#include "harness.h"
#include "locks.hh"

/* Nanoseconds for n acquisitions and releases by a thread that holds the lock already. */
template <class lock> static int64_t time_nested(uint64_t n)
{
	lock object;
	typename lock::held outer, inner;

	object.acquire(outer);
	int64_t start = bench_now();

	for (; n > 0; n--) {
		object.acquire(inner);
		bench_fence();
		object.release(inner);
		bench_fence();
	}
	int64_t took = bench_now() - start;

	object.release(outer);
	return took;
}

const struct bench bench_rlock[] = {
	{
		.cpus = 1,
		.metrics = {{
			.name = "rlock",
			.what = "acquire + release of a free recursive lock, in a process with two threads",
			.unit = "ns",
			.scale = 1,
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_uncontended<fairlead_rlock>},
				{"pthread recursive", BENCH_PEER, time_uncontended<pthread_recursive>},
				{"GLib GRecMutex", BENCH_PEER, time_uncontended<glib_rlock>},
			},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "rlock-nested",
			.what = "acquire + release of a recursive lock by the thread that holds it",
			.unit = "ns",
			.scale = 1,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "pthread recursive", 1.1}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_nested<fairlead_rlock>},
				{"pthread recursive", BENCH_PEER, time_nested<pthread_recursive>},
				{"GLib GRecMutex", BENCH_PEER, time_nested<glib_rlock>},
			},
	},
	{},
};
