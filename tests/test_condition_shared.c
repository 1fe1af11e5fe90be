/*
 * test_condition_shared.c - conditions that processes share: notified by another process, and who dies with a notify.
 */
#define _GNU_SOURCE
#include "sharing.h"

/* Two conditions over a lock, as a user has them. */
struct box {
	fl_lock lock;
	fl_rlock rlock;
	fl_condition filled, emptied, over_rlock;
};

static fl_condition *own;
static struct box *box;
static struct call call, second;
static fl_note note;

static int init_box(void *memory, void *arg)
{
	struct box *made = memory;

	(void)arg;
	fl_lock_init_shared(&made->lock);
	fl_rlock_init_shared(&made->rlock);
	fl_condition_init_lock_shared(&made->filled, &made->lock);
	fl_condition_init_lock_shared(&made->emptied, &made->lock);
	fl_condition_init_rlock_shared(&made->over_rlock, &made->rlock);
	return 0;
}

static void set_up(void)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(struct box, 1);

	sharing_set_up();
	ck_assert_int_eq(fl_segment_condition(segment, "own", &own), 1);
	ck_assert_int_eq(fl_segment_object(segment, "box", &type, init_box, NULL, (void **)&box), 1);
	fl_note_init(&note, NULL, FL_FOREVER);
	/* This process uses the segment from now on: nobody is woken because it comes. */
	ck_assert(fl_condition_acquire_try(own));
	fl_condition_release(own);
}

static void tear_down(void)
{
	fl_note_destroy(&note);
	sharing_tear_down();
}

/* Waits once, and mends what a dead holder left. */
static int wait_once(void *condition)
{
	int error = fl_condition_acquire(condition);

	if (error != 0)
		return error;
	error = fl_condition_wait(condition);
	if (error == -EOWNERDEAD)
		fl_condition_mend(condition);
	if (error != -ENOTRECOVERABLE)
		fl_condition_release(condition);
	return error;
}

static int wait_with_note(void *condition)
{
	int error = fl_condition_acquire(condition);

	if (error != 0)
		return error;
	error = fl_condition_wait_until(condition, FL_FOREVER, &note);
	if (error == -EOWNERDEAD && fl_condition_mend(condition) != 0)
		return -1;
	fl_condition_release(condition);
	return error;
}

static uint32_t notify(fl_condition *condition, uint32_t n)
{
	uint32_t notified;

	ck_assert_int_eq(fl_condition_acquire(condition), 0);
	notified = fl_condition_notify(condition, n);
	fl_condition_release(condition);
	return notified;
}

/* In a child: waits once, and ends with 0 if it was notified. */
static void wait_in_child(void *condition)
{
	EXPECT(fl_condition_acquire(condition) == 0);
	process_tell(&shared->ready);
	if (fl_condition_wait(condition) != 0)
		_exit(1);
	fl_condition_release(condition);
}

/* In a child: comes into the segment, which may end the waits that there are; then, when told to, holds the lock. */
static void hold(void *condition)
{
	EXPECT(fl_condition_acquire(condition) == 0);
	fl_condition_release(condition);
	process_tell(&shared->ready);
	process_await(&shared->go_on, 1);
	EXPECT(fl_condition_acquire(condition) == 0);
	*number = 1;
	process_stay();
}

/* Has the child, which was started before, hold it. */
static void let_hold(void)
{
	uint32_t before = __atomic_load_n(&shared->ready, __ATOMIC_RELAXED);

	process_tell(&shared->go_on);
	process_await(&shared->ready, before + 1);
}

/* One after the other. */

START_TEST(a_process_is_notified)
{
	pid_t child = sharing_start_waiter(wait_in_child, own);

	ck_assert_uint_eq(notify(own, 5), 1);
	ck_assert_int_eq(process_end(child), 0);
	ck_assert_uint_eq(notify(own, 5), 0);
}
END_TEST

START_TEST(who_waits_longest_is_the_first)
{
	sharing_wait_elsewhere(&call, wait_once, &box->filled);
	sharing_wait_elsewhere(&second, wait_once, &box->filled);
	ck_assert_uint_eq(notify(&box->emptied, UINT32_MAX), 0);
	ck_assert_uint_eq(notify(&box->filled, 1), 1);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert(!call_returned(&second) || second.result == 0); /* the other thread has left the segment */
	notify(&box->filled, 1);
	ck_assert_int_eq(call_end(&second), 0);
}
END_TEST

