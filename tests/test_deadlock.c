/*
 * test_deadlock.c - FAIRLEAD_CHECK=order: threads that wait for each other are reported, and the one that came last
 * backs off.
 *
 * The deadlocks here are real: threads are made to wait, one after the other, each seen in the queue of its lock
 * before the next step; then the test itself makes the call that closes the circle. It returns -EDEADLK, and when the
 * test gives its lock back, the others go on.
 *
 * Taking locks in a circle is reported as such, too (test_order.c): hence, where there are several locks, one report
 * before that of the deadlock.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "checks.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define N_LOCKS 5

static fl_lock locks[N_LOCKS];
static fl_lock a, b;
static fl_rlock rlock;
static fl_rwlock rwlock;
static fl_condition condition;
static fl_note note;
static fl_event ready, go_on;
static struct call calls[N_LOCKS];

static void set_up(void)
{
	ck_assert_int_eq(fl_check_enable(FL_CHECK_ORDER), 0);
	for (int i = 0; i < N_LOCKS; i++)
		fl_lock_init(&locks[i], NULL);
	fl_lock_init(&a, "left");
	fl_lock_init(&b, "right");
	fl_rlock_init(&rlock, "again");
	fl_rwlock_init(&rwlock, "table");
	fl_condition_init_lock(&condition, &a, "changed");
	fl_note_init(&note, NULL, FL_FOREVER);
	fl_event_init(&ready, NULL);
	fl_event_init(&go_on, NULL);
	reports_catch();
}

static void expect_lock(const char *text, const void *lock)
{
	char words[32];

	snprintf(words, sizeof(words), " at %p", lock);
	expect_words(text, words);
}

START_TEST(a_thread_that_waits_for_itself)
{
	struct caught caught;

	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	ck_assert_int_eq(fl_lock_acquire(&a), -EDEADLK);
	expect_deadlock(&caught, 1, "lock", &a);
	ck_assert_str_eq(caught.name, "left");
	expect_words(caught.what, "by the thread that holds it");
	expect_thread(caught.text, gettid(), "waits for lock 'left'");
	expect_thread(caught.text, gettid(), "holds, acquired at ");
	ck_assert(fl_lock_locked(&a));
	fl_lock_release(&a);
	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	fl_lock_release(&a);
	reports_expect_none();
}
END_TEST

START_TEST(a_thread_that_tries_what_it_holds)
{
	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	ck_assert(!fl_lock_acquire_try(&a));
	ck_assert_int_eq(fl_lock_acquire_until(&a, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
	fl_lock_release(&a);
	reports_expect_none();
}
END_TEST

/* Holds lock i and waits for the one before it. */
static int wait_for_the_one_before(void *arg)
{
	fl_lock *mine = arg;
	int error;

	fl_lock_acquire(mine);
	error = fl_lock_acquire(mine - 1);
	if (error == 0)
		fl_lock_release(mine - 1);
	fl_lock_release(mine);
	return error;
}

START_TEST(any_number_of_threads)
{
	struct caught caught;
	int n = _i;

	ck_assert_int_eq(fl_lock_acquire(&locks[0]), 0);
	for (int i = 1; i < n; i++) {
		call_start(&calls[i], wait_for_the_one_before, &locks[i]);
		waiting_await(&locks[i - 1], 1);
	}
	reports_expect_none();
	ck_assert_int_eq(fl_lock_acquire(&locks[n - 1]), -EDEADLK);
	expect_deadlock(&caught, 2, "lock", &locks[n - 1]);
	expect_thread(caught.text, gettid(), "waits for ");
	expect_thread(caught.text, gettid(), "holds, acquired at ");
	expect_lock(caught.text, &locks[0]);
	for (int i = 1; i < n; i++) {
		ck_assert(!call_returned(&calls[i]));
		expect_thread(caught.text, calls[i].id, "waits for ");
		expect_thread(caught.text, calls[i].id, "holds, acquired at ");
		expect_lock(caught.text, &locks[i]);
	}
	fl_lock_release(&locks[0]);
	for (int i = 1; i < n; i++)
		ck_assert_int_eq(call_end(&calls[i]), 0);
	reports_expect_none();
}
END_TEST

