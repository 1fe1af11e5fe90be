/*
 * bench/queue.cc - queues with a bound of 1024 items: by one thread, by many, and how long an item is under way.
 *
 * One thread: put and get an item, again and again, in a process that has a second thread. The floor is a ring of
 * ConcurrencyKit that many may put into and get from at once, and that never has to wait here.
 *
 * Many: as many producers as consumers, as fast as they can, placed by the kernel. How many items pass a second, and,
 * of one in 64, how long it takes from before its put until after its get: in a queue that is always full that is the
 * time of a thousand items, in one that is always empty none, and in either much longer where a thread is left waiting.
 * So read these times with the rate beside them.
 *
 * Paced: 100 000 items a second. One producer puts an item every 10 us, looking at the clock in between, on one CPU,
 * and one consumer gets them on the other; or four producers sleep between their items, and four consumers wait.
 *
 * An item is the number of its producer and how many that has put; a consumer checks that what it gets of each
 * producer comes in order, and all of them that no item is lost or comes twice: figures of a queue that does not keep
 * that are none. When it was put stands beside the queue, in a table of its producer that is written before the put.
 */
#include "queues.hh"

#include "harness.h"
#include <algorithm>
#include <memory>
#include <sys/prctl.h>
#include <vector>

enum { SAMPLED = 64, MOST_SAMPLES = 1 << 17, MOST_PRODUCERS = 16, PERIOD_NS = 10000 };

/* ---- one thread ---- */

template <class queue> static int64_t time_put_get(uint64_t n)
{
	auto object = std::make_unique<queue>();
	int64_t start = bench_now();

	for (; n > 0; n--) {
		object->put(n);
		bench_fence();
		if (object->get() != n)
			bench_fail("queue: another item came out");
		bench_fence();
	}
	return bench_now() - start;
}

/* ---- items of many ---- */

/* Bits 0 to 47: which of its producer's, from 1; 48 to 63: of which producer, from 0. ITEM_END ends a consumer. */
static constexpr unsigned ITEM_BITS = 48;
static constexpr uint64_t ITEM_END = UINT64_MAX;

struct alignas(BENCH_CACHE_LINE) producer {
	uint64_t n = 0;
	std::vector<int64_t> put_at;
};

struct alignas(BENCH_CACHE_LINE) consumer {
	uint64_t n = 0, sum = 0;
	uint64_t last[MOST_PRODUCERS] = {};
	std::vector<double> took;
};

template <class queue> struct traffic {
	queue object;
	unsigned n = 0; /* producers, and consumers */
	uint64_t sampled = SAMPLED;
	int64_t period = 0; /* 0: as fast as they can */
	alignas(BENCH_CACHE_LINE) bool stop = false;
	producer producers[MOST_PRODUCERS];
	consumer consumers[MOST_PRODUCERS];

	void put_one(unsigned mine)
	{
		producer &self = producers[mine];
		uint64_t number = ++self.n;

		if (number % sampled == 0 && number / sampled < MOST_SAMPLES)
			self.put_at[number / sampled] = bench_now();
		object.put(static_cast<uint64_t>(mine) << ITEM_BITS | number);
	}

	/* Lets time pass until then: alone by looking at the clock, and asleep where others need the CPU. */
	void pass(int64_t until) const
	{
		struct timespec then = {static_cast<time_t>(until / 1000000000), static_cast<long>(until % 1000000000)};

		if (n > 1)
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, nullptr);
		while (n == 1 && bench_now() < until)
			bench_relax();
	}

	/* At least one item whose time is taken, also where the others leave a producer no CPU until the end. */
	void produce(unsigned mine)
	{
		int64_t next = bench_now();

		prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
		while (producers[mine].n < sampled || !__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
			put_one(mine);
			if (period > 0)
				pass(next += period);
		}
	}

	void look_at(consumer &self, uint64_t item)
	{
		unsigned from = static_cast<unsigned>(item >> ITEM_BITS);
		uint64_t number = item & ((uint64_t(1) << ITEM_BITS) - 1);

		if (number <= self.last[from])
			bench_fail("queue: the items of a producer come in another order");
		self.last[from] = number;
		self.n++;
		self.sum += item;
		if (number % sampled == 0 && number / sampled < MOST_SAMPLES)
			self.took.push_back(
				static_cast<double>(bench_now() - producers[from].put_at[number / sampled]) / 1e3);
	}

	void consume(unsigned mine)
	{
		for (uint64_t item; (item = object.get()) != ITEM_END;)
			look_at(consumers[mine], item);
	}

	static void work(void *arg, unsigned index)
	{
		auto *self = static_cast<traffic *>(arg);

		if (index < self->n)
			self->produce(index);
		else
			self->consume(index - self->n);
	}
};

