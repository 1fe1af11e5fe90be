/*
 * test_value.c - numbers that threads and processes share: each call is one step, and nothing is lost.
 */
#define _GNU_SOURCE
#include "sharing.h"

#include <inttypes.h>
#include <math.h>

#define TIMES 20000

static fl_value_int64 *signed_one;
static fl_value_uint64 *unsigned_one;
static fl_value_double *real;

static void set_up(void)
{
	sharing_set_up();
	ck_assert_int_eq(fl_segment_value_int64(segment, "signed", -3, &signed_one), 1);
	ck_assert_int_eq(fl_segment_value_uint64(segment, "unsigned", 3, &unsigned_one), 1);
	ck_assert_int_eq(fl_segment_value_double(segment, "real", 0.5, &real), 1);
}

/* Alone. */

START_TEST(an_int64_is_what_was_stored)
{
	static fl_value_int64 values[] = {FL_VALUE_INIT(-3)};
	fl_value_int64 *both[] = {signed_one, values};

	for (int i = 0; i < 2; i++) {
		fl_value_int64 *value = both[i];
		int64_t expected = 5;

		ck_assert_int_eq(fl_value_get(value), -3);
		ck_assert_int_eq(fl_value_add(value, 10), -3);
		ck_assert(!fl_value_compare_exchange(value, &expected, 1));
		ck_assert_int_eq(expected, 7);
		ck_assert(fl_value_compare_exchange(value, &expected, INT64_MIN));
		ck_assert_int_eq(expected, 7);
		ck_assert_int_eq(fl_value_exchange(value, INT64_MAX), INT64_MIN);
		ck_assert_int_eq(fl_value_add(value, 2), INT64_MAX);
		ck_assert_int_eq(fl_value_get(value), INT64_MIN + 1);
		fl_value_set(value, 4);
		ck_assert_int_eq(fl_value_get(value), 4);
	}
}
END_TEST

START_TEST(a_uint64_is_what_was_stored)
{
	static fl_value_uint64 values[] = {FL_VALUE_INIT(3)};
	fl_value_uint64 *both[] = {unsigned_one, values};

	for (int i = 0; i < 2; i++) {
		fl_value_uint64 *value = both[i];
		uint64_t expected = 5;

		ck_assert_uint_eq(fl_value_add(value, UINT64_MAX), 3);
		ck_assert(!fl_value_compare_exchange(value, &expected, 1));
		ck_assert_uint_eq(expected, 2);
		ck_assert(fl_value_compare_exchange(value, &expected, UINT64_MAX));
		ck_assert_uint_eq(fl_value_exchange(value, 0), UINT64_MAX);
		fl_value_set(value, UINT64_C(1) << 63);
		ck_assert_uint_eq(fl_value_get(value), UINT64_C(1) << 63);
	}
}
END_TEST

START_TEST(a_double_is_what_was_stored)
{
	static fl_value_double values[] = {FL_VALUE_INIT(0.5)};
	fl_value_double *both[] = {real, values};

	for (int i = 0; i < 2; i++) {
		fl_value_double *value = both[i];
		double expected = 5;

		ck_assert_double_eq(fl_value_add(value, 0.25), 0.5);
		ck_assert(!fl_value_compare_exchange(value, &expected, 1));
		ck_assert_double_eq(expected, 0.75);
		ck_assert(fl_value_compare_exchange(value, &expected, -1e300));
		ck_assert_double_eq(fl_value_exchange(value, INFINITY), -1e300);
		fl_value_set(value, -0.125);
		ck_assert_double_eq(fl_value_get(value), -0.125);
	}
}
END_TEST

START_TEST(doubles_are_compared_by_their_bits)
{
	double expected = 0.0;

	fl_value_set(real, -0.0);
	ck_assert(!fl_value_compare_exchange(real, &expected, 1));
	ck_assert(signbit(expected));
	fl_value_set(real, NAN);
	expected = NAN;
	ck_assert(fl_value_compare_exchange(real, &expected, 1));
	ck_assert_double_eq(fl_value_get(real), 1);
	fl_value_set(real, NAN);
	ck_assert(isnan(fl_value_add(real, 1)));
	ck_assert(isnan(fl_value_get(real)));
}
END_TEST

START_TEST(all_zero_is_a_value)
{
	static fl_value_int64 integer;
	static fl_value_uint64 natural;
	static fl_value_double number_;

	ck_assert_int_eq(fl_value_add(&integer, 1), 0);
	ck_assert_uint_eq(fl_value_add(&natural, 1), 0);
	ck_assert_double_eq(fl_value_add(&number_, 1), 0);
	fl_with (fl_value_lock(&integer))
		fl_with (fl_value_lock(&natural))
			fl_with (fl_value_lock(&number_))
				ck_assert_uint_eq(fl_rlock_count(fl_value_lock(&integer)), 1);
	ck_assert(!fl_rlock_locked(fl_value_lock(&integer)));
}
END_TEST

/* In a segment. */

