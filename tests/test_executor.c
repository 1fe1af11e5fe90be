/*
 * test_executor.c - Executor: work is done once, in order where that is promised, by no more threads than are needed
 * and allowed; a full pool does not wait for itself; and the end waits for what there is to wait for.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "executors.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdlib.h>
#include <string.h>

static int nothing(fl_task *task, void *unused)
{
	(void)task;
	(void)unused;
	return 0;
}

static int wait_for_event(fl_task *task, void *event)
{
	return fl_event_wait_until(event, FL_FOREVER, fl_task_note(task));
}

/* Outcomes. */

static int add(fl_task *task, void *arg)
{
	const int *numbers = arg;
	int sum = numbers[0] + numbers[1];

	return fl_task_return(task, &sum, sizeof(sum));
}

START_TEST(a_result_comes_back)
{
	int numbers[2] = {40, 2}, sum = 0;
	fl_future *future, *copied;

	make(2);
	future = submit(add, numbers);
	ck_assert_int_eq(fl_future_result(future, &sum, sizeof(sum)), 0);
	ck_assert_int_eq(sum, 42);
	ck_assert_int_eq(fl_future_set_result(future, NULL, 0), -EPERM);
	reports_expect("future", future, NULL, "executor's");
	fl_future_unref(future);
	ck_assert_int_eq(fl_executor_submit_value(&copied, executor, add, numbers, sizeof(numbers)), 0);
	ck_assert_int_eq(fl_future_result(copied, &sum, sizeof(sum)), 0);
	fl_future_unref(copied);
	ck_assert_int_eq(fl_executor_submit_value(&copied, executor, add, numbers, FL_FUTURE_VALUE + 1), -EMSGSIZE);
}
END_TEST

static int fail_work(fl_task *task, void *message)
{
	return message ? fl_task_fail(task, -EIO, "%s", (char *)message) : -ENOENT;
}

START_TEST(an_error_comes_back_with_its_message)
{
	static char no_answer[] = "no answer";
	fl_future *future;

	make(2);
	future = submit(fail_work, no_answer);
	ck_assert_int_eq(fl_future_result(future, NULL, 0), -EIO);
	ck_assert_str_eq(fl_future_message(future), "no answer");
	fl_future_unref(future);
	ck_assert_int_eq(finish(submit(fail_work, NULL)), -ENOENT);
}
END_TEST

static int end_thread(fl_task *task, void *unused)
{
	(void)task;
	(void)unused;
	fl_thread_exit(NULL);
}

START_TEST(work_that_ends_its_thread_has_failed_and_the_thread_is_replaced)
{
	fl_future *future;

	make(1);
	future = submit(end_thread, NULL);
	ck_assert_int_eq(fl_future_result(future, NULL, 0), -ECHILD);
	ck_assert_str_eq(fl_future_message(future), "the work has ended its thread");
	fl_future_unref(future);
	ck_assert_int_eq(finish(submit(nothing, NULL)), 0);
	ck_assert_uint_eq(fl_executor_threads(executor), 1);
}
END_TEST

/* Threads. */

START_TEST(threads_are_started_as_they_are_needed)
{
	fl_event events[3] = {FL_EVENT_INIT, FL_EVENT_INIT, FL_EVENT_INIT};
	fl_future *futures[3];
	unsigned i;

	make(2);
	ck_assert_uint_eq(fl_executor_threads(executor), 0);
	for (i = 0; i < 5; i++) {
		ck_assert_int_eq(finish(submit(nothing, NULL)), 0);
		await_idle(fl_executor_threads(executor));
	}
	ck_assert_uint_eq(fl_executor_threads(executor), 1);
	for (i = 0; i < 3; i++) {
		futures[i] = submit(wait_for_event, &events[i]);
		if (i < 2)
			waiting_await(&events[i], 1);
	}
	ck_assert_uint_eq(fl_executor_threads(executor), 2);
	ck_assert(fl_future_running(futures[1]) && !fl_future_running(futures[2]));
	for (i = 0; i < 3; i++) {
		fl_event_set(&events[i]);
		ck_assert_int_eq(finish(futures[i]), 0);
	}
	await_idle(2);
}
END_TEST

static int check_name(fl_task *task, void *wanted)
{
	(void)task;
	ck_assert_str_eq(fl_thread_name(fl_thread_self()), wanted);
	return 0;
}

START_TEST(they_have_names)
{
	static char name[] = "fetch-1";

	make_with(&(fl_executor_options){.max_threads = 1, .name = "fetch"});
	ck_assert_int_eq(finish(submit(check_name, name)), 0);
}
END_TEST

