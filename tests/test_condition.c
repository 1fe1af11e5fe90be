/*
 * test_condition.c - Condition: a notify wakes those that were waiting when it was called, the longest-waiting first,
 * and no others; and the lock is given up and had back whole.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include "base/park.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <sched.h>

static fl_condition condition;
static const void *own_lock = &condition.fl_own;

static void set_up(void)
{
	fl_condition_init(&condition, "stock");
	reports_catch();
}

static void tear_down(void)
{
	ck_assert_uint_eq(waiting_for(&condition), 0);
	ck_assert_uint_eq(condition.fl_waiters, 0);
	ck_assert(!fl_rlock_locked(&condition.fl_own));
	reports_expect_none();
}

/* A waiter on a thread of its own. */
struct waiter {
	struct call call;
	fl_condition *condition;
	fl_time deadline;
	fl_note *note;
	uint32_t number; /* of its thread */
	int *returned;   /* how many have; protected by the lock */
};

static int wait_in_turn(void *arg)
{
	struct waiter *waiter = arg;
	int error = fl_condition_acquire(waiter->condition);

	ck_assert_int_eq(error, 0);
	waiter->number = fl_self();
	error = fl_condition_wait_until(waiter->condition, waiter->deadline, waiter->note);
	if (waiter->returned)
		++*waiter->returned;
	fl_condition_release(waiter->condition); /* reported, were it not held */
	return error;
}

/* Starts a waiter and returns when it is queued, or its deadline has passed. */
static void begin_until(struct waiter *waiter, fl_condition *for_what, fl_time deadline, fl_note *note)
{
	unsigned before = waiting_for(for_what);

	*waiter = (struct waiter){.condition = for_what, .deadline = deadline, .note = note};
	call_start(&waiter->call, wait_in_turn, waiter);
	waiting_await_or(for_what, before + 1, &waiter->call);
}

static void begin(struct waiter *waiter)
{
	begin_until(waiter, &condition, FL_FOREVER, NULL);
}

static uint32_t notify(fl_condition *whom, uint32_t n)
{
	uint32_t notified;

	fl_condition_acquire(whom);
	notified = fl_condition_notify(whom, n);
	fl_condition_release(whom);
	return notified;
}

START_TEST(a_notify_wakes_as_many_as_it_says)
{
	struct waiter waiters[5];
	int i;

	ck_assert_uint_eq(notify(&condition, 1), 0);
	for (i = 0; i < 5; i++)
		begin(&waiters[i]);
	ck_assert_uint_eq(notify(&condition, 0), 0);
	ck_assert_uint_eq(waiting_for(&condition), 5);
	ck_assert_uint_eq(notify(&condition, 1), 1);
	ck_assert_int_eq(call_end(&waiters[0].call), 0);
	ck_assert_uint_eq(waiting_for(&condition), 4);
	ck_assert_uint_eq(notify(&condition, 2), 2);
	ck_assert_int_eq(call_end(&waiters[1].call), 0);
	ck_assert_int_eq(call_end(&waiters[2].call), 0);
	ck_assert_uint_eq(notify(&condition, 100), 2);
	ck_assert_int_eq(call_end(&waiters[3].call), 0);
	ck_assert_int_eq(call_end(&waiters[4].call), 0);
}
END_TEST

/* Those who wait for the lock are the waiters, in their order. */
static void expect_moved(const struct waiter *waiters, int n)
{
	struct fl_bucket *bucket = fl_park_lock_(own_lock);
	const struct fl_waiter *queued = fl_park_first_(bucket, own_lock);
	int i = 0;

	for (; queued && i < n && queued->number == waiters[i].number; i++)
		queued = queued->next;
	fl_park_unlock_(bucket);
	ck_assert_int_eq(i, n);
	ck_assert_ptr_null(queued);
}

START_TEST(notify_all_wakes_all_in_order)
{
	struct waiter waiters[8];
	int i, returned = 0;

	for (i = 0; i < 8; i++) {
		begin(&waiters[i]);
		waiters[i].returned = &returned;
	}
	fl_condition_acquire(&condition);
	ck_assert_uint_eq(fl_condition_notify_all(&condition), 8);
	ck_assert_uint_eq(fl_condition_notify_all(&condition), 0);
	ck_assert_uint_eq(waiting_for(&condition), 0);
	expect_moved(waiters, 8);
	fl_condition_release(&condition);
	for (i = 0; i < 8; i++)
		ck_assert_int_eq(call_end(&waiters[i].call), 0);
	ck_assert_int_eq(returned, 8);
}
END_TEST

