/*
 * test_time.c - points in time: they saturate, and they are CLOCK_MONOTONIC's.
 */
#include "testing.h"

#include <errno.h>
#include <fairlead/time.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

static fl_time monotonic(void)
{
	struct timespec now;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (fl_time)now.tv_sec * 1000000000 + now.tv_nsec;
}

START_TEST(now_is_the_monotonic_clock)
{
	fl_time before = monotonic(), now = fl_now(), after = monotonic();

	ck_assert_int_le(before, now);
	ck_assert_int_le(now, after);
}
END_TEST

START_TEST(now_never_goes_back)
{
	fl_time last = fl_now();
	int i;

	for (i = 0; i < 100000; i++) {
		fl_time now = fl_now();

		ck_assert_int_ge(now, last);
		last = now;
	}
}
END_TEST

START_TEST(durations_are_counted_in_64_bits)
{
	ck_assert_int_eq(FL_NS(7), 7);
	ck_assert_int_eq(FL_US(7), 7000);
	ck_assert_int_eq(FL_MS(7), 7000000);
	ck_assert_int_eq(FL_SECONDS(7), INT64_C(7000000000));
	ck_assert_int_eq(FL_SECONDS(9223372036), INT64_C(9223372036000000000));
	ck_assert_int_eq(FL_MS(-1), -1000000);
	ck_assert_uint_eq(sizeof(FL_NS((char)1)), 8);
	ck_assert_int_eq(FL_US(1 + 1), 2000);
}
END_TEST

START_TEST(after_counts_from_now)
{
	fl_time before = fl_now(), then = fl_after(FL_SECONDS(5)), after = fl_now();

	ck_assert_int_le(before + FL_SECONDS(5), then);
	ck_assert_int_ge(after + FL_SECONDS(5), then);
	ck_assert_int_le(fl_after(0), fl_now());
	ck_assert_int_lt(fl_after(-1), fl_now());
	ck_assert_int_lt(fl_after(INT64_MIN), 0);
}
END_TEST

START_TEST(after_saturates)
{
	ck_assert_int_eq(fl_after(FL_FOREVER), FL_FOREVER);
	ck_assert_int_eq(fl_after(FL_FOREVER - 1), FL_FOREVER);
	ck_assert_int_lt(fl_after(FL_FOREVER / 2), FL_FOREVER);
}
END_TEST

static const struct sum {
	fl_time a, b, sum;
} sums[] = {
	{1, 2, 3},
	{-1, 1, 0},
	{0, INT64_MIN, INT64_MIN},
	{INT64_MAX - 1, 0, INT64_MAX - 1},
	{INT64_MAX - 1, 1, FL_FOREVER},
	{INT64_MAX - 1, 2, FL_FOREVER},
	{INT64_MAX - 1, INT64_MAX - 1, FL_FOREVER},
	{INT64_MIN, -1, INT64_MIN},
	{INT64_MIN, INT64_MIN, INT64_MIN},
	{INT64_MIN + 5, -5, INT64_MIN},
	{INT64_MIN, INT64_MAX - 1, -2},
	{FL_FOREVER, INT64_MIN, FL_FOREVER},
	{FL_FOREVER, -1, FL_FOREVER},
	{FL_FOREVER, 0, FL_FOREVER},
	{FL_FOREVER, FL_FOREVER, FL_FOREVER},
};
#define N_SUMS ((int)(sizeof(sums) / sizeof(sums[0])))

START_TEST(sums_saturate_either_way_round)
{
	ck_assert_int_eq(fl_time_add(sums[_i].a, sums[_i].b), sums[_i].sum);
	ck_assert_int_eq(fl_time_add(sums[_i].b, sums[_i].a), sums[_i].sum);
}
END_TEST

START_TEST(remaining_is_never_negative)
{
	fl_time now = fl_now(), left;

	ck_assert_int_eq(fl_remaining(FL_FOREVER), FL_FOREVER);
	ck_assert_int_eq(fl_remaining(now), 0);
	ck_assert_int_eq(fl_remaining(0), 0);
	ck_assert_int_eq(fl_remaining(-1), 0);
	ck_assert_int_eq(fl_remaining(INT64_MIN), 0);
	left = fl_remaining(now + FL_SECONDS(100));
	ck_assert_int_gt(left, 0);
	ck_assert_int_le(left, FL_SECONDS(100));
	left = fl_remaining(FL_FOREVER - 1);
	ck_assert_int_gt(left, 0);
	ck_assert_int_lt(left, FL_FOREVER - 1);
}
END_TEST

START_TEST(seconds_are_pythons)
{
	ck_assert_int_eq(fl_seconds(0), 0);
	ck_assert_int_eq(fl_seconds(-0.0), 0);
	ck_assert_int_eq(fl_seconds(1), FL_SECONDS(1));
	ck_assert_int_eq(fl_seconds(0.25), FL_MS(250));
	ck_assert_int_eq(fl_seconds(-2.5), -FL_MS(2500));
	ck_assert_int_eq(fl_seconds(1e-9), 1);
	ck_assert_int_eq(fl_seconds(1e-10), 0);
	ck_assert_int_le(llabs(fl_seconds(0.1) - FL_MS(100)), 1);
}
END_TEST

START_TEST(seconds_saturate)
{
	ck_assert_int_eq(fl_seconds(NAN), 0);
	ck_assert_int_eq(fl_seconds(INFINITY), FL_FOREVER);
	ck_assert_int_eq(fl_seconds(-INFINITY), INT64_MIN);
	ck_assert_int_eq(fl_seconds(1e300), FL_FOREVER);
	ck_assert_int_eq(fl_seconds(-1e300), INT64_MIN);
	ck_assert_int_eq(fl_seconds(9223372036.854776), FL_FOREVER); /* 2^63 ns */
	ck_assert_int_eq(fl_seconds(-9223372036.854776), INT64_MIN);
	ck_assert_int_lt(fl_seconds(9223372036.8), FL_FOREVER);
	ck_assert_int_gt(fl_seconds(-9223372036.8), INT64_MIN);
	ck_assert_int_eq(fl_after(fl_seconds(INFINITY)), FL_FOREVER);
}
END_TEST

START_TEST(errno_is_left_alone)
{
	errno = ENOTTY;
	fl_after(fl_seconds(1e300));
	fl_remaining(fl_now());
	ck_assert_int_eq(errno, ENOTTY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("time");
	TCase *clock = testing_case(suite, "clock"), *arithmetic = testing_case(suite, "arithmetic");

	tcase_add_test(clock, now_is_the_monotonic_clock);
	tcase_add_test(clock, now_never_goes_back);
	tcase_add_test(clock, after_counts_from_now);
	tcase_add_test(clock, after_saturates);
	tcase_add_test(clock, remaining_is_never_negative);
	tcase_add_test(arithmetic, durations_are_counted_in_64_bits);
	tcase_add_loop_test(arithmetic, sums_saturate_either_way_round, 0, N_SUMS);
	tcase_add_test(arithmetic, seconds_are_pythons);
	tcase_add_test(arithmetic, seconds_saturate);
	tcase_add_test(arithmetic, errno_is_left_alone);
	return testing_run(suite);
}
