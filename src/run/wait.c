/*
 * run/wait.c - waiting for one future, and for several.
 *
 * One: as for an event (sync/event.c). The waiter stands in the future's queue, and is woken when that is done.
 *
 * Several: the thread has a first waiter that is in no queue, and a second one in the queue of each future that is not
 * done. Each second waiter nudges the first, as a note does (sync/note.c): the thread looks how many are done and
 * sleeps again if those are too few. In this manner it may wait for futures together with whatever else nudges.
 *
 * Invariants:
 *   [W1] The first waiter's word is set to WAITING once, before the first second waiter is queued. So no nudge is
 *        overwritten, and what the thread that nudges did is seen ([park.3], [park.4]).
 *   [W2] It returns only after every second waiter has been taken back, or woken: they are its memory.
 *
 * Rejected: a counter that the futures' callbacks count down (memory that must outlive a wait which gives up); waiting
 * for the first, then for the second and so on, which is enough for FL_ALL_COMPLETED and for nothing else; a first
 * waiter that is queued under itself, and again after each nudge (between the two a nudge would be lost).
 */
#include "run/executor.h"

#include "base/keep_errno.h"
#include "base/spin.h"
#include "sync/wait.h"
#include "sync/waitable.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FEW 4u /* so many second waiters lie on the stack */

bool fl_future_watch_(fl_future *future, struct fl_waiter *second)
{
	struct fl_bucket *bucket = fl_park_lock_(future);
	uint32_t state = fl_load_relaxed(&future->state);

	while (!(state & (FL_FUTURE_DONE | FL_FUTURE_WATCHED)))
		if (fl_cas_relaxed(&future->state, &state, state | FL_FUTURE_WATCHED))
			break;
	if (!(state & FL_FUTURE_DONE))
		fl_park_push_(bucket, second, future);
	fl_park_unlock_(bucket);
	if (!(state & FL_FUTURE_DONE))
		return true;
	fl_future_done(future); /* it is: this orders what was written before */
	return false;
}

/* One. */

static bool spin(fl_future *future, fl_time deadline)
{
	struct fl_spin spin;
	bool done = false;

	for (fl_spin_begin_(&spin, &future->spin, deadline, FL_SPIN_HERE); !done && fl_spin_again_(&spin);)
		done = fl_future_done(future);
	fl_spin_end_(&spin, done);
	return done;
}

static int wait_sleeping(fl_future *future, fl_time deadline, fl_note *note)
{
	struct fl_waiter waiter = {0};

	return fl_future_watch_(future, &waiter) ? fl_wait_(&waiter, future, deadline, note, NULL) : 0;
}

/* The caller is a worker of an executor: see run/task.c. */
static int wait_working(struct fl_worker *worker, fl_future *future, fl_time deadline, fl_note *note)
{
	int error = deadline == FL_FOREVER && !note ? fl_task_do_(worker, future) : 0;
	bool lent;

	if (error != 0 || fl_future_done(future))
		return error;
	lent = fl_crew_lend_(worker->executor);
	error = wait_sleeping(future, deadline, note);
	if (lent)
		fl_crew_take_back_(worker->executor);
	return error;
}

int fl_future_wait_until(fl_future *future, fl_time deadline, fl_note *note)
{
	int error;

	if (fl_future_done(future))
		return 0;
	error = fl_future_left_behind_(future) ? -EPERM : fl_wait_refused_(deadline, note);
	if (error != 0)
		return error;
	if (fl_tls_.worker)
		return wait_working(fl_tls_.worker, future, deadline, note);
	return spin(future, deadline) ? 0 : wait_sleeping(future, deadline, note);
}

int fl_future_result_until(fl_future *future, void *ret_value, size_t size, fl_time deadline, fl_note *note)
{
	int error = fl_future_wait_until(future, deadline, note);

	return error != 0 ? error : fl_future_outcome_(future, ret_value, size);
}

int fl_future_result(fl_future *future, void *ret_value, size_t size)
{
	return fl_future_result_until(future, ret_value, size, FL_FOREVER, NULL);
}

/* Several. */

struct several {
	size_t n;
	fl_future *const *futures;
	enum fl_wait_when when;
	struct fl_waiter *seconds; /* one for each future, */
	size_t n_watched;          /* of which the first so many are, or were, queued: those whose `self` is set */
	struct fl_waiter main;
};