START_TEST(it_is_found_by_name)
{
	fl_segment *other;
	fl_value_int64 *same;
	fl_value_uint64 *natural;
	fl_value_double *number_;

	ck_assert_int_eq(segments_open(&other, "shop", 0), 0);
	ck_assert_int_eq(fl_segment_value_int64(other, "signed", 99, &same), 0);
	ck_assert_ptr_ne(same, signed_one);
	ck_assert_int_eq(fl_value_get(same), -3);
	fl_value_set(same, 12);
	ck_assert_int_eq(fl_value_get(signed_one), 12);
	ck_assert_int_eq(fl_segment_value_uint64(other, "unsigned", 99, &natural), 0);
	ck_assert_uint_eq(fl_value_get(natural), 3);
	ck_assert_int_eq(fl_segment_value_double(other, "real", 99, &number_), 0);
	ck_assert_double_eq(fl_value_get(number_), 0.5);
	fl_segment_close(other);
}
END_TEST

START_TEST(another_type_is_refused)
{
	fl_value_int64 *integer = NULL;
	fl_value_uint64 *natural = NULL;
	fl_value_double *number_ = NULL;
	uint64_t *word = NULL;

	ck_assert_int_eq(fl_segment_value_int64(segment, "unsigned", 0, &integer), -EPROTO);
	ck_assert_int_eq(fl_segment_value_int64(segment, "real", 0, &integer), -EPROTO);
	ck_assert_int_eq(fl_segment_value_uint64(segment, "signed", 0, &natural), -EPROTO);
	ck_assert_int_eq(fl_segment_value_double(segment, "signed", 0, &number_), -EPROTO);
	ck_assert_ptr_nonnull(strstr(fl_segment_why(), "fl_value, int64"));
	ck_assert_int_eq(fl_segment_value_int64(segment, "n", 0, &integer), -EPROTO);
	ck_assert_int_eq(segments_number(segment, "signed", &word), -EPROTO);
	ck_assert_int_eq(fl_segment_value_int64(segment, "no name", 0, &integer), -EINVAL);
	ck_assert_int_eq(fl_segment_value_uint64(segment, "", 0, &natural), -EINVAL);
	ck_assert_int_eq(fl_segment_value_double(segment, ".x", 0, &number_), -EINVAL);
	ck_assert(!integer && !natural && !number_ && !word);
}
END_TEST

START_TEST(a_part_of_an_object_is_made_shared)
{
	struct pair {
		fl_value_int64 first;
		fl_value_double second;
		fl_value_uint64 third;
	};
	static const fl_segment_type type = FL_SEGMENT_TYPE(struct pair, 1);
	struct pair *pair;

	ck_assert_int_eq(fl_segment_object(segment, "pair", &type, NULL, NULL, (void **)&pair), 1);
	memset(pair, 0xa5, sizeof(*pair));
	fl_value_init_shared(&pair->first, 7);
	fl_value_init_shared(&pair->second, 7.5);
	fl_value_init_shared(&pair->third, 8);
	ck_assert_int_eq(fl_value_get(&pair->first), 7);
	ck_assert_double_eq(fl_value_get(&pair->second), 7.5);
	ck_assert_uint_eq(fl_value_get(&pair->third), 8);
	fl_with (fl_value_lock(&pair->first))
		fl_with (fl_value_lock(&pair->second))
			ck_assert(!fl_rlock_locked(fl_value_lock(&pair->third)));
}
END_TEST

/* At once. */

/* One more by each way of adding; all are lost if any is. */
static void count(unsigned index, void *arg)
{
	(void)index, (void)arg;
	for (int i = 0; i < TIMES; i++) {
		uint64_t before = fl_value_get(unsigned_one);

		fl_value_add(signed_one, 1);
		fl_value_add(real, 1);
		while (!fl_value_compare_exchange(unsigned_one, &before, before + 1))
			;
	}
}

static void count_in_child(void *arg)
{
	count(0, arg);
}

static void expect_counted(int by)
{
	ck_assert_int_eq(fl_value_get(signed_one), by * TIMES - 3);
	ck_assert_uint_eq(fl_value_get(unsigned_one), (uint64_t)by * TIMES + 3);
	ck_assert_double_eq(fl_value_get(real), by * TIMES + 0.5);
}

START_TEST(threads_lose_nothing)
{
	testing_together(4, count, NULL);
	expect_counted(4);
}
END_TEST

START_TEST(processes_lose_nothing)
{
	pid_t children[4];

	for (int i = 0; i < 4; i++)
		children[i] = process_start(count_in_child, NULL);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(process_end(children[i]), 0);
	expect_counted(4);
}
END_TEST

/* What is taken by an exchange is taken once. */
static void take(unsigned index, void *sum_)
{
	uint64_t *sum = sum_;

	(void)index;
	for (int i = 0; i < TIMES; i++) {
		fl_value_add(unsigned_one, 1);
		__atomic_add_fetch(sum, fl_value_exchange(unsigned_one, 0), __ATOMIC_RELAXED);
	}
}

START_TEST(what_is_exchanged_is_had_once)
{
	uint64_t sum = 0;

	testing_together(4, take, &sum);
	ck_assert_uint_eq(sum + fl_value_get(unsigned_one), 4 * TIMES + 3);
}
END_TEST

