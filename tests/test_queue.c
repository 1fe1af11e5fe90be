/*
 * test_queue.c - Queue: what comes out is what was put, in its order, and what can be asked about it.
 *
 * That waiting ends when it should is for test_queue_wait.c, and that it holds with many threads for test_queue_many.c.
 */
#include "queues.h"

#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>

/* What is put and what is got. */

START_TEST(it_is_first_in_first_out)
{
	ck_assert_int_eq(put(1), 0);
	ck_assert_int_eq(put(2), 0);
	ck_assert_int_eq(take(), 1);
	ck_assert_int_eq(put(3), 0);
	expect((int64_t[]){2, 3}, 2);
}
END_TEST

START_TEST(the_bound_is_real)
{
	int64_t i, round;

	for (round = 0; round < 100; round++) {
		for (i = 0; i < 3; i++) {
			ck_assert(!fl_queue_full(queue));
			ck_assert_int_eq(put(i), 0);
		}
		ck_assert(fl_queue_full(queue));
		ck_assert_int_eq(put(3), -EAGAIN);
		ck_assert_uint_eq(fl_queue_size(queue), 3);
		expect((int64_t[]){0, 1, 2}, 3);
		ck_assert(fl_queue_empty(queue));
	}
}
END_TEST

START_TEST(without_bound_it_grows)
{
	int64_t i, n = 100000, next = 0;

	remake(FL_QUEUE_FIFO, 0);
	for (i = 0; i < n; i++) {
		ck_assert_int_eq(put(i), 0);
		if (i % 3 == 0)
			ck_assert_int_eq(take(), next++);
	}
	ck_assert(!fl_queue_full(queue));
	while (next < n)
		ck_assert_int_eq(take(), next++);
	ck_assert_int_eq(take(), -1);
}
END_TEST

#ifndef TESTING_SANITIZED /* for which so much memory is an error */
START_TEST(without_memory_it_takes_what_there_is_room_for)
{
	const fl_queue_options options = {.item_size = FL_QUEUE_ITEM};
	char *items = calloc(64, FL_QUEUE_ITEM); /* which is all that is read of INT_MAX items */

	fl_queue_destroy(queue);
	ck_assert_int_eq(fl_queue_create(&queue, &options), 0);
	errno = EDOM;
	ck_assert_int_eq(fl_queue_put_many(queue, items, INT_MAX), 64);
	ck_assert_int_eq(fl_queue_put_many(queue, items, INT_MAX), -ENOMEM);
	ck_assert_int_eq(errno, EDOM);
	ck_assert_uint_eq(fl_queue_size(queue), 64);
	ck_assert_int_eq(fl_queue_put(queue, items), 0);
	ck_assert_uint_eq(fl_queue_size(queue), 65);
	free(items);
}
END_TEST
#endif

START_TEST(last_in_first_out)
{
	int64_t i;

	remake(FL_QUEUE_LIFO, 0);
	put(1);
	put(2);
	ck_assert_int_eq(take(), 2);
	put(3);
	expect((int64_t[]){3, 1}, 2);
	for (i = 0; i < 1000; i++)
		ck_assert_int_eq(put(i), 0);
	while (i > 0)
		ck_assert_int_eq(take(), --i);
}
END_TEST

struct job {
	char text[8];
	int64_t priority;
	int64_t number;
};

START_TEST(by_priority_and_equal_ones_first_in_first_out)
{
	const fl_queue_options options = {
		.kind = FL_QUEUE_PRIORITY,
		.item_size = sizeof(struct job),
		.priority_at = offsetof(struct job, priority),
	};
	struct job job = {.text = "job"}, last = {.priority = INT64_MIN};
	uint32_t random = 1;
	int64_t i, n = 3000;

	fl_queue_destroy(queue);
	ck_assert_int_eq(fl_queue_create(&queue, &options), 0);
	for (i = 0; i < n; i++) {
		random = random * 1664525 + 1013904223;
		job.priority = (int64_t)(random >> 28) - 8;
		job.number = i;
		ck_assert_int_eq(fl_queue_put_try(queue, &job), 0);
	}
	for (i = 0; i < n; i++, last = job) {
		ck_assert_int_eq(fl_queue_get_try(queue, &job), 0);
		ck_assert_str_eq(job.text, "job");
		ck_assert_int_ge(job.priority, last.priority);
		if (i > 0 && job.priority == last.priority)
			ck_assert_int_gt(job.number, last.number);
	}
	ck_assert_int_eq(fl_queue_get_try(queue, &job), -EAGAIN);
}
END_TEST

