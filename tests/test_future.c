/*
 * test_future.c - Future: it is done once, everybody who waits or wants to be called is told once, and a cancel either
 * comes in time or does no more than to say so.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdlib.h>
#include <string.h>

static fl_future *future;

static void set_up(void)
{
	ck_assert_int_eq(fl_future_create(&future), 0);
	reports_catch();
}

static void tear_down(void)
{
	ck_assert_uint_eq(waiting_for(future), 0);
	ck_assert_ptr_null(fl_future_unref(future));
	reports_expect_none();
}

/* Phases and outcomes. */

START_TEST(a_new_one_is_pending)
{
	int value = 7;

	ck_assert(!fl_future_done(future) && !fl_future_running(future) && !fl_future_cancelled(future));
	ck_assert_int_eq(fl_future_error(future), -EAGAIN);
	ck_assert_str_eq(fl_future_message(future), "");
	ck_assert_ptr_null(fl_future_value(future, NULL));
	ck_assert_int_eq(fl_future_result_until(future, &value, sizeof(value), INT64_MIN, NULL), -ETIMEDOUT);
	ck_assert_int_eq(value, 7);
}
END_TEST

START_TEST(it_has_the_result_that_was_set)
{
	int answer = 42, value = 0;
	size_t size = 0;

	ck_assert_int_eq(fl_future_set_result(future, &answer, sizeof(answer)), 0);
	ck_assert(fl_future_done(future) && !fl_future_running(future) && !fl_future_cancelled(future));
	ck_assert_int_eq(fl_future_error(future), 0);
	ck_assert_int_eq(fl_future_result(future, &value, sizeof(value)), 0);
	ck_assert_int_eq(value, 42);
	ck_assert_int_eq(*(const int *)fl_future_value(future, &size), 42);
	ck_assert_uint_eq(size, sizeof(int));
	ck_assert_int_eq(fl_future_result(future, NULL, 0), 0);
	ck_assert_int_eq(fl_future_result(future, &value, 2), -EMSGSIZE);
}
END_TEST

START_TEST(a_result_may_be_nothing_or_large)
{
	static unsigned char large[FL_FUTURE_VALUE], got[FL_FUTURE_VALUE];
	fl_future *nothing;

	memset(large, 0x5a, sizeof(large));
	ck_assert_int_eq(fl_future_set_result(future, large, sizeof(large) + 1), -EMSGSIZE);
	ck_assert_int_eq(fl_future_set_result(future, large, sizeof(large)), 0);
	ck_assert_int_eq(fl_future_result(future, got, sizeof(got)), 0);
	ck_assert_mem_eq(got, large, sizeof(got));
	ck_assert_int_eq(fl_future_create(&nothing), 0);
	ck_assert_int_eq(fl_future_set_result(nothing, NULL, 0), 0);
	ck_assert_int_eq(fl_future_result(nothing, got, 0), 0);
	ck_assert_ptr_null(fl_future_value(nothing, NULL));
	fl_future_unref(nothing);
}
END_TEST

START_TEST(it_has_the_error_that_was_set)
{
	int value = 7;

	ck_assert_int_eq(fl_future_set_error(future, -ENOENT, "no file %d", 3), 0);
	ck_assert_int_eq(fl_future_result(future, &value, sizeof(value)), -ENOENT);
	ck_assert_int_eq(value, 7);
	ck_assert_int_eq(fl_future_error(future), -ENOENT);
	ck_assert_str_eq(fl_future_message(future), "no file 3");
	ck_assert_ptr_null(fl_future_value(future, NULL));
}
END_TEST

START_TEST(an_error_without_message_says_what_strerror_says)
{
	ck_assert_int_eq(fl_future_set_error(future, 5, NULL), 0);
	ck_assert_int_eq(fl_future_error(future), -EINVAL);
	ck_assert_str_eq(fl_future_message(future), strerror(EINVAL));
}
END_TEST

START_TEST(setting_it_twice_is_misuse)
{
	int one = 1, two = 2, value;

	ck_assert_int_eq(fl_future_set_result(future, &one, sizeof(one)), 0);
	ck_assert_int_eq(fl_future_set_result(future, &two, sizeof(two)), -EPERM);
	reports_expect("future", future, NULL, "a second time");
	ck_assert_int_eq(fl_future_set_error(future, -EIO, NULL), -EPERM);
	reports_expect("future", future, NULL, "a second time");
	ck_assert_int_eq(fl_future_set_running(future), -EPERM);
	reports_expect("future", future, NULL, "begun already");
	ck_assert_int_eq(fl_future_result(future, &value, sizeof(value)), 0);
	ck_assert_int_eq(value, 1);
}
END_TEST

