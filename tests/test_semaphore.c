/*
 * test_semaphore.c - Semaphore and BoundedSemaphore: permits are neither lost nor made up, and go to who came first.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

static fl_semaphore semaphore;

static void set_up(void)
{
	ck_assert_int_eq(fl_semaphore_init(&semaphore, 0, "seats"), 0);
	reports_catch();
}

static void tear_down(void)
{
	ck_assert_uint_eq(waiting_for(&semaphore), 0);
	reports_expect_none();
}

static int acquire(void *unused)
{
	(void)unused;
	return fl_semaphore_acquire(&semaphore);
}

struct asked {
	fl_time deadline;
	fl_note *note;
};

static int acquire_until(void *arg)
{
	const struct asked *asked = arg;

	return fl_semaphore_acquire_until(&semaphore, asked->deadline, asked->note);
}

/* Starts a waiter; returns when it is the n-th in the queue. */
static void begin(struct call *call, unsigned n)
{
	call_start(call, acquire, NULL);
	waiting_await(&semaphore, n);
}

START_TEST(permits_are_counted)
{
	ck_assert_int_eq(fl_semaphore_init(&semaphore, 3, NULL), 0);
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), 3);
	ck_assert_int_eq(fl_semaphore_acquire(&semaphore), 0);
	ck_assert(fl_semaphore_acquire_try(&semaphore));
	ck_assert_int_eq(fl_semaphore_acquire_until(&semaphore, INT64_MIN, NULL), 0);
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), 0);
	ck_assert(!fl_semaphore_acquire_try(&semaphore));
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 41), 0);
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), 42);
}
END_TEST

START_TEST(it_may_begin_with_none)
{
	fl_semaphore by_macro = FL_SEMAPHORE_INIT(0);

	ck_assert(!fl_semaphore_acquire_try(&by_macro));
	ck_assert_int_eq(fl_semaphore_acquire_until(&by_macro, fl_after(FL_US(100)), NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_semaphore_release(&by_macro, 1), 0);
	ck_assert(fl_semaphore_acquire_try(&by_macro));
}
END_TEST

START_TEST(it_holds_a_great_number_and_no_more)
{
	ck_assert_int_eq(fl_semaphore_init(&semaphore, FL_SEMAPHORE_MAX + 1, NULL), -EINVAL);
	ck_assert_int_eq(fl_semaphore_init(&semaphore, UINT32_MAX, NULL), -EINVAL);
	ck_assert_int_eq(fl_semaphore_init_bounded(&semaphore, FL_SEMAPHORE_MAX + 1, NULL), -EINVAL);
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), 0);
	ck_assert_int_eq(fl_semaphore_init(&semaphore, FL_SEMAPHORE_MAX, NULL), 0);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), -EOVERFLOW);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, UINT32_MAX), -EOVERFLOW);
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), FL_SEMAPHORE_MAX);
	ck_assert_int_eq(fl_semaphore_acquire(&semaphore), 0);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 2), -EOVERFLOW);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
	ck_assert_int_eq(fl_semaphore_init_bounded(&semaphore, FL_SEMAPHORE_MAX, NULL), 0);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), -EOVERFLOW);
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), FL_SEMAPHORE_MAX);
}
END_TEST

START_TEST(releasing_none_is_refused)
{
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 0), -EINVAL);
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), 0);
}
END_TEST

START_TEST(a_bounded_one_takes_no_more_than_it_began_with)
{
	fl_semaphore by_macro = FL_BOUNDED_SEMAPHORE_INIT(3);

	ck_assert_int_eq(fl_semaphore_release(&by_macro, 1), -EOVERFLOW);
	ck_assert_uint_eq(fl_semaphore_value(&by_macro), 3);
	fl_semaphore_acquire(&by_macro);
	fl_semaphore_acquire(&by_macro);
	ck_assert_int_eq(fl_semaphore_release(&by_macro, 3), -EOVERFLOW);
	ck_assert_uint_eq(fl_semaphore_value(&by_macro), 1);
	ck_assert_int_eq(fl_semaphore_release(&by_macro, 2), 0);
	ck_assert_int_eq(fl_semaphore_release(&by_macro, 1), -EOVERFLOW);
	ck_assert_int_eq(fl_semaphore_init_bounded(&semaphore, 0, NULL), 0);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), -EOVERFLOW);
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), 0);
}
END_TEST

