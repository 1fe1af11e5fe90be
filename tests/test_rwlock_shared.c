/*
 * test_rwlock_shared.c - RWLocks that processes share: who goes before whom, who dies holding one side.
 */
#define _GNU_SOURCE
#include "sharing.h"
#include "waiting_shared.h"

static fl_rwlock *lock;
static fl_note note;
static struct call calls[6];

enum { PLACES = 3 };

static void set_up(void)
{
	sharing_set_up();
	ck_assert_int_eq(fl_segment_rwlock(segment, "table", PLACES, &lock), 1);
	ck_assert_int_eq(fl_rwlock_readers(lock), 0);
	fl_note_init(&note, NULL, FL_FOREVER);
}

static void tear_down(void)
{
	fl_note_destroy(&note);
	sharing_tear_down();
}

static int read_once(void *lock_)
{
	int error = fl_rwlock_acquire_read(lock_);

	if (error == 0 || error == -EOWNERDEAD)
		fl_rwlock_release_read(lock_);
	return error;
}

static int write_once(void *lock_)
{
	int error = fl_rwlock_acquire_write(lock_);

	if (error == 0)
		fl_rwlock_release_write(lock_);
	return error;
}

static int read_with_note(void *lock_)
{
	return fl_rwlock_acquire_read_until(lock_, FL_FOREVER, &note);
}

static int write_with_note(void *lock_)
{
	return fl_rwlock_acquire_write_until(lock_, FL_FOREVER, &note);
}

/* Bit 0: another thread could read; bit 1: it could write. */
static int try_both(void *lock_)
{
	int could = 0;

	if (fl_rwlock_acquire_read_try(lock_)) {
		could = 1;
		fl_rwlock_release_read(lock_);
	}
	if (fl_rwlock_acquire_write_try(lock_)) {
		could |= 2;
		fl_rwlock_release_write(lock_);
	}
	return could;
}

static void read_and_stay(void *lock_)
{
	EXPECT(fl_rwlock_acquire_read(lock_) == 0);
	process_stay();
}

static void write_and_stay(void *lock_)
{
	EXPECT(fl_rwlock_acquire_write(lock_) == 0);
	process_stay();
}

/* In a child: gets no further than to close the gate behind a reader. */
static void want_to_write(void *lock_)
{
	process_tell(&shared->ready);
	EXPECT(fl_rwlock_acquire_write(lock_) == 0);
}

/* On threads that read until `leave` is set, and end when `end` is: for their end has all who wait look again. */
static fl_event leave[5], end;

static int read_until(void *left)
{
	int error = fl_rwlock_acquire_read(lock);

	process_tell(&shared->ready);
	fl_event_wait(left);
	if (error == 0)
		fl_rwlock_release_read(lock);
	process_tell(&shared->go_on);
	fl_event_wait(&end);
	return error;
}

/* Has that reader leave, and returns when it has. */
static void let_leave(int i)
{
	uint32_t before = __atomic_load_n(&shared->go_on, __ATOMIC_RELAXED);

	fl_event_set(&leave[i]);
	process_await(&shared->go_on, before + 1);
}

/* One after the other. */

START_TEST(it_is_found_by_name_and_readers)
{
	fl_rwlock *same;

	ck_assert_int_eq(fl_segment_rwlock(segment, "table", PLACES, &same), 0);
	ck_assert_ptr_eq(same, lock);
	ck_assert_int_eq(fl_segment_rwlock(segment, "table", PLACES + 1, &same), -EPROTO);
	ck_assert_int_eq(fl_segment_rwlock(segment, "none", 0, &same), -EINVAL);
	ck_assert_ptr_nonnull(strstr(fl_segment_why(), "1 to 1024 readers, not 0"));
	ck_assert_int_eq(fl_segment_rwlock(segment, "many", 1025, &same), -EINVAL);
	ck_assert_int_eq(fl_segment_rwlock(segment, "most", 1024, &same), 1);
}
END_TEST

START_TEST(readers_share_and_writers_do_not)
{
	ck_assert_int_eq(call_elsewhere(try_both, lock), 3);
	ck_assert_int_eq(fl_rwlock_acquire_read(lock), 0);
	ck_assert_int_eq(fl_rwlock_readers(lock), 1);
	ck_assert_int_eq(call_elsewhere(try_both, lock), 1);
	fl_rwlock_release_read(lock);
	ck_assert_int_eq(fl_rwlock_acquire_write(lock), 0);
	ck_assert_int_eq(fl_rwlock_readers(lock), -1);
	ck_assert_int_eq(call_elsewhere(try_both, lock), 0);
	fl_rwlock_release_write(lock);
	ck_assert_int_eq(call_elsewhere(try_both, lock), 3);
	ck_assert_int_eq(fl_rwlock_readers(lock), 0);
}
END_TEST

