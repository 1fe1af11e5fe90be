/*
 * test_shared_queue.c - Queue between processes, while nobody dies: order, sizes, waiting, joining, shutting down.
 */
#include "shared_queues.h"

static void set_up(void)
{
	shared_queues_set_up();
}

static void tear_down(void)
{
	all_places_are_there();
	shared_queues_tear_down();
}

/* Order. */

START_TEST(first_in_first_out)
{
	for (int64_t round = 0; round < 3; round++) {
		put_numbers(1, 3);
		ck_assert_int_eq(get_number(), 1);
		ck_assert_int_eq(put_number(4), 0);
		for (int64_t number = 2; number <= 4; number++)
			ck_assert_int_eq(get_number(), number);
		ck_assert_int_eq(get_number(), -EAGAIN);
	}
}
END_TEST

START_TEST(last_in_first_out)
{
	queue_of("pile", FL_QUEUE_LIFO, 0);
	put_numbers(1, 3);
	ck_assert_int_eq(get_number(), 3);
	ck_assert_int_eq(put_number(4), 0);
	ck_assert_int_eq(get_number(), 4);
	ck_assert_int_eq(get_number(), 2);
	ck_assert_int_eq(get_number(), 1);
	ck_assert_int_eq(get_number(), -EAGAIN);
}
END_TEST

struct job {
	int64_t number, priority;
};

START_TEST(by_priority_and_then_first_in_first_out)
{
	static const struct job jobs[] = {{1, 5}, {2, -7}, {3, 5}, {4, INT64_MIN}, {5, INT64_MAX}, {6, -7}};
	static const int64_t order[] = {4, 2, 6, 1, 3, 5};
	const fl_shared_queue_options options = {
		.kind = FL_QUEUE_PRIORITY,
		.item_size = sizeof(struct job),
		.limit = 6,
		.priority_at = offsetof(struct job, priority),
	};
	fl_shared_queue *by_priority;
	struct job job;

	ck_assert_int_eq(fl_segment_queue(segment, "jobs", &options, &by_priority), 1);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(fl_shared_queue_put(by_priority, &jobs[i], sizeof(jobs[i])), 0);
	ck_assert_int_eq(fl_shared_queue_put_try(by_priority, &jobs[0], sizeof(jobs[0])), -EAGAIN);
	ck_assert_int_eq(fl_shared_queue_put_try(by_priority, &jobs[0], sizeof(jobs[0]) - 1), -EMSGSIZE);
	for (int i = 0; i < 6; i++) {
		ck_assert_int_eq(fl_shared_queue_get(by_priority, &job, sizeof(job), NULL), sizeof(job));
		ck_assert_int_eq(job.number, order[i]);
	}
}
END_TEST

START_TEST(what_is_given_back_comes_first)
{
	static const enum fl_queue_kind kinds[] = {FL_QUEUE_FIFO, FL_QUEUE_LIFO, FL_QUEUE_PRIORITY};
	static const int64_t order[][ROOM] = {{1, 2, 3, 4}, {4, 3, 2, 1}, {1, 2, 3, 4}};
	fl_shared_queue_item items[ROOM];

	queue_of("others", kinds[_i], 0);
	put_numbers(1, ROOM);
	for (int i = 0; i < ROOM; i++)
		ck_assert_int_eq(peek_number(&items[i]), order[_i][i]);
	for (int i = 0; i < ROOM; i++) {
		int which = i * 3 % ROOM;

		ck_assert_uint_eq(items[which].deliveries, 1);
		ck_assert_int_eq(fl_shared_queue_give_back(queue, &items[which]), 0);
	}
	ck_assert_uint_eq(look().returned, ROOM);
	for (int i = 0; i < ROOM; i++) {
		ck_assert_int_eq(peek_number(&items[i]), order[_i][i]);
		ck_assert_uint_eq(items[i].deliveries, 2);
		ck_assert_uint_eq(items[i].number, order[_i][i]);
		ck_assert_int_eq(fl_shared_queue_task_done(queue, &items[i]), 0);
	}
}
END_TEST

/* Items. */

