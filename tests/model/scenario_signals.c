/*
 * scenario_signals.c - Event and Semaphore: who waited at the time of a set returns, permits are neither lost
 * nor made up, and first come is first served.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/event.h>
#include <fairlead/note.h>
#include <fairlead/semaphore.h>
#include <fairlead/wait_any.h>

struct objects {
	fl_event event, other;
	fl_semaphore semaphore;
	fl_note note;
	int data; /* written before a set or a release, read after a wait */
	uint32_t cleared, second, acquired, given_up;
};
static struct objects *o;

static void setup(void)
{
	o = model_objects(sizeof(*o));
	model_name(&o->event);
	model_name(&o->other);
	model_name(&o->semaphore);
	model_name(&o->note);
	model_name(&o->data);
}

/* The note cancels itself. */
static void setup_deadline(void)
{
	setup();
	fl_note_init(&o->note, NULL, MODEL_SOON);
}

static void check_idle(void)
{
	model_assert_unwaited(&o->event);
	model_assert_unwaited(&o->other);
	model_assert_unwaited(&o->semaphore);
	model_assert_unwaited(&o->note);
}

static void cancel(void)
{
	fl_note_cancel(&o->note);
}

/* Event. */

static void wait_and_read(void)
{
	model_assert(fl_event_wait(&o->event) == 0);
	model_assert(o->data == 1);
}

static void wait_until_soon(void)
{
	int error = fl_event_wait_until(&o->event, MODEL_SOON, NULL);

	model_assert(error == 0 ? o->data == 1 : error == -ETIMEDOUT);
}

static void wait_with_note(void)
{
	int error = fl_event_wait_until(&o->event, FL_FOREVER, &o->note);

	model_assert(error == 0 ? o->data == 1 : error == -ECANCELED);
}

static void look(void)
{
	if (fl_event_is_set(&o->event))
		model_assert(o->data == 1);
}

static void write_and_set(void)
{
	o->data = 1;
	fl_event_set(&o->event);
}

static void set_and_clear(void)
{
	model_await_asleep(0);
	o->data = 1;
	fl_event_set(&o->event);
	fl_event_clear(&o->event);
	model_note(&o->cleared, 1);
}

static void wait_after_clear(void)
{
	int error;

	model_await_note(&o->cleared, 1);
	error = fl_event_wait_until(&o->event, MODEL_SOON, NULL);
	model_assert(error == -ETIMEDOUT);
}

static void event_is_set(void)
{
	check_idle();
	model_assert(fl_event_is_set(&o->event));
}

static void wait_and_free(void)
{
	wait_and_read();
	model_free(&o->event, sizeof(o->event));
}

/* The first of two events. */

static void wait_for_any(fl_time deadline, fl_note *note, int given_up)
{
	const fl_waitable both[] = {fl_event_waitable(&o->other), fl_event_waitable(&o->event)};
	int ready = fl_wait_any(2, both, deadline, note);

	model_assert(ready == 0 || ready == given_up || (ready == 1 && o->data == 1));
}

static void wait_any(void)
{
	wait_for_any(FL_FOREVER, NULL, 1);
}

static void wait_any_until_soon(void)
{
	wait_for_any(MODEL_SOON, NULL, -ETIMEDOUT);
}

static void wait_any_with_note(void)
{
	wait_for_any(FL_FOREVER, &o->note, -ECANCELED);
}

static void set_other(void)
{
	fl_event_set(&o->other);
}

static void pulse(void)
{
	model_await_asleep(0);
	fl_event_set(&o->other);
	fl_event_clear(&o->other);
}

/* Semaphore. */

static void setup_one_permit(void)
{
	setup();
	o->semaphore.fl_value = 1;
}

static void acquire(void)
{
	model_assert(fl_semaphore_acquire(&o->semaphore) == 0);
	model_count(&o->acquired);
}

static void acquire_and_read(void)
{
	acquire();
	model_assert(o->data == 1);
}

static void acquire_late_and_read(void)
{
	model_await_asleep(0);
	acquire_and_read();
}

static void write_and_release_two(void)
{
	o->data = 1;
	model_assert(fl_semaphore_release(&o->semaphore, 2) == 0);
}

static void write_and_release(void)
{
	o->data = 1;
	model_assert(fl_semaphore_release(&o->semaphore, 1) == 0);
}

static void use(void)
{
	fl_semaphore_acquire(&o->semaphore);
	o->data++;
	fl_semaphore_release(&o->semaphore, 1);
}

static void use_twice(void)
{
	use();
	use();
}

static void acquire_or_give_up(int error, int refusal)
{
	model_assert(error == 0 || error == refusal);
	model_count(error == 0 ? &o->acquired : &o->given_up);
}

static void acquire_until_soon(void)
{
	acquire_or_give_up(fl_semaphore_acquire_until(&o->semaphore, MODEL_SOON, NULL), -ETIMEDOUT);
}

static void acquire_with_note(void)
{
	acquire_or_give_up(fl_semaphore_acquire_until(&o->semaphore, FL_FOREVER, &o->note), -ECANCELED);
}

/* The second to come is not served before there is a second permit. */

static void acquire_first(void)
{
	acquire();
}