START_TEST(a_reader_reads_again_and_may_not_write)
{
	ck_assert_int_eq(fl_rwlock_acquire_read(lock), 0);
	sharing_wait_elsewhere(&calls[0], write_once, lock);
	ck_assert_int_eq(fl_rwlock_acquire_read(lock), 0); /* though a writer waits */
	ck_assert(fl_rwlock_acquire_read_try(lock));
	ck_assert_int_eq(fl_rwlock_acquire_write(lock), -EDEADLK);
	for (int i = 0; i < 3; i++)
		fl_rwlock_release_read(lock);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert_int_eq(fl_rwlock_acquire_write(lock), 0);
	ck_assert_int_eq(fl_rwlock_acquire_read(lock), -EDEADLK);
	ck_assert_int_eq(fl_rwlock_acquire_write(lock), -EDEADLK);
	fl_rwlock_release_write(lock);
}
END_TEST

START_TEST(a_writer_goes_before_later_readers_and_readers_before_the_next_writer)
{
	ck_assert_int_eq(fl_rwlock_acquire_read(lock), 0);
	sharing_wait_elsewhere(&calls[0], write_once, lock);
	ck_assert(!(call_elsewhere(try_both, lock) & 1)); /* a writer waits */
	sharing_wait_elsewhere(&calls[1], read_once, lock);
	sharing_wait_elsewhere(&calls[2], write_once, lock);
	fl_rwlock_release_read(lock);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(call_end(&calls[i]), 0);
	ck_assert_int_eq(call_elsewhere(try_both, lock), 3);
}
END_TEST

/* It waits while the lock is kept for a reader; and when that one is in, others wait for a place. It may have been
 * woken meanwhile, if that one was quick; then it is to find them there. */
START_TEST(a_writer_goes_before_readers_that_wait_for_a_place)
{
	ck_assert_int_eq(fl_rwlock_acquire_write(lock), 0);
	sharing_wait_elsewhere(&calls[0], write_once, lock);
	for (int i = 0; i < PLACES; i++)
		sharing_wait_elsewhere(&calls[i + 1], read_until, &leave[i]);
	call_freeze(&calls[0]);
	fl_rwlock_release_write(lock);
	process_await(&shared->ready, PLACES);
	for (int i = PLACES; i < 5; i++)
		sharing_wait_elsewhere(&calls[i + 1], read_until, &leave[i]);
	call_thaw(&calls[0]);
	let_leave(0);
	shared_waiting_await(&lock->fl_spin, 1); /* it has closed the gate */
	fl_event_set(&end);
	for (int i = 1; i < 5; i++)
		let_leave(i);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(call_end(&calls[i]), 0);
}
END_TEST

START_TEST(a_write_side_becomes_a_read_side)
{
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(fl_rwlock_acquire_write(lock), 0);
		ck_assert_int_eq(fl_rwlock_downgrade(lock), 0);
		ck_assert_int_eq(fl_rwlock_readers(lock), 1);
		ck_assert_int_eq(call_elsewhere(try_both, lock), 1);
		fl_rwlock_release_read(lock);
		ck_assert_int_eq(fl_rwlock_readers(lock), 0);
	}
	ck_assert_int_eq(fl_rwlock_acquire_write(lock), 0);
	sharing_wait_elsewhere(&calls[0], read_once, lock);
	ck_assert_int_eq(fl_rwlock_downgrade(lock), 0);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	fl_rwlock_release_read(lock);
}
END_TEST

START_TEST(the_next_reader_waits_for_a_place)
{
	pid_t children[PLACES];

	for (int i = 0; i < PLACES; i++)
		children[i] = process_start_ready(read_and_stay, lock);
	ck_assert_int_eq(fl_rwlock_readers(lock), PLACES);
	ck_assert_int_eq(fl_rwlock_acquire_read_until(lock, fl_after(FL_MS(5)), NULL), -ETIMEDOUT);
	ck_assert(!fl_rwlock_acquire_read_try(lock));
	sharing_wait_elsewhere(&calls[0], read_once, lock);
	process_kill(children[0]);
	ck_assert_int_eq(call_end(&calls[0]), 0); /* nobody wrote: nothing to be told */
	for (int i = 1; i < PLACES; i++)
		process_kill(children[i]);
	ck_assert_int_eq(fl_rwlock_readers(lock), 0);
	ck_assert_int_eq(call_elsewhere(try_both, lock), 3);
}
END_TEST

