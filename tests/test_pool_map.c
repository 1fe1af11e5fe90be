/*
 * test_pool_map.c - a function over many items: all at once, one after the other, in chunks, with errors and deaths.
 */
#define _GNU_SOURCE
#include "pools.h"

#include <stdio.h>

enum { MOST = 20000 };

static int items[MOST], results[MOST], errors[MOST];
static char message[200];

static int add_to(const void *item, void *ret_result, fl_task *task, void *arg)
{
	int n = *(const int *)item, more = arg ? *(int *)arg : 0;

	(void)task;
	n += more;
	memcpy(ret_result, &n, sizeof(n));
	return 0;
}

/* Fails for multiples of 7, and logs. */
static int fail_some(const void *item, void *ret_result, fl_task *task, void *arg)
{
	int n = *(const int *)item;

	(void)arg;
	pools_log(n);
	if (n % 7 == 3)
		return fl_task_fail(task, -EDOM, "not %d", n);
	if (n % 7 == 5)
		return -ERANGE;
	memcpy(ret_result, &n, sizeof(n));
	return 0;
}

/* The worker dies of item 17. */
static int die_of_17(const void *item, void *ret_result, fl_task *task, void *arg)
{
	int n = *(const int *)item;

	(void)task, (void)arg;
	pools_log(n);
	if (n == 17)
		pools_raise(SIGSEGV);
	memcpy(ret_result, &n, sizeof(n));
	return 0;
}

static fl_pool_items over(int (*function)(const void *item, void *ret_result, fl_task *task, void *arg), size_t n,
			  size_t chunk)
{
	for (size_t i = 0; i < n; i++) {
		items[i] = (int)i;
		results[i] = -1;
		errors[i] = 1;
	}
	return (fl_pool_items){.function = function,
			       .n = n,
			       .items = items,
			       .item_size = sizeof(items[0]),
			       .results = results,
			       .result_size = sizeof(results[0]),
			       .chunk = chunk,
			       .message = message,
			       .message_size = sizeof(message)};
}

/* All at once. */

START_TEST(results_are_where_they_belong)
{
	const size_t chunks[] = {0, 1, 2, 7, 100, MOST, SIZE_MAX}, counts[] = {0, 1, 2, 99, MOST};
	const int more = 1000;
	fl_pool_items map;

	pools_make(&(fl_pool_options){.max_workers = 3});
	for (size_t c = 0; c < sizeof(chunks) / sizeof(chunks[0]); c++)
		for (size_t n = 0; n < sizeof(counts) / sizeof(counts[0]); n++) {
			map = over(add_to, counts[n], chunks[c]);
			map.arg = c % 2 ? &more : NULL;
			map.arg_size = c % 2 ? sizeof(more) : 0;
			ck_assert_int_eq(fl_pool_map(pool, &map), 0);
			for (size_t i = 0; i < counts[n]; i++)
				ck_assert_int_eq(results[i], (int)i + (c % 2 ? more : 0));
		}
}
END_TEST

static int fill(const void *item, void *ret_result, fl_task *task, void *arg)
{
	(void)task, (void)arg;
	memset(ret_result, *(const char *)item, 100000);
	return 0;
}

START_TEST(they_may_be_large)
{
	enum { N = 50, SIZE = 100000 };
	char *large = calloc(N, SIZE), from[N];
	fl_pool_items map = {.function = fill,
			     .n = N,
			     .items = from,
			     .item_size = 1,
			     .results = large,
			     .result_size = SIZE,
			     .chunk = 3};
	int wrong = 0;

	for (int i = 0; i < N; i++)
		from[i] = (char)(i + 1);
	pools_make(&(fl_pool_options){.max_workers = 2});
	ck_assert_int_eq(fl_pool_map(pool, &map), 0);
	for (int i = 0; i < N * SIZE; i++)
		wrong += large[i] != i / SIZE + 1;
	ck_assert_int_eq(wrong, 0);
	free(large);
}
END_TEST

static int log_item(const void *item, void *ret_result, fl_task *task, void *arg)
{
	(void)item, (void)task, (void)arg;
	EXPECT(!ret_result);
	pools_log(1);
	return 0;
}

START_TEST(there_need_be_none)
{
	pools_make(NULL);
	ck_assert_int_eq(fl_pool_map(pool, &(fl_pool_items){.function = log_item, .n = 25, .chunk = 3}), 0);
	ck_assert_int_eq(pools_logged(), 25);
}
END_TEST