START_TEST(items_have_any_size)
{
	static char large[1 << 20], back[1 << 20];
	static const size_t sizes[] = {0, 1, 63, 64, 1023, 1024, 1025, 65536, sizeof(large)};
	const fl_shared_queue_options options = {.item_size = sizeof(large), .limit = 2};
	fl_shared_queue_item item;
	fl_shared_queue *wide;

	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (char)(i * 7 + i / 1000);
	ck_assert_int_eq(fl_segment_queue(segment, "wide", &options, &wide), 1);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ck_assert_int_eq(fl_shared_queue_put(wide, large, sizes[i]), 0);
		ck_assert_int_eq(fl_shared_queue_put(wide, large, sizes[i]), 0);
		memset(back, 0, sizeof(back));
		ck_assert_int_eq(fl_shared_queue_get(wide, back, sizes[i], NULL), (int)sizes[i]);
		ck_assert_mem_eq(back, large, sizes[i]);
		ck_assert(sizes[i] == sizeof(back) || back[sizes[i]] == 0);
		ck_assert_int_eq(fl_shared_queue_get(wide, back, sizeof(back), &item), (int)sizes[i]);
		ck_assert_uint_eq(item.size, sizes[i]);
		ck_assert_mem_eq(item.data, large, sizes[i]);
		ck_assert_uint_eq((uintptr_t)item.data % 64, 0);
		ck_assert_int_eq(fl_shared_queue_task_done(wide, &item), 0);
	}
	ck_assert_int_eq(fl_shared_queue_put(wide, large, sizeof(large) + 1), -EMSGSIZE);
	ck_assert_int_eq(fl_shared_queue_put(wide, NULL, 0), 0);
	ck_assert_int_eq(fl_shared_queue_get(wide, NULL, 0, NULL), 0);
}
END_TEST

START_TEST(an_item_that_does_not_fit_stays)
{
	char small[4];
	int64_t number;

	put_numbers(7, 7);
	ck_assert_int_eq(fl_shared_queue_get(queue, small, sizeof(small), NULL), -EMSGSIZE);
	ck_assert_int_eq(fl_shared_queue_get_try(queue, small, sizeof(small), NULL), -EMSGSIZE);
	ck_assert_int_eq(fl_shared_queue_get(queue, &number, sizeof(number), NULL), sizeof(number));
	ck_assert_int_eq(number, 7);
}
END_TEST

START_TEST(room_is_reserved_and_committed)
{
	fl_shared_queue_item rooms[ROOM], none;

	for (int64_t i = 0; i < ROOM; i++) {
		ck_assert_int_eq(fl_shared_queue_reserve(queue, &rooms[i]), 0);
		ck_assert_uint_eq(rooms[i].size, ITEM_SIZE);
		ck_assert_uint_eq(rooms[i].number, 0);
		memcpy(rooms[i].data, &i, sizeof(i));
		rooms[i].size = sizeof(i);
	}
	ck_assert_int_eq(fl_shared_queue_reserve_try(queue, &none), -EAGAIN);
	ck_assert_uint_eq(look().reserved, ROOM);
	ck_assert(fl_shared_queue_empty(queue));
	ck_assert(fl_shared_queue_full(queue));
	ck_assert_uint_eq(fl_shared_queue_unfinished(queue), 0);
	ck_assert_int_eq(fl_shared_queue_join_until(queue, fl_now(), NULL), 0);
	/* In the order of the commits. */
	ck_assert_int_eq(fl_shared_queue_commit(queue, &rooms[2]), 0);
	ck_assert_int_eq(fl_shared_queue_commit(queue, &rooms[0]), 0);
	ck_assert_int_eq(fl_shared_queue_abandon(queue, &rooms[3]), 0);
	rooms[1].size = ITEM_SIZE + 1;
	ck_assert_int_eq(fl_shared_queue_commit(queue, &rooms[1]), -EMSGSIZE);
	rooms[1].size = sizeof(int64_t);
	ck_assert_int_eq(fl_shared_queue_commit(queue, &rooms[1]), 0);
	ck_assert_int_eq(get_number(), 2);
	ck_assert_int_eq(get_number(), 0);
	ck_assert_int_eq(get_number(), 1);
	ck_assert_int_eq(get_number(), -EAGAIN);
}
END_TEST