static void acquire_second(void)
{
	model_await_asleep(0);
	acquire();
	model_assert(model_noted(&o->second) == 1);
}

static void release_one_by_one(void)
{
	model_await_asleep(0);
	model_assert(fl_semaphore_release(&o->semaphore, 1) == 0);
	model_pause();
	model_note(&o->second, 1);
	model_assert(fl_semaphore_release(&o->semaphore, 1) == 0);
}

/* Who is given the permit may free the semaphore. */

static void acquire_and_free(void)
{
	acquire();
	model_free(&o->semaphore, sizeof(o->semaphore));
}

static void permits_add_up(uint32_t released)
{
	check_idle();
	model_assert(o->acquired + fl_semaphore_value(&o->semaphore) == released);
}

static void added_up_1(void)
{
	permits_add_up(1);
}

static void added_up_2(void)
{
	permits_add_up(2);
}

static void used_4(void)
{
	check_idle();
	model_assert(o->data == 4);
	model_assert(fl_semaphore_value(&o->semaphore) == 1);
}

static void used_3(void)
{
	check_idle();
	model_assert(o->data == 3);
	model_assert(fl_semaphore_value(&o->semaphore) == 1);
}

const struct model_scenario model_signal_scenarios[] = {
	{"event", "two wait, one sets", .setup = setup, .threads = {wait_and_read, wait_and_read, write_and_set},
	 .finish = event_is_set},
	{"event-look", "is_set and a wait, two set", .setup = setup, .threads = {look, wait_and_read, write_and_set},
	 .finish = event_is_set},
	{"event-clear", "set and clear at once; a later wait is not ended", .setup = setup,
	 .threads = {wait_and_read, set_and_clear, wait_after_clear}, .finish = check_idle},
	{"event-until", "a deadline races with the set", .setup = setup,
	 .threads = {wait_until_soon, wait_and_read, write_and_set}, .finish = event_is_set},
	{"event-cancel", "a note races with the set", .setup = setup,
	 .threads = {wait_with_note, write_and_set, cancel}, .finish = event_is_set},
	{"event-deadline", "a note's own deadline passes", .setup = setup_deadline,
	 .threads = {wait_with_note, wait_and_read, write_and_set}, .finish = event_is_set, .jumps = 1},
	{"event-stray", "a sleep ends for nothing", .setup = setup, .threads = {wait_and_read, write_and_set},
	 .finish = event_is_set, .stray = 2, .spins = 1},
	{"event-freed", "freed by who waited for it", .setup = setup, .threads = {wait_and_free, write_and_set}},
	{"event-spin-freed", "freed by who waited for it, spinning", .setup = setup,
	 .threads = {wait_and_free, write_and_set}, .spins = 2},
	{"event-any", "the first of two events", .setup = setup, .threads = {wait_any, write_and_set, set_other},
	 .finish = event_is_set, .bound = 4},
	{"event-any-pulse", "the first of two events, one of which is cleared at once", .setup = setup,
	 .threads = {wait_any, pulse}, .finish = check_idle},
	{"event-any-until", "a deadline races with the first of two events", .setup = setup,
	 .threads = {wait_any_until_soon, write_and_set}, .finish = event_is_set},
	{"event-any-cancel", "a note races with the first of two events", .setup = setup,
	 .threads = {wait_any_with_note, write_and_set, cancel}, .finish = event_is_set, .bound = 3},
	{"semaphore", "one permit, two threads, two rounds", .setup = setup_one_permit,
	 .threads = {use_twice, use_twice}, .finish = used_4},
	{"semaphore-three", "one permit, three threads", .setup = setup_one_permit, .threads = {use, use, use},
	 .finish = used_3, .bound = 4},
	{"semaphore-spin", "one permit, three threads, of which one spins", .setup = setup_one_permit,
	 .threads = {use, use, use}, .finish = used_3, .spins = 1, .bound = 4},
	{"semaphore-spin-until", "deadlines race with a release while one spins", .setup = setup,
	 .threads = {acquire_until_soon, acquire_until_soon, write_and_release}, .finish = added_up_1, .spins = 1,
	 .bound = 3},
	{"semaphore-two", "two permits released at once to two threads", .setup = setup,
	 .threads = {acquire_and_read, acquire_late_and_read, write_and_release_two}, .finish = added_up_2},
	{"semaphore-order", "first come, first served", .setup = setup,
	 .threads = {acquire_first, acquire_second, release_one_by_one}, .finish = added_up_2},
	{"semaphore-until", "a deadline races with a release", .setup = setup,
	 .threads = {acquire_until_soon, acquire_until_soon, write_and_release}, .finish = added_up_1, .bound = 3},
	{"semaphore-cancel", "a note races with a release", .setup = setup,
	 .threads = {acquire_with_note, write_and_release, cancel}, .finish = added_up_1},
	{"semaphore-freed", "freed by who acquired it", .setup = setup,
	 .threads = {acquire_and_free, write_and_release}},
	{"semaphore-spin-freed", "freed by who acquired it, spinning", .setup = setup,
	 .threads = {acquire_and_free, write_and_release}, .spins = 2},
	{0},
};
