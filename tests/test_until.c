/*
 * test_until.c - what all `_until` calls have in common: deadlines, notes, and signals that must not matter.
 *
 * One table of situations: something blocks, a call that would have to wait for it is made on another thread, and it is
 * let go. Each test runs for each line of the table. What is special about a primitive is in its own test.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <string.h>

static fl_lock lock, second_lock;
static fl_rlock rlock;
static fl_rwlock rwlock;
static fl_condition condition;
static fl_semaphore semaphore;
static fl_event event;
static fl_barrier barrier;
static fl_once once;
static fl_note awaited;

/* What a call is made with. */
struct asked {
	int (*call)(fl_time deadline, fl_note *note);
	fl_time deadline;
	fl_note *note;
};

static int call_until(void *arg)
{
	const struct asked *asked = arg;

	return asked->call(asked->deadline, asked->note);
}

static void hold_lock(void)
{
	fl_lock_acquire(&lock);
}

static void free_lock(void)
{
	fl_lock_release(&lock);
}

static int call_lock(fl_time deadline, fl_note *note)
{
	int error = fl_lock_acquire_until(&lock, deadline, note);

	if (error == 0)
		fl_lock_release(&lock);
	return error;
}

static int call_lock_all(fl_time deadline, fl_note *note)
{
	fl_lock *both[] = {&second_lock, &lock};
	int error = fl_lock_all(2, both, deadline);

	(void)note;
	ck_assert_msg(error == 0 || !fl_lock_locked(&second_lock), "a lock is held after %d", error);
	if (error == 0)
		fl_lock_all_release(2, both);
	return error;
}

static void hold_rlock(void)
{
	fl_rlock_acquire(&rlock);
}

static void free_rlock(void)
{
	fl_rlock_release(&rlock);
}

static int call_rlock(fl_time deadline, fl_note *note)
{
	int error = fl_rlock_acquire_until(&rlock, deadline, note);

	ck_assert_uint_eq(fl_rlock_count(&rlock), error == 0 ? 1 : 0);
	if (error == 0)
		fl_rlock_release(&rlock);
	return error;
}

static void hold_write(void)
{
	fl_rwlock_acquire_write(&rwlock);
}

static void free_write(void)
{
	fl_rwlock_release_write(&rwlock);
}

static int call_read(fl_time deadline, fl_note *note)
{
	int error = fl_rwlock_acquire_read_until(&rwlock, deadline, note);

	if (error == 0)
		fl_rwlock_release_read(&rwlock);
	return error;
}

static void hold_read(void)
{
	fl_rwlock_acquire_read(&rwlock);
}

static void free_read(void)
{
	fl_rwlock_release_read(&rwlock);
}

static int call_write(fl_time deadline, fl_note *note)
{
	int error = fl_rwlock_acquire_write_until(&rwlock, deadline, note);

	if (error == 0)
		fl_rwlock_release_write(&rwlock);
	return error;
}

static void hold_condition(void)
{
	fl_condition_acquire(&condition);
}

static void free_condition(void)
{
	fl_condition_release(&condition);
}

static int call_condition_acquire(fl_time deadline, fl_note *note)
{
	int error = fl_condition_acquire_until(&condition, deadline, note);

	if (error == 0)
		fl_condition_release(&condition);
	return error;
}

static bool predicate;

static bool read_predicate(void *arg)
{
	return *(bool *)arg;
}

static void no_condition(void)
{
	predicate = false;
}

static void notify_condition(void)
{
	fl_with (&condition) {
		predicate = true;
		fl_condition_notify(&condition, 1);
	}
}

static int call_condition_wait(fl_time deadline, fl_note *note)
{
	int error;

	fl_condition_acquire(&condition);
	error = fl_condition_wait_until(&condition, deadline, note);
	fl_condition_release(&condition); /* would be reported if the wait returned without the lock */
	return error;
}

static int call_condition_wait_for(fl_time deadline, fl_note *note)
{
	int error;

	fl_condition_acquire(&condition);
	error = fl_condition_wait_for_until(&condition, read_predicate, &predicate, deadline, note);
	ck_assert_int_eq(predicate, error == 0);
	fl_condition_release(&condition);
	return error;
}

static void no_permit(void)
{
	ck_assert_uint_eq(fl_semaphore_value(&semaphore), 0);
}

static void give_permit(void)
{
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
}

static int call_semaphore(fl_time deadline, fl_note *note)
{
	return fl_semaphore_acquire_until(&semaphore, deadline, note);
}

