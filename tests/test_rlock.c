/*
 * test_rlock.c - RLock: the owner re-enters, and as many releases as acquisitions set it free.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <string.h>

static fl_rlock lock;

static void set_up(void)
{
	fl_rlock_init(&lock, "ledger");
	reports_catch();
}

static void tear_down(void)
{
	ck_assert_uint_eq(waiting_for(&lock), 0);
	reports_expect_none();
}

static int try(void *unused)
{
	(void)unused;
	return fl_rlock_acquire_try(&lock);
}

/* Returns whether another thread could have it. */
static int try_and_release(void *unused)
{
	int taken = try(unused);

	if (taken)
		fl_rlock_release(&lock);
	return taken;
}

static int acquire_and_release(void *unused)
{
	int error = fl_rlock_acquire(&lock);

	(void)unused;
	if (error == 0)
		fl_rlock_release(&lock);
	return error;
}

START_TEST(the_owner_acquires_again_and_it_is_counted)
{
	unsigned i;

	ck_assert_uint_eq(fl_rlock_count(&lock), 0);
	ck_assert(!fl_rlock_locked(&lock));
	for (i = 0; i < 30; i += 3) {
		ck_assert_int_eq(fl_rlock_acquire(&lock), 0);
		ck_assert(fl_rlock_acquire_try(&lock));
		ck_assert_int_eq(fl_rlock_acquire_until(&lock, INT64_MIN, NULL), 0);
		ck_assert_uint_eq(fl_rlock_count(&lock), i + 3);
	}
	for (; i > 0; i--) {
		ck_assert(!call_elsewhere(try, NULL));
		ck_assert(fl_rlock_locked(&lock));
		fl_rlock_release(&lock);
		ck_assert_uint_eq(fl_rlock_count(&lock), i - 1);
	}
	ck_assert(!fl_rlock_locked(&lock));
	ck_assert(call_elsewhere(try_and_release, NULL));
}
END_TEST

START_TEST(the_owner_does_not_wait_whatever_the_note_says)
{
	fl_note note = FL_NOTE_INIT;

	fl_note_cancel(&note);
	ck_assert_int_eq(fl_rlock_acquire(&lock), 0);
	ck_assert_int_eq(fl_rlock_acquire_until(&lock, INT64_MIN, &note), 0);
	ck_assert_uint_eq(fl_rlock_release_all(&lock), 2);
}
END_TEST

/* Between two acquisitions its owner may take other locks, so that it is not the last it acquired. */
START_TEST(the_owner_is_known_whatever_it_acquired_since)
{
	fl_lock other = FL_LOCK_INIT;
	fl_rlock third = FL_RLOCK_INIT;

	fl_rlock_acquire(&lock);
	fl_lock_acquire(&other);
	ck_assert_uint_eq(fl_rlock_count(&lock), 1);
	fl_rlock_acquire(&third);
	ck_assert_int_eq(fl_rlock_acquire(&lock), 0);
	ck_assert_uint_eq(fl_rlock_count(&lock), 2);
	fl_rlock_release(&third);
	fl_rlock_release(&lock);
	ck_assert_uint_eq(fl_rlock_count(&lock), 1);
	fl_lock_release(&other);
	fl_rlock_release(&lock);
	ck_assert(!fl_rlock_locked(&lock));
}
END_TEST

static int count_here(void *unused)
{
	(void)unused;
	return (int)fl_rlock_count(&lock);
}

START_TEST(the_count_is_the_callers_own)
{
	fl_rlock_acquire(&lock);
	fl_rlock_acquire(&lock);
	ck_assert_int_eq(call_elsewhere(count_here, NULL), 0);
	ck_assert_uint_eq(fl_rlock_release_all(&lock), 2);
	ck_assert_uint_eq(fl_rlock_count(&lock), 0);
}
END_TEST

