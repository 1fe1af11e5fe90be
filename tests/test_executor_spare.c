/*
 * test_executor_spare.c - the memory of tasks is used again: nothing of the last task is seen by the next, what is kept
 * is bounded and ends with the executors, and futures may outlive theirs.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "executors.h"

#include "run/spare.h"
#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#ifdef FL_NO_SPARES
enum { SPARES = 0 };
#else
enum { SPARES = 1 };
#endif

enum { MANY = 3 * FL_SPARE_BATCH };

static fl_future *futures[MANY];

static int answer(fl_task *task, void *number)
{
	return fl_task_return(task, number, sizeof(int));
}

static void submit_many(void)
{
	int i;

	for (i = 0; i < MANY; i++)
		ck_assert_int_eq(fl_executor_submit_value(&futures[i], executor, answer, &i, sizeof(i)), 0);
}

static void take_many(void)
{
	int i, number = -1;

	for (i = 0; i < MANY; i++) {
		ck_assert_int_eq(fl_future_result(futures[i], &number, sizeof(number)), 0);
		ck_assert_int_eq(number, i);
	}
}

static void give_back_many(void)
{
	int i;

	for (i = 0; i < MANY; i++)
		futures[i] = fl_future_unref(futures[i]);
}

/* Tasks. */

static int leave_traces(fl_task *task, void *unused)
{
	static char large[100];

	(void)unused;
	fl_note_cancel(fl_task_note(task));
	return fl_task_fail(task, fl_task_return(task, large, sizeof(large)) == 0 ? -EIO : -ENOMEM, "left behind");
}

static int wait_for_event(fl_task *task, void *event)
{
	(void)task;
	return fl_event_wait_until(event, FL_FOREVER, NULL);
}

static int count(fl_future *future, void *n)
{
	(void)future;
	++*(int *)n;
	return 0;
}

static void expect_new(fl_future *future)
{
	ck_assert(!fl_future_done(future) && !fl_future_running(future));
	ck_assert_int_eq(fl_future_error(future), -EAGAIN);
	ck_assert_str_eq(fl_future_message(future), "");
	ck_assert_ptr_null(fl_future_value(future, NULL));
	ck_assert(!fl_note_is_cancelled(fl_future_note(future)));
}

START_TEST(a_task_has_nothing_of_the_last_one)
{
	fl_event go = FL_EVENT_INIT;
	fl_future *first;
	int called = 0, i;

	make(1);
	for (i = 0; i < MANY; i++) {
		futures[i] = submit(leave_traces, NULL);
		ck_assert_int_eq(fl_future_add_done_callback(futures[i], count, &called), 0);
		ck_assert_int_eq(fl_future_result(futures[i], NULL, 0), -EIO);
	}
	first = submit(wait_for_event, &go);
	give_back_many();
	submit_many();
	for (i = 0; i < MANY; i++)
		expect_new(futures[i]);
	fl_event_set(&go);
	take_many();
	give_back_many();
	ck_assert_int_eq(finish(first), 0);
	ck_assert_int_eq(called, MANY);
}
END_TEST

static int compare(fl_task *task, void *value)
{
	static const char zeros[FL_SPARE_SIZE + 1];
	size_t size = *(unsigned char *)value;

	return memcmp((char *)value + 1, zeros, size - 1) == 0 ? fl_task_return(task, value, size) : -EPROTO;
}

/* Some fit into a spare task, some do not. */
START_TEST(values_of_all_sizes_arrive)
{
	unsigned char value[FL_SPARE_SIZE] = {0}, got[sizeof(value)];
	fl_future *future;
	size_t size;

	make(2);
	for (size = 1; size <= sizeof(value); size++) {
		value[0] = (unsigned char)size;
		ck_assert_int_eq(fl_executor_submit_value(&future, executor, compare, value, size), 0);
		ck_assert_int_eq(fl_future_result(future, got, size), 0);
		ck_assert_mem_eq(got, value, size);
		fl_future_unref(future);
	}
}
END_TEST

START_TEST(futures_outlive_their_executor)
{
	make(2);
	submit_many();
	executor = fl_executor_destroy(executor);
	take_many();
	give_back_many();
	ck_assert_uint_eq(fl_spare_batches_(), 0);
}
END_TEST

START_TEST(a_refused_task_leaves_nothing)
{
	make(1);
	fl_executor_shutdown(executor, true, false);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(fl_executor_submit(&futures[i], executor, answer, NULL), -EPIPE);
	ck_assert_uint_eq(fl_spare_batches_(), 0);
}
END_TEST

