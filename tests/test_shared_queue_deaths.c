/*
 * test_shared_queue_deaths.c - Queue between processes: what becomes of items when processes are killed, and when
 * somebody writes nonsense into it.
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

/* Children. */

static void peek_and_stay(void *n)
{
	fl_shared_queue_item item;

	for (int i = 0; i < *(int *)n; i++)
		EXPECT(fl_shared_queue_peek(queue, &item) == 0);
	process_stay();
}

static void reserve_and_stay(void *n)
{
	fl_shared_queue_item room;

	for (int i = 0; i < *(int *)n; i++)
		EXPECT(fl_shared_queue_reserve(queue, &room) == 0);
	process_stay();
}

static void put_and_stay(void *number)
{
	EXPECT(fl_shared_queue_put(queue, number, sizeof(int64_t)) == 0);
	process_stay();
}

static void get_one(void *number)
{
	int64_t got = 0;

	EXPECT(fl_shared_queue_get(queue, &got, sizeof(got), NULL) == sizeof(got) && got == *(int64_t *)number);
}

/* What the dead leave. */

START_TEST(what_was_put_survives_who_put_it)
{
	int64_t number = 77;

	process_kill(process_start_ready(put_and_stay, &number));
	ck_assert_int_eq(get_number(), 77);
}
END_TEST

START_TEST(what_the_dead_had_is_handed_out_again)
{
	int n = 2;
	fl_shared_queue_item item;
	pid_t child;

	put_numbers(1, 3);
	child = process_start_ready(peek_and_stay, &n);
	ck_assert_uint_eq(look().taken, 2);
	ck_assert_int_eq(put_number(4), 0);
	process_kill(child);
	for (int64_t number = 1; number <= 4; number++) {
		ck_assert_int_eq(peek_number(&item), number);
		ck_assert_uint_eq(item.deliveries, number <= 2 ? 2 : 1);
		ck_assert_int_eq(fl_shared_queue_task_done(queue, &item), 0);
	}
	ck_assert_uint_eq(look().returned, 2);
	ck_assert_uint_eq(look().dropped, 0);
}
END_TEST

/* Nobody waits, and the queue is never empty. */
START_TEST(it_is_noticed_by_who_never_waits)
{
	int n = 1;
	fl_shared_queue_item mine;
	pid_t child;

	put_numbers(1, 2);
	child = process_start_ready(peek_and_stay, &n);
	ck_assert_int_eq(peek_number(&mine), 2);
	put_numbers(3, 4);
	process_kill(child);
	for (int64_t number = 5; get_number() != 1; number++) {
		ck_assert_int_lt(number, 5 + ROOM);
		ck_assert_int_eq(put_number(number), 0);
	}
	ck_assert_int_eq(fl_shared_queue_task_done(queue, &mine), 0);
}
END_TEST

START_TEST(who_waits_for_an_item_gets_that_of_the_dead)
{
	struct waits waits = {FL_FOREVER, NULL, 0};
	int n = 1;
	struct call call;
	pid_t child;

	put_numbers(5, 5);
	child = process_start_ready(peek_and_stay, &n);
	call_start(&call, wait_for_item, &waits);
	shared_waiting_await(&queue->getters, 1);
	process_kill(child);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_int_eq(waits.number, 5);
}
END_TEST

/* The one that has been looked after when it asks first is alive. */
START_TEST(after_a_shutdown_too)
{
	int n = 1;
	fl_shared_queue_item mine;
	pid_t child;

	put_numbers(1, 2);
	child = process_start_ready(peek_and_stay, &n);
	ck_assert_int_eq(peek_number(&mine), 2);
	ck_assert_int_eq(fl_shared_queue_shutdown(queue), 0);
	process_kill(child);
	ck_assert_int_eq(get_number(), 1);
	ck_assert_int_eq(get_number(), -EPIPE);
	ck_assert_int_eq(fl_shared_queue_task_done(queue, &mine), 0);
	queue_of("others", FL_QUEUE_FIFO, 0);
}
END_TEST