/* ---- figures ---- */

static double share(const std::vector<double> &sorted, double part)
{
	return sorted.empty() ? 0 : sorted[static_cast<size_t>(part * static_cast<double>(sorted.size() - 1))];
}

/* Adds up what the consumers got, and checks that it is what was put. */
static double count(const producer *producers, const consumer *consumers, unsigned n, std::vector<double> *ret_took)
{
	uint64_t put = 0, put_sum = 0, got = 0, got_sum = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t all = producers[i].n;

		put += all;
		put_sum += (static_cast<uint64_t>(i) << ITEM_BITS) * all + all * (all + 1) / 2;
		got += consumers[i].n;
		got_sum += consumers[i].sum;
		ret_took->insert(ret_took->end(), consumers[i].took.begin(), consumers[i].took.end());
	}
	if (put != got || put_sum != got_sum)
		bench_fail("queue: items were lost, or came twice");
	std::sort(ret_took->begin(), ret_took->end());
	return static_cast<double>(got);
}

/* Figures: the items of a us, unless they are paced; then of the times that they were under way the middle one, those
 * that 99 and 99.9 of 100 are within, and the longest. */
template <class queue> static void measure_traffic(unsigned n, int64_t period, int64_t ns, double *ret_figures)
{
	auto scene = std::make_unique<traffic<queue>>();
	std::vector<double> took;
	struct bench_crew crew;

	scene->n = n;
	scene->period = period;
	scene->sampled = period > 0 ? 1 : SAMPLED;
	for (unsigned i = 0; i < n; i++) {
		scene->producers[i].put_at.resize(MOST_SAMPLES);
		scene->consumers[i].took.reserve(MOST_SAMPLES);
	}
	bench_crew_start(&crew, period > 0 && n == 1 ? BENCH_APART : BENCH_FREE, 2 * n, traffic<queue>::work,
			 scene.get());
	int64_t start = bench_now();
	struct timespec duration = {0, static_cast<long>(ns)};

	nanosleep(&duration, nullptr);
	__atomic_store_n(&scene->stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < n; i++)
		pthread_join(crew.threads[i], nullptr);
	for (unsigned i = 0; i < n; i++)
		scene->object.put(ITEM_END);
	for (unsigned i = n; i < 2 * n; i++)
		pthread_join(crew.threads[i], nullptr);
	double us = static_cast<double>(bench_now() - start) / 1e3;

	pthread_barrier_destroy(&crew.gate);
	double all = count(scene->producers, scene->consumers, n, &took);

	if (period == 0)
		*ret_figures++ = all / us;
	*ret_figures++ = share(took, 0.5);
	*ret_figures++ = share(took, 0.99);
	*ret_figures++ = share(took, 0.999);
	*ret_figures++ = share(took, 1);
}

template <class queue, unsigned n> static void measure_rate(double *ret_figures)
{
	measure_traffic<queue>(n, 0, bench_settings.quick ? 10000000 : 50000000, ret_figures);
}

template <class queue, unsigned n> static void measure_paced(double *ret_figures)
{
	measure_traffic<queue>(n, n * PERIOD_NS, bench_settings.quick ? 20000000 : 100000000, ret_figures);
}

