/*
 * sync/wait_any.c - waiting for the first of several objects.
 *
 * A thread stands in the queue of each object with a second waiter, as it does in that of a note (sync/note.c), and
 * sleeps on a first one, which is in no queue. Whatever is ready first nudges it; then it leaves all queues and looks
 * what it was. As a second waiter is given nothing, nothing has to be given back: an object that hands things to those
 * who wait, as a queue does with its wake-ups, goes on to the next.
 *
 * A kind of object may want something done once around the sleep: a worker of an executor that waits for a future lends
 * its place (run/crew.c). That is a function of the kind, since this file knows nothing of executors.
 *
 * Rejected: a descriptor for each object and poll(2): a system call for each event that is set.
 */
#include "sync/waitable.h"

#include "sync/wait.h"
#include <errno.h>
#include <stdlib.h>

#define FEW 8u
#define MOST 65536u

static int find_ready(unsigned n, const fl_waitable *waitables)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (waitables[i].fl_kind->is_ready(waitables[i].fl_object))
			return (int)i;
	return -EAGAIN;
}

/* Queues for one after the other until one is ready; returns for how many. */
static unsigned watch_all(unsigned n, const fl_waitable *waitables, struct fl_waiter *self, struct fl_waiter *seconds)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		seconds[i] = (struct fl_waiter){.nudge = true, .self = self};
		if (!waitables[i].fl_kind->watch(waitables[i].fl_object, &seconds[i]))
			break;
	}
	return i;
}

/* Leaves the queues of the first n; returns the first one that has been ready meanwhile, or -EAGAIN. */
static int unwatch_all(unsigned n, const fl_waitable *waitables, struct fl_waiter *seconds)
{
	int ready = -EAGAIN;

	while (n-- > 0)
		if (waitables[n].fl_kind->unwatch(waitables[n].fl_object, &seconds[n]))
			ready = (int)n;
	return ready;
}

/* One sleep. Returns which is ready, or -EAGAIN if perhaps none is. */
static int sleep_once(unsigned n, const fl_waitable *waitables, struct fl_waiter *seconds, fl_time deadline,
		      fl_note *note)
{
	struct fl_waiter self = {0};
	unsigned n_watched = watch_all(n, waitables, &self, seconds);
	int ready;

	if (n_watched == n)
		fl_nap_(&self, deadline, note);
	ready = unwatch_all(n_watched, waitables, seconds);
	return ready == -EAGAIN ? find_ready(n, waitables) : ready;
}

/* Why it must not sleep, or 0. */
static int refused(unsigned n, const fl_waitable *waitables, fl_time deadline, const fl_note *note)
{
	unsigned i;
	int error = 0;

	for (i = 0; error == 0 && i < n; i++)
		if (waitables[i].fl_kind->refuse)
			error = waitables[i].fl_kind->refuse(waitables[i].fl_object);
	return error != 0 ? error : fl_wait_refused_(deadline, note);
}

/* Has the kinds begin, of which only one has something to do; returns the one that is to end. */
static const struct fl_waitable_kind *begin(unsigned n, const fl_waitable *waitables)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (waitables[i].fl_kind->begin)
			return waitables[i].fl_kind->begin() ? waitables[i].fl_kind : NULL;
	return NULL;
}

static int sleep_often(unsigned n, const fl_waitable *waitables, struct fl_waiter *seconds, fl_time deadline,
		       fl_note *note)
{
	int ready = sleep_once(n, waitables, seconds, deadline, note), error;

	while (ready == -EAGAIN) {
		error = fl_wait_refused_(deadline, note);
		ready = error != 0 ? error : sleep_once(n, waitables, seconds, deadline, note);
	}
	return ready;
}

static int wait_any(unsigned n, const fl_waitable *waitables, struct fl_waiter *seconds, fl_time deadline,
		    fl_note *note)
{
	const struct fl_waitable_kind *begun = begin(n, waitables);
	int ready = sleep_often(n, waitables, seconds, deadline, note);

	if (begun)
		begun->end();
	return ready;
}

int fl_wait_any(unsigned n, const fl_waitable *waitables, fl_time deadline, fl_note *note)
{
	struct fl_waiter few[FEW], *seconds = few;
	int ready, error;

	if (n == 0 || n > MOST)
		return -EINVAL;
	ready = find_ready(n, waitables);
	if (ready >= 0)
		return ready;
	error = refused(n, waitables, deadline, note);
	if (error != 0)
		return error;
	if (n > FEW)
		seconds = aligned_alloc(_Alignof(struct fl_waiter), n * sizeof(*seconds));
	if (!seconds)
		return -ENOMEM;
	ready = wait_any(n, waitables, seconds, deadline, note);
	if (seconds != few)
		free(seconds);
	return ready;
}
