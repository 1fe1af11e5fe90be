/*
 * test_event.c - Event: who waits at the time of a set returns, also when a clear follows at once, and nobody else
 * does.
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
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

static fl_event event;

static void set_up(void)
{
	fl_event_init(&event, "bell");
	reports_catch();
}

static void tear_down(void)
{
	ck_assert_uint_eq(waiting_for(&event), 0);
	reports_expect_none();
}

static int wait(void *unused)
{
	(void)unused;
	return fl_event_wait(&event);
}

struct asked {
	fl_time deadline;
	fl_note *note;
};

static int wait_until(void *arg)
{
	const struct asked *asked = arg;

	return fl_event_wait_until(&event, asked->deadline, asked->note);
}

START_TEST(it_is_set_and_cleared)
{
	int i;

	for (i = 0; i < 3; i++) {
		ck_assert(!fl_event_is_set(&event));
		ck_assert_int_eq(fl_event_wait_until(&event, fl_after(FL_US(10)), NULL), -ETIMEDOUT);
		fl_event_set(&event);
		fl_event_set(&event);
		ck_assert(fl_event_is_set(&event));
		ck_assert_int_eq(fl_event_wait(&event), 0);
		ck_assert_int_eq(fl_event_wait_until(&event, INT64_MIN, NULL), 0);
		ck_assert(fl_event_is_set(&event));
		fl_event_clear(&event);
		fl_event_clear(&event);
	}
}
END_TEST

START_TEST(a_set_wakes_all)
{
	struct call calls[6];
	unsigned i;

	for (i = 0; i < 6; i++) {
		call_start(&calls[i], wait, NULL);
		waiting_await(&event, i + 1);
	}
	fl_event_set(&event);
	for (i = 0; i < 6; i++)
		ck_assert_int_eq(call_end(&calls[i]), 0);
	ck_assert(fl_event_is_set(&event));
}
END_TEST

/* Python's promise. The waiters sleep all the while that the flag is set. */
START_TEST(a_clear_right_after_the_set_takes_nothing_back)
{
	struct call calls[4];
	unsigned i;

	for (i = 0; i < 4; i++) {
		call_start(&calls[i], wait, NULL);
		waiting_await(&event, i + 1);
		call_freeze(&calls[i]);
	}
	fl_event_set(&event);
	fl_event_clear(&event);
	ck_assert(!fl_event_is_set(&event));
	for (i = 0; i < 4; i++)
		call_thaw(&calls[i]);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(call_end(&calls[i]), 0);
}
END_TEST

/* As a signal handler does that interrupted its thread there. So many that they must not be done one on top of the
 * other. */
