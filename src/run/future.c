/*
 * run/future.c - Future: its states, its outcome, and who is told of it.
 *
 * state
 *   bits 0-2  the phase: PENDING -> RUNNING -> SETTLING -> RESULT or ERROR, or PENDING -> CANCELLED. Bit 2 is DONE.
 *             RUNNING is left out by who sets a pending one, SETTLING by an executor, which alone may set its own
 *   bit 3     WATCHED: somebody waits or wants to be called. Set by those, under the bucket's lock and with DONE
 *             clear; gone when it is done
 *
 * Whoever moves the phase to SETTLING, by one compare-and-swap, has the future to itself: it alone writes the outcome
 * and makes it done. So of all who set, cancel or run it at the same moment one does, and the others know that they did
 * not. A cancel has nothing to write, and so it is one step: by way of SETTLING, one who comes to run it meanwhile
 * would take it for one that somebody else sets.
 *
 * Invariants:
 *   [F1] A phase that is done is final, and what it means (value, error, message) does not change after.
 *   [F2] A waiter queues, and a callback is added, only under the bucket's lock and with DONE clear. While WATCHED is
 *        set, DONE becomes set only under that lock, together with taking all waiters and all callbacks. So each of
 *        them is told, once, and who comes later sees DONE.
 *   [F3] Callbacks are called by whoever took them, one after the other, under no lock, after DONE is set and the
 *        waiters are woken. One that is added late is called by its adder: it may overtake earlier ones then.
 *   [F4] Whoever settles holds a reference until it has called the callbacks. A thread that was woken may give its own
 *        back at once.
 *   [F5] A cancel of one that is not pending does no more than to cancel the note.
 *
 * Progress: to ask, and to settle where nobody watches, is wait-free but for the compare-and-swap with those who come
 * to watch. Nobody waits while it is SETTLING: that is as long as it takes to copy the value.
 *
 * Rejected: a lock and a condition in each future, as in Python (72 bytes, two locked sections for a result that is
 * there already); one list for waiters and callbacks (a waiter is woken in the order of the parking lot, and can leave
 * it); to let a waiting thread that is no worker run the pending work itself (it would run where no initializer has
 * been, with a stack and thread-local values that nobody expects).
 */
#define _GNU_SOURCE
#include "run/future.h"

#include "base/keep_errno.h"
#include "base/report.h"
#include "run/spare.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fl_future_begin_(fl_future *future, uint32_t refs)
{
	future->refs = refs;
	future->last = &future->callbacks;
}

int fl_future_create(fl_future **ret_future)
{
	fl_keep_errno();
	fl_future *future = calloc(1, sizeof(*future));

	if (!future)
		return -ENOMEM;
	fl_future_begin_(future, 1);
	*ret_future = future;
	return 0;
}

fl_future *fl_future_ref(fl_future *future)
{
	fl_add_relaxed(&future->refs, 1);
	return future;
}

static void discard(fl_future *future)
{
	future->size = 0; /* a write, so that a checker of races sees who still reads */
	free(future->memory);
	free(future->message);
	if (future->spare)
		fl_spare_give_((fl_task *)future);
	else
		free(future);
}

fl_future *fl_future_unref(fl_future *future)
{
	uint32_t refs;

	if (!future)
		return NULL;
	/* [future.3] release; pairs with [future.4] */
	refs = fl_sub_release(&future->refs, 1);
	if (fl_unlikely(refs == 0))
		fl_misuse_("future", future, "given back by who holds no reference to it");
	if (refs != 1)
		return NULL;
	/* [future.4] acquire; pairs with [future.3] */
	if (fl_load_acquire(&future->refs) != 0)
		return NULL;
	if (future->callbacks) { /* it is not done: nobody will set it any more */
		future->refs = 1;
		fl_future_set_error(future, -EPIPE, "given back before it was set");
		return fl_future_unref(future);
	}
	discard(future);
	return NULL;
}

/* Asking. */

/* The phase, and if that is done, what was written before. */
static uint32_t look(const fl_future *future)
{
	/* [future.1] acquire; pairs with [future.2] */
	return fl_load_acquire(&future->state) & FL_FUTURE_PHASE;
}

bool fl_future_done(const fl_future *future)
{
	return look(future) & FL_FUTURE_DONE;
}

bool fl_future_running(const fl_future *future)
{
	uint32_t phase = look(future);

	return phase == FL_FUTURE_RUNNING || phase == FL_FUTURE_SETTLING;
}

bool fl_future_cancelled(const fl_future *future)
{
	return look(future) == FL_FUTURE_CANCELLED;
}