START_TEST(too_many_acquisitions_are_an_error_that_changes_nothing)
{
	ck_assert_int_eq(fl_rlock_restore(&lock, UINT32_MAX - 1), 0);
	ck_assert_int_eq(fl_rlock_acquire(&lock), 0);
	ck_assert_int_eq(fl_rlock_acquire(&lock), -EOVERFLOW);
	ck_assert_int_eq(fl_rlock_acquire_until(&lock, FL_FOREVER, NULL), -EOVERFLOW);
	ck_assert(!fl_rlock_acquire_try(&lock));
	ck_assert_uint_eq(fl_rlock_count(&lock), UINT32_MAX);
	fl_rlock_release(&lock);
	ck_assert_int_eq(fl_rlock_acquire(&lock), 0);
	ck_assert_uint_eq(fl_rlock_release_all(&lock), UINT32_MAX);
	ck_assert(!fl_rlock_locked(&lock));
}
END_TEST

START_TEST(all_can_be_released_and_restored)
{
	fl_rlock_acquire(&lock);
	fl_rlock_acquire(&lock);
	fl_rlock_acquire(&lock);
	ck_assert_uint_eq(fl_rlock_release_all(&lock), 3);
	ck_assert(call_elsewhere(try_and_release, NULL));
	ck_assert_int_eq(fl_rlock_restore(&lock, 0), -EINVAL);
	ck_assert(!fl_rlock_locked(&lock));
	ck_assert_int_eq(fl_rlock_restore(&lock, 3), 0);
	ck_assert_uint_eq(fl_rlock_count(&lock), 3);
	ck_assert(!call_elsewhere(try, NULL));
	ck_assert_uint_eq(fl_rlock_release_all(&lock), 3);
}
END_TEST

static int restore(void *count)
{
	int error = fl_rlock_restore(&lock, *(uint32_t *)count);

	return error != 0 ? error : (int)fl_rlock_release_all(&lock);
}

START_TEST(a_restore_waits_for_the_lock)
{
	uint32_t count = 5;
	struct call call;

	fl_rlock_acquire(&lock);
	call_start(&call, restore, &count);
	waiting_await(&lock, 1);
	fl_rlock_release(&lock);
	ck_assert_int_eq(call_end(&call), 5);
}
END_TEST