START_TEST(it_counts)
{
	fl_shared_queue_item item;
	fl_shared_queue_info info;

	put_numbers(1, 3);
	ck_assert_int_eq(get_number(), 1);
	ck_assert_int_eq(peek_number(&item), 2);
	info = look();
	ck_assert_int_eq(info.kind, FL_QUEUE_FIFO);
	ck_assert_uint_eq(info.limit, ROOM);
	ck_assert_uint_eq(info.item_size, ITEM_SIZE);
	ck_assert_uint_eq(info.size, 1);
	ck_assert_uint_eq(info.taken, 1);
	ck_assert_uint_eq(info.reserved, 0);
	ck_assert_uint_eq(info.put, 3);
	ck_assert_uint_eq(info.delivered, 2);
	ck_assert_uint_eq(info.returned + info.dropped + info.cleared, 0);
	ck_assert_uint_eq(fl_shared_queue_size(queue), 1);
	ck_assert_uint_eq(fl_shared_queue_unfinished(queue), 2);
	ck_assert(!fl_shared_queue_empty(queue) && !fl_shared_queue_full(queue));
	ck_assert_int_eq(fl_shared_queue_task_done(queue, &item), 0);
	ck_assert_uint_eq(fl_shared_queue_unfinished(queue), 1);
}
END_TEST

/* Waiting. */

START_TEST(a_get_waits_for_a_put)
{
	struct waits waits = {FL_FOREVER, NULL, 0};
	struct call call;

	call_start(&call, wait_for_item, &waits);
	shared_waiting_await(&queue->getters, 1);
	put_numbers(5, 5);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_int_eq(waits.number, 5);
}
END_TEST

/* One put at a time wakes one, and all are served. */
START_TEST(several_wait_for_several)
{
	struct waits waits[3] = {{FL_FOREVER, NULL, 0}, {FL_FOREVER, NULL, 0}, {FL_FOREVER, NULL, 0}};
	struct call calls[3];
	int64_t sum = 0;

	for (unsigned i = 0; i < 3; i++) {
		call_start(&calls[i], wait_for_item, &waits[i]);
		shared_waiting_await(&queue->getters, i + 1);
	}
	put_numbers(1, 3);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(call_end(&calls[i]), 0);
		sum += waits[i].number;
	}
	ck_assert_int_eq(sum, 6);
}
END_TEST

START_TEST(a_put_waits_for_room)
{
	struct waits waits = {FL_FOREVER, NULL, 9};
	fl_shared_queue_item item;
	struct call call;

	put_numbers(1, ROOM);
	call_start(&call, wait_for_room, &waits);
	shared_waiting_await(&queue->putters, 1);
	/* Taking one is not enough: it may come back. */
	ck_assert_int_eq(peek_number(&item), 1);
	shared_waiting_await(&queue->putters, 1);
	ck_assert_int_eq(fl_shared_queue_task_done(queue, &item), 0);
	ck_assert_int_eq(call_end(&call), 0);
	for (int64_t number = 2; number <= ROOM; number++)
		ck_assert_int_eq(get_number(), number);
	ck_assert_int_eq(get_number(), 9);
}
END_TEST

