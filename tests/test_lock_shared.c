/*
 * test_lock_shared.c - locks that processes share: between threads and between processes, and whose holder dies.
 */
#define _GNU_SOURCE
#include "base/lot.h"
#include "shm/segment.h"
#include "sync/lock_shared.h"

#include "sharing.h"

static fl_lock *lock, *second;
static fl_note note;
static struct call call;
static char door[] = "door";

static void set_up(void)
{
	sharing_set_up();
	ck_assert_int_eq(fl_segment_lock(segment, door, &lock), 1);
	ck_assert_int_eq(fl_segment_lock(segment, "second", &second), 1);
	fl_note_init(&note, NULL, FL_FOREVER);
}

static void tear_down(void)
{
	fl_note_destroy(&note);
	sharing_tear_down();
}

static int acquire(void *lock_)
{
	return fl_lock_acquire(lock_);
}

static int acquire_with_note(void *lock_)
{
	return fl_lock_acquire_until(lock_, FL_FOREVER, &note);
}

static void wait_elsewhere(int (*body)(void *lock_))
{
	sharing_wait_elsewhere(&call, body, lock);
}

/* In a child: holds the lock until it is killed. */
static void hold(void *lock_)
{
	EXPECT(fl_lock_acquire(lock_) == 0);
	process_stay();
}

static pid_t start_holder(void)
{
	return process_start_ready(hold, lock);
}

/* In a child: waits for the lock, and ends; with 1 if it was told of a death, or that the lock is lost. */
static void wait_for_it(void *lock_)
{
	process_tell(&shared->go_on);
	if (fl_lock_acquire(lock_) != 0)
		_exit(1);
}

static pid_t start_waiter(void)
{
	pid_t child = process_start(wait_for_it, lock);

	process_await(&shared->go_on, 1);
	process_await_asleep(child);
	return child;
}

/* One after the other. */

START_TEST(it_is_found_by_name)
{
	fl_segment *other;
	fl_lock *same;
	uint64_t *wrong;

	ck_assert_int_eq(segments_open(&other, "shop", 0), 0);
	ck_assert_int_eq(fl_segment_lock(other, door, &same), 0);
	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	ck_assert(fl_lock_locked(same));
	ck_assert(!fl_lock_acquire_try(same));
	ck_assert_int_eq(fl_lock_acquire_until(same, fl_after(FL_MS(5)), NULL), -ETIMEDOUT);
	fl_lock_release(lock);
	ck_assert(fl_lock_acquire_try(same));
	fl_lock_release(same);
	ck_assert(!fl_lock_locked(lock));
	ck_assert_int_eq(segments_number(segment, door, &wrong), -EPROTO);
	ck_assert_int_eq(fl_segment_lock(segment, "n", &same), -EPROTO);
	fl_segment_close(other);
}
END_TEST

static void count(unsigned index, void *times_)
{
	const unsigned *times = times_;

	(void)index;
	for (unsigned i = 0; i < *times; i++) {
		ck_assert_int_eq(fl_lock_acquire(lock), 0);
		++*number;
		fl_lock_release(lock);
	}
}

START_TEST(threads_exclude_each_other)
{
	unsigned times = 20000;

	testing_together(4, count, &times);
	ck_assert_uint_eq(*number, 4 * times);
}
END_TEST

static void count_in_child(void *times_)
{
	const unsigned *times = times_;

	for (unsigned i = 0; i < *times; i++) {
		EXPECT(fl_lock_acquire(lock) == 0);
		++*number;
		fl_lock_release(lock);
	}
}

START_TEST(processes_exclude_each_other)
{
	unsigned times = 20000;
	pid_t children[4];

	for (unsigned i = 0; i < 4; i++)
		children[i] = process_start(count_in_child, &times);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(process_end(children[i]), 0);
	ck_assert_uint_eq(*number, 4 * times);
}
END_TEST

