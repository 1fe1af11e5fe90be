/*
 * bench/notify_all.cc - 32 threads wait for a condition and are woken together.
 *
 * The time goes from the call of notify_all, made with the lock held, until the last of the 32 has come through the
 * lock. Before each call all 32 are asleep: the caller has seen, under the lock, that all of them wait, and then
 * given them time to stop spinning. A thread that has come through sleeps at a gate, a bare futex, until the caller
 * opens the next round, so that nobody takes the lock a second time while others still come through. The last one
 * tells the caller by a bare futex too.
 */
#include "harness.h"
#include "monitors.hh"

#include <climits>

enum { WAITERS = 32, SETTLE_US = 500 };

template <class monitor> struct crowd {
	monitor object;
	unsigned waiting = 0, through = 0, generation = 0; /* under the lock */
	unsigned rounds = 0;
	int64_t all_through = 0;
	alignas(BENCH_CACHE_LINE) uint32_t gate = 0; /* how many rounds have been opened */
	alignas(BENCH_CACHE_LINE) uint32_t over = 0; /* how many have ended */
};

static void await_word(uint32_t *word, uint32_t value)
{
	for (uint32_t now; (now = __atomic_load_n(word, __ATOMIC_ACQUIRE)) != value;)
		bench_futex_wait(word, now);
}

static void advance_word(uint32_t *word)
{
	__atomic_add_fetch(word, 1, __ATOMIC_RELEASE);
	bench_futex_wake(word, INT_MAX);
}

template <class monitor> static void wait_in_crowd(void *arg, unsigned)
{
	auto *all = static_cast<crowd<monitor> *>(arg);

	for (unsigned i = 0; i < all->rounds; i++) {
		await_word(&all->gate, i + 1);
		all->object.acquire();
		all->waiting++;
		while (all->generation == i)
			all->object.wait();
		bool last = ++all->through == WAITERS;

		all->object.release();
		if (last) {
			all->all_through = bench_now();
			advance_word(&all->over);
		}
	}
}

template <class monitor> static void gather_crowd(crowd<monitor> *all)
{
	all->waiting = all->through = 0;
	advance_word(&all->gate);
	for (unsigned waiting = 0; waiting < WAITERS;) {
		usleep(SETTLE_US);
		all->object.acquire();
		waiting = all->waiting;
		all->object.release();
	}
	usleep(SETTLE_US);
}

template <class monitor> static int64_t wake_crowd(crowd<monitor> *all)
{
	all->object.acquire();
	uint32_t end = ++all->generation;
	int64_t start = bench_now();

	all->object.notify_all();
	all->object.release();
	await_word(&all->over, end);
	return all->all_through - start;
}

template <class monitor> static void measure_notify_all(double *ret_figures)
{
	auto *all = new crowd<monitor>;
	struct bench_crew crew;
	int64_t took = 0;

	all->rounds = bench_settings.quick ? 5 : 30;
	bench_crew_start(&crew, BENCH_FREE, WAITERS, wait_in_crowd<monitor>, all);
	for (unsigned i = 0; i < all->rounds; i++) {
		gather_crowd(all);
		took += wake_crowd(all);
	}
	bench_crew_join(&crew);
	ret_figures[0] = static_cast<double>(took) / all->rounds / 1e3;
	delete all;
}

const struct bench bench_notify_all[] = {
	{
		.cpus = 1,
		.metrics = {{
			.name = "notify-all",
			.what = "from notify_all until all 32 waiting threads have come through the lock",
			.unit = "us",
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "pthread", 0.65}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, nullptr, measure_notify_all<fairlead_monitor>},
				{"pthread", BENCH_PEER, nullptr, measure_notify_all<pthread_monitor>},
				{"nsync", BENCH_PEER, nullptr, measure_notify_all<nsync_monitor>},
				{"GLib", BENCH_PEER, nullptr, measure_notify_all<glib_monitor>},
				{"Abseil", BENCH_PEER, nullptr, measure_notify_all<absl_monitor>},
			},
	},
	{},
};
