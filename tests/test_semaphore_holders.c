/*
 * test_semaphore_holders.c - a semaphore that knows who has its permits: those of the dead come back.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "processes.h"
#include "reports.h"
#include "segments.h"
#include "testing.h"
#include "waiting_shared.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <string.h>

enum { SEATS = 3 };

static fl_segment *segment;
static fl_semaphore *seats;

static void set_up(void)
{
	processes_set_up();
	reports_catch();
	ck_assert_int_eq(fl_segment_open(&segment, NULL, NULL), 0);
	ck_assert_int_eq(fl_segment_semaphore_holders(segment, "seats", SEATS, &seats), 1);
}

static void tear_down(void)
{
	reports_expect_none();
	fl_segment_close(segment);
	processes_tear_down();
}

static int acquire(void *of)
{
	return fl_semaphore_acquire(of);
}

static void acquire_all(fl_semaphore *of, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(fl_semaphore_acquire(of), 0);
	ck_assert(!fl_semaphore_acquire_try(of));
}

static void acquire_and_stay(void *n)
{
	for (int i = 0; i < *(int *)n; i++)
		EXPECT(fl_semaphore_acquire(seats) == 0);
	process_stay();
}

static void acquire_and_die(int n)
{
	uint32_t ready = __atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE);
	pid_t child = process_start(acquire_and_stay, &n);

	process_await(&shared->ready, ready + 1);
	process_kill(child);
}

START_TEST(permits_of_the_dead_come_back)
{
	for (uint32_t i = 1; i <= 3; i++) {
		acquire_and_die(SEATS - 1);
		ck_assert_uint_eq(fl_semaphore_value(seats), SEATS);
		acquire_all(seats, SEATS);
		ck_assert_uint_eq(fl_semaphore_value(seats), 0);
		ck_assert_uint_eq(fl_semaphore_recovered(seats), i * (SEATS - 1));
		ck_assert_int_eq(fl_semaphore_release(seats, SEATS), 0);
	}
}
END_TEST

static void wait_for_a_seat(void *unused)
{
	(void)unused;
	EXPECT(fl_semaphore_acquire(seats) == 0);
	process_tell(&shared->ready);
	process_await(&shared->go_on, 1);
	EXPECT(fl_semaphore_release(seats, 1) == 0);
}

/* Three processes wait for the three seats that one has, which dies: all get one, and soon. */
START_TEST(a_death_is_noticed_by_those_who_wait)
{
	int n = SEATS;
	pid_t holder = process_start(acquire_and_stay, &n), others[SEATS];
	fl_time killed;

	process_await(&shared->ready, 1);
	for (int i = 0; i < SEATS; i++)
		others[i] = process_start(wait_for_a_seat, NULL);
	shared_waiting_await(seats, SEATS);
	killed = fl_now();
	process_kill(holder);
	process_await(&shared->ready, 1 + SEATS);
	ck_assert_int_lt(fl_now() - killed, FL_SECONDS(10));
	ck_assert_uint_eq(fl_semaphore_recovered(seats), SEATS);
	process_tell(&shared->go_on);
	for (int i = 0; i < SEATS; i++)
		ck_assert_int_eq(process_end(others[i]), 0);
	ck_assert_uint_eq(fl_semaphore_value(seats), SEATS);
}
END_TEST

START_TEST(who_died_waiting_takes_nothing_along)
{
	pid_t child;

	acquire_all(seats, SEATS);
	child = process_start(wait_for_a_seat, NULL);
	shared_waiting_await(seats, 1);
	process_kill(child);
	ck_assert_int_eq(fl_semaphore_release(seats, SEATS), 0);
	acquire_all(seats, SEATS);
	ck_assert_uint_eq(fl_semaphore_recovered(seats), 0);
}
END_TEST

START_TEST(permits_of_a_thread_that_ended_come_back)
{
	ck_assert_int_eq(call_elsewhere(acquire, seats), 0);
	ck_assert_uint_eq(fl_semaphore_value(seats), SEATS);
	acquire_all(seats, SEATS);
	ck_assert_uint_eq(fl_semaphore_recovered(seats), 1);
}
END_TEST

