/*
 * test_barrier_shared.c - barriers that processes share: rounds are whole or broken, and a death breaks them.
 */
#define _GNU_SOURCE
#include "sharing.h"

static fl_barrier *barrier;
static fl_note note;
static struct call calls[4];

static void set_up(void)
{
	sharing_set_up();
	ck_assert_int_eq(fl_segment_barrier(segment, "gate", 3, &barrier), 1);
	fl_note_init(&note, NULL, FL_FOREVER);
}

static void tear_down(void)
{
	fl_note_destroy(&note);
	sharing_tear_down();
}

static int wait_at(void *barrier_)
{
	return fl_barrier_wait(barrier_);
}

static int wait_with_note(void *barrier_)
{
	return fl_barrier_wait_until(barrier_, FL_FOREVER, &note);
}

/* Starts n parties, one after the other. */
static void start(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		call_start(&calls[i], wait_at, barrier);
		while (fl_barrier_n_waiting(barrier) != i + 1)
			sched_yield();
	}
}

static void end(unsigned n, int result)
{
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(call_end(&calls[i]), result);
}

/* In a child, which leaves the segment as it should. */
static void wait_in_child(void *barrier_)
{
	process_tell(&shared->ready);
	EXPECT(fl_barrier_wait(barrier_) >= 0);
	fl_segment_close(segment);
}

static void wait_and_stay(void *barrier_)
{
	EXPECT(fl_barrier_wait(barrier_) >= 0);
	process_stay();
}

static pid_t start_child(uint32_t n)
{
	pid_t child = process_start(wait_in_child, barrier);

	while (fl_barrier_n_waiting(barrier) != n)
		sched_yield();
	return child;
}

/* One after the other. */

START_TEST(it_is_found_by_name_and_parties)
{
	fl_barrier *same;

	ck_assert_int_eq(fl_segment_barrier(segment, "gate", 3, &same), 0);
	ck_assert_ptr_eq(same, barrier);
	ck_assert_uint_eq(fl_barrier_parties(same), 3);
	ck_assert_int_eq(fl_segment_barrier(segment, "gate", 4, &same), -EPROTO);
	ck_assert_int_eq(fl_segment_barrier(segment, "none", 0, &same), -EINVAL);
	ck_assert_int_eq(fl_segment_barrier(segment, "many", 1025, &same), -EINVAL);
	ck_assert_ptr_nonnull(strstr(fl_segment_why(), "1 to 1024 parties, not 1025"));
	ck_assert_int_eq(fl_segment_barrier(segment, "most", 1024, &same), 1);
}
END_TEST

START_TEST(the_index_is_the_order_of_arrival)
{
	for (int round = 0; round < 100; round++) {
		start(2);
		ck_assert_int_eq(fl_barrier_wait(barrier), 2);
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(call_end(&calls[i]), i);
		ck_assert_uint_eq(fl_barrier_n_waiting(barrier), 0);
	}
}
END_TEST

START_TEST(a_party_of_one_never_waits)
{
	ck_assert_int_eq(fl_segment_barrier(segment, "one", 1, &barrier), 1);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(fl_barrier_wait_until(barrier, 0, NULL), 0);
}
END_TEST

static void wait_with_two(void)
{
	pid_t first = start_child(1), second = start_child(2);

	ck_assert_int_eq(fl_barrier_wait(barrier), 2);
	ck_assert_int_eq(process_end(first), 0);
	ck_assert_int_eq(process_end(second), 0);
}

START_TEST(processes_wait_for_each_other)
{
	wait_with_two();
}
END_TEST

/* Both have left as they should: nobody misses them. */
START_TEST(others_may_come_to_the_next_round)
{
	wait_with_two();
	wait_with_two();
}
END_TEST

START_TEST(a_deadline_breaks_it_for_all)
{
	start(1);
	ck_assert_int_eq(fl_barrier_wait_until(barrier, fl_after(FL_MS(5)), NULL), -ETIMEDOUT);
	end(1, -EPIPE);
	ck_assert(fl_barrier_broken(barrier));
	ck_assert_int_eq(fl_barrier_wait(barrier), -EPIPE);
	fl_barrier_reset(barrier);
	ck_assert(!fl_barrier_broken(barrier));
	start(2);
	ck_assert_int_eq(fl_barrier_wait_until(barrier, 0, NULL), 2); /* the last one need not wait */
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert_int_eq(call_end(&calls[1]), 1);
}
END_TEST

