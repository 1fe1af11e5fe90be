/*
 * test_wait_any.c - waiting for the first of several things.
 */
#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include "queue/queue.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdlib.h>

static fl_event event;
static fl_queue *queues[2];
static fl_waitable all[3];

static void set_up(void)
{
	int i;

	reports_catch();
	fl_event_init(&event, NULL);
	all[0] = fl_event_waitable(&event);
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(fl_queue_create(&queues[i], &(fl_queue_options){.item_size = sizeof(int)}), 0);
		all[i + 1] = fl_queue_waitable(queues[i]);
	}
}

static void tear_down(void)
{
	ck_assert_uint_eq(waiting_for(&event), 0);
	fl_event_destroy(&event);
	fl_queue_destroy(queues[0]);
	fl_queue_destroy(queues[1]);
	reports_expect_none();
}

static const void *getters(int i)
{
	return &queues[i]->put.position;
}

static int put(int i)
{
	const int item = 1;

	return fl_queue_put(queues[i], &item);
}

static int take(int i)
{
	int item;

	return fl_queue_get_try(queues[i], &item);
}

static int wait_for_all(void *note)
{
	return fl_wait_any(3, all, FL_FOREVER, note);
}

static int get(void *queue)
{
	int item;

	return fl_queue_get(queue, &item);
}

/* Returns when a thread waits for all three: in the last one's queue it stands last. */
static void await_waiter(void)
{
	waiting_await(getters(1), 1);
}

