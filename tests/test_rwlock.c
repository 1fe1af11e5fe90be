/*
 * test_rwlock.c - RWLock: many readers or one writer, in order of arrival, and nobody waits for itself.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdlib.h>
#include <string.h>

static fl_rwlock lock;

static void set_up(void)
{
	fl_rwlock_init(&lock, "table");
	reports_catch();
}

static void tear_down(void)
{
	ck_assert_uint_eq(waiting_for(&lock), 0);
	reports_expect_none();
}

static int try_read(void *unused)
{
	int taken = fl_rwlock_acquire_read_try(&lock);

	(void)unused;
	if (taken)
		fl_rwlock_release_read(&lock);
	return taken;
}

static int try_write(void *unused)
{
	int taken = fl_rwlock_acquire_write_try(&lock);

	(void)unused;
	if (taken)
		fl_rwlock_release_write(&lock);
	return taken;
}

/* A party on a thread of its own, which holds its side until it is told to let go. */
struct party {
	struct call call;
	bool writes;
	fl_time deadline;
	fl_note *note;
	fl_event has_it, let_go;
};

static int take_part(void *arg)
{
	struct party *party = arg;
	int error = party->writes ? fl_rwlock_acquire_write_until(&lock, party->deadline, party->note)
				  : fl_rwlock_acquire_read_until(&lock, party->deadline, party->note);

	if (error != 0)
		return error;
	fl_event_set(&party->has_it);
	fl_event_wait(&party->let_go);
	if (party->writes)
		fl_rwlock_release_write(&lock);
	else
		fl_rwlock_release_read(&lock);
	return 0;
}

static void begin_until(struct party *party, bool writes, fl_time deadline, fl_note *note)
{
	*party = (struct party){.writes = writes, .deadline = deadline, .note = note};
	call_start(&party->call, take_part, party);
}

static void begin(struct party *party, bool writes)
{
	begin_until(party, writes, FL_FOREVER, NULL);
}

static void begin_and_have(struct party *party, bool writes)
{
	begin(party, writes);
	fl_event_wait(&party->has_it);
}

static void begin_and_wait(struct party *party, bool writes, unsigned n_waiting)
{
	begin(party, writes);
	waiting_await(&lock, n_waiting);
}

static bool has_it(struct party *party)
{
	return fl_event_is_set(&party->has_it);
}

static void end(struct party *party)
{
	fl_event_set(&party->let_go);
	ck_assert_int_eq(call_end(&party->call), 0);
}

START_TEST(readers_are_many)
{
	struct party readers[5];
	int i;

	for (i = 0; i < 5; i++)
		begin_and_have(&readers[i], false);
	ck_assert_int_eq(fl_rwlock_readers(&lock), 5);
	ck_assert(!call_elsewhere(try_write, NULL));
	ck_assert(call_elsewhere(try_read, NULL));
	for (i = 0; i < 5; i++)
		end(&readers[i]);
	ck_assert_int_eq(fl_rwlock_readers(&lock), 0);
	ck_assert(call_elsewhere(try_write, NULL));
}
END_TEST

START_TEST(a_writer_is_alone)
{
	ck_assert_int_eq(fl_rwlock_acquire_write(&lock), 0);
	ck_assert_int_eq(fl_rwlock_readers(&lock), -1);
	ck_assert(!call_elsewhere(try_read, NULL));
	ck_assert(!call_elsewhere(try_write, NULL));
	fl_rwlock_release_write(&lock);
	ck_assert_int_eq(fl_rwlock_readers(&lock), 0);
	ck_assert(call_elsewhere(try_read, NULL));
	ck_assert(call_elsewhere(try_write, NULL));
}
END_TEST