START_TEST(a_cancel_breaks_it_for_all)
{
	start(1);
	call_start(&calls[1], wait_with_note, barrier);
	while (fl_barrier_n_waiting(barrier) != 2)
		sched_yield();
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&calls[1]), -ECANCELED);
	end(1, -EPIPE);
}
END_TEST

START_TEST(abort_and_reset_send_away_who_waits)
{
	start(2);
	fl_barrier_reset(barrier);
	end(2, -EPIPE);
	ck_assert(!fl_barrier_broken(barrier));
	start(2);
	fl_barrier_abort(barrier);
	end(2, -EPIPE);
	ck_assert(fl_barrier_broken(barrier));
	fl_barrier_abort(barrier);
	ck_assert_int_eq(fl_barrier_wait(barrier), -EPIPE);
	fl_barrier_reset(barrier);
	start(2);
	ck_assert_int_eq(fl_barrier_wait(barrier), 2);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert_int_eq(call_end(&calls[1]), 1);
}
END_TEST

/* A thread that is stopped while other rounds end finds out how its own did: in time, late and very late. */
START_TEST(who_is_late_is_told_of_his_own_round)
{
	static const struct {
		bool complete;
		int broken_from, broken_to, others, result; /* of the others, those are broken */
	} cases[] = {{true, 0, 0, 0, 0},         {true, 0, 1, 1, 0},         {true, 0, 20, 20, 0},
		     {true, 0, 0, 40, 0},        {true, 20, 21, 40, 0},      {false, 0, 0, 1, -EPIPE},
		     {false, 0, 20, 20, -EPIPE}, {false, 0, 40, 40, -EPIPE}, {false, 0, 0, 40, -EPIPE}};

	call_start(&calls[0], wait_at, barrier);
	testing_await_asleep(calls[0].id);
	call_freeze(&calls[0]);
	if (cases[_i].complete) {
		call_start(&calls[1], wait_at, barrier);
		while (fl_barrier_n_waiting(barrier) != 2)
			sched_yield();
		ck_assert_int_eq(fl_barrier_wait(barrier), 2);
		ck_assert_int_eq(call_end(&calls[1]), 1);
	} else {
		fl_barrier_reset(barrier);
	}
	for (int i = 0; i < cases[_i].others; i++) {
		if (i >= cases[_i].broken_from && i < cases[_i].broken_to) {
			fl_barrier_abort(barrier);
			fl_barrier_reset(barrier);
			continue;
		}
		for (int k = 1; k < 3; k++) {
			call_start(&calls[k], wait_at, barrier);
			while (fl_barrier_n_waiting(barrier) != (uint32_t)k)
				sched_yield();
		}
		ck_assert_int_eq(fl_barrier_wait(barrier), 2);
		ck_assert_int_eq(call_end(&calls[1]), 0);
		ck_assert_int_eq(call_end(&calls[2]), 1);
	}
	call_thaw(&calls[0]);
	ck_assert_int_eq(call_end(&calls[0]), cases[_i].result);
}
END_TEST

/* Misuse. */

START_TEST(in_no_segment_it_cannot_be_used)
{
	static uint64_t places[FL_BARRIER_PLACES(2)];
	fl_barrier stray;

	ck_assert_int_eq(fl_barrier_init_shared(&stray, 0, places), -EINVAL);
	ck_assert_int_eq(fl_barrier_init_shared(&stray, 1025, places), -EINVAL);
	ck_assert_int_eq(fl_barrier_init_shared(&stray, 2, places), 0);
	ck_assert_int_eq(fl_barrier_wait(&stray), -EINVAL);
	reports_expect("barrier", &stray, NULL, "in no segment");
	fl_barrier_reset(&stray);
	reports_expect("barrier", &stray, NULL, "in no segment");
	fl_barrier_abort(&stray);
	reports_expect("barrier", &stray, NULL, "in no segment");
}
END_TEST