START_TEST(the_usual_options_are_those_of_pointers)
{
	int here, *pointer = &here, *got = NULL;
	fl_queue *pointers;

	ck_assert_int_eq(fl_queue_create(&pointers, NULL), 0);
	ck_assert_int_eq(fl_queue_put(pointers, &pointer), 0);
	ck_assert_int_eq(fl_queue_get(pointers, &got), 0);
	ck_assert_ptr_eq(got, &here);
	fl_queue_destroy(pointers);
	ck_assert_ptr_null(fl_queue_destroy(NULL));
}
END_TEST

START_TEST(items_may_have_any_size)
{
	static const uint32_t sizes[] = {1, 3, 8, 24, 1000, FL_QUEUE_ITEM};
	static char in[FL_QUEUE_ITEM], out[FL_QUEUE_ITEM];
	unsigned i, round;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const fl_queue_options options = {.item_size = sizes[i], .limit = 5};
		fl_queue *some;

		ck_assert_int_eq(fl_queue_create(&some, &options), 0);
		for (round = 0; round < 20; round++) {
			memset(in, (int)round, sizes[i]);
			ck_assert_int_eq(fl_queue_put(some, in), 0);
			ck_assert_int_eq(fl_queue_get(some, out), 0);
			ck_assert_int_eq(memcmp(in, out, sizes[i]), 0);
		}
		fl_queue_destroy(some);
	}
}
END_TEST

START_TEST(wrong_options_are_refused)
{
	static const fl_queue_options wrong[] = {
		{.kind = (enum fl_queue_kind)3},
		{.item_size = FL_QUEUE_ITEM + 1},
		{.kind = FL_QUEUE_PRIORITY, .item_size = 4},
		{.kind = FL_QUEUE_PRIORITY, .item_size = 16, .priority_at = 4},
		{.kind = FL_QUEUE_PRIORITY, .item_size = 16, .priority_at = 16},
		{.kind = FL_QUEUE_PRIORITY, .item_size = 16, .priority_at = UINT32_MAX - 7},
		{.priority_at = 8},
		{.fl_spare0 = 1},
		{.fl_spare = {0, 0, 0, 1}},
	};
	fl_queue *none = NULL;
	unsigned i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_int_eq(fl_queue_create(&none, &wrong[i]), -EINVAL);
	ck_assert_ptr_null(none);
}
END_TEST

/* Many at a time. */

