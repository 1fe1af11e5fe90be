/*
 * test_executor_waits.c - work that waits for work: a full pool goes on, whoever waits and in whatever manner, with no
 * more busy threads than are allowed. And many threads at once, a forked child, and exit().
 */
#define _GNU_SOURCE
#include "calls.h"
#include "executors.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static int nothing(fl_task *task, void *unused)
{
	(void)task;
	(void)unused;
	return 0;
}

/* fib(n), each call in a task of its own. */
static int fib(fl_task *task, void *n_)
{
	long n = (long)(intptr_t)n_, a = n, b = 0;
	fl_future *one, *two;

	if (n >= 2) {
		one = submit(fib, (void *)(intptr_t)(n - 1));
		two = submit(fib, (void *)(intptr_t)(n - 2));
		ck_assert_int_eq(fl_future_result(one, &a, sizeof(a)), 0);
		ck_assert_int_eq(fl_future_result(two, &b, sizeof(b)), 0);
		fl_future_unref(one);
		fl_future_unref(two);
	}
	a += b;
	return fl_task_return(task, &a, sizeof(a));
}

START_TEST(a_full_pool_does_its_own_work)
{
	long answer = 0;
	fl_future *future;

	make(_i == 0 ? 1 : 3);
	future = submit(fib, (void *)(intptr_t)15);
	ck_assert_int_eq(fl_future_result(future, &answer, sizeof(answer)), 0);
	ck_assert_int_eq(answer, 610);
	fl_future_unref(future);
	if (_i == 0) /* all of it is done on one stack */
		ck_assert_uint_eq(fl_executor_threads(executor), 1);
}
END_TEST

/* Deeper than one stack may go: beyond that the place is lent. */
static int dive(fl_task *task, void *n_)
{
	intptr_t n = (intptr_t)n_;

	(void)task;
	return n == 0 ? 0 : finish(submit(dive, (void *)(n - 1)));
}

START_TEST(a_deep_chain_ends)
{
	make(1);
	ck_assert_int_eq(finish(submit(dive, (void *)(intptr_t)1000)), 0);
	ck_assert_uint_le(fl_executor_threads(executor), 12);
}
END_TEST

static int set(fl_task *task, void *event)
{
	(void)task;
	fl_event_set(event);
	return 0;
}

static int set_promise(fl_task *task, void *promise)
{
	(void)task;
	return fl_future_set_result(promise, NULL, 0);
}

/* In each of these ways the one worker waits for work that only another thread can do. */
static int wait_in_many_ways(fl_task *task, void *unused)
{
	fl_future *futures[3], *promise, *next;
	fl_completed *completed;
	int i, n = 0;

	(void)task;
	(void)unused;
	ck_assert_int_eq(fl_future_create(&promise), 0);
	futures[0] = submit(set_promise, promise);
	ck_assert_int_eq(fl_future_result(promise, NULL, 0), 0);
	fl_future_unref(promise);
	ck_assert_int_eq(finish(futures[0]), 0);
	for (i = 0; i < 3; i++)
		futures[i] = submit(nothing, NULL);
	ck_assert_int_ge(fl_wait(3, futures, FL_FIRST_COMPLETED, FL_FOREVER, NULL), 1);
	ck_assert_int_eq(fl_wait(3, futures, FL_FIRST_ERROR, fl_after(FL_SECONDS(100)), NULL), 3);
	for (i = 0; i < 3; i++) {
		fl_future_unref(futures[i]);
		futures[i] = submit(nothing, NULL);
	}
	ck_assert_int_eq(fl_completed_create(&completed, 3, futures), 0);
	FL_COMPLETED_EACH (completed, next)
		n++;
	ck_assert_int_eq(n, 3);
	fl_completed_destroy(completed);
	for (i = 0; i < 3; i++) {
		fl_future_unref(futures[i]);
		futures[i] = submit(nothing, NULL);
	}
	ck_assert_int_eq(fl_wait(3, futures, FL_ALL_COMPLETED, FL_FOREVER, NULL), 3);
	for (i = 0; i < 3; i++)
		fl_future_unref(futures[i]);
	futures[0] = submit(nothing, NULL);
	ck_assert_int_eq(fl_future_wait_until(futures[0], fl_after(FL_SECONDS(100)), NULL), 0);
	return finish(futures[0]);
}

START_TEST(a_place_is_lent_to_others)
{
	make(1);
	ck_assert_int_eq(finish(submit(wait_in_many_ways, NULL)), 0);
	ck_assert_uint_le(fl_executor_threads(executor), 2);
}
END_TEST

/* How many are at work at the same moment. */
static int busy, most_busy;

