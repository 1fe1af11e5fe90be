/*
 * test_state.c - what one who looks on sees of a segment whose objects others use: semaphores, events, barriers,
 * onces and queues in each of their states, objects of others, what is damaged, and what the dead left. Locks are in
 * test_state_locks.c.
 */
#define _GNU_SOURCE
#include "states.h"

#include "shm/layout.h"
#include "shm/shared_queue.h"
#include <errno.h>
#include <fairlead/array.h>
#include <fairlead/shared_queue.h>
#include <fairlead/value.h>

/* Semaphores. */

static void take_two_seats(void *unused)
{
	(void)unused;
	EXPECT(fl_semaphore_acquire(seats_of(segment)) == 0 && fl_semaphore_acquire(seats_of(segment)) == 0);
	process_stay();
}

static void take_a_seat(void *unused)
{
	(void)unused;
	EXPECT(fl_semaphore_acquire(seats_of(segment)) == 0);
	process_stay();
}

static void want_a_seat(void *unused)
{
	(void)unused;
	TELL_AND(fl_semaphore_acquire(seats_of(segment)));
}

START_TEST(a_semaphore_knows_who_has_its_permits)
{
	pid_t two, one, late;

	seats_of(segment);
	expect("seats", "Semaphore", "free", 0, 0);
	expect_value("permits", 3, 3);
	two = process_start_ready(take_two_seats, NULL);
	one = process_start_ready(take_a_seat, NULL);
	expect("seats", "Semaphore", "taken", 2, 0);
	expect_value("permits", 0, 3);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(seen.holders[i].times, seen.holders[i].pid == two ? 2 : 1);
		expect_thread(&seen.holders[i], seen.holders[i].times == 2 ? two : one, "holder", true);
	}
	late = process_start_ready(want_a_seat, NULL);
	await_waiters("seats", "", 1);
	expect_thread(&seen.waiters[0], late, "permit", true);
	process_kill(late);
	process_kill(two);
	expect("seats", "Semaphore", "free", 2, 0);
	expect_value("permits", 2, 3);
	expect_count("recovered", 0);
	ck_assert_int_eq(fl_semaphore_acquire(seats_of(segment)), 0);
	look_at("seats", "");
	expect_count("recovered", 1);
	fl_semaphore_release(seats_of(segment), 1);
}
END_TEST

START_TEST(other_semaphores_are_numbers)
{
	fl_semaphore *plain, *bounded;

	ck_assert_int_eq(fl_segment_semaphore(segment, "plain", 5, &plain), 1);
	ck_assert_int_eq(fl_segment_semaphore_bounded(segment, "bounded", 1, &bounded), 1);
	expect("plain", "Semaphore", "free", 0, 0);
	expect_value("permits", 5, 0);
	ck_assert_int_eq(fl_semaphore_acquire(bounded), 0);
	expect("bounded", "Semaphore", "taken", 0, 0);
	expect_value("permits", 0, 1);
	ck_assert_int_eq(fl_segment_semaphore_bounded(segment, "none", 0, &bounded), 1);
	expect("none", "Semaphore", "taken", 0, 0);
	expect_value("permits", 0, 0);
}
END_TEST

/* Event, Barrier, Once. */

static void want_event(void *unused)
{
	fl_event *event;

	(void)unused;
	EXPECT(fl_segment_event(segment, "event", &event) >= 0);
	TELL_AND(fl_event_wait(event));
}

START_TEST(an_event_counts_its_sets)
{
	fl_event *event;
	pid_t waiter;

	ck_assert_int_eq(fl_segment_event(segment, "event", &event), 1);
	expect("event", "Event", "clear", 0, 0);
	expect_count("sets", 0);
	waiter = process_start_ready(want_event, NULL);
	await_waiters("event", "", 1);
	expect_thread(&seen.waiters[0], waiter, "set", true);
	fl_event_set(event);
	fl_event_set(event); /* it is set already */
	do
		look_at("event", "");
	while (seen.state.n_waiters > 0);
	expect("event", "Event", "set", 0, 0);
	expect_count("sets", 1);
}
END_TEST