START_TEST(only_those_in_the_circle_are_named)
{
	struct caught caught;
	char outsider[32];

	ck_assert_int_eq(fl_lock_acquire(&locks[0]), 0);
	for (int i = 1; i < 3; i++) {
		call_start(&calls[i], wait_for_the_one_before, &locks[i]);
		waiting_await(&locks[i - 1], 1);
	}
	/* Two threads are in the circle; the third waits for one of them. */
	ck_assert_int_eq(fl_lock_acquire(&locks[1]), -EDEADLK);
	expect_deadlock(&caught, 2, "lock", &locks[1]);
	snprintf(outsider, sizeof(outsider), "thread %d", (int)calls[2].id);
	ck_assert(strstr(caught.text, outsider) == NULL);
	fl_lock_release(&locks[0]);
	ck_assert_int_eq(call_end(&calls[1]), 0);
	ck_assert_int_eq(call_end(&calls[2]), 0);
}
END_TEST

/* Other locks. */

static int rlock_then_left(void *arg)
{
	int error;

	(void)arg;
	fl_rlock_acquire(&rlock);
	fl_rlock_acquire(&rlock);
	error = fl_lock_acquire(&a);
	if (error == 0)
		fl_lock_release(&a);
	fl_rlock_release(&rlock);
	fl_rlock_release(&rlock);
	return error;
}

START_TEST(through_an_rlock)
{
	struct caught caught;

	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	call_start(&calls[0], rlock_then_left, NULL);
	waiting_await(&a, 1);
	ck_assert_int_eq(fl_rlock_acquire(&rlock), -EDEADLK);
	ck_assert_uint_eq(fl_rlock_count(&rlock), 0);
	expect_deadlock(&caught, 2, "rlock", &rlock);
	expect_thread(caught.text, gettid(), "waits for rlock 'again'");
	expect_thread(caught.text, calls[0].id, "waits for lock 'left'");
	fl_lock_release(&a);
	ck_assert_int_eq(call_end(&calls[0]), 0);
}
END_TEST

/* Conditions. */

/* Leaves `right` held. */
static int wait_under_right(void *arg)
{
	int error;

	fl_lock_acquire(&b);
	fl_lock_acquire(&a);
	error = fl_condition_wait_until(&condition, FL_FOREVER, arg);
	ck_assert(!fl_lock_acquire_try(&a));
	fl_lock_release(&a);
	return error;
}

static int wait_holding_right(void *arg)
{
	int error = wait_under_right(arg);

	fl_lock_release(&b);
	return error;
}

START_TEST(a_condition_acquires_its_lock_again)
{
	struct caught caught;

	call_start(&calls[0], wait_holding_right, NULL);
	waiting_await(&condition, 1);
	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	ck_assert_uint_eq(fl_condition_notify(&condition, 1), 1);
	ck_assert_int_eq(fl_lock_acquire(&b), -EDEADLK);
	expect_deadlock(&caught, 2, "lock", &b);
	expect_thread(caught.text, calls[0].id, "waits for lock 'left'");
	expect_thread(caught.text, calls[0].id, "holds, acquired at ");
	ck_assert(strstr(caught.text, "not known") == NULL);
	fl_lock_release(&a);
	ck_assert_int_eq(call_end(&calls[0]), 0);
}
END_TEST

static int left_then_right(void *arg)
{
	int error;

	(void)arg;
	fl_lock_acquire(&a);
	error = fl_lock_acquire(&b);
	if (error == 0)
		fl_lock_release(&b);
	fl_lock_release(&a);
	return error;
}

START_TEST(a_condition_that_closes_the_circle_does_not_return_without_its_lock)
{
	struct caught caught;

	call_start(&calls[0], wait_under_right, &note);
	waiting_await(&condition, 1);
	call_start(&calls[1], left_then_right, NULL);
	waiting_await(&b, 1);
	expect_no_deadlock();
	fl_note_cancel(&note);
	waiting_await(&a, 1);
	/* It waits although that has been reported, since a condition's wait returns with the lock. Any thread may
	 * release another's. */
	ck_assert_int_eq(reports_look(&caught), 1);
	ck_assert_int_eq(caught.kind, FL_REPORT_DEADLOCK);
	ck_assert_ptr_eq(caught.address, &a);
	ck_assert_int_eq(caught.thread_id, calls[0].id);
	fl_lock_release(&b);
	ck_assert_int_eq(call_end(&calls[1]), 0);
	ck_assert_int_eq(call_end(&calls[0]), -ECANCELED);
	expect_no_deadlock();
}
END_TEST

/* Waits that end. */