START_TEST(a_pending_one_is_cancelled)
{
	ck_assert(fl_future_cancel(future));
	ck_assert(fl_future_cancel(future));
	ck_assert(fl_future_cancelled(future) && fl_future_done(future));
	ck_assert(fl_note_is_cancelled(fl_future_note(future)));
	ck_assert_int_eq(fl_future_error(future), -ECANCELED);
	ck_assert_int_eq(fl_future_result(future, NULL, 0), -ECANCELED);
	ck_assert_int_eq(fl_future_set_running(future), -ECANCELED);
	ck_assert_int_eq(fl_future_set_result(future, NULL, 0), -ECANCELED);
	ck_assert_int_eq(fl_future_set_error(future, -EIO, NULL), -ECANCELED);
}
END_TEST

START_TEST(of_a_running_one_the_note_is_cancelled)
{
	ck_assert_int_eq(fl_future_set_running(future), 0);
	ck_assert(fl_future_running(future));
	ck_assert(!fl_future_cancel(future));
	ck_assert(!fl_future_cancelled(future) && fl_note_is_cancelled(fl_future_note(future)));
	ck_assert_int_eq(fl_future_set_result(future, NULL, 0), 0);
	ck_assert(!fl_future_running(future) && !fl_future_cancel(future));
	ck_assert_int_eq(fl_future_error(future), 0);
}
END_TEST

/* Callbacks. */

static int calls[8], n_calls;

static int note_call(fl_future *called, void *arg)
{
	ck_assert(fl_future_done(called));
	calls[n_calls++] = (int)(intptr_t)arg;
	return 0;
}

static int fail_call(fl_future *called, void *arg)
{
	note_call(called, arg);
	return -EIO;
}

START_TEST(callbacks_are_called_once_in_order)
{
	intptr_t i;

	for (i = 0; i < 3; i++)
		ck_assert_int_eq(fl_future_add_done_callback(future, note_call, (void *)i), 0);
	ck_assert_int_eq(n_calls, 0);
	fl_future_set_result(future, NULL, 0);
	ck_assert_int_eq(n_calls, 3);
	ck_assert_int_eq(fl_future_add_done_callback(future, note_call, (void *)i), 0);
	ck_assert_int_eq(n_calls, 4);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(calls[i], i);
}
END_TEST

START_TEST(a_cancel_calls_them_too)
{
	ck_assert_int_eq(fl_future_add_done_callback(future, note_call, NULL), 0);
	fl_future_cancel(future);
	fl_future_cancel(future);
	ck_assert_int_eq(n_calls, 1);
}
END_TEST

START_TEST(one_that_fails_is_reported_and_the_others_are_called)
{
	struct caught caught;

	ck_assert_int_eq(fl_future_add_done_callback(future, fail_call, NULL), 0);
	ck_assert_int_eq(fl_future_add_done_callback(future, note_call, NULL), 0);
	fl_future_set_result(future, NULL, 0);
	ck_assert_int_eq(n_calls, 2);
	ck_assert_int_eq(reports_look(&caught), 1);
	ck_assert_int_eq(caught.kind, FL_REPORT_CALLBACK);
	ck_assert_ptr_eq(caught.address, future);
	ck_assert_ptr_nonnull(strstr(caught.what, strerror(EIO)));
}
END_TEST

/* It may do with the future what it likes: there is no lock in its way. */
static int use_it(fl_future *called, void *other)
{
	int value;

	ck_assert_int_eq(fl_future_result(called, &value, sizeof(value)), 0);
	ck_assert_int_eq(fl_future_add_done_callback(called, note_call, NULL), 0);
	ck_assert_int_eq(fl_future_set_result(other, &value, sizeof(value)), 0);
	return 0;
}