static void come(void *unused)
{
	fl_barrier *barrier;

	(void)unused;
	EXPECT(fl_segment_barrier(segment, "barrier", 2, &barrier) >= 0);
	process_tell(&shared->ready);
	EXPECT(fl_barrier_wait(barrier) >= 0);
	for (;;)
		pause();
}

START_TEST(a_barrier_knows_who_has_come)
{
	fl_barrier *barrier;
	pid_t first;

	ck_assert_int_eq(fl_segment_barrier(segment, "barrier", 2, &barrier), 1);
	expect("barrier", "Barrier", "idle", 0, 0);
	expect_value("parties", 0, 2);
	first = process_start_ready(come, NULL);
	await_waiters("barrier", "", 1);
	expect("barrier", "Barrier", "waiting", 1, 1);
	expect_value("parties", 1, 2);
	expect_count("rounds", 0);
	expect_thread(&seen.holders[0], first, "party", true);
	expect_thread(&seen.waiters[0], first, "round", true);
	ck_assert_int_ge(fl_barrier_wait(barrier), 0);
	await_waiters("barrier", "", 0);
	expect_count("rounds", 1);
	fl_barrier_abort(barrier);
	expect("barrier", "Barrier", "broken", 0, 0);
}
END_TEST

static int stay_in(void *unused)
{
	(void)unused;
	process_stay();
	return 0;
}

static void run_once(void *unused)
{
	fl_once *once;

	(void)unused;
	EXPECT(fl_segment_once(segment, "once", &once) >= 0);
	fl_once_call(once, stay_in, NULL);
}

static int nothing(void *unused)
{
	(void)unused;
	return 0;
}

START_TEST(a_once_knows_its_runner)
{
	fl_once *once;
	pid_t runner;

	ck_assert_int_eq(fl_segment_once(segment, "once", &once), 1);
	expect("once", "Once", "new", 0, 0);
	runner = process_start_ready(run_once, NULL);
	expect("once", "Once", "running", 1, 0);
	expect_thread(&seen.holders[0], runner, "runner", true);
	process_kill(runner);
	expect("once", "Once", "orphaned", 1, 0);
	expect_thread(&seen.holders[0], runner, "runner", false);
	ck_assert_int_eq(fl_once_call(once, nothing, NULL), 0);
	expect("once", "Once", "done", 0, 0);
}
END_TEST

/* Queue. */

static fl_shared_queue *orders_of(fl_segment *of)
{
	const fl_shared_queue_options options = {.limit = 2};
	fl_shared_queue *queue;

	ck_assert_int_ge(fl_segment_queue(of, "orders", &options, &queue), 0);
	return queue;
}

static void want_order(void *unused)
{
	(void)unused;
	TELL_AND(fl_shared_queue_get(orders_of(segment), NULL, 0, NULL));
}

static void have_order(void *unused)
{
	fl_shared_queue_item item;

	(void)unused;
	EXPECT(fl_shared_queue_peek(orders_of(segment), &item) == 0);
	process_stay();
}

START_TEST(a_queue_has_items_and_people)
{
	fl_shared_queue *queue = orders_of(segment);
	fl_shared_queue_item room;
	pid_t getter, worker;
	char order[256];

	expect("orders", "Queue", "empty", 0, 0);
	expect_value("items", 0, 2);
	getter = process_start_ready(want_order, NULL);
	await_waiters("orders", "", 1);
	expect_thread(&seen.waiters[0], getter, "get", true);
	process_kill(getter);
	ck_assert_int_eq(fl_shared_queue_put(queue, "a", 1), 0);
	expect("orders", "Queue", "ready", 0, 0);
	expect_count("puts", 1);
	ck_assert_int_eq(fl_shared_queue_put(queue, "b", 1), 0);
	expect("orders", "Queue", "full", 0, 0);
	expect_value("items", 2, 2);
	worker = process_start_ready(have_order, NULL);
	expect("orders", "Queue", "full", 1, 0);
	expect_thread(&seen.holders[0], worker, "getter", true);
	process_kill(worker);
	expect("orders", "Queue", "full", 1, 0);
	expect_thread(&seen.holders[0], worker, "getter", false);
	ck_assert_int_ge(fl_shared_queue_get(queue, order, sizeof(order), NULL), 0);
	ck_assert_int_eq(fl_shared_queue_reserve(queue, &room), 0);
	look_at("orders", "");
	expect_thread(&seen.holders[seen.state.n_holders - 1], getpid(), "putter", true);
	ck_assert_int_eq(fl_shared_queue_abandon(queue, &room), 0);
	fl_shared_queue_shutdown(queue);
	look_at("orders", "");
	ck_assert_str_eq(seen.state.state, "shutdown");
	queue->limit = 1u << 20;
	expect("orders", "Queue", "damaged", 0, 0);
}
END_TEST

