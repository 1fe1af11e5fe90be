/*
 * test_deadlock_rwlock.c - FAIRLEAD_CHECK=order: deadlocks in which there are readers and writers.
 *
 * As in test_deadlock.c they are real. Readers wait for each other only if a writer stands between them, and only if
 * that one waits for ever.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "checks.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <unistd.h>

static fl_lock a, b;
static fl_rwlock rwlock;
static fl_note note;
static fl_event ready, go_on;
static struct call calls[4];

static void set_up(void)
{
	ck_assert_int_eq(fl_check_enable(FL_CHECK_ORDER), 0);
	fl_lock_init(&a, "left");
	fl_lock_init(&b, "right");
	fl_rwlock_init(&rwlock, "table");
	fl_note_init(&note, NULL, FL_FOREVER);
	fl_event_init(&ready, NULL);
	fl_event_init(&go_on, NULL);
	reports_catch();
}

static int read_until_noted(void *arg)
{
	int error = fl_rwlock_acquire_read_until(&rwlock, FL_FOREVER, arg);

	if (error == 0)
		fl_rwlock_release_read(&rwlock);
	return error;
}

static int write_until_noted(void *arg)
{
	int error = fl_rwlock_acquire_write_until(&rwlock, FL_FOREVER, arg);

	if (error == 0)
		fl_rwlock_release_write(&rwlock);
	return error;
}

static int lock_then_read(void *lock)
{
	int error;

	fl_lock_acquire(lock);
	error = read_until_noted(NULL);
	fl_lock_release(lock);
	return error;
}

static int lock_then_write(void *lock)
{
	int error;

	fl_lock_acquire(lock);
	error = write_until_noted(NULL);
	fl_lock_release(lock);
	return error;
}

static int read_then_lock(void *lock)
{
	int error;

	fl_rwlock_acquire_read(&rwlock);
	error = fl_lock_acquire(lock);
	if (error == 0)
		fl_lock_release(lock);
	fl_rwlock_release_read(&rwlock);
	return error;
}

START_TEST(a_reader_waits_for_a_writer)
{
	struct caught caught;

	ck_assert_int_eq(fl_rwlock_acquire_write(&rwlock), 0);
	call_start(&calls[0], lock_then_read, &a);
	waiting_await(&rwlock, 1);
	ck_assert_int_eq(fl_lock_acquire(&a), -EDEADLK);
	expect_deadlock(&caught, 2, "lock", &a);
	expect_thread(caught.text, calls[0].id, "waits for rwlock 'table'");
	expect_words(caught.text, "(read side)");
	fl_rwlock_release_write(&rwlock);
	ck_assert_int_eq(call_end(&calls[0]), 0);
}
END_TEST

START_TEST(a_writer_waits_for_a_reader)
{
	struct caught caught;

	ck_assert_int_eq(fl_rwlock_acquire_read(&rwlock), 0);
	call_start(&calls[0], lock_then_write, &a);
	waiting_await(&rwlock, 1);
	ck_assert_int_eq(fl_lock_acquire(&a), -EDEADLK);
	expect_deadlock(&caught, 2, "lock", &a);
	expect_thread(caught.text, calls[0].id, "waits for rwlock 'table'");
	expect_words(caught.text, "(write side)");
	expect_thread(caught.text, gettid(), "holds, acquired at ");
	fl_rwlock_release_read(&rwlock);
	ck_assert_int_eq(call_end(&calls[0]), 0);
}
END_TEST

START_TEST(the_writer_comes_last)
{
	struct caught caught;

	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	for (int i = 0; i < 3; i++)
		call_start(&calls[i], read_then_lock, &a);
	waiting_await(&a, 3);
	ck_assert_int_eq(fl_rwlock_acquire_write(&rwlock), -EDEADLK);
	expect_deadlock(&caught, 2, "rwlock", &rwlock);
	fl_lock_release(&a);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(call_end(&calls[i]), 0);
}
END_TEST

/* Between readers stands a writer. */

START_TEST(readers_wait_for_each_other_behind_a_writer)
{
	struct caught caught;

	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	call_start(&calls[0], read_then_lock, &a);
	waiting_await(&a, 1);
	call_start(&calls[1], write_until_noted, NULL);
	waiting_await(&rwlock, 1);
	ck_assert_int_eq(fl_rwlock_acquire_read(&rwlock), -EDEADLK);
	expect_deadlock(&caught, 2, "rwlock", &rwlock);
	fl_lock_release(&a);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert_int_eq(call_end(&calls[1]), 0);
}
END_TEST

static int left_then_read_when_told(void *arg)
{
	int error;

	fl_lock_acquire(&a);
	fl_event_set(&ready);
	fl_event_wait(&go_on);
	error = read_until_noted(arg);
	fl_lock_release(&a);
	return error;
}

START_TEST(a_writer_that_may_give_up_stands_in_nobodys_way_for_ever)
{
	call_start(&calls[0], left_then_read_when_told, NULL);
	fl_event_wait(&ready);
	call_start(&calls[1], read_then_lock, &a);
	waiting_await(&a, 1);
	call_start(&calls[2], write_until_noted, &note);
	waiting_await(&rwlock, 1);
	fl_event_set(&go_on);
	waiting_await(&rwlock, 2);
	call_start(&calls[3], write_until_noted, NULL);
	waiting_await(&rwlock, 3);
	/* Nobody goes on now; but once the first writer gives up, the reader behind it comes in. */
	expect_no_deadlock();
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&calls[2]), -ECANCELED);
	for (int i = 0; i < 4; i++)
		if (i != 2)
			ck_assert_int_eq(call_end(&calls[i]), 0);
	expect_no_deadlock();
}
END_TEST

START_TEST(a_thread_that_was_given_its_lock_in_its_sleep_does_not_wait)
{
	ck_assert_int_eq(fl_rwlock_acquire_write(&rwlock), 0);
	call_start(&calls[0], read_then_lock, &b);
	waiting_await(&rwlock, 1);
	call_start(&calls[1], lock_then_read, &b);
	waiting_await(&rwlock, 2);
	call_start(&calls[2], write_until_noted, NULL);
	waiting_await(&rwlock, 3);
	call_freeze(&calls[1]);
	/* Both readers are let in; one of them does not know yet, and the other one now waits for a lock that this
	 * one holds. */
	fl_rwlock_release_write(&rwlock);
	waiting_await(&b, 1);
	expect_no_deadlock();
	call_thaw(&calls[1]);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(call_end(&calls[i]), 0);
	expect_no_deadlock();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("deadlock_rwlock");
	TCase *sides;

	if (checks_left_out())
		return 0;
	sides = testing_case(suite, "sides");
	tcase_add_checked_fixture(sides, set_up, NULL);
	tcase_add_test(sides, a_reader_waits_for_a_writer);
	tcase_add_test(sides, a_writer_waits_for_a_reader);
	tcase_add_test(sides, the_writer_comes_last);
	tcase_add_test(sides, readers_wait_for_each_other_behind_a_writer);
	tcase_add_test(sides, a_writer_that_may_give_up_stands_in_nobodys_way_for_ever);
	tcase_add_test(sides, a_thread_that_was_given_its_lock_in_its_sleep_does_not_wait);
	return testing_run(suite);
}
