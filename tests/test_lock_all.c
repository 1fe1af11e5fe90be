/*
 * test_lock_all.c - many locks at once: all or none, in whatever order, and never waiting for one while holding
 * another.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdlib.h>

enum { N = 6 };
static fl_lock locks[N];

static void set_up(void)
{
	int i;

	for (i = 0; i < N; i++)
		fl_lock_init(&locks[i], NULL);
	reports_catch();
}

static void tear_down(void)
{
	int i;

	for (i = 0; i < N; i++)
		ck_assert_uint_eq(waiting_for(&locks[i]), 0);
	reports_expect_none();
}

static unsigned held(void)
{
	unsigned i, mask = 0;

	for (i = 0; i < N; i++)
		mask |= (unsigned)fl_lock_locked(&locks[i]) << i;
	return mask;
}

static fl_lock *const all[] = {&locks[3], &locks[0], &locks[5], &locks[1], &locks[4], &locks[2]};

START_TEST(it_takes_all_and_releases_all)
{
	ck_assert_int_eq(fl_lock_all(N, all, FL_FOREVER), 0);
	ck_assert_uint_eq(held(), (1u << N) - 1);
	fl_lock_all_release(N, all);
	ck_assert_uint_eq(held(), 0);
	ck_assert_int_eq(fl_lock_all(2, all, INT64_MIN), 0);
	ck_assert_uint_eq(held(), 1u << 3 | 1u << 0);
	fl_lock_all_release(2, all);
	ck_assert_uint_eq(held(), 0);
}
END_TEST

START_TEST(none_and_one_are_numbers_too)
{
	ck_assert_int_eq(fl_lock_all(0, all, INT64_MIN), 0);
	fl_lock_all_release(0, all);
	ck_assert_int_eq(fl_lock_all(1, all, INT64_MIN), 0);
	ck_assert_uint_eq(held(), 1u << 3);
	ck_assert_int_eq(fl_lock_all(1, all, fl_after(FL_US(100))), -ETIMEDOUT);
	fl_lock_all_release(1, all);
	ck_assert_uint_eq(held(), 0);
}
END_TEST

START_TEST(a_lock_named_twice_is_refused)
{
	fl_lock *const twice[] = {&locks[0], &locks[1], &locks[2], &locks[1]};
	fl_lock *const ends[] = {&locks[0], &locks[1], &locks[0]};

	ck_assert_int_eq(fl_lock_all(4, twice, FL_FOREVER), -EINVAL);
	ck_assert_int_eq(fl_lock_all(3, ends, FL_FOREVER), -EINVAL);
	ck_assert_uint_eq(held(), 0);
	ck_assert_int_eq(fl_lock_all(3, twice, FL_FOREVER), 0);
	fl_lock_all_release(3, twice);
}
END_TEST

START_TEST(one_that_is_busy_leaves_none_held)
{
	int i;

	for (i = 0; i < N; i++) {
		fl_lock_acquire(&locks[i]);
		ck_assert_int_eq(fl_lock_all(N, all, INT64_MIN), -ETIMEDOUT);
		ck_assert_int_eq(fl_lock_all(N, all, fl_after(FL_US(200))), -ETIMEDOUT);
		ck_assert_uint_eq(held(), 1u << i);
		fl_lock_release(&locks[i]);
	}
}
END_TEST

static int take_all(void *unused)
{
	int error = fl_lock_all(N, all, FL_FOREVER);

	(void)unused;
	if (error == 0)
		fl_lock_all_release(N, all);
	return error;
}

/* Wherever the busy one stands in the list, while it is waited for all others can be had. */
START_TEST(it_holds_nothing_while_it_waits)
{
	struct call call;
	int i, j;

	for (i = 0; i < N; i++) {
		fl_lock_acquire(&locks[i]);
		call_start(&call, take_all, NULL);
		waiting_await(&locks[i], 1);
		ck_assert_uint_eq(held(), 1u << i);
		for (j = 0; j < N; j++)
			if (j != i) {
				ck_assert(fl_lock_acquire_try(&locks[j]));
				fl_lock_release(&locks[j]);
			}
		fl_lock_release(&locks[i]);
		ck_assert_int_eq(call_end(&call), 0);
	}
}
END_TEST