START_TEST(the_first_error_ends_it)
{
	fl_pool_items map = over(fail_some, 10000, 5);

	pools_make(&(fl_pool_options){.max_workers = 2});
	ck_assert_int_eq(fl_pool_map(pool, &map), -EDOM);
	ck_assert_str_eq(message, "not 3");
	pool = fl_pool_destroy(pool);
	ck_assert_int_lt(pools_logged(), 9000);
}
END_TEST

START_TEST(or_all_are_noted)
{
	const size_t chunks[] = {0, 1, 4, 100};
	fl_pool_items map;

	pools_make(&(fl_pool_options){.max_workers = 2});
	for (size_t c = 0; c < sizeof(chunks) / sizeof(chunks[0]); c++) {
		map = over(fail_some, 100, chunks[c]);
		map.errors = errors;
		ck_assert_int_eq(fl_pool_map(pool, &map), -EDOM);
		ck_assert_str_eq(message, "not 3");
		for (int i = 0; i < 100; i++) {
			ck_assert_int_eq(errors[i], i % 7 == 3 ? -EDOM : i % 7 == 5 ? -ERANGE : 0);
			ck_assert_int_eq(results[i], errors[i] ? -1 : i);
		}
	}
	ck_assert_int_eq(pools_logged(), 400);
}
END_TEST

START_TEST(a_death_costs_its_own_item_only)
{
	fl_pool_items map = over(die_of_17, 100, 10);

	pools_make(&(fl_pool_options){.max_workers = 2, .tries = 2});
	map.errors = errors;
	ck_assert_int_eq(fl_pool_map(pool, &map), -ECHILD);
	ck_assert_msg(strstr(message, "(item 17) killed worker ") && strstr(message, " by SIGSEGV, tried 2 times"),
		      "%s", message);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(errors[i], i == 17 ? -ECHILD : 0);
		ck_assert_int_eq(results[i], i == 17 ? -1 : i);
		ck_assert_int_eq(pools_count(i), i == 17 ? 3 : i >= 10 && i < 17 ? 2 : 1);
	}
	ck_assert_uint_eq(fl_pool_deaths(pool), 3);
}
END_TEST

START_TEST(or_its_chunk_if_nothing_is_tried_again)
{
	fl_pool_items map = over(die_of_17, 100, 10);

	pools_make(&(fl_pool_options){.max_workers = 2, .tries = 1});
	map.errors = errors;
	ck_assert_int_eq(fl_pool_map(pool, &map), -ECHILD);
	ck_assert_msg(strstr(message, "(items 10 to 19) killed worker "), "%s", message);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(errors[i], i / 10 == 1 ? -ECHILD : 0);
	ck_assert_int_eq(pools_logged(), 98);
}
END_TEST

static int hang(const void *item, void *ret_result, fl_task *task, void *arg)
{
	(void)ret_result, (void)arg;
	pools_log(*(const int *)item);
	fl_note_wait(fl_task_note(task));
	return 0;
}

START_TEST(it_has_a_deadline_and_a_note)
{
	fl_pool_items map = over(hang, 10, 1);
	fl_note note = FL_NOTE_INIT;

	pools_make(&(fl_pool_options){.max_workers = 2});
	ck_assert_int_eq(fl_pool_map_until(pool, &map, fl_after(FL_MS(50)), NULL), -ETIMEDOUT);
	fl_note_cancel(&note);
	ck_assert_int_eq(fl_pool_map_until(pool, &map, FL_FOREVER, &note), -ECANCELED);
	pool = fl_pool_destroy(pool); /* what runs was told */
}
END_TEST