/* The one that is woken by the kernel may be any: here the one that waits for room, and the one that joins. */
START_TEST(all_who_wait_get_on)
{
	struct waits room = {FL_FOREVER, NULL, 9}, end = {FL_FOREVER, NULL, 0};
	int n = ROOM;
	struct call calls[2];
	pid_t child;

	queue_of("dropping", FL_QUEUE_FIFO, 1);
	put_numbers(1, ROOM);
	child = process_start_ready(peek_and_stay, &n);
	call_start(&calls[0], wait_for_room, &room);
	shared_waiting_await(&queue->putters, 1);
	call_start(&calls[1], wait_for_end, &end);
	shared_waiting_await(&queue->joiners, 1);
	process_kill(child);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert_uint_eq(look().dropped, ROOM);
	ck_assert_int_eq(get_number(), 9);
	ck_assert_int_eq(call_end(&calls[1]), 0);
}
END_TEST

START_TEST(items_are_dropped_when_they_were_delivered_often_enough)
{
	int n = 1;
	fl_shared_queue_item item;

	queue_of("thrice", FL_QUEUE_FIFO, 3);
	put_numbers(1, 2);
	for (uint32_t i = 0; i < 3; i++) {
		process_kill(process_start_ready(peek_and_stay, &n));
		ck_assert_uint_eq(look().dropped, 0);
		ck_assert_int_eq(fl_shared_queue_join_until(queue, fl_now(), NULL), -ETIMEDOUT);
	}
	ck_assert_uint_eq(look().dropped, 1);
	ck_assert_uint_eq(look().returned, 2);
	ck_assert_int_eq(peek_number(&item), 2);
	ck_assert_uint_eq(item.deliveries, 1);
	/* That it was given back does not count as a death. */
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(fl_shared_queue_give_back(queue, &item), 0);
		ck_assert_int_eq(peek_number(&item), 2);
	}
	ck_assert_int_eq(fl_shared_queue_task_done(queue, &item), 0);
	ck_assert_int_eq(fl_shared_queue_join(queue), 0);
}
END_TEST

START_TEST(room_of_the_dead_is_free_again)
{
	int n = ROOM;
	struct waits waits = {FL_FOREVER, NULL, 3};
	struct call call;
	pid_t child = process_start_ready(reserve_and_stay, &n);

	ck_assert_uint_eq(look().reserved, ROOM);
	call_start(&call, wait_for_room, &waits);
	shared_waiting_await(&queue->putters, 1);
	process_kill(child);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_uint_eq(look().reserved, 0);
	ck_assert_int_eq(get_number(), 3);
}
END_TEST

START_TEST(who_died_waiting_is_no_harm)
{
	int64_t number = 8;
	pid_t dies = process_start(get_one, &number), lives;

	shared_waiting_await(&queue->getters, 1);
	lives = process_start(get_one, &number);
	shared_waiting_await(&queue->getters, 2);
	process_kill(dies);
	ck_assert_int_eq(put_number(8), 0);
	ck_assert_int_eq(process_end(lives), 0);
}
END_TEST

static void take_the_lock_and_stay(void *unused)
{
	(void)unused;
	EXPECT(fl_lock_acquire(&queue->lock) == 0);
	/* Nothing of this is right. */
	queue->n_ready = 1;
	queue->n_unused = ROOM + 3;
	queue->first_ready = queue->first_unused = queue->first_held = ROOM;
	queue->last_ready = 77;
	queue->cursor = 1;
	process_stay();
}

/* Somebody dies with the lock, and everything but the places is wrong. */
START_TEST(lists_are_made_anew_in_their_order)
{
	static const enum fl_queue_kind kinds[] = {FL_QUEUE_FIFO, FL_QUEUE_LIFO, FL_QUEUE_PRIORITY};
	static const int64_t order[][ROOM] = {{2, 3, 4, 5}, {5, 4, 3, 2}, {2, 3, 4, 5}};

	queue_of("others", kinds[_i], 0);
	/* In places that are not in that order. */
	put_numbers(0, 3);
	for (int i = 0; i < 2; i++)
		ck_assert_int_ge(get_number(), 0);
	while (get_number() >= 0)
		;
	put_numbers(2, 3);
	ck_assert_int_ge(get_number(), 2);
	while (get_number() >= 0)
		;
	put_numbers(2, 5);
	process_kill(process_start_ready(take_the_lock_and_stay, NULL));
	for (int i = 0; i < ROOM; i++)
		ck_assert_int_eq(get_number(), order[_i][i]);
	ck_assert_int_eq(get_number(), -EAGAIN);
}
END_TEST

/* Threads that end, and segments that are closed. */

static fl_shared_queue_item taken;

static int peek_on_this_thread(void *unused)
{
	(void)unused;
	return fl_shared_queue_peek(queue, &taken);
}

