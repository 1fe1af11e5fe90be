/*
 * test_order.c - FAIRLEAD_CHECK=order: locks that are taken in both orders are reported before they deadlock.
 *
 * Orders are made one after the other, by one thread or by several that never wait for each other: nothing here can
 * deadlock, which is what the check is about. Deadlocks themselves are in test_deadlock.c.
 *
 * Where a report says that a lock was acquired is compared with where it was: each place has a section of its own in
 * the program, and the report must mention an address in it.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "checks.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include "base/report.h"
#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_MANY 100

static fl_lock a, b, c, d, gate;
static fl_lock many[N_MANY];

static void set_up(void)
{
	ck_assert_int_eq(fl_check_enable(FL_CHECK_ORDER), 0);
	fl_lock_init(&a, "left");
	fl_lock_init(&b, "right");
	fl_lock_init(&c, "centre");
	fl_lock_init(&d, NULL);
	fl_lock_init(&gate, "gate");
	reports_catch();
}

/* Places. */

/* The empty instruction sees to it that the call is not the last thing in the function: it returns here. */
#define PLACE(name) \
	extern const char __start_##name[], __stop_##name[]; \
	static __attribute__((noinline, section(#name))) int acquire_##name(fl_lock *lock) \
	{ \
		int error = fl_lock_acquire(lock); \
\
		__asm__ volatile(""); \
		return error; \
	}
PLACE(a_then)
PLACE(b_after_a)
PLACE(b_then)
PLACE(a_after_b)

/* Whether the text names an address from `start` to `stop`, at the end of a word. */
static bool mentions(const char *text, const char *start, const char *stop)
{
	for (const char *address = start; address <= stop; address++) {
		char site[512];
		const char *found;

		fl_report_site_(address, site, sizeof(site));
		found = strstr(text, site);
		if (found && strchr("\n)", found[strlen(site)]))
			return true;
	}
	return false;
}

static int left_then_right(void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "lefty");
	ck_assert_int_eq(acquire_a_then(&a), 0);
	ck_assert_int_eq(acquire_b_after_a(&b), 0);
	fl_lock_release(&b);
	fl_lock_release(&a);
	return 0;
}

START_TEST(two_threads_in_both_orders_are_reported_with_names_and_places)
{
	struct caught caught;
	struct call call;
	char thread[64];

	call_start(&call, left_then_right, NULL);
	ck_assert_int_eq(call_end(&call), 0);
	reports_expect_none();
	ck_assert_int_eq(acquire_b_then(&b), 0);
	ck_assert_int_eq(acquire_a_after_b(&a), 0);
	expect_order(&caught, "lock", &a, "opposite order");
	ck_assert(fl_lock_locked(&a));
	ck_assert_str_eq(caught.name, "left");
	expect_words(caught.what, "'right'");
	ck_assert(mentions(caught.text, __start_a_then, __stop_a_then));
	ck_assert(mentions(caught.text, __start_b_after_a, __stop_b_after_a));
	ck_assert(mentions(caught.text, __start_b_then, __stop_b_then));
	ck_assert(mentions(caught.text, __start_a_after_b, __stop_a_after_b));
	snprintf(thread, sizeof(thread), "thread %d 'lefty', before:", (int)call.id);
	expect_words(caught.text, thread);
	snprintf(thread, sizeof(thread), "thread %d '%s', now:", (int)gettid(), caught.thread_name);
	expect_words(caught.text, thread);
	fl_lock_release(&a);
	fl_lock_release(&b);
}
END_TEST

START_TEST(each_pair_is_reported_once)
{
	struct call call;

	take_both(&b, &a);
	take_both(&a, &b);
	ck_assert_int_eq(reports_look(NULL), 1);
	for (int i = 0; i < 3; i++) {
		take_both(&a, &b);
		take_both(&b, &a);
	}
	call_start(&call, left_then_right, NULL);
	call_end(&call);
	reports_expect_none();
	take_both(&a, &c);
	take_both(&c, &a);
	ck_assert_int_eq(reports_look(NULL), 1);
}
END_TEST

START_TEST(one_order_is_not_reported)
{
	for (int i = 0; i < 3; i++) {
		take_both(&a, &b);
		take_both(&b, &c);
		take_both(&a, &c);
		take_both(&a, &d);
	}
	reports_expect_none();
}
END_TEST

START_TEST(a_circle_of_three_is_reported)
{
	struct caught caught;

	take_both(&a, &b);
	take_both(&b, &c);
	reports_expect_none();
	take_both(&c, &a);
	expect_order(&caught, "lock", &a, "circle of 3 locks");
	expect_words(caught.text, "'left'");
	expect_words(caught.text, "'right'");
	expect_words(caught.text, "'centre'");
	take_both(&c, &a);
	reports_expect_none();
}
END_TEST

START_TEST(a_long_circle_is_reported)
{
	struct caught caught;

	for (int i = 0; i < N_MANY; i++)
		fl_lock_init(&many[i], NULL);
	for (int i = 0; i + 1 < N_MANY; i++)
		take_both(&many[i], &many[i + 1]);
	reports_expect_none();
	take_both(&many[N_MANY - 1], &many[0]);
	expect_order(&caught, "lock", &many[0], "circle of 100 locks");
}
END_TEST

START_TEST(the_shortest_circle_is_reported)
{
	struct caught caught;

	take_both(&a, &b);
	take_both(&b, &c);
	take_both(&a, &c);
	take_both(&c, &a);
	expect_order(&caught, "lock", &a, "opposite order");
}
END_TEST

START_TEST(a_circle_is_found_by_one_thread_that_holds_several)
{
	struct caught caught;

	take_both(&c, &a);
	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	take_both(&b, &c);
	expect_order(&caught, "lock", &c, "'left'");
	fl_lock_release(&a);
}
END_TEST

/* What is known of a lock, and what is held. */

START_TEST(a_destroyed_lock_is_forgotten)
{
	take_both(&a, &b);
	fl_lock_destroy(&a);
	fl_lock_init(&a, "another");
	take_both(&b, &a);
	reports_expect_none();
	take_both(&a, &b);
	ck_assert_int_eq(reports_look(NULL), 1);
}
END_TEST

START_TEST(a_lock_made_anew_is_forgotten)
{
	take_both(&a, &b);
	fl_lock_init(&b, NULL);
	take_both(&b, &a);
	reports_expect_none();
}
END_TEST

START_TEST(a_circle_through_a_forgotten_lock_is_none)
{
	take_both(&a, &b);
	take_both(&b, &c);
	fl_lock_destroy(&b);
	take_both(&c, &a);
	reports_expect_none();
}
END_TEST

START_TEST(trying_makes_no_order)
{
	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	ck_assert(fl_lock_acquire_try(&b));
	fl_lock_release(&b);
	ck_assert_int_eq(fl_lock_acquire_until(&b, 0, NULL), 0);
	fl_lock_release(&b);
	fl_lock_release(&a);
	take_both(&b, &a);
	reports_expect_none();
}
END_TEST

START_TEST(what_a_try_got_is_held)
{
	ck_assert(fl_lock_acquire_try(&a));
	ck_assert_int_eq(fl_lock_acquire(&b), 0);
	fl_lock_release(&b);
	fl_lock_release(&a);
	take_both(&b, &a);
	ck_assert_int_eq(reports_look(NULL), 1);
}
END_TEST

START_TEST(an_acquisition_with_a_deadline_makes_an_order)
{
	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	ck_assert_int_eq(fl_lock_acquire_until(&b, fl_after(FL_SECONDS(1000)), NULL), 0);
	fl_lock_release(&b);
	fl_lock_release(&a);
	take_both(&b, &a);
	ck_assert_int_eq(reports_look(NULL), 1);
}
END_TEST

START_TEST(released_out_of_turn_is_not_held)
{
	struct caught caught;

	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	ck_assert_int_eq(fl_lock_acquire(&b), 0);
	fl_lock_release(&a);
	ck_assert_int_eq(fl_lock_acquire(&c), 0);
	fl_lock_release(&b);
	fl_lock_release(&c);
	/* Had `a` still been held, this would be two locks in both orders. */
	take_both(&c, &a);
	expect_order(&caught, "lock", &a, "circle of 3 locks");
}
END_TEST

START_TEST(what_is_learned_of_some_is_not_taken_for_all)
{
	struct caught caught;

	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	ck_assert_int_eq(fl_lock_acquire(&b), 0);
	fl_lock_release(&a);
	ck_assert_int_eq(fl_lock_acquire(&c), 0);
	fl_lock_release(&c);
	fl_lock_release(&b);
	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	take_both(&b, &c);
	fl_lock_release(&a);
	take_both(&c, &a);
	expect_order(&caught, "lock", &a, "opposite order");
}
END_TEST

static fl_event acquired, released;

static int acquire_and_go_on(void *arg)
{
	fl_lock_acquire(&a);
	fl_event_set(&acquired);
	fl_event_wait(&released);
	fl_lock_acquire(&b);
	if (arg)
		fl_lock_acquire(&a);
	fl_lock_release(&b);
	if (arg)
		fl_lock_release(&a);
	return 0;
}

static void release_for_another(void *arg)
{
	struct call call;

	call_start(&call, acquire_and_go_on, arg);
	fl_event_wait(&acquired);
	fl_lock_release(&a);
	fl_event_set(&released);
	call_end(&call);
}

START_TEST(released_by_another_thread_is_not_held)
{
	release_for_another(NULL);
	take_both(&b, &a);
	reports_expect_none();
}
END_TEST

START_TEST(acquired_again_after_that_is_held)
{
	release_for_another(&a);
	reports_expect_none();
	take_both(&a, &b);
	ck_assert_int_eq(reports_look(NULL), 1);
}
END_TEST

static int end_holding(void *arg)
{
	return fl_lock_acquire(arg);
}

static int take_right(void *arg)
{
	fl_lock_acquire(arg);
	fl_lock_release(arg);
	return 0;
}

START_TEST(what_an_ended_thread_held_the_next_one_does_not_hold)
{
	struct call call;

	take_both(&c, &d); /* so that this thread has a record, and the next two share one */
	call_start(&call, end_holding, &a);
	call_end(&call);
	call_start(&call, take_right, &b);
	call_end(&call);
	fl_lock_release(&a);
	take_both(&b, &a);
	reports_expect_none();
}
END_TEST

START_TEST(a_thread_may_hold_many)
{
	struct caught caught;

	for (int i = 0; i < N_MANY; i++) {
		fl_lock_init(&many[i], NULL);
		ck_assert_int_eq(fl_lock_acquire(&many[i]), 0);
	}
	for (int i = 0; i < N_MANY; i++)
		fl_lock_release(&many[i]);
	reports_expect_none();
	take_both(&many[N_MANY - 1], &many[0]);
	expect_order(&caught, "lock", &many[0], "opposite order");
}
END_TEST

/* The hook, the process. */

/* Makes another report, the first time. */
static void acquire_in_hook(const fl_report *report, void *arg)
{
	(void)report;
	if (++*(int *)arg == 1)
		take_both(&c, &d);
}

START_TEST(a_hook_may_acquire_locks_and_even_be_reported)
{
	int n = 0;

	take_both(&d, &c);
	fl_report_set_hook(acquire_in_hook, &n);
	take_both(&a, &b);
	take_both(&b, &a);
	take_both(&b, &a);
	ck_assert_int_eq(n, 2);
}
END_TEST

/* As before, but under a lock of its own, which the second report then needs a second time. */
static void acquire_twice_in_hook(const fl_report *report, void *arg)
{
	(void)report;
	++*(int *)arg;
	if (fl_lock_acquire(&gate) == -EDEADLK)
		return;
	take_both(&c, &d);
	fl_lock_release(&gate);
}

START_TEST(a_hook_that_waits_for_itself_comes_to_an_end)
{
	int n = 0;

	take_both(&a, &b);
	take_both(&d, &c);
	fl_report_set_hook(acquire_twice_in_hook, &n);
	take_both(&b, &a);
	ck_assert_int_eq(n, 3);
	ck_assert(!fl_lock_locked(&gate));
	fl_lock_init(&many[0], NULL);
	take_both(&a, &many[0]);
	take_both(&many[0], &a);
	ck_assert_int_eq(n, 4);
}
END_TEST

static void right_then_left(void *arg)
{
	(void)arg;
	take_both(&b, &a);
}

START_TEST(a_forked_child_knows_the_orders_of_its_parent)
{
	char said[16384];

	take_both(&a, &b);
	ck_assert_int_eq(reports_of_child(right_then_left, NULL, said, sizeof(said), NULL), 0);
	expect_words(said, "fairlead: lock order: lock 'left' at ");
}
END_TEST

/* Sanitizers need memory of their own at any time. */
#ifndef TESTING_SANITIZED
START_TEST(without_memory_locks_work_and_reports_say_so)
{
	struct rlimit before, none;
	struct caught caught;
	fl_rlock unused = FL_RLOCK_INIT;

	fl_rlock_count(&unused); /* so that this thread has a record already */
	ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
	none = (struct rlimit){1, before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	ck_assert_int_eq(fl_lock_acquire(&b), 0);
	fl_lock_release(&a);
	fl_lock_release(&b);
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
	take_both(&b, &a);
	reports_expect_none();
	take_both(&a, &b);
	expect_order(&caught, "lock", &b, "opposite order");
	expect_words(caught.text, "for want of memory, something was not recorded");
}
END_TEST
#endif

static void take_in_order(unsigned index, void *arg)
{
	fl_lock mine;

	(void)arg;
	for (unsigned i = 0; i < 2000; i++) {
		fl_lock_init(&mine, NULL);
		fl_with (&many[(i + index) % 8])
			fl_with (&many[8 + i % 8])
				fl_with (&mine)
					take_both(&many[16], &many[17]);
		fl_lock_destroy(&mine);
	}
}

START_TEST(threads_that_keep_the_order_are_not_reported)
{
	for (int i = 0; i < N_MANY; i++)
		fl_lock_init(&many[i], NULL);
	testing_together(4, take_in_order, NULL);
	reports_expect_none();
	take_both(&many[17], &many[3]);
	ck_assert_int_eq(reports_look(NULL), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("order");
	TCase *order, *held, *whole;

	if (checks_left_out())
		return 0;
	order = testing_case(suite, "order");
	held = testing_case(suite, "held");
	whole = testing_case(suite, "whole");
	tcase_add_checked_fixture(order, set_up, NULL);
	tcase_add_checked_fixture(held, set_up, NULL);
	tcase_add_checked_fixture(whole, set_up, NULL);
	tcase_add_test(order, two_threads_in_both_orders_are_reported_with_names_and_places);
	tcase_add_test(order, each_pair_is_reported_once);
	tcase_add_test(order, one_order_is_not_reported);
	tcase_add_test(order, a_circle_of_three_is_reported);
	tcase_add_test(order, a_long_circle_is_reported);
	tcase_add_test(order, the_shortest_circle_is_reported);
	tcase_add_test(order, a_circle_is_found_by_one_thread_that_holds_several);
	tcase_add_test(held, a_destroyed_lock_is_forgotten);
	tcase_add_test(held, a_lock_made_anew_is_forgotten);
	tcase_add_test(held, a_circle_through_a_forgotten_lock_is_none);
	tcase_add_test(held, trying_makes_no_order);
	tcase_add_test(held, what_a_try_got_is_held);
	tcase_add_test(held, an_acquisition_with_a_deadline_makes_an_order);
	tcase_add_test(held, released_out_of_turn_is_not_held);
	tcase_add_test(held, what_is_learned_of_some_is_not_taken_for_all);
	tcase_add_test(held, released_by_another_thread_is_not_held);
	tcase_add_test(held, acquired_again_after_that_is_held);
	tcase_add_test(held, what_an_ended_thread_held_the_next_one_does_not_hold);
	tcase_add_test(held, a_thread_may_hold_many);
	tcase_add_test(whole, a_hook_may_acquire_locks_and_even_be_reported);
	tcase_add_test(whole, a_hook_that_waits_for_itself_comes_to_an_end);
	tcase_add_test(whole, a_forked_child_knows_the_orders_of_its_parent);
#ifndef TESTING_SANITIZED
	tcase_add_test(whole, without_memory_locks_work_and_reports_say_so);
#endif
	tcase_add_test(whole, threads_that_keep_the_order_are_not_reported);
	return testing_run(suite);
}