START_TEST(deadlines_and_notes_end_a_wait)
{
	pid_t child = start_holder();
	fl_time begun = fl_now();

	ck_assert_int_eq(fl_lock_acquire_until(lock, fl_after(FL_MS(20)), NULL), -ETIMEDOUT);
	ck_assert_int_ge(fl_now() - begun, FL_MS(20));
	ck_assert_int_eq(fl_lock_acquire_until(lock, 0, &note), -ETIMEDOUT);
	ck_assert_int_eq(fl_lock_acquire_until(lock, fl_after(FL_MS(1)), &note), -ETIMEDOUT);
	wait_elsewhere(acquire_with_note);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	ck_assert_int_eq(fl_lock_acquire_until(lock, FL_FOREVER, &note), -ECANCELED);
	process_kill(child);
	ck_assert_int_eq(fl_lock_acquire_until(lock, 0, &note), -EOWNERDEAD);
	ck_assert_int_eq(fl_lock_mend(lock), 0);
	fl_lock_release(lock);
	ck_assert_int_eq(fl_lock_acquire_until(lock, 0, &note), 0);
	fl_lock_release(lock);
}
END_TEST

START_TEST(a_note_with_a_deadline_ends_a_wait)
{
	fl_note soon;

	fl_note_init(&soon, NULL, fl_after(FL_MS(20)));
	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	ck_assert_int_eq(fl_lock_acquire_until(lock, FL_FOREVER, &soon), -ECANCELED);
	fl_lock_release(lock);
	fl_note_destroy(&soon);
}
END_TEST

START_TEST(a_signal_ends_nothing)
{
	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	wait_elsewhere(acquire);
	call_interrupt(&call, 5, 0);
	ck_assert(!call_returned(&call));
	fl_lock_release(lock);
	ck_assert_int_eq(call_end(&call), 0);
	fl_lock_release(lock); /* any thread may */
	ck_assert(!fl_lock_locked(lock));
}
END_TEST

static void take_turns(unsigned index, void *unused)
{
	(void)unused;
	while (__atomic_load_n(&shared->go_on, __ATOMIC_RELAXED) < 200) {
		ck_assert_int_eq(fl_lock_acquire(lock), 0);
		if (index == 0)
			__atomic_add_fetch(&shared->go_on, 1, __ATOMIC_RELAXED);
		fl_lock_release(lock);
	}
}

/* The others are at it all the time, and would overtake the first one as often as they like. */
START_TEST(nobody_starves)
{
	testing_together(3, take_turns, NULL);
	ck_assert(!fl_lock_locked(lock));
}
END_TEST

static int fill(void *end)
{
	ck_assert_int_eq(fl_lock_acquire(second), 0);
	fl_lock_release(second);
	process_tell(&shared->ready);
	return fl_event_wait(end);
}

START_TEST(so_many_threads_and_no_more)
{
	static struct call calls[FL_PEERS];
	fl_event end = FL_EVENT_INIT;

	for (unsigned i = 0; i < FL_PEERS; i++)
		call_start(&calls[i], fill, &end);
	process_await(&shared->ready, FL_PEERS);
	ck_assert_int_eq(fl_lock_acquire(lock), -EUSERS);
	ck_assert(!fl_lock_acquire_try(lock));
	fl_event_set(&end);
	for (unsigned i = 0; i < FL_PEERS; i++)
		ck_assert_int_eq(call_end(&calls[i]), 0);
	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	fl_lock_release(lock);
}
END_TEST

/* Deaths. */

static void expect_dead(pid_t pid)
{
	fl_owner owner;

	fl_dead_owner(&owner);
	ck_assert_int_eq(owner.pid, pid);
	ck_assert_int_eq(owner.tid, pid);
	ck_assert_int_eq(owner.name[0] == 0, pid == 0);
}

START_TEST(a_dead_holder_is_told_of)
{
	pid_t child = start_holder();

	process_kill(child);
	ck_assert(!fl_lock_acquire_try(lock));
	ck_assert_int_eq(fl_lock_acquire(lock), -EOWNERDEAD);
	expect_dead(child);
	ck_assert(fl_lock_locked(lock));
	ck_assert_int_eq(fl_lock_mend(lock), 0);
	fl_lock_release(lock);
	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	fl_lock_release(lock);
}
END_TEST

START_TEST(a_dead_holder_is_told_of_at_once)
{
	pid_t child = start_holder();

	for (int i = 0; i < 2; i++) {
		wait_elsewhere(i == 0 ? acquire : acquire_with_note);
		process_kill(child);
		ck_assert_int_eq(call_end(&call), -EOWNERDEAD);
		/* The thread has ended with it: that is another death. */
		ck_assert_int_eq(fl_lock_acquire(lock), -EOWNERDEAD);
		ck_assert_int_eq(fl_lock_mend(lock), 0);
		fl_lock_release(lock);
		child = start_holder();
	}
	process_kill(child);
}
END_TEST

