/*
 * bench/executor.cc - work that is handed over to threads: empty tasks, one task and its result, and loops.
 *
 * Empty tasks: 1, 2 or 8 threads submit, as fast as they can, n tasks that do nothing, and the time is that until all
 * have been done, divided by n. Each has as many threads to do them as there are CPUs, libuv its 4. Its work is
 * submitted from the thread of a loop, so each submitter has a loop, and a window of requests, which are the caller's
 * memory. TBB's threads wait by doing tasks, so its submitters are workers too.
 *
 * Tasks with results: one thread submits 256 tasks that return a number, takes all these numbers, and so on: what one
 * task costs. Beside it GThreadPool and TBB's task_group with what a user of C++ takes for a future, a
 * std::packaged_task on the heap. Many that are not waited for are the variant "fairlead futures" of the empty tasks.
 *
 * One task: submit it, wait for what it returns, and so on, on one CPU, where each step is a switch of threads unless
 * somebody is spared one. TBB's wait does the task itself, on the calling thread, which is another thing: it is shown,
 * and is no peer.
 *
 * Loops: 4096 pieces of some microseconds each, by all CPUs. In the even one all take as long; in the other the time
 * of piece i grows with the square of i. The hand-written split gives each CPU the same number of pieces, with threads
 * that are started for it.
 */
#include "harness.h"

#include <fairlead/executor.h>
#include <fairlead/parallel.h>
#include <future>
#include <glib.h>
#include <memory>
#include <tbb/parallel_for.h>
#include <tbb/task_group.h>
#include <thread>
#include <uv.h>
#include <vector>

/* ---- empty tasks ---- */

static void do_nothing(void *)
{
}

struct fairlead_pool {
	fl_executor *executor = nullptr;

	fairlead_pool()
	{
		fl_executor_options options = {};

		options.max_threads = bench_cpus();
		if (fl_executor_create(&executor, &options) < 0)
			bench_fail("cannot make an executor");
	}
	~fairlead_pool() { fl_executor_destroy(executor); }
	void submit(uint64_t n)
	{
		for (; n > 0; n--)
			if (fl_executor_start(executor, do_nothing, nullptr) < 0)
				bench_fail("cannot submit");
	}
	void finish() { fl_executor_shutdown(executor, true, false); }
};

/* The same with a future for each. */
struct fairlead_futures : fairlead_pool {
	static int work(fl_task *, void *) { return 0; }
	void submit(uint64_t n)
	{
		for (; n > 0; n--) {
			fl_future *future;

			if (fl_executor_submit(&future, executor, work, nullptr) < 0)
				bench_fail("cannot submit");
			fl_future_unref(future);
		}
	}
};

struct glib_pool {
	GThreadPool *pool;

	static void work(gpointer, gpointer) {}
	glib_pool() { pool = g_thread_pool_new(work, nullptr, static_cast<gint>(bench_cpus()), FALSE, nullptr); }
	void submit(uint64_t n)
	{
		for (; n > 0; n--)
			g_thread_pool_push(pool, this, nullptr);
	}
	void finish() { g_thread_pool_free(pool, FALSE, TRUE); }
};

struct tbb_pool {
	void submit(uint64_t n)
	{
		tbb::task_group group;

		for (; n > 0; n--)
			group.run([] {});
		group.wait();
	}
	void finish() {}
};

struct uv_pool {
	enum { WINDOW = 16384 };

	static void work(uv_work_t *) {}
	static void after(uv_work_t *, int) {}
	void submit(uint64_t n)
	{
		auto requests = std::make_unique<uv_work_t[]>(WINDOW);
		uv_loop_t loop;

		uv_loop_init(&loop);
		while (n > 0) {
			for (unsigned i = 0; i < WINDOW && n > 0; i++, n--)
				uv_queue_work(&loop, &requests[i], work, after);
			uv_run(&loop, UV_RUN_DEFAULT);
		}
		uv_loop_close(&loop);
	}
	void finish() {}
};

template <class pool> struct burst {
	pool object;
	uint64_t each = 0;

	static void submit(void *arg, unsigned)
	{
		auto *mine = static_cast<burst *>(arg);

		mine->object.submit(mine->each);
	}
};

/* So many that it does not matter how long it takes to start the threads. */
template <class pool, unsigned submitters> static void measure_empty(double *ret_figures)
{
	const uint64_t each = (bench_settings.quick ? 100000 : 1000000) / submitters;
	burst<pool> all;
	struct bench_crew crew;
	int64_t start = bench_now();

	all.each = each;
	if (submitters == 1) {
		burst<pool>::submit(&all, 0);
	} else {
		bench_crew_start(&crew, BENCH_FREE, submitters, burst<pool>::submit, &all);
		bench_crew_join(&crew);
	}
	all.object.finish();
	ret_figures[0] = static_cast<double>(bench_now() - start) / static_cast<double>(each * submitters);
}

/* ---- tasks with results ---- */

constexpr unsigned WINDOW = 256;

using number_task = std::packaged_task<unsigned()>;