#define RATE(text, threads, aim) \
	{ \
		.cpus = 2, .together = true, \
		.metrics = {{.name = "queue-" text, \
			     .what = text " to " text " threads, as fast as they can: items a second, and put to get", \
			     .unit = "M/s", \
			     .higher_is_better = true, \
			     .aims = {{BENCH_AIM_RATIO_AT_LEAST, nullptr, aim}}}, \
			    {.name = "queue-" text "-p50", .what = "the same: put to get, median", .unit = "us"}, \
			    {.name = "queue-" text "-p99", .what = "the same: of 99 of 100 at most", .unit = "us"}, \
			    {.name = "queue-" text "-p99.9", \
			     .what = "the same: of 999 of 1000 at most", \
			     .unit = "us", \
			     .aims = {{BENCH_AIM_RATIO_AT_MOST, nullptr, 1}}}, \
			    {.name = "queue-" text "-max", .what = "the same: the longest", .unit = "us"}}, \
		.contestants = { \
			{"fairlead", BENCH_FAIRLEAD, nullptr, measure_rate<fairlead_queue, threads>}, \
			{"pthread ring + conds", BENCH_PEER, nullptr, measure_rate<pthread_queue, threads>}, \
			{"Abseil ring + conds", BENCH_PEER, nullptr, measure_rate<absl_queue, threads>}, \
			{"TBB bounded", BENCH_PEER, nullptr, measure_rate<tbb_queue, threads>}, \
			{"GAsyncQueue (no bound)", BENCH_PEER, nullptr, measure_rate<glib_queue, threads>}, \
			{"fairlead, no bound", BENCH_VARIANT, nullptr, measure_rate<fairlead_unbounded, threads>}, \
			{"floor: ck_ring, spins + yields", BENCH_FLOOR, nullptr, measure_rate<ck_queue, threads>}, \
		}, \
	}

#define PACED(name_, what_, threads) \
	{ \
		.cpus = 2, .together = true, \
		.metrics = {{.name = name_, \
			     .what = "100 000 items a second, " what_ ": put to get, median", \
			     .unit = "us"}, \
			    {.name = name_ "-p99", .what = "the same: of 99 of 100 at most", .unit = "us"}, \
			    {.name = name_ "-p99.9", \
			     .what = "the same: of 999 of 1000 at most", \
			     .unit = "us", \
			     .aims = {{BENCH_AIM_RATIO_AT_MOST, nullptr, 1}}}, \
			    {.name = name_ "-max", .what = "the same: the longest", .unit = "us"}}, \
		.contestants = { \
			{"fairlead", BENCH_FAIRLEAD, nullptr, measure_paced<fairlead_queue, threads>}, \
			{"pthread ring + conds", BENCH_PEER, nullptr, measure_paced<pthread_queue, threads>}, \
			{"Abseil ring + conds", BENCH_PEER, nullptr, measure_paced<absl_queue, threads>}, \
			{"TBB bounded", BENCH_PEER, nullptr, measure_paced<tbb_queue, threads>}, \
			{"GAsyncQueue (no bound)", BENCH_PEER, nullptr, measure_paced<glib_queue, threads>}, \
			{"floor: ck_ring, spins + yields", BENCH_FLOOR, nullptr, measure_paced<ck_queue, threads>}, \
		}, \
	}

const struct bench bench_queue[] = {
	{
		.cpus = 1,
		.metrics = {{
			.name = "queue",
			.what = "put + get of an item, by one thread of a process with two",
			.unit = "ns",
			.scale = 1,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "floor: ck_ring", 1.4}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_put_get<fairlead_queue>},
				{"fairlead, no bound", BENCH_VARIANT, time_put_get<fairlead_unbounded>},
				{"fairlead, last in first out", BENCH_VARIANT, time_put_get<fairlead_lifo>},
				{"fairlead, by priority", BENCH_VARIANT, time_put_get<fairlead_priority>},
				{"pthread ring + conds", BENCH_PEER, time_put_get<pthread_queue>},
				{"Abseil ring + conds", BENCH_PEER, time_put_get<absl_queue>},
				{"TBB bounded", BENCH_PEER, time_put_get<tbb_queue>},
				{"GAsyncQueue (no bound)", BENCH_PEER, time_put_get<glib_queue>},
				{"floor: ck_ring", BENCH_FLOOR, time_put_get<ck_queue>},
			},
	},
	RATE("1", 1, 1.4),
	RATE("2", 2, 1.4),
	RATE("4", 4, 1),
	RATE("8", 8, 1),
	PACED("queue-paced", "one producer and one consumer", 1),
	PACED("queue-paced-4", "four producers and four consumers", 4),
	{},
};