START_TEST(what_is_ready_is_found_at_once)
{
	fl_note cancelled = FL_NOTE_INIT;

	fl_note_cancel(&cancelled);
	put(1);
	ck_assert_int_eq(fl_wait_any(3, all, INT64_MIN, &cancelled), 2);
	put(0);
	ck_assert_int_eq(fl_wait_any(3, all, INT64_MIN, &cancelled), 1);
	fl_event_set(&event);
	ck_assert_int_eq(fl_wait_any(3, all, INT64_MIN, &cancelled), 0);
	fl_event_clear(&event);
	take(0);
	take(1);
	ck_assert_int_eq(fl_wait_any(3, all, INT64_MIN, &cancelled), -ECANCELED);
	ck_assert_int_eq(fl_wait_any(3, all, INT64_MIN, NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_wait_any(0, all, FL_FOREVER, NULL), -EINVAL);
	ck_assert_int_eq(fl_wait_any(65537, all, FL_FOREVER, NULL), -EINVAL);
}
END_TEST

START_TEST(whichever_comes_first_ends_the_wait)
{
	struct call call;
	int round;

	for (round = 0; round < 6; round++) {
		call_start(&call, wait_for_all, NULL);
		await_waiter();
		ck_assert_uint_eq(waiting_for(&event), 1);
		if (round % 3 == 0)
			fl_event_set(&event);
		else
			put(round % 3 - 1);
		ck_assert_int_eq(call_end(&call), round % 3);
		fl_event_clear(&event);
		take(0);
		take(1);
	}
}
END_TEST

START_TEST(an_event_that_is_cleared_at_once_counts)
{
	struct call call;

	call_start(&call, wait_for_all, NULL);
	await_waiter();
	fl_event_set(&event);
	fl_event_clear(&event);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

START_TEST(a_shutdown_ends_the_wait)
{
	struct call call;

	call_start(&call, wait_for_all, NULL);
	await_waiter();
	fl_queue_shutdown(queues[0]);
	ck_assert_int_eq(call_end(&call), 1);
}
END_TEST

START_TEST(an_item_that_is_gone_does_not)
{
	struct call call;

	call_start(&call, wait_for_all, NULL);
	await_waiter();
	call_freeze(&call);
	put(1);
	ck_assert_int_eq(take(1), 0);
	call_thaw(&call);
	await_waiter(); /* it came, saw nothing, and waits again */
	put(0);
	ck_assert_int_eq(call_end(&call), 1);
}
END_TEST

START_TEST(deadlines_and_notes_end_it)
{
	fl_note stop = FL_NOTE_INIT;
	struct call call;
	fl_time deadline = fl_after(FL_MS(3));

	ck_assert_int_eq(fl_wait_any(3, all, deadline, NULL), -ETIMEDOUT);
	ck_assert_int_ge(fl_now(), deadline);
	call_start(&call, wait_for_all, &stop);
	await_waiter();
	fl_note_cancel(&stop);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	fl_note_init(&stop, NULL, fl_after(FL_MS(3)));
	ck_assert_int_eq(wait_for_all(&stop), -ECANCELED);
}
END_TEST

START_TEST(a_future_that_is_done_ends_the_wait)
{
	fl_future *future;
	struct call call;

	ck_assert_int_eq(fl_future_create(&future), 0);
	all[0] = fl_future_waitable(future);
	ck_assert_int_eq(fl_wait_any(3, all, INT64_MIN, NULL), -ETIMEDOUT);
	call_start(&call, wait_for_all, NULL);
	await_waiter();
	ck_assert_int_eq(fl_future_set_result(future, NULL, 0), 0);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_int_eq(fl_wait_any(3, all, INT64_MIN, NULL), 0);
	fl_future_unref(future);
}
END_TEST

/* Who only watches does not use up the wake-up of one who gets. */
START_TEST(who_gets_is_woken_all_the_same)
{
	struct call watcher, getter;

	call_start(&watcher, wait_for_all, NULL);
	await_waiter();
	call_start(&getter, get, queues[1]);
	waiting_await(getters(1), 2);
	put(1);
	ck_assert_int_eq(call_end(&getter), 0);
	fl_event_set(&event);
	ck_assert_int_ge(call_end(&watcher), 0);
}
END_TEST

START_TEST(many_things_can_be_waited_for)
{
	enum { MANY = 100 };
	static fl_event events[MANY];
	static fl_waitable waitables[MANY];
	int i;

	for (i = 0; i < MANY; i++)
		waitables[i] = fl_event_waitable(&events[i]);
	fl_event_set(&events[77]);
	ck_assert_int_eq(fl_wait_any(MANY, waitables, FL_FOREVER, NULL), 77);
	fl_event_clear(&events[77]);
	ck_assert_int_eq(fl_wait_any(MANY, waitables, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
}
END_TEST

/* One thread puts in turns, others wait for whichever it is, and take it. */

#define ITEMS 20000
static uint32_t taken;

static int count(int error)
{
	if (error == 0)
		__atomic_add_fetch(&taken, 1, __ATOMIC_RELAXED);
	return error;
}

static void race(unsigned index, void *unused)
{
	int i, ready;

	(void)unused;
	if (index == 0) {
		for (i = 0; i < ITEMS; i++)
			ck_assert_int_eq(put(i % 2), 0);
		fl_queue_shutdown(queues[0]);
		fl_queue_shutdown(queues[1]);
		return;
	}
	for (;;) {
		ready = fl_wait_any(2, all + 1, index == 1 ? FL_FOREVER : fl_after(FL_US(30)), NULL);
		if (ready == -ETIMEDOUT)
			continue;
		ck_assert_int_ge(ready, 0);
		if (count(take(ready)) == -EPIPE && count(take(0)) == -EPIPE && count(take(1)) == -EPIPE)
			return;
	}
}

START_TEST(nothing_is_missed)
{
	testing_together(4, race, NULL);
	ck_assert_uint_eq(taken, ITEMS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wait_any");
	TCase *tcase = testing_case_between(suite, "any", set_up, tear_down);

	tcase_add_test(tcase, what_is_ready_is_found_at_once);
	tcase_add_test(tcase, whichever_comes_first_ends_the_wait);
	tcase_add_test(tcase, an_event_that_is_cleared_at_once_counts);
	tcase_add_test(tcase, a_shutdown_ends_the_wait);
	tcase_add_test(tcase, an_item_that_is_gone_does_not);
	tcase_add_test(tcase, deadlines_and_notes_end_it);
	tcase_add_test(tcase, a_future_that_is_done_ends_the_wait);
	tcase_add_test(tcase, who_gets_is_woken_all_the_same);
	tcase_add_test(tcase, many_things_can_be_waited_for);
	tcase_add_test(tcase, nothing_is_missed);
	return testing_run(suite);
}