struct fairlead_numbers : fairlead_pool {
	fl_future *futures[WINDOW];

	static int work(fl_task *task, void *number) { return fl_task_return(task, &number, sizeof(number)); }
	void submit(unsigned i)
	{
		if (fl_executor_submit(&futures[i], executor, work, reinterpret_cast<void *>(uintptr_t{i})) < 0)
			bench_fail("cannot submit");
	}
	uintptr_t take(unsigned i)
	{
		uintptr_t number = 0;

		if (fl_future_result(futures[i], &number, sizeof(number)) < 0)
			bench_fail("no result");
		fl_future_unref(futures[i]);
		return number;
	}
};

struct glib_numbers {
	GThreadPool *pool;
	std::future<unsigned> futures[WINDOW];

	static void work(gpointer task_, gpointer)
	{
		std::unique_ptr<number_task> task(static_cast<number_task *>(task_));

		(*task)();
	}
	glib_numbers() { pool = g_thread_pool_new(work, nullptr, static_cast<gint>(bench_cpus()), FALSE, nullptr); }
	~glib_numbers() { g_thread_pool_free(pool, FALSE, TRUE); }
	void submit(unsigned i)
	{
		auto task = std::make_unique<number_task>([i] { return i; });

		futures[i] = task->get_future();
		g_thread_pool_push(pool, task.release(), nullptr);
	}
	unsigned take(unsigned i) { return futures[i].get(); }
};

struct tbb_numbers {
	tbb::task_group group;
	std::future<unsigned> futures[WINDOW];

	~tbb_numbers() { group.wait(); }
	void submit(unsigned i)
	{
		auto task = std::make_shared<number_task>([i] { return i; });

		futures[i] = task->get_future();
		group.run([task] { (*task)(); });
	}
	unsigned take(unsigned i) { return futures[i].get(); }
};

template <class pool> static int64_t time_numbers(uint64_t n)
{
	pool object;
	int64_t start = bench_now();

	for (; n > 0; n -= n < WINDOW ? n : WINDOW) {
		unsigned few = n < WINDOW ? static_cast<unsigned>(n) : WINDOW;

		for (unsigned i = 0; i < few; i++)
			object.submit(i);
		for (unsigned i = 0; i < few; i++)
			if (object.take(i) != i)
				bench_fail("a wrong result");
	}
	return bench_now() - start;
}

/* ---- one task and its result ---- */

static int64_t time_fairlead_result(uint64_t n)
{
	bench_one_cpu_begin();
	fairlead_pool pool;
	int64_t start = bench_now();

	for (; n > 0; n--) {
		fl_future *future;

		if (fl_executor_submit(&future, pool.executor, fairlead_futures::work, nullptr) < 0 ||
		    fl_future_result(future, nullptr, 0) < 0)
			bench_fail("cannot submit");
		fl_future_unref(future);
	}
	int64_t took = bench_now() - start;

	bench_one_cpu_end();
	return took;
}

/* What a user of GThreadPool writes in the place of a future. */
struct glib_result {
	GMutex lock;
	GCond changed;
	bool done = false;

	glib_result()
	{
		g_mutex_init(&lock);
		g_cond_init(&changed);
	}
	~glib_result()
	{
		g_cond_clear(&changed);
		g_mutex_clear(&lock);
	}
	static void set(gpointer result_, gpointer)
	{
		auto *result = static_cast<glib_result *>(result_);

		g_mutex_lock(&result->lock);
		result->done = true;
		g_cond_signal(&result->changed);
		g_mutex_unlock(&result->lock);
	}
	void await()
	{
		g_mutex_lock(&lock);
		while (!done)
			g_cond_wait(&changed, &lock);
		g_mutex_unlock(&lock);
	}
};

static int64_t time_glib_result(uint64_t n)
{
	bench_one_cpu_begin();
	GThreadPool *pool =
		g_thread_pool_new(glib_result::set, nullptr, static_cast<gint>(bench_cpus()), FALSE, nullptr);
	int64_t start = bench_now();

	for (; n > 0; n--) {
		glib_result result;

		g_thread_pool_push(pool, &result, nullptr);
		result.await();
	}
	int64_t took = bench_now() - start;

	g_thread_pool_free(pool, FALSE, TRUE);
	bench_one_cpu_end();
	return took;
}

static int64_t time_tbb_result(uint64_t n)
{
	bench_one_cpu_begin();
	tbb::task_group group;
	int64_t start = bench_now();

	for (; n > 0; n--) {
		group.run([] {});
		group.wait();
	}
	int64_t took = bench_now() - start;

	bench_one_cpu_end();
	return took;
}

static int64_t time_uv_result(uint64_t n)
{
	bench_one_cpu_begin();
	uv_loop_t loop;
	uv_work_t request;

	uv_loop_init(&loop);
	int64_t start = bench_now();

	for (; n > 0; n--) {
		uv_queue_work(&loop, &request, uv_pool::work, uv_pool::after);
		uv_run(&loop, UV_RUN_DEFAULT);
	}
	int64_t took = bench_now() - start;

	uv_loop_close(&loop);
	bench_one_cpu_end();
	return took;
}