START_TEST(the_notified_run_when_the_lock_is_released)
{
	struct waiter waiter;

	begin(&waiter);
	fl_condition_acquire(&condition);
	fl_condition_acquire(&condition);
	ck_assert_uint_eq(fl_condition_notify(&condition, 1), 1);
	waiting_await(own_lock, 1);
	fl_condition_release(&condition);
	ck_assert_uint_eq(waiting_for(own_lock), 1);
	fl_condition_release(&condition);
	ck_assert_int_eq(call_end(&waiter.call), 0);
}
END_TEST

START_TEST(a_notify_is_not_remembered)
{
	ck_assert_uint_eq(notify(&condition, 1), 0);
	fl_condition_acquire(&condition);
	ck_assert_uint_eq(fl_condition_notify_all(&condition), 0);
	ck_assert_int_eq(fl_condition_wait_until(&condition, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
	fl_condition_release(&condition);
}
END_TEST

/* The first has been notified and does not run yet when the second begins to wait. */
START_TEST(a_late_waiter_steals_no_wake_up)
{
	struct waiter early, late;

	begin(&early);
	testing_await_asleep(early.call.id); /* or it would be given the lock, and hold it until it is thawed */
	call_freeze(&early.call);
	ck_assert_uint_eq(notify(&condition, 1), 1);
	begin(&late);
	call_thaw(&early.call);
	ck_assert_int_eq(call_end(&early.call), 0);
	ck_assert(!call_returned(&late.call));
	ck_assert_uint_eq(waiting_for(&condition), 1);
	ck_assert_uint_eq(notify(&condition, 1), 1);
	ck_assert_int_eq(call_end(&late.call), 0);
}
END_TEST

/* The notify came in time; that the thread gets to run after its deadline changes nothing. */
START_TEST(a_deadline_after_the_notify_does_not_count)
{
	fl_time deadline = fl_after(FL_MS(20));
	struct waiter waiter;
	bool in_time;

	begin_until(&waiter, &condition, deadline, NULL);
	call_freeze(&waiter.call);
	in_time = notify(&condition, 1) == 1;
	waiting_until(deadline);
	call_thaw(&waiter.call);
	ck_assert_int_eq(call_end(&waiter.call), in_time ? 0 : -ETIMEDOUT);
}
END_TEST

START_TEST(a_cancel_after_the_notify_does_not_count)
{
	fl_note note = FL_NOTE_INIT;
	struct waiter waiter;

	begin_until(&waiter, &condition, FL_FOREVER, &note);
	waiting_await(&note, 1);
	fl_condition_acquire(&condition);
	ck_assert_uint_eq(fl_condition_notify(&condition, 1), 1);
	fl_note_cancel(&note);
	waiting_await(own_lock, 1);
	fl_condition_release(&condition);
	ck_assert_int_eq(call_end(&waiter.call), 0);
}
END_TEST

START_TEST(who_gave_up_gets_no_notify)
{
	fl_note note = FL_NOTE_INIT;
	struct waiter cancelled, late, patient;

	begin_until(&cancelled, &condition, FL_FOREVER, &note);
	waiting_await(&note, 1);
	begin_until(&late, &condition, fl_after(FL_MS(5)), NULL);
	patient = (struct waiter){.condition = &condition, .deadline = FL_FOREVER};
	call_start(&patient.call, wait_in_turn, &patient);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&cancelled.call), -ECANCELED);
	ck_assert_int_eq(call_end(&late.call), -ETIMEDOUT);
	waiting_await(&condition, 1);
	ck_assert_uint_eq(notify(&condition, 1), 1);
	ck_assert_int_eq(call_end(&patient.call), 0);
}
END_TEST