/* Whoever waits in another process is told, and others that wait there get on. */
START_TEST(all_who_wait_get_on_after_a_death)
{
	pid_t child = start_holder(), waiters[3];

	for (unsigned i = 0; i < 3; i++) {
		waiters[i] = start_waiter();
		shared->go_on = 0;
	}
	wait_elsewhere(acquire);
	process_kill(waiters[1]);
	process_kill(child);
	/* One of the three is told; the others are as well, since nobody mends. */
	if (call_end(&call) == -EOWNERDEAD) {
		ck_assert_int_eq(fl_lock_acquire(lock), -EOWNERDEAD);
		fl_lock_release(lock);
	}
	ck_assert_int_ne(process_end(waiters[0]), 0);
	ck_assert_int_ne(process_end(waiters[2]), 0);
	ck_assert_int_eq(fl_lock_acquire(lock), -ENOTRECOVERABLE);
}
END_TEST

START_TEST(what_is_not_mended_is_lost)
{
	process_kill(start_holder());
	ck_assert_int_eq(fl_lock_acquire(lock), -EOWNERDEAD);
	wait_elsewhere(acquire);
	fl_lock_release(lock);
	ck_assert_int_eq(call_end(&call), -ENOTRECOVERABLE);
	ck_assert_int_eq(fl_lock_acquire(lock), -ENOTRECOVERABLE);
	ck_assert_int_eq(fl_lock_acquire_until(lock, 0, NULL), -ENOTRECOVERABLE);
	ck_assert(!fl_lock_acquire_try(lock));
	ck_assert(!fl_lock_locked(lock));
	fl_lock_release(lock);
	reports_expect("lock", lock, NULL, "released, but nobody holds it");
	fl_lock_destroy(lock);
	fl_lock_init_shared(lock);
	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	fl_lock_release(lock);
}
END_TEST

START_TEST(mending_is_the_holders)
{
	fl_lock private = FL_LOCK_INIT;

	ck_assert_int_eq(fl_lock_mend(lock), -EPERM);
	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	ck_assert_int_eq(fl_lock_mend(lock), 0);
	fl_lock_release(lock);
	process_kill(start_holder());
	ck_assert_int_eq(fl_lock_mend(lock), -EPERM);
	ck_assert_int_eq(fl_lock_acquire(lock), -EOWNERDEAD);
	ck_assert_int_eq(fl_lock_mend(lock), 0);
	fl_lock_release(lock);
	ck_assert_int_eq(fl_lock_mend(&private), 0);
}
END_TEST

START_TEST(a_killed_waiter_is_in_nobodys_way)
{
	pid_t waiter;

	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	waiter = start_waiter();
	wait_elsewhere(acquire);
	process_kill(waiter);
	ck_assert(!call_returned(&call));
	fl_lock_release(lock);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_int_eq(fl_lock_acquire(lock), -EOWNERDEAD);
}
END_TEST

/* Kept for one that is killed before it has it. */
static void leave_to_a_dead_one(void)
{
	pid_t waiter;

	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	waiter = start_waiter();
	/* What a release leaves after a hundred overtakings, if the process is killed before it has been woken. */
	fl_store_seq_cst(&lock->fl_word, fl_lot_first_(fl_lot_view_(lock), lock) | FL_LOCK_SHARED_HANDED);
	ck_assert(fl_lock_locked(lock));
	ck_assert(!fl_lock_acquire_try(lock));
	process_kill(waiter);
}

START_TEST(what_is_kept_for_a_dead_one_is_free)
{
	leave_to_a_dead_one();
	ck_assert(!fl_lock_locked(lock));
	ck_assert(fl_lock_acquire_try(lock));
	ck_assert(fl_lock_locked(lock));
	fl_lock_release(lock);
	shared->go_on = 0;
	leave_to_a_dead_one();
	fl_lock_destroy(lock);
}
END_TEST

/* A thread that has ended, in a process that lives, is a dead holder like another. */
START_TEST(a_thread_that_ends_with_it_is_told_of)
{
	fl_owner owner;

	ck_assert_int_eq(call_elsewhere(acquire, lock), 0);
	ck_assert_int_eq(fl_lock_acquire(lock), -EOWNERDEAD);
	fl_dead_owner(&owner);
	ck_assert_int_eq(owner.pid, 0); /* it left as it should, and its place is nobody's */
	ck_assert_int_eq(fl_lock_mend(lock), 0);
	wait_elsewhere(acquire);
	fl_lock_release(lock);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_int_eq(fl_lock_acquire(lock), -EOWNERDEAD);
}
END_TEST

