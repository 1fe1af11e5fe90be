/*
 * scenario_future.c - Future: of those who set it and cancel it one does, and whoever waits or wants to be called is
 * told once, in every order of their steps.
 */
#include "scenarios.h"

#include "run/future.h"
#include <errno.h>

struct objects {
	fl_future future, other;
	fl_note note;
	fl_completed *completed;
	struct fl_callback callbacks[2];
	int data; /* written before the future is set, read by whoever knows that it is */
	int freed;
	uint32_t set, cancelled, called, told, gave_up, given;
};
static struct objects *o;

static void setup(void)
{
	o = model_objects(sizeof(*o));
	model_name(&o->future);
	model_name(&o->other);
	model_name(&o->note);
	model_name(&o->data);
	fl_future_begin_(&o->future, 8);
	fl_future_begin_(&o->other, 8);
}

static void check_idle(void)
{
	model_assert_unwaited(&o->future);
	model_assert_unwaited(&o->other);
	model_assert_unwaited(&o->note);
}

static void write_and_set(void)
{
	o->data = 1;
	if (fl_future_set_result(&o->future, NULL, 0) == 0)
		model_count(&o->set);
}

static void set_other(void)
{
	fl_future_set_result(&o->other, NULL, 0);
}

static void wait(void)
{
	model_assert(fl_future_result(&o->future, NULL, 0) == 0);
	model_assert(o->data == 1);
}

static void wait_until_soon(void)
{
	int error = fl_future_wait_until(&o->future, MODEL_SOON, NULL);

	model_assert(error == 0 ? o->data == 1 : error == -ETIMEDOUT);
}

static void wait_noted(void)
{
	int error = fl_future_wait_until(&o->future, FL_FOREVER, &o->note);

	model_assert(error == 0 ? o->data == 1 : error == -ECANCELED);
}

static void cancel_note(void)
{
	fl_note_cancel(&o->note);
}

static void look(void)
{
	if (fl_future_done(&o->future))
		model_assert(o->data == 1);
}

static void done(void)
{
	check_idle();
	model_assert(fl_future_done(&o->future) && o->set == 1);
}

/* Set and cancelled. */

static void cancel(void)
{
	if (fl_future_cancel(&o->future))
		model_count(&o->cancelled);
}

static void run(void)
{
	if (fl_future_set_running(&o->future) == 0)
		write_and_set();
}

static void wait_for_either(void)
{
	int error = fl_future_result(&o->future, NULL, 0);

	model_assert(error == 0 ? o->data == 1 : error == -ECANCELED);
}

static void set_or_cancelled(void)
{
	check_idle();
	model_assert(o->set + o->cancelled == 1);
	model_assert(fl_future_cancelled(&o->future) == (o->cancelled == 1));
}

/* Callbacks. */

static int count(fl_future *future, void *unused)
{
	(void)future;
	(void)unused;
	model_assert(o->data == 1);
	model_count(&o->called);
	return 0;
}

static void add(int index)
{
	o->callbacks[index] = (struct fl_callback){.function = count};
	if (!fl_future_call_(&o->future, &o->callbacks[index]))
		model_count(&o->told);
}

static void add_0(void)
{
	add(0);
}

static void add_1_and_take_back(void)
{
	add(1);
	if (fl_future_uncall_(&o->future, &o->callbacks[1]))
		model_count(&o->told);
}

static void called_or_told(void)
{
	done();
	model_assert(o->called + o->told == 2);
}

static void added_or_told(void)
{
	done();
	model_assert(o->called + o->told == 1);
}

/* Two at once. */

static int wait_for_both(enum fl_wait_when when, fl_time deadline, fl_note *note)
{
	fl_future *futures[2] = {&o->other, &o->future};

	return fl_wait(2, futures, when, deadline, note);
}

static void wait_for_all(void)
{
	model_assert(wait_for_both(FL_ALL_COMPLETED, FL_FOREVER, NULL) == 2);
	model_assert(o->data == 1);
}

static void wait_for_first(void)
{
	int n = wait_for_both(FL_FIRST_COMPLETED, MODEL_SOON, NULL);

	model_assert(n == 1 || n == 2 || n == -ETIMEDOUT);
}

static void wait_for_all_noted(void)
{
	int n = wait_for_both(FL_ALL_COMPLETED, FL_FOREVER, &o->note);

	model_assert(n == -ECANCELED || (n == 2 && o->data == 1));
}

/* The last reference frees it. */

static void setup_freed(void)
{
	setup();
	o->future.refs = 2;
}

static void set_and_unref(void)
{
	int value = 7;

	fl_future_set_result(&o->future, &value, sizeof(value));
	fl_future_unref(&o->future);
}

static void wait_and_unref(void)
{
	int value = 0;

	model_assert(fl_future_result(&o->future, &value, sizeof(value)) == 0);
	fl_future_unref(&o->future);
}

/* In order of completion. */

static void setup_completed(void)
{
	fl_future *futures[2];

	setup();
	futures[0] = &o->other;
	futures[1] = &o->future;
	o->completed = model_objects(fl_completed_size_(2));
	fl_completed_begin_(o->completed, 2, futures);
}

static void take_one(void)
{
	fl_future *future = fl_completed_next(o->completed);

	model_assert(future == &o->future || future == &o->other);
	if (future == &o->future)
		model_assert(o->data == 1);
	model_count(&o->given);
}

static void take_two(void)
{
	take_one();
	take_one();
	model_assert(fl_completed_next(o->completed) == NULL);
}

static void both_given(void)
{
	done();
	model_assert(o->given == 2);
	fl_completed_destroy(o->completed);
}

const struct model_scenario model_future_scenarios[] = {
	{"future", "one sets, one waits, one looks", .setup = setup, .threads = {write_and_set, wait, look},
	 .finish = done},
	{"future-until", "a deadline races with the set", .setup = setup,
	 .threads = {write_and_set, wait_until_soon, wait}, .finish = done},
	{"future-note", "a note races with the set", .setup = setup,
	 .threads = {write_and_set, wait_noted, cancel_note}, .finish = done},
	{"future-cancel", "a cancel races with the one who runs it", .setup = setup,
	 .threads = {run, cancel, wait_for_either}, .finish = set_or_cancelled},
	{"future-callback", "one is added while it is set", .setup = setup, .threads = {write_and_set, add_0, wait},
	 .finish = added_or_told},
	{"future-callbacks", "two are added, and one taken back, while it is set", .setup = setup,
	 .threads = {write_and_set, add_0, add_1_and_take_back}, .finish = called_or_told},
	{"future-two", "one waits for both of two", .setup = setup, .threads = {write_and_set, set_other, wait_for_all},
	 .finish = done, .bound = 3},
	{"future-first", "one waits for the first of two, until a deadline", .setup = setup,
	 .threads = {write_and_set, set_other, wait_for_first}, .finish = done, .bound = 3},
	{"future-two-note", "one waits for both of two, until a note", .setup = setup,
	 .threads = {write_and_set, set_other, wait_for_all_noted, cancel_note}, .finish = done, .bound = 2},
	{"future-freed", "both give it back", .setup = setup_freed, .threads = {set_and_unref, wait_and_unref}},
	{"future-completed", "one takes two as they are done", .setup = setup_completed,
	 .threads = {write_and_set, set_other, take_two}, .finish = both_given, .bound = 3},
	{0},
};