START_TEST(it_returns_with_the_lock_however_long_that_takes)
{
	fl_note note = FL_NOTE_INIT;
	struct waiter waiter;

	begin_until(&waiter, &condition, FL_FOREVER, &note);
	waiting_await(&note, 1);
	fl_condition_acquire(&condition);
	fl_note_cancel(&note);
	waiting_await(own_lock, 1); /* it has given up and wants the lock back */
	ck_assert_uint_eq(waiting_for(&condition), 0);
	ck_assert_uint_eq(fl_condition_notify(&condition, 1), 0);
	ck_assert(!call_returned(&waiter.call));
	fl_condition_release(&condition);
	ck_assert_int_eq(call_end(&waiter.call), -ECANCELED);
}
END_TEST

static int acquire_and_release(void *unused)
{
	int error = fl_condition_acquire(&condition);

	(void)unused;
	fl_condition_release(&condition);
	return error;
}

START_TEST(a_past_deadline_does_not_release_the_lock)
{
	struct call other;

	fl_condition_acquire(&condition);
	call_start(&other, acquire_and_release, NULL);
	waiting_await(own_lock, 1);
	testing_await_asleep(other.id);
	ck_assert_int_eq(fl_condition_wait_until(&condition, fl_now(), NULL), -ETIMEDOUT);
	ck_assert(!call_returned(&other));
	ck_assert_uint_eq(waiting_for(own_lock), 1);
	fl_condition_release(&condition);
	ck_assert_int_eq(call_end(&other), 0);
}
END_TEST

static int notify_one(void *whom)
{
	waiting_await(whom, 1);
	return (int)notify(whom, 1);
}

