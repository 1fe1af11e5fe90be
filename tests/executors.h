/*
 * executors.h - what the tests of Executor are written with: one executor, made by the test and destroyed after it.
 */
#ifndef FAIRLEAD_TESTS_EXECUTORS_H
#define FAIRLEAD_TESTS_EXECUTORS_H

#include "reports.h"
#include "testing.h"

#include <fairlead/executor.h>
#include <fairlead/future.h>
#include <sched.h>

static fl_executor *executor;

static inline void make_with(const fl_executor_options *options)
{
	ck_assert_int_eq(fl_executor_create(&executor, options), 0);
}

static inline void make(uint32_t max_threads)
{
	make_with(&(fl_executor_options){.max_threads = max_threads});
}

static inline void set_up(void)
{
	reports_catch();
}

static inline void tear_down(void)
{
	ck_assert_ptr_null(fl_executor_destroy(executor));
	reports_expect_none();
}

static inline fl_future *submit(fl_work function, void *arg)
{
	fl_future *future = NULL;

	ck_assert_int_eq(fl_executor_submit(&future, executor, function, arg), 0);
	return future;
}

static inline void await_idle(uint32_t n)
{
	while (fl_executor_idle(executor) != n)
		sched_yield();
}

/* Waits for it, and gives it back. */
static inline int finish(fl_future *future)
{
	int error = fl_future_result(future, NULL, 0);

	fl_future_unref(future);
	return error;
}

#endif