static int wait_for_left_until_noted(void *arg)
{
	int error;

	fl_lock_acquire(&b);
	error = fl_lock_acquire_until(&a, FL_FOREVER, arg);
	if (error == 0)
		fl_lock_release(&a);
	fl_lock_release(&b);
	return error;
}

START_TEST(a_wait_that_can_be_cancelled_is_not_for_ever)
{
	call_start(&calls[0], left_then_right, NULL);
	call_end(&calls[0]);
	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	call_start(&calls[0], wait_for_left_until_noted, &note);
	waiting_await(&a, 1);
	ck_assert_int_eq(fl_lock_acquire_until(&b, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
	fl_lock_release(&a);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	expect_no_deadlock();
}
END_TEST

static int wait_for_left_a_moment(void *arg)
{
	int error;

	(void)arg;
	fl_lock_acquire(&b);
	fl_event_set(&ready);
	error = fl_lock_acquire_until(&a, fl_after(FL_MS(20)), NULL);
	if (error == 0)
		fl_lock_release(&a);
	fl_lock_release(&b);
	return error;
}

START_TEST(a_wait_with_a_deadline_is_not_for_ever)
{
	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	call_start(&calls[0], wait_for_left_a_moment, NULL);
	fl_event_wait(&ready);
	/* Waits for ever, but not in a circle of such waits. */
	ck_assert_int_eq(fl_lock_acquire(&b), 0);
	fl_lock_release(&b);
	fl_lock_release(&a);
	ck_assert_int_eq(call_end(&calls[0]), -ETIMEDOUT);
	expect_no_deadlock();
}
END_TEST

static int end_holding(void *arg)
{
	return fl_lock_acquire(arg);
}

static int wait_for_left(void *arg)
{
	int error = fl_lock_acquire(&a);

	(void)arg;
	fl_lock_release(&a);
	return error;
}

START_TEST(a_holder_that_has_ended_is_no_deadlock)
{
	call_start(&calls[0], end_holding, &a);
	call_end(&calls[0]);
	call_start(&calls[0], wait_for_left, NULL);
	waiting_await(&a, 1);
	fl_lock_release(&a);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	reports_expect_none();
}
END_TEST

static unsigned long sum;

/* Takes two of the locks in turns, the lower one first: never a circle, but much waiting. */
static void add_up(unsigned index, void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 1500; i++) {
		unsigned first = (index + i) % (N_LOCKS - 1);

		ck_assert_int_eq(fl_lock_acquire(&locks[first]), 0);
		ck_assert_int_eq(fl_rwlock_acquire_read(&rwlock), 0);
		ck_assert_int_eq(fl_lock_acquire(&locks[N_LOCKS - 1]), 0);
		sum++;
		fl_lock_release(&locks[N_LOCKS - 1]);
		fl_rwlock_release_read(&rwlock);
		fl_lock_release(&locks[first]);
		ck_assert_int_eq(fl_rwlock_acquire_write(&rwlock), 0);
		fl_rwlock_release_write(&rwlock);
	}
}

START_TEST(waiting_alone_is_no_deadlock)
{
	sum = 0;
	testing_together(8, add_up, NULL);
	ck_assert_uint_eq(sum, 12000);
	reports_expect_none();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("deadlock");
	TCase *locks_case, *others, *ending;

	if (checks_left_out())
		return 0;
	locks_case = testing_case(suite, "locks");
	others = testing_case(suite, "others");
	ending = testing_case(suite, "ending");
	tcase_add_checked_fixture(locks_case, set_up, NULL);
	tcase_add_checked_fixture(others, set_up, NULL);
	tcase_add_checked_fixture(ending, set_up, NULL);
	tcase_add_test(locks_case, a_thread_that_waits_for_itself);
	tcase_add_test(locks_case, a_thread_that_tries_what_it_holds);
	tcase_add_loop_test(locks_case, any_number_of_threads, 2, N_LOCKS + 1);
	tcase_add_test(locks_case, only_those_in_the_circle_are_named);
	tcase_add_test(others, through_an_rlock);
	tcase_add_test(others, a_condition_acquires_its_lock_again);
	tcase_add_test(others, a_condition_that_closes_the_circle_does_not_return_without_its_lock);
	tcase_add_test(ending, a_wait_that_can_be_cancelled_is_not_for_ever);
	tcase_add_test(ending, a_wait_with_a_deadline_is_not_for_ever);
	tcase_add_test(ending, a_holder_that_has_ended_is_no_deadlock);
	tcase_add_test(ending, waiting_alone_is_no_deadlock);
	return testing_run(suite);
}