START_TEST(a_bounded_one_is_bounded_while_threads_wait)
{
	struct call calls[3];
	unsigned i;

	ck_assert_int_eq(fl_semaphore_init_bounded(&semaphore, 2, "seats"), 0);
	ck_assert(fl_semaphore_acquire_try(&semaphore) && fl_semaphore_acquire_try(&semaphore));
	for (i = 0; i < 3; i++)
		begin(&calls[i], i + 1);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 3), -EOVERFLOW);
	ck_assert_uint_eq(waiting_for(&semaphore), 3);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 2), 0);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert_int_eq(call_end(&calls[1]), 0);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 2), 0);
	ck_assert_int_eq(call_end(&calls[2]), 0);
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), 1);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 2), -EOVERFLOW);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
}
END_TEST

START_TEST(who_comes_first_is_served_first)
{
	struct call calls[5];
	unsigned i;

	for (i = 0; i < 5; i++)
		begin(&calls[i], i + 1);
	for (i = 0; i < 5; i++) {
		ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
		ck_assert_int_eq(call_end(&calls[i]), 0);
		ck_assert_uint_eq(waiting_for(&semaphore), 4 - i);
	}
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), 0);
}
END_TEST

START_TEST(many_permits_wake_many_and_the_rest_stays)
{
	struct call calls[3];
	unsigned i;

	for (i = 0; i < 3; i++)
		begin(&calls[i], i + 1);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 2), 0);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert_int_eq(call_end(&calls[1]), 0);
	ck_assert_uint_eq(waiting_for(&semaphore), 1);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 5), 0);
	ck_assert_int_eq(call_end(&calls[2]), 0);
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), 4);
}
END_TEST

/* A permit that has been given to a thread is that thread's, also before it runs. */
START_TEST(nobody_overtakes)
{
	struct call first, second;

	begin(&first, 1);
	begin(&second, 2);
	call_freeze(&first);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), 0);
	ck_assert(!fl_semaphore_acquire_try(&semaphore));
	ck_assert_int_eq(fl_semaphore_acquire_until(&semaphore, 0, NULL), -ETIMEDOUT);
	ck_assert_uint_eq(waiting_for(&semaphore), 1);
	call_thaw(&first);
	ck_assert_int_eq(call_end(&first), 0);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
	ck_assert_int_eq(call_end(&second), 0);
}
END_TEST

START_TEST(a_deadline_after_the_permit_does_not_count)
{
	struct asked asked = {.deadline = fl_after(FL_MS(20))};
	struct call call;

	call_start(&call, acquire_until, &asked);
	waiting_await_or(&semaphore, 1, &call);
	call_freeze(&call);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
	waiting_until(asked.deadline);
	call_thaw(&call);
	ck_assert_int_eq(call_end(&call), fl_semaphore_value(&semaphore) == 0 ? 0 : -ETIMEDOUT);
}
END_TEST

START_TEST(a_cancel_after_the_permit_does_not_count)
{
	fl_note note = FL_NOTE_INIT;
	struct asked asked = {FL_FOREVER, &note};
	struct call call;

	call_start(&call, acquire_until, &asked);
	waiting_await(&note, 1);
	call_freeze(&call);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
	fl_note_cancel(&note);
	call_thaw(&call);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), 0);
}
END_TEST

START_TEST(a_permit_after_the_cancel_goes_to_the_next)
{
	fl_note note = FL_NOTE_INIT;
	struct asked asked = {FL_FOREVER, &note};
	struct call cancelled, next;

	call_start(&cancelled, acquire_until, &asked);
	waiting_await(&note, 1);
	begin(&next, 2);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&cancelled), -ECANCELED);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
	ck_assert_int_eq(call_end(&next), 0);
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), 0);
}
END_TEST

