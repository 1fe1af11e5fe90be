/*
 * test_lock.c - Lock: at most one holder, whoever releases; what is misuse; and that nobody who waits is forgotten.
 *
 * What happens when many come at once is in test_lock_race.c.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include "sync/lock.h"
#include <errno.h>
#include <fairlead/fairlead.h>
#include <string.h>

static fl_lock lock;

static void set_up(void)
{
	fl_lock_init(&lock, "till");
	reports_catch();
}

static void tear_down(void)
{
	ck_assert_uint_eq(waiting_for(&lock), 0);
	reports_expect_none();
}

static int acquire(void *unused)
{
	(void)unused;
	return fl_lock_acquire(&lock);
}

static int try(void *unused)
{
	(void)unused;
	return fl_lock_acquire_try(&lock);
}

static int release(void *unused)
{
	(void)unused;
	fl_lock_release(&lock);
	return 0;
}

static int acquire_and_release(void *unused)
{
	int error = acquire(unused);

	if (error == 0)
		fl_lock_release(&lock);
	return error;
}

static void release_at_fault(void *at)
{
	fl_lock_release(at);
}

START_TEST(one_at_a_time)
{
	ck_assert(!fl_lock_locked(&lock));
	ck_assert_int_eq(fl_lock_acquire(&lock), 0);
	ck_assert(fl_lock_locked(&lock));
	ck_assert(!call_elsewhere(try, NULL));
	ck_assert_msg(!fl_lock_acquire_try(&lock), "it is not recursive");
	ck_assert_int_eq(fl_lock_acquire_until(&lock, fl_after(FL_US(10)), NULL), -ETIMEDOUT);
	fl_lock_release(&lock);
	ck_assert(!fl_lock_locked(&lock));
	ck_assert(call_elsewhere(try, NULL));
	ck_assert_msg(!fl_lock_acquire_try(&lock), "it stays held when its holder ends");
	fl_lock_release(&lock);
}
END_TEST

START_TEST(any_thread_may_release)
{
	int i;

	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(fl_lock_acquire(&lock), 0);
		ck_assert_int_eq(call_elsewhere(release, NULL), 0);
		ck_assert(!fl_lock_locked(&lock));
		ck_assert_int_eq(call_elsewhere(acquire, NULL), 0);
		fl_lock_release(&lock);
		ck_assert(!fl_lock_locked(&lock));
	}
}
END_TEST

START_TEST(a_foreign_release_wakes_a_waiter)
{
	struct call waiter;

	fl_lock_acquire(&lock);
	call_start(&waiter, acquire_and_release, NULL);
	waiting_await(&lock, 1);
	call_elsewhere(release, NULL);
	ck_assert_int_eq(call_end(&waiter), 0);
	ck_assert(!fl_lock_locked(&lock));
}
END_TEST

static int number_here(void *unused)
{
	(void)unused;
	return (int)fl_self();
}

static int acquire_and_number(void *unused)
{
	acquire(unused);
	return number_here(unused);
}

START_TEST(a_lock_knows_its_holder)
{
	unsigned number;

	ck_assert_uint_eq(fl_lock_holder(&lock), 0);
	fl_lock_acquire(&lock);
	ck_assert_uint_eq(fl_lock_holder(&lock), fl_self());
	fl_lock_release(&lock);
	ck_assert_uint_eq(fl_lock_holder(&lock), 0);
	number = (unsigned)call_elsewhere(acquire_and_number, NULL);
	ck_assert_uint_eq(fl_lock_holder(&lock), number);
	ck_assert_uint_ne(number, fl_self());
	fl_lock_release(&lock);
}
END_TEST

START_TEST(releasing_a_free_lock_is_misuse_and_changes_nothing)
{
	fl_lock_release(&lock);
	reports_expect("lock", &lock, "till", "nobody holds it");
	ck_assert(!fl_lock_locked(&lock));
	ck_assert_int_eq(fl_lock_acquire(&lock), 0);
	fl_lock_release(&lock);
	reports_expect_none();
	fl_lock_release(&lock);
	reports_expect("lock", &lock, "till", "nobody holds it");
	reports_expect_abort(release_at_fault, &lock, "lock", &lock, "till", "nobody holds it");
}
END_TEST

START_TEST(releasing_what_another_thread_released_is_misuse)
{
	fl_lock_acquire(&lock);
	call_elsewhere(release, NULL);
	fl_lock_release(&lock);
	reports_expect("lock", &lock, "till", "nobody holds it");
}
END_TEST

/* What this thread remembers of its last acquisition must not be taken for the present. */
START_TEST(releasing_a_new_lock_in_the_place_of_an_old_one_is_misuse)
{
	fl_lock_acquire(&lock);
	call_elsewhere(release, NULL);
	fl_lock_destroy(&lock);
	fl_lock_init(&lock, "new");
	fl_lock_release(&lock);
	reports_expect("lock", &lock, "new", "nobody holds it");
}
END_TEST