int fl_future_error(const fl_future *future)
{
	uint32_t phase = look(future);

	if (!(phase & FL_FUTURE_DONE))
		return -EAGAIN;
	if (phase == FL_FUTURE_CANCELLED)
		return -ECANCELED;
	return phase == FL_FUTURE_ERROR ? future->error : 0;
}

const char *fl_future_message(const fl_future *future)
{
	return look(future) == FL_FUTURE_ERROR && future->message ? future->message : "";
}

const void *fl_future_value(const fl_future *future, size_t *ret_size)
{
	if (look(future) != FL_FUTURE_RESULT || future->size == 0)
		return NULL;
	if (ret_size)
		*ret_size = future->size;
	return future->memory ? future->memory : future->bytes;
}

int fl_future_outcome_(const fl_future *future, void *ret_value, size_t size)
{
	int error = fl_future_error(future);

	if (error != 0 || !ret_value)
		return error;
	if (size != future->size)
		return -EMSGSIZE;
	if (size != 0)
		memcpy(ret_value, fl_future_value(future, NULL), size);
	return 0;
}

fl_note *fl_future_note(fl_future *future)
{
	return &future->note;
}

/* Callbacks. */

static void call(fl_future *future, struct fl_callback *callback)
{
	fl_future_callback function = callback->function;
	void *arg = callback->arg;
	int error;

	if (callback->owned)
		free(callback);
	error = function(future, arg);
	if (error < 0)
		fl_report_(FL_REPORT_CALLBACK, "future", future, NULL, "a done callback has failed (%d: %s)", error,
			   strerror(-error));
}

bool fl_future_call_(fl_future *future, struct fl_callback *callback)
{
	struct fl_bucket *bucket = fl_park_lock_(future);
	uint32_t state = fl_load_relaxed(&future->state);

	while (!(state & (FL_FUTURE_DONE | FL_FUTURE_WATCHED)))
		if (fl_cas_relaxed(&future->state, &state, state | FL_FUTURE_WATCHED))
			break;
	if (!(state & FL_FUTURE_DONE)) {
		callback->next = NULL;
		*future->last = callback;
		future->last = &callback->next;
	}
	fl_park_unlock_(bucket);
	if (!(state & FL_FUTURE_DONE))
		return true;
	look(future); /* what was written before */
	return false;
}

bool fl_future_uncall_(fl_future *future, struct fl_callback *callback)
{
	struct fl_bucket *bucket = fl_park_lock_(future);
	struct fl_callback **link = &future->callbacks;
	bool found;

	while (*link && *link != callback)
		link = &(*link)->next;
	found = *link != NULL;
	if (found) {
		*link = callback->next;
		if (!*link)
			future->last = link;
	}
	fl_park_unlock_(bucket);
	return found;
}

int fl_future_add_done_callback(fl_future *future, fl_future_callback function, void *arg)
{
	fl_keep_errno();
	struct fl_callback *callback = calloc(1, sizeof(*callback));

	if (!callback)
		return -ENOMEM;
	*callback = (struct fl_callback){.function = function, .arg = arg, .owned = true};
	if (!fl_future_call_(future, callback))
		call(future, callback);
	return 0;
}

/* Becoming done. */

/* As finish, where somebody watches: under the bucket's lock nobody can begin to, only the phase may change. */
static bool finish_and_tell(fl_future *future, uint32_t from, uint32_t phase)
{
	struct fl_wake_list list = {0};
	struct fl_callback *callback = NULL, *next;
	struct fl_bucket *bucket = fl_park_lock_(future);
	uint32_t state = from | FL_FUTURE_WATCHED;
	/* [future.2] release; pairs with [future.1] */
	bool mine = fl_cas_release(&future->state, &state, phase);

	if (mine) {
		fl_park_take_all_(bucket, future, &list);
		callback = future->callbacks;
		future->callbacks = NULL;
	}
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
	for (; callback; callback = next) {
		next = callback->next;
		call(future, callback);
	}
	return mine;
}

/* Makes it done, if its phase is still `from`. */
static bool finish(fl_future *future, uint32_t from, uint32_t phase)
{
	uint32_t state = fl_load_relaxed(&future->state);

	while ((state & FL_FUTURE_PHASE) == from) {
		if (state & FL_FUTURE_WATCHED)
			return finish_and_tell(future, from, phase);
		/* [future.2] release; pairs with [future.1] */
		if (fl_likely(fl_cas_release(&future->state, &state, phase)))
			return true;
	}
	return false;
}