/* What others wrote may be anything. */
START_TEST(its_places_are_in_the_same_segment)
{
	static const int64_t far[] = {4, INT64_MAX, INT64_MIN, INT64_C(1) << 33, -(INT64_C(1) << 40)};
	uint64_t places[FL_BARRIER_PLACES(3)];
	int64_t right = barrier->fl_places;

	ck_assert_int_eq(fl_barrier_init_shared(barrier, 3, places), 0);
	ck_assert_int_eq(fl_barrier_wait(barrier), -EINVAL);
	reports_expect("barrier", barrier, NULL, "not in the same segment");
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		barrier->fl_places = far[i];
		ck_assert_int_eq(fl_barrier_wait(barrier), -EINVAL);
		reports_expect("barrier", barrier, NULL, "not in the same segment");
	}
	barrier->fl_places = right;
	barrier->fl_parties = UINT32_MAX;
	ck_assert_int_eq(fl_barrier_wait(barrier), -EINVAL);
	reports_expect("barrier", barrier, NULL, "not in the same segment");
	barrier->fl_parties = 0;
	ck_assert_int_eq(fl_barrier_wait(barrier), -EINVAL);
}
END_TEST

START_TEST(destroying_one_that_is_waited_for_is_misuse)
{
	start(1);
	fl_barrier_destroy(barrier);
	reports_expect("barrier", barrier, NULL, "waited for");
	fl_barrier_abort(barrier);
	end(1, -EPIPE);
	fl_barrier_destroy(barrier);
}
END_TEST

/* Death. */

START_TEST(a_party_that_dies_while_it_waits_breaks_it)
{
	pid_t child = start_child(1);

	call_start(&calls[0], wait_at, barrier);
	testing_await_asleep(calls[0].id);
	process_kill(child);
	end(1, -EPIPE);
	ck_assert(fl_barrier_broken(barrier));
}
END_TEST

/* It waited alone, and nobody noticed. */
START_TEST(whoever_comes_next_finds_the_dead_one)
{
	process_kill(start_child(1));
	ck_assert_int_eq(fl_barrier_wait(barrier), -EPIPE);
	fl_barrier_reset(barrier);
	start(2);
	ck_assert_int_eq(fl_barrier_wait(barrier), 2);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert_int_eq(call_end(&calls[1]), 1);
}
END_TEST

START_TEST(the_last_party_finds_the_dead_one)
{
	process_kill(start_child(1));
	ck_assert_int_eq(fl_segment_barrier(segment, "two", 2, &barrier), 1);
	process_kill(start_child(1));
	ck_assert_int_eq(fl_barrier_wait_until(barrier, 0, NULL), -EPIPE);
}
END_TEST

/* Goes through a round with another thread, and with a child that stays. */
static pid_t go_on_with_child(void)
{
	pid_t child = process_start(wait_and_stay, barrier);

	while (fl_barrier_n_waiting(barrier) != 1)
		sched_yield();
	call_start(&calls[0], wait_at, barrier);
	ck_assert_int_ge(fl_barrier_wait(barrier), 1);
	ck_assert_int_ge(call_end(&calls[0]), 1);
	process_await(&shared->ready, 1);
	return child;
}

/* It was in the round before; the others wait for it in this one. */
START_TEST(a_party_that_does_not_come_again_breaks_it)
{
	pid_t child = go_on_with_child();

	start(1);
	testing_await_asleep(calls[0].id);
	process_kill(child);
	end(1, -EPIPE);
	fl_barrier_reset(barrier);
	start(2); /* and is not missed any more */
	ck_assert_int_eq(fl_barrier_wait(barrier), 2);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert_int_eq(call_end(&calls[1]), 1);
}
END_TEST

static int use_and_stay(void *leave)
{
	fl_lock *door;

	ck_assert_int_ge(fl_segment_lock(segment, "door", &door), 0);
	ck_assert_int_eq(fl_lock_acquire(door), 0);
	fl_lock_release(door);
	return fl_event_wait(leave);
}