START_TEST(an_rlock_is_released_and_restored_whole)
{
	fl_rlock rlock = FL_RLOCK_INIT;
	fl_condition over = FL_CONDITION_OVER_RLOCK(&rlock);
	struct call notifier;

	fl_rlock_acquire(&rlock);
	fl_condition_acquire(&over);
	ck_assert(fl_condition_acquire_try(&over));
	ck_assert_uint_eq(fl_rlock_count(&rlock), 3);
	call_start(&notifier, notify_one, &over);
	ck_assert_int_eq(fl_condition_wait(&over), 0);
	ck_assert_uint_eq(fl_rlock_count(&rlock), 3);
	ck_assert_int_eq(call_end(&notifier), 1);
	ck_assert_int_eq(fl_condition_wait_until(&over, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
	ck_assert_uint_eq(fl_rlock_release_all(&rlock), 3);
	fl_condition_destroy(&over);
}
END_TEST

START_TEST(its_own_lock_is_recursive)
{
	struct call notifier;

	fl_condition_acquire(&condition);
	ck_assert_int_eq(fl_condition_acquire_until(&condition, INT64_MIN, NULL), 0);
	call_start(&notifier, notify_one, &condition);
	ck_assert_int_eq(fl_condition_wait(&condition), 0);
	fl_condition_release(&condition);
	ck_assert_uint_eq(fl_rlock_count(&condition.fl_own), 1);
	fl_condition_release(&condition);
	ck_assert_int_eq(call_end(&notifier), 1);
}
END_TEST

START_TEST(conditions_may_share_a_lock)
{
	fl_lock lock = FL_LOCK_INIT;
	fl_condition full = FL_CONDITION_OVER_LOCK(&lock), empty = FL_CONDITION_OVER_LOCK(&lock);
	struct waiter for_full, for_empty;

	begin_until(&for_full, &full, FL_FOREVER, NULL);
	begin_until(&for_empty, &empty, FL_FOREVER, NULL);
	fl_lock_acquire(&lock);
	ck_assert_uint_eq(fl_condition_notify_all(&full), 1);
	fl_lock_release(&lock);
	ck_assert_int_eq(call_end(&for_full.call), 0);
	ck_assert(!call_returned(&for_empty.call));
	ck_assert_uint_eq(notify(&empty, 1), 1);
	ck_assert_int_eq(call_end(&for_empty.call), 0);
	fl_condition_destroy(&full);
	fl_condition_destroy(&empty);
	ck_assert_uint_eq(lock.fl_word, 0);
}
END_TEST

static int n_tested;

static bool test(void *arg)
{
	n_tested++;
	ck_assert_uint_eq(fl_rlock_count(&condition.fl_own), 1);
	return *(bool *)arg;
}

static bool turns_true(void *at_test)
{
	return ++n_tested == *(int *)at_test;
}

START_TEST(a_predicate_that_holds_is_not_waited_for)
{
	fl_note note = FL_NOTE_INIT;
	bool yes = true, no = false;

	n_tested = 0;
	fl_note_cancel(&note);
	fl_condition_acquire(&condition);
	ck_assert_int_eq(fl_condition_wait_for(&condition, test, &yes), 0);
	ck_assert_int_eq(fl_condition_wait_for_until(&condition, test, &yes, INT64_MIN, &note), 0);
	ck_assert_int_eq(n_tested, 2);
	ck_assert_int_eq(fl_condition_wait_for_until(&condition, test, &no, INT64_MIN, NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_condition_wait_for_until(&condition, test, &no, FL_FOREVER, &note), -ECANCELED);
	ck_assert_int_eq(n_tested, 4);
	fl_condition_release(&condition);
}
END_TEST

START_TEST(a_predicate_is_tested_once_more_after_the_deadline)
{
	int at_test = 2;

	n_tested = 0;
	fl_condition_acquire(&condition);
	ck_assert_int_eq(fl_condition_wait_for_until(&condition, turns_true, &at_test, fl_after(FL_MS(1)), NULL), 0);
	ck_assert_int_eq(n_tested, 2);
	n_tested = 0;
	at_test = -1;
	ck_assert_int_eq(fl_condition_wait_for_until(&condition, turns_true, &at_test, fl_after(FL_MS(1)), NULL),
			 -ETIMEDOUT);
	ck_assert_int_eq(n_tested, 2);
	fl_condition_release(&condition);
}
END_TEST

static bool stocked;

static int wait_for_stock(void *unused)
{
	int error;

	(void)unused;
	fl_condition_acquire(&condition);
	error = fl_condition_wait_for(&condition, test, &stocked);
	fl_condition_release(&condition);
	return error;
}

START_TEST(a_notify_for_nothing_does_not_end_wait_for)
{
	struct call call;
	int i;

	stocked = false;
	n_tested = 0;
	call_start(&call, wait_for_stock, NULL);
	for (i = 0; i < 10; i++) {
		waiting_await(&condition, 1);
		ck_assert_uint_eq(notify(&condition, 1), 1);
	}
	waiting_await(&condition, 1);
	ck_assert_int_eq(n_tested, 11);
	fl_condition_acquire(&condition);
	stocked = true;
	fl_condition_notify(&condition, 1);
	fl_condition_release(&condition);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_int_eq(n_tested, 12);
}
END_TEST

static void misuse_all(void)
{
	bool no = false;

	ck_assert_int_eq(fl_condition_wait(&condition), -EPERM);
	reports_expect("condition", &condition, "stock", "does not hold its lock");
	ck_assert_int_eq(fl_condition_wait_until(&condition, INT64_MIN, NULL), -EPERM);
	reports_expect("condition", &condition, "stock", "does not hold its lock");
	n_tested = 0;
	ck_assert_int_eq(fl_condition_wait_for(&condition, test, &no), -EPERM);
	reports_expect("condition", &condition, "stock", "does not hold its lock");
	ck_assert_int_eq(fl_condition_wait_for_until(&condition, test, &no, INT64_MIN, NULL), -EPERM);
	reports_expect("condition", &condition, "stock", "does not hold its lock");
	ck_assert_int_eq(n_tested, 0);
	ck_assert_uint_eq(fl_condition_notify(&condition, 1), 0);
	reports_expect("condition", &condition, "stock", "does not hold its lock");
	ck_assert_uint_eq(fl_condition_notify_all(&condition), 0);
	reports_expect("condition", &condition, "stock", "does not hold its lock");
}

static int misuse_elsewhere(void *unused)
{
	(void)unused;
	misuse_all();
	return 0;
}

static void notify_at_fault(void *at)
{
	fl_condition_notify(at, 1);
}

static void wait_at_fault(void *at)
{
	fl_condition_wait(at);
}

START_TEST(waiting_and_notifying_need_the_lock)
{
	struct waiter waiter;

	misuse_all();
	begin(&waiter);
	misuse_all();
	ck_assert_uint_eq(waiting_for(&condition), 1);
	fl_condition_acquire(&condition);
	call_elsewhere(misuse_elsewhere, NULL);
	ck_assert_uint_eq(fl_condition_notify_all(&condition), 1);
	fl_condition_release(&condition);
	ck_assert_int_eq(call_end(&waiter.call), 0);
	reports_expect_abort(notify_at_fault, &condition, "condition", &condition, "stock", "does not hold its lock");
	reports_expect_abort(wait_at_fault, &condition, "condition", &condition, "stock", "does not hold its lock");
}
END_TEST

START_TEST(its_lock_is_misused_as_any_other)
{
	fl_lock lock = FL_LOCK_INIT;
	fl_condition over = FL_CONDITION_OVER_LOCK(&lock);

	fl_condition_release(&condition);
	reports_expect("rlock", own_lock, "stock", "nobody holds it");
	fl_condition_release(&over);
	reports_expect("lock", &lock, NULL, "nobody holds it");
}
END_TEST

START_TEST(destroying_one_in_use_is_misuse_and_changes_nothing)
{
	struct waiter waiter;

	begin(&waiter);
	fl_condition_destroy(&condition);
	reports_expect("condition", &condition, "stock", "waited for");
	ck_assert_uint_eq(notify(&condition, 1), 1);
	ck_assert_int_eq(call_end(&waiter.call), 0);
	fl_condition_acquire(&condition);
	fl_condition_destroy(&condition);
	reports_expect("condition", &condition, "stock", "held");
	fl_condition_release(&condition);
	fl_condition_notify(&condition, 1);
	reports_expect("condition", &condition, "stock", "does not hold its lock"); /* it still has its name */
	fl_condition_destroy(&condition);
	fl_condition_notify(&condition, 1);
	reports_expect("condition", &condition, NULL, "does not hold its lock");
}
END_TEST

START_TEST(one_over_a_held_lock_may_be_destroyed)
{
	fl_lock lock = FL_LOCK_INIT;
	fl_condition over;

	fl_condition_init_lock(&over, &lock, "over");
	fl_lock_acquire(&lock);
	fl_condition_destroy(&over);
	fl_lock_release(&lock);
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
	Suite *suite = suite_create("condition");
	TCase *notifying = new_case(suite, "notifying"), *waiting = new_case(suite, "waiting"),
	      *predicates = new_case(suite, "predicates"), *misuse = new_case(suite, "misuse");

	tcase_add_test(notifying, a_notify_wakes_as_many_as_it_says);
	tcase_add_test(notifying, notify_all_wakes_all_in_order);
	tcase_add_test(notifying, the_notified_run_when_the_lock_is_released);
	tcase_add_test(notifying, a_notify_is_not_remembered);
	tcase_add_test(notifying, a_late_waiter_steals_no_wake_up);
	tcase_add_test(notifying, a_deadline_after_the_notify_does_not_count);
	tcase_add_test(notifying, a_cancel_after_the_notify_does_not_count);
	tcase_add_test(notifying, who_gave_up_gets_no_notify);
	tcase_add_test(waiting, it_returns_with_the_lock_however_long_that_takes);
	tcase_add_test(waiting, a_past_deadline_does_not_release_the_lock);
	tcase_add_test(waiting, an_rlock_is_released_and_restored_whole);
	tcase_add_test(waiting, its_own_lock_is_recursive);
	tcase_add_test(waiting, conditions_may_share_a_lock);
	tcase_add_test(predicates, a_predicate_that_holds_is_not_waited_for);
	tcase_add_test(predicates, a_predicate_is_tested_once_more_after_the_deadline);
	tcase_add_test(predicates, a_notify_for_nothing_does_not_end_wait_for);
	tcase_add_test(misuse, waiting_and_notifying_need_the_lock);
	tcase_add_test(misuse, its_lock_is_misused_as_any_other);
	tcase_add_test(misuse, destroying_one_in_use_is_misuse_and_changes_nothing);
	tcase_add_test(misuse, one_over_a_held_lock_may_be_destroyed);
	return testing_run(suite);
}
