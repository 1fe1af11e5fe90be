/*
 * test_once.c - Once: the function succeeds one time, however many threads ask, and all of them see what it wrote.
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

static fl_once once;

/* What the function is to do, and what it did. */
static struct {
	int runs, result;
	fl_event running, may_end;
	bool slow;
} job;

static void set_up(void)
{
	memset(&once, 0, sizeof(once));
	memset(&job, 0, sizeof(job));
	reports_catch();
}

static void tear_down(void)
{
	ck_assert_uint_eq(waiting_for(&once), 0);
	reports_expect_none();
}

static int do_job(void *arg)
{
	ck_assert_ptr_eq(arg, &job);
	job.runs++;
	if (job.slow) {
		fl_event_set(&job.running);
		fl_event_wait(&job.may_end);
	}
	return job.result;
}

static int call_once(void *unused)
{
	(void)unused;
	return fl_once_call(&once, do_job, &job);
}

START_TEST(it_is_run_once)
{
	ck_assert(!fl_once_done(&once));
	ck_assert_int_eq(call_once(NULL), 0);
	ck_assert(fl_once_done(&once));
	ck_assert_int_eq(call_once(NULL), 0);
	ck_assert_int_eq(call_elsewhere(call_once, NULL), 0);
	ck_assert_int_eq(fl_once_call_until(&once, do_job, &job, INT64_MIN, NULL), 0);
	ck_assert_int_eq(job.runs, 1);
}
END_TEST

START_TEST(a_failure_is_told_and_tried_again)
{
	job.result = -ENOENT;
	ck_assert_int_eq(call_once(NULL), -ENOENT);
	ck_assert(!fl_once_done(&once));
	job.result = INT32_MIN;
	ck_assert_int_eq(call_once(NULL), INT32_MIN);
	ck_assert(!fl_once_done(&once));
	job.result = 7;
	ck_assert_int_eq(call_once(NULL), 0); /* only a negative number is a failure */
	ck_assert(fl_once_done(&once));
	ck_assert_int_eq(job.runs, 3);
}
END_TEST

START_TEST(others_wait_until_it_is_done)
{
	struct call runner, waiters[3];
	unsigned i;

	job.slow = true;
	call_start(&runner, call_once, NULL);
	fl_event_wait(&job.running);
	ck_assert(!fl_once_done(&once));
	for (i = 0; i < 3; i++) {
		call_start(&waiters[i], call_once, NULL);
		waiting_await(&once, i + 1);
	}
	fl_event_set(&job.may_end);
	ck_assert_int_eq(call_end(&runner), 0);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(call_end(&waiters[i]), 0);
	ck_assert_int_eq(job.runs, 1);
}
END_TEST

static int fail_first(void *arg)
{
	int error = do_job(arg);

	job.slow = false;
	job.result = 0;
	return error;
}

static int call_failing_first(void *unused)
{
	(void)unused;
	return fl_once_call(&once, fail_first, &job);
}

START_TEST(one_who_waits_takes_over_when_it_fails)
{
	struct call runner, waiters[3];
	unsigned i;

	job.slow = true;
	job.result = -EIO;
	call_start(&runner, call_failing_first, NULL);
	fl_event_wait(&job.running);
	for (i = 0; i < 3; i++) {
		call_start(&waiters[i], call_once, NULL);
		waiting_await(&once, i + 1);
	}
	fl_event_set(&job.may_end);
	ck_assert_int_eq(call_end(&runner), -EIO);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(call_end(&waiters[i]), 0);
	ck_assert_int_eq(job.runs, 2);
	ck_assert(fl_once_done(&once));
}
END_TEST

static int call_within(void *ret_error)
{
	((int *)ret_error)[0] = fl_once_call(&once, do_job, &job);
	((int *)ret_error)[1] = fl_once_call_until(&once, do_job, &job, FL_FOREVER, NULL);
	return 0;
}

START_TEST(to_call_it_from_inside_is_refused)
{
	int errors[2] = {0};

	ck_assert_int_eq(fl_once_call(&once, call_within, errors), 0);
	ck_assert_int_eq(errors[0], -EDEADLK);
	ck_assert_int_eq(errors[1], -EDEADLK);
	ck_assert_int_eq(job.runs, 0);
	ck_assert(fl_once_done(&once));
}
END_TEST

static fl_once inner;

static int call_inner(void *arg)
{
	return fl_once_call(&inner, do_job, arg);
}

