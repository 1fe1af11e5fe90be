/*
 * run.c - scenarios of futures and executors: every task is done once, and whoever waits for it goes on.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/event.h>
#include <fairlead/executor.h>
#include <fairlead/future.h>
#include <fairlead/wait_any.h>

static fl_future *future;
static fl_executor *executor;
static int result, calls, done;

static void set(void)
{
	int value = 7;

	fl_future_set_result(future, &value, sizeof(value));
}

static void get(void)
{
	int value = 0;

	assert(fl_future_result(future, &value, sizeof(value)) == 0);
	assert(value == 7);
	__atomic_fetch_add(&result, 1, __ATOMIC_RELAXED);
}

static void future_1(void *arg)
{
	(void)arg;
	assert(fl_future_create(&future) == 0);
	together(set, get, NULL);
	assert(result == 1);
	fl_future_unref(future);
}

static void future_2(void *arg)
{
	(void)arg;
	assert(fl_future_create(&future) == 0);
	together(set, get, get, NULL);
	assert(result == 2);
	fl_future_unref(future);
}

static void cancel(void)
{
	done = fl_future_cancel(future);
}

static void wait_done(void)
{
	assert(fl_future_wait_until(future, FL_FOREVER, NULL) == 0);
	assert(fl_future_done(future));
}

static void future_cancel(void *arg)
{
	(void)arg;
	assert(fl_future_create(&future) == 0);
	together(set, cancel, wait_done, NULL);
	assert(fl_future_cancelled(future) == (done != 0));
	fl_future_unref(future);
}

static void work(void *arg)
{
	__atomic_fetch_add((int *)arg, 1, __ATOMIC_RELAXED);
}

static void executor_1(void *arg)
{
	fl_executor_options options = {.max_threads = 2};

	(void)arg;
	assert(fl_executor_create(&executor, &options) == 0);
	for (int i = 0; i < 3; i++)
		assert(fl_executor_start(executor, work, &calls) == 0);
	assert(fl_executor_shutdown(executor, true, false) == 0);
	assert(calls == 3);
	fl_executor_destroy(executor);
}

/* Written before a future is done. */
static int data, more;

static void write_and_set(void)
{
	data = 1;
	set();
}

static void wait_and_read(void)
{
	assert(fl_future_wait_until(future, FL_FOREVER, NULL) == 0);
	assert(data == 1);
}

static void look_and_read(void)
{
	if (fl_future_done(future))
		assert(data == 1);
}

static void future_look(void *arg)
{
	(void)arg;
	assert(fl_future_create(&future) == 0);
	together(write_and_set, wait_and_read, look_and_read, NULL);
	fl_future_unref(future);
}

static void wait_soon(void)
{
	if (fl_future_wait_until(future, fl_after(FL_MS(1)), NULL) == 0)
		assert(data == 1);
}

static void future_until(void *arg)
{
	(void)arg;
	assert(fl_future_create(&future) == 0);
	together(write_and_set, wait_soon, wait_and_read, NULL);
	fl_future_unref(future);
}

static void set_and_unref(void)
{
	write_and_set();
	fl_future_unref(future);
}

static void read_and_unref(void)
{
	wait_and_read();
	fl_future_unref(future);
}

static void future_freed(void *arg)
{
	(void)arg;
	assert(fl_future_create(&future) == 0);
	fl_future_ref(future);
	together(set_and_unref, read_and_unref, NULL);
}

static int call_back(fl_future *of, void *arg)
{
	(void)arg;
	assert(fl_future_done(of) && data == 1);
	calls++;
	return 0;
}

static void add_callback(void)
{
	assert(fl_future_add_done_callback(future, call_back, NULL) == 0);
}

static void future_callback(void *arg)
{
	(void)arg;
	assert(fl_future_create(&future) == 0);
	together(write_and_set, add_callback, NULL);
	assert(calls == 1);
	fl_future_unref(future);
}

static fl_future *other;

static void set_other(void)
{
	more = 1;
	fl_future_set_result(other, NULL, 0);
}

static void make_two(void)
{
	assert(fl_future_create(&future) == 0);
	assert(fl_future_create(&other) == 0);
}

