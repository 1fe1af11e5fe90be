/*
 * test_parallel.c - fl_parallel_for: each iteration is done once, whatever the range, the pieces, the threads and what
 * they do in there; and an error, a deadline and a note end it.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "testing.h"

#include "run/executor.h"
#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* More threads than there are processors. */
static void set_up(void)
{
	fl_parallel_threads_ = 8;
}

static void tear_down(void)
{
}

enum { MOST = 100000 };
static unsigned char done[MOST];
static int n_calls;

/* Each iteration is written by one thread: ThreadSanitizer sees it if that is not so. */
static int mark(int64_t begin, int64_t end, void *offset)
{
	int64_t i;

	__atomic_add_fetch(&n_calls, 1, __ATOMIC_RELAXED);
	ck_assert_int_lt(begin, end);
	for (i = begin; i < end; i++)
		done[i - *(int64_t *)offset]++;
	return 0;
}

static void check_marks(int64_t n)
{
	int64_t i;

	for (i = 0; i < MOST; i++)
		ck_assert_int_eq(done[i], i < n);
}

START_TEST(each_iteration_is_done_once)
{
	static const struct {
		int64_t begin, n, grain;
	} loops[] = {{0, 0, 0},    {0, 1, 0},    {0, 2, 1},       {-50, 100, 7},        {0, MOST, 0},
		     {5, MOST, 1}, {0, 64, 100}, {0, MOST, 1000}, {INT64_MIN, 1000, 3}, {INT64_MAX - 1000, 1000, 0}};
	int64_t begin = loops[_i].begin, n = loops[_i].n, grain = loops[_i].grain;

	ck_assert_int_eq(fl_parallel_for(begin, begin + n, grain, mark, &begin), 0);
	check_marks(n);
	if (grain > 0)
		ck_assert_int_eq(n_calls, (n + grain - 1) / grain);
}
END_TEST

static int count_span(int64_t begin, int64_t end, void *sum)
{
	__atomic_add_fetch((uint64_t *)sum, (uint64_t)end - (uint64_t)begin, __ATOMIC_RELAXED);
	return 0;
}

START_TEST(the_range_may_be_all_there_is)
{
	uint64_t sum = 0;

	ck_assert_int_eq(fl_parallel_for(INT64_MIN, INT64_MAX, 0, count_span, &sum), 0);
	ck_assert(sum == UINT64_MAX);
	ck_assert_int_eq(fl_parallel_for(5, -5, 0, count_span, NULL), 0);
	ck_assert_int_eq(fl_parallel_for(0, 5, -1, count_span, NULL), -EINVAL);
}
END_TEST

/* The first half of the range takes all the time. */
static int mark_slowly(int64_t begin, int64_t end, void *offset)
{
	fl_time until = fl_after(begin < MOST / 2 ? FL_US(20) : 0);

	while (fl_now() < until)
		;
	return mark(begin, end, offset);
}

START_TEST(uneven_loads_are_done_too)
{
	int64_t begin = 0;

	ck_assert_int_eq(fl_parallel_for(0, MOST, 100, mark_slowly, &begin), 0);
	check_marks(MOST);
}
END_TEST

static int mark_row(int64_t begin, int64_t end, void *unused)
{
	int64_t i, zero = 0;
	int error = 0;

	(void)unused;
	for (i = begin; error == 0 && i < end; i++)
		error = fl_parallel_for(i * 100, (i + 1) * 100, 3, mark, &zero);
	return error;
}

START_TEST(loops_within_loops)
{
	ck_assert_int_eq(fl_parallel_for(0, MOST / 100, 1, mark_row, NULL), 0);
	check_marks(MOST);
}
END_TEST

static int loop_in_work(fl_task *task, void *row)
{
	(void)task;
	return mark_row((int64_t)(intptr_t)row, (int64_t)(intptr_t)row + 1, NULL);
}