void fl_future_settle_(fl_future *future, enum fl_future_phase phase)
{
	finish(future, fl_future_phase(future), phase);
}

/* Moves it to `to` if its phase is PENDING, or `from`; returns the phase that it had. */
static uint32_t advance(fl_future *future, uint32_t from, uint32_t to)
{
	uint32_t state = fl_load_relaxed(&future->state), phase;

	for (;;) {
		phase = state & FL_FUTURE_PHASE;
		if (phase != FL_FUTURE_PENDING && phase != from)
			return phase;
		if (fl_cas_relaxed(&future->state, &state, (state & ~FL_FUTURE_PHASE) | to))
			return phase;
	}
}

bool fl_future_claim_(fl_future *future)
{
	return advance(future, FL_FUTURE_PENDING, FL_FUTURE_RUNNING) == FL_FUTURE_PENDING;
}

int fl_future_set_running(fl_future *future)
{
	uint32_t was;

	if (future->home) {
		fl_misuse_("future", future, "said to be running by hand, and it is an executor's or a pool's");
		return -EPERM;
	}
	was = advance(future, FL_FUTURE_PENDING, FL_FUTURE_RUNNING);
	if (was == FL_FUTURE_PENDING)
		return 0;
	if (was == FL_FUTURE_CANCELLED)
		return -ECANCELED;
	fl_misuse_("future", future, "said to be running, and it has begun already");
	return -EPERM;
}

/* Takes the right to write its outcome; -EPERM is reported. */
static int begin_settling(fl_future *future)
{
	uint32_t was;

	if (future->home) {
		fl_misuse_("future", future, "set by hand, and it is an executor's or a pool's");
		return -EPERM;
	}
	was = advance(future, FL_FUTURE_RUNNING, FL_FUTURE_SETTLING);
	if (was == FL_FUTURE_PENDING || was == FL_FUTURE_RUNNING)
		return 0;
	if (was == FL_FUTURE_CANCELLED)
		return -ECANCELED;
	fl_misuse_("future", future, "set a second time");
	return -EPERM;
}

/* Memory for a value that does not fit into the future. */
static int make_room(const fl_future *future, size_t size, void **ret_memory)
{
	*ret_memory = NULL;
	if (size > FL_FUTURE_VALUE && !future->unbounded)
		return -EMSGSIZE;
	if (size <= FL_FUTURE_INLINE)
		return 0;
	*ret_memory = calloc(1, size);
	return *ret_memory ? 0 : -ENOMEM;
}

static void keep(fl_future *future, const void *value, size_t size, void *memory)
{
	future->memory = memory;
	future->size = size;
	if (size != 0)
		memcpy(memory ? memory : future->bytes, value, size);
}

int fl_future_keep_value_(fl_future *future, const void *value, size_t size)
{
	void *memory;
	int error = make_room(future, size, &memory);

	if (error != 0)
		return error;
	free(future->memory);
	keep(future, value, size, memory);
	return 0;
}

void fl_future_adopt_value_(fl_future *future, void *memory, size_t size)
{
	free(future->memory);
	future->memory = memory;
	future->size = size;
}

int fl_future_set_result(fl_future *future, const void *value, size_t size)
{
	fl_keep_errno();
	void *memory;
	int error = make_room(future, size, &memory);

	if (error != 0)
		return error;
	error = begin_settling(future);
	if (error != 0) {
		free(memory);
		return error;
	}
	keep(future, value, size, memory);
	fl_future_settle_(future, FL_FUTURE_RESULT);
	return 0;
}

__attribute__((format(printf, 1, 0))) static char *text_of(const char *format, va_list args)
{
	char *text;

	return vasprintf(&text, format, args) < 0 ? NULL : text;
}

void fl_future_keep_error_(fl_future *future, int error, const char *format, va_list args)
{
	future->error = error < 0 ? error : -EINVAL;
	free(future->message);
	future->message = format ? text_of(format, args) : strdup(strerror(-future->error));
}

int fl_future_set_error(fl_future *future, int error, const char *format, ...)
{
	fl_keep_errno();
	va_list args;
	int refused = begin_settling(future);

	if (refused != 0)
		return refused;
	va_start(args, format);
	fl_future_keep_error_(future, error, format, args);
	va_end(args);
	fl_future_settle_(future, FL_FUTURE_ERROR);
	return 0;
}

bool fl_future_cancel(fl_future *future)
{
	bool mine = finish(future, FL_FUTURE_PENDING, FL_FUTURE_CANCELLED);

	if (mine || !fl_future_done(future))
		fl_note_cancel(&future->note);
	return mine || fl_future_cancelled(future);
}