START_TEST(another_thread_of_the_process_may_be_done_with_it)
{
	put_numbers(1, 1);
	ck_assert_int_eq(call_elsewhere(peek_on_this_thread, NULL), 0);
	/* That thread has ended; its process has the item nevertheless. */
	ck_assert_int_eq(get_number(), -EAGAIN);
	ck_assert_uint_eq(look().taken, 1);
	ck_assert_int_eq(fl_shared_queue_task_done(queue, &taken), 0);
}
END_TEST

static void be_done_with_what_the_parent_has(void *item)
{
	reports_catch();
	EXPECT(fl_shared_queue_task_done(queue, item) == -EINVAL);
	EXPECT(reports_look(NULL) == 1);
}

START_TEST(a_forked_child_does_not_have_what_its_parent_has)
{
	fl_shared_queue_item item;

	put_numbers(1, 1);
	ck_assert_int_eq(peek_number(&item), 1);
	ck_assert_int_eq(process_end(process_start(be_done_with_what_the_parent_has, &item)), 0);
	ck_assert_int_eq(fl_shared_queue_task_done(queue, &item), 0);
}
END_TEST

START_TEST(to_close_the_segment_is_to_die)
{
	struct waits waits = {FL_FOREVER, NULL, 0};
	fl_shared_queue_item item;
	fl_shared_queue *same;
	fl_segment *other;
	struct call call;

	put_numbers(6, 6);
	ck_assert_int_eq(fl_segment_adopt(&other, fl_segment_fd(segment), NULL), 0);
	ck_assert_int_eq(fl_segment_queue(other, "orders", NULL, &same), 0);
	ck_assert_int_eq(fl_shared_queue_peek(same, &item), 0);
	call_start(&call, wait_for_item, &waits);
	shared_waiting_await(&queue->getters, 1);
	fl_segment_close(other);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_int_eq(waits.number, 6);
}
END_TEST

/* Between processes, many at a time. */

enum { PRODUCERS = 3, CONSUMERS = 3, EACH = 2000 };

static void produce(void *which)
{
	for (int64_t i = 1; i <= EACH; i++) {
		int64_t number = *(int64_t *)which * EACH + i;

		EXPECT(fl_shared_queue_put(queue, &number, sizeof(number)) == 0);
	}
}

struct sums {
	uint64_t n, of_numbers;
};

static void consume(void *sums)
{
	fl_shared_queue_item item;

	FL_SHARED_QUEUE_EACH(queue, item)
	{
		__atomic_add_fetch(&((struct sums *)sums)->n, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&((struct sums *)sums)->of_numbers, *(uint64_t *)item.data, __ATOMIC_RELAXED);
		EXPECT(fl_shared_queue_task_done(queue, &item) == 0);
	}
}

START_TEST(many_produce_and_many_consume)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(struct sums, 1);
	int64_t which[PRODUCERS] = {0, 1, 2};
	pid_t producers[PRODUCERS], consumers[CONSUMERS];
	uint64_t n = (uint64_t)PRODUCERS * EACH;
	struct sums *sums;

	ck_assert_int_eq(fl_segment_object(segment, "sums", &type, NULL, NULL, (void **)&sums), 1);
	for (int i = 0; i < CONSUMERS; i++)
		consumers[i] = process_start(consume, sums);
	for (int i = 0; i < PRODUCERS; i++)
		producers[i] = process_start(produce, &which[i]);
	for (int i = 0; i < PRODUCERS; i++)
		ck_assert_int_eq(process_end(producers[i]), 0);
	ck_assert_int_eq(fl_shared_queue_join(queue), 0);
	ck_assert_int_eq(fl_shared_queue_shutdown(queue), 0);
	for (int i = 0; i < CONSUMERS; i++)
		ck_assert_int_eq(process_end(consumers[i]), 0);
	ck_assert_uint_eq(sums->n, n);
	ck_assert_uint_eq(sums->of_numbers, n * (n + 1) / 2);
	queue_of("others", FL_QUEUE_FIFO, 0);
}
END_TEST

/* Nonsense. */