START_TEST(values_and_arrays_have_locks)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(uint32_t, 7);
	const uint32_t numbers[3] = {1, 2, 3};
	fl_value_double *weight;
	fl_array array;

	ck_assert_int_eq(fl_segment_value_double(segment, "weight", 0.5, &weight), 1);
	ck_assert_int_eq(fl_segment_array(segment, "row", &type, 3, &array), 1);
	expect("weight", "Value", "free", 0, 0);
	expect("row", "Array", "free", 0, 0);
	expect_value("elements", 3, 3);
	expect_count("writes", 0);
	ck_assert_int_eq(fl_rlock_acquire(fl_value_lock(weight)), 0);
	ck_assert_int_eq(fl_rlock_acquire(fl_array_lock(&array)), 0);
	ck_assert_int_eq(fl_array_write(&array, 0, 3, numbers), 0);
	expect("weight", "Value", "held", 1, 0);
	expect_thread(&seen.holders[0], getpid(), "holder", true);
	expect("row", "Array", "held", 1, 0);
	expect_count("writes", 1);
	look_at("row", "writing");
	ck_assert_str_eq(seen.state.kind, "Lock");
	ck_assert_str_eq(seen.state.state, "free");
	fl_rlock_release(fl_value_lock(weight));
	fl_rlock_release(fl_array_lock(&array));
}
END_TEST

/* Others. */

struct desk {
	uint64_t papers[10];
	fl_lock lock;
};
static const fl_segment_type desk_type = FL_SEGMENT_TYPE(struct desk, 1);

static int init_desk(void *desk, void *arg)
{
	(void)arg;
	fl_lock_init_shared(&((struct desk *)desk)->lock);
	return 0;
}

static void want_desk(void *unused)
{
	void *desk;

	(void)unused;
	EXPECT(fl_segment_find(segment, "desk", &desk_type, &desk) == 0);
	TELL_AND(fl_lock_acquire(&((struct desk *)desk)->lock));
}

START_TEST(of_an_object_of_others_it_is_seen_who_waits)
{
	void *desk;
	pid_t waiter;

	ck_assert_int_eq(fl_segment_object(segment, "desk", &desk_type, init_desk, NULL, &desk), 1);
	expect("desk", "", "idle", 0, 0);
	ck_assert_str_eq(seen.state.object.type, "struct desk");
	ck_assert_int_eq(fl_lock_acquire(&((struct desk *)desk)->lock), 0);
	waiter = process_start_ready(want_desk, NULL);
	await_waiters("desk", "", 1);
	expect("desk", "", "waiting", 0, 1);
	expect_thread(&seen.waiters[0], waiter, "wait", true);
	fl_lock_release(&((struct desk *)desk)->lock);
}
END_TEST

START_TEST(a_type_of_that_name_is_not_all)
{
	static const fl_segment_type other_version = {"fl_lock", 2, 0, sizeof(fl_lock)},
				     other_size = {"fl_barrier", 1, 0, 8};
	void *thing;

	ck_assert_int_eq(fl_segment_object(segment, "later", &other_version, NULL, NULL, &thing), 1);
	ck_assert_int_eq(fl_segment_object(segment, "small", &other_size, NULL, NULL, &thing), 1);
	expect("later", "", "idle", 0, 0);
	expect("small", "", "idle", 0, 0);
}
END_TEST

