/*
 * wait.c - scenarios of conditions, events, semaphores, barriers, notes and several at once: no wake-up is lost.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/barrier.h>
#include <fairlead/condition.h>
#include <fairlead/event.h>
#include <fairlead/note.h>
#include <fairlead/semaphore.h>
#include <fairlead/wait_any.h>

static fl_condition condition;
static fl_event event;
static fl_semaphore semaphore;
static fl_barrier barrier;
static fl_note note;
static int ready, data, passed, timed_out;

static void wait_ready(void)
{
	fl_condition_acquire(&condition);
	while (ready == 0)
		fl_condition_wait(&condition);
	ready--;
	fl_condition_release(&condition);
}

static void make_ready(void)
{
	fl_condition_acquire(&condition);
	ready++;
	fl_condition_notify(&condition, 1);
	fl_condition_release(&condition);
}

static void make_all_ready(void)
{
	fl_condition_acquire(&condition);
	ready += 2;
	fl_condition_notify_all(&condition);
	fl_condition_release(&condition);
}

static void wait_for_a_while(void)
{
	fl_condition_acquire(&condition);
	while (ready == 0 && timed_out == 0)
		timed_out = fl_condition_wait_until(&condition, fl_after(FL_MS(1)), NULL) == -ETIMEDOUT;
	if (ready > 0)
		ready--;
	fl_condition_release(&condition);
}

static void condition_2(void *arg)
{
	(void)arg;
	together(wait_ready, make_ready, NULL);
	assert(ready == 0);
}

static void condition_all(void *arg)
{
	(void)arg;
	together(wait_ready, wait_ready, make_all_ready, NULL);
	assert(ready == 0);
}

static void condition_each(void *arg)
{
	(void)arg;
	together(wait_ready, wait_ready, make_ready, make_ready, NULL);
	assert(ready == 0);
}

static void condition_until(void *arg)
{
	(void)arg;
	together(wait_for_a_while, make_ready, NULL);
	assert(ready == timed_out || ready == 0);
}

static void wait_event(void)
{
	fl_event_wait(&event);
	assert(data == 1);
}

static void set_event(void)
{
	data = 1;
	fl_event_set(&event);
}

static void event_2(void *arg)
{
	(void)arg;
	together(wait_event, set_event, NULL);
}

static void event_3(void *arg)
{
	(void)arg;
	together(wait_event, wait_event, set_event, NULL);
}

static void wait_event_until(void)
{
	if (fl_event_wait_until(&event, fl_after(FL_MS(1)), NULL) == 0)
		assert(data == 1);
}

static void event_until(void *arg)
{
	(void)arg;
	together(wait_event_until, set_event, wait_event, NULL);
}

static void take(void)
{
	fl_semaphore_acquire(&semaphore);
	passed++;
	fl_semaphore_release(&semaphore, 1);
}

static void give(void)
{
	data = 1;
	fl_semaphore_release(&semaphore, 1);
}

static void take_given(void)
{
	fl_semaphore_acquire(&semaphore);
	assert(data == 1);
}

static void semaphore_hand_over(void *arg)
{
	(void)arg;
	together(give, take_given, NULL);
	assert(fl_semaphore_value(&semaphore) == 0);
}

static void semaphore_mutex(void *arg)
{
	(void)arg;
	assert(fl_semaphore_init(&semaphore, 1, "one") == 0);
	together(take, take, NULL);
	assert(passed == 2 && fl_semaphore_value(&semaphore) == 1);
}

static void semaphore_3(void *arg)
{
	(void)arg;
	assert(fl_semaphore_init(&semaphore, 1, "one") == 0);
	together(take, take, take, NULL);
	assert(passed == 3 && fl_semaphore_value(&semaphore) == 1);
}

static void arrive(void)
{
	__atomic_fetch_add(&passed, 1, __ATOMIC_RELAXED);
	fl_barrier_wait(&barrier);
	assert(__atomic_load_n(&passed, __ATOMIC_RELAXED) >= 2);
}

static void barrier_2(void *arg)
{
	(void)arg;
	assert(fl_barrier_init(&barrier, 2, NULL, NULL, "two") == 0);
	together(arrive, arrive, NULL);
	fl_barrier_destroy(&barrier);
}

static void arrive_twice(void)
{
	arrive();
	fl_barrier_wait(&barrier);
}

static void barrier_rounds(void *arg)
{
	(void)arg;
	assert(fl_barrier_init(&barrier, 3, NULL, NULL, "three") == 0);
	together(arrive_twice, arrive_twice, arrive_twice, NULL);
	fl_barrier_destroy(&barrier);
}

static void wait_noted(void)
{
	assert(fl_semaphore_acquire_until(&semaphore, FL_FOREVER, &note) == -ECANCELED);
}

static void cancel(void)
{
	fl_note_cancel(&note);
}

static void note_semaphore(void *arg)
{
	(void)arg;
	fl_note_init(&note, NULL, FL_FOREVER);
	together(wait_noted, cancel, NULL);
	fl_note_destroy(&note);
}

static void look_at_event(void)
{
	if (fl_event_is_set(&event))
		assert(data == 1);
}

static void event_look(void *arg)
{
	(void)arg;
	together(look_at_event, set_event, NULL);
}

static void set_and_clear(void)
{
	data = 1;
	fl_event_set(&event);
	fl_event_clear(&event);
}

/* Who waits when it is set goes on, although it is cleared at once; who comes later gives up. */
static void event_clear(void *arg)
{
	(void)arg;
	together(wait_event_until, wait_event_until, set_and_clear, NULL);
	assert(!fl_event_is_set(&event));
}

