/*
 * test_semaphore_shared.c - Semaphore and BoundedSemaphore between processes: permits are neither lost nor made up,
 * whether they know their holders or not.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "processes.h"
#include "reports.h"
#include "segments.h"
#include "testing.h"
#include "waiting_shared.h"

#include "shm/segment.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <string.h>

enum { SEATS = 3 };

static fl_segment *segment;
static fl_semaphore *semaphore, *bounded, *seats;

static void set_up(void)
{
	processes_set_up();
	reports_catch();
	ck_assert_int_eq(fl_segment_open(&segment, NULL, NULL), 0);
	ck_assert_int_eq(fl_segment_semaphore(segment, "signal", 0, &semaphore), 1);
	ck_assert_int_eq(fl_segment_semaphore_bounded(segment, "bounded", SEATS, &bounded), 1);
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

struct asked {
	fl_semaphore *of;
	fl_time deadline;
	fl_note *note;
};

static int acquire_until(void *arg)
{
	const struct asked *asked = arg;

	return fl_semaphore_acquire_until(asked->of, asked->deadline, asked->note);
}

static void acquire_all(fl_semaphore *of, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(fl_semaphore_acquire(of), 0);
	ck_assert(!fl_semaphore_acquire_try(of));
}

/* Those of three kinds, by index. */
static fl_semaphore *kind(int i)
{
	return i == 0 ? semaphore : i == 1 ? bounded : seats;
}

/* All kinds. */

START_TEST(permits_are_counted)
{
	fl_semaphore *of = kind(_i);

	if (of == semaphore)
		ck_assert_int_eq(fl_semaphore_release(of, SEATS), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(fl_semaphore_value(of), SEATS);
		ck_assert_int_eq(fl_semaphore_acquire(of), 0);
		ck_assert(fl_semaphore_acquire_try(of));
		ck_assert_uint_eq(fl_semaphore_value(of), 1);
		ck_assert_int_eq(fl_semaphore_acquire_until(of, INT64_MIN, NULL), 0);
		ck_assert(!fl_semaphore_acquire_try(of));
		ck_assert_int_eq(fl_semaphore_acquire_until(of, INT64_MIN, NULL), -ETIMEDOUT);
		ck_assert_int_eq(fl_semaphore_acquire_until(of, fl_after(FL_US(100)), NULL), -ETIMEDOUT);
		ck_assert_uint_eq(fl_semaphore_value(of), 0);
		ck_assert_int_eq(fl_semaphore_release(of, 1), 0);
		ck_assert_int_eq(fl_semaphore_release(of, 2), 0);
		ck_assert_int_eq(fl_semaphore_release(of, 0), -EINVAL);
	}
	ck_assert_uint_eq(fl_semaphore_recovered(of), 0);
}
END_TEST

START_TEST(it_is_found_by_name)
{
	static const char *const names[] = {"signal", "bounded", "seats"};
	fl_segment *other;
	fl_semaphore *theirs[3];

	ck_assert_int_eq(fl_segment_adopt(&other, fl_segment_fd(segment), NULL), 0);
	ck_assert_int_eq(fl_segment_semaphore(other, "signal", 9, &theirs[0]), 0);
	ck_assert_int_eq(fl_segment_semaphore_bounded(other, "bounded", 9, &theirs[1]), 0);
	ck_assert_int_eq(fl_segment_semaphore_holders(other, "seats", SEATS, &theirs[2]), 0);
	if (_i == 0)
		ck_assert_int_eq(fl_semaphore_release(semaphore, SEATS), 0);
	ck_assert_int_eq(fl_semaphore_acquire(theirs[_i]), 0);
	ck_assert_uint_eq(fl_semaphore_value(kind(_i)), SEATS - 1);
	if (_i != 0)
		ck_assert_int_eq(fl_segment_semaphore(other, names[_i], 0, &theirs[0]), -EPROTO);
	if (_i != 1)
		ck_assert_int_eq(fl_segment_semaphore_bounded(other, names[_i], 0, &theirs[0]), -EPROTO);
	ck_assert_int_eq(fl_segment_semaphore_holders(other, names[_i], SEATS + 1, &theirs[0]), -EPROTO);
	fl_segment_close(other);
}
END_TEST

START_TEST(a_release_wakes_as_many_as_it_has_permits)
{
	struct call calls[3];

	for (unsigned i = 0; i < 3; i++) {
		call_start(&calls[i], acquire, semaphore);
		shared_waiting_await(semaphore, i + 1);
	}
	ck_assert_int_eq(fl_semaphore_release(semaphore, 1), 0);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	shared_waiting_await(semaphore, 2);
	ck_assert_int_eq(fl_semaphore_release(semaphore, 5), 0);
	ck_assert_int_eq(call_end(&calls[1]), 0);
	ck_assert_int_eq(call_end(&calls[2]), 0);
	ck_assert_uint_eq(fl_semaphore_value(semaphore), 3);
}
END_TEST

