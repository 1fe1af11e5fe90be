/*
 * test_notify.c - notifies under contention: each one that says it woke somebody has, and none is lost.
 *
 * The order and the corners, one at a time, are in test_condition.c.
 */
#define _GNU_SOURCE
#include "testing.h"

#include <errno.h>
#include <fairlead/condition.h>
#include <sched.h>

/* Each notify that says it woke one ends one wait, whatever deadlines and cancels say at that moment. */
struct tally {
	fl_lock lock;
	fl_condition condition;
	long notified, woken, gave_up;
	int waiters;
};

static void wait_briefly(unsigned index, struct tally *tally)
{
	fl_note note;
	unsigned i;

	for (i = 0; i < 5000; i++) {
		fl_time soon = fl_after((fl_time)(i * 7919u % 25000u));
		int error;

		fl_note_init(&note, NULL, i % 2 ? soon : FL_FOREVER);
		fl_lock_acquire(&tally->lock);
		error = fl_condition_wait_until(&tally->condition, i % 2 ? FL_FOREVER : soon, &note);
		ck_assert(error == 0 || error == (i % 2 ? -ECANCELED : -ETIMEDOUT));
		*(error == 0 ? &tally->woken : &tally->gave_up) += 1;
		fl_lock_release(&tally->lock);
	}
	__atomic_sub_fetch(&tally->waiters, 1, __ATOMIC_RELEASE);
	(void)index;
}

static void notify_or_wait(unsigned index, void *arg)
{
	struct tally *tally = arg;

	if (index > 0) {
		wait_briefly(index, tally);
		return;
	}
	while (__atomic_load_n(&tally->waiters, __ATOMIC_ACQUIRE) > 0) {
		fl_lock_acquire(&tally->lock);
		tally->notified += fl_condition_notify(&tally->condition, 1 + (tally->notified & 1));
		fl_lock_release(&tally->lock);
		sched_yield();
	}
}

START_TEST(notifies_are_conserved)
{
	struct tally tally = {.waiters = 3};

	tally.condition = (fl_condition)FL_CONDITION_OVER_LOCK(&tally.lock);
	testing_together(4, notify_or_wait, &tally);
	ck_assert_int_eq(tally.notified, tally.woken);
	ck_assert_int_eq(tally.woken + tally.gave_up, 3 * 5000);
	ck_assert_uint_eq(tally.condition.fl_waiters, 0);
	ck_assert_uint_eq(tally.lock.fl_word, 0);
}
END_TEST

/* One notify for each change and no time-outs: if one were lost, this would hang. */
static fl_condition condition = FL_CONDITION_INIT;
static int turn;

static void take_turns(unsigned index, void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 5000; i++) {
		fl_condition_acquire(&condition);
		while (turn % 2 != (int)index)
			fl_condition_wait(&condition);
		turn++;
		fl_condition_notify(&condition, 1);
		fl_condition_release(&condition);
	}
}

START_TEST(no_wake_up_is_lost)
{
	turn = 0;
	testing_together(2, take_turns, NULL);
	ck_assert_int_eq(turn, 10000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify");
	TCase *contention = testing_case(suite, "contention");

	tcase_add_test(contention, notifies_are_conserved);
	tcase_add_test(contention, no_wake_up_is_lost);
	return testing_run(suite);
}