static void wait_event_noted(void)
{
	if (fl_event_wait_until(&event, FL_FOREVER, &note) == 0)
		assert(data == 1);
}

static void cancel_note(void)
{
	passed = 1;
	fl_note_cancel(&note);
}

static void event_cancel(void *arg)
{
	(void)arg;
	together(wait_event_noted, set_event, cancel_note, NULL);
}

static void wait_noted_condition(void)
{
	fl_condition_acquire(&condition);
	while (ready == 0 && timed_out == 0)
		timed_out = fl_condition_wait_until(&condition, FL_FOREVER, &note) == -ECANCELED;
	if (ready > 0)
		ready--;
	fl_condition_release(&condition);
}

static void condition_cancel(void *arg)
{
	(void)arg;
	together(wait_noted_condition, make_ready, cancel_note, NULL);
	assert(ready == timed_out || ready == 0);
}

static fl_lock lock;

/* Notifies, and comes back to the lock itself. */
static void make_ready_and_return(void)
{
	make_all_ready();
	fl_condition_acquire(&condition);
	ready += data;
	fl_condition_release(&condition);
}

static void condition_lock(void *arg)
{
	(void)arg;
	fl_condition_init_lock(&condition, &lock, NULL);
	together(wait_ready, wait_ready, make_ready_and_return, NULL);
	assert(ready == 0);
}

static void take_soon(void)
{
	if (fl_semaphore_acquire_until(&semaphore, fl_after(FL_MS(1)), NULL) != 0)
		return;
	passed++;
	fl_semaphore_release(&semaphore, 1);
}

static void semaphore_until(void *arg)
{
	(void)arg;
	assert(fl_semaphore_init_bounded(&semaphore, 1, "one") == 0);
	together(take, take_soon, take, NULL);
	assert(fl_semaphore_value(&semaphore) == 1);
}

static void take_try(void)
{
	if (!fl_semaphore_acquire_try(&semaphore))
		return;
	passed++;
	fl_semaphore_release(&semaphore, 1);
}

static void semaphore_try(void *arg)
{
	(void)arg;
	assert(fl_semaphore_init(&semaphore, 1, "one") == 0);
	together(take, take_try, NULL);
	assert(fl_semaphore_value(&semaphore) == 1);
}

