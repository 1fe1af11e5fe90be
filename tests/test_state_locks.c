/*
 * test_state_locks.c - what one who looks on sees of locks that others use: held, waited for, handed over, left by the
 * dead, mended and lost.
 */
#define _GNU_SOURCE
#include "states.h"

#include "sync/lock_shared.h"
#include <errno.h>

/* Lock. */

START_TEST(a_lock_is_held_by_one_and_waited_for_by_another)
{
	pid_t holder, waiter;
	uint64_t waits = fl_segment_waits(looker);
	int64_t waited;

	lock_of(segment);
	expect("lock", "Lock", "free", 0, 0);
	holder = process_start_ready(hold_lock, NULL);
	expect("lock", "Lock", "held", 1, 0);
	expect_thread(&seen.holders[0], holder, "holder", true);
	ck_assert_int_eq(seen.holders[0].tid, holder);
	ck_assert_str_eq(seen.holders[0].name, "keeper");
	ck_assert_uint_eq(seen.holders[0].times, 1);
	ck_assert_int_eq(seen.holders[0].waited, -1);
	waiter = process_start_ready(want_lock, NULL);
	await_waiters("lock", "", 1);
	expect_thread(&seen.waiters[0], waiter, "acquire", true);
	waited = seen.waiters[0].waited;
	ck_assert_int_ge(waited, 0);
	do
		look_at("lock", "");
	while (seen.waiters[0].waited <= waited);
	ck_assert_uint_eq(fl_segment_waits(looker), waits + 1);
	process_kill(holder);
	do
		look_at("lock", "");
	while (seen.state.n_waiters > 0);
	expect("lock", "Lock", "mending", 1, 0);
	expect_thread(&seen.holders[0], waiter, "holder", true);
	process_kill(waiter);
	expect("lock", "Lock", "orphaned", 1, 0);
	expect_thread(&seen.holders[0], waiter, "holder", false);
}
END_TEST

START_TEST(a_lock_that_is_not_mended_is_lost)
{
	fl_lock *lock = lock_of(segment);

	process_kill(process_start_ready(hold_lock, NULL));
	ck_assert_int_eq(fl_lock_acquire(lock), -EOWNERDEAD);
	fl_lock_release(lock);
	expect("lock", "Lock", "lost", 0, 0);
}
END_TEST

START_TEST(a_lock_is_handed_to_one_that_waits)
{
	fl_lock *lock = lock_of(segment);
	pid_t waiter;
	uint32_t number;

	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	waiter = process_start_ready(want_lock, NULL);
	await_waiters("lock", "", 1);
	number = seen.waiters[0].number;
	ck_assert_int_eq(kill(waiter, SIGSTOP), 0);
	__atomic_store_n(&lock->fl_word, number | FL_LOCK_SHARED_HANDED, __ATOMIC_SEQ_CST);
	expect("lock", "Lock", "handed", 1, 1);
	expect_thread(&seen.holders[0], waiter, "next", true);
	process_kill(waiter);
	expect("lock", "Lock", "free", 0, 0);
}
END_TEST

START_TEST(who_waits_longest_is_the_first)
{
	fl_lock *lock = lock_of(segment);
	pid_t waiters[3];

	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	for (unsigned i = 0; i < 3; i++) {
		waiters[i] = process_start_ready(want_lock, NULL);
		await_waiters("lock", "", i + 1);
	}
	for (unsigned i = 0; i < 3; i++)
		expect_thread(&seen.waiters[i], waiters[i], "acquire", true);
	ck_assert_int_ge(seen.waiters[0].waited, seen.waiters[2].waited);
}
END_TEST

/* RLock, Condition. */

static void hold_rlock_twice(void *unused)
{
	fl_rlock *lock;

	(void)unused;
	EXPECT(fl_segment_rlock(segment, "rlock", &lock) >= 0);
	EXPECT(fl_rlock_acquire(lock) == 0 && fl_rlock_acquire(lock) == 0);
	process_stay();
}

START_TEST(an_rlock_has_a_depth)
{
	pid_t holder = process_start_ready(hold_rlock_twice, NULL);

	expect("rlock", "RLock", "held", 1, 0);
	expect_thread(&seen.holders[0], holder, "holder", true);
	ck_assert_uint_eq(seen.holders[0].times, 2);
}
END_TEST

static void wait_for_notify(void *unused)
{
	fl_condition *condition;

	(void)unused;
	EXPECT(fl_segment_condition(segment, "condition", &condition) >= 0);
	EXPECT(fl_condition_acquire(condition) == 0);
	process_tell(&shared->ready);
	for (;;)
		EXPECT(fl_condition_wait(condition) == 0);
}

static void expect_its_lock(const char *state, unsigned holders, unsigned waiters)
{
	look_at("condition", "lock");
	ck_assert_str_eq(seen.state.kind, "RLock");
	ck_assert_str_eq(seen.state.state, state);
	ck_assert_uint_eq(seen.state.n_holders, holders);
	ck_assert_uint_eq(seen.state.n_waiters, waiters);
}