/* How many are done; *ret_enough: whether that is enough. */
static int count(const struct several *several, bool *ret_enough)
{
	bool failed = false;
	size_t i, done = 0;

	for (i = 0; i < several->n; i++)
		if (fl_future_done(several->futures[i])) {
			done++;
			failed = failed || fl_future_phase(several->futures[i]) == FL_FUTURE_ERROR;
		}
	*ret_enough = done == several->n || (several->when == FL_FIRST_COMPLETED && done > 0) ||
		      (several->when == FL_FIRST_ERROR && failed);
	return (int)done;
}

static void watch_all(struct several *several)
{
	struct fl_waiter *second;

	for (; several->n_watched < several->n; several->n_watched++) {
		second = &several->seconds[several->n_watched];
		memset(second, 0, sizeof(*second));
		second->nudge = true;
		second->self = &several->main;
		if (!fl_future_watch_(several->futures[several->n_watched], second))
			second->self = NULL;
	}
}

static void unwatch_all(struct several *several)
{
	size_t i;

	for (i = 0; i < several->n_watched; i++)
		if (several->seconds[i].self)
			fl_park_leave_(&several->seconds[i], several->futures[i]);
}

static int wait_watching(struct several *several, fl_time deadline, fl_note *note)
{
	bool enough;
	int done, error = 0;

	watch_all(several);
	for (done = count(several, &enough); !enough && error == 0; done = count(several, &enough)) {
		fl_nap_(&several->main, deadline, note);
		error = fl_wait_refused_(deadline, note);
	}
	unwatch_all(several);
	return enough ? done : error;
}

static int wait_with_seconds(struct several *several, fl_time deadline, fl_note *note)
{
	struct fl_waiter few[FEW];
	int result;

	several->seconds = several->n <= FEW ? few : aligned_alloc(64, several->n * sizeof(*several->seconds));
	if (!several->seconds)
		return -ENOMEM;
	result = wait_watching(several, deadline, note);
	if (several->seconds != few)
		free(several->seconds);
	return result;
}

/* As for one: does what can be done here and now, and lends its place for the rest. */
static int wait_for_several_working(struct several *several, fl_time deadline, fl_note *note)
{
	struct fl_worker *worker = fl_tls_.worker;
	bool all = several->when == FL_ALL_COMPLETED && deadline == FL_FOREVER && !note, lent;
	int result = 0;
	size_t i;

	for (i = 0; all && result == 0 && i < several->n; i++)
		result = fl_task_do_(worker, several->futures[i]);
	if (result != 0)
		return result;
	lent = fl_crew_lend_(worker->executor);
	result = wait_with_seconds(several, deadline, note);
	if (lent)
		fl_crew_take_back_(worker->executor);
	return result;
}

static int wait_several(struct several *several, fl_time deadline, fl_note *note)
{
	bool enough, left_behind = false;
	int error, done = count(several, &enough);
	size_t i;

	if (enough)
		return done;
	for (i = 0; i < several->n; i++)
		left_behind = left_behind ||
			      (fl_future_left_behind_(several->futures[i]) && !fl_future_done(several->futures[i]));
	error = left_behind ? -EPERM : fl_wait_refused_(deadline, note);
	if (error != 0)
		return error;
	return fl_tls_.worker ? wait_for_several_working(several, deadline, note)
			      : wait_with_seconds(several, deadline, note);
}

int fl_wait(size_t n, fl_future *const *futures, enum fl_wait_when when, fl_time deadline, fl_note *note)
{
	fl_keep_errno();
	struct several several = {.n = n, .futures = futures, .when = when};

	return n > INT_MAX ? -EINVAL : wait_several(&several, deadline, note);
}

/* For fl_wait_any. */

static bool is_ready(void *future)
{
	return fl_future_done(future);
}

static bool watch(void *future, struct fl_waiter *second)
{
	return fl_future_watch_(future, second);
}

static bool unwatch(void *future, struct fl_waiter *second)
{
	return fl_park_leave_(second, future);
}

static int refuse(const void *future)
{
	return fl_future_left_behind_(future) ? -EPERM : 0;
}

static bool lend(void)
{
	return fl_tls_.worker && fl_crew_lend_(fl_tls_.worker->executor);
}

static void take_back(void)
{
	fl_crew_take_back_(fl_tls_.worker->executor);
}

static const struct fl_waitable_kind waitable_kind = {
	.is_ready = is_ready,
	.watch = watch,
	.unwatch = unwatch,
	.refuse = refuse,
	.begin = lend,
	.end = take_back,
};

fl_waitable fl_future_waitable(fl_future *future)
{
	return (fl_waitable){&waitable_kind, future};
}
