/*
 * starting.h - what the tests of fl_process are written with that start one process at a time.
 */
#ifndef FAIRLEAD_TESTS_STARTING_H
#define FAIRLEAD_TESTS_STARTING_H

#include <check.h>
#include <fairlead/process.h>

static fl_process *process;
static fl_process_status status;

static inline void start(const fl_process_options *options, int (*function)(void *arg, size_t size), const void *arg,
			 size_t size)
{
	ck_assert_int_eq(fl_process_start(&process, options, function, arg, size), 0);
	ck_assert_ptr_nonnull(process);
}

static inline void join(void)
{
	ck_assert_ptr_nonnull(process);
	ck_assert_int_eq(fl_process_join(process, &status), 0);
	process = fl_process_close(process);
}

/* Runs the function, which must succeed. */
static inline void run(const fl_process_options *options, int (*function)(void *arg, size_t size), const void *arg,
		       size_t size)
{
	start(options, function, arg, size);
	join();
	ck_assert_int_eq(status.end, FL_PROCESS_EXITED);
	ck_assert_int_eq(status.result, 0);
	ck_assert_int_eq(status.exitcode, 0);
}

#endif
