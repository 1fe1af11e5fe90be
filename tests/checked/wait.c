/*
 * wait.c - scenarios of conditions, events, semaphores, barriers and notes: no wake-up is lost.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/barrier.h>
#include <fairlead/condition.h>
#include <fairlead/event.h>
#include <fairlead/note.h>
#include <fairlead/semaphore.h>

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
	{0},
};
