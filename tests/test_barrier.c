/*
 * test_barrier.c - Barrier: a round is whole or broken, each party has its own index, and rounds do not mix.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <sched.h>
#include <string.h>

static fl_barrier barrier;

static void set_up(void)
{
	ck_assert_int_eq(fl_barrier_init(&barrier, 3, NULL, NULL, "gate"), 0);
	reports_catch();
}

static void tear_down(void)
{
	ck_assert_uint_eq(waiting_for(&barrier), 0);
	ck_assert_uint_eq(fl_barrier_n_waiting(&barrier), 0);
	reports_expect_none();
}

static int wait(void *unused)
{
	(void)unused;
	return fl_barrier_wait(&barrier);
}

struct asked {
	fl_time deadline;
	fl_note *note;
};

static int wait_until(void *arg)
{
	const struct asked *asked = arg;

	return fl_barrier_wait_until(&barrier, asked->deadline, asked->note);
}

/* Starts a party; returns when n wait. */
static void begin(struct call *call, unsigned n)
{
	call_start(call, wait, NULL);
	while (fl_barrier_n_waiting(&barrier) != n)
		sched_yield();
}

static void begin_until(struct call *call, struct asked *asked, unsigned n)
{
	call_start(call, wait_until, asked);
	while (fl_barrier_n_waiting(&barrier) != n && !call_returned(call))
		sched_yield();
}