/* ---- loops ---- */

constexpr int64_t PIECES = 4096;
constexpr int64_t MEAN_NS = 5000;

struct even {
	static double weight(int64_t) { return 1; }
};

struct uneven {
	static double weight(int64_t i)
	{
		double part = static_cast<double>(i) / PIECES;

		return 3 * part * part;
	}
};

static uint32_t turns_of_one()
{
	static const uint32_t turns = bench_busy_turns(MEAN_NS);

	return turns;
}

template <class load> static int do_pieces(int64_t begin, int64_t end, void *)
{
	for (; begin < end; begin++)
		bench_busy(static_cast<uint32_t>(load::weight(begin) * turns_of_one()));
	return 0;
}

template <class load> static void loop_fairlead(double *ret_figures)
{
	int64_t start = bench_now();

	fl_parallel_for(0, PIECES, 0, do_pieces<load>, nullptr);
	ret_figures[0] = static_cast<double>(bench_now() - start) * 1e-6;
}

template <class load> static void loop_by_hand(double *ret_figures)
{
	unsigned n = bench_cpus();
	std::vector<std::thread> threads;
	int64_t start = bench_now();

	for (unsigned i = 1; i < n; i++)
		threads.emplace_back([=] { do_pieces<load>(PIECES * i / n, PIECES * (i + 1) / n, nullptr); });
	do_pieces<load>(0, PIECES / n, nullptr);
	for (auto &thread : threads)
		thread.join();
	ret_figures[0] = static_cast<double>(bench_now() - start) * 1e-6;
}

template <class load> static void loop_tbb(double *ret_figures)
{
	int64_t start = bench_now();

	tbb::parallel_for(tbb::blocked_range<int64_t>(0, PIECES), [](const tbb::blocked_range<int64_t> &range) {
		do_pieces<load>(range.begin(), range.end(), nullptr);
	});
	ret_figures[0] = static_cast<double>(bench_now() - start) * 1e-6;
}

#define EMPTY_TASKS(submitters, named, described) \
	{ \
		.cpus = 2, \
		.metrics = {{ \
			.name = named, \
			.what = described, \
			.unit = "ns", \
			.aims = {{BENCH_AIM_RATIO_AT_MOST, nullptr, 1.0}, {BENCH_AIM_AT_MOST, nullptr, 100}}, \
		}}, \
		.contestants = { \
			{"fairlead", BENCH_FAIRLEAD, nullptr, measure_empty<fairlead_pool, submitters>}, \
			{"fairlead futures", BENCH_VARIANT, nullptr, measure_empty<fairlead_futures, submitters>}, \
			{"GLib", BENCH_PEER, nullptr, measure_empty<glib_pool, submitters>}, \
			{"TBB", BENCH_PEER, nullptr, measure_empty<tbb_pool, submitters>}, \
			{"libuv", BENCH_PEER, nullptr, measure_empty<uv_pool, submitters>}, \
		}, \
	}

const struct bench bench_executor[] = {
	EMPTY_TASKS(1, "executor-1", "one empty task of many, from one thread"),
	EMPTY_TASKS(2, "executor-2", "one empty task of many, from two threads"),
	EMPTY_TASKS(8, "executor-8", "one empty task of many, from eight threads"),
	{
		.cpus = 2,
		.metrics = {{
			.name = "executor-futures",
			.what = "one task of 256, and its result, from one thread",
			.unit = "ns",
			.scale = 1,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, nullptr, 1.0}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_numbers<fairlead_numbers>},
				{"GLib, std::future", BENCH_PEER, time_numbers<glib_numbers>},
				{"TBB, std::future", BENCH_PEER, time_numbers<tbb_numbers>},
			},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "executor-result",
			.what = "submit one task and wait for its result; one CPU",
			.unit = "ns",
			.scale = 1,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "GLib", 0.6}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_fairlead_result},
				{"GLib", BENCH_PEER, time_glib_result},
				{"libuv", BENCH_PEER, time_uv_result},
				{"TBB (does it itself)", BENCH_REFERENCE, time_tbb_result},
			},
	},
	{
		.cpus = 2,
		.metrics = {{
			.name = "parallel-even",
			.what = "a loop of 20 ms by all CPUs, its pieces alike",
			.unit = "ms",
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "by hand", 1.05}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, nullptr, loop_fairlead<even>},
				{"by hand", BENCH_REFERENCE, nullptr, loop_by_hand<even>},
				{"TBB", BENCH_PEER, nullptr, loop_tbb<even>},
			},
	},
	{
		.cpus = 2,
		.metrics = {{
			.name = "parallel-uneven",
			.what = "the same, with pieces that take longer and longer",
			.unit = "ms",
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "by hand", 0.667}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, nullptr, loop_fairlead<uneven>},
				{"by hand", BENCH_REFERENCE, nullptr, loop_by_hand<uneven>},
				{"TBB", BENCH_PEER, nullptr, loop_tbb<uneven>},
			},
	},
	{},
};