static int release_one(void *of)
{
	return fl_semaphore_release(of, 1);
}

static void release_what_the_parent_has(void *of)
{
	EXPECT(fl_semaphore_release(of, 1) == -EPERM);
	EXPECT(fl_semaphore_acquire(of) == 0);
	EXPECT(fl_semaphore_release(of, 1) == 0);
}

START_TEST(only_who_has_a_permit_releases_it)
{
	pid_t child;

	ck_assert_int_eq(fl_semaphore_release(seats, 1), -EPERM);
	ck_assert_int_eq(fl_semaphore_acquire(seats), 0);
	ck_assert_int_eq(fl_semaphore_acquire(seats), 0);
	ck_assert_int_eq(fl_semaphore_release(seats, 3), -EPERM);
	child = process_start(release_what_the_parent_has, seats);
	ck_assert_int_eq(process_end(child), 0);
	ck_assert_int_eq(call_elsewhere(release_one, seats), -EPERM);
	ck_assert_uint_eq(fl_semaphore_value(seats), SEATS - 2);
	ck_assert_int_eq(fl_semaphore_release(seats, 2), 0);
	ck_assert_uint_eq(fl_semaphore_value(seats), SEATS);
}
END_TEST

START_TEST(guards_hold_permits)
{
	fl_with (seats)
		ck_assert_uint_eq(fl_semaphore_value(seats), SEATS - 1);
	fl_with_until (seats, fl_after(FL_SECONDS(1)), NULL)
		ck_assert_uint_eq(fl_semaphore_value(seats), SEATS - 1);
	ck_assert_uint_eq(fl_semaphore_value(seats), SEATS);
}
END_TEST

/* As a part of an object: the words are right behind it. */
struct shop {
	fl_semaphore seats;
	uint32_t seats_holders[2];
	uint32_t behind;
};

static int make_shop(void *object, void *unused)
{
	(void)unused;
	((struct shop *)object)->behind = 7;
	return fl_semaphore_init_shared_holders(&((struct shop *)object)->seats, 2);
}

START_TEST(it_may_be_a_part_of_an_object)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(struct shop, 1);
	struct shop *shop;

	ck_assert_uint_eq(FL_SEMAPHORE_HOLDERS_SIZE(2), offsetof(struct shop, behind));
	ck_assert_int_eq(fl_segment_object(segment, "shop", &type, make_shop, NULL, (void **)&shop), 1);
	acquire_all(&shop->seats, 2);
	ck_assert_int_eq(fl_semaphore_release(&shop->seats, 2), 0);
	ck_assert_uint_eq(shop->behind, 7);
}
END_TEST

START_TEST(there_may_be_many)
{
	fl_semaphore *many;

	ck_assert_int_eq(fl_segment_semaphore_holders(segment, "many", FL_SEMAPHORE_HOLDERS_MAX, &many), 1);
	acquire_all(many, FL_SEMAPHORE_HOLDERS_MAX);
	ck_assert_int_eq(fl_semaphore_release(many, FL_SEMAPHORE_HOLDERS_MAX), 0);
	ck_assert_uint_eq(fl_semaphore_value(many), FL_SEMAPHORE_HOLDERS_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("semaphore_holders");
	TCase *holders = testing_case_between(suite, "holders", set_up, tear_down);

	tcase_add_test(holders, permits_of_the_dead_come_back);
	tcase_add_test(holders, a_death_is_noticed_by_those_who_wait);
	tcase_add_test(holders, who_died_waiting_takes_nothing_along);
	tcase_add_test(holders, permits_of_a_thread_that_ended_come_back);
	tcase_add_test(holders, only_who_has_a_permit_releases_it);
	tcase_add_test(holders, guards_hold_permits);
	tcase_add_test(holders, it_may_be_a_part_of_an_object);
	tcase_add_test(holders, there_may_be_many);
	return testing_run(suite);
}