START_TEST(one_may_need_another)
{
	ck_assert_int_eq(fl_once_call(&once, call_inner, &job), 0);
	ck_assert(fl_once_done(&inner));
	ck_assert_int_eq(job.runs, 1);
}
END_TEST

START_TEST(one_that_gives_up_does_not_disturb_the_others)
{
	struct call runner, waiter;

	job.slow = true;
	call_start(&runner, call_once, NULL);
	fl_event_wait(&job.running);
	call_start(&waiter, call_once, NULL);
	waiting_await(&once, 1);
	ck_assert_int_eq(fl_once_call_until(&once, do_job, &job, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
	ck_assert_uint_eq(waiting_for(&once), 1);
	fl_event_set(&job.may_end);
	ck_assert_int_eq(call_end(&runner), 0);
	ck_assert_int_eq(call_end(&waiter), 0);
	ck_assert_int_eq(job.runs, 1);
}
END_TEST

START_TEST(what_nobody_runs_is_run_whatever_the_deadline)
{
	fl_note note = FL_NOTE_INIT;

	fl_note_cancel(&note);
	ck_assert_int_eq(fl_once_call_until(&once, do_job, &job, INT64_MIN, &note), 0);
	ck_assert_int_eq(job.runs, 1);
}
END_TEST

/* Another thread of the parent was in the function, and will not come back from it in the child. */
static void call_in_child(void *unused)
{
	(void)unused;
	job.slow = false;
	if (fl_once_call_until(&once, do_job, &job, fl_after(FL_SECONDS(5)), NULL) != 0)
		_Exit(1);
}

START_TEST(a_child_does_not_wait_for_a_thread_it_does_not_have)
{
	struct call runner;
	char said[1024];
	int status;

	job.slow = true;
	call_start(&runner, call_once, NULL);
	fl_event_wait(&job.running);
	status = reports_of_child(call_in_child, NULL, said, sizeof(said), NULL);
	fl_event_set(&job.may_end);
	ck_assert_int_eq(call_end(&runner), 0);
	ck_assert_msg(status == 0, "status %#x: %s", (unsigned)status, said);
}
END_TEST

/* Many threads, many objects, the first tries fail. Neither what is counted nor what is written has any other
 * protection. */
enum { N = 2000, TRIES = 2 };
static struct {
	fl_once once;
	int tries, done;
	long value;
} many[N];

static int fail_and_then_write(void *arg)
{
	long i = (long)(intptr_t)arg;

	if (++many[i].tries <= TRIES)
		return -EAGAIN;
	many[i].value = i + 1;
	many[i].done++;
	return 0;
}

static void call_them_all(unsigned index, void *ret_failures)
{
	int failures = 0;
	long i;

	(void)index;
	for (i = 0; i < N; i++) {
		int error;

		while ((error = fl_once_call(&many[i].once, fail_and_then_write, (void *)(intptr_t)i)) != 0) {
			ck_assert_int_eq(error, -EAGAIN);
			failures++;
		}
		ck_assert_int_eq(many[i].value, i + 1);
	}
	__atomic_add_fetch((int *)ret_failures, failures, __ATOMIC_RELAXED);
}

START_TEST(many_threads_run_it_once)
{
	int failures = 0, i;

	memset(many, 0, sizeof(many));
	testing_together(4, call_them_all, &failures);
	ck_assert_int_eq(failures, N * TRIES);
	for (i = 0; i < N; i++)
		ck_assert_int_eq(many[i].done, 1);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name)
{
	TCase *tcase = testing_case(suite, name);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("once");
	TCase *alone = new_case(suite, "alone"), *together = new_case(suite, "together"),
	      *forked = new_case(suite, "forked");

	tcase_add_test(alone, it_is_run_once);
	tcase_add_test(alone, a_failure_is_told_and_tried_again);
	tcase_add_test(alone, to_call_it_from_inside_is_refused);
	tcase_add_test(alone, one_may_need_another);
	tcase_add_test(alone, what_nobody_runs_is_run_whatever_the_deadline);
	tcase_add_test(together, others_wait_until_it_is_done);
	tcase_add_test(together, one_who_waits_takes_over_when_it_fails);
	tcase_add_test(together, one_that_gives_up_does_not_disturb_the_others);
	tcase_add_test(together, many_threads_run_it_once);
	tcase_add_test(forked, a_child_does_not_wait_for_a_thread_it_does_not_have);
	return testing_run(suite);
}