START_TEST(destroying_a_held_lock_is_misuse)
{
	struct call waiter;

	fl_lock_acquire(&lock);
	fl_lock_destroy(&lock);
	reports_expect("lock", &lock, "till", "held");
	call_start(&waiter, acquire_and_release, NULL);
	waiting_await(&lock, 1);
	fl_lock_destroy(&lock);
	reports_expect("lock", &lock, "till", "waited for");
	fl_lock_release(&lock);
	ck_assert_int_eq(call_end(&waiter), 0);
	fl_lock_destroy(&lock);
}
END_TEST

/* Stops a thread that waits for the lock, in its sleep: one that is awake would be handed the lock when it is
 * released, and keep it. */
static void freeze_asleep(struct call *waiter)
{
	waiting_await(&lock, 1);
	testing_await_asleep(waiter->id);
	call_freeze(waiter);
}

/* The lock is free, but a thread that was woken for it has not got to run yet. */
START_TEST(destroying_a_lock_that_is_still_waited_for_is_misuse)
{
	struct call waiter;

	fl_lock_acquire(&lock);
	call_start(&waiter, acquire_and_release, NULL);
	freeze_asleep(&waiter);
	fl_lock_release(&lock);
	ck_assert(!fl_lock_locked(&lock));
	fl_lock_destroy(&lock);
	reports_expect("lock", &lock, "till", "waited for");
	call_thaw(&waiter);
	ck_assert_int_eq(call_end(&waiter), 0);
}
END_TEST

START_TEST(a_waiter_gets_it_when_it_is_released)
{
	struct call waiters[4];
	unsigned i;

	fl_lock_acquire(&lock);
	for (i = 0; i < 4; i++) {
		call_start(&waiters[i], acquire_and_release, NULL);
		waiting_await(&lock, i + 1);
		testing_await_asleep(waiters[i].id);
	}
	fl_lock_release(&lock);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(call_end(&waiters[i]), 0);
	ck_assert(!fl_lock_locked(&lock));
}
END_TEST

START_TEST(a_running_thread_may_overtake_a_woken_one)
{
	struct call waiter;
	int i;

	fl_lock_acquire(&lock);
	call_start(&waiter, acquire_and_release, NULL);
	freeze_asleep(&waiter);
	for (i = 0; i < 100; i++) {
		fl_lock_release(&lock);
		ck_assert_int_eq(fl_lock_acquire(&lock), 0);
	}
	call_thaw(&waiter);
	fl_lock_release(&lock);
	ck_assert_int_eq(call_end(&waiter), 0);
}
END_TEST

/* The lock is kept for a thread that has been overtaken often; but what must not wait may have it all the same. */
START_TEST(a_call_that_never_blocks_may_always_overtake)
{
	struct call waiter;
	int i;

	fl_lock_acquire(&lock);
	call_start(&waiter, acquire_and_release, NULL);
	freeze_asleep(&waiter);
	for (i = 0; i < 1000; i++) {
		fl_lock_release(&lock);
		if (i % 2)
			ck_assert(fl_lock_acquire_try(&lock));
		else
			ck_assert_int_eq(fl_lock_acquire_until(&lock, 0, NULL), 0);
	}
	call_thaw(&waiter);
	fl_lock_release(&lock);
	ck_assert_int_eq(call_end(&waiter), 0);
}
END_TEST

/* Both others may wait; the one that was overtaken gets it first, and the other one after it. */
START_TEST(a_lock_that_is_kept_for_a_waiter_is_not_lost)
{
	struct call overtaken, later;
	int i;

	fl_lock_acquire(&lock);
	call_start(&overtaken, acquire_and_release, NULL);
	freeze_asleep(&overtaken);
	for (i = 0; i < 1000; i++) {
		fl_lock_release(&lock);
		ck_assert(fl_lock_acquire_try(&lock));
	}
	fl_lock_release(&lock);
	call_start(&later, acquire_and_release, NULL);
	waiting_await(&lock, 1);
	ck_assert(!fl_lock_locked(&lock));
	call_thaw(&overtaken);
	ck_assert_int_eq(call_end(&overtaken), 0);
	ck_assert_int_eq(call_end(&later), 0);
	ck_assert_uint_eq(lock.fl_word, 0);
}
END_TEST

static int acquire_until(void *deadline)
{
	return fl_lock_acquire_until(&lock, *(fl_time *)deadline, NULL);
}

/* Woken in time, but by the time it runs the deadline has passed and the lock is taken again: it must leave no
 * mark behind. */
START_TEST(a_woken_thread_that_is_too_late_leaves_the_lock_in_order)
{
	fl_time deadline = fl_after(FL_MS(20));
	struct call late, other;
	bool overtaken;
	int result;

	fl_lock_acquire(&lock);
	call_start(&late, acquire_until, &deadline);
	waiting_await_or(&lock, 1, &late);
	call_start(&other, acquire_and_release, NULL);
	waiting_await_or(&lock, 2, &late);
	call_freeze(&late);
	fl_lock_release(&lock);
	overtaken = fl_lock_acquire_try(&lock); /* if not, it has been handed over, or was late before */
	waiting_until(deadline);
	call_thaw(&late);
	result = call_end(&late);
	ck_assert_msg(result == -ETIMEDOUT || (result == 0 && !overtaken), "%d, overtaken %d", result, overtaken);
	if (overtaken || result == 0)
		fl_lock_release(&lock);
	ck_assert_int_eq(call_end(&other), 0);
	ck_assert_uint_eq(lock.fl_word, 0);
}
END_TEST