START_TEST(a_chunk_has_a_timeout)
{
	fl_pool_items map = over(hang, 4, 2);

	pools_make(&(fl_pool_options){.max_workers = 2});
	map.timeout = FL_MS(20);
	map.errors = errors;
	ck_assert_int_eq(fl_pool_map(pool, &map), -ETIMEDOUT);
	ck_assert_msg(strstr(message, "(items 0 to 1) ran for longer than 0.020 s in worker "), "%s", message);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(errors[i], -ETIMEDOUT);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
	fl_pool_results *none = NULL;
	fl_pool_items map = over(add_to, 10, 1);

	pools_make(NULL);
	map.timeout = -1;
	ck_assert_int_eq(fl_pool_map(pool, &map), -EINVAL);
	map = over(add_to, 10, 1);
	map.fl_spare[1] = 1;
	ck_assert_int_eq(fl_pool_map(pool, &map), -EINVAL);
	map = over(add_to, 10, 1);
	map.item_size = SIZE_MAX / 4;
	ck_assert_int_eq(fl_pool_imap(&none, pool, &map), -EINVAL);
	map = over(add_to, 10, 1);
	map.result_size = SIZE_MAX / 4;
	ck_assert_int_eq(fl_pool_imap_unordered(&none, pool, &map), -EINVAL);
	map = over(add_to, 10, 1);
	map.results = NULL;
	ck_assert_int_eq(fl_pool_map(pool, &map), -EINVAL);
	map = over(add_to, 10, 1);
	map.items = NULL;
	ck_assert_int_eq(fl_pool_map(pool, &map), -EINVAL);
	map = over(NULL, 10, 1);
	ck_assert_int_eq(fl_pool_map(pool, &map), -EINVAL);
	map = over(add_to, 10, 1);
	map.arg_size = 4;
	ck_assert_int_eq(fl_pool_map(pool, &map), -EINVAL);
	ck_assert_ptr_null(none);
	fl_pool_shutdown(pool, false, false);
	map = over(add_to, 10, 3);
	map.errors = errors;
	ck_assert_int_eq(fl_pool_map(pool, &map), -EPIPE);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(errors[i], -EPIPE);
}
END_TEST

/* One after the other. */

static void expect_all(bool ordered, size_t n, size_t chunk)
{
	fl_pool_items map = over(add_to, n, chunk);
	fl_pool_results *iterator;
	fl_pool_result result;
	size_t got = 0;
	int more;

	ck_assert_int_eq((ordered ? fl_pool_imap : fl_pool_imap_unordered)(&iterator, pool, &map), 0);
	while ((more = fl_pool_results_next(iterator, &result)) == 1) {
		ck_assert_int_eq(result.error, 0);
		ck_assert_str_eq(result.message, "");
		ck_assert_int_eq(*(const int *)result.value, (int)result.index);
		if (ordered)
			ck_assert_uint_eq(result.index, got);
		ck_assert_int_eq(errors[result.index], 1);
		errors[result.index] = 0;
		got++;
	}
	ck_assert_int_eq(more, 0);
	ck_assert_uint_eq(got, n);
	ck_assert_int_eq(fl_pool_results_next(iterator, &result), 0);
	ck_assert_ptr_null(fl_pool_results_destroy(iterator));
}

START_TEST(each_comes_once)
{
	const size_t chunks[] = {0, 1, 3, 1000}, counts[] = {0, 1, 10, MOST};

	pools_make(&(fl_pool_options){.max_workers = 3});
	for (size_t c = 0; c < sizeof(chunks) / sizeof(chunks[0]); c++)
		for (size_t n = 0; n < sizeof(counts) / sizeof(counts[0]); n++) {
			expect_all(true, counts[n], chunks[c]);
			expect_all(false, counts[n], chunks[c]);
		}
}
END_TEST

/* The first one waits for the second, which so is done before it. */
static int wait_for_second(const void *item, void *ret_result, fl_task *task, void *arg)
{
	int n = *(const int *)item;

	(void)arg;
	if (n == 0)
		fl_note_wait_until(fl_task_note(task), fl_after(FL_SECONDS(60)));
	memcpy(ret_result, &n, sizeof(n));
	return 0;
}

START_TEST(as_they_come_or_in_order)
{
	fl_pool_items map = over(wait_for_second, 20, 1);
	fl_pool_results *iterator;
	fl_pool_result result;

	pools_make(&(fl_pool_options){.max_workers = 2});
	ck_assert_int_eq(fl_pool_imap_unordered(&iterator, pool, &map), 0);
	for (int i = 1; i < 20; i++) {
		ck_assert_int_eq(fl_pool_results_next(iterator, &result), 1);
		ck_assert_uint_ne(result.index, 0);
	}
	ck_assert_int_eq(fl_pool_results_next_until(iterator, &result, fl_after(FL_MS(5)), NULL), -ETIMEDOUT);
	fl_pool_results_destroy(iterator); /* cancels the first */
	ck_assert_int_eq(fl_pool_imap(&iterator, pool, &map), 0);
	ck_assert_int_eq(fl_pool_results_next_until(iterator, &result, fl_after(FL_MS(5)), NULL), -ETIMEDOUT);
	fl_pool_results_destroy(iterator);
}
END_TEST