START_TEST(all_who_gave_up_leave_it_usable)
{
	struct asked asked = {.deadline = fl_after(FL_MS(1))};

	ck_assert_int_eq(call_elsewhere(acquire_until, &asked), -ETIMEDOUT);
	ck_assert(!fl_semaphore_acquire_try(&semaphore));
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
	ck_assert(fl_semaphore_acquire_try(&semaphore));
}
END_TEST

START_TEST(destroying_one_that_is_waited_for_is_misuse)
{
	struct call call;

	begin(&call, 1);
	fl_semaphore_destroy(&semaphore);
	reports_expect("semaphore", &semaphore, "seats", "waited for");
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
	ck_assert_int_eq(call_end(&call), 0);
	fl_semaphore_destroy(&semaphore);
}
END_TEST

/* A thread of the parent was spinning for a permit when this child was made; it will not come. */
static void take_what_nobody_waits_for(void *unused)
{
	(void)unused;
	if (fl_semaphore_acquire_try(&semaphore))
		_Exit(1);
	if (fl_semaphore_release(&semaphore, 1) != 0)
		_Exit(2);
	if (!fl_semaphore_acquire_try(&semaphore))
		_Exit(3);
	if (fl_semaphore_release(&semaphore, 1) != 0 || fl_semaphore_acquire_until(&semaphore, 0, NULL) != 0)
		_Exit(4);
	fl_semaphore_destroy(&semaphore);
}

START_TEST(a_child_keeps_no_permit_for_a_thread_it_does_not_have)
{
	uint32_t marks[] = {0x40000000u, 0x80000000u, 0xc0000000u}; /* SPINNING, WAITERS, both */
	char said[1024];
	int status;

	semaphore.fl_value = marks[_i];
	status = reports_of_child(take_what_nobody_waits_for, NULL, said, sizeof(said), NULL);
	semaphore.fl_value = 0;
	ck_assert_msg(status == 0, "status %#x: %s", (unsigned)status, said);
}
END_TEST

/* Permits go round between threads that come and go in all ways; what was there is there afterwards. */
enum { PERMITS = 3, ROUNDS = 8000 };
static int inside;

static bool acquire_somehow(unsigned i)
{
	fl_time soon = fl_after((fl_time)(i * 7919u % 20000u));
	fl_note note;

	switch (i % 4) {
	case 0:
		return fl_semaphore_acquire(&semaphore) == 0;
	case 1:
		return fl_semaphore_acquire_until(&semaphore, soon, NULL) == 0;
	case 2:
		fl_note_init(&note, NULL, soon);
		return fl_semaphore_acquire_until(&semaphore, FL_FOREVER, &note) == 0;
	default:
		return fl_semaphore_acquire_try(&semaphore);
	}
}

static void go_round(unsigned index, void *arg)
{
	unsigned i;

	(void)arg;
	for (i = index; i < ROUNDS; i++) {
		if (!acquire_somehow(i))
			continue;
		ck_assert_int_le(__atomic_add_fetch(&inside, 1, __ATOMIC_RELAXED), PERMITS);
		if (i % 64 == 0)
			sched_yield();
		__atomic_sub_fetch(&inside, 1, __ATOMIC_RELAXED);
		ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
	}
}

START_TEST(permits_are_conserved)
{
	ck_assert_int_eq(fl_semaphore_init_bounded(&semaphore, PERMITS, NULL), 0);
	testing_together(6, go_round, NULL);
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), PERMITS);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), -EOVERFLOW);
}
END_TEST

/* One gives, more than one at a time, and others take with deadlines about then: what was not taken is left over. */
struct tally {
	long given, taken;
	int takers;
};

static void give_or_take(unsigned index, void *arg)
{
	struct tally *tally = arg;
	uint32_t n;
	long taken = 0;
	unsigned i;

	while (index == 0 && __atomic_load_n(&tally->takers, __ATOMIC_RELAXED) > 0)
		if (fl_semaphore_value(&semaphore) == 0) {
			n = 1 + tally->given % 3;
			ck_assert_int_eq(fl_semaphore_release(&semaphore, n), 0);
			tally->given += n;
		}
	if (index == 0)
		return;
	for (i = 0; i < ROUNDS; i++)
		taken += fl_semaphore_acquire_until(&semaphore, fl_after((fl_time)(i * 7919u % 5000u)), NULL) == 0;
	__atomic_add_fetch(&tally->taken, taken, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&tally->takers, 1, __ATOMIC_RELAXED);
}