static void clear_event(void)
{
	fl_event_clear(&event);
}

static void set_event(void)
{
	fl_event_set(&event);
}

static int call_event(fl_time deadline, fl_note *note)
{
	return fl_event_wait_until(&event, deadline, note);
}

static void no_party(void)
{
	ck_assert_uint_eq(fl_barrier_n_waiting(&barrier), 0);
}

static void last_party(void)
{
	ck_assert_int_eq(fl_barrier_wait(&barrier), 1);
}

static int call_barrier(fl_time deadline, fl_note *note)
{
	int index = fl_barrier_wait_until(&barrier, deadline, note);

	ck_assert_int_eq(fl_barrier_broken(&barrier), index < 0);
	return index;
}

static struct call runner;
static fl_event running, may_end;

static int run_slowly(void *arg)
{
	(void)arg;
	fl_event_set(&running);
	return fl_event_wait(&may_end);
}

static int run_once(void *arg)
{
	return fl_once_call(&once, run_slowly, arg);
}

static void begin_once(void)
{
	call_start(&runner, run_once, NULL);
	fl_event_wait(&running);
}

static void end_once(void)
{
	fl_event_set(&may_end);
	ck_assert_int_eq(call_end(&runner), 0);
}

static int call_once(fl_time deadline, fl_note *note)
{
	return fl_once_call_until(&once, run_slowly, NULL, deadline, note);
}

static void note_not_cancelled(void)
{
	ck_assert(!fl_note_is_cancelled(&awaited));
}

static void cancel_awaited(void)
{
	fl_note_cancel(&awaited);
}

static int call_note(fl_time deadline, fl_note *note)
{
	(void)note;
	return fl_note_wait_until(&awaited, deadline);
}

enum { HAS_NO_NOTE = 1 };

static const struct situation {
	const char *name;
	void (*block)(void);
	int (*call)(fl_time deadline, fl_note *note);
	void (*let_go)(void);
	const void *key; /* what the call waits for */
	unsigned flags;
} situations[] = {
	{"lock", hold_lock, call_lock, free_lock, &lock, 0},
	{"lock_all", hold_lock, call_lock_all, free_lock, &lock, HAS_NO_NOTE},
	{"rlock", hold_rlock, call_rlock, free_rlock, &rlock, 0},
	{"read side", hold_write, call_read, free_write, &rwlock, 0},
	{"write side", hold_read, call_write, free_read, &rwlock, 0},
	{"write side of two", hold_write, call_write, free_write, &rwlock, 0},
	{"condition's lock", hold_condition, call_condition_acquire, free_condition, &condition.fl_own, 0},
	{"condition", no_condition, call_condition_wait, notify_condition, &condition, 0},
	{"predicate", no_condition, call_condition_wait_for, notify_condition, &condition, 0},
	{"semaphore", no_permit, call_semaphore, give_permit, &semaphore, 0},
	{"event", clear_event, call_event, set_event, &event, 0},
	{"barrier", no_party, call_barrier, last_party, &barrier, 0},
	{"once", begin_once, call_once, end_once, &once, 0},
	{"note", note_not_cancelled, call_note, cancel_awaited, &awaited, HAS_NO_NOTE},
};
#define N_SITUATIONS ((int)(sizeof(situations) / sizeof(situations[0])))

static void set_up(void)
{
	memset(&lock, 0, sizeof(lock));
	memset(&rlock, 0, sizeof(rlock));
	memset(&rwlock, 0, sizeof(rwlock));
	memset(&condition, 0, sizeof(condition));
	memset(&semaphore, 0, sizeof(semaphore));
	memset(&once, 0, sizeof(once));
	memset(&awaited, 0, sizeof(awaited));
	fl_event_clear(&event);
	fl_event_clear(&running);
	fl_event_clear(&may_end);
	ck_assert_int_eq(fl_barrier_init(&barrier, 2, NULL, NULL, NULL), 0);
	reports_catch();
}

/* Whatever happened, nobody is left in a queue, and nothing was reported. */
static void tear_down(void)
{
	int i;

	for (i = 0; i < N_SITUATIONS; i++)
		ck_assert_msg(waiting_for(situations[i].key) == 0, "somebody still waits: %s", situations[i].name);
	reports_expect_none();
}

/* Lets go when nobody waits any more. */
static void undo(const struct situation *situation)
{
	if (situation->let_go != last_party)
		situation->let_go();
	fl_barrier_reset(&barrier);
}