START_TEST(what_cannot_be_is_damaged)
{
	static const fl_segment_type plain = {"fl_lock", 1, 0, sizeof(fl_lock)};
	fl_rwlock *rwlock = rwlock_of(segment);
	fl_semaphore *seats = seats_of(segment);
	fl_barrier *barrier;
	fl_once *once;
	void *lock;

	ck_assert_int_eq(fl_segment_object(segment, "lock", &plain, NULL, NULL, &lock), 1); /* a private one */
	expect("lock", "Lock", "damaged", 0, 0);
	ck_assert_int_eq(fl_segment_barrier(segment, "barrier", 2, &barrier), 1);
	ck_assert_int_eq(fl_segment_once(segment, "once", &once), 1);
	rwlock->fl_n_places = 1024;
	seats->fl_bound += 1000;
	barrier->fl_parties = 3;
	once->fl_state = 3;
	expect("rwlock", "RWLock", "damaged", 0, 0);
	expect("seats", "Semaphore", "damaged", 0, 0);
	expect("barrier", "Barrier", "damaged", 0, 0);
	expect("once", "Once", "damaged", 0, 0);
}
END_TEST

START_TEST(a_time_that_cannot_be_is_none)
{
	fl_lock *lock = lock_of(segment);
	struct fl_segment_head *head = (struct fl_segment_head *)((char *)lock - fl_segment_offset(segment, lock));
	struct fl_peer *peers = (struct fl_peer *)((char *)head + FL_PEERS_AT);

	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	process_start_ready(want_lock, NULL);
	await_waiters("lock", "", 1);
	peers[seen.waiters[0].number % FL_PEERS].since = INT64_MAX;
	look_at("lock", "");
	ck_assert_int_eq(seen.waiters[0].waited, 0);
	peers[seen.waiters[0].number % FL_PEERS].since = INT64_MIN;
	look_at("lock", "");
	ck_assert_int_eq(seen.waiters[0].waited, 0);
}
END_TEST

START_TEST(a_stale_segment_is_seen)
{
	pid_t holder = process_start_ready(hold_lock, NULL);

	segment = fl_segment_close(segment);
	process_kill(holder);
	looker = fl_segment_close(looker);
	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_LOOK), 0);
	expect("lock", "Lock", "orphaned", 1, 0);
	expect_thread(&seen.holders[0], holder, "holder", false);
}
END_TEST

static int refuse(const fl_state *state, void *arg)
{
	ck_assert_str_eq(state->object.name, "lock");
	++*(int *)arg;
	return -7;
}

START_TEST(who_sees_can_end_it)
{
	int times = 0;

	lock_of(segment);
	ck_assert_int_eq(fl_segment_states(looker, refuse, &times), -7);
	ck_assert_int_eq(times, 1);
	ck_assert_int_eq(fl_segment_states(segment, refuse, &times), -7); /* one that is attached sees the same */
	ck_assert_int_eq(times, 2);
}
END_TEST

START_TEST(a_damaged_segment_says_so)
{
	struct fl_segment_head *head;
	fl_lock *lock = lock_of(segment);

	head = (struct fl_segment_head *)((char *)lock - fl_segment_offset(segment, lock));
	for (unsigned i = 0; i < FL_CHAINS; i++)
		head->objects[i] = 64;
	ck_assert_int_eq(fl_segment_states(looker, see_one, &(struct wanted){"lock", ""}), -EPROTO);
	memset(head->objects, 0, sizeof(head->objects));
}
END_TEST

static Suite *state_suite(void)
{
	Suite *suite = suite_create("state");
	TCase *looking = testing_case_between(suite, "looking", set_up, tear_down);

	tcase_add_test(looking, a_semaphore_knows_who_has_its_permits);
	tcase_add_test(looking, other_semaphores_are_numbers);
	tcase_add_test(looking, an_event_counts_its_sets);
	tcase_add_test(looking, a_barrier_knows_who_has_come);
	tcase_add_test(looking, a_once_knows_its_runner);
	tcase_add_test(looking, a_queue_has_items_and_people);
	tcase_add_test(looking, values_and_arrays_have_locks);
	tcase_add_test(looking, of_an_object_of_others_it_is_seen_who_waits);
	tcase_add_test(looking, a_type_of_that_name_is_not_all);
	tcase_add_test(looking, what_cannot_be_is_damaged);
	tcase_add_test(looking, a_time_that_cannot_be_is_none);
	tcase_add_test(looking, a_stale_segment_is_seen);
	tcase_add_test(looking, who_sees_can_end_it);
	tcase_add_test(looking, a_damaged_segment_says_so);
	return suite;
}

int main(void)
{
	return testing_run(state_suite());
}