START_TEST(a_reader_may_read_again)
{
	int i;

	for (i = 0; i < 10; i++)
		ck_assert_int_eq(fl_rwlock_acquire_read(&lock), 0);
	ck_assert_int_eq(fl_rwlock_readers(&lock), 1);
	for (i = 0; i < 10; i++) {
		ck_assert(!call_elsewhere(try_write, NULL));
		fl_rwlock_release_read(&lock);
	}
	ck_assert(call_elsewhere(try_write, NULL));
}
END_TEST

/* Otherwise it would wait for a writer that waits for it. */
START_TEST(a_reader_may_read_again_while_a_writer_waits)
{
	struct party writer;

	fl_rwlock_acquire_read(&lock);
	begin_and_wait(&writer, true, 1);
	ck_assert_int_eq(fl_rwlock_acquire_read(&lock), 0);
	ck_assert(fl_rwlock_acquire_read_try(&lock));
	ck_assert_int_eq(fl_rwlock_acquire_read_until(&lock, INT64_MIN, NULL), 0);
	fl_rwlock_release_read(&lock);
	fl_rwlock_release_read(&lock);
	fl_rwlock_release_read(&lock);
	ck_assert(!has_it(&writer));
	fl_rwlock_release_read(&lock);
	end(&writer);
}
END_TEST

START_TEST(upgrading_is_refused_and_not_reported)
{
	fl_rwlock_acquire_read(&lock);
	ck_assert_int_eq(fl_rwlock_acquire_write(&lock), -EDEADLK);
	ck_assert_int_eq(fl_rwlock_acquire_write_until(&lock, FL_FOREVER, NULL), -EDEADLK);
	ck_assert_int_eq(fl_rwlock_acquire_write_until(&lock, INT64_MIN, NULL), -EDEADLK);
	ck_assert(!fl_rwlock_acquire_write_try(&lock));
	ck_assert_int_eq(fl_rwlock_readers(&lock), 1);
	fl_rwlock_release_read(&lock);
	ck_assert_int_eq(fl_rwlock_acquire_write(&lock), 0);
	ck_assert_int_eq(fl_rwlock_acquire_write(&lock), -EDEADLK);
	ck_assert_int_eq(fl_rwlock_acquire_read(&lock), -EDEADLK);
	ck_assert_int_eq(fl_rwlock_acquire_read_until(&lock, FL_FOREVER, NULL), -EDEADLK);
	ck_assert(!fl_rwlock_acquire_read_try(&lock));
	ck_assert(!fl_rwlock_acquire_write_try(&lock));
	ck_assert_int_eq(fl_rwlock_readers(&lock), -1);
	fl_rwlock_release_write(&lock);
	ck_assert_int_eq(fl_rwlock_readers(&lock), 0);
}
END_TEST

START_TEST(a_waiting_writer_is_not_overtaken_by_readers)
{
	struct party reader, writer, late;

	begin_and_have(&reader, false);
	begin_and_wait(&writer, true, 1);
	ck_assert(!call_elsewhere(try_read, NULL));
	begin_and_wait(&late, false, 2);
	end(&reader);
	fl_event_wait(&writer.has_it);
	ck_assert(!has_it(&late));
	ck_assert_int_eq(fl_rwlock_readers(&lock), -1);
	end(&writer);
	fl_event_wait(&late.has_it);
	end(&late);
}
END_TEST

START_TEST(waiting_readers_are_not_overtaken_by_a_second_writer)
{
	struct party first, readers[3], second, last;
	int i;

	begin_and_have(&first, true);
	for (i = 0; i < 3; i++)
		begin_and_wait(&readers[i], false, (unsigned)i + 1);
	begin_and_wait(&second, true, 4);
	begin_and_wait(&last, false, 5);
	end(&first);
	for (i = 0; i < 3; i++)
		fl_event_wait(&readers[i].has_it);
	ck_assert_int_eq(fl_rwlock_readers(&lock), 3);
	ck_assert(!has_it(&second) && !has_it(&last));
	for (i = 0; i < 3; i++)
		end(&readers[i]);
	fl_event_wait(&second.has_it);
	ck_assert(!has_it(&last));
	end(&second);
	fl_event_wait(&last.has_it);
	end(&last);
}
END_TEST