static void give_back_two(void)
{
	fl_future_unref(future);
	fl_future_unref(other);
}

static void wait_for_both(void)
{
	fl_future *futures[] = {future, other};

	assert(fl_wait(2, futures, FL_ALL_COMPLETED, FL_FOREVER, NULL) == 2);
	assert(data == 1 && more == 1);
}

static void future_both(void *arg)
{
	(void)arg;
	make_two();
	together(write_and_set, set_other, wait_for_both, NULL);
	give_back_two();
}

static void take_as_completed(void)
{
	fl_future *futures[] = {future, other}, *next;
	fl_completed *completed;
	int n = 0;

	assert(fl_completed_create(&completed, 2, futures) == 0);
	FL_COMPLETED_EACH (completed, next) {
		assert(next == future ? data == 1 : more == 1);
		n++;
	}
	assert(n == 2);
	fl_completed_destroy(completed);
}

static void future_completed(void *arg)
{
	(void)arg;
	make_two();
	together(write_and_set, set_other, take_as_completed, NULL);
	give_back_two();
}

static void make_executor(uint32_t threads)
{
	fl_executor_options options = {.max_threads = threads};

	assert(fl_executor_create(&executor, &options) == 0);
}

static void end_executor(void)
{
	assert(fl_executor_shutdown(executor, true, false) == 0);
	fl_executor_destroy(executor);
}

static int seven(fl_task *task, void *arg)
{
	int value = 7 + *(int *)arg;

	return fl_task_return(task, &value, sizeof(value));
}

static int submit_and_wait(int number)
{
	fl_future *of;
	int value = 0;

	assert(fl_executor_submit(&of, executor, seven, &number) == 0);
	assert(fl_future_result(of, &value, sizeof(value)) == 0);
	fl_future_unref(of);
	return value;
}

/* The second one finds a thread that sleeps, or is about to. */
static void executor_again(void *arg)
{
	(void)arg;
	make_executor(1);
	assert(submit_and_wait(0) == 7);
	assert(submit_and_wait(1) == 8);
	end_executor();
}

static void submit_here(void)
{
	assert(submit_and_wait(0) == 7);
}

static void executor_two(void *arg)
{
	(void)arg;
	make_executor(2);
	together(submit_here, submit_here, NULL);
	end_executor();
}

static int wait_for_another(fl_task *task, void *arg)
{
	int value = submit_and_wait(*(int *)arg);

	return fl_task_return(task, &value, sizeof(value));
}

static int wait_for_another_noted(fl_task *task, void *arg)
{
	fl_future *of;
	int value = 0;

	assert(fl_executor_submit(&of, executor, seven, arg) == 0);
	assert(fl_future_result_until(of, &value, sizeof(value), FL_FOREVER, fl_task_note(task)) == 0);
	fl_future_unref(of);
	return fl_task_return(task, &value, sizeof(value));
}

static void nest(fl_work work_that_waits)
{
	fl_future *of;
	int number = 1, value = 0;

	make_executor(1);
	assert(fl_executor_submit(&of, executor, work_that_waits, &number) == 0);
	assert(fl_future_result(of, &value, sizeof(value)) == 0 && value == 8);
	fl_future_unref(of);
	end_executor();
}

/* Work that waits for other work, and one thread, which does that itself. */
static void executor_nested(void *arg)
{
	(void)arg;
	nest(wait_for_another);
}

/* It may give up, so it cannot; its place is lent. */
static void executor_lend(void *arg)
{
	(void)arg;
	nest(wait_for_another_noted);
}

static void wait_for_future(void *arg)
{
	fl_note note = FL_NOTE_INIT;

	(void)arg;
	assert(fl_future_wait_until(future, FL_FOREVER, &note) == 0);
	assert(data == 1);
}

static void set_future(void *arg)
{
	(void)arg;
	write_and_set();
}

/* The other work comes while the place is lent. */
static void executor_lend_other(void *arg)
{
	(void)arg;
	assert(fl_future_create(&future) == 0);
	make_executor(1);
	assert(fl_executor_start(executor, wait_for_future, NULL) == 0);
	assert(fl_executor_start(executor, set_future, NULL) == 0);
	end_executor();
	fl_future_unref(future);
}

