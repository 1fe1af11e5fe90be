/*
 * bench/pool.cc - a pool of processes beside those of Python: what a task costs.
 *
 * Each has as many workers as there are CPUs. A task adds one to a number of 8 bytes and returns it. They are mapped
 * over n numbers one by one, and in chunks, of which each makes as many as it does when nobody says how many; and one
 * is submitted and waited for, and then the next. Pools are made, and have done something, before the time is taken.
 *
 * Python's run in a process of their own, which is told each time how many, and says how long it took.
 */
#include "harness.h"
#include "python.hh"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fairlead/pool.h>
#include <vector>

static void pool_need(bool fine, const char *what)
{
	if (!fine)
		bench_fail(what);
}

/* ---- Fairlead ---- */

static int add_one(const void *item, void *ret_result, fl_task *, void *)
{
	*static_cast<int64_t *>(ret_result) = *static_cast<const int64_t *>(item) + 1;
	return 0;
}

static int add_one_alone(fl_task *task, void *arg, size_t)
{
	int64_t result = *static_cast<const int64_t *>(arg) + 1;

	return fl_task_return(task, &result, sizeof result);
}

static void map_numbers(fl_pool *pool, const std::vector<int64_t> &numbers, std::vector<int64_t> &results, size_t chunk)
{
	fl_pool_items items = {};

	items.function = add_one;
	items.n = numbers.size();
	items.items = numbers.data();
	items.item_size = sizeof(int64_t);
	items.results = results.data();
	items.result_size = sizeof(int64_t);
	items.chunk = chunk;
	pool_need(fl_pool_map(pool, &items) == 0, "pool: fairlead's map has failed");
}

/* The one pool, whose workers have all begun. */
static fl_pool *fairlead_pool_of_all()
{
	static fl_pool *pool;

	if (!pool) {
		fl_pool_options options = {};
		std::vector<int64_t> numbers(1000), results(1000);

		options.max_workers = bench_cpus();
		pool_need(fl_pool_create(&pool, &options) == 0, "pool: cannot make a pool");
		while (fl_pool_workers(pool) < bench_cpus())
			map_numbers(pool, numbers, results, 1);
	}
	return pool;
}

template <size_t chunk> static int64_t time_map(uint64_t n)
{
	fl_pool *pool = fairlead_pool_of_all();
	std::vector<int64_t> numbers(n), results(n);
	int64_t begin, took;

	for (uint64_t i = 0; i < n; i++)
		numbers[i] = static_cast<int64_t>(i);
	begin = bench_now();
	map_numbers(pool, numbers, results, chunk);
	took = bench_now() - begin;
	for (uint64_t i = 0; i < n; i++)
		pool_need(results[i] == static_cast<int64_t>(i) + 1, "pool: a wrong result");
	return took;
}

static int64_t time_one_by_one(uint64_t n)
{
	fl_pool *pool = fairlead_pool_of_all();
	int64_t begin = bench_now(), number = 0;

	for (; n > 0; n--) {
		fl_future *future;

		pool_need(fl_pool_submit(&future, pool, add_one_alone, &number, sizeof number) == 0 &&
				  fl_future_result(future, &number, sizeof number) == 0,
			  "pool: fairlead's task has failed");
		fl_future_unref(future);
	}
	return bench_now() - begin;
}

/* ---- Python ---- */

/* Reads a number of tasks from each line, and prints how many nanoseconds these took. */
static const char script[] =
	"import concurrent.futures, multiprocessing, sys, time\n"
	"def f(x):\n"
	"    return x + 1\n"
	"def one_by_one(submit, result, n):\n"
	"    for i in range(n):\n"
	"        result(submit(f, i))\n"
	"ways = {\n"
	"    'pool-1': lambda p, n: p.map(f, range(n), chunksize=1),\n"
	"    'pool': lambda p, n: p.map(f, range(n)),\n"
	"    'pool-one': lambda p, n: one_by_one(lambda f, i: p.apply_async(f, (i,)), lambda r: r.get(), n),\n"
	"    'executor-1': lambda p, n: list(p.map(f, range(n))),\n"
	"    'executor-one': lambda p, n: one_by_one(p.submit, lambda r: r.result(), n),\n"
	"}\n"
	"make = multiprocessing.Pool if sys.argv[1].startswith('pool') \\\n"
	"    else concurrent.futures.ProcessPoolExecutor\n"
	"with make(int(sys.argv[2])) as pool:\n"
	"    ways[sys.argv[1]](pool, 1000)\n"
	"    for line in sys.stdin:\n"
	"        begin = time.monotonic_ns()\n"
	"        ways[sys.argv[1]](pool, int(line))\n"
	"        print(time.monotonic_ns() - begin, flush=True)\n";

struct python_pool_1 {
	static constexpr const char *way = "pool-1";
};
struct python_pool {
	static constexpr const char *way = "pool";
};
struct python_pool_one {
	static constexpr const char *way = "pool-one";
};
struct python_executor_1 {
	static constexpr const char *way = "executor-1";
};
struct python_executor_one {
	static constexpr const char *way = "executor-one";
};

template <class what> static int64_t time_python(uint64_t n)
{
	static interpreter python;

	if (!python.to)
		python.start(script, what::way);
	return python.ask(n);
}

/* clang-format off */
const struct bench bench_pool[] = {
	{
		.cpus = 1,
		.metrics = {{
			.name = "pool-map-1", .what = "a task of a map over processes, one by one", .unit = "us",
			.scale = 0.001, .aims = {{BENCH_AIM_RATIO_AT_MOST, nullptr, 0.1}},
		}},
		.contestants = {
			{"fairlead", BENCH_FAIRLEAD, time_map<1>},
			{"Python Pool", BENCH_PEER, time_python<python_pool_1>},
			{"Python ProcessPoolExecutor", BENCH_PEER, time_python<python_executor_1>},
		},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "pool-map", .what = "a task of a map over processes, in chunks", .unit = "ns",
			.scale = 1, .aims = {{BENCH_AIM_RATIO_AT_MOST, nullptr, 0.1}},
		}},
		.contestants = {
			{"fairlead", BENCH_FAIRLEAD, time_map<0>},
			{"Python Pool", BENCH_PEER, time_python<python_pool>},
		},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "pool-one", .what = "one task for another process, and its result", .unit = "us",
			.scale = 0.001,
		}},
		.contestants = {
			{"fairlead", BENCH_FAIRLEAD, time_one_by_one},
			{"Python Pool", BENCH_PEER, time_python<python_pool_one>},
			{"Python ProcessPoolExecutor", BENCH_PEER, time_python<python_executor_one>},
		},
	},
	{},
};
/* clang-format on */
