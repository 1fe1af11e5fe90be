/*
 * run.c - scenarios of futures and executors: every task is done once, and whoever waits for it goes on.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/executor.h>
#include <fairlead/future.h>
#include <fairlead/wait_any.h>

static fl_future *future;
static fl_executor *executor;
static int result, calls, done;

static void set(void)
{
	int value = 7;

	fl_future_set_result(future, &value, sizeof(value));
}

static void get(void)
{
	int value = 0;

	assert(fl_future_result(future, &value, sizeof(value)) == 0);
	assert(value == 7);
	__atomic_fetch_add(&result, 1, __ATOMIC_RELAXED);
}

static void future_1(void *arg)
{
	(void)arg;
	assert(fl_future_create(&future) == 0);
	together(set, get, NULL);
	assert(result == 1);
	fl_future_unref(future);
}

static void future_2(void *arg)
{
	(void)arg;
	assert(fl_future_create(&future) == 0);
	together(set, get, get, NULL);
	assert(result == 2);
	fl_future_unref(future);
}

static void cancel(void)
{
	done = fl_future_cancel(future);
}

static void wait_done(void)
{
	assert(fl_future_wait_until(future, FL_FOREVER, NULL) == 0);
	assert(fl_future_done(future));
}

static void future_cancel(void *arg)
{
	(void)arg;
	assert(fl_future_create(&future) == 0);
	together(set, cancel, wait_done, NULL);
	assert(fl_future_cancelled(future) == (done != 0));
	fl_future_unref(future);
}

static void work(void *arg)
{
	__atomic_fetch_add((int *)arg, 1, __ATOMIC_RELAXED);
}

static void executor_1(void *arg)
{
	fl_executor_options options = {.max_threads = 2};

	(void)arg;
	assert(fl_executor_create(&executor, &options) == 0);
	for (int i = 0; i < 3; i++)
		assert(fl_executor_start(executor, work, &calls) == 0);
	assert(fl_executor_shutdown(executor, true, false) == 0);
	assert(calls == 3);
	fl_executor_destroy(executor);
}

const struct scenario run_scenarios[] = {
	{"future-1", "one sets, one waits", future_1, 2},
	{"future-2", "two wait", future_2, MANY},
	{"future-cancel", "set and cancelled at once", future_cancel, MANY},
	{"executor-1", "three tasks, two threads, then shutdown", executor_1, MANY},
	{0},
};