static void try_everything(void)
{
	fl_shared_queue_item item, room;
	fl_shared_queue_info info;

	for (int i = 0; i < 2 * ROOM; i++) {
		ck_assert_int_le(put_number(i), 0);
		if (fl_shared_queue_reserve_try(queue, &room) == 0)
			ck_assert_int_le(fl_shared_queue_abandon(queue, &room), 0);
		if (fl_shared_queue_peek_try(queue, &item) == 0)
			ck_assert_int_le(fl_shared_queue_give_back(queue, &item), 0);
		ck_assert_int_le(fl_shared_queue_get_try(queue, &info, sizeof(info), NULL), (int)sizeof(info));
		ck_assert_int_le(fl_shared_queue_look(queue, &info), 0);
	}
	ck_assert_int_le(fl_shared_queue_join_until(queue, fl_now(), NULL), 0);
	reports_look(NULL);
}

START_TEST(nonsense_in_its_head_is_survived)
{
	static const uint32_t nonsense[] = {1, ROOM, ROOM + 1, 1000, 0x7fffffff, 0xfffffffe, 0xffffffff};
	char before[sizeof(*queue)];

	memcpy(before, queue, sizeof(before));
	put_numbers(1, 2);
	/* Not the lock: who holds that, others wait for. */
	for (size_t at = sizeof(fl_lock); at < offsetof(fl_shared_queue, spin_getters); at += sizeof(uint32_t))
		for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
			memcpy((char *)queue + at, &nonsense[i], sizeof(nonsense[i]));
			try_everything();
			memcpy((char *)queue + offsetof(fl_shared_queue, kind),
			       before + offsetof(fl_shared_queue, kind), 64);
			try_everything();
		}
}
END_TEST

START_TEST(nonsense_in_its_places_is_survived)
{
	static const uint32_t nonsense[] = {0, 1, ROOM + 1, 0x20000001, 0x40000000, 0x60000401, 0x80000000, 0xffffffff};
	struct fl_place *place = (struct fl_place *)(queue + 1);

	for (size_t at = 0; at < sizeof(*place); at += sizeof(uint32_t))
		for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
			put_numbers(1, 1);
			memcpy((char *)place + at, &nonsense[i], sizeof(nonsense[i]));
			try_everything();
			while (get_number() >= 0)
				;
		}
	/* An item that is larger than can be is nobody's. */
	process_kill(process_start_ready(take_the_lock_and_stay, NULL));
	ck_assert_int_eq(get_number(), -EAGAIN);
}
END_TEST

START_TEST(an_item_without_its_priority_is_told)
{
	struct fl_place *place;

	queue_of("urgent", FL_QUEUE_PRIORITY, 0);
	place = (struct fl_place *)((char *)(queue + 1) + 64);
	put_numbers(1, 1);
	ck_assert_uint_eq(place->size, sizeof(int64_t));
	place->size = sizeof(int64_t) - 1;
	ck_assert_int_eq(get_number(), -EPROTO);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shared_queue_deaths");
	TCase *deaths = testing_case_between(suite, "deaths", set_up, tear_down);
	TCase *owners = testing_case_between(suite, "owners", set_up, tear_down);
	TCase *many = testing_case_between(suite, "many", set_up, tear_down);
	TCase *nonsense = testing_case_between(suite, "nonsense", set_up, shared_queues_tear_down);

	tcase_add_test(deaths, what_was_put_survives_who_put_it);
	tcase_add_test(deaths, what_the_dead_had_is_handed_out_again);
	tcase_add_test(deaths, it_is_noticed_by_who_never_waits);
	tcase_add_test(deaths, who_waits_for_an_item_gets_that_of_the_dead);
	tcase_add_test(deaths, after_a_shutdown_too);
	tcase_add_test(deaths, all_who_wait_get_on);
	tcase_add_test(deaths, items_are_dropped_when_they_were_delivered_often_enough);
	tcase_add_test(deaths, room_of_the_dead_is_free_again);
	tcase_add_test(deaths, who_died_waiting_is_no_harm);
	tcase_add_loop_test(deaths, lists_are_made_anew_in_their_order, 0, 3);
	tcase_add_test(owners, another_thread_of_the_process_may_be_done_with_it);
	tcase_add_test(owners, a_forked_child_does_not_have_what_its_parent_has);
	tcase_add_test(owners, to_close_the_segment_is_to_die);
	tcase_add_test(many, many_produce_and_many_consume);
	tcase_add_test(nonsense, nonsense_in_its_head_is_survived);
	tcase_add_test(nonsense, nonsense_in_its_places_is_survived);
	tcase_add_test(nonsense, an_item_without_its_priority_is_told);
	return testing_run(suite);
}
