/*
 * threads.c - scenarios of loops, groups, threads and timers: all that was started is done, seen and joined.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/group.h>
#include <fairlead/parallel.h>
#include <fairlead/thread.h>
#include <fairlead/timer.h>
#include <stdlib.h>
#include <string.h>

static int data;
static int cells[4];

static int mark_cells(int64_t begin, int64_t end, void *arg)
{
	for (int64_t i = begin; i < end; i++)
		cells[i]++;
	return *(const int *)arg;
}

/* The threads that help with loops stay: nobody would end but for exit(). */
static void parallel(void *arg)
{
	static const int fine;

	(void)arg;
	assert(fl_parallel_for(0, 4, 1, mark_cells, (void *)(uintptr_t)&fine) == 0);
	for (int i = 0; i < 4; i++)
		assert(cells[i] == 1);
	exit(0);
}

static void parallel_error(void *arg)
{
	static const int error = -EIO;

	(void)arg;
	assert(fl_parallel_for(0, 4, 1, mark_cells, (void *)(uintptr_t)&error) == -EIO);
	exit(0);
}

static int fill_cell(void *arg, fl_note *stop)
{
	(void)stop;
	*(int *)arg = 1;
	return 0;
}

static int fail_with(void *arg, fl_note *stop)
{
	(void)arg;
	(void)stop;
	data = 1;
	return -EIO;
}

static int wait_for_stop(void *arg, fl_note *stop)
{
	(void)arg;
	assert(fl_note_wait(stop) == 0);
	assert(data == 1);
	return -ECANCELED;
}

static void group_2(void *arg)
{
	int error = -1;

	(void)arg;
	fl_with_group (group, &error) {
		assert(fl_group_start(group, fill_cell, &cells[0]) == 0);
		assert(fl_group_start(group, fill_cell, &cells[1]) == 0);
	}
	assert(error == 0 && cells[0] == 1 && cells[1] == 1);
}

static void group_error(void *arg)
{
	int error = 0;

	(void)arg;
	fl_with_group (group, &error) {
		assert(fl_group_start(group, wait_for_stop, NULL) == 0);
		assert(fl_group_start(group, fail_with, NULL) == 0);
	}
	assert(error == -EIO);
}

static void *return_data(void *arg)
{
	*(int *)arg = 1;
	return arg;
}

static void thread_join(void *arg)
{
	fl_thread *thread;
	void *value;

	(void)arg;
	assert(fl_thread_start(&thread, NULL, return_data, &cells[0]) == 0);
	assert(fl_thread_join(thread, &value) == 0);
	assert(value == &cells[0] && cells[0] == 1);
}

static void *join_other(void *arg)
{
	assert(fl_thread_join(arg, NULL) == 0);
	assert(cells[0] == 1);
	return NULL;
}

/* Two join one thread, each with a reference. */
static void thread_join_both(void *arg)
{
	fl_thread *thread, *joiner;

	(void)arg;
	assert(fl_thread_start(&thread, NULL, return_data, &cells[0]) == 0);
	assert(fl_thread_start(&joiner, NULL, join_other, fl_thread_ref(thread)) == 0);
	assert(fl_thread_join(thread, NULL) == 0);
	assert(cells[0] == 1);
	assert(fl_thread_join(joiner, NULL) == 0);
}

static void strike(void *arg)
{
	*(int *)arg = 1;
}

static void timer(void *arg)
{
	fl_timer *started;

	(void)arg;
	assert(fl_timer_start(&started, fl_after(FL_MS(1)), strike, &cells[0]) == 0);
	if (fl_timer_cancel(started))
		cells[1] = 1;
	assert(fl_timer_join(started) == 0);
	assert(cells[0] + cells[1] == 1);
}

static void *rename_itself(void *arg)
{
	assert(fl_thread_set_name("another") == 0);
	return arg;
}

static void thread_name(void *arg)
{
	fl_thread_options options = {.name = "one"};
	fl_thread *thread;
	const char *name;

	(void)arg;
	assert(fl_thread_start(&thread, &options, rename_itself, NULL) == 0);
	name = fl_thread_name(thread);
	assert(strcmp(name, "one") == 0 || strcmp(name, "another") == 0);
	assert(fl_thread_join(thread, NULL) == 0);
}

static fl_timer *struck;

static void cancel_and_unref(void)
{
	fl_timer_cancel(struck);
	fl_timer_unref(struck);
}

static void timer_freed(void *arg)
{
	(void)arg;
	assert(fl_timer_start(&struck, fl_after(FL_MS(1)), strike, &cells[0]) == 0);
	fl_timer_ref(struck);
	together(cancel_and_unref, cancel_and_unref, NULL);
}

static void first_half(void)
{
	static const int fine;

	assert(fl_parallel_for(0, 2, 1, mark_cells, (void *)(uintptr_t)&fine) == 0);
	assert(cells[0] == 1 && cells[1] == 1);
}

static void second_half(void)
{
	static const int fine;

	assert(fl_parallel_for(2, 4, 1, mark_cells, (void *)(uintptr_t)&fine) == 0);
	assert(cells[2] == 1 && cells[3] == 1);
}

static void parallel_callers(void *arg)
{
	(void)arg;
	together(first_half, second_half, NULL);
	exit(0);
}

const struct scenario thread_scenarios[] = {
	{"parallel", "four iterations", parallel, MANY},
	{"parallel-error", "an iteration fails", parallel_error, MANY},
	{"group-2", "two children", group_2, MANY},
	{"group-error", "one fails, the other waits for the note", group_error, MANY},
	{"thread-join", "started, joined", thread_join, MANY},
	{"thread-join-both", "two join one", thread_join_both, MANY},
	{"timer", "cancelled when it may have struck", timer, MANY},
	{"thread-name", "a thread names itself, another looks", thread_name, MANY},
	{"timer-freed", "two give it back", timer_freed, MANY},
	{"parallel-callers", "two loops at once", parallel_callers, MANY},
	{0},
};