START_TEST(what_all_let_go_again_is_still_told)
{
	fl_lock *locks[2] = {lock, second};
	pid_t child = start_holder();

	process_kill(child);
	ck_assert_int_eq(call_elsewhere(acquire, second), 0); /* dead, too */
	ck_assert_int_eq(fl_lock_all(2, locks, FL_FOREVER), -EOWNERDEAD);
	ck_assert_int_eq(fl_lock_mend(lock), 0);
	ck_assert_int_eq(fl_lock_mend(second), 0);
	fl_lock_all_release(2, locks);
	ck_assert_int_eq(fl_lock_all(2, locks, FL_FOREVER), 0);
	fl_lock_all_release(2, locks);
	child = start_holder();
	process_kill(child);
	ck_assert_int_eq(fl_lock_acquire(second), 0);
	ck_assert_int_eq(fl_lock_all(2, locks, fl_after(FL_MS(5))), -ETIMEDOUT);
	fl_lock_release(second);
	ck_assert_int_eq(fl_lock_acquire(lock), -EOWNERDEAD);
	expect_dead(0); /* who it was has not been kept */
}
END_TEST

START_TEST(a_guard_holds_it_all_the_same)
{
	bool ran = false;

	process_kill(start_holder());
	fl_with (lock) {
		ran = fl_lock_locked(lock);
		fl_lock_mend(lock);
	}
	ck_assert(ran);
	ck_assert(fl_lock_acquire_try(lock));
	fl_lock_release(lock);
}
END_TEST

/* Misuse. */

START_TEST(outside_of_a_segment_it_is_refused)
{
	fl_lock lonely;

	fl_lock_init_shared(&lonely);
	ck_assert_int_eq(fl_lock_acquire(&lonely), -EINVAL);
	reports_expect("lock", &lonely, NULL,
		       "it was made to be shared, and is in no segment that this process has open");
	ck_assert(!fl_lock_acquire_try(&lonely));
	reports_expect("lock", &lonely, NULL,
		       "it was made to be shared, and is in no segment that this process has open");
	fl_lock_release(&lonely);
	reports_expect("lock", &lonely, NULL,
		       "it was made to be shared, and is in no segment that this process has open");
	fl_lock_release(lock);
	reports_expect("lock", lock, NULL, "released, but nobody holds it");
	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	fl_lock_destroy(lock);
	reports_expect("lock", lock, NULL, "destroyed while it is held");
	fl_lock_release(lock);
	fl_lock_destroy(lock);
}
END_TEST

/* Whatever is in the word, nobody crashes, and nobody waits for ever. */
START_TEST(nonsense_in_it_is_somebody_dead)
{
	uint32_t words[] = {1, 0x400, 0x7ff, 0x1ffffffe, 0x3fffffff, 0x20000400, 0xbffffffe, 0x80000000, 0x40000000};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		int error;

		ck_assert_int_eq(fl_lock_acquire(lock), 0);
		__atomic_store_n(&lock->fl_word, words[i], __ATOMIC_RELAXED);
		error = fl_lock_acquire_until(lock, fl_after(FL_MS(1)), NULL);
		ck_assert(error == 0 || error == -EOWNERDEAD || error == -ENOTRECOVERABLE || error == -ETIMEDOUT);
		fl_lock_init_shared(lock);
	}
}
END_TEST

/* Segments and processes that come and go. */

static void use_in_child(void *unused)
{
	(void)unused;
	EXPECT(fl_lock_acquire_until(lock, fl_after(FL_MS(5)), NULL) == -ETIMEDOUT);
	EXPECT(fl_lock_acquire(second) == 0);
	fl_lock_release(second);
	EXPECT(fl_lock_mend(lock) == -EPERM);
}

START_TEST(a_child_holds_nothing_of_its_parents)
{
	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	ck_assert_int_eq(process_end(process_start(use_in_child, NULL)), 0);
	fl_lock_release(lock);
	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	fl_lock_release(lock);
}
END_TEST

static int go_on_using(void *unused)
{
	(void)unused;
	for (uint32_t n = 1; n <= 300; n++) {
		process_await(&shared->ready, n);
		ck_assert_int_eq(fl_lock_acquire(lock), 0);
		fl_lock_release(lock);
		process_tell(&shared->go_on);
	}
	return 0;
}