/* Of those who use a segment, up to 64 leave their places to nobody when they die. */
START_TEST(though_another_thread_has_got_its_place)
{
	struct call users[70];
	fl_event leave;

	fl_event_init(&leave, NULL);
	for (int i = 0; i < 70; i++) {
		if (i == 65)
			process_kill(go_on_with_child());
		call_start(&users[i], use_and_stay, &leave);
		testing_await_asleep(users[i].id);
	}
	ck_assert_int_eq(fl_barrier_wait_until(barrier, fl_after(FL_SECONDS(5)), NULL), -EPIPE);
	fl_event_set(&leave);
	for (int i = 0; i < 70; i++)
		ck_assert_int_eq(call_end(&users[i]), 0);
	fl_event_destroy(&leave);
}
END_TEST

/* All at once. */

enum { ROUNDS = 1000 };

static void go_through(unsigned index, void *barrier_)
{
	(void)index;
	for (int i = 0; i < ROUNDS; i++) {
		int place = fl_barrier_wait(barrier_);

		EXPECT(place >= 0);
		if (place == 3) /* each round has one */
			__atomic_add_fetch(number, 1, __ATOMIC_RELAXED);
	}
}

static void go_through_in_child(void *barrier_)
{
	go_through(0, barrier_);
}

START_TEST(every_round_is_whole)
{
	pid_t children[2];

	ck_assert_int_eq(fl_segment_barrier(segment, "four", 4, &barrier), 1);
	for (int i = 0; i < 2; i++)
		children[i] = process_start(go_through_in_child, barrier);
	testing_together(2, go_through, barrier);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(process_end(children[i]), 0);
	ck_assert_uint_eq(*number, ROUNDS);
}
END_TEST

/* Eight threads, rounds of four: rounds follow each other however late somebody is. Who ends the last one breaks it. */
static void go_through_until(unsigned index, void *barrier_)
{
	int place;

	(void)index;
	while ((place = fl_barrier_wait(barrier_)) >= 0)
		if (place == 3 && __atomic_add_fetch(number, 1, __ATOMIC_RELAXED) == 2 * ROUNDS)
			fl_barrier_abort(barrier_);
	EXPECT(place == -EPIPE && __atomic_load_n(number, __ATOMIC_RELAXED) >= 2 * ROUNDS);
}

START_TEST(more_threads_than_parties)
{
	ck_assert_int_eq(fl_segment_barrier(segment, "four", 4, &barrier), 1);
	testing_together(8, go_through_until, barrier);
	ck_assert_uint_ge(*number, 2 * ROUNDS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("barrier_shared");
	TCase *alone = testing_case_between(suite, "alone", set_up, tear_down);
	TCase *misuse = testing_case_between(suite, "misuse", set_up, tear_down);
	TCase *death = testing_case_between(suite, "death", set_up, tear_down);
	TCase *together = testing_case_between(suite, "together", set_up, tear_down);

	tcase_add_test(alone, it_is_found_by_name_and_parties);
	tcase_add_test(alone, the_index_is_the_order_of_arrival);
	tcase_add_test(alone, a_party_of_one_never_waits);
	tcase_add_test(alone, processes_wait_for_each_other);
	tcase_add_test(alone, others_may_come_to_the_next_round);
	tcase_add_test(alone, a_deadline_breaks_it_for_all);
	tcase_add_test(alone, a_cancel_breaks_it_for_all);
	tcase_add_test(alone, abort_and_reset_send_away_who_waits);
	tcase_add_loop_test(alone, who_is_late_is_told_of_his_own_round, 0, 9);
	tcase_add_test(misuse, in_no_segment_it_cannot_be_used);
	tcase_add_test(misuse, its_places_are_in_the_same_segment);
	tcase_add_test(misuse, destroying_one_that_is_waited_for_is_misuse);
	tcase_add_test(death, a_party_that_dies_while_it_waits_breaks_it);
	tcase_add_test(death, whoever_comes_next_finds_the_dead_one);
	tcase_add_test(death, the_last_party_finds_the_dead_one);
	tcase_add_test(death, a_party_that_does_not_come_again_breaks_it);
	tcase_add_test(death, though_another_thread_has_got_its_place);
	tcase_add_test(together, every_round_is_whole);
	tcase_add_test(together, more_threads_than_parties);
	return testing_run(suite);
}