START_TEST(a_condition_has_a_lock)
{
	fl_condition *condition;
	pid_t waiter;

	ck_assert_int_eq(fl_segment_condition(segment, "condition", &condition), 1);
	expect("condition", "Condition", "idle", 0, 0);
	expect_its_lock("free", 0, 0);
	/* A process that comes has all look again, and this one comes now. */
	ck_assert_int_eq(fl_condition_acquire(condition), 0);
	fl_condition_release(condition);
	waiter = process_start_ready(wait_for_notify, NULL);
	await_waiters("condition", "", 1);
	expect("condition", "Condition", "waiting", 0, 1);
	expect_thread(&seen.waiters[0], waiter, "notify", true);
	ck_assert_int_eq(fl_condition_acquire(condition), 0);
	expect_its_lock("held", 1, 0);
	fl_condition_notify(condition, 1);
	expect("condition", "Condition", "idle", 0, 0);
	expect_its_lock("held", 1, 1); /* it waits for the lock now */
	expect_thread(&seen.waiters[0], waiter, "acquire", true);
	fl_condition_release(condition);
}
END_TEST

/* RWLock. */

static void read_it(void *unused)
{
	(void)unused;
	EXPECT(fl_rwlock_acquire_read(rwlock_of(segment)) == 0);
	process_stay();
}

static void want_to_read(void *unused)
{
	(void)unused;
	TELL_AND(fl_rwlock_acquire_read(rwlock_of(segment)));
}

static void write_it(void *unused)
{
	(void)unused;
	EXPECT(fl_rwlock_acquire_write(rwlock_of(segment)) == 0);
	process_stay();
}

static void want_to_write(void *unused)
{
	(void)unused;
	TELL_AND(fl_rwlock_acquire_write(rwlock_of(segment)));
}

START_TEST(an_rwlock_has_readers_and_a_gate)
{
	pid_t readers[2], writer, late;

	rwlock_of(segment);
	expect("rwlock", "RWLock", "free", 0, 0);
	expect_value("readers", 0, 3);
	readers[0] = process_start_ready(read_it, NULL);
	readers[1] = process_start_ready(read_it, NULL);
	expect("rwlock", "RWLock", "read", 2, 0);
	expect_value("readers", 2, 3);
	ck_assert(seen.holders[0].pid == readers[0] || seen.holders[0].pid == readers[1]);
	ck_assert_str_eq(seen.holders[0].role, "reader");
	writer = process_start_ready(want_to_write, NULL);
	await_waiters("rwlock", "", 1);
	expect("rwlock", "RWLock", "closing", 3, 1);
	expect_thread(&seen.holders[2], writer, "next", true);
	expect_thread(&seen.waiters[0], writer, "drain", true);
	late = process_start_ready(want_to_read, NULL);
	await_waiters("rwlock", "", 2);
	expect_thread(&seen.waiters[0], late, "read", true);
	process_kill(readers[0]);
	process_kill(readers[1]);
	do
		look_at("rwlock", "");
	while (strcmp(seen.state.state, "written") != 0);
	expect("rwlock", "RWLock", "written", 1, 1);
	expect_thread(&seen.holders[0], writer, "writer", true);
	process_kill(late);
	process_kill(writer);
	expect("rwlock", "RWLock", "orphaned", 1, 0);
	expect_thread(&seen.holders[0], writer, "writer", false);
}
END_TEST

START_TEST(an_rwlock_is_mended_or_lost)
{
	fl_rwlock *lock = rwlock_of(segment);

	process_kill(process_start_ready(write_it, NULL));
	ck_assert_int_eq(fl_rwlock_acquire_read(lock), -EOWNERDEAD);
	expect("rwlock", "RWLock", "orphaned", 1, 0);
	expect_thread(&seen.holders[0], getpid(), "reader", true);
	fl_rwlock_release_read(lock);
	ck_assert_int_eq(fl_rwlock_acquire_write(lock), -EOWNERDEAD);
	expect("rwlock", "RWLock", "mending", 1, 0);
	fl_rwlock_release_write(lock);
	expect("rwlock", "RWLock", "lost", 0, 0);
}
END_TEST

static Suite *state_locks_suite(void)
{
	Suite *suite = suite_create("state_locks");
	TCase *looking = testing_case_between(suite, "looking", set_up, tear_down);

	tcase_add_test(looking, a_lock_is_held_by_one_and_waited_for_by_another);
	tcase_add_test(looking, a_lock_that_is_not_mended_is_lost);
	tcase_add_test(looking, a_lock_is_handed_to_one_that_waits);
	tcase_add_test(looking, who_waits_longest_is_the_first);
	tcase_add_test(looking, an_rlock_has_a_depth);
	tcase_add_test(looking, a_condition_has_a_lock);
	tcase_add_test(looking, an_rwlock_has_readers_and_a_gate);
	tcase_add_test(looking, an_rwlock_is_mended_or_lost);
	return suite;
}

int main(void)
{
	return testing_run(state_locks_suite());
}