static void give_two(void)
{
	data = 1;
	fl_semaphore_release(&semaphore, 2);
}

static void semaphore_two(void *arg)
{
	(void)arg;
	together(take_given, take_given, give_two, NULL);
	assert(fl_semaphore_value(&semaphore) == 0);
}

static void give_last(void)
{
	data = 1;
	fl_semaphore_release(&semaphore, 1);
}

static void take_given_noted(void)
{
	if (fl_semaphore_acquire_until(&semaphore, FL_FOREVER, &note) == 0)
		assert(data == 1);
}

static void semaphore_cancel(void *arg)
{
	(void)arg;
	together(take_given_noted, give_last, cancel_note, NULL);
}

static int parts[3];

static int add_up(void *arg)
{
	(void)arg;
	data = parts[0] + parts[1];
	return 0;
}

static void bring_first(void)
{
	parts[0] = 1;
	assert(fl_barrier_wait(&barrier) >= 0);
	assert(data == 3);
}

static void bring_second(void)
{
	parts[1] = 2;
	assert(fl_barrier_wait(&barrier) >= 0);
	assert(data == 3);
}

static void barrier_action(void *arg)
{
	(void)arg;
	assert(fl_barrier_init(&barrier, 2, add_up, NULL, "two") == 0);
	together(bring_first, bring_second, NULL);
	fl_barrier_destroy(&barrier);
}

static void arrive_soon(void)
{
	int error;

	parts[0] = 1;
	error = fl_barrier_wait_until(&barrier, fl_after(FL_MS(1)), NULL);
	assert(error >= 0 || error == -ETIMEDOUT || error == -EPIPE);
	if (error >= 0)
		assert(parts[1] == 2);
}

static void arrive_if_whole(void)
{
	int error;

	parts[1] = 2;
	error = fl_barrier_wait(&barrier);
	assert(error >= 0 || error == -EPIPE);
	if (error >= 0)
		assert(parts[0] == 1);
}

static void barrier_until(void *arg)
{
	(void)arg;
	assert(fl_barrier_init(&barrier, 2, NULL, NULL, "two") == 0);
	together(arrive_soon, arrive_if_whole, NULL);
	fl_barrier_destroy(&barrier);
}

static void break_it(void)
{
	data = 1;
	fl_barrier_abort(&barrier);
}

static void arrive_at_broken(void)
{
	assert(fl_barrier_wait(&barrier) == -EPIPE);
	assert(data == 1);
}

static void barrier_abort(void *arg)
{
	(void)arg;
	assert(fl_barrier_init(&barrier, 3, NULL, NULL, "three") == 0);
	together(arrive_at_broken, arrive_at_broken, break_it, NULL);
	fl_barrier_destroy(&barrier);
}

static void wait_note(void)
{
	assert(fl_note_wait(&note) == 0);
	assert(passed == 1);
}

static void look_at_note(void)
{
	if (fl_note_is_cancelled(&note))
		assert(passed == 1);
}

static void note_wait(void *arg)
{
	(void)arg;
	together(wait_note, look_at_note, cancel_note, NULL);
}

static void wait_note_until(void)
{
	if (fl_note_wait_until(&note, fl_after(FL_MS(1))) == 0)
		assert(passed == 1);
}

static void note_until(void *arg)
{
	(void)arg;
	together(wait_note_until, wait_note, cancel_note, NULL);
}

static fl_note child;

static void wait_child(void)
{
	assert(fl_note_wait(&child) == 0);
	assert(passed == 1);
}

static void note_child(void *arg)
{
	(void)arg;
	fl_note_init(&note, NULL, FL_FOREVER);
	fl_note_init(&child, &note, FL_FOREVER);
	together(wait_child, cancel_note, NULL);
	fl_note_destroy(&child);
	fl_note_destroy(&note);
}