START_TEST(notes_and_deadlines_end_a_wait)
{
	fl_semaphore *of = kind(_i);
	fl_note note = FL_NOTE_INIT;
	struct asked asked = {of, FL_FOREVER, &note}, short_one = {of, fl_after(FL_MS(5)), NULL};
	struct call call;

	acquire_all(of, of == semaphore ? 0 : SEATS);
	call_start(&call, acquire_until, &asked);
	shared_waiting_await(of, 1);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	ck_assert_int_eq(acquire_until(&asked), -ECANCELED);
	ck_assert_int_eq(call_elsewhere(acquire_until, &short_one), -ETIMEDOUT);
	ck_assert_int_eq(fl_semaphore_release(of, 1), 0);
	ck_assert_int_eq(acquire_until(&asked), 0);
	ck_assert_uint_eq(shared_waiting_for(of), 0);
	fl_note_destroy(&note);
}
END_TEST

/* The first one who waits is woken, and gives up before it gets to run: the next one has the permit. */
START_TEST(a_permit_of_one_who_gives_up_goes_to_the_next)
{
	fl_note note = FL_NOTE_INIT;
	struct asked asked = {semaphore, FL_FOREVER, &note};
	struct call first, second;
	int result;

	call_start(&first, acquire_until, &asked);
	shared_waiting_await(semaphore, 1);
	call_start(&second, acquire, semaphore);
	shared_waiting_await(semaphore, 2);
	call_freeze(&first);
	fl_note_cancel(&note);
	ck_assert_int_eq(fl_semaphore_release(semaphore, 1), 0);
	call_thaw(&first);
	result = call_end(&first);
	if (result == 0) /* it may have it as well */
		ck_assert_int_eq(fl_semaphore_release(semaphore, 1), 0);
	else
		ck_assert_int_eq(result, -ECANCELED);
	ck_assert_int_eq(call_end(&second), 0);
	ck_assert_uint_eq(fl_semaphore_value(semaphore), 0);
	fl_note_destroy(&note);
}
END_TEST

START_TEST(bounds_are_kept)
{
	ck_assert_int_eq(fl_semaphore_release(bounded, 1), -EOVERFLOW);
	ck_assert_int_eq(fl_semaphore_acquire(bounded), 0);
	ck_assert_int_eq(fl_semaphore_release(bounded, 2), -EOVERFLOW);
	ck_assert_int_eq(fl_semaphore_release(bounded, UINT32_MAX), -EOVERFLOW);
	ck_assert_uint_eq(fl_semaphore_value(bounded), SEATS - 1);
	ck_assert_int_eq(fl_semaphore_release(bounded, 1), 0);
	ck_assert_int_eq(fl_semaphore_release(semaphore, FL_SEMAPHORE_MAX), 0);
	ck_assert_int_eq(fl_semaphore_release(semaphore, 1), -EOVERFLOW);
	ck_assert_uint_eq(fl_semaphore_value(semaphore), FL_SEMAPHORE_MAX);
}
END_TEST

START_TEST(bounds_are_kept_while_somebody_waits)
{
	struct call call;

	acquire_all(bounded, SEATS);
	call_start(&call, acquire, bounded);
	shared_waiting_await(bounded, 1);
	ck_assert_int_eq(fl_semaphore_release(bounded, SEATS + 1), -EOVERFLOW);
	ck_assert(!call_returned(&call));
	ck_assert_int_eq(fl_semaphore_release(bounded, SEATS), 0);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_uint_eq(fl_semaphore_value(bounded), SEATS - 1);
}
END_TEST

START_TEST(the_largest_bound_is_no_semaphore_with_holders)
{
	ck_assert_int_eq(fl_semaphore_init_shared_bounded(bounded, FL_SEMAPHORE_MAX), 0);
	ck_assert_int_eq(fl_semaphore_release(bounded, 1), -EOVERFLOW);
	ck_assert_int_eq(fl_semaphore_acquire(bounded), 0);
	ck_assert_uint_eq(fl_semaphore_value(bounded), FL_SEMAPHORE_MAX - 1);
	ck_assert_int_eq(fl_semaphore_release(bounded, 1), 0);
}
END_TEST

/* Many threads and processes, few permits. */

enum { ROUNDS = 3000, USERS = 4 };

static uint64_t *inside, *most;