START_TEST(it_goes_on_from_one_that_is_busy_to_the_next)
{
	struct call call;

	fl_lock_acquire(&locks[2]);
	fl_lock_acquire(&locks[4]);
	call_start(&call, take_all, NULL);
	waiting_await(&locks[4], 1);
	ck_assert_uint_eq(held(), 1u << 2 | 1u << 4);
	fl_lock_release(&locks[4]);
	waiting_await(&locks[2], 1);
	ck_assert_uint_eq(held(), 1u << 2);
	fl_lock_release(&locks[2]);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

static int hold_two(void *let_go)
{
	fl_lock_acquire(&locks[3]);
	fl_lock_acquire(&locks[2]);
	fl_event_set(&((fl_event *)let_go)[0]);
	return fl_event_wait(&((fl_event *)let_go)[1]);
}

/* In a child: the first is inherited from a thread that is gone, then the second one is busy, so all is let go and
 * taken again. What the first protects is no less damaged for that. */
static void inherit_all(void *unused)
{
	fl_lock *const both[] = {&locks[3], &locks[2]};

	(void)unused;
	fl_lock_init(&locks[2], NULL);
	fl_lock_acquire(&locks[2]);
	if (fl_lock_all(2, both, fl_after(FL_MS(1))) != -ETIMEDOUT)
		_Exit(1);
	if (fl_lock_locked(&locks[3]))
		_Exit(2);
}

#ifndef CALLS_NOT_IN_CHILD

static int take_both_in_child(void *unused)
{
	fl_lock *const both[] = {&locks[3], &locks[2]};
	int error;

	(void)unused;
	error = fl_lock_all(2, both, FL_FOREVER);
	fl_lock_all_release(2, both);
	return error;
}

static void inherit_and_back_off(void *unused)
{
	struct call call;

	(void)unused;
	fl_lock_init(&locks[2], NULL);
	fl_lock_acquire(&locks[2]);
	call_start(&call, take_both_in_child, NULL);
	waiting_await(&locks[2], 1);
	if (fl_lock_locked(&locks[3]))
		_Exit(1);
	fl_lock_release(&locks[2]);
	if (call_end(&call) != -EOWNERDEAD)
		_Exit(2);
}

#endif

static void (*const in_child[])(void *unused) = {
	inherit_all,
#ifndef CALLS_NOT_IN_CHILD
	inherit_and_back_off,
#endif
};

static fl_event child_events[2];

START_TEST(an_owner_that_is_gone_is_told)
{
	struct call holder;
	char said[1024];
	int status;

	call_start(&holder, hold_two, child_events);
	fl_event_wait(&child_events[0]);
	status = reports_of_child(in_child[_i], NULL, said, sizeof(said), NULL);
	fl_event_set(&child_events[1]);
	ck_assert_int_eq(call_end(&holder), 0);
	ck_assert_msg(status == 0, "status %#x: %s", (unsigned)status, said);
}
END_TEST

static unsigned owners[N];

static void shuffle(fl_lock **set, unsigned *random)
{
	unsigned i, j;

	for (i = 0; i < N; i++)
		set[i] = &locks[i];
	for (i = N - 1; i > 0; i--) {
		fl_lock *other;

		*random = *random * 1103515245u + 12345u;
		j = (*random >> 16) % (i + 1);
		other = set[i];
		set[i] = set[j];
		set[j] = other;
	}
}

static void take_some_in_any_order(unsigned index, void *arg)
{
	unsigned random = index + 1, n, i, round;
	fl_lock *set[N];

	(void)arg;
	for (round = 0; round < 3000; round++) {
		shuffle(set, &random);
		n = 1 + (random >> 8) % N;
		if (fl_lock_all(n, set, round % 3 ? FL_FOREVER : fl_after((fl_time)(random % 20000))) != 0)
			continue;
		for (i = 0; i < n; i++) {
			ck_assert_uint_eq(owners[set[i] - locks], 0);
			owners[set[i] - locks] = index + 1;
		}
		for (i = 0; i < n; i++)
			owners[set[i] - locks] = 0;
		fl_lock_all_release(n, set);
	}
}

START_TEST(any_order_is_free_of_deadlock)
{
	testing_together(5, take_some_in_any_order, NULL);
	ck_assert_uint_eq(held(), 0);
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
	Suite *suite = suite_create("lock_all");
	TCase *alone = new_case(suite, "alone"), *waiting = new_case(suite, "waiting"),
	      *forked = new_case(suite, "forked"), *contention = new_case(suite, "contention");

	tcase_add_test(alone, it_takes_all_and_releases_all);
	tcase_add_test(alone, none_and_one_are_numbers_too);
	tcase_add_test(alone, a_lock_named_twice_is_refused);
	tcase_add_test(alone, one_that_is_busy_leaves_none_held);
	tcase_add_test(waiting, it_holds_nothing_while_it_waits);
	tcase_add_test(waiting, it_goes_on_from_one_that_is_busy_to_the_next);
	tcase_add_loop_test(forked, an_owner_that_is_gone_is_told, 0, (int)(sizeof(in_child) / sizeof(in_child[0])));
	tcase_add_test(contention, any_order_is_free_of_deadlock);
	return testing_run(suite);
}
