/*
 * thread/timer.c - Timer: a thread that waits for a time or for being cancelled, and then calls a function or does
 * not.
 *
 * Each timer has a thread of its own, as in Python. Rejected: one thread for all timers with a heap of times. It
 * would serve thousands of timers, but one function that takes its time or fails would hold up or end all others,
 * unless each is called in a thread of its own again; and the library would keep a thread nobody asked for. An
 * executor or a loop (layer L3) is the place for many.
 *
 * state   WAITING -> CALLED, by the timer's thread, or WAITING -> CANCELLED, by whoever cancels. Which of the two
 *         happened is decided by that one compare-and-swap. `cancelled` only wakes the thread, so that it does not
 *         sleep on until its time.
 *
 * References: the holder's and the timer's thread's, counted as in thread/thread.c. The timer holds one to its
 * thread.
 */
#include <fairlead/timer.h>

#include "base/atomic.h"
#include "thread/thread.h"
#include <errno.h>
#include <stdlib.h>

enum { WAITING, CALLED, CANCELLED };

struct fl_timer {
	uint32_t refs;
	uint32_t state;
	fl_time when;
	void (*function)(void *arg);
	void *arg;
	fl_event cancelled;
	fl_thread *thread;
};

fl_timer *fl_timer_ref(fl_timer *timer)
{
	fl_add_relaxed(&timer->refs, 1);
	return timer;
}

fl_timer *fl_timer_unref(fl_timer *timer)
{
	/* [timer.1] release; pairs with [timer.2] */
	if (!timer || fl_sub_release(&timer->refs, 1) > 1)
		return NULL;
	/* [timer.2] acquire; pairs with [timer.1] */
	if (fl_load_acquire(&timer->refs) == 0) {
		fl_thread_unref(timer->thread);
		free(timer);
	}
	return NULL;
}

/* Decides what becomes of it; false if that has been decided. */
static bool decide(fl_timer *timer, uint32_t state)
{
	uint32_t waiting = WAITING;

	return fl_cas_relaxed(&timer->state, &waiting, state);
}

static void unref(void *timer)
{
	fl_timer_unref(timer);
}

static void *run(void *timer_)
{
	fl_timer *timer = timer_;

	/* The function may end the thread. */
	pthread_cleanup_push(unref, timer);
	if (fl_event_wait_until(&timer->cancelled, timer->when, NULL) == -ETIMEDOUT && decide(timer, CALLED))
		timer->function(timer->arg);
	pthread_cleanup_pop(1);
	return NULL;
}

int fl_timer_start_with(fl_timer **ret_timer, const fl_thread_options *options, fl_time when,
			void (*function)(void *arg), void *arg)
{
	int saved = errno, error;
	fl_timer *timer = malloc(sizeof(*timer));

	errno = saved;
	if (!timer)
		return -ENOMEM;
	*timer = (fl_timer){.refs = 2, .when = when, .function = function, .arg = arg};
	error = fl_thread_start_(&timer->thread, options, "timer", run, timer);
	if (error != 0) {
		free(timer);
		return error;
	}
	if (ret_timer)
		*ret_timer = timer;
	else
		fl_timer_unref(timer);
	return 0;
}

int fl_timer_start(fl_timer **ret_timer, fl_time when, void (*function)(void *arg), void *arg)
{
	return fl_timer_start_with(ret_timer, NULL, when, function, arg);
}

bool fl_timer_cancel(fl_timer *timer)
{
	if (decide(timer, CANCELLED))
		fl_event_set(&timer->cancelled);
	return fl_load_relaxed(&timer->state) == CANCELLED;
}

int fl_timer_join_until(fl_timer *timer, fl_time deadline, fl_note *note)
{
	fl_thread *thread = fl_thread_ref(timer->thread);
	int error = fl_thread_join_until(thread, deadline, note, NULL);

	if (error == -EDEADLK || error == -ETIMEDOUT || error == -ECANCELED)
		fl_thread_unref(thread);
	else
		fl_timer_unref(timer);
	return error;
}

int fl_timer_join(fl_timer *timer)
{
	return fl_timer_join_until(timer, FL_FOREVER, NULL);
}