START_TEST(a_woken_thread_that_is_too_late_takes_a_free_lock)
{
	fl_time deadline = fl_after(FL_MS(20));
	struct call late;
	bool in_time;

	fl_lock_acquire(&lock);
	call_start(&late, acquire_until, &deadline);
	waiting_await_or(&lock, 1, &late);
	call_freeze(&late);
	in_time = waiting_for(&lock) == 1;
	fl_lock_release(&lock);
	waiting_until(deadline);
	call_thaw(&late);
	ck_assert_int_eq(call_end(&late), in_time ? 0 : -ETIMEDOUT);
	ck_assert_int_eq(fl_lock_locked(&lock), in_time);
	if (in_time)
		fl_lock_release(&lock);
	ck_assert_uint_eq(lock.fl_word, 0);
}
END_TEST

#ifndef CALLS_NOT_IN_CHILD

/* In a child: a thread of its own waits for what this one holds. */
static void hold_and_release(void *unused)
{
	struct call waiter;

	(void)unused;
	call_start(&waiter, acquire_and_release, NULL);
	waiting_await(&lock, 1);
	fl_lock_release(&lock);
	call_end(&waiter);
}

/* A woken thread of the parent is on its way to the lock, and will never come in the child. */
START_TEST(a_forked_child_is_not_waiting_for_a_thread_it_does_not_have)
{
	struct call waiter;
	char said[1024];
	int status;

	fl_lock_acquire(&lock);
	call_start(&waiter, acquire_and_release, NULL);
	freeze_asleep(&waiter);
	fl_lock_release(&lock);
	fl_lock_acquire(&lock);
	status = reports_of_child(hold_and_release, NULL, said, sizeof(said), NULL);
	call_thaw(&waiter);
	fl_lock_release(&lock);
	ck_assert_int_eq(call_end(&waiter), 0);
	ck_assert_msg(status == 0, "status %#x: %s", (unsigned)status, said);
}
END_TEST

#endif

static bool got_it;

static int acquire_once(void *unused)
{
	fl_lock_acquire(&lock);
	__atomic_store_n(&got_it, true, __ATOMIC_RELAXED);
	fl_lock_release(&lock);
	return unused != NULL;
}

START_TEST(a_greedy_thread_does_not_starve_a_waiter)
{
	struct call waiter;

	got_it = false;
	fl_lock_acquire(&lock);
	call_start(&waiter, acquire_once, NULL);
	waiting_await(&lock, 1);
	while (!__atomic_load_n(&got_it, __ATOMIC_RELAXED)) {
		fl_lock_release(&lock);
		fl_lock_acquire(&lock);
	}
	fl_lock_release(&lock);
	ck_assert_int_eq(call_end(&waiter), 0);
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
	Suite *suite = suite_create("lock");
	TCase *holding = new_case(suite, "holding"), *misuse = new_case(suite, "misuse"),
	      *waiting = new_case(suite, "waiting");

	tcase_add_test(holding, one_at_a_time);
	tcase_add_test(holding, any_thread_may_release);
	tcase_add_test(holding, a_foreign_release_wakes_a_waiter);
	tcase_add_test(holding, a_lock_knows_its_holder);
	tcase_add_test(misuse, releasing_a_free_lock_is_misuse_and_changes_nothing);
	tcase_add_test(misuse, releasing_what_another_thread_released_is_misuse);
	tcase_add_test(misuse, releasing_a_new_lock_in_the_place_of_an_old_one_is_misuse);
	tcase_add_test(misuse, destroying_a_held_lock_is_misuse);
	tcase_add_test(misuse, destroying_a_lock_that_is_still_waited_for_is_misuse);
	tcase_add_test(waiting, a_waiter_gets_it_when_it_is_released);
	tcase_add_test(waiting, a_running_thread_may_overtake_a_woken_one);
	tcase_add_test(waiting, a_call_that_never_blocks_may_always_overtake);
	tcase_add_test(waiting, a_lock_that_is_kept_for_a_waiter_is_not_lost);
#ifndef CALLS_NOT_IN_CHILD
	tcase_add_test(waiting, a_forked_child_is_not_waiting_for_a_thread_it_does_not_have);
#endif
	tcase_add_test(waiting, a_woken_thread_that_is_too_late_leaves_the_lock_in_order);
	tcase_add_test(waiting, a_woken_thread_that_is_too_late_takes_a_free_lock);
	tcase_add_test(waiting, a_greedy_thread_does_not_starve_a_waiter);
	return testing_run(suite);
}