START_TEST(loops_within_an_executors_work)
{
	fl_executor *executor;
	fl_future *futures[MOST / 100];
	intptr_t i;

	ck_assert_int_eq(fl_executor_create(&executor, &(fl_executor_options){.max_threads = 3}), 0);
	for (i = 0; i < MOST / 100; i++)
		ck_assert_int_eq(fl_executor_submit(&futures[i], executor, loop_in_work, (void *)i), 0);
	for (i = 0; i < MOST / 100; i++) {
		ck_assert_int_eq(fl_future_result(futures[i], NULL, 0), 0);
		fl_future_unref(futures[i]);
	}
	fl_executor_destroy(executor);
	check_marks(MOST);
}
END_TEST

static void loop_alone(unsigned index, void *unused)
{
	int64_t i, zero = 0;

	(void)unused;
	for (i = index * 100; i < (index + 1) * 100; i++)
		ck_assert_int_eq(fl_parallel_for(i * 100, (i + 1) * 100, 1, mark, &zero), 0);
}

START_TEST(loops_of_many_threads)
{
	testing_together(10, loop_alone, NULL);
	check_marks(MOST);
}
END_TEST

static int fail_at(int64_t begin, int64_t end, void *where)
{
	__atomic_add_fetch(&n_calls, 1, __ATOMIC_RELAXED);
	return begin <= *(int64_t *)where && *(int64_t *)where < end ? -EIO : 0;
}

START_TEST(an_error_ends_it)
{
	int64_t where = 0;

	ck_assert_int_eq(fl_parallel_for(0, INT64_MAX, 1, fail_at, &where), -EIO);
	ck_assert_int_lt(n_calls, INT32_MAX);
}
END_TEST

static int cancel(int64_t begin, int64_t end, void *note)
{
	(void)begin;
	(void)end;
	fl_note_cancel(note);
	return 0;
}

START_TEST(a_note_and_a_deadline_end_it)
{
	fl_note note = FL_NOTE_INIT;

	ck_assert_int_eq(fl_parallel_for_until(0, MOST, 1, cancel, &note, FL_FOREVER, &note), -ECANCELED);
	ck_assert_int_eq(fl_parallel_for_until(0, MOST, 1, fail_at, &(int64_t){-1}, INT64_MIN, NULL), -ETIMEDOUT);
	ck_assert_int_eq(n_calls, 0);
}
END_TEST

#ifndef CALLS_NOT_IN_CHILD
START_TEST(a_child_has_threads_of_its_own)
{
	int64_t zero = 0;
	int status = 0;
	pid_t child;

	ck_assert_int_eq(fl_parallel_for(0, MOST, 0, mark, &zero), 0);
	child = fork();
	if (child == 0) {
		memset(done, 0, sizeof(done));
		EXPECT(fl_parallel_for(0, MOST, 0, mark, &zero) == 0);
		EXPECT(done[0] == 1 && done[MOST / 2] == 1 && done[MOST - 1] == 1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("parallel");
	TCase *loops = testing_case(suite, "loops"), *crowd = testing_case_between(suite, "crowd", set_up, tear_down),
	      *ends = testing_case(suite, "ends");

	tcase_add_loop_test(loops, each_iteration_is_done_once, 0, 10);
	tcase_add_test(loops, the_range_may_be_all_there_is);
	tcase_add_test(loops, uneven_loads_are_done_too);
	tcase_add_test(loops, loops_within_loops);
	tcase_add_test(loops, loops_within_an_executors_work);
	tcase_add_test(loops, loops_of_many_threads);
	tcase_add_loop_test(crowd, each_iteration_is_done_once, 0, 10);
	tcase_add_test(crowd, uneven_loads_are_done_too);
	tcase_add_test(crowd, loops_within_loops);
	tcase_add_test(crowd, loops_of_many_threads);
	tcase_add_test(crowd, an_error_ends_it);
	tcase_add_test(ends, an_error_ends_it);
	tcase_add_test(ends, a_note_and_a_deadline_end_it);
#ifndef CALLS_NOT_IN_CHILD
	tcase_add_test(ends, a_child_has_threads_of_its_own);
#endif
	return testing_run(suite);
}