START_TEST(many_are_put_and_got)
{
	int64_t items[10], i;

	for (i = 0; i < 10; i++)
		items[i] = i;
	ck_assert_int_eq(fl_queue_put_many_until(queue, items, 10, INT64_MIN, NULL), 3);
	ck_assert_int_eq(fl_queue_put_many_until(queue, items, 10, INT64_MIN, NULL), -ETIMEDOUT);
	memset(items, -1, sizeof(items));
	ck_assert_int_eq(fl_queue_get_many(queue, items, 2), 2);
	ck_assert(items[0] == 0 && items[1] == 1 && items[2] == -1);
	ck_assert_int_eq(fl_queue_get_many(queue, items, 10), 1);
	ck_assert(items[0] == 2 && items[1] == 1);
	ck_assert_int_eq(fl_queue_get_many_until(queue, items, 10, INT64_MIN, NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_queue_get_many(queue, items, 0), 0);
	ck_assert_int_eq(fl_queue_put_many(queue, items, 0), 0);
	ck_assert_int_eq(fl_queue_put_many(queue, items, (size_t)INT_MAX + 1), -EINVAL);
	ck_assert_int_eq(fl_queue_get_many(queue, items, (size_t)INT_MAX + 1), -EINVAL);
}
END_TEST

static int put_ten(void *unused)
{
	const int64_t items[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

	(void)unused;
	return fl_queue_put_many(queue, items, 10);
}

START_TEST(more_than_there_is_room_for_are_put_bit_by_bit)
{
	struct call call;
	int64_t i, item;

	call_start(&call, put_ten, NULL);
	for (i = 0; i < 10; i++) {
		ck_assert_int_eq(fl_queue_get(queue, &item), 0);
		ck_assert_int_eq(item, i);
	}
	ck_assert_int_eq(call_end(&call), 10);
}
END_TEST

START_TEST(a_shutdown_leaves_many_put_in_part)
{
	struct call call;

	call_start(&call, put_ten, NULL);
	waiting_await(putters(), 1);
	fl_queue_shutdown(queue);
	ck_assert_int_eq(call_end(&call), 3);
	ck_assert_int_eq(put_ten(NULL), -EPIPE);
	ck_assert_uint_eq(fl_queue_shutdown_now(queue), 3);
}
END_TEST

START_TEST(many_come_in_each_kind_s_order)
{
	const int64_t items[5] = {3, 1, 2, 5, 4};
	int64_t got[5];

	remake(FL_QUEUE_LIFO, 0);
	ck_assert_int_eq(fl_queue_put_many(queue, items, 5), 5);
	ck_assert_int_eq(fl_queue_get_many(queue, got, 5), 5);
	ck_assert(got[0] == 4 && got[1] == 5 && got[2] == 2 && got[3] == 1 && got[4] == 3);
	remake(FL_QUEUE_PRIORITY, 0);
	ck_assert_int_eq(fl_queue_put_many(queue, items, 5), 5);
	ck_assert_int_eq(fl_queue_get_many(queue, got, 5), 5);
	ck_assert(got[0] == 1 && got[1] == 2 && got[2] == 3 && got[3] == 4 && got[4] == 5);
}
END_TEST

/* Its descriptor. */

static bool readable(void)
{
	struct pollfd poll_fd = {.fd = fl_queue_fd(queue), .events = POLLIN};

	ck_assert_int_ge(poll_fd.fd, 0);
	return poll(&poll_fd, 1, 0) == 1;
}

START_TEST(its_descriptor_is_readable_when_there_is_an_item)
{
	int round;

	ck_assert(!readable());
	for (round = 0; round < 3; round++) {
		put(1);
		put(2);
		ck_assert(readable());
		ck_assert_int_eq(take(), 1);
		ck_assert(readable());
		ck_assert_int_eq(take(), 2);
		ck_assert_int_eq(take(), -1);
		ck_assert(!readable());
	}
	fl_queue_shutdown(queue);
	ck_assert(readable());
	ck_assert_int_eq(fl_queue_get_try(queue, &(int64_t){0}), -EPIPE);
	ck_assert(readable());
}
END_TEST

START_TEST(a_descriptor_asked_for_late_says_what_is_there)
{
	put(1);
	ck_assert(readable());
	ck_assert_int_eq(take(), 1);
	ck_assert_int_eq(take(), -1);
	ck_assert(!readable());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue");
	TCase *tcase = testing_case_between(suite, "items", set_up, tear_down);

	tcase_add_test(tcase, it_is_first_in_first_out);
	tcase_add_test(tcase, the_bound_is_real);
	tcase_add_test(tcase, without_bound_it_grows);
#ifndef TESTING_SANITIZED
	tcase_add_test(tcase, without_memory_it_takes_what_there_is_room_for);
#endif
	tcase_add_test(tcase, last_in_first_out);
	tcase_add_test(tcase, by_priority_and_equal_ones_first_in_first_out);
	tcase_add_test(tcase, the_usual_options_are_those_of_pointers);
	tcase_add_test(tcase, items_may_have_any_size);
	tcase_add_test(tcase, wrong_options_are_refused);
	tcase_add_test(tcase, many_are_put_and_got);
	tcase_add_test(tcase, more_than_there_is_room_for_are_put_bit_by_bit);
	tcase_add_test(tcase, a_shutdown_leaves_many_put_in_part);
	tcase_add_test(tcase, many_come_in_each_kind_s_order);
	tcase_add_test(tcase, its_descriptor_is_readable_when_there_is_an_item);
	tcase_add_test(tcase, a_descriptor_asked_for_late_says_what_is_there);
	return testing_run(suite);
}