static void work_a_little(void)
{
	int now = __atomic_add_fetch(&busy, 1, __ATOMIC_RELAXED), most = __atomic_load_n(&most_busy, __ATOMIC_RELAXED);

	while (now > most &&
	       !__atomic_compare_exchange_n(&most_busy, &most, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	sched_yield();
	__atomic_sub_fetch(&busy, 1, __ATOMIC_RELAXED);
}

static int count_busy(fl_task *task, void *unused)
{
	(void)task;
	(void)unused;
	work_a_little();
	return 0;
}

/* The same, waiting for several kinds of things at once. */
static int wait_for_any(fl_task *task, void *unused)
{
	fl_event never = FL_EVENT_INIT;
	fl_queue *queue;
	fl_future *promise, *setter;
	fl_waitable things[12];
	unsigned i, n;

	(void)task;
	(void)unused;
	ck_assert_int_eq(fl_queue_create(&queue, &(fl_queue_options){.item_size = sizeof(int)}), 0);
	for (n = 1; n <= 12; n++) {
		ck_assert_int_eq(fl_future_create(&promise), 0);
		setter = submit(set_promise, promise);
		for (i = 0; i + 1 < n; i++)
			things[i] = i % 2 == 0 ? fl_event_waitable(&never) : fl_queue_waitable(queue);
		things[n - 1] = fl_future_waitable(n % 2 == 0 ? promise : setter);
		ck_assert_int_eq(fl_wait_any(n, things, n % 3 == 0 ? fl_after(FL_SECONDS(100)) : FL_FOREVER, NULL),
				 (int)n - 1);
		ck_assert_int_eq(finish(setter), 0);
		fl_future_unref(promise);
	}
	fl_queue_destroy(queue);
	return 0;
}

START_TEST(a_place_is_lent_by_who_waits_for_any)
{
	make(1);
	ck_assert_int_eq(finish(submit(wait_for_any, NULL)), 0);
	ck_assert_uint_le(fl_executor_threads(executor), 2);
}
END_TEST

static int wait_in_vain(fl_task *task, void *promise)
{
	fl_waitable thing = fl_future_waitable(promise);
	fl_note cancelled = FL_NOTE_INIT;

	(void)task;
	fl_note_cancel(&cancelled);
	ck_assert_int_eq(fl_wait_any(1, &thing, INT64_MIN, NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_wait_any(1, &thing, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_wait_any(1, &thing, FL_FOREVER, &cancelled), -ECANCELED);
	fl_note_destroy(&cancelled);
	return 0;
}

/* If it were not, more than one would be at work. */
START_TEST(a_lent_place_is_taken_back)
{
	fl_future *futures[50], *promise;
	int i;

	make(1);
	ck_assert_int_eq(fl_future_create(&promise), 0);
	for (i = 0; i < 50; i++)
		futures[i] = submit(wait_in_vain, promise);
	for (i = 0; i < 50; i++)
		ck_assert_int_eq(finish(futures[i]), 0);
	await_idle(fl_executor_threads(executor));
	most_busy = 0;
	for (i = 0; i < 50; i++)
		futures[i] = submit(count_busy, NULL);
	for (i = 0; i < 50; i++)
		ck_assert_int_eq(finish(futures[i]), 0);
	ck_assert_int_eq(most_busy, 1);
	fl_future_unref(promise);
}
END_TEST

/* The first runs elsewhere and waits for an event, which work that is pending sets. */
static int wait_for_event(fl_task *task, void *event)
{
	return fl_event_wait_until(event, FL_FOREVER, fl_task_note(task));
}

static int wait_for_running(fl_task *task, void *event)
{
	fl_future *other = submit(wait_for_event, event), *setter;

	(void)task;
	waiting_await(event, 1);
	setter = submit(set, event);
	return finish(other) + finish(setter);
}

START_TEST(pending_work_is_done_while_others_wait)
{
	fl_event event = FL_EVENT_INIT;

	make(2);
	ck_assert_int_eq(finish(submit(wait_for_running, &event)), 0);
}
END_TEST

static fl_future *mine;
static fl_event ready = FL_EVENT_INIT;

static int wait_for_mine(fl_task *task, void *unused)
{
	(void)task;
	(void)unused;
	fl_event_wait(&ready);
	ck_assert_int_eq(fl_wait(1, &mine, FL_ALL_COMPLETED, FL_FOREVER, NULL), -EDEADLK);
	return fl_future_result(mine, NULL, 0);
}

START_TEST(work_that_waits_for_itself_is_told)
{
	make(1);
	mine = submit(wait_for_mine, NULL);
	fl_event_set(&ready);
	ck_assert_int_eq(finish(mine), -EDEADLK);
}
END_TEST

START_TEST(no_more_are_busy_than_are_allowed)
{
	fl_future *futures[500];
	int i;

	make(3);
	for (i = 0; i < 500; i++)
		futures[i] = submit(count_busy, NULL);
	for (i = 0; i < 500; i++)
		ck_assert_int_eq(finish(futures[i]), 0);
	ck_assert_int_le(most_busy, 3);
	ck_assert_uint_le(fl_executor_threads(executor), 3);
}
END_TEST

/* Many at once. */

enum { SUBMITTERS = 8, EACH = 5000 };
static int counted[SUBMITTERS], refused, cancelled;
static bool shuts;

static void count_plain(void *count)
{
	__atomic_add_fetch((int *)count, 1, __ATOMIC_RELAXED);
}

static int count_task(fl_task *task, void *count)
{
	(void)task;
	count_plain(count);
	return 0;
}

static void submit_many(unsigned index, void *unused)
{
	fl_future *future;
	int i, error;

	(void)unused;
	for (i = 0; i < EACH; i++) {
		if (i % 3 == 0) {
			error = fl_executor_start(executor, count_plain, &counted[index]);
		} else {
			error = fl_executor_submit(&future, executor, count_task, &counted[index]);
			if (error == 0 && i % 7 == 0 && fl_future_cancel(future))
				__atomic_add_fetch(&cancelled, 1, __ATOMIC_RELAXED);
			if (error == 0 && i % 32 == 1)
				fl_future_result(future, NULL, 0);
			if (error == 0)
				fl_future_unref(future);
		}
		ck_assert(error == 0 || error == -EPIPE);
		if (error != 0 && index == 0)
			refused++;
		if (error != 0)
			__atomic_add_fetch(&cancelled, 1, __ATOMIC_RELAXED);
		if (index == 0 && i == EACH / 2 && shuts)
			fl_executor_shutdown(executor, false, false);
	}
}

START_TEST(nothing_is_lost_and_nothing_done_twice)
{
	int i, sum = 0;

	shuts = _i % 2 == 1;
	make(_i < 2 ? 4 : 16);
	testing_together(SUBMITTERS, submit_many, NULL);
	fl_executor_shutdown(executor, true, false);
	for (i = 0; i < SUBMITTERS; i++)
		sum += counted[i];
	ck_assert_int_eq(sum + cancelled, SUBMITTERS * EACH);
	ck_assert_int_eq(refused, shuts ? EACH - EACH / 2 - 1 : 0);
}
END_TEST

/* It comes and goes, and the work of one thread races with the end. */
START_TEST(executors_come_and_go)
{
	int i, n, count;

	for (i = 0; i < 200; i++) {
		count = 0;
		make(1 + (uint32_t)i % 4);
		for (n = 0; n < i % 10; n++)
			ck_assert_int_eq(fl_executor_start(executor, count_plain, &count), 0);
		fl_executor_destroy(executor);
		ck_assert_int_eq(count, i % 10);
	}
	make(1);
}
END_TEST

/* Processes. */

START_TEST(in_a_child_there_is_nobody_to_work)
{
	fl_event event = FL_EVENT_INIT;
	fl_future *running, *other = NULL;
	fl_waitable things[2];
	int status = 0;
	pid_t child;

	make(2);
	running = submit(wait_for_event, &event);
	waiting_await(&event, 1);
	things[0] = fl_future_waitable(running);
	things[1] = fl_event_waitable(&event);
	child = fork();
	if (child == 0) {
		EXPECT(fl_executor_submit(&other, executor, nothing, NULL) == -EPERM);
		EXPECT(fl_executor_start(executor, count_plain, NULL) == -EPERM);
		EXPECT(fl_executor_shutdown(executor, true, false) == -EPERM);
		EXPECT(fl_future_result(running, NULL, 0) == -EPERM);
		EXPECT(fl_wait(1, &running, FL_ALL_COMPLETED, FL_FOREVER, NULL) == -EPERM);
		EXPECT(fl_wait_any(2, things, FL_FOREVER, NULL) == -EPERM);
		fl_event_set(&event);
		EXPECT(fl_wait_any(2, things, FL_FOREVER, NULL) == 1);
		fl_executor_destroy(executor);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	fl_event_set(&event);
	ck_assert_int_eq(finish(running), 0);
}
END_TEST

static void iterate_in_child(fl_completed *completed, fl_future **futures)
{
	fl_future *future = NULL, *promise = futures[1];
	fl_completed *new;

	EXPECT(fl_completed_next(completed) == futures[2]);
	EXPECT(fl_completed_next(completed) == NULL);
	EXPECT(fl_completed_next_until(completed, &future, FL_FOREVER, NULL) == -EPERM);
	EXPECT(fl_completed_create(&new, 3, futures) == 0);
	EXPECT(fl_completed_next(new) == futures[2]);
	EXPECT(fl_completed_next_until(new, &future, FL_FOREVER, NULL) == -EPERM);
	EXPECT(fl_future_set_result(promise, NULL, 0) == 0);
	EXPECT(fl_completed_next(completed) == promise && fl_completed_next(new) == promise);
	EXPECT(fl_completed_next(completed) == NULL && fl_completed_next(new) == NULL);
	fl_completed_destroy(new);
	EXPECT(fl_completed_create(&new, 2, futures + 1) == 0);
	EXPECT(fl_completed_next(new) == promise && fl_completed_next(new) == futures[2]);
	EXPECT(fl_completed_next_until(new, &future, FL_FOREVER, NULL) == -EPIPE);
	fl_completed_destroy(new);
	fl_completed_destroy(completed);
	fl_executor_destroy(executor);
}

/* One that is done, one that the child sets itself, and one that only the parent's threads could have ended. */
START_TEST(an_iterator_ends_in_a_child)
{
	fl_event event = FL_EVENT_INIT;
	fl_completed *completed;
	fl_future *futures[3];
	int status = 0, i;
	pid_t child;

	make(2);
	futures[0] = submit(wait_for_event, &event);
	ck_assert_int_eq(fl_future_create(&futures[1]), 0);
	futures[2] = submit(nothing, NULL);
	ck_assert_int_eq(fl_future_result(futures[2], NULL, 0), 0);
	waiting_await(&event, 1);
	ck_assert_int_eq(fl_completed_create(&completed, 3, futures), 0);
	child = fork();
	if (child == 0) {
		iterate_in_child(completed, futures);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	fl_event_set(&event);
	ck_assert_int_eq(fl_future_set_result(futures[1], NULL, 0), 0);
	for (i = 0; i < 3; i++)
		ck_assert_ptr_nonnull(fl_completed_next(completed));
	ck_assert_ptr_null(fl_completed_next(completed));
	fl_completed_destroy(completed);
	for (i = 0; i < 3; i++)
		fl_future_unref(futures[i]);
}
END_TEST

#ifndef CALLS_NOT_IN_CHILD

static void say(void *text)
{
	dprintf(STDERR_FILENO, "%s\n", (char *)text);
}

static void say_and_exit(void *text)
{
	say(text);
	exit(3);
}

static void exit_with_work(void *how)
{
	static char one[] = "one", two[] = "two";

	make(1);
	EXPECT(fl_executor_start(executor, say, one) == 0);
	EXPECT(fl_executor_start(executor, *(int *)how ? say_and_exit : say, two) == 0);
	exit(*(int *)how ? fl_event_wait(&ready) : 0);
}

START_TEST(at_exit_the_work_is_done_first)
{
	char said[256];
	int status = reports_of_child(exit_with_work, &_i, said, sizeof(said), NULL);

	ck_assert_str_eq(said, "one\ntwo\n");
	ck_assert_int_eq(WEXITSTATUS(status), _i ? 3 : 0);
	make(1);
}
END_TEST

#endif

int main(void)
{
	Suite *suite = suite_create("executor_waits");
	TCase *waits = testing_case_between(suite, "waits", set_up, tear_down);
	TCase *many = testing_case_between(suite, "many", set_up, tear_down);
	TCase *process = testing_case_between(suite, "process", set_up, tear_down);

	tcase_add_loop_test(waits, a_full_pool_does_its_own_work, 0, 2);
	tcase_add_test(waits, a_deep_chain_ends);
	tcase_add_test(waits, a_place_is_lent_to_others);
	tcase_add_test(waits, a_place_is_lent_by_who_waits_for_any);
	tcase_add_test(waits, a_lent_place_is_taken_back);
	tcase_add_test(waits, pending_work_is_done_while_others_wait);
	tcase_add_test(waits, work_that_waits_for_itself_is_told);
	tcase_add_test(waits, no_more_are_busy_than_are_allowed);
	tcase_add_loop_test(many, nothing_is_lost_and_nothing_done_twice, 0, 4);
	tcase_add_test(many, executors_come_and_go);
	tcase_add_test(process, in_a_child_there_is_nobody_to_work);
	tcase_add_test(process, an_iterator_ends_in_a_child);
#ifndef CALLS_NOT_IN_CHILD
	tcase_add_loop_test(process, at_exit_the_work_is_done_first, 0, 2);
#endif
	return testing_run(suite);
}