/* Two leave before the one that was woken by the first of them gets to run. */
START_TEST(no_reader_waits_beside_an_empty_place)
{
	ck_assert_int_eq(fl_segment_rwlock(segment, "two", 2, &lock), 1);
	for (int i = 0; i < 2; i++)
		call_start(&calls[i], read_until, &leave[i]);
	process_await(&shared->ready, 2);
	for (int i = 2; i < 4; i++)
		sharing_wait_elsewhere(&calls[i], read_until, &leave[i]);
	call_freeze(&calls[2]);
	let_leave(0);
	let_leave(1);
	call_thaw(&calls[2]);
	process_await(&shared->ready, 4); /* neither of the two has left */
	fl_event_set(&end);
	for (int i = 2; i < 4; i++)
		let_leave(i);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(call_end(&calls[i]), 0);
	ck_assert_int_eq(call_elsewhere(try_both, lock), 3);
}
END_TEST

START_TEST(deadlines_and_notes_end_a_wait)
{
	ck_assert_int_eq(fl_rwlock_acquire_write(lock), 0);
	sharing_wait_elsewhere(&calls[0], read_with_note, lock);
	sharing_wait_elsewhere(&calls[1], write_with_note, lock);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&calls[0]), -ECANCELED);
	ck_assert_int_eq(call_end(&calls[1]), -ECANCELED);
	fl_rwlock_release_write(lock);
	ck_assert_int_eq(fl_rwlock_acquire_write_until(lock, 0, NULL), 0); /* a free one needs no wait */
	fl_rwlock_release_write(lock);
	ck_assert_int_eq(fl_rwlock_acquire_read_until(lock, 0, &note), 0);
	fl_rwlock_release_read(lock);
}
END_TEST

/* Who closed the gate and gives up opens it again for those whom it kept out. */
START_TEST(a_writer_that_gives_up_lets_readers_in)
{
	pid_t child = process_start_ready(read_and_stay, lock);

	sharing_wait_elsewhere(&calls[0], write_with_note, lock);
	sharing_wait_elsewhere(&calls[1], read_once, lock);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&calls[0]), -ECANCELED);
	ck_assert_int_eq(call_end(&calls[1]), 0);
	process_kill(child);
	ck_assert_int_eq(fl_rwlock_acquire_write_until(lock, 0, NULL), 0);
	fl_rwlock_release_write(lock);
}
END_TEST

START_TEST(a_child_holds_nothing_of_its_parents)
{
	pid_t child;

	ck_assert_int_eq(fl_rwlock_acquire_read(lock), 0);
	child = fork();
	if (child == 0) {
		EXPECT(fl_rwlock_readers(lock) == 1);
		EXPECT(!fl_rwlock_acquire_write_try(lock)); /* its parent reads */
		EXPECT(fl_rwlock_acquire_read(lock) == 0 && fl_rwlock_readers(lock) == 2);
		fl_rwlock_release_read(lock);
		EXPECT(fl_rwlock_readers(lock) == 1);
		_exit(0);
	}
	ck_assert_int_eq(process_end(child), 0);
	ck_assert_int_eq(fl_rwlock_readers(lock), 1);
	fl_rwlock_release_read(lock);
}
END_TEST

/* Misuse. */

START_TEST(only_who_holds_a_side_releases_it)
{
	fl_rwlock_release_read(lock);
	reports_expect("rwlock", lock, NULL, "read side released by a thread that does not hold it");
	fl_rwlock_release_write(lock);
	reports_expect("rwlock", lock, NULL, "write side released by a thread that does not hold it");
	ck_assert_int_eq(fl_rwlock_downgrade(lock), -EPERM);
	reports_expect("rwlock", lock, NULL, "turned into a read side");
	ck_assert_int_eq(fl_rwlock_acquire_read(lock), 0);
	fl_rwlock_destroy(lock);
	reports_expect("rwlock", lock, NULL, "destroyed while it is held");
	ck_assert_int_eq(fl_rwlock_mend(lock), -EPERM);
	fl_rwlock_release_read(lock);
	fl_rwlock_destroy(lock);
}
END_TEST