static void shut_executor(void)
{
	assert(fl_executor_shutdown(executor, false, true) == 0);
}

static void submit_maybe(void)
{
	int number = 0, value = 0;
	fl_future *of;

	if (fl_executor_submit(&of, executor, seven, &number) != 0)
		return;
	if (fl_future_result(of, &value, sizeof(value)) == 0)
		assert(value == 7);
	fl_future_unref(of);
}

static void executor_close(void *arg)
{
	(void)arg;
	make_executor(1);
	together(submit_maybe, shut_executor, NULL);
	end_executor();
}

static int double_it(const void *item, void *ret_result, fl_task *task, void *arg)
{
	(void)task;
	(void)arg;
	*(int *)ret_result = 2 * *(const int *)item;
	return 0;
}

static void executor_map(void *arg)
{
	static const int items[] = {1, 2};
	int results[2] = {0};
	fl_map map = {.function = double_it,
		      .n = 2,
		      .items = items,
		      .item_size = sizeof(int),
		      .results = results,
		      .result_size = sizeof(int)};

	(void)arg;
	make_executor(2);
	assert(fl_executor_map(executor, &map) == 0);
	assert(results[0] == 2 && results[1] == 4);
	end_executor();
}

static void any_future(void)
{
	fl_waitable waitables[] = {fl_future_waitable(other), fl_future_waitable(future)};
	int which = fl_wait_any(2, waitables, FL_FOREVER, NULL);

	assert(which == 0 || which == 1);
	assert(which == 0 ? more == 1 : data == 1);
}

static void future_any(void *arg)
{
	(void)arg;
	make_two();
	together(write_and_set, set_other, any_future, NULL);
	give_back_two();
}

static fl_event opened;

static void wait_opened(void *arg)
{
	(void)arg;
	fl_event_wait(&opened);
	assert(data == 1);
}

static void open_it(void *arg)
{
	(void)arg;
	data = 1;
	fl_event_set(&opened);
}

/* The first task ends only if there is a second thread for the second. */
static void executor_event(void *arg)
{
	(void)arg;
	make_executor(2);
	assert(fl_executor_start(executor, wait_opened, NULL) == 0);
	assert(fl_executor_start(executor, open_it, NULL) == 0);
	end_executor();
}

/* The same, and one thread of the two sleeps before. */
static void executor_event_again(void *arg)
{
	(void)arg;
	make_executor(2);
	assert(submit_and_wait(0) == 7);
	assert(fl_executor_start(executor, wait_opened, NULL) == 0);
	assert(fl_executor_start(executor, open_it, NULL) == 0);
	end_executor();
}

const struct scenario run_scenarios[] = {
	{"future-1", "one sets, one waits", future_1, 2},
	{"future-2", "two wait", future_2, MANY},
	{"future-cancel", "set and cancelled at once", future_cancel, MANY},
	{"executor-1", "three tasks, two threads, then shutdown", executor_1, MANY},
	{"future-look", "one waits, one looks", future_look, MANY},
	{"future-until", "one may give up", future_until, MANY},
	{"future-freed", "both give it back", future_freed, 2},
	{"future-callback", "one is added while it is set", future_callback, 3},
	{"future-both", "one waits for both of two", future_both, MANY},
	{"future-completed", "one takes two as they are done", future_completed, MANY},
	{"future-any", "the first of two", future_any, MANY},
	{"executor-again", "one thread, which sleeps between two tasks", executor_again, MANY},
	{"executor-two", "two submit", executor_two, MANY},
	{"executor-nested", "a task waits for another; one thread", executor_nested, MANY},
	{"executor-lend", "the same with a note", executor_lend, MANY},
	{"executor-lend-other", "what it waits for comes later", executor_lend_other, MANY},
	{"executor-close", "a task is submitted while it ends", executor_close, MANY},
	{"executor-map", "two items", executor_map, MANY},
	{"executor-event", "a task waits for the next one, by an event", executor_event, MANY},
	{"executor-event-again", "the same with a thread that sleeps", executor_event_again, MANY},
	{0},
};