/* Makes the call on another thread, where it blocks or not, and returns what it returns. */
static int outcome(const struct situation *situation, fl_time deadline, fl_note *note)
{
	struct asked asked = {situation->call, deadline, note};

	return call_elsewhere(call_until, &asked);
}

START_TEST(a_past_deadline_does_not_block)
{
	const struct situation *situation = &situations[_i];
	fl_time past[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, fl_now() - 1, fl_now()};
	size_t i;

	situation->block();
	for (i = 0; i < sizeof(past) / sizeof(past[0]); i++) {
		ck_assert_int_eq(outcome(situation, past[i], NULL), -ETIMEDOUT);
		fl_barrier_reset(&barrier);
	}
	undo(situation);
}
END_TEST

START_TEST(a_deadline_ends_the_wait_and_not_early)
{
	const struct situation *situation = &situations[_i];
	fl_time deadline = fl_after(FL_MS(2));

	situation->block();
	ck_assert_int_eq(outcome(situation, deadline, NULL), -ETIMEDOUT);
	ck_assert_int_ge(fl_now(), deadline);
	undo(situation);
}
END_TEST

static void wait_until_let_go(const struct situation *situation, fl_time deadline, fl_note *note)
{
	struct asked asked = {situation->call, deadline, note};
	struct call call;

	situation->block();
	call_start(&call, call_until, &asked);
	waiting_await(situation->key, 1);
	testing_await_asleep(call.id);
	situation->let_go();
	ck_assert_int_eq(call_end(&call), 0);
}

START_TEST(for_ever_lasts_until_it_is_let_go)
{
	wait_until_let_go(&situations[_i], FL_FOREVER, NULL);
}
END_TEST

START_TEST(a_deadline_far_away_is_not_for_ever_nor_at_once)
{
	wait_until_let_go(&situations[_i], FL_FOREVER - 1, NULL);
}
END_TEST

START_TEST(a_note_that_is_never_cancelled_changes_nothing)
{
	fl_note note = FL_NOTE_INIT;

	wait_until_let_go(&situations[_i], FL_FOREVER, &note);
	ck_assert_uint_eq(waiting_for(&note), 0);
	fl_note_destroy(&note);
}
END_TEST

START_TEST(a_cancelled_note_does_not_block)
{
	const struct situation *situation = &situations[_i];
	fl_note note = FL_NOTE_INIT, past;

	if (situation->flags & HAS_NO_NOTE)
		return;
	fl_note_cancel(&note);
	fl_note_init(&past, NULL, fl_now());
	situation->block();
	ck_assert_int_eq(outcome(situation, FL_FOREVER, &note), -ECANCELED);
	fl_barrier_reset(&barrier);
	ck_assert_int_eq(outcome(situation, FL_FOREVER, &past), -ECANCELED);
	undo(situation);
}
END_TEST

/* Waits with `note` until `cancelled`, itself or its ancestor, is cancelled. */
static void wait_until_cancelled(const struct situation *situation, fl_note *note, fl_note *cancelled)
{
	struct asked asked = {situation->call, FL_FOREVER, note};
	struct call call;

	situation->block();
	call_start(&call, call_until, &asked);
	waiting_await(note, 1);
	testing_await_asleep(call.id);
	fl_note_cancel(cancelled);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	ck_assert_uint_eq(waiting_for(situation->key), 0);
	ck_assert_uint_eq(waiting_for(note), 0);
	undo(situation);
}

START_TEST(a_cancel_ends_the_wait)
{
	fl_note note = FL_NOTE_INIT;

	if (!(situations[_i].flags & HAS_NO_NOTE))
		wait_until_cancelled(&situations[_i], &note, &note);
}
END_TEST

START_TEST(a_cancel_of_an_ancestor_ends_the_wait)
{
	fl_note grandmother = FL_NOTE_INIT, mother, note;

	if (situations[_i].flags & HAS_NO_NOTE)
		return;
	fl_note_init(&mother, &grandmother, FL_FOREVER);
	fl_note_init(&note, &mother, fl_after(FL_SECONDS(3600)));
	wait_until_cancelled(&situations[_i], &note, &grandmother);
	fl_note_destroy(&note);
	fl_note_destroy(&mother);
	fl_note_destroy(&grandmother);
}
END_TEST