START_TEST(wrong_options_are_refused)
{
	fl_executor *other = NULL;

	make(1);
	ck_assert_int_eq(fl_executor_create(&other, &(fl_executor_options){.max_threads = FL_EXECUTOR_THREADS + 1}),
			 -EINVAL);
	ck_assert_int_eq(fl_executor_create(&other, &(fl_executor_options){.fl_spare = {1}}), -EINVAL);
	ck_assert_ptr_null(other);
}
END_TEST

static int n_done;

static int in_order(fl_task *task, void *number)
{
	(void)task;
	ck_assert_int_eq(n_done++, (int)(intptr_t)number);
	return 0;
}

START_TEST(one_thread_does_all_in_order)
{
	fl_future *last = NULL;
	intptr_t i;

	make(1);
	for (i = 0; i < 5000; i++) {
		fl_future_unref(last);
		last = submit(in_order, (void *)i);
	}
	ck_assert_int_eq(finish(last), 0);
	ck_assert_int_eq(n_done, 5000);
}
END_TEST

static int initialize(void *thread_count)
{
	__atomic_add_fetch((int *)thread_count, 1, __ATOMIC_RELAXED);
	return 0;
}

static int is_initialized(fl_task *task, void *count)
{
	(void)task;
	return __atomic_load_n((int *)count, __ATOMIC_RELAXED) > 0 ? 0 : -EINVAL;
}

START_TEST(the_initializer_comes_first)
{
	int count = 0;

	make_with(&(fl_executor_options){.max_threads = 2, .initializer = initialize, .initializer_arg = &count});
	ck_assert_int_eq(finish(submit(is_initialized, &count)), 0);
}
END_TEST

static int fail_to_initialize(void *event)
{
	fl_event_wait(event);
	return -EACCES;
}

START_TEST(an_initializer_that_fails_breaks_it)
{
	fl_event event = FL_EVENT_INIT;
	struct caught caught;
	fl_future *future;

	make_with(
		&(fl_executor_options){.max_threads = 1, .initializer = fail_to_initialize, .initializer_arg = &event});
	future = submit(nothing, NULL);
	fl_event_set(&event);
	ck_assert_int_eq(fl_future_result(future, NULL, 0), -ENOTRECOVERABLE);
	ck_assert_ptr_nonnull(strstr(fl_future_message(future), strerror(EACCES)));
	fl_future_unref(future);
	ck_assert_int_eq(fl_executor_submit(&future, executor, nothing, NULL), -ENOTRECOVERABLE);
	ck_assert_int_eq(reports_look(&caught), 1);
	ck_assert_int_eq(caught.kind, FL_REPORT_CALLBACK);
}
END_TEST

/* Cancelling. */

static int never(fl_task *task, void *unused)
{
	(void)task;
	(void)unused;
	ck_abort_msg("it was cancelled, and is run");
}

START_TEST(pending_work_is_cancelled_and_never_run)
{
	fl_event event = FL_EVENT_INIT;
	fl_future *running, *pending;

	make(1);
	running = submit(wait_for_event, &event);
	waiting_await(&event, 1);
	pending = submit(never, NULL);
	ck_assert(fl_future_cancel(pending));
	ck_assert_int_eq(finish(pending), -ECANCELED);
	fl_event_set(&event);
	ck_assert_int_eq(finish(running), 0);
	ck_assert_int_eq(finish(submit(nothing, NULL)), 0);
}
END_TEST

START_TEST(running_work_is_told_by_its_note)
{
	fl_event event = FL_EVENT_INIT;
	fl_future *running;

	make(1);
	running = submit(wait_for_event, &event);
	waiting_await(&event, 1);
	ck_assert(!fl_future_cancel(running));
	ck_assert_int_eq(fl_future_result(running, NULL, 0), -ECANCELED);
	ck_assert(!fl_future_cancelled(running));
	fl_future_unref(running);
}
END_TEST

/* The end. */

START_TEST(a_shutdown_does_what_was_submitted)
{
	fl_future *last = NULL;
	intptr_t i;

	make(1);
	for (i = 0; i < 1000; i++) {
		fl_future_unref(last);
		last = submit(in_order, (void *)i);
	}
	ck_assert_int_eq(fl_executor_shutdown(executor, true, false), 0);
	ck_assert_int_eq(n_done, 1000);
	ck_assert_int_eq(finish(last), 0);
	ck_assert_uint_eq(fl_executor_threads(executor), 0);
	ck_assert_int_eq(fl_executor_submit(&last, executor, nothing, NULL), -EPIPE);
	ck_assert_int_eq(fl_executor_shutdown(executor, true, true), 0);
}
END_TEST