/* Two threads each set one value and look at the other's: one of them at least sees what the other set. */
static fl_value_int64 flags[2];
static fl_barrier both = FL_BARRIER_INIT(2, NULL, NULL);

static void set_and_look(unsigned index, void *missed_)
{
	unsigned *missed = missed_;

	for (int i = 1; i <= 2000; i++) {
		fl_barrier_wait(&both);
		fl_value_set(&flags[index], i);
		if (fl_value_get(&flags[1 - index]) < i)
			__atomic_add_fetch(&missed[i], 1, __ATOMIC_RELAXED);
	}
}

START_TEST(all_is_in_one_order)
{
	static unsigned missed[2001];

	testing_together(2, set_and_look, missed);
	for (int i = 1; i <= 2000; i++)
		ck_assert_msg(missed[i] < 2, "round %d", i);
}
END_TEST

static void add_in_handler(int number_)
{
	fl_value_add(signed_one, number_);
	fl_value_add(real, 1);
}

START_TEST(a_signal_handler_may_add)
{
	const struct sigaction action = {.sa_handler = add_in_handler};

	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	for (int i = 0; i < 100; i++) {
		fl_value_add(real, 1);
		raise(SIGUSR1);
	}
	ck_assert_int_eq(fl_value_get(signed_one), 100 * SIGUSR1 - 3);
	ck_assert_double_eq(fl_value_get(real), 200.5);
}
END_TEST

/* Its lock. */

static void hold_lock(void *arg)
{
	(void)arg;
	EXPECT(fl_rlock_acquire(fl_value_lock(signed_one)) == 0);
	fl_value_add(signed_one, 1);
	process_stay();
}

START_TEST(a_holder_of_its_lock_stops_no_call)
{
	pid_t child = process_start_ready(hold_lock, NULL);

	ck_assert(!fl_rlock_acquire_try(fl_value_lock(signed_one)));
	ck_assert_int_eq(fl_value_add(signed_one, 1), -2);
	fl_value_set(signed_one, 6);
	ck_assert_int_eq(fl_value_exchange(signed_one, 7), 6);
	process_kill(child);
	ck_assert_int_eq(fl_value_get(signed_one), 7);
}
END_TEST

START_TEST(who_dies_holding_its_lock_is_told)
{
	pid_t child = process_start_ready(hold_lock, NULL);

	process_kill(child);
	ck_assert_int_eq(fl_rlock_acquire(fl_value_lock(signed_one)), -EOWNERDEAD);
	ck_assert_int_eq(fl_value_get(signed_one), -2);
	ck_assert_int_eq(fl_rlock_mend(fl_value_lock(signed_one)), 0);
	fl_rlock_release(fl_value_lock(signed_one));
	ck_assert_int_eq(fl_rlock_acquire(fl_value_lock(signed_one)), 0);
	fl_rlock_release(fl_value_lock(signed_one));
}
END_TEST

static void count_twice(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES; i++) {
		fl_with (fl_value_lock(signed_one)) {
			fl_value_set(signed_one, fl_value_get(signed_one) + 1);
			fl_with (fl_value_lock(signed_one))
				fl_value_set(signed_one, fl_value_get(signed_one) + 1);
		}
	}
}

START_TEST(several_steps_under_its_lock_are_one)
{
	pid_t child = process_start(count_twice, NULL);

	count_twice(NULL);
	ck_assert_int_eq(process_end(child), 0);
	ck_assert_int_eq(fl_value_get(signed_one), 4 * TIMES - 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("value");
	TCase *alone = testing_case(suite, "alone"), *shared_ = testing_case(suite, "segment"),
	      *at_once = testing_case(suite, "at once"), *own = testing_case(suite, "lock"),
	      *cases[] = {alone, shared_, at_once, own};

	for (int i = 0; i < 4; i++)
		tcase_add_checked_fixture(cases[i], set_up, sharing_tear_down);
	tcase_add_test(alone, an_int64_is_what_was_stored);
	tcase_add_test(alone, a_uint64_is_what_was_stored);
	tcase_add_test(alone, a_double_is_what_was_stored);
	tcase_add_test(alone, doubles_are_compared_by_their_bits);
	tcase_add_test(alone, all_zero_is_a_value);
	tcase_add_test(shared_, it_is_found_by_name);
	tcase_add_test(shared_, another_type_is_refused);
	tcase_add_test(shared_, a_part_of_an_object_is_made_shared);
	tcase_add_test(at_once, threads_lose_nothing);
	tcase_add_test(at_once, processes_lose_nothing);
	tcase_add_test(at_once, what_is_exchanged_is_had_once);
	tcase_add_test(at_once, all_is_in_one_order);
	tcase_add_test(at_once, a_signal_handler_may_add);
	tcase_add_test(own, a_holder_of_its_lock_stops_no_call);
	tcase_add_test(own, who_dies_holding_its_lock_is_told);
	tcase_add_test(own, several_steps_under_its_lock_are_one);
	return testing_run(suite);
}