START_TEST(parties_are_at_least_one_and_not_too_many)
{
	fl_barrier other;

	memset(&other, 0x5a, sizeof(other));
	ck_assert_int_eq(fl_barrier_init(&other, 0, NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(fl_barrier_init(&other, (uint32_t)INT32_MAX + 1, NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(fl_barrier_init(&other, UINT32_MAX, NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(fl_barrier_init(&other, INT32_MAX, NULL, NULL, NULL), 0);
	ck_assert_uint_eq(fl_barrier_parties(&other), INT32_MAX);
	ck_assert_uint_eq(fl_barrier_parties(&barrier), 3);
	fl_barrier_destroy(&other);
}
END_TEST

static int count(void *n)
{
	return ++*(int *)n < 0;
}

START_TEST(a_party_of_one_never_waits)
{
	fl_barrier alone = FL_BARRIER_INIT(1, NULL, NULL);
	int n = 0, i;

	for (i = 0; i < 3; i++)
		ck_assert_int_eq(fl_barrier_wait(&alone), 0);
	ck_assert_int_eq(fl_barrier_wait_until(&alone, INT64_MIN, NULL), 0);
	ck_assert_int_eq(fl_barrier_init(&alone, 1, count, &n, NULL), 0);
	ck_assert_int_eq(fl_barrier_wait(&alone), 0);
	ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(the_index_is_the_order_of_arrival)
{
	struct call calls[2];
	int round;

	for (round = 0; round < 3; round++) {
		begin(&calls[0], 1);
		begin(&calls[1], 2);
		ck_assert(!call_returned(&calls[0]) && !call_returned(&calls[1]));
		ck_assert_int_eq(fl_barrier_wait(&barrier), 2);
		ck_assert_uint_eq(fl_barrier_n_waiting(&barrier), 0);
		ck_assert_int_eq(call_end(&calls[0]), 0);
		ck_assert_int_eq(call_end(&calls[1]), 1);
	}
}
END_TEST

/* The members of one round have not all got to run when the next one begins. */
START_TEST(a_slow_thread_is_not_mixed_up_with_the_next_round)
{
	struct call slow[2], quick[2];

	begin(&slow[0], 1);
	begin(&slow[1], 2);
	call_freeze(&slow[0]);
	call_freeze(&slow[1]);
	ck_assert_int_eq(fl_barrier_wait(&barrier), 2);
	begin(&quick[0], 1);
	begin(&quick[1], 2);
	call_thaw(&slow[0]);
	ck_assert_int_eq(call_end(&slow[0]), 0);
	ck_assert_uint_eq(fl_barrier_n_waiting(&barrier), 2);
	ck_assert_int_eq(fl_barrier_wait(&barrier), 2);
	ck_assert_int_eq(call_end(&quick[0]), 0);
	ck_assert_int_eq(call_end(&quick[1]), 1);
	call_thaw(&slow[1]);
	ck_assert_int_eq(call_end(&slow[1]), 1);
}
END_TEST

/* What concerns the next round does not reach the members of the last one, however late they run. */
START_TEST(a_round_that_is_complete_cannot_be_broken)
{
	struct asked asked = {.deadline = fl_after(FL_MS(20))};
	struct call slow[2];
	bool in_time;

	begin_until(&slow[0], &asked, 1);
	call_freeze(&slow[0]);
	in_time = !call_returned(&slow[0]) && !fl_barrier_broken(&barrier);
	if (in_time) {
		begin(&slow[1], 2);
		call_freeze(&slow[1]);
		ck_assert_int_eq(fl_barrier_wait(&barrier), 2);
		fl_barrier_abort(&barrier);
		ck_assert_int_eq(fl_barrier_wait(&barrier), -EPIPE);
		waiting_until(asked.deadline);
		call_thaw(&slow[1]);
		ck_assert_int_eq(call_end(&slow[1]), 1);
	}
	call_thaw(&slow[0]);
	ck_assert_int_eq(call_end(&slow[0]), in_time ? 0 : -ETIMEDOUT);
}
END_TEST

START_TEST(a_deadline_breaks_it_for_all)
{
	struct asked asked = {.deadline = fl_after(FL_MS(5))};
	fl_note note = FL_NOTE_INIT;
	struct call calls[2];

	call_start(&calls[0], wait, NULL);
	call_start(&calls[1], wait_until, &asked);
	ck_assert_int_eq(call_end(&calls[0]), -EPIPE);
	ck_assert_int_eq(call_end(&calls[1]), -ETIMEDOUT);
	ck_assert(fl_barrier_broken(&barrier));
	ck_assert_int_eq(fl_barrier_wait(&barrier), -EPIPE);
	fl_note_cancel(&note);
	ck_assert_int_eq(fl_barrier_wait_until(&barrier, INT64_MIN, &note), -EPIPE);
	fl_barrier_reset(&barrier);
	ck_assert(!fl_barrier_broken(&barrier));
}
END_TEST

START_TEST(a_cancel_breaks_it_for_all)
{
	fl_note note = FL_NOTE_INIT;
	struct asked asked = {FL_FOREVER, &note};
	struct call calls[2];

	begin(&calls[0], 1);
	begin_until(&calls[1], &asked, 2);
	waiting_await(&note, 1);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&calls[0]), -EPIPE);
	ck_assert_int_eq(call_end(&calls[1]), -ECANCELED);
	ck_assert(fl_barrier_broken(&barrier));
}
END_TEST

START_TEST(who_may_not_wait_breaks_it_unless_the_last)
{
	fl_note note = FL_NOTE_INIT;
	struct call calls[2];

	begin(&calls[0], 1);
	ck_assert_int_eq(fl_barrier_wait_until(&barrier, INT64_MIN, NULL), -ETIMEDOUT);
	ck_assert_int_eq(call_end(&calls[0]), -EPIPE);
	ck_assert(fl_barrier_broken(&barrier));
	fl_barrier_reset(&barrier);
	fl_note_cancel(&note);
	begin(&calls[0], 1);
	ck_assert_int_eq(fl_barrier_wait_until(&barrier, FL_FOREVER, &note), -ECANCELED);
	ck_assert_int_eq(call_end(&calls[0]), -EPIPE);
	fl_barrier_reset(&barrier);
	begin(&calls[0], 1);
	begin(&calls[1], 2);
	ck_assert_int_eq(fl_barrier_wait_until(&barrier, INT64_MIN, &note), 2);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert_int_eq(call_end(&calls[1]), 1);
}
END_TEST

START_TEST(an_abort_breaks_it)
{
	struct call calls[2];

	begin(&calls[0], 1);
	begin(&calls[1], 2);
	fl_barrier_abort(&barrier);
	ck_assert_int_eq(call_end(&calls[0]), -EPIPE);
	ck_assert_int_eq(call_end(&calls[1]), -EPIPE);
	ck_assert(fl_barrier_broken(&barrier));
	ck_assert_uint_eq(fl_barrier_n_waiting(&barrier), 0);
	ck_assert_int_eq(call_elsewhere(wait, NULL), -EPIPE);
	fl_barrier_abort(&barrier);
	ck_assert(fl_barrier_broken(&barrier));
}
END_TEST

START_TEST(a_reset_sends_away_who_waits_and_makes_it_whole)
{
	struct call calls[2], fresh[2];

	fl_barrier_reset(&barrier);
	ck_assert(!fl_barrier_broken(&barrier));
	begin(&calls[0], 1);
	begin(&calls[1], 2);
	call_freeze(&calls[0]);
	fl_barrier_reset(&barrier);
	ck_assert(!fl_barrier_broken(&barrier));
	ck_assert_uint_eq(fl_barrier_n_waiting(&barrier), 0);
	ck_assert_int_eq(call_end(&calls[1]), -EPIPE);
	begin(&fresh[0], 1);
	begin(&fresh[1], 2);
	ck_assert_int_eq(fl_barrier_wait(&barrier), 2);
	ck_assert_int_eq(call_end(&fresh[0]), 0);
	ck_assert_int_eq(call_end(&fresh[1]), 1);
	call_thaw(&calls[0]);
	ck_assert_int_eq(call_end(&calls[0]), -EPIPE);
}
END_TEST

/* The action. */

static struct {
	int n, fails, at_error;
	bool others_had_returned;
	struct call *others[2];
} acted;

static int act(void *unused)
{
	(void)unused;
	acted.n++;
	acted.others_had_returned |= call_returned(acted.others[0]) || call_returned(acted.others[1]);
	return acted.fails;
}

static int start_with_action(struct call calls[2])
{
	acted.others[0] = &calls[0];
	acted.others[1] = &calls[1];
	ck_assert_int_eq(fl_barrier_init(&barrier, 3, act, NULL, "gate"), 0);
	begin(&calls[0], 1);
	begin(&calls[1], 2);
	return fl_barrier_wait(&barrier);
}

START_TEST(the_action_is_run_once_and_before_any_is_released)
{
	struct call calls[2];

	ck_assert_int_eq(start_with_action(calls), 2);
	ck_assert_int_eq(acted.n, 1);
	ck_assert(!acted.others_had_returned);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert_int_eq(call_end(&calls[1]), 1);
}
END_TEST

START_TEST(an_action_that_fails_breaks_it)
{
	static const int failures[] = {-ENOSPC, -1, 1, INT32_MAX};
	struct call calls[2];

	acted.fails = failures[_i];
	ck_assert_int_eq(start_with_action(calls), acted.fails < 0 ? acted.fails : -EPIPE);
	ck_assert_int_eq(call_end(&calls[0]), -EPIPE);
	ck_assert_int_eq(call_end(&calls[1]), -EPIPE);
	ck_assert(fl_barrier_broken(&barrier));
	ck_assert_int_eq(fl_barrier_wait(&barrier), -EPIPE);
	ck_assert_int_eq(acted.n, 1);
	fl_barrier_reset(&barrier);
	acted.fails = 0;
	begin(&calls[0], 1);
	begin(&calls[1], 2);
	ck_assert_int_eq(fl_barrier_wait(&barrier), 2);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert_int_eq(call_end(&calls[1]), 1);
	ck_assert_int_eq(acted.n, 2);
}
END_TEST

/* While an action runs, threads of the next round may come. They are not released by it, and wait for an action of
 * their own. */
static fl_event acting, may_act;
static int in_action, most_in_action;

static int act_slowly(void *first)
{
	int now = __atomic_add_fetch(&in_action, 1, __ATOMIC_SEQ_CST);

	if (now > most_in_action)
		most_in_action = now;
	if (*(bool *)first) {
		*(bool *)first = false;
		fl_event_set(&acting);
		fl_event_wait(&may_act);
	}
	__atomic_sub_fetch(&in_action, 1, __ATOMIC_SEQ_CST);
	return 0;
}

START_TEST(who_comes_during_the_action_belongs_to_the_next_round)
{
	struct call calls[2], next;
	bool first = true;

	ck_assert_int_eq(fl_barrier_init(&barrier, 2, act_slowly, &first, "gate"), 0);
	begin(&calls[0], 1);
	call_start(&calls[1], wait, NULL);
	fl_event_wait(&acting);
	begin(&next, 1);
	ck_assert(!call_returned(&calls[0]) && !call_returned(&calls[1]));
	fl_event_set(&may_act);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert_int_eq(call_end(&calls[1]), 1);
	ck_assert(!call_returned(&next));
	ck_assert_int_eq(fl_barrier_wait(&barrier), 1);
	ck_assert_int_eq(call_end(&next), 0);
	ck_assert_int_eq(most_in_action, 1);
}
END_TEST

START_TEST(destroying_one_that_is_waited_for_is_misuse)
{
	struct call calls[2];

	begin(&calls[0], 1);
	fl_barrier_destroy(&barrier);
	reports_expect("barrier", &barrier, "gate", "waited for");
	begin(&calls[1], 2);
	ck_assert_int_eq(fl_barrier_wait(&barrier), 2);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	ck_assert_int_eq(call_end(&calls[1]), 1);
	fl_barrier_destroy(&barrier);
}
END_TEST

/* In each round each index is had once, the action is run once, and nobody is more than a round ahead. */
enum { PARTIES = 4, ROUNDS = 3000 };
static int indexes[ROUNDS][PARTIES], actions, at_round[PARTIES];

static int count_actions(void *unused)
{
	(void)unused;
	actions++;
	return 0;
}

static void go_rounds(unsigned self, void *unused)
{
	int round, index;
	unsigned i;

	(void)unused;
	for (round = 0; round < ROUNDS; round++) {
		__atomic_store_n(&at_round[self], round, __ATOMIC_RELAXED);
		index = fl_barrier_wait(&barrier);
		ck_assert_int_ge(index, 0);
		ck_assert_int_lt(index, PARTIES);
		indexes[round][index]++; /* its own: nobody else has the index in this round */
		ck_assert_int_eq(actions, round + 1);
		for (i = 0; i < PARTIES; i++) {
			int there = __atomic_load_n(&at_round[i], __ATOMIC_RELAXED);

			ck_assert_int_ge(there, round);
			ck_assert_int_le(there, round + 1);
		}
		ck_assert_int_ge(fl_barrier_wait(&barrier), 0);
	}
}

static int every_second(void *rounds)
{
	return ++*(int *)rounds % 2 ? count_actions(NULL) : 0;
}

START_TEST(every_round_is_whole)
{
	int round, i, rounds = 0;

	ck_assert_int_eq(fl_barrier_init(&barrier, PARTIES, every_second, &rounds, NULL), 0);
	testing_together(PARTIES, go_rounds, NULL);
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < PARTIES; i++)
			ck_assert_int_eq(indexes[round][i], 1);
}
END_TEST

/* A deadline about when the last one comes: either all have an index, or one gave up and all others know it. */
static int results[2];
static pthread_barrier_t meeting;

static void meet_in_time(unsigned self, void *unused)
{
	unsigned i;

	(void)unused;
	for (i = 0; i < 3000; i++) {
		fl_time until = fl_after((fl_time)(i * 7919u % 20000u)),
			meet = fl_after((fl_time)(i * 104729u % 20000u));

		pthread_barrier_wait(&meeting);
		while (self == 1 && fl_now() < meet)
			;
		results[self] = fl_barrier_wait_until(&barrier, self ? FL_FOREVER : until, NULL);
		pthread_barrier_wait(&meeting);
		if (self == 0 && results[0] >= 0) {
			ck_assert_int_eq(results[0] + results[1], 1);
			ck_assert(!fl_barrier_broken(&barrier));
		} else if (self == 0) {
			ck_assert_int_eq(results[0], -ETIMEDOUT);
			ck_assert_int_eq(results[1], -EPIPE);
			ck_assert(fl_barrier_broken(&barrier));
			fl_barrier_reset(&barrier);
		}
	}
}

START_TEST(deadlines_may_race_with_the_last_party)
{
	ck_assert_int_eq(fl_barrier_init(&barrier, 2, NULL, NULL, NULL), 0);
	ck_assert_int_eq(pthread_barrier_init(&meeting, NULL, 2), 0);
	testing_together(2, meet_in_time, NULL);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name)
{
	TCase *tcase = testing_case(suite, name);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("barrier");
	TCase *rounds = new_case(suite, "rounds"), *breaking = new_case(suite, "breaking"),
	      *action = new_case(suite, "action"), *contention = new_case(suite, "contention");

	tcase_add_test(rounds, parties_are_at_least_one_and_not_too_many);
	tcase_add_test(rounds, a_party_of_one_never_waits);
	tcase_add_test(rounds, the_index_is_the_order_of_arrival);
	tcase_add_test(rounds, a_slow_thread_is_not_mixed_up_with_the_next_round);
	tcase_add_test(breaking, a_round_that_is_complete_cannot_be_broken);
	tcase_add_test(breaking, a_deadline_breaks_it_for_all);
	tcase_add_test(breaking, a_cancel_breaks_it_for_all);
	tcase_add_test(breaking, who_may_not_wait_breaks_it_unless_the_last);
	tcase_add_test(breaking, an_abort_breaks_it);
	tcase_add_test(breaking, a_reset_sends_away_who_waits_and_makes_it_whole);
	tcase_add_test(breaking, destroying_one_that_is_waited_for_is_misuse);
	tcase_add_test(action, the_action_is_run_once_and_before_any_is_released);
	tcase_add_loop_test(action, an_action_that_fails_breaks_it, 0, 4);
	tcase_add_test(action, who_comes_during_the_action_belongs_to_the_next_round);
	tcase_add_test(contention, every_round_is_whole);
	tcase_add_test(contention, deadlines_may_race_with_the_last_party);
	return testing_run(suite);
}
