/*
 * test_rlock_shared.c - RLocks that processes share: counted by their owner, taken from a dead one.
 */
#define _GNU_SOURCE
#include "sharing.h"

static fl_rlock *lock;
static struct call call;
static char door[] = "door";

static void set_up(void)
{
	sharing_set_up();
	ck_assert_int_eq(fl_segment_rlock(segment, door, &lock), 1);
}

static int acquire(void *lock_)
{
	return fl_rlock_acquire(lock_);
}

static int acquire_and_release(void *lock_)
{
	int error = fl_rlock_acquire(lock_);

	if (error == 0)
		fl_rlock_release(lock_);
	return error;
}

static int try_and_release(void *lock_)
{
	bool taken = fl_rlock_acquire_try(lock_);

	if (taken)
		fl_rlock_release(lock_);
	return taken;
}

/* In a child: owns the lock three times over until it is killed. */
static void hold(void *lock_)
{
	for (int i = 0; i < 3; i++)
		EXPECT(fl_rlock_acquire(lock_) == 0);
	process_stay();
}

/* One after the other. */

START_TEST(it_is_found_by_name)
{
	fl_segment *other;
	fl_rlock *same;
	fl_lock *wrong;

	ck_assert_int_eq(segments_open(&other, "shop", 0), 0);
	ck_assert_int_eq(fl_segment_rlock(other, door, &same), 0);
	ck_assert_uint_eq(fl_segment_offset(other, same), fl_segment_offset(segment, lock));
	ck_assert_int_eq(fl_segment_lock(other, door, &wrong), -EPROTO);
	fl_segment_close(other);
}
END_TEST

START_TEST(the_owner_acquires_again_and_it_is_counted)
{
	ck_assert_uint_eq(fl_rlock_count(lock), 0);
	ck_assert_int_eq(fl_rlock_acquire(lock), 0);
	ck_assert(fl_rlock_acquire_try(lock));
	ck_assert_int_eq(fl_rlock_acquire_until(lock, 0, NULL), 0);
	ck_assert_uint_eq(fl_rlock_count(lock), 3);
	for (unsigned i = 3; i-- > 0;) {
		ck_assert_int_eq(call_elsewhere(try_and_release, lock), 0);
		fl_rlock_release(lock);
		ck_assert_uint_eq(fl_rlock_count(lock), i);
	}
	ck_assert(!fl_rlock_locked(lock));
	ck_assert_int_eq(call_elsewhere(try_and_release, lock), 1);
}
END_TEST

START_TEST(all_of_it_can_be_released_and_restored)
{
	ck_assert_int_eq(fl_rlock_restore(lock, 0), -EINVAL);
	ck_assert_int_eq(fl_rlock_restore(lock, 5), 0);
	ck_assert_int_eq(fl_rlock_restore(lock, 5), -EPERM);
	reports_expect("rlock", lock, NULL, "owns it already");
	ck_assert_uint_eq(fl_rlock_release_all(lock), 5);
	ck_assert_int_eq(call_elsewhere(acquire_and_release, lock), 0);
}
END_TEST

/* A thread that has used another segment last is still the owner of what it owns in the first. */
START_TEST(two_segments_are_used_at_once)
{
	fl_segment *other;
	fl_rlock *theirs;

	ck_assert_int_eq(fl_segment_open(&other, NULL, NULL), 0);
	ck_assert_int_eq(fl_segment_rlock(other, "door", &theirs), 1);
	ck_assert_int_eq(fl_rlock_acquire(lock), 0);
	ck_assert_int_eq(fl_rlock_acquire(theirs), 0);
	ck_assert_int_eq(fl_rlock_acquire(lock), 0);
	ck_assert_uint_eq(fl_rlock_count(theirs), 1);
	ck_assert_uint_eq(fl_rlock_count(lock), 2);
	fl_rlock_release(theirs);
	fl_rlock_release(lock);
	ck_assert_int_eq(fl_rlock_mend(lock), 0);
	fl_rlock_release(lock);
	ck_assert(!fl_rlock_locked(lock) && !fl_rlock_locked(theirs));
	fl_segment_close(other);
}
END_TEST

START_TEST(a_child_does_not_own_what_its_parent_owns)
{
	pid_t child;

	ck_assert_int_eq(fl_rlock_acquire(lock), 0);
	child = fork();
	if (child == 0) {
		EXPECT(fl_rlock_count(lock) == 0 && fl_rlock_locked(lock));
		EXPECT(!fl_rlock_acquire_try(lock));
		EXPECT(fl_rlock_acquire_until(lock, fl_after(FL_MS(5)), NULL) == -ETIMEDOUT);
		_exit(0);
	}
	ck_assert_int_eq(process_end(child), 0);
	ck_assert_uint_eq(fl_rlock_count(lock), 1);
	fl_rlock_release(lock);
}
END_TEST

/* Misuse. */

static int release(void *lock_)
{
	fl_rlock_release(lock_);
	reports_expect("rlock", lock_, NULL, "does not own it");
	return (int)fl_rlock_release_all(lock_);
}