START_TEST(in_no_segment_it_cannot_be_used)
{
	uint32_t places[FL_RWLOCK_PLACES(1)];
	fl_rwlock stray;

	ck_assert_int_eq(fl_rwlock_init_shared(&stray, 0, places), -EINVAL);
	ck_assert_int_eq(fl_rwlock_init_shared(&stray, 1025, places), -EINVAL);
	ck_assert_int_eq(fl_rwlock_init_shared(&stray, 1, places), 0);
	ck_assert_int_eq(fl_rwlock_acquire_read(&stray), -EINVAL);
	reports_expect("rwlock", &stray, NULL, "in no segment");
	ck_assert_int_eq(fl_rwlock_acquire_write(&stray), -EINVAL);
	reports_expect("rwlock", &stray, NULL, "in no segment");
	ck_assert(!fl_rwlock_acquire_read_try(&stray));
	reports_expect("rwlock", &stray, NULL, "in no segment");
}
END_TEST

/* What others wrote may be anything. */
START_TEST(its_places_are_in_the_same_segment)
{
	static const int32_t far[] = {INT32_MAX, INT32_MIN, 1 << 28, -(1 << 28)};

	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		lock->fl_places = far[i];
		ck_assert_int_eq(fl_rwlock_acquire_read(lock), -EINVAL);
		reports_expect("rwlock", lock, NULL, "not in the same segment");
	}
	lock->fl_places = 4;
	lock->fl_n_places = UINT16_MAX;
	ck_assert_int_eq(fl_rwlock_acquire_write(lock), -EINVAL);
	reports_expect("rwlock", lock, NULL, "not in the same segment");
}
END_TEST

/* Death. */

START_TEST(what_a_dead_reader_holds_is_taken_back)
{
	pid_t child = process_start_ready(read_and_stay, lock);

	sharing_wait_elsewhere(&calls[0], write_once, lock);
	process_kill(child);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	process_kill(process_start_ready(read_and_stay, lock));
	ck_assert(fl_rwlock_acquire_write_try(lock));
	fl_rwlock_release_write(lock);
}
END_TEST

START_TEST(a_dead_writer_is_told_until_one_mends)
{
	pid_t child = process_start_ready(write_and_stay, lock);
	fl_owner owner;

	sharing_wait_elsewhere(&calls[0], read_once, lock);
	process_kill(child);
	ck_assert_int_eq(call_end(&calls[0]), -EOWNERDEAD);
	ck_assert_int_eq(fl_rwlock_acquire_read(lock), -EOWNERDEAD);
	fl_dead_owner(&owner);
	ck_assert_int_eq(owner.pid, child);
	ck_assert_int_eq(fl_rwlock_mend(lock), -EPERM); /* who reads cannot */
	ck_assert(!fl_rwlock_acquire_write_try(lock));
	fl_rwlock_release_read(lock);
	ck_assert_int_eq(call_elsewhere(try_both, lock), 0); /* they could not be told */
	ck_assert_int_eq(fl_rwlock_acquire_write(lock), -EOWNERDEAD);
	fl_dead_owner(&owner);
	ck_assert_int_eq(owner.pid, child);
	ck_assert_int_eq(fl_rwlock_mend(lock), 0);
	fl_rwlock_release_write(lock);
	ck_assert_int_eq(call_elsewhere(read_once, lock), 0);
	ck_assert_int_eq(call_elsewhere(write_once, lock), 0);
}
END_TEST

START_TEST(what_is_not_mended_is_lost)
{
	process_kill(process_start_ready(write_and_stay, lock));
	ck_assert_int_eq(fl_rwlock_acquire_write(lock), -EOWNERDEAD);
	sharing_wait_elsewhere(&calls[0], read_once, lock);
	sharing_wait_elsewhere(&calls[1], write_once, lock);
	fl_rwlock_release_write(lock);
	ck_assert_int_eq(call_end(&calls[0]), -ENOTRECOVERABLE);
	ck_assert_int_eq(call_end(&calls[1]), -ENOTRECOVERABLE);
	ck_assert_int_eq(call_elsewhere(try_both, lock), 0);
}
END_TEST

START_TEST(a_writer_that_dies_before_it_is_in_has_changed_nothing)
{
	pid_t child;

	ck_assert_int_eq(fl_rwlock_acquire_read(lock), 0);
	child = sharing_start_waiter(want_to_write, lock);
	sharing_wait_elsewhere(&calls[0], read_once, lock);
	process_kill(child);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	fl_rwlock_release_read(lock);
	ck_assert_int_eq(call_elsewhere(try_both, lock), 3);
}
END_TEST