START_TEST(errors_and_deaths_come_like_results)
{
	fl_pool_items map = over(die_of_17, 60, 6);
	fl_pool_results *iterator;
	fl_pool_result result;

	pools_make(&(fl_pool_options){.max_workers = 2, .tries = 2});
	ck_assert_int_eq(fl_pool_imap(&iterator, pool, &map), 0);
	for (int i = 0; i < 60; i++) {
		ck_assert_int_eq(fl_pool_results_next(iterator, &result), 1);
		ck_assert_uint_eq(result.index, (size_t)i);
		ck_assert_int_eq(result.error, i == 17 ? -ECHILD : 0);
		if (i == 17)
			ck_assert_ptr_nonnull(strstr(result.message, "(item 17) killed worker "));
		else
			ck_assert_int_eq(*(const int *)result.value, i);
	}
	ck_assert_int_eq(fl_pool_results_next(iterator, &result), 0);
	fl_pool_results_destroy(iterator);
	map = over(fail_some, 21, 21);
	ck_assert_int_eq(fl_pool_imap_unordered(&iterator, pool, &map), 0);
	for (int i = 0; i < 21; i++) {
		ck_assert_int_eq(fl_pool_results_next(iterator, &result), 1);
		ck_assert_int_eq(result.error, i % 7 == 3 ? -EDOM : i % 7 == 5 ? -ERANGE : 0);
		ck_assert_ptr_nonnull(strstr(result.message, i % 7 == 5 ? strerror(ERANGE) : i % 7 == 3 ? "not " : ""));
	}
	fl_pool_results_destroy(iterator);
}
END_TEST

/* Whatever is under way: nothing is touched afterwards, which a sanitizer would see. */
START_TEST(an_iterator_may_be_left)
{
	fl_pool_items map = over(add_to, MOST, 3);
	fl_pool_results *iterator;
	fl_pool_result result;

	pools_make(&(fl_pool_options){.max_workers = 3});
	for (int i = 0; i < 60; i++) {
		ck_assert_int_eq((i % 2 ? fl_pool_imap : fl_pool_imap_unordered)(&iterator, pool, &map), 0);
		for (int k = 0; k < i * 3; k++)
			ck_assert_int_eq(fl_pool_results_next(iterator, &result), 1);
		fl_pool_results_destroy(iterator);
	}
	ck_assert_ptr_null(fl_pool_results_destroy(NULL));
	pools_expect(pools_submit(pools_square, 3), 9);
}
END_TEST

static void map_some(unsigned index, void *arg)
{
	int its[1000], out[1000];
	const int more = (int)index;
	fl_pool_items map = {.function = add_to,
			     .arg = &more,
			     .arg_size = sizeof(more),
			     .n = 1000,
			     .items = its,
			     .item_size = sizeof(int),
			     .results = out,
			     .result_size = sizeof(int),
			     .chunk = 1 + index};

	(void)arg;
	for (int i = 0; i < 1000; i++)
		its[i] = i;
	for (int round = 0; round < 3; round++) {
		ck_assert_int_eq(fl_pool_map(pool, &map), 0);
		for (int i = 0; i < 1000; i++)
			ck_assert_int_eq(out[i], i + more);
	}
}

START_TEST(several_threads_map_at_once)
{
	pools_make(&(fl_pool_options){.max_workers = 2});
	testing_together(5, map_some, NULL);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *all, *each;

	fl_process_begin();
	suite = suite_create("pool_map");
	all = testing_case_between(suite, "all", pools_set_up, pools_tear_down);
	each = testing_case_between(suite, "each", pools_set_up, pools_tear_down);
	tcase_add_test(all, results_are_where_they_belong);
	tcase_add_test(all, they_may_be_large);
	tcase_add_test(all, there_need_be_none);
	tcase_add_test(all, the_first_error_ends_it);
	tcase_add_test(all, or_all_are_noted);
	tcase_add_test(all, a_death_costs_its_own_item_only);
	tcase_add_test(all, or_its_chunk_if_nothing_is_tried_again);
	tcase_add_test(all, it_has_a_deadline_and_a_note);
	tcase_add_test(all, a_chunk_has_a_timeout);
	tcase_add_test(all, what_cannot_be_is_refused);
	tcase_add_test(each, each_comes_once);
	tcase_add_test(each, as_they_come_or_in_order);
	tcase_add_test(each, errors_and_deaths_come_like_results);
	tcase_add_test(each, an_iterator_may_be_left);
	tcase_add_test(each, several_threads_map_at_once);
	return testing_run(suite);
}