static void use_often(void *of)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t n, seen;

		EXPECT(fl_semaphore_acquire(of) == 0);
		n = __atomic_add_fetch(inside, 1, __ATOMIC_SEQ_CST);
		seen = __atomic_load_n(most, __ATOMIC_RELAXED);
		while (n > seen &&
		       !__atomic_compare_exchange_n(most, &seen, n, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			;
		__atomic_sub_fetch(inside, 1, __ATOMIC_SEQ_CST);
		EXPECT(fl_semaphore_release(of, 1) == 0);
	}
}

static void count_users(void)
{
	ck_assert_int_eq(segments_number(segment, "inside", &inside), 1);
	ck_assert_int_eq(segments_number(segment, "most", &most), 1);
}

START_TEST(processes_share_permits)
{
	fl_semaphore *of = kind(_i);
	uint32_t n = of == semaphore ? 1 : SEATS;
	pid_t users[USERS];

	count_users();
	if (of == semaphore)
		ck_assert_int_eq(fl_semaphore_release(of, 1), 0);
	for (int i = 0; i < USERS; i++)
		users[i] = process_start(use_often, of);
	for (int i = 0; i < USERS; i++)
		ck_assert_int_eq(process_end(users[i]), 0);
	ck_assert_uint_le(*most, n);
	ck_assert_uint_eq(fl_semaphore_value(of), n);
	ck_assert_uint_eq(fl_semaphore_recovered(of), 0);
}
END_TEST

static void use_in_thread(unsigned index, void *of)
{
	(void)index;
	use_often(of);
}

START_TEST(threads_share_permits)
{
	fl_semaphore *of = kind(_i);
	uint32_t n = of == semaphore ? 1 : SEATS;

	count_users();
	if (of == semaphore)
		ck_assert_int_eq(fl_semaphore_release(of, 1), 0);
	testing_together(USERS, use_in_thread, of);
	ck_assert_uint_le(*most, n);
	ck_assert_uint_eq(fl_semaphore_value(of), n);
}
END_TEST

/* A signal from process to process: as many as were sent arrive. */
static void receive(void *of)
{
	for (int i = 0; i < ROUNDS; i++)
		EXPECT(fl_semaphore_acquire(of) == 0);
}

START_TEST(what_one_process_releases_another_one_acquires)
{
	pid_t child = process_start(receive, semaphore);

	for (int i = 0; i < ROUNDS; i += 3) {
		ck_assert_int_eq(fl_semaphore_release(semaphore, 1), 0);
		ck_assert_int_eq(fl_semaphore_release(semaphore, 2), 0);
	}
	ck_assert_int_eq(process_end(child), 0);
	ck_assert_uint_eq(fl_semaphore_value(semaphore), 0);
}
END_TEST

/* Deadlines that pass while permits are released: nothing is lost. */
struct hurried {
	uint32_t got;
};

static void hurry(unsigned index, void *arg)
{
	struct hurried *hurried = arg;

	for (int i = 0; i < 500; i++) {
		if (index == 0)
			EXPECT(fl_semaphore_release(semaphore, 1) == 0);
		else if (fl_semaphore_acquire_until(semaphore, fl_after(FL_US(20)), NULL) == 0)
			__atomic_add_fetch(&hurried->got, 1, __ATOMIC_RELAXED);
	}
}

START_TEST(deadlines_may_race_with_releases)
{
	struct hurried hurried = {0};

	testing_together(4, hurry, &hurried);
	ck_assert_uint_eq(hurried.got + fl_semaphore_value(semaphore), 500);
}
END_TEST

struct shop {
	fl_semaphore seats;
	uint32_t seats_holders[2];
	uint32_t behind;
};

/* Misuse. */

START_TEST(numbers_are_checked)
{
	ck_assert_int_eq(fl_semaphore_init_shared(semaphore, FL_SEMAPHORE_MAX + 1), -EINVAL);
	ck_assert_int_eq(fl_semaphore_init_shared_bounded(semaphore, UINT32_MAX), -EINVAL);
	ck_assert_int_eq(fl_semaphore_init_shared_holders(semaphore, 0), -EINVAL);
	ck_assert_int_eq(fl_semaphore_init_shared_holders(semaphore, FL_SEMAPHORE_HOLDERS_MAX + 1), -EINVAL);
	ck_assert_int_eq(fl_segment_semaphore(segment, "x", FL_SEMAPHORE_MAX + 1, &semaphore), -EINVAL);
	ck_assert_int_eq(fl_segment_semaphore_bounded(segment, "x", FL_SEMAPHORE_MAX + 1, &semaphore), -EINVAL);
	ck_assert_int_eq(fl_segment_semaphore_holders(segment, "x", 0, &semaphore), -EINVAL);
	ck_assert_int_eq(fl_segment_semaphore_holders(segment, "x", UINT32_MAX, &semaphore), -EINVAL);
	ck_assert_ptr_nonnull(strstr(fl_segment_why(), "1 to 4096"));
	ck_assert_int_eq(fl_segment_semaphore(segment, "x", 1, &semaphore), 1);
}
END_TEST

