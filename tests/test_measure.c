/*
 * test_measure.c - durations that are counted: the quantiles beside those of the sorted durations themselves.
 */
#include "testing.h"

#include "../cli/measure.h"
#include <stdlib.h>
#include <string.h>

#define N 1000

static int compare(const void *a, const void *b)
{
	const fl_time *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

/* Fails unless the answer is the duration in the middle of the sorted ones, or up to 1/32 more. */
static void expect_quantile(const struct measure *measure, const fl_time *sorted, int n, double part)
{
	int place = (int)(part * n + 0.999999) - 1;
	fl_time wanted = sorted[place < 0 ? 0 : place], is = measure_quantile(measure, part);

	ck_assert_int_ge(is, wanted);
	ck_assert_int_le(is, wanted + wanted / 32);
	ck_assert_int_le(is, sorted[n - 1]);
}

START_TEST(quantiles_are_those_of_the_sorted)
{
	struct measure measure = {0};
	fl_time durations[N];
	uint64_t state = (uint64_t)_i + 1;

	for (int i = 0; i < N; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		durations[i] = (fl_time)(state >> (2 + (state >> 32) % (10 * (unsigned)_i + 1) % 62));
		measure_add(&measure, durations[i]);
	}
	qsort(durations, N, sizeof(durations[0]), compare);
	expect_quantile(&measure, durations, N, 0.01);
	expect_quantile(&measure, durations, N, 0.5);
	expect_quantile(&measure, durations, N, 0.99);
	expect_quantile(&measure, durations, N, 1);
	ck_assert_int_eq(measure_quantile(&measure, 1), durations[N - 1]);
}
END_TEST

/* Each power of two and what is beside it: the ends of the buckets. */
START_TEST(one_duration_is_every_quantile)
{
	struct measure measure;
	fl_time duration;

	for (int bit = 0; bit < 63; bit++) {
		for (int beside = -1; beside <= 1; beside++) {
			duration = (INT64_C(1) << bit) + beside;
			memset(&measure, 0, sizeof(measure));
			measure_add(&measure, duration);
			ck_assert_int_eq(measure_quantile(&measure, 0.5), duration);
		}
	}
	memset(&measure, 0, sizeof(measure));
	measure_add(&measure, INT64_MAX);
	ck_assert_int_eq(measure_quantile(&measure, 0.99), INT64_MAX);
}
END_TEST

START_TEST(none_and_less_than_none_are_0)
{
	struct measure measure = {0};

	ck_assert_int_eq(measure_quantile(&measure, 0.5), 0);
	measure_add(&measure, -5);
	ck_assert_int_eq(measure_quantile(&measure, 0.5), 0);
	ck_assert_uint_eq(measure.n, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("measure");
	TCase *tests = testing_case(suite, "measure");

	tcase_add_loop_test(tests, quantiles_are_those_of_the_sorted, 0, 7);
	tcase_add_test(tests, one_duration_is_every_quantile);
	tcase_add_test(tests, none_and_less_than_none_are_0);
	return testing_run(suite);
}