/* The writer that gives up was all that kept the readers behind it. */
START_TEST(readers_go_in_when_the_writer_before_them_gives_up)
{
	struct party reader, writer, behind[2];
	fl_note note = FL_NOTE_INIT;

	begin_and_have(&reader, false);
	begin_until(&writer, true, FL_FOREVER, &note);
	waiting_await(&note, 1);
	begin_and_wait(&behind[0], false, 2);
	begin_and_wait(&behind[1], false, 3);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&writer.call), -ECANCELED);
	fl_event_wait(&behind[0].has_it);
	fl_event_wait(&behind[1].has_it);
	ck_assert_int_eq(fl_rwlock_readers(&lock), 3);
	end(&reader);
	end(&behind[0]);
	end(&behind[1]);
}
END_TEST

START_TEST(a_writer_that_gives_up_behind_another_lets_nobody_in)
{
	struct party reader, first, second, behind;
	fl_note note = FL_NOTE_INIT;

	begin_and_have(&reader, false);
	begin_and_wait(&first, true, 1);
	begin_until(&second, true, FL_FOREVER, &note);
	waiting_await(&note, 1);
	begin_and_wait(&behind, false, 3);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&second.call), -ECANCELED);
	ck_assert(!has_it(&first) && !has_it(&behind));
	ck_assert_uint_eq(waiting_for(&lock), 2);
	end(&reader);
	fl_event_wait(&first.has_it);
	end(&first);
	end(&behind);
}
END_TEST

START_TEST(all_who_gave_up_leave_a_lock_that_works)
{
	struct party writer, reader;

	fl_rwlock_acquire_read(&lock);
	begin_until(&writer, true, fl_after(FL_MS(1)), NULL);
	ck_assert_int_eq(call_end(&writer.call), -ETIMEDOUT);
	ck_assert(call_elsewhere(try_read, NULL));
	fl_rwlock_release_read(&lock);
	fl_rwlock_acquire_write(&lock);
	begin_until(&reader, false, fl_after(FL_MS(1)), NULL);
	ck_assert_int_eq(call_end(&reader.call), -ETIMEDOUT);
	fl_rwlock_release_write(&lock);
	ck_assert_uint_eq(lock.fl_state & ~0x03f00000u, 0); /* all but the epoch */
}
END_TEST

START_TEST(a_downgrade_lets_readers_in_and_no_writer_between)
{
	struct party reader, writer;

	ck_assert_int_eq(fl_rwlock_acquire_write(&lock), 0);
	begin_and_wait(&reader, false, 1);
	begin_and_wait(&writer, true, 2);
	ck_assert_int_eq(fl_rwlock_downgrade(&lock), 0);
	fl_event_wait(&reader.has_it);
	ck_assert_int_eq(fl_rwlock_readers(&lock), 2);
	ck_assert(!has_it(&writer));
	ck_assert_int_eq(fl_rwlock_acquire_write(&lock), -EDEADLK);
	fl_rwlock_release_read(&lock);
	end(&reader);
	fl_event_wait(&writer.has_it);
	end(&writer);
}
END_TEST

START_TEST(a_downgrade_with_nobody_waiting)
{
	ck_assert_int_eq(fl_rwlock_acquire_write(&lock), 0);
	ck_assert_int_eq(fl_rwlock_downgrade(&lock), 0);
	ck_assert_int_eq(fl_rwlock_readers(&lock), 1);
	ck_assert(call_elsewhere(try_read, NULL));
	ck_assert(!call_elsewhere(try_write, NULL));
	fl_rwlock_release_read(&lock);
	ck_assert(call_elsewhere(try_write, NULL));
}
END_TEST