START_TEST(a_waiter_gets_it_at_the_last_release)
{
	struct call call;

	fl_rlock_acquire(&lock);
	fl_rlock_acquire(&lock);
	call_start(&call, acquire_and_release, NULL);
	waiting_await(&lock, 1);
	fl_rlock_release(&lock);
	ck_assert_uint_eq(waiting_for(&lock), 1);
	fl_rlock_release(&lock);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

static int release_wrongly(void *unused)
{
	(void)unused;
	fl_rlock_release(&lock);
	reports_expect("rlock", &lock, "ledger", "does not own it");
	ck_assert_uint_eq(fl_rlock_release_all(&lock), 0);
	reports_expect("rlock", &lock, "ledger", "does not own it");
	return 0;
}

static void release_at_fault(void *at)
{
	fl_rlock_release(at);
}

START_TEST(only_the_owner_releases)
{
	fl_rlock_acquire(&lock);
	fl_rlock_acquire(&lock);
	call_elsewhere(release_wrongly, NULL);
	ck_assert_uint_eq(fl_rlock_count(&lock), 2);
	ck_assert(!call_elsewhere(try, NULL));
	fl_rlock_release_all(&lock);
}
END_TEST

START_TEST(releasing_a_free_one_is_misuse)
{
	fl_rlock_release(&lock);
	reports_expect("rlock", &lock, "ledger", "nobody holds it");
	ck_assert_uint_eq(fl_rlock_release_all(&lock), 0);
	reports_expect("rlock", &lock, "ledger", "nobody holds it");
	fl_rlock_acquire(&lock);
	fl_rlock_release(&lock);
	fl_rlock_release(&lock);
	reports_expect("rlock", &lock, "ledger", "nobody holds it");
	ck_assert(!fl_rlock_locked(&lock));
	ck_assert(call_elsewhere(try_and_release, NULL));
	reports_expect_abort(release_at_fault, &lock, "rlock", &lock, "ledger", "nobody holds it");
}
END_TEST

START_TEST(restoring_what_one_owns_is_misuse)
{
	fl_rlock_acquire(&lock);
	ck_assert_int_eq(fl_rlock_restore(&lock, 2), -EPERM);
	reports_expect("rlock", &lock, "ledger", "owns it");
	ck_assert_uint_eq(fl_rlock_count(&lock), 1);
	fl_rlock_release(&lock);
}
END_TEST

START_TEST(destroying_a_held_one_is_misuse)
{
	struct call call;

	fl_rlock_acquire(&lock);
	fl_rlock_destroy(&lock);
	reports_expect("rlock", &lock, "ledger", "held");
	call_start(&call, acquire_and_release, NULL);
	waiting_await(&lock, 1);
	testing_await_asleep(call.id); /* or it would be handed the lock */
	call_freeze(&call);
	fl_rlock_release(&lock);
	fl_rlock_destroy(&lock); /* free, but somebody is on the way to it */
	reports_expect("rlock", &lock, "ledger", "waited for");
	call_thaw(&call);
	ck_assert_int_eq(call_end(&call), 0);
	fl_rlock_destroy(&lock);
}
END_TEST

/* Memory that was a plain lock, acquired here and released by another thread, becomes an rlock that a third thread
 * owns. Nothing that this thread remembers may make it believe that it is the owner. */
static union {
	fl_lock plain;
	fl_rlock rlock;
} reused;

static int release_reused(void *unused)
{
	(void)unused;
	fl_lock_release(&reused.plain);
	return 0;
}

static int acquire_reused(void *unused)
{
	(void)unused;
	return fl_rlock_acquire(&reused.rlock);
}

START_TEST(an_owner_is_not_mistaken_where_a_lock_was_before)
{
	memset(&reused, 0, sizeof(reused));
	fl_lock_acquire(&reused.plain);
	call_elsewhere(release_reused, NULL);
	fl_lock_destroy(&reused.plain);
	fl_rlock_init(&reused.rlock, NULL);
	ck_assert_int_eq(call_elsewhere(acquire_reused, NULL), 0);
	ck_assert_uint_eq(fl_rlock_count(&reused.rlock), 0);
	ck_assert_msg(!fl_rlock_acquire_try(&reused.rlock), "two owners");
}
END_TEST

static long counter;
static unsigned owner;

static void nest(unsigned index, unsigned depth)
{
	ck_assert_int_eq(fl_rlock_acquire(&lock), 0);
	ck_assert_msg(owner == 0 || owner == index + 1, "two owners");
	owner = index + 1;
	counter++;
	if (depth > 1)
		nest(index, depth - 1);
	if (fl_rlock_count(&lock) == 1)
		owner = 0;
	fl_rlock_release(&lock);
}

static void nest_often(unsigned index, void *ret_total)
{
	long total = 0;
	unsigned i;

	for (i = 0; i < 3000; i++) {
		nest(index, 1 + i % 5);
		total += 1 + i % 5;
	}
	__atomic_add_fetch((long *)ret_total, total, __ATOMIC_RELAXED);
}

START_TEST(owners_exclude_each_other)
{
	long total = 0;

	counter = 0;
	testing_together(4, nest_often, &total);
	ck_assert_int_eq(counter, total);
	ck_assert(!fl_rlock_locked(&lock));
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
	Suite *suite = suite_create("rlock");
	TCase *owning = new_case(suite, "owning"), *misuse = new_case(suite, "misuse"),
	      *contention = new_case(suite, "contention");

	tcase_add_test(owning, the_owner_acquires_again_and_it_is_counted);
	tcase_add_test(owning, the_owner_does_not_wait_whatever_the_note_says);
	tcase_add_test(owning, the_owner_is_known_whatever_it_acquired_since);
	tcase_add_test(owning, the_count_is_the_callers_own);
	tcase_add_test(owning, too_many_acquisitions_are_an_error_that_changes_nothing);
	tcase_add_test(owning, all_can_be_released_and_restored);
	tcase_add_test(owning, a_restore_waits_for_the_lock);
	tcase_add_test(owning, a_waiter_gets_it_at_the_last_release);
	tcase_add_test(misuse, only_the_owner_releases);
	tcase_add_test(misuse, releasing_a_free_one_is_misuse);
	tcase_add_test(misuse, restoring_what_one_owns_is_misuse);
	tcase_add_test(misuse, destroying_a_held_one_is_misuse);
	tcase_add_test(misuse, an_owner_is_not_mistaken_where_a_lock_was_before);
	tcase_add_test(contention, owners_exclude_each_other);
	return testing_run(suite);
}