START_TEST(sets_and_clears_inside_a_section_are_done_in_order_at_its_end)
{
	struct call call;
	struct fl_bucket *bucket;
	int i;

	call_start(&call, wait, NULL);
	waiting_await(&event, 1);
	bucket = fl_park_lock_(&call);
	for (i = 0; i < 100000; i++)
		fl_event_set(&event);
	fl_event_clear(&event);
	ck_assert(!fl_event_is_set(&event));
	fl_park_unlock_(bucket);
	ck_assert(!fl_event_is_set(&event));
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

START_TEST(who_comes_after_the_clear_waits_for_the_next_set)
{
	struct call early, late;

	call_start(&early, wait, NULL);
	waiting_await(&event, 1);
	call_freeze(&early);
	fl_event_set(&event);
	fl_event_clear(&event);
	call_start(&late, wait, NULL);
	waiting_await(&event, 1);
	call_thaw(&early);
	ck_assert_int_eq(call_end(&early), 0);
	testing_await_asleep(late.id);
	ck_assert_uint_eq(waiting_for(&event), 1);
	fl_event_set(&event);
	ck_assert_int_eq(call_end(&late), 0);
}
END_TEST

START_TEST(a_clear_wakes_nobody)
{
	struct call call;

	call_start(&call, wait, NULL);
	waiting_await(&event, 1);
	testing_await_asleep(call.id);
	fl_event_clear(&event);
	ck_assert(testing_is_asleep(call.id));
	ck_assert_uint_eq(waiting_for(&event), 1);
	fl_event_set(&event);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

START_TEST(a_deadline_after_the_set_does_not_count)
{
	struct asked asked = {.deadline = fl_after(FL_MS(20))};
	struct call call;
	bool in_time;

	call_start(&call, wait_until, &asked);
	waiting_await_or(&event, 1, &call);
	call_freeze(&call);
	in_time = waiting_for(&event) == 1;
	fl_event_set(&event);
	fl_event_clear(&event);
	waiting_until(asked.deadline);
	call_thaw(&call);
	ck_assert_int_eq(call_end(&call), in_time ? 0 : -ETIMEDOUT);
}
END_TEST

START_TEST(a_cancel_after_the_set_does_not_count)
{
	fl_note note = FL_NOTE_INIT;
	struct asked asked = {FL_FOREVER, &note};
	struct call call;

	call_start(&call, wait_until, &asked);
	waiting_await(&note, 1);
	call_freeze(&call);
	fl_event_set(&event);
	fl_event_clear(&event);
	fl_note_cancel(&note);
	call_thaw(&call);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

START_TEST(a_set_after_the_cancel_does_not_count)
{
	fl_note note = FL_NOTE_INIT;
	struct asked asked = {FL_FOREVER, &note};
	struct call call;

	call_start(&call, wait_until, &asked);
	waiting_await(&note, 1);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	fl_event_set(&event);
	ck_assert(fl_event_is_set(&event));
}
END_TEST

START_TEST(all_who_gave_up_leave_it_usable)
{
	struct asked asked = {.deadline = fl_after(FL_MS(1))};
	struct call call;

	ck_assert_int_eq(call_elsewhere(wait_until, &asked), -ETIMEDOUT);
	ck_assert(!fl_event_is_set(&event));
	call_start(&call, wait, NULL);
	waiting_await(&event, 1);
	fl_event_set(&event);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

START_TEST(destroying_one_that_is_waited_for_is_misuse)
{
	struct call call;

	call_start(&call, wait, NULL);
	waiting_await(&event, 1);
	fl_event_destroy(&event);
	reports_expect("event", &event, "bell", "waited for");
	fl_event_set(&event);
	ck_assert_int_eq(call_end(&call), 0);
	fl_event_destroy(&event);
}
END_TEST

/* Without a lock and without a clear that anybody waits for: each waits for its own and sets the other's. What was
 * written before the set is read after the wait. */
static fl_event turns[2];
static long written;

static void play(unsigned index, void *arg)
{
	long i;

	(void)arg;
	for (i = 0; i < 10000; i++) {
		fl_event_wait(&turns[index]);
		fl_event_clear(&turns[index]);
		ck_assert_int_eq(written, 2 * i + (long)index);
		written++;
		fl_event_set(&turns[1 - index]);
	}
}

START_TEST(no_set_is_lost)
{
	fl_event_set(&turns[0]);
	testing_together(2, play, NULL);
	ck_assert_int_eq(written, 20000);
}
END_TEST

/* The flag is only ever set for a moment. A waiter that is known to wait is woken by the next pulse, whatever
 * deadlines others have. */
static int waits_left;

static void wait_or_pulse(unsigned index, void *arg)
{
	unsigned i;
	int error;

	(void)arg;
	while (index == 0 && __atomic_load_n(&waits_left, __ATOMIC_ACQUIRE) > 0) {
		fl_event_set(&event);
		fl_event_clear(&event);
		sched_yield();
	}
	for (i = 0; index > 0 && i < 1000; i++) {
		error = fl_event_wait_until(&event, i % 3 ? FL_FOREVER : fl_after((fl_time)(i * 7919u % 20000u)), NULL);
		ck_assert(error == 0 || (i % 3 == 0 && error == -ETIMEDOUT));
		__atomic_sub_fetch(&waits_left, 1, __ATOMIC_RELEASE);
	}
}

START_TEST(pulses_wake_whoever_waits)
{
	waits_left = 3 * 1000;
	testing_together(4, wait_or_pulse, NULL);
	ck_assert(!fl_event_is_set(&event));
}
END_TEST

/* The one who waits for the end of something owns the memory, and it is gone as soon as the wait is over. */
static fl_event *current;
static sem_t ready;

/* Writing to it would race with a last access by the other thread, which ThreadSanitizer sees; and undo it, which
 * is seen here. */
static void forget(fl_event *mine)
{
	static const fl_event gone = {.fl_spin = 0x5a5a};
	fl_time soon = fl_after(FL_NS(500));

	memcpy(mine, &gone, sizeof(gone));
	while (fl_now() < soon)
		;
	ck_assert_mem_eq(mine, &gone, sizeof(gone));
	free(mine);
}

static void finish_and_forget(unsigned index, void *unused)
{
	fl_event *mine;
	int i;

	(void)unused;
	for (i = 0; i < 2000; i++) {
		if (index == 0) {
			mine = current = calloc(1, sizeof(*mine));
			sem_post(&ready);
			ck_assert_int_eq(fl_event_wait(mine), 0);
			forget(mine);
		} else {
			sem_wait(&ready);
			mine = current;
			fl_event_set(mine);
		}
	}
}

START_TEST(who_has_waited_may_free_the_memory)
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
	Suite *suite = suite_create("event");
	TCase *flag = new_case(suite, "flag"), *waiting = new_case(suite, "waiting"),
	      *contention = new_case(suite, "contention");

	tcase_add_test(flag, it_is_set_and_cleared);
	tcase_add_test(waiting, a_set_wakes_all);
	tcase_add_test(waiting, a_clear_right_after_the_set_takes_nothing_back);
	tcase_add_test(waiting, sets_and_clears_inside_a_section_are_done_in_order_at_its_end);
	tcase_add_test(waiting, who_comes_after_the_clear_waits_for_the_next_set);
	tcase_add_test(waiting, a_clear_wakes_nobody);
	tcase_add_test(waiting, a_deadline_after_the_set_does_not_count);
	tcase_add_test(waiting, a_cancel_after_the_set_does_not_count);
	tcase_add_test(waiting, a_set_after_the_cancel_does_not_count);
	tcase_add_test(waiting, all_who_gave_up_leave_it_usable);
	tcase_add_test(waiting, destroying_one_that_is_waited_for_is_misuse);
	tcase_add_test(contention, no_set_is_lost);
	tcase_add_test(contention, pulses_wake_whoever_waits);
	tcase_add_test(contention, who_has_waited_may_free_the_memory);
	return testing_run(suite);
}