/* All at once. */

enum { TURNS = 2000 };

static void read_and_write(unsigned index, void *lock_)
{
	for (int i = 0; i < TURNS; i++) {
		uint64_t seen;

		if ((unsigned)i % 4 == index) {
			EXPECT(fl_rwlock_acquire_write(lock_) == 0);
			*number += 1;
			if (i % 3 == 0) {
				EXPECT(fl_rwlock_downgrade(lock_) == 0);
				fl_rwlock_release_read(lock_);
			} else {
				fl_rwlock_release_write(lock_);
			}
			continue;
		}
		EXPECT(fl_rwlock_acquire_read(lock_) == 0);
		seen = *number;
		if (i % 16 == 0)
			sched_yield();
		EXPECT(seen == *number);
		fl_rwlock_release_read(lock_);
	}
}

static void read_and_write_in_child(void *lock_)
{
	read_and_write(3, lock_);
}

/* With places for 1, 2 or 3 readers: they wait for each other, too. */
START_TEST(writers_add_up_and_readers_see_no_change)
{
	pid_t child;

	ck_assert_int_eq(fl_segment_rwlock(segment, "few", (uint32_t)_i, &lock), 1);
	child = process_start(read_and_write_in_child, lock);
	testing_together(4, read_and_write, lock);
	ck_assert_int_eq(process_end(child), 0);
	ck_assert_uint_eq(*number, 5 * TURNS / 4);
}
END_TEST

/* One side never stops: the other one gets in all the same. */
static void keep_reading(void *lock_)
{
	process_tell(&shared->ready);
	while (__atomic_load_n(&shared->go_on, __ATOMIC_RELAXED) == 0)
		EXPECT(read_once(lock_) == 0);
}

static void keep_writing(void *lock_)
{
	process_tell(&shared->ready);
	while (__atomic_load_n(&shared->go_on, __ATOMIC_RELAXED) == 0)
		EXPECT(write_once(lock_) == 0);
}

START_TEST(neither_side_starves)
{
	pid_t children[2];

	for (int i = 0; i < 2; i++)
		children[i] = process_start(_i ? keep_reading : keep_writing, lock);
	process_await(&shared->ready, 2);
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(_i ? write_once(lock) : read_once(lock), 0);
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(_i ? read_once(lock) : write_once(lock), 0);
	process_tell(&shared->go_on);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(process_end(children[i]), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rwlock_shared");
	TCase *alone = testing_case_between(suite, "alone", set_up, tear_down);
	TCase *misuse = testing_case_between(suite, "misuse", set_up, tear_down);
	TCase *death = testing_case_between(suite, "death", set_up, tear_down);
	TCase *together = testing_case_between(suite, "together", set_up, tear_down);

	tcase_add_test(alone, it_is_found_by_name_and_readers);
	tcase_add_test(alone, readers_share_and_writers_do_not);
	tcase_add_test(alone, a_reader_reads_again_and_may_not_write);
	tcase_add_test(alone, a_writer_goes_before_later_readers_and_readers_before_the_next_writer);
	tcase_add_test(alone, a_writer_goes_before_readers_that_wait_for_a_place);
	tcase_add_test(alone, a_write_side_becomes_a_read_side);
	tcase_add_test(alone, the_next_reader_waits_for_a_place);
	tcase_add_test(alone, no_reader_waits_beside_an_empty_place);
	tcase_add_test(alone, deadlines_and_notes_end_a_wait);
	tcase_add_test(alone, a_writer_that_gives_up_lets_readers_in);
	tcase_add_test(alone, a_child_holds_nothing_of_its_parents);
	tcase_add_test(misuse, only_who_holds_a_side_releases_it);
	tcase_add_test(misuse, in_no_segment_it_cannot_be_used);
	tcase_add_test(misuse, its_places_are_in_the_same_segment);
	tcase_add_test(death, what_a_dead_reader_holds_is_taken_back);
	tcase_add_test(death, a_dead_writer_is_told_until_one_mends);
	tcase_add_test(death, what_is_not_mended_is_lost);
	tcase_add_test(death, a_writer_that_dies_before_it_is_in_has_changed_nothing);
	tcase_add_loop_test(together, writers_add_up_and_readers_see_no_change, 1, 4);
	tcase_add_loop_test(together, neither_side_starves, 0, 2);
	return testing_run(suite);
}