START_TEST(notes_and_deadlines_end_a_wait)
{
	fl_note note = FL_NOTE_INIT;
	struct waits cancelled = {FL_FOREVER, &note, 0}, late = {fl_after(FL_MS(5)), NULL, 0};
	fl_shared_queue_item item;
	struct call call;

	call_start(&call, wait_for_item, &cancelled);
	shared_waiting_await(&queue->getters, 1);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	ck_assert_int_eq(wait_for_item(&late), -ETIMEDOUT);
	ck_assert_int_eq(fl_shared_queue_peek_until(queue, &item, fl_now(), NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_shared_queue_peek_until(queue, &item, FL_FOREVER, &note), -ECANCELED);
	put_numbers(1, ROOM);
	ck_assert_int_eq(wait_for_room(&cancelled), -ECANCELED);
	late.deadline = fl_after(FL_MS(5));
	ck_assert_int_eq(wait_for_room(&late), -ETIMEDOUT);
	ck_assert_int_eq(fl_shared_queue_reserve_until(queue, &item, fl_now(), NULL), -ETIMEDOUT);
	ck_assert_int_eq(wait_for_end(&cancelled), -ECANCELED);
	late.deadline = fl_after(FL_MS(5));
	ck_assert_int_eq(wait_for_end(&late), -ETIMEDOUT);
	/* What is there is taken whatever they say. */
	ck_assert_int_eq(wait_for_item(&late), 0);
	ck_assert_int_eq(wait_for_item(&cancelled), 0);
	ck_assert_int_eq(wait_for_room(&late), 0);
}
END_TEST

/* Joining and ending. */

START_TEST(a_join_waits_for_all_to_be_done)
{
	struct waits waits = {FL_FOREVER, NULL, 0};
	fl_shared_queue_item items[2];
	struct call call;

	ck_assert_int_eq(fl_shared_queue_join(queue), 0);
	put_numbers(1, 2);
	call_start(&call, wait_for_end, &waits);
	shared_waiting_await(&queue->joiners, 1);
	ck_assert_int_eq(peek_number(&items[0]), 1);
	ck_assert_int_eq(peek_number(&items[1]), 2);
	ck_assert_int_eq(fl_shared_queue_task_done(queue, &items[1]), 0);
	shared_waiting_await(&queue->joiners, 1);
	ck_assert_int_eq(fl_shared_queue_task_done(queue, &items[0]), 0);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

START_TEST(a_shutdown_ends_all_waits)
{
	struct waits waits = {FL_FOREVER, NULL, 0};
	struct call calls[2];

	for (unsigned i = 0; i < 2; i++) {
		call_start(&calls[i], wait_for_item, &waits);
		shared_waiting_await(&queue->getters, i + 1);
	}
	ck_assert(!fl_shared_queue_is_shutdown(queue));
	ck_assert_int_eq(fl_shared_queue_shutdown(queue), 0);
	ck_assert(fl_shared_queue_is_shutdown(queue));
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(call_end(&calls[i]), -EPIPE);
	ck_assert_int_eq(put_number(1), -EPIPE);
	ck_assert_int_eq(get_number(), -EPIPE);
	ck_assert_int_eq(fl_shared_queue_shutdown(queue), 0);
	queue_of("others", FL_QUEUE_FIFO, 0);
}
END_TEST

START_TEST(what_is_in_it_is_still_got_after_a_shutdown)
{
	struct waits waits = {FL_FOREVER, NULL, 0};
	fl_shared_queue_item item, room;
	struct call call;
	int64_t sum = 0;

	put_numbers(1, ROOM - 1);
	ck_assert_int_eq(fl_shared_queue_reserve(queue, &room), 0);
	call_start(&call, wait_for_room, &waits);
	shared_waiting_await(&queue->putters, 1);
	ck_assert_int_eq(fl_shared_queue_shutdown(queue), 0);
	ck_assert_int_eq(call_end(&call), -EPIPE);
	room.size = sizeof(int64_t);
	ck_assert_int_eq(fl_shared_queue_commit(queue, &room), -EPIPE);
	ck_assert_uint_eq(look().reserved, 0);
	FL_SHARED_QUEUE_EACH(queue, item)
	{
		sum += number_in(&item);
		ck_assert_int_eq(fl_shared_queue_task_done(queue, &item), 0);
	}
	ck_assert_int_eq(sum, ROOM * (ROOM - 1) / 2);
	queue_of("others", FL_QUEUE_FIFO, 0);
}
END_TEST

START_TEST(a_shutdown_now_drops_what_is_in_it)
{
	fl_shared_queue_item item;
	uint64_t dropped = 9;

	put_numbers(1, 3);
	ck_assert_int_eq(peek_number(&item), 1);
	ck_assert_int_eq(fl_shared_queue_shutdown_now(queue, &dropped), 0);
	ck_assert_uint_eq(dropped, 2);
	ck_assert_uint_eq(look().cleared, 2);
	ck_assert_uint_eq(look().delivered, 1);
	ck_assert_int_eq(get_number(), -EPIPE);
	ck_assert_int_eq(fl_shared_queue_join_until(queue, fl_now(), NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_shared_queue_task_done(queue, &item), 0);
	ck_assert_int_eq(fl_shared_queue_join(queue), 0);
	ck_assert_int_eq(fl_shared_queue_shutdown_now(queue, NULL), 0);
	queue_of("others", FL_QUEUE_FIFO, 0);
}
END_TEST

/* Making it, and what must not be. */

START_TEST(it_is_found_by_name)
{
	fl_shared_queue_options options = {.item_size = ITEM_SIZE, .limit = ROOM};
	fl_shared_queue *same = NULL, *none = NULL;
	fl_segment *other;

	put_numbers(3, 3);
	ck_assert_int_eq(fl_segment_queue(segment, "orders", NULL, &same), 0);
	ck_assert_ptr_eq(same, queue);
	ck_assert_int_eq(fl_segment_adopt(&other, fl_segment_fd(segment), NULL), 0);
	ck_assert_int_eq(fl_segment_queue(other, "orders", &options, &same), 0);
	ck_assert_ptr_ne(same, queue);
	ck_assert_int_eq(fl_shared_queue_get(same, &(int64_t){0}, sizeof(int64_t), NULL), sizeof(int64_t));
	ck_assert_int_eq(fl_segment_queue(other, "none", NULL, &none), -ENOENT);
	options.limit++;
	ck_assert_int_eq(fl_segment_queue(other, "orders", &options, &none), -EPROTO);
	ck_assert_ptr_nonnull(strstr(fl_segment_why(), "4 items of 100 bytes"));
	ck_assert_ptr_nonnull(strstr(fl_segment_why(), "not FIFO, 5 of 100"));
	fl_segment_close(other);
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(one_of_another_kind_is_not_taken_for_it)
{
	fl_shared_queue *none = NULL;
	fl_lock *lock;

	ck_assert_int_eq(fl_segment_lock(segment, "lock", &lock), 1);
	ck_assert_int_eq(fl_segment_queue(segment, "lock", NULL, &none), -EPROTO);
	ck_assert_int_eq(fl_segment_queue(segment, "lock", &(fl_shared_queue_options){0}, &none), -EPROTO);
	ck_assert_int_eq(fl_segment_queue(segment, "no name", NULL, &none), -EINVAL);
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(options_that_cannot_be)
{
	static const fl_shared_queue_options wrong[] = {
		{.kind = FL_QUEUE_PRIORITY + 1},
		{.limit = FL_SHARED_QUEUE_LIMIT + 1},
		{.item_size = FL_SHARED_QUEUE_ITEM + 1},
		{.priority_at = 8},
		{.kind = FL_QUEUE_PRIORITY, .item_size = 24, .priority_at = 4},
		{.kind = FL_QUEUE_PRIORITY, .item_size = 24, .priority_at = 24},
		{.kind = FL_QUEUE_PRIORITY, .item_size = 7},
		{.fl_spare0 = 1},
		{.fl_spare = {0, 0, 0, 1}},
	};
	fl_shared_queue *none = NULL;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_int_eq(fl_segment_queue(segment, "none", &wrong[i], &none), -EINVAL);
		ck_assert_ptr_nonnull(strstr(fl_segment_why(), "there is no queue "));
	}
	ck_assert_int_eq(fl_segment_queue(segment, "none",
					  &(fl_shared_queue_options){.limit = FL_SHARED_QUEUE_LIMIT,
								     .item_size = FL_SHARED_QUEUE_ITEM},
					  &none),
			 -ENOSPC);
	ck_assert_int_eq(fl_segment_queue(segment, "none", NULL, &none), -ENOENT);
	ck_assert_ptr_null(none);
}
END_TEST

static void expect_not_had(int result)
{
	ck_assert_int_eq(result, -EINVAL);
	reports_expect("shared queue", queue, NULL, "that this process does not have");
}

START_TEST(to_be_done_twice_is_misuse)
{
	fl_shared_queue_item item, room;

	put_numbers(1, 2);
	ck_assert_int_eq(peek_number(&item), 1);
	ck_assert_int_eq(fl_shared_queue_reserve(queue, &room), 0);
	expect_not_had(fl_shared_queue_commit(queue, &item));
	expect_not_had(fl_shared_queue_task_done(queue, &room));
	ck_assert_int_eq(fl_shared_queue_task_done(queue, &item), 0);
	expect_not_had(fl_shared_queue_task_done(queue, &item));
	expect_not_had(fl_shared_queue_give_back(queue, &item));
	ck_assert_int_eq(fl_shared_queue_abandon(queue, &room), 0);
	expect_not_had(fl_shared_queue_abandon(queue, &room));
	expect_not_had(fl_shared_queue_commit(queue, &room));
	/* The same place, another item. */
	ck_assert_int_eq(fl_shared_queue_reserve(queue, &(fl_shared_queue_item){0}), 0);
	expect_not_had(fl_shared_queue_commit(queue, &room));
	room.fl_slot = UINT32_MAX;
	expect_not_had(fl_shared_queue_commit(queue, &room));
	ck_assert_int_eq(get_number(), 2);
	queue_of("others", FL_QUEUE_FIFO, 0);
}
END_TEST

START_TEST(it_must_be_in_a_segment)
{
	static _Alignas(64) char memory[sizeof(fl_shared_queue)];
	fl_shared_queue *stray = (fl_shared_queue *)memory;

	ck_assert_int_eq(fl_shared_queue_put(stray, "x", 1), -EINVAL);
	reports_expect("shared queue", stray, NULL, "in no segment");
	ck_assert_int_eq(fl_shared_queue_shutdown(stray), -EINVAL);
	reports_expect("shared queue", stray, NULL, "in no segment");
}
END_TEST

START_TEST(one_that_is_only_looked_at_is_not_changed)
{
	const fl_segment_options look_at = {.flags = FL_SEGMENT_LOOK};
	fl_shared_queue_info info;
	fl_shared_queue *seen;
	fl_segment *other;

	put_numbers(1, 3);
	ck_assert_int_eq(fl_segment_adopt(&other, fl_segment_fd(segment), &look_at), 0);
	ck_assert_int_eq(fl_segment_queue(other, "orders", NULL, &seen), 0);
	ck_assert_int_eq(fl_shared_queue_look(seen, &info), 0);
	ck_assert_uint_eq(info.size, 3);
	ck_assert_int_lt(fl_shared_queue_put_try(seen, "x", 1), 0);
	reports_look(NULL);
	fl_segment_close(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shared_queue");
	TCase *order = testing_case_between(suite, "order", set_up, tear_down);
	TCase *items = testing_case_between(suite, "items", set_up, tear_down);
	TCase *waiting = testing_case_between(suite, "waiting", set_up, tear_down);
	TCase *ending = testing_case_between(suite, "ending", set_up, tear_down);
	TCase *making = testing_case_between(suite, "making", set_up, tear_down);

	tcase_add_test(order, first_in_first_out);
	tcase_add_test(order, last_in_first_out);
	tcase_add_test(order, by_priority_and_then_first_in_first_out);
	tcase_add_loop_test(order, what_is_given_back_comes_first, 0, 3);
	tcase_add_test(items, items_have_any_size);
	tcase_add_test(items, an_item_that_does_not_fit_stays);
	tcase_add_test(items, room_is_reserved_and_committed);
	tcase_add_test(items, it_counts);
	tcase_add_test(waiting, a_get_waits_for_a_put);
	tcase_add_test(waiting, several_wait_for_several);
	tcase_add_test(waiting, a_put_waits_for_room);
	tcase_add_test(waiting, notes_and_deadlines_end_a_wait);
	tcase_add_test(ending, a_join_waits_for_all_to_be_done);
	tcase_add_test(ending, a_shutdown_ends_all_waits);
	tcase_add_test(ending, what_is_in_it_is_still_got_after_a_shutdown);
	tcase_add_test(ending, a_shutdown_now_drops_what_is_in_it);
	tcase_add_test(making, it_is_found_by_name);
	tcase_add_test(making, one_of_another_kind_is_not_taken_for_it);
	tcase_add_test(making, options_that_cannot_be);
	tcase_add_test(making, to_be_done_twice_is_misuse);
	tcase_add_test(making, it_must_be_in_a_segment);
	tcase_add_test(making, one_that_is_only_looked_at_is_not_changed);
	return testing_run(suite);
}