START_TEST(a_downgrade_before_a_writer_lets_it_wait)
{
	struct party writer;

	fl_rwlock_acquire_write(&lock);
	begin_and_wait(&writer, true, 1);
	ck_assert_int_eq(fl_rwlock_downgrade(&lock), 0);
	ck_assert(!has_it(&writer));
	ck_assert_uint_eq(waiting_for(&lock), 1);
	fl_rwlock_release_read(&lock);
	end(&writer);
}
END_TEST

static int release_read_wrongly(void *unused)
{
	(void)unused;
	fl_rwlock_release_read(&lock);
	reports_expect("rwlock", &lock, "table", "does not hold it");
	return 0;
}

static int release_write_wrongly(void *unused)
{
	(void)unused;
	fl_rwlock_release_write(&lock);
	reports_expect("rwlock", &lock, "table", "does not hold it");
	ck_assert_int_eq(fl_rwlock_downgrade(&lock), -EPERM);
	reports_expect("rwlock", &lock, "table", "does not hold it");
	return 0;
}

static void release_read_at_fault(void *at)
{
	fl_rwlock_release_read(at);
}

static void release_write_at_fault(void *at)
{
	fl_rwlock_release_write(at);
}

START_TEST(releasing_what_one_does_not_hold_is_misuse)
{
	release_read_wrongly(NULL);
	release_write_wrongly(NULL);
	fl_rwlock_acquire_read(&lock);
	release_write_wrongly(NULL);
	call_elsewhere(release_read_wrongly, NULL);
	call_elsewhere(release_write_wrongly, NULL);
	ck_assert_int_eq(fl_rwlock_readers(&lock), 1);
	fl_rwlock_release_read(&lock);
	fl_rwlock_acquire_write(&lock);
	release_read_wrongly(NULL);
	call_elsewhere(release_read_wrongly, NULL);
	call_elsewhere(release_write_wrongly, NULL);
	ck_assert_int_eq(fl_rwlock_readers(&lock), -1);
	fl_rwlock_release_write(&lock);
	reports_expect_abort(release_read_at_fault, &lock, "rwlock", &lock, "table", "read side");
	reports_expect_abort(release_write_at_fault, &lock, "rwlock", &lock, "table", "write side");
}
END_TEST

START_TEST(destroying_a_held_one_is_misuse)
{
	fl_rwlock_acquire_read(&lock);
	fl_rwlock_destroy(&lock);
	reports_expect("rwlock", &lock, "table", "held");
	fl_rwlock_release_read(&lock);
	fl_rwlock_acquire_write(&lock);
	fl_rwlock_destroy(&lock);
	reports_expect("rwlock", &lock, "table", "held");
	fl_rwlock_release_write(&lock);
	fl_rwlock_destroy(&lock);
}
END_TEST

/* The list of what a thread reads grows, shrinks and is found in any order. */
START_TEST(a_thread_may_read_many)
{
	enum { N = 300 };
	static fl_rwlock locks[N];
	int i, j;

	for (i = 0; i < N; i++)
		for (j = 0; j <= i % 3; j++)
			ck_assert_int_eq(fl_rwlock_acquire_read(&locks[i]), 0);
	for (i = 0; i < N; i++) {
		j = i * 7 % N; /* all of them, in another order */
		ck_assert_int_eq(fl_rwlock_acquire_write(&locks[j]), -EDEADLK);
		fl_rwlock_release_read(&locks[j]);
		ck_assert_int_eq(fl_rwlock_readers(&locks[j]), j % 3 > 0);
	}
	for (i = N - 1; i >= 0; i--)
		for (j = 0; j < i % 3; j++)
			fl_rwlock_release_read(&locks[i]);
	for (i = 0; i < N; i++) {
		ck_assert(fl_rwlock_acquire_write_try(&locks[i]));
		fl_rwlock_release_write(&locks[i]);
	}
}
END_TEST

static long first, second;
static int n_readers, n_writers;