START_TEST(only_the_owner_releases)
{
	fl_rlock_release(lock);
	reports_expect("rlock", lock, NULL, "nobody holds it");
	ck_assert_int_eq(fl_rlock_acquire(lock), 0);
	ck_assert_int_eq(call_elsewhere(release, lock), 0);
	ck_assert_int_eq(reports_look(NULL), 1);
	ck_assert_int_eq(fl_rlock_mend(lock), 0);
	fl_rlock_release(lock);
	ck_assert_int_eq(fl_rlock_mend(lock), -EPERM);
}
END_TEST

START_TEST(in_no_segment_it_cannot_be_used)
{
	fl_rlock stray;

	fl_rlock_init_shared(&stray);
	ck_assert_int_eq(fl_rlock_acquire(&stray), -EINVAL);
	reports_expect("rlock", &stray, NULL, "in no segment");
	ck_assert(!fl_rlock_acquire_try(&stray));
	reports_expect("rlock", &stray, NULL, "in no segment");
	ck_assert_uint_eq(fl_rlock_count(&stray), 0);
}
END_TEST

/* Death. */

START_TEST(a_dead_owner_is_told_once_and_counted_anew)
{
	pid_t child = process_start_ready(hold, lock);
	fl_owner owner;

	ck_assert(!fl_rlock_acquire_try(lock));
	process_kill(child);
	ck_assert_int_eq(fl_rlock_acquire(lock), -EOWNERDEAD);
	fl_dead_owner(&owner);
	ck_assert_int_eq(owner.pid, child);
	ck_assert_uint_eq(fl_rlock_count(lock), 1);
	ck_assert_int_eq(fl_rlock_acquire(lock), 0);
	ck_assert_int_eq(fl_rlock_mend(lock), 0);
	fl_rlock_release(lock);
	fl_rlock_release(lock);
	ck_assert_int_eq(call_elsewhere(acquire_and_release, lock), 0);
}
END_TEST

START_TEST(who_sleeps_is_woken_by_the_death)
{
	pid_t child = process_start_ready(hold, lock);

	sharing_wait_elsewhere(&call, acquire, lock);
	process_kill(child);
	ck_assert_int_eq(call_end(&call), -EOWNERDEAD); /* and that thread ends with it */
	ck_assert_int_eq(fl_rlock_acquire_until(lock, fl_after(FL_SECONDS(5)), NULL), -EOWNERDEAD);
	ck_assert_int_eq(fl_rlock_mend(lock), 0);
	fl_rlock_release(lock);
}
END_TEST

START_TEST(what_is_not_mended_is_lost_with_the_last_release)
{
	process_kill(process_start_ready(hold, lock));
	ck_assert_int_eq(fl_rlock_acquire(lock), -EOWNERDEAD);
	ck_assert_int_eq(fl_rlock_acquire(lock), 0);
	fl_rlock_release(lock);
	ck_assert_uint_eq(fl_rlock_count(lock), 1);
	fl_rlock_release(lock);
	ck_assert_int_eq(fl_rlock_acquire(lock), -ENOTRECOVERABLE);
	ck_assert(!fl_rlock_acquire_try(lock));
	ck_assert_int_eq(fl_rlock_restore(lock, 2), -ENOTRECOVERABLE);
	ck_assert_uint_eq(fl_rlock_count(lock), 0);
}
END_TEST

/* All at once: two processes with two threads each. */

enum { TURNS = 3000 };

static void add(unsigned index, void *lock_)
{
	(void)index;
	for (int i = 0; i < TURNS; i++) {
		EXPECT(fl_rlock_acquire(lock_) == 0);
		*number += 1;
		EXPECT(fl_rlock_acquire(lock_) == 0);
		*number += 1;
		fl_rlock_release(lock_);
		fl_rlock_release(lock_);
	}
}

static void add_in_child(void *lock_)
{
#ifdef CALLS_NOT_IN_CHILD
	add(0, lock_);
	add(1, lock_);
#else
	testing_together(2, add, lock_);
#endif
}

START_TEST(threads_of_processes_add_up)
{
	pid_t child = process_start(add_in_child, lock);

	testing_together(2, add, lock);
	ck_assert_int_eq(process_end(child), 0);
	ck_assert_uint_eq(*number, 4 * 2 * TURNS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rlock_shared");
	TCase *alone = testing_case_between(suite, "alone", set_up, sharing_tear_down);
	TCase *misuse = testing_case_between(suite, "misuse", set_up, sharing_tear_down);
	TCase *death = testing_case_between(suite, "death", set_up, sharing_tear_down);
	TCase *together = testing_case_between(suite, "together", set_up, sharing_tear_down);

	tcase_add_test(alone, it_is_found_by_name);
	tcase_add_test(alone, the_owner_acquires_again_and_it_is_counted);
	tcase_add_test(alone, all_of_it_can_be_released_and_restored);
	tcase_add_test(alone, two_segments_are_used_at_once);
	tcase_add_test(alone, a_child_does_not_own_what_its_parent_owns);
	tcase_add_test(misuse, only_the_owner_releases);
	tcase_add_test(misuse, in_no_segment_it_cannot_be_used);
	tcase_add_test(death, a_dead_owner_is_told_once_and_counted_anew);
	tcase_add_test(death, who_sleeps_is_woken_by_the_death);
	tcase_add_test(death, what_is_not_mended_is_lost_with_the_last_release);
	tcase_add_test(together, threads_of_processes_add_up);
	return testing_run(suite);
}