START_TEST(the_deadline_of_a_note_cancels)
{
	const struct situation *situation = &situations[_i];
	fl_time deadline = fl_after(FL_MS(2));
	fl_note mother, note;

	if (situation->flags & HAS_NO_NOTE)
		return;
	fl_note_init(&mother, NULL, deadline);
	fl_note_init(&note, &mother, FL_FOREVER);
	situation->block();
	ck_assert_int_eq(outcome(situation, fl_after(FL_SECONDS(3600)), &note), -ECANCELED);
	ck_assert_int_ge(fl_now(), deadline);
	undo(situation);
	fl_note_destroy(&note);
}
END_TEST

START_TEST(the_deadline_of_the_call_counts_if_it_is_earlier)
{
	const struct situation *situation = &situations[_i];
	fl_note note;

	if (situation->flags & HAS_NO_NOTE)
		return;
	fl_note_init(&note, NULL, fl_after(FL_SECONDS(3600)));
	situation->block();
	ck_assert_int_eq(outcome(situation, fl_after(FL_MS(2)), &note), -ETIMEDOUT);
	ck_assert_uint_eq(waiting_for(&note), 0);
	undo(situation);
}
END_TEST

START_TEST(what_need_not_wait_asks_neither_deadline_nor_note)
{
	const struct situation *situation = &situations[_i];
	fl_note note = FL_NOTE_INIT;

	fl_note_cancel(&note);
	if (situation->let_go == last_party || situation->call == call_condition_wait)
		return; /* these always have to wait */
	situation->block();
	situation->let_go();
	ck_assert_int_eq(outcome(situation, INT64_MIN, &note), 0);
}
END_TEST

START_TEST(signals_end_no_wait)
{
	const struct situation *situation = &situations[_i];
	struct asked asked = {situation->call, FL_FOREVER - 1, NULL};
	struct call call;

	situation->block();
	call_start(&call, call_until, &asked);
	waiting_await(situation->key, 1);
	testing_await_asleep(call.id);
	call_interrupt(&call, 20, 0);
	ck_assert(!call_returned(&call));
	ck_assert_uint_eq(waiting_for(situation->key), 1);
	situation->let_go();
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

START_TEST(the_callers_errno_is_left_alone)
{
	const struct situation *situation = &situations[_i];
	fl_note note = FL_NOTE_INIT;

	if (situation->key == &rlock || situation->key == &rwlock || situation->key == &condition.fl_own)
		return; /* their holder may ask again, or is told -EDEADLK */
	fl_note_init(&note, NULL, fl_after(FL_MS(1)));
	situation->block();
	errno = ENOTTY;
	situation->call(fl_after(FL_MS(1)), NULL);
	fl_barrier_reset(&barrier);
	situation->call(fl_after(FL_MS(1)), &note);
	ck_assert_int_eq(errno, ENOTTY);
	undo(situation);
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
	Suite *suite = suite_create("until");
	TCase *deadlines = new_case(suite, "deadlines"), *notes = new_case(suite, "notes"),
	      *signals = new_case(suite, "signals");

	tcase_add_loop_test(deadlines, a_past_deadline_does_not_block, 0, N_SITUATIONS);
	tcase_add_loop_test(deadlines, a_deadline_ends_the_wait_and_not_early, 0, N_SITUATIONS);
	tcase_add_loop_test(deadlines, for_ever_lasts_until_it_is_let_go, 0, N_SITUATIONS);
	tcase_add_loop_test(deadlines, a_deadline_far_away_is_not_for_ever_nor_at_once, 0, N_SITUATIONS);
	tcase_add_loop_test(deadlines, what_need_not_wait_asks_neither_deadline_nor_note, 0, N_SITUATIONS);
	tcase_add_loop_test(notes, a_note_that_is_never_cancelled_changes_nothing, 0, N_SITUATIONS);
	tcase_add_loop_test(notes, a_cancelled_note_does_not_block, 0, N_SITUATIONS);
	tcase_add_loop_test(notes, a_cancel_ends_the_wait, 0, N_SITUATIONS);
	tcase_add_loop_test(notes, a_cancel_of_an_ancestor_ends_the_wait, 0, N_SITUATIONS);
	tcase_add_loop_test(notes, the_deadline_of_a_note_cancels, 0, N_SITUATIONS);
	tcase_add_loop_test(notes, the_deadline_of_the_call_counts_if_it_is_earlier, 0, N_SITUATIONS);
	tcase_add_loop_test(signals, signals_end_no_wait, 0, N_SITUATIONS);
	tcase_add_loop_test(signals, the_callers_errno_is_left_alone, 0, N_SITUATIONS);
	return testing_run(suite);
}
