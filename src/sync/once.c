/*
 * sync/once.c - Once.
 *
 * fl_state
 *   bits 0-1   NEW, RUNNING or DONE
 *   bits 2-31  RUNNER: number of the thread that runs the function, while RUNNING
 * fl_mode      FL_ONCE_SHARED: it is one that processes share, and until it is done sync/once_shared.c's
 *
 * Invariants:
 *   [O1] Only the thread that changed NEW to RUNNING leaves RUNNING, to DONE or, if the function failed, to NEW; then
 *        it wakes all who wait, under the bucket's lock. A waiter queues under that lock and only while the state is
 *        RUNNING. If a fork has left that thread behind, who comes first in the child sets NEW in its place.
 *   [O2] DONE is final, and is stored with release order after the function has returned.
 */
#include <fairlead/once.h>

#include "base/self.h"
#include "sync/once_shared.h"
#include "sync/wait.h"
#include <errno.h>

enum { NEW = FL_ONCE_NEW, RUNNING = FL_ONCE_RUNNING, DONE = FL_ONCE_DONE };

#define PHASE 3u
#define RUNNER_ONE 4u

bool fl_once_done(const fl_once *once)
{
	/* [once.1] acquire; pairs with [once.2], [once.4], [onceshared.2] */
	return fl_load_acquire(&once->fl_state) == DONE;
}

static void leave(fl_once *once, uint32_t state)
{
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket = fl_park_lock_(once);

	fl_park_take_all_(bucket, once, &list);
	/* [once.2] release; pairs with [once.1], [once.3] */
	fl_store_release(&once->fl_state, state);
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
}

/* If a fork left the thread behind that ran the function, it is not done; returns true. */
static bool bury_runner(fl_once *once, uint32_t state)
{
	if (fl_likely((state & PHASE) != RUNNING || !fl_self_gone_(state / RUNNER_ONE)))
		return false;
	/* [once.4] release; pairs with [once.1], [once.3] */
	return fl_cas_release(&once->fl_state, &state, NEW);
}

static int run(fl_once *once, int (*function)(void *arg), void *arg)
{
	int error = function(arg);

	leave(once, error < 0 ? NEW : DONE);
	return error < 0 ? error : 0;
}

/* Queues while the function runs; false: it has ended. */
static bool queue(fl_once *once, struct fl_waiter *waiter)
{
	struct fl_bucket *bucket = fl_park_lock_(once);
	bool running = (fl_load_relaxed(&once->fl_state) & PHASE) == RUNNING;

	if (running)
		fl_park_push_(bucket, waiter, once);
	fl_park_unlock_(bucket);
	return running;
}

static int wait(fl_once *once, fl_time deadline, fl_note *note)
{
	struct fl_waiter waiter = {0};
	int error = fl_wait_refused_(deadline, note);

	if (error != 0)
		return error;
	return queue(once, &waiter) ? fl_wait_(&waiter, once, deadline, note, NULL) : 0;
}

int fl_once_call_until(fl_once *once, int (*function)(void *arg), void *arg, fl_time deadline, fl_note *note)
{
	int error = 0;

	if (fl_likely(fl_once_done(once)))
		return 0;
	if (fl_once_is_shared(once))
		return fl_once_call_shared_(once, function, arg, deadline, note);
	do {
		uint32_t state = NEW, mine = RUNNING | fl_self() * RUNNER_ONE;

		/* [once.3] acquire; pairs with [once.2], [once.4] */
		if (fl_cas_acquire(&once->fl_state, &state, mine))
			return run(once, function, arg);
		if (state == mine)
			return -EDEADLK;
		if ((state & PHASE) == RUNNING && !bury_runner(once, state))
			error = wait(once, deadline, note);
	} while (error == 0 && !fl_once_done(once));
	return error;
}

int fl_once_call(fl_once *once, int (*function)(void *arg), void *arg)
{
	return fl_once_call_until(once, function, arg, FL_FOREVER, NULL);
}