START_TEST(it_must_be_in_a_segment)
{
	struct shop shop;

	ck_assert_int_eq(fl_semaphore_init_shared(&shop.seats, 0), 0);
	ck_assert_int_eq(fl_semaphore_acquire_until(&shop.seats, fl_after(FL_SECONDS(1)), NULL), -EINVAL);
	reports_expect("semaphore", &shop.seats, NULL, "in no segment");
	ck_assert_int_eq(fl_semaphore_init_shared_holders(&shop.seats, 2), 0);
	ck_assert_int_eq(fl_semaphore_acquire(&shop.seats), -EINVAL);
	reports_expect("semaphore", &shop.seats, NULL, "in no segment");
	ck_assert(!fl_semaphore_acquire_try(&shop.seats));
	reports_expect("semaphore", &shop.seats, NULL, "in no segment");
	ck_assert_int_eq(fl_semaphore_release(&shop.seats, 1), -EINVAL);
	reports_expect("semaphore", &shop.seats, NULL, "in no segment");
	ck_assert_uint_eq(fl_semaphore_value(&shop.seats), 0);
}
END_TEST

START_TEST(to_destroy_it_while_it_is_waited_for_is_misuse)
{
	struct call call;

	call_start(&call, acquire, semaphore);
	shared_waiting_await(semaphore, 1);
	fl_semaphore_destroy(semaphore);
	reports_expect("semaphore", semaphore, NULL, "waited for");
	ck_assert_int_eq(fl_semaphore_release(semaphore, 1), 0);
	ck_assert_int_eq(call_end(&call), 0);
	fl_semaphore_destroy(semaphore);
}
END_TEST

/* Whatever others write into it, nobody crashes. */
START_TEST(nonsense_in_it_is_survived)
{
	static const uint32_t words[] = {0,          1,          2,          0x3fffffff, 0x40000000, 0x80000000,
					 0x80000401, 0xc0000000, 0xc0000001, 0xc0001000, 0xc0001001, 0xffffffff};
	enum { N = sizeof(words) / sizeof(words[0]) };
	/* Right before the end of its memory: what is behind must not be touched. */
	fl_semaphore *last = fl_segment_at(segment, segment->head->size - sizeof(*last), sizeof(*last));

	for (unsigned i = 0; i < N * N * N; i++) {
		last->fl_value = words[i % N];
		last->fl_bound = 0x80000000 | words[i / N % N];
		last->fl_guess = words[i / N / N];
		(void)fl_semaphore_value(last);
		if (fl_semaphore_acquire_until(last, 0, NULL) == 0)
			(void)fl_semaphore_release(last, 1);
		(void)fl_semaphore_release(last, 2);
	}
	for (unsigned i = 0; i < N; i++) {
		uint32_t *holders = (uint32_t *)(seats + 1);

		holders[0] = holders[1] = holders[2] = words[i];
		ck_assert_int_le(fl_semaphore_acquire_until(seats, 0, NULL), 0);
		ck_assert_int_le(fl_semaphore_release(seats, 1), 0);
		ck_assert_uint_le(fl_semaphore_value(seats), SEATS);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("semaphore_shared");
	TCase *kinds = testing_case_between(suite, "kinds", set_up, tear_down);
	TCase *contention = testing_case_between(suite, "contention", set_up, tear_down);
	TCase *misuse = testing_case_between(suite, "misuse", set_up, tear_down);

	tcase_add_loop_test(kinds, permits_are_counted, 0, 3);
	tcase_add_loop_test(kinds, it_is_found_by_name, 0, 3);
	tcase_add_loop_test(kinds, notes_and_deadlines_end_a_wait, 0, 3);
	tcase_add_test(kinds, a_release_wakes_as_many_as_it_has_permits);
	tcase_add_test(kinds, a_permit_of_one_who_gives_up_goes_to_the_next);
	tcase_add_test(kinds, bounds_are_kept);
	tcase_add_test(kinds, bounds_are_kept_while_somebody_waits);
	tcase_add_test(kinds, the_largest_bound_is_no_semaphore_with_holders);
	tcase_add_loop_test(contention, processes_share_permits, 0, 3);
	tcase_add_loop_test(contention, threads_share_permits, 0, 3);
	tcase_add_test(contention, what_one_process_releases_another_one_acquires);
	tcase_add_test(contention, deadlines_may_race_with_releases);
	tcase_add_test(misuse, numbers_are_checked);
	tcase_add_test(misuse, it_must_be_in_a_segment);
	tcase_add_test(misuse, to_destroy_it_while_it_is_waited_for_is_misuse);
	tcase_add_test(misuse, nonsense_in_it_is_survived);
	return testing_run(suite);
}