static void look(void)
{
	ck_assert_int_eq(__atomic_load_n(&n_writers, __ATOMIC_RELAXED), 0);
	ck_assert_int_eq(first, second);
}

static void change(void)
{
	ck_assert_int_eq(__atomic_add_fetch(&n_writers, 1, __ATOMIC_RELAXED), 1);
	ck_assert_int_eq(__atomic_load_n(&n_readers, __ATOMIC_RELAXED), 0);
	first++;
	second++;
	__atomic_sub_fetch(&n_writers, 1, __ATOMIC_RELAXED);
}

static void read_for_a_while(unsigned i)
{
	__atomic_add_fetch(&n_readers, 1, __ATOMIC_RELAXED);
	look();
	if (i % 4 == 0) {
		ck_assert_int_eq(fl_rwlock_acquire_read(&lock), 0);
		look();
		fl_rwlock_release_read(&lock);
	}
	__atomic_sub_fetch(&n_readers, 1, __ATOMIC_RELAXED);
	fl_rwlock_release_read(&lock);
}

static void write_for_a_while(unsigned i)
{
	change();
	if (i % 3) {
		fl_rwlock_release_write(&lock);
		return;
	}
	ck_assert_int_eq(fl_rwlock_downgrade(&lock), 0);
	read_for_a_while(i);
}

static void read_and_write(unsigned index, void *ret_written)
{
	long written = 0;
	unsigned i;

	for (i = 0; i < 6000; i++) {
		fl_time deadline = i % 2 ? FL_FOREVER : fl_after((fl_time)(i * 7919u % 20000u));
		bool writes = (i * 2654435761u >> 16) % 4 == index % 4;

		if (!writes && fl_rwlock_acquire_read_until(&lock, deadline, NULL) == 0)
			read_for_a_while(i);
		if (writes && fl_rwlock_acquire_write_until(&lock, deadline, NULL) == 0) {
			written++;
			write_for_a_while(i);
		}
	}
	__atomic_add_fetch((long *)ret_written, written, __ATOMIC_RELAXED);
}

START_TEST(readers_and_writers_exclude_each_other)
{
	long written = 0;

	testing_together(4, read_and_write, &written);
	ck_assert_int_eq(first, written);
	ck_assert_int_eq(second, written);
	ck_assert_uint_eq(lock.fl_state & ~0x03f00000u, 0); /* all but the epoch */
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
	Suite *suite = suite_create("rwlock");
	TCase *sides = new_case(suite, "sides"), *order = new_case(suite, "order"), *misuse = new_case(suite, "misuse"),
	      *contention = new_case(suite, "contention");

	tcase_add_test(sides, readers_are_many);
	tcase_add_test(sides, a_writer_is_alone);
	tcase_add_test(sides, a_reader_may_read_again);
	tcase_add_test(sides, a_reader_may_read_again_while_a_writer_waits);
	tcase_add_test(sides, upgrading_is_refused_and_not_reported);
	tcase_add_test(sides, a_thread_may_read_many);
	tcase_add_test(order, a_waiting_writer_is_not_overtaken_by_readers);
	tcase_add_test(order, waiting_readers_are_not_overtaken_by_a_second_writer);
	tcase_add_test(order, readers_go_in_when_the_writer_before_them_gives_up);
	tcase_add_test(order, a_writer_that_gives_up_behind_another_lets_nobody_in);
	tcase_add_test(order, all_who_gave_up_leave_a_lock_that_works);
	tcase_add_test(order, a_downgrade_lets_readers_in_and_no_writer_between);
	tcase_add_test(order, a_downgrade_with_nobody_waiting);
	tcase_add_test(order, a_downgrade_before_a_writer_lets_it_wait);
	tcase_add_test(misuse, releasing_what_one_does_not_hold_is_misuse);
	tcase_add_test(misuse, destroying_a_held_one_is_misuse);
	tcase_add_test(contention, readers_and_writers_exclude_each_other);
	return testing_run(suite);
}