START_TEST(all_are_notified_and_pass_one_by_one)
{
	struct call calls[6];

	for (int i = 0; i < 6; i++)
		sharing_wait_elsewhere(&calls[i], wait_once, &box->filled);
	ck_assert_int_eq(fl_condition_acquire(&box->filled), 0);
	ck_assert_uint_eq(fl_condition_notify_all(&box->filled), 6);
	for (int i = 0; i < 6; i++)
		testing_await_asleep(calls[i].id); /* moved, not woken */
	fl_condition_release(&box->filled);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(call_end(&calls[i]), 0);
}
END_TEST

START_TEST(deadlines_and_notes_end_a_wait)
{
	ck_assert_int_eq(fl_condition_acquire(own), 0);
	ck_assert_int_eq(fl_condition_wait_until(own, 0, NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_condition_wait_until(own, fl_after(FL_MS(5)), NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_condition_notify_all(own), 0);
	fl_condition_release(own);
	sharing_wait_elsewhere(&call, wait_with_note, own);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	ck_assert_int_eq(call_elsewhere(wait_with_note, own), -ECANCELED);
	ck_assert_uint_eq(notify(own, 1), 0);
}
END_TEST

static int wait_thrice_held(void *condition)
{
	for (int i = 0; i < 3; i++)
		if (fl_condition_acquire(condition) != 0)
			return -1;
	if (fl_condition_wait(condition) != 0 || fl_rlock_count(&box->rlock) != 3)
		return -2;
	for (int i = 0; i < 3; i++)
		fl_condition_release(condition);
	return (int)fl_rlock_count(&box->rlock);
}

START_TEST(an_rlock_is_released_whole_and_held_as_often_again)
{
	sharing_wait_elsewhere(&call, wait_thrice_held, &box->over_rlock);
	ck_assert_uint_eq(notify(&box->over_rlock, 1), 1);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

static bool is_filled(void *n)
{
	return *(uint64_t *)n != 0;
}

static int wait_for_number(void *condition)
{
	int error = fl_condition_acquire(condition);

	if (error == 0)
		error = fl_condition_wait_for(condition, is_filled, number);
	if (error != -ENOTRECOVERABLE)
		fl_condition_release(condition);
	return error;
}

START_TEST(a_predicate_is_waited_for)
{
	sharing_wait_elsewhere(&call, wait_for_number, own);
	notify(own, 1);
	testing_await_asleep(call.id);
	ck_assert_int_eq(fl_condition_acquire(own), 0);
	*number = 1;
	fl_condition_notify(own, 1);
	fl_condition_release(own);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

START_TEST(a_predicate_has_a_deadline)
{
	ck_assert_int_eq(fl_condition_acquire(own), 0);
	ck_assert_int_eq(fl_condition_wait_for_until(own, is_filled, number, fl_after(FL_MS(5)), NULL), -ETIMEDOUT);
	*number = 1;
	ck_assert_int_eq(fl_condition_wait_for_until(own, is_filled, number, 0, NULL), 0);
	fl_condition_release(own);
}
END_TEST

/* Misuse. */

START_TEST(without_the_lock_it_is_misuse)
{
	ck_assert_int_eq(fl_condition_wait(own), -EPERM);
	reports_expect("condition", own, NULL, "waited for by a thread that does not hold");
	ck_assert_uint_eq(fl_condition_notify(own, 1), 0);
	reports_expect("condition", own, NULL, "notified by a thread that does not hold");
	ck_assert_int_eq(fl_condition_mend(own), -EPERM);
}
END_TEST

START_TEST(in_no_segment_it_cannot_be_used)
{
	fl_condition stray;

	fl_condition_init_shared(&stray);
	ck_assert_int_eq(fl_condition_acquire(&stray), -EINVAL);
	reports_expect("condition", &stray, NULL, "in no segment");
	ck_assert_int_eq(fl_condition_wait(&stray), -EINVAL);
	reports_expect("condition", &stray, NULL, "in no segment");
	ck_assert(!fl_condition_acquire_try(&stray));
	reports_expect("condition", &stray, NULL, "in no segment");
}
END_TEST

/* What is at fl_away may be anything, too. */
START_TEST(its_lock_is_in_the_same_segment_and_shared)
{
	static const int64_t far[] = {1, INT64_MAX, INT64_MIN, INT64_C(1) << 33, -(INT64_C(1) << 40)};
	fl_lock stray;
	fl_condition *condition = &box->emptied;

	fl_lock_init_shared(&stray);
	fl_condition_init_lock_shared(condition, &stray);
	ck_assert_int_eq(fl_condition_acquire(condition), -EINVAL);
	reports_expect("condition", condition, NULL, "in the same segment");
	fl_lock_init(&box->lock, NULL);
	fl_condition_init_lock_shared(condition, &box->lock);
	ck_assert(!fl_condition_acquire_try(condition));
	reports_expect("condition", condition, NULL, "not one that is shared");
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		condition->fl_away = far[i];
		ck_assert_int_eq(fl_condition_acquire(condition), -EINVAL);
		reports_expect("condition", condition, NULL, "in the same segment");
	}
}
END_TEST

START_TEST(it_is_not_destroyed_while_it_is_used)
{
	ck_assert_int_eq(fl_condition_acquire(own), 0);
	fl_condition_destroy(own);
	reports_expect("condition", own, NULL, "held");
	fl_condition_release(own);
	sharing_wait_elsewhere(&call, wait_once, own);
	fl_condition_destroy(own);
	reports_expect("condition", own, NULL, "waited for");
	notify(own, 1);
	ck_assert_int_eq(call_end(&call), 0);
	fl_condition_destroy(own);
}
END_TEST

/* Death. */

START_TEST(a_dead_waiter_is_not_notified)
{
	pid_t child = sharing_start_waiter(wait_in_child, own);

	process_kill(child);
	ck_assert_uint_eq(notify(own, 5), 0);
}
END_TEST

/* The first of two is notified, and is killed before it can do anything: then the second is not left waiting. */
START_TEST(what_a_dead_one_was_notified_of_is_not_lost)
{
	pid_t child = sharing_start_waiter(wait_in_child, own);

	sharing_wait_elsewhere(&call, wait_once, own);
	ck_assert_int_eq(kill(child, SIGSTOP), 0);
	ck_assert_uint_eq(notify(own, 1), 1);
	process_kill(child);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

/* A holder that dies before it notifies: those who wait are told. */
START_TEST(a_dead_notifier_is_told)
{
	pid_t child = process_start_ready(hold, own);
	fl_owner owner;

	sharing_wait_elsewhere(&call, wait_once, own);
	let_hold();
	process_kill(child);
	ck_assert_int_eq(call_end(&call), -EOWNERDEAD);
	ck_assert_int_eq(fl_condition_acquire(own), 0);
	fl_dead_owner(&owner);
	ck_assert_int_eq(owner.pid, 0); /* another thread was told */
	fl_condition_release(own);
}
END_TEST

/* More than that it was cancelled, it matters to a thread what it holds. */
START_TEST(a_death_goes_before_a_note)
{
	pid_t child = process_start_ready(hold, own);

	sharing_wait_elsewhere(&call, wait_with_note, own);
	let_hold();
	fl_note_cancel(&note);
	ck_assert(!call_returned(&call)); /* it waits for the lock */
	process_kill(child);
	ck_assert_int_eq(call_end(&call), -EOWNERDEAD);
}
END_TEST

START_TEST(a_predicate_is_not_asked_of_what_is_half_changed)
{
	pid_t child = process_start_ready(hold, own);

	sharing_wait_elsewhere(&call, wait_for_number, own);
	let_hold();
	process_kill(child);
	ck_assert_int_eq(call_end(&call), -EOWNERDEAD); /* and is not mended: */
	ck_assert_int_eq(fl_condition_acquire(own), -ENOTRECOVERABLE);
}
END_TEST

/* Who waits without having mended has released it so. */
static int acquire_unmended_and_wait(void *condition)
{
	int error = fl_condition_acquire(condition);

	return error == -EOWNERDEAD ? fl_condition_wait(condition) : error;
}

START_TEST(a_wait_without_mending_gives_it_up_for_all)
{
	pid_t child = process_start_ready(hold, &box->filled);

	let_hold();
	process_kill(child);
	ck_assert_int_eq(call_elsewhere(acquire_unmended_and_wait, &box->filled), -ENOTRECOVERABLE);
	ck_assert_int_eq(fl_condition_acquire(&box->emptied), -ENOTRECOVERABLE);
}
END_TEST

static fl_event end;

/* Waits on if it was told of a death, as who does not look at what a wait returns. */
static int wait_until_lost(void *condition)
{
	int error = fl_condition_acquire(condition);

	if (error == 0)
		error = fl_condition_wait(condition);
	if (error == -EOWNERDEAD)
		error = fl_condition_wait(condition);
	process_tell(&shared->go_on);
	fl_event_wait(&end); /* for its end would have the other one look again */
	return error;
}

/* The death has been noticed by all: nothing else is going to wake anybody. */
START_TEST(to_wait_again_without_mending_ends_all_waits)
{
	pid_t child = process_start_ready(hold, &box->filled);

	sharing_wait_elsewhere(&call, wait_until_lost, &box->filled);
	sharing_wait_elsewhere(&second, wait_until_lost, &box->emptied);
	let_hold(); /* the first to count go_on up */
	process_kill(child);
	process_await(&shared->go_on, 3);
	fl_event_set(&end);
	ck_assert_int_eq(call_end(&call), -ENOTRECOVERABLE);
	ck_assert_int_eq(call_end(&second), -ENOTRECOVERABLE);
}
END_TEST

/* All at once: two processes hand a turn back and forth, while threads come and go. */

enum { TURNS = 2000 };

static void take_turns(fl_condition *condition, uint64_t mine)
{
	for (int i = 0; i < TURNS; i++) {
		EXPECT(fl_condition_acquire(condition) == 0);
		while (*number % 2 != mine)
			EXPECT(fl_condition_wait(condition) == 0);
		++*number;
		fl_condition_notify(condition, 1);
		fl_condition_release(condition);
	}
}

static void take_turns_in_child(void *condition)
{
	take_turns(condition, 1);
}

START_TEST(two_processes_take_turns)
{
	pid_t child = process_start(take_turns_in_child, own);

	take_turns(own, 0);
	ck_assert_int_eq(process_end(child), 0);
	ck_assert_uint_eq(*number, 2 * TURNS);
}
END_TEST

/* A queue of four, with as many who put and who take, in two processes. */
static void put_or_take(unsigned index, void *unused)
{
	(void)unused;
	for (int i = 0; i < TURNS; i++) {
		EXPECT(fl_lock_acquire(&box->lock) == 0);
		while (*number == (index % 2 ? 0 : 4))
			EXPECT(fl_condition_wait(index % 2 ? &box->filled : &box->emptied) == 0);
		*number += index % 2 ? -1 : 1;
		fl_condition_notify(index % 2 ? &box->emptied : &box->filled, 1);
		fl_lock_release(&box->lock);
	}
}

static void put_or_take_in_child(void *index)
{
	put_or_take(*(unsigned *)index, NULL);
}

START_TEST(all_that_is_put_is_taken)
{
	static unsigned indices[] = {0, 1};
	pid_t children[2];

	for (int i = 0; i < 2; i++)
		children[i] = process_start(put_or_take_in_child, &indices[i]);
	testing_together(4, put_or_take, NULL);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(process_end(children[i]), 0);
	ck_assert_uint_eq(*number, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("condition_shared");
	TCase *alone = testing_case_between(suite, "alone", set_up, tear_down);
	TCase *misuse = testing_case_between(suite, "misuse", set_up, tear_down);
	TCase *death = testing_case_between(suite, "death", set_up, tear_down);
	TCase *together = testing_case_between(suite, "together", set_up, tear_down);

	tcase_add_test(alone, a_process_is_notified);
	tcase_add_test(alone, who_waits_longest_is_the_first);
	tcase_add_test(alone, all_are_notified_and_pass_one_by_one);
	tcase_add_test(alone, deadlines_and_notes_end_a_wait);
	tcase_add_test(alone, an_rlock_is_released_whole_and_held_as_often_again);
	tcase_add_test(alone, a_predicate_is_waited_for);
	tcase_add_test(alone, a_predicate_has_a_deadline);
	tcase_add_test(misuse, without_the_lock_it_is_misuse);
	tcase_add_test(misuse, in_no_segment_it_cannot_be_used);
	tcase_add_test(misuse, its_lock_is_in_the_same_segment_and_shared);
	tcase_add_test(misuse, it_is_not_destroyed_while_it_is_used);
	tcase_add_test(death, a_dead_waiter_is_not_notified);
	tcase_add_test(death, what_a_dead_one_was_notified_of_is_not_lost);
	tcase_add_test(death, a_dead_notifier_is_told);
	tcase_add_test(death, a_death_goes_before_a_note);
	tcase_add_test(death, a_predicate_is_not_asked_of_what_is_half_changed);
	tcase_add_test(death, a_wait_without_mending_gives_it_up_for_all);
	tcase_add_test(death, to_wait_again_without_mending_ends_all_waits);
	tcase_add_test(together, two_processes_take_turns);
	tcase_add_test(together, all_that_is_put_is_taken);
	return testing_run(suite);
}