START_TEST(a_shutdown_may_cancel_what_is_pending)
{
	fl_event event = FL_EVENT_INIT;
	fl_future *running, *pending;

	make(1);
	running = submit(wait_for_event, &event);
	waiting_await(&event, 1);
	pending = submit(never, NULL);
	ck_assert_int_eq(fl_executor_shutdown_until(executor, true, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
	ck_assert(fl_future_cancelled(pending));
	fl_future_unref(pending);
	ck_assert_int_eq(fl_executor_shutdown(executor, false, false), 0);
	fl_event_set(&event);
	ck_assert_int_eq(fl_executor_shutdown_until(executor, false, FL_FOREVER, NULL), 0);
	ck_assert_int_eq(finish(running), 0);
}
END_TEST

static int shut_down(fl_task *task, void *unused)
{
	(void)task;
	(void)unused;
	ck_assert_int_eq(fl_executor_shutdown(executor, true, false), 0);
	ck_assert_int_eq(fl_executor_shutdown_until(executor, false, FL_FOREVER, NULL), -EDEADLK);
	fl_executor_destroy(executor);
	reports_expect("executor", executor, NULL, "own threads");
	return 0;
}

START_TEST(its_own_work_may_shut_it_down)
{
	make(2);
	ck_assert_int_eq(finish(submit(shut_down, NULL)), 0);
}
END_TEST

START_TEST(one_that_was_never_used_ends_at_once)
{
	make(0);
	ck_assert_int_eq(fl_executor_shutdown_until(executor, false, INT64_MIN, NULL), 0);
}
END_TEST

/* Map. */

static int square(const void *item, void *ret_result, fl_task *task, void *unused)
{
	int number = *(const int *)item;

	(void)unused;
	if (number < 0)
		return fl_task_fail(task, number, "negative");
	*(int *)ret_result = number * number;
	return 0;
}

START_TEST(a_map_has_its_results_in_order)
{
	int items[100], results[100] = {0}, i;
	fl_map map = {.function = square,
		      .n = 100,
		      .items = items,
		      .item_size = sizeof(int),
		      .results = results,
		      .result_size = sizeof(int),
		      .chunk = 7};

	make(3);
	for (i = 0; i < 100; i++)
		items[i] = i;
	ck_assert_int_eq(fl_executor_map(executor, &map), 0);
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(results[i], i * i);
	items[50] = -ENOENT;
	items[20] = -EIO;
	map.chunk = 1;
	ck_assert_int_eq(fl_executor_map(executor, &map), -EIO);
	map.n = 0;
	ck_assert_int_eq(fl_executor_map(executor, &map), 0);
}
END_TEST

static int sleep_noted(const void *item, void *ret_result, fl_task *task, void *unused)
{
	(void)item;
	(void)ret_result;
	(void)unused;
	return fl_note_wait(fl_task_note(task));
}

START_TEST(a_map_ends_by_its_deadline)
{
	char items[5];
	fl_map map = {.function = sleep_noted, .n = 5, .items = items, .item_size = 1};

	make(2);
	ck_assert_int_eq(fl_executor_map_until(executor, &map, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("executor");
	TCase *outcome = testing_case_between(suite, "outcome", set_up, tear_down);
	TCase *threads = testing_case_between(suite, "threads", set_up, tear_down);
	TCase *cancel = testing_case_between(suite, "cancel", set_up, tear_down);
	TCase *end = testing_case_between(suite, "end", set_up, tear_down);
	TCase *map = testing_case_between(suite, "map", set_up, tear_down);

	tcase_add_test(outcome, a_result_comes_back);
	tcase_add_test(outcome, an_error_comes_back_with_its_message);
	tcase_add_test(outcome, work_that_ends_its_thread_has_failed_and_the_thread_is_replaced);
	tcase_add_test(threads, threads_are_started_as_they_are_needed);
	tcase_add_test(threads, they_have_names);
	tcase_add_test(threads, wrong_options_are_refused);
	tcase_add_test(threads, one_thread_does_all_in_order);
	tcase_add_test(threads, the_initializer_comes_first);
	tcase_add_test(threads, an_initializer_that_fails_breaks_it);
	tcase_add_test(cancel, pending_work_is_cancelled_and_never_run);
	tcase_add_test(cancel, running_work_is_told_by_its_note);
	tcase_add_test(end, a_shutdown_does_what_was_submitted);
	tcase_add_test(end, a_shutdown_may_cancel_what_is_pending);
	tcase_add_test(end, its_own_work_may_shut_it_down);
	tcase_add_test(end, one_that_was_never_used_ends_at_once);
	tcase_add_test(map, a_map_has_its_results_in_order);
	tcase_add_test(map, a_map_ends_by_its_deadline);
	return testing_run(suite);
}