START_TEST(a_callback_may_use_it_and_set_others)
{
	fl_future *other;
	int value = 5;

	ck_assert_int_eq(fl_future_create(&other), 0);
	ck_assert_int_eq(fl_future_add_done_callback(future, use_it, other), 0);
	ck_assert_int_eq(fl_future_set_result(future, &value, sizeof(value)), 0);
	ck_assert_int_eq(n_calls, 1);
	value = 0;
	ck_assert_int_eq(fl_future_result(other, &value, sizeof(value)), 0);
	ck_assert_int_eq(value, 5);
	fl_future_unref(other);
}
END_TEST

static int expect_pipe(fl_future *called, void *unused)
{
	(void)unused;
	n_calls++;
	ck_assert_int_eq(fl_future_error(called), -EPIPE);
	return 0;
}

START_TEST(one_that_is_given_back_unset_calls_them_with_an_error)
{
	fl_future *other;

	ck_assert_int_eq(fl_future_create(&other), 0);
	ck_assert_int_eq(fl_future_add_done_callback(other, expect_pipe, NULL), 0);
	fl_future_unref(other);
	ck_assert_int_eq(n_calls, 1);
}
END_TEST

/* Waiting. */

static int wait_for_it(void *unused)
{
	(void)unused;
	return fl_future_result(future, NULL, 0);
}

struct asked {
	fl_time deadline;
	fl_note *note;
};

static int wait_until(void *arg)
{
	const struct asked *asked = arg;

	return fl_future_wait_until(future, asked->deadline, asked->note);
}

START_TEST(all_who_wait_are_woken)
{
	struct call waits[4];
	unsigned i;

	for (i = 0; i < 4; i++) {
		call_start(&waits[i], wait_for_it, NULL);
		waiting_await(future, i + 1);
	}
	fl_future_set_error(future, -EIO, NULL);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(call_end(&waits[i]), -EIO);
}
END_TEST

static fl_event gone_on = FL_EVENT_INIT;

static int wait_and_go_on(void *unused)
{
	int error = wait_for_it(unused);

	fl_event_set(&gone_on);
	return error;
}

static int await_gone_on(fl_future *done, void *unused)
{
	(void)unused;
	ck_assert(fl_future_done(done));
	fl_event_wait(&gone_on);
	n_calls++;
	return 0;
}

/* The callback ends only after who waited has gone on. */
START_TEST(who_waits_does_not_wait_for_callbacks)
{
	struct call call;

	ck_assert_int_eq(fl_future_add_done_callback(future, await_gone_on, NULL), 0);
	call_start(&call, wait_and_go_on, NULL);
	waiting_await(future, 1);
	ck_assert_int_eq(fl_future_set_result(future, NULL, 0), 0);
	ck_assert_int_eq(n_calls, 1);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

START_TEST(a_wait_ends_by_its_deadline_or_its_note)
{
	fl_note note = FL_NOTE_INIT;
	struct asked soon = {fl_after(FL_MS(1)), NULL}, noted = {FL_FOREVER, &note};
	struct call call;

	ck_assert_int_eq(call_elsewhere(wait_until, &soon), -ETIMEDOUT);
	call_start(&call, wait_until, &noted);
	waiting_await(&note, 1);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	ck_assert(!fl_future_done(future));
	fl_future_set_result(future, NULL, 0);
	ck_assert_int_eq(fl_future_wait_until(future, INT64_MIN, &note), 0);
}
END_TEST

/* Contention. */

enum { ROUNDS = 3000, THREADS = 8 };
static fl_future *turns[ROUNDS];
static int settled[ROUNDS], called[ROUNDS], told[ROUNDS];

static int count_call(fl_future *done, void *arg)
{
	(void)done;
	__atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED);
	return 0;
}

static void meet(unsigned index, int i)
{
	int error = 0, value = i;

	switch (index % 4) {
	case 0:
		if (fl_future_set_running(turns[i]) == 0) {
			ck_assert_int_eq(fl_future_set_result(turns[i], &value, sizeof(value)), 0);
			settled[i]++;
		}
		break;
	case 1:
		if (index == 1 && fl_future_cancel(turns[i]))
			__atomic_add_fetch(&told[i], 1, __ATOMIC_RELAXED);
		ck_assert_int_eq(fl_future_add_done_callback(turns[i], count_call, &called[i]), 0);
		break;
	case 2:
		value = -1;
		error = fl_future_result_until(turns[i], &value, sizeof(value), fl_after(i % 7 ? FL_SECONDS(100) : 0),
					       NULL);
		ck_assert(error == 0 || error == -ECANCELED || (error == -ETIMEDOUT && i % 7 == 0));
		ck_assert_int_eq(value, error == 0 ? i : -1);
		break;
	default:
		error = fl_wait(2, &turns[i], FL_FIRST_COMPLETED, FL_FOREVER, NULL);
		ck_assert_int_ge(error, 1);
	}
	fl_future_unref(turns[i]);
}