START_TEST(deadlines_may_race_with_releases)
{
	struct tally tally = {.takers = 3};

	testing_together(4, give_or_take, &tally);
	ck_assert_int_eq(tally.given, tally.taken + (long)fl_semaphore_value(&semaphore));
}
END_TEST

/* Each release is of one permit and there is no deadline: were one lost, this would hang. */
static fl_semaphore ping, pong;

static void play(unsigned index, void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 20000; i++) {
		fl_semaphore_acquire(index ? &pong : &ping);
		fl_semaphore_release(index ? &ping : &pong, 1);
	}
}

START_TEST(no_permit_is_lost_on_the_way)
{
	fl_semaphore_init(&ping, 1, NULL);
	fl_semaphore_init(&pong, 0, NULL);
	testing_together(2, play, NULL);
	ck_assert_uint_eq(fl_semaphore_value(&ping), 1);
	ck_assert_uint_eq(fl_semaphore_value(&pong), 0);
}
END_TEST

/* The one who waits for the end of something owns the memory, and it is gone as soon as the wait is over. */
static fl_semaphore *current;
static sem_t ready;

/* Writing to it would race with a last access by the other thread, which ThreadSanitizer sees; and undo it, which
 * is seen here. */
static void forget(fl_semaphore *mine)
{
	static const fl_semaphore gone = {.fl_spin = 0x5a5a};
	fl_time soon = fl_after(FL_NS(500));

	memcpy(mine, &gone, sizeof(gone));
	while (fl_now() < soon)
		;
	ck_assert_mem_eq(mine, &gone, sizeof(gone));
	free(mine);
}

static void finish_and_forget(unsigned index, void *unused)
{
	fl_semaphore *mine;
	int i;

	(void)unused;
	for (i = 0; i < 2000; i++) {
		if (index == 0) {
			mine = current = calloc(1, sizeof(*mine));
			sem_post(&ready);
			ck_assert_int_eq(fl_semaphore_acquire(mine), 0);
			forget(mine);
		} else {
			sem_wait(&ready);
			mine = current;
			fl_semaphore_release(mine, 1);
		}
	}
}

START_TEST(who_was_given_a_permit_may_free_the_memory)
{
	ck_assert_int_eq(sem_init(&ready, 0, 0), 0);
	testing_together(2, finish_and_forget, NULL);
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
	Suite *suite = suite_create("semaphore");
	TCase *counting = new_case(suite, "counting"), *waiting = new_case(suite, "waiting"),
	      *contention = new_case(suite, "contention");

	tcase_add_test(counting, permits_are_counted);
	tcase_add_test(counting, it_may_begin_with_none);
	tcase_add_test(counting, it_holds_a_great_number_and_no_more);
	tcase_add_test(counting, releasing_none_is_refused);
	tcase_add_test(counting, a_bounded_one_takes_no_more_than_it_began_with);
	tcase_add_test(waiting, a_bounded_one_is_bounded_while_threads_wait);
	tcase_add_test(waiting, who_comes_first_is_served_first);
	tcase_add_test(waiting, many_permits_wake_many_and_the_rest_stays);
	tcase_add_test(waiting, nobody_overtakes);
	tcase_add_test(waiting, a_deadline_after_the_permit_does_not_count);
	tcase_add_test(waiting, a_cancel_after_the_permit_does_not_count);
	tcase_add_test(waiting, a_permit_after_the_cancel_goes_to_the_next);
	tcase_add_test(waiting, all_who_gave_up_leave_it_usable);
	tcase_add_test(waiting, destroying_one_that_is_waited_for_is_misuse);
	tcase_add_loop_test(waiting, a_child_keeps_no_permit_for_a_thread_it_does_not_have, 0, 3);
	tcase_add_test(contention, permits_are_conserved);
	tcase_add_test(contention, deadlines_may_race_with_releases);
	tcase_add_test(contention, no_permit_is_lost_on_the_way);
	tcase_add_test(contention, who_was_given_a_permit_may_free_the_memory);
	return testing_run(suite);
}
