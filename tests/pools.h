/*
 * pools.h - what the tests of fl_pool are written with: a pool, tasks, and a log that workers write to.
 *
 * Workers share no memory with the test, so what they have to say beside results goes to the end of a file whose name
 * is in the environment, a number at a time.
 */
#ifndef FAIRLEAD_TESTS_POOLS_H
#define FAIRLEAD_TESTS_POOLS_H

#include "testing.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static fl_pool *pool;

static inline const char *pools_path(void)
{
	const char *path = getenv("FAIRLEAD_TEST_LOG");

	return path ? path : "";
}

static inline void pools_set_up(void)
{
	static char path[] = "/tmp/fairlead-pool-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(setenv("FAIRLEAD_TEST_LOG", path, 1), 0);
}

static inline void pools_tear_down(void)
{
	pool = fl_pool_destroy(pool);
	ck_assert_int_eq(unlink(pools_path()), 0);
}

static inline void pools_log(int number)
{
	int fd = open(pools_path(), O_WRONLY | O_APPEND | O_CLOEXEC);

	EXPECT(fd >= 0 && write(fd, &number, sizeof(number)) == sizeof(number));
	close(fd);
}

/* How many numbers there are, or how often there is this one. */
static inline int pools_logged(void)
{
	struct stat status;

	EXPECT(stat(pools_path(), &status) == 0);
	return (int)((size_t)status.st_size / sizeof(int));
}

static inline int pools_count(int number)
{
	int fd = open(pools_path(), O_RDONLY | O_CLOEXEC), each, n = 0;

	ck_assert_int_ge(fd, 0);
	while (read(fd, &each, sizeof(each)) == sizeof(each))
		n += each == number;
	close(fd);
	return n;
}

static inline void pools_await(int n)
{
	while (pools_logged() < n)
		sched_yield();
}

/* Makes the test's pool. */
static inline void pools_make(const fl_pool_options *options)
{
	ck_assert_int_eq(fl_pool_create(&pool, options), 0);
}

static inline fl_future *pools_submit(fl_pool_work work, int number)
{
	fl_future *future;

	ck_assert_int_eq(fl_pool_submit(&future, pool, work, &number, sizeof(number)), 0);
	return future;
}

static inline void pools_expect(fl_future *future, int expected)
{
	int is = -1;

	ck_assert_msg(fl_future_result(future, &is, sizeof(is)) == 0, "%d: %s", fl_future_error(future),
		      fl_future_message(future));
	ck_assert_int_eq(is, expected);
	fl_future_unref(future);
}

static inline void pools_expect_error(fl_future *future, int error)
{
	ck_assert_int_eq(fl_future_result(future, NULL, 0), error);
	fl_future_unref(future);
}

/* Tasks. */

static inline int pools_number(const void *arg, size_t size)
{
	EXPECT(size == sizeof(int));
	return *(const int *)arg;
}

/* Logs its number and returns the square of it. */
static inline int pools_square(fl_task *task, void *arg, size_t size)
{
	int n = pools_number(arg, size), square = n * n;

	pools_log(n);
	return fl_task_return(task, &square, sizeof(square));
}

/* Dies by that signal, without a core file. */
static inline void pools_raise(int which)
{
	EXPECT(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0);
	signal(which, SIG_DFL); /* a sanitizer's handler would exit */
	raise(which);
}

static inline int pools_die(fl_task *task, void *arg, size_t size)
{
	(void)task;
	pools_log(-1);
	pools_raise(pools_number(arg, size));
	return 0;
}

/* Logs its number, and does not end by itself. */
static inline int pools_hang(fl_task *task, void *arg, size_t size)
{
	(void)task;
	pools_log(pools_number(arg, size));
	while (pause() < 0)
		;
	return 0;
}

#endif