static void meet_all(unsigned index, void *unused)
{
	int i;

	(void)unused;
	if (index == 4) { /* two setters would be misuse */
		for (i = 0; i < ROUNDS - 1; i++)
			fl_future_unref(turns[i]);
		return;
	}
	for (i = 0; i < ROUNDS - 1; i++)
		meet(index, i);
}

START_TEST(whoever_comes_when_each_is_told_once)
{
	int i, n;

	for (i = 0; i < ROUNDS; i++) {
		ck_assert_int_eq(fl_future_create(&turns[i]), 0);
		for (n = 0; n < THREADS; n++)
			fl_future_ref(turns[i]);
	}
	testing_together(THREADS, meet_all, NULL);
	for (i = 0; i < ROUNDS - 1; i++) {
		ck_assert_int_eq(settled[i] + told[i], 1);
		ck_assert_int_eq(called[i], 2);
		ck_assert_uint_eq(waiting_for(turns[i]), 0);
		fl_future_unref(turns[i]);
	}
	for (n = 0; n < THREADS + 1; n++)
		fl_future_unref(turns[ROUNDS - 1]);
}
END_TEST

/* Who has waited gives its reference back at once, while the other may still be at work on the future. */
static fl_future *passed[2];
static fl_event ready = FL_EVENT_INIT, taken = FL_EVENT_INIT;

static void set_and_forget(unsigned index, void *unused)
{
	int i;

	(void)unused;
	for (i = 0; i < ROUNDS; i++) {
		if (index == 0) {
			ck_assert_int_eq(fl_future_create(&passed[0]), 0);
			passed[1] = fl_future_ref(passed[0]);
			fl_event_set(&ready);
			ck_assert_int_eq(fl_future_result(passed[0], NULL, 0), 0);
			fl_future_unref(passed[0]);
			fl_event_wait(&taken);
			fl_event_clear(&taken);
		} else {
			fl_event_wait(&ready);
			fl_event_clear(&ready);
			ck_assert_int_eq(fl_future_set_result(passed[1], NULL, 0), 0);
			fl_future_unref(passed[1]);
			fl_event_set(&taken);
		}
	}
}

START_TEST(the_last_reference_frees_it)
{
	testing_together(2, set_and_forget, NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("future");
	TCase *alone = testing_case_between(suite, "alone", set_up, tear_down);
	TCase *callbacks = testing_case_between(suite, "callbacks", set_up, tear_down);
	TCase *waiting = testing_case_between(suite, "waiting", set_up, tear_down);
	TCase *contention = testing_case(suite, "contention");

	tcase_add_test(alone, a_new_one_is_pending);
	tcase_add_test(alone, it_has_the_result_that_was_set);
	tcase_add_test(alone, a_result_may_be_nothing_or_large);
	tcase_add_test(alone, it_has_the_error_that_was_set);
	tcase_add_test(alone, an_error_without_message_says_what_strerror_says);
	tcase_add_test(alone, setting_it_twice_is_misuse);
	tcase_add_test(alone, a_pending_one_is_cancelled);
	tcase_add_test(alone, of_a_running_one_the_note_is_cancelled);
	tcase_add_test(callbacks, callbacks_are_called_once_in_order);
	tcase_add_test(callbacks, a_cancel_calls_them_too);
	tcase_add_test(callbacks, one_that_fails_is_reported_and_the_others_are_called);
	tcase_add_test(callbacks, a_callback_may_use_it_and_set_others);
	tcase_add_test(callbacks, one_that_is_given_back_unset_calls_them_with_an_error);
	tcase_add_test(waiting, all_who_wait_are_woken);
	tcase_add_test(waiting, who_waits_does_not_wait_for_callbacks);
	tcase_add_test(waiting, a_wait_ends_by_its_deadline_or_its_note);
	tcase_add_test(contention, whoever_comes_when_each_is_told_once);
	tcase_add_test(contention, the_last_reference_frees_it);
	return testing_run(suite);
}