/* A thread has used a segment that another one has closed; a new one is at the same place. */
START_TEST(a_segment_may_be_closed_while_threads_live)
{
	call_start(&call, go_on_using, NULL);
	for (uint32_t n = 1; n <= 300; n++) {
		process_tell(&shared->ready);
		process_await(&shared->go_on, n);
		ck_assert_int_eq(fl_lock_acquire(lock), 0);
		fl_lock_release(lock);
		ck_assert_uint_le(segment->head->lot.n_peers, 64);
		fl_segment_close(segment);
		ck_assert_int_eq(segments_open(&segment, n % 2 ? "stall" : "shop", 0), 0);
		ck_assert_int_ge(fl_segment_lock(segment, door, &lock), 0);
	}
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

START_TEST(places_of_threads_that_ended_are_used_again)
{
	for (unsigned i = 0; i < 300; i++) {
		ck_assert_int_eq(call_elsewhere(acquire, lock), 0);
		ck_assert_int_eq(fl_lock_acquire(lock), -EOWNERDEAD);
		ck_assert_int_eq(fl_lock_mend(lock), 0);
		fl_lock_release(lock);
	}
	ck_assert_uint_le(segment->head->lot.n_peers, 2);
}
END_TEST

START_TEST(a_million_of_them_are_their_memory)
{
	enum { MILLION = 1000000 };
	fl_lock *locks;

	ck_assert_int_eq(fl_segment_alloc(segment, MILLION * sizeof(fl_lock), number), 0);
	locks = fl_segment_at(segment, *number, MILLION * sizeof(fl_lock));
	for (unsigned i = 0; i < MILLION; i++)
		fl_lock_init_shared(&locks[i]);
	for (unsigned i = 0; i < MILLION; i++)
		if (fl_lock_acquire(&locks[i]) != 0)
			ck_abort_msg("%u", i);
	for (unsigned i = 0; i < MILLION; i++)
		fl_lock_release(&locks[i]);
}
END_TEST

static Suite *lock_shared_suite(void)
{
	Suite *suite = suite_create("lock-shared");
	TCase *using = testing_case_between(suite, "using", set_up, tear_down);
	TCase *deaths = testing_case_between(suite, "deaths", set_up, tear_down);
	TCase *misuse = testing_case_between(suite, "misuse", set_up, tear_down);
	TCase *coming = testing_case_between(suite, "coming", set_up, tear_down);

	tcase_add_test(using, it_is_found_by_name);
	tcase_add_test(using, threads_exclude_each_other);
	tcase_add_test(using, processes_exclude_each_other);
	tcase_add_test(using, deadlines_and_notes_end_a_wait);
	tcase_add_test(using, a_note_with_a_deadline_ends_a_wait);
	tcase_add_test(using, a_signal_ends_nothing);
	tcase_add_test(using, nobody_starves);
	tcase_add_test(using, so_many_threads_and_no_more);
	tcase_add_test(deaths, a_dead_holder_is_told_of);
	tcase_add_test(deaths, a_dead_holder_is_told_of_at_once);
	tcase_add_test(deaths, all_who_wait_get_on_after_a_death);
	tcase_add_test(deaths, what_is_not_mended_is_lost);
	tcase_add_test(deaths, mending_is_the_holders);
	tcase_add_test(deaths, a_killed_waiter_is_in_nobodys_way);
	tcase_add_test(deaths, what_is_kept_for_a_dead_one_is_free);
	tcase_add_test(deaths, a_thread_that_ends_with_it_is_told_of);
	tcase_add_test(deaths, what_all_let_go_again_is_still_told);
	tcase_add_test(deaths, a_guard_holds_it_all_the_same);
	tcase_add_test(misuse, outside_of_a_segment_it_is_refused);
	tcase_add_test(misuse, nonsense_in_it_is_somebody_dead);
	tcase_add_test(coming, a_child_holds_nothing_of_its_parents);
	tcase_add_test(coming, a_segment_may_be_closed_while_threads_live);
	tcase_add_test(coming, places_of_threads_that_ended_are_used_again);
	tcase_add_test(coming, a_million_of_them_are_their_memory);
	return suite;
}

int main(void)
{
	return testing_run(lock_shared_suite());
}
