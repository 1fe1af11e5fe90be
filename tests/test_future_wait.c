/*
 * test_future_wait.c - several futures: who waits for the first, for an error or for all is woken then, and an iterator
 * returns each once, in the order in which they are done.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>

struct asked {
	fl_time deadline;
	fl_note *note;
};

#define N 6
static fl_future *several[N];

static void make_several(void)
{
	int i;

	reports_catch();
	for (i = 0; i < N; i++)
		ck_assert_int_eq(fl_future_create(&several[i]), 0);
}

static void drop_several(void)
{
	int i;

	for (i = 0; i < N; i++) {
		ck_assert_uint_eq(waiting_for(several[i]), 0);
		fl_future_unref(several[i]);
	}
	reports_expect_none();
}

static int wait_for(void *when)
{
	return fl_wait(N, several, *(enum fl_wait_when *)when, FL_FOREVER, NULL);
}

/* Which call waits can be seen: it stands in the queue of each that is not done. */
static void start_wait(struct call *call, enum fl_wait_when *when)
{
	call_start(call, wait_for, when);
	waiting_await(several[N - 1], 1);
}

START_TEST(waiting_for_the_first)
{
	enum fl_wait_when when = FL_FIRST_COMPLETED;
	struct call call;

	start_wait(&call, &when);
	fl_future_cancel(several[2]);
	ck_assert_int_eq(call_end(&call), 1);
	ck_assert_int_eq(fl_wait(N, several, when, INT64_MIN, NULL), 1);
}
END_TEST

START_TEST(waiting_for_all)
{
	enum fl_wait_when when = FL_ALL_COMPLETED;
	struct call call;
	int i;

	start_wait(&call, &when);
	for (i = 0; i < N; i++) {
		ck_assert(!call_returned(&call));
		ck_assert_int_eq(fl_wait(N, several, when, INT64_MIN, NULL), -ETIMEDOUT);
		fl_future_set_error(several[i], -EIO, NULL);
	}
	ck_assert_int_eq(call_end(&call), N);
}
END_TEST

START_TEST(waiting_for_the_first_error)
{
	enum fl_wait_when when = FL_FIRST_ERROR;
	struct call call;

	start_wait(&call, &when);
	fl_future_set_result(several[0], NULL, 0);
	fl_future_cancel(several[1]);
	ck_assert_int_eq(fl_wait(N, several, when, INT64_MIN, NULL), -ETIMEDOUT);
	fl_future_set_error(several[3], -EIO, NULL);
	ck_assert_int_eq(call_end(&call), 3);
}
END_TEST

START_TEST(waiting_for_none_is_over_at_once)
{
	ck_assert_int_eq(fl_wait(0, NULL, FL_FIRST_COMPLETED, FL_FOREVER, NULL), 0);
	ck_assert_int_eq(fl_wait((size_t)INT32_MAX + 1, several, FL_FIRST_COMPLETED, FL_FOREVER, NULL), -EINVAL);
}
END_TEST

static int wait_noted(void *arg)
{
	const struct asked *asked = arg;

	return fl_wait(N, several, FL_ALL_COMPLETED, asked->deadline, asked->note);
}

START_TEST(a_wait_for_several_ends_by_deadline_or_note)
{
	fl_note note = FL_NOTE_INIT, late;
	struct asked soon = {fl_after(FL_MS(1)), NULL}, noted = {FL_FOREVER, &note}, of_note = {FL_FOREVER, &late};
	struct call call;

	ck_assert_int_eq(call_elsewhere(wait_noted, &soon), -ETIMEDOUT);
	fl_note_init(&late, NULL, fl_after(FL_MS(1)));
	ck_assert_int_eq(call_elsewhere(wait_noted, &of_note), -ECANCELED);
	call_start(&call, wait_noted, &noted);
	waiting_await(&note, 1);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
}
END_TEST

/* In order of completion. */

START_TEST(they_come_in_the_order_in_which_they_are_done)
{
	static const int order[N] = {3, 0, 5, 1, 4, 2};
	fl_completed *completed;
	fl_future *next;
	int i = 0;

	fl_future_set_result(several[order[0]], NULL, 0);
	ck_assert_int_eq(fl_completed_create(&completed, N, several), 0);
	ck_assert_int_eq(fl_completed_next_until(completed, &next, INT64_MIN, NULL), 0);
	ck_assert_ptr_eq(next, several[order[0]]);
	ck_assert_int_eq(fl_completed_next_until(completed, &next, INT64_MIN, NULL), -ETIMEDOUT);
	for (i = 1; i < N; i++)
		fl_future_set_result(several[order[i]], NULL, 0);
	i = 1;
	FL_COMPLETED_EACH (completed, next) {
		ck_assert_ptr_eq(next, several[order[i]]);
		i++;
	}
	ck_assert_int_eq(i, N);
	ck_assert_int_eq(fl_completed_next_until(completed, &next, FL_FOREVER, NULL), -EPIPE);
	ck_assert_ptr_null(fl_completed_destroy(completed));
}
END_TEST

static fl_completed *shared;

static int count_completed(void *unused)
{
	fl_future *next;
	int n = 0;

	(void)unused;
	FL_COMPLETED_EACH (shared, next) {
		ck_assert(fl_future_done(next));
		n++;
	}
	return n;
}

START_TEST(threads_share_an_iterator)
{
	struct call one, other;
	int i;

	ck_assert_int_eq(fl_completed_create(&shared, N, several), 0);
	call_start(&one, count_completed, NULL);
	call_start(&other, count_completed, NULL);
	waiting_await(shared, 2);
	for (i = 0; i < N; i++)
		fl_future_set_result(several[i], NULL, 0);
	i = call_end(&one);
	ck_assert_int_eq(i + call_end(&other), N);
	fl_completed_destroy(shared);
}
END_TEST

/* The iterator is gone before its futures are done, some of which never are. */
START_TEST(an_iterator_may_be_left)
{
	fl_completed *completed;
	fl_future *next;

	ck_assert_int_eq(fl_completed_create(&completed, N, several), 0);
	fl_future_set_result(several[2], NULL, 0);
	FL_COMPLETED_EACH (completed, next)
		break;
	fl_completed_destroy(completed);
	fl_future_set_result(several[0], NULL, 0);
	ck_assert_int_eq(fl_completed_create(&completed, 0, NULL), 0);
	ck_assert_ptr_null(fl_completed_next(completed));
	fl_completed_destroy(completed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("future_wait");
	TCase *many = testing_case_between(suite, "several", make_several, drop_several);

	tcase_add_test(many, waiting_for_the_first);
	tcase_add_test(many, waiting_for_all);
	tcase_add_test(many, waiting_for_the_first_error);
	tcase_add_test(many, waiting_for_none_is_over_at_once);
	tcase_add_test(many, a_wait_for_several_ends_by_deadline_or_note);
	tcase_add_test(many, they_come_in_the_order_in_which_they_are_done);
	tcase_add_test(many, threads_share_an_iterator);
	tcase_add_test(many, an_iterator_may_be_left);
	return testing_run(suite);
}