/* A child comes and goes while its parent is cancelled. */
static void be_a_child(void)
{
	fl_note mine;

	fl_note_init(&mine, &note, FL_FOREVER);
	if (fl_note_is_cancelled(&mine))
		assert(passed == 1);
	fl_note_destroy(&mine);
}

static void note_destroyed(void *arg)
{
	(void)arg;
	fl_note_init(&note, NULL, FL_FOREVER);
	together(be_a_child, cancel_note, NULL);
	fl_note_destroy(&note);
}

static fl_event other_event;

static void wait_either(void)
{
	fl_waitable waitables[] = {fl_event_waitable(&event), fl_event_waitable(&other_event)};
	int which = fl_wait_any(2, waitables, FL_FOREVER, NULL);

	assert(which == 0 || which == 1);
	assert(parts[which] == 1);
}

static void set_first(void)
{
	parts[0] = 1;
	fl_event_set(&event);
}

static void set_second(void)
{
	parts[1] = 1;
	fl_event_set(&other_event);
}

static void any_2(void *arg)
{
	(void)arg;
	together(wait_either, set_first, set_second, NULL);
}

static void wait_either_noted(void)
{
	fl_waitable waitables[] = {fl_event_waitable(&event), fl_event_waitable(&other_event)};
	int which = fl_wait_any(2, waitables, fl_after(FL_MS(1)), &note);

	assert(which == 0 || which == -ECANCELED || which == -ETIMEDOUT);
	if (which == 0)
		assert(parts[0] == 1);
}

static void any_cancel(void *arg)
{
	(void)arg;
	together(wait_either_noted, set_first, cancel_note, NULL);
}

const struct scenario wait_scenarios[] = {
	{"condition-2", "one waits, one notifies", condition_2, 2},
	{"condition-all", "two wait, one notifies all", condition_all, MANY},
	{"condition-each", "two wait, two notify", condition_each, MANY},
	{"condition-until", "the waiter may give up", condition_until, MANY},
	{"event-2", "one waits, one sets", event_2, 2},
	{"event-3", "two wait", event_3, MANY},
	{"event-until", "one may give up", event_until, MANY},
	{"semaphore-hand-over", "one releases, one acquires", semaphore_hand_over, 2},
	{"semaphore-mutex", "as a lock of two", semaphore_mutex, 2},
	{"semaphore-3", "as a lock of three", semaphore_3, MANY},
	{"barrier-2", "two arrive", barrier_2, 2},
	{"barrier-rounds", "three arrive, twice", barrier_rounds, MANY},
	{"note-semaphore", "a wait is cancelled", note_semaphore, 2},
	{"event-look", "one looks, one sets", event_look, EVERY},
	{"event-clear", "set and cleared at once", event_clear, MANY},
	{"event-cancel", "a note races with the set", event_cancel, MANY},
	{"condition-cancel", "a note races with a notify", condition_cancel, MANY},
	{"condition-lock", "over a Lock; who notifies comes back to it", condition_lock, MANY},
	{"semaphore-until", "one gives up", semaphore_until, MANY},
	{"semaphore-try", "one tries", semaphore_try, 2},
	{"semaphore-two", "two permits at once", semaphore_two, MANY},
	{"semaphore-cancel", "a note races with a permit", semaphore_cancel, MANY},
	{"barrier-action", "what each brings is seen by all", barrier_action, 2},
	{"barrier-until", "one gives up", barrier_until, 2},
	{"barrier-abort", "it is broken while two wait", barrier_abort, MANY},
	{"note-wait", "one waits for it, one looks", note_wait, MANY},
	{"note-until", "one may give up", note_until, MANY},
	{"note-child", "cancelled with its parent", note_child, 2},
	{"note-destroyed", "a child goes while its parent is cancelled", note_destroyed, 3},
	{"any-2", "the first of two events", any_2, MANY},
	{"any-cancel", "the same until a deadline or a note", any_cancel, MANY},
	{0},
};