/* What is kept. */

START_TEST(batches_are_kept_until_the_last_executor_ends)
{
	fl_executor *other;

	make(1);
	ck_assert_int_eq(fl_executor_create(&other, NULL), 0);
	submit_many();
	fl_executor_shutdown(executor, true, false);
	give_back_many(); /* two batches stay with this thread */
	ck_assert_uint_eq(fl_spare_batches_(), SPARES);
	fl_executor_destroy(executor);
	ck_assert_uint_eq(fl_spare_batches_(), SPARES);
	executor = other;
	submit_many();
	ck_assert_uint_eq(fl_spare_batches_(), 0);
	take_many();
	executor = fl_executor_destroy(executor);
	give_back_many();
	ck_assert_uint_eq(fl_spare_batches_(), 0);
}
END_TEST

static fl_future *too_many[(FL_SPARE_BATCHES + 8) * FL_SPARE_BATCH];
enum { TOO_MANY = sizeof(too_many) / sizeof(too_many[0]) };

START_TEST(no_more_is_kept_than_is_said)
{
	int i;

	make(1);
	for (i = 0; i < TOO_MANY; i++)
		too_many[i] = submit(leave_traces, NULL);
	fl_executor_shutdown(executor, true, false);
	for (i = 0; i < TOO_MANY; i++)
		fl_future_unref(too_many[i]);
	ck_assert_uint_eq(fl_spare_batches_(), SPARES * FL_SPARE_BATCHES);
	executor = fl_executor_destroy(executor);
	ck_assert_uint_eq(fl_spare_batches_(), 0);
}
END_TEST

static int take_and_give_back_many(void *unused)
{
	(void)unused;
	give_back_many();
	return 0;
}

START_TEST(a_thread_that_ends_leaves_its_batches)
{
	struct call call;

	make(1);
	submit_many();
	fl_executor_shutdown(executor, true, false);
	call_start(&call, take_and_give_back_many, NULL);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_uint_eq(fl_spare_batches_(), SPARES * 3);
}
END_TEST

#ifndef FL_NO_SPARES
START_TEST(to_give_back_too_often_is_found_out)
{
	fl_future *future;

	make(1);
	future = submit(leave_traces, NULL);
	fl_executor_shutdown(executor, true, false);
	fl_future_unref(future);
	fl_future_unref(future);
	reports_expect("future", future, NULL, "no reference");
}
END_TEST
#endif

#ifndef CALLS_NOT_IN_CHILD

/* A forked child. */

START_TEST(a_child_has_nothing_of_the_store)
{
	struct call call;
	int status = 0;
	pid_t child;

	make(1);
	submit_many();
	fl_executor_shutdown(executor, true, false);
	call_start(&call, take_and_give_back_many, NULL);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_uint_eq(fl_spare_batches_(), SPARES * 3);
	child = fork();
	if (child == 0) {
		EXPECT(fl_spare_batches_() == 0);
		EXPECT(!fl_executor_destroy(executor));
		EXPECT(fl_executor_create(&executor, NULL) == 0);
		EXPECT(fl_executor_submit(&futures[0], executor, leave_traces, NULL) == 0);
		EXPECT(fl_future_result(futures[0], NULL, 0) == -EIO);
		fl_future_unref(futures[0]);
		fl_executor_destroy(executor);
		EXPECT(fl_spare_batches_() == 0);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

#endif

int main(void)
{
	Suite *suite = suite_create("executor_spare");
	TCase *tasks = testing_case_between(suite, "tasks", set_up, tear_down);
	TCase *kept = testing_case_between(suite, "kept", set_up, tear_down);

	tcase_add_test(tasks, a_task_has_nothing_of_the_last_one);
	tcase_add_test(tasks, values_of_all_sizes_arrive);
	tcase_add_test(tasks, futures_outlive_their_executor);
	tcase_add_test(tasks, a_refused_task_leaves_nothing);
	tcase_add_test(kept, batches_are_kept_until_the_last_executor_ends);
	tcase_add_test(kept, no_more_is_kept_than_is_said);
	tcase_add_test(kept, a_thread_that_ends_leaves_its_batches);
#ifndef FL_NO_SPARES
	tcase_add_test(kept, to_give_back_too_often_is_found_out);
#endif
#ifndef CALLS_NOT_IN_CHILD
	tcase_add_test(testing_case_between(suite, "process", set_up, tear_down), a_child_has_nothing_of_the_store);
#endif
	return testing_run(suite);
}
