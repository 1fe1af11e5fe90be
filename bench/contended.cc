/*
 * bench/contended.cc - one lock that 2, 4, 8 and 16 threads want: 200 ns inside, 500 ns outside.
 *
 * One round gives three figures: how many acquisitions all threads made together, how many more the most-served
 * thread had than the least-served one, and the longest that any of them waited for the lock. They come from the same
 * rounds, since a lock that is tuned for one of them usually pays with another.
 *
 * The longest wait needs a time-stamp before and after every acquisition. It is the processor's counter, not a call
 * of the clock, and the calibrated work is shorter by just that much, so the 200 and 500 ns include the stamps.
 * Threads are placed by the kernel. A thread that got nothing counts as one acquisition, so that most/fewest stays a
 * number.
 *
 * Inside, each thread adds to a plain counter: were two of them ever inside together, the sum would be wrong and the
 * benchmark fails.
 */
#include "harness.h"
#include "locks.hh"

enum { INSIDE_NS = 200, OUTSIDE_NS = 500 };

struct alignas(BENCH_CACHE_LINE) customer {
	uint64_t served;
	uint64_t longest_ticks;
};

template <class lock> struct contest {
	lock object;
	alignas(BENCH_CACHE_LINE) uint64_t guarded = 0;
	alignas(BENCH_CACHE_LINE) bool stop = false;
	alignas(BENCH_CACHE_LINE) uint32_t inside = 0;
	uint32_t outside = 0;
	customer customers[BENCH_MOST_THREADS] = {};
};

/* Each is served once at least, however late: no figure is of nothing. */
template <class lock> static void want_the_lock(void *arg, unsigned index)
{
	auto *scene = static_cast<contest<lock> *>(arg);
	uint32_t inside = scene->inside, outside = scene->outside;
	uint64_t served = 0, longest = 0;
	typename lock::held held;

	while (served == 0 || !__atomic_load_n(&scene->stop, __ATOMIC_RELAXED)) {
		bench_busy(outside);
		uint64_t asked = bench_ticks();

		scene->object.acquire(held);
		uint64_t waited = bench_ticks() - asked;

		scene->guarded = scene->guarded + 1;
		bench_busy(inside);
		scene->object.release(held);
		served++;
		if (waited > longest)
			longest = waited;
	}
	scene->customers[index] = {served, longest};
}

static int64_t contest_ns()
{
	return bench_settings.quick ? 40000000 : 200000000;
}

static void sleep_ns(int64_t ns)
{
	struct timespec duration = {static_cast<time_t>(ns / 1000000000), static_cast<long>(ns % 1000000000)};

	nanosleep(&duration, nullptr);
}

static double customers_figures(const customer *customers, unsigned n, uint64_t expected, double *ret_figures)
{
	uint64_t sum = 0, most = 0, fewest = UINT64_MAX, longest = 0;

	for (unsigned i = 0; i < n; i++) {
		sum += customers[i].served;
		most = customers[i].served > most ? customers[i].served : most;
		fewest = customers[i].served < fewest ? customers[i].served : fewest;
		longest = customers[i].longest_ticks > longest ? customers[i].longest_ticks : longest;
	}
	if (sum != expected)
		bench_fail("contended: two threads were inside a lock together");
	ret_figures[1] = static_cast<double>(most) / static_cast<double>(fewest);
	ret_figures[2] = static_cast<double>(longest) * bench_ns_per_tick() / 1e6;
	return static_cast<double>(sum);
}

template <class lock, unsigned threads> static void measure_contest(double *ret_figures)
{
	auto *scene = new contest<lock>;
	struct bench_crew crew;

	scene->inside = bench_busy_turns(INSIDE_NS);
	scene->outside = bench_busy_turns(OUTSIDE_NS);
	bench_crew_start(&crew, BENCH_FREE, threads, want_the_lock<lock>, scene);
	int64_t start = bench_now();

	sleep_ns(contest_ns());
	__atomic_store_n(&scene->stop, true, __ATOMIC_RELAXED);
	int64_t took = bench_now() - start;

	bench_crew_join(&crew);
	double sum = customers_figures(scene->customers, threads, scene->guarded, ret_figures);

	ret_figures[0] = sum / static_cast<double>(took) * 1e3;
	delete scene;
}

#define CONTEST(threads, text) \
	{ \
		.cpus = 2, \
		.metrics = \
			{ \
				{ \
					.name = "contended-" text, \
					.what = text " threads want one lock: 200 ns inside, 500 ns outside", \
					.unit = "M/s", \
					.higher_is_better = true, \
					.aims = {{BENCH_AIM_RATIO_AT_LEAST, nullptr, 0.95}}, \
				}, \
				{ \
					.name = "contended-" text "-fairness", \
					.what = "the same: acquisitions of the most / the least served thread", \
					.unit = "x", \
					.aims = {{BENCH_AIM_AT_MOST, nullptr, 2}}, \
				}, \
				{ \
					.name = "contended-" text "-longest", \
					.what = "the same: the longest that any thread waited", \
					.unit = "ms", \
					.aims = {{BENCH_AIM_RATIO_AT_MOST, "pthread", 0.3}}, \
				}, \
			}, \
		.contestants = { \
			{"fairlead", BENCH_FAIRLEAD, nullptr, measure_contest<fairlead_lock, threads>}, \
			{"pthread", BENCH_PEER, nullptr, measure_contest<pthread_lock, threads>}, \
			{"pthread adaptive", BENCH_PEER, nullptr, measure_contest<pthread_adaptive, threads>}, \
			{"nsync", BENCH_PEER, nullptr, measure_contest<nsync_lock, threads>}, \
			{"GLib", BENCH_PEER, nullptr, measure_contest<glib_lock, threads>}, \
			{"Abseil", BENCH_PEER, nullptr, measure_contest<absl_lock, threads>}, \
			{"TBB mutex", BENCH_PEER, nullptr, measure_contest<tbb_lock, threads>}, \
			{"TBB spin", BENCH_SPINNER, nullptr, measure_contest<tbb_spin, threads>}, \
			{"ck fas", BENCH_SPINNER, nullptr, measure_contest<ck_fas, threads>}, \
		}, \
	}

const struct bench bench_contended[] = {CONTEST(2, "2"), CONTEST(4, "4"), CONTEST(8, "8"), CONTEST(16, "16"), {}};
