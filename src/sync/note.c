/*
 * sync/note.c - notes, and how a thread waits with one.
 *
 * A note's state is one word that goes from 0 to CANCELLED and stays there. A waiting thread stands in two queues:
 * with its first waiter in that of the object, with a second in that of the note. Cancelling empties the note's
 * queue, and each second waiter nudges the first, whose thread then takes itself out of the object's queue, unless
 * the object was quicker and has given it what it wanted: then the wait was a success. So nothing is ever given to a
 * thread that returns -ECANCELED.
 *
 * Invariants:
 *   [N1] The links between notes change only under `family`. A child's deadline is no later than its parent's.
 *   [N2] If a note is cancelled by call, its descendants are, before the call returns. A passed deadline needs no
 *        call: whoever looks sees it.
 *   [N3] A second waiter is pushed under the bucket's lock of the note after a look at its state, and a cancel sets
 *        the state before it takes that lock: so a waiter is either seen by the cancel, or sees it.
 */
#include "sync/wait.h"

#include "base/fork.h"
#include "base/inner.h"
#include "base/report.h"
#include <errno.h>
#include <string.h>

#define CANCELLED 1u

static struct fl_inner family;

static void after_fork(void)
{
	family.state = 0;
}

__attribute__((constructor)) static void begin(void)
{
	fl_fork_register_(after_fork);
}

static bool cancelled_by_call(const fl_note *note)
{
	/* [note.1] acquire; pairs with [note.2] */
	return fl_load_acquire(&note->fl_state) == CANCELLED;
}

fl_time fl_note_deadline(const fl_note *note)
{
	return note->fl_deadline == 0 ? FL_FOREVER : note->fl_deadline;
}

bool fl_note_is_cancelled(const fl_note *note)
{
	return cancelled_by_call(note) || (note->fl_deadline != 0 && fl_now() >= note->fl_deadline);
}

/* 0 is how a note says that it has no deadline; the moment itself is before any machine's start. */
static fl_time stored(fl_time deadline)
{
	return deadline == FL_FOREVER ? 0 : deadline == 0 ? -1 : deadline;
}

static void adopt(fl_note *parent, fl_note *note)
{
	note->fl_parent = parent;
	note->fl_next = parent->fl_children;
	if (note->fl_next)
		note->fl_next->fl_previous = note;
	parent->fl_children = note;
}

static void disown(fl_note *note)
{
	if (note->fl_next)
		note->fl_next->fl_previous = note->fl_previous;
	*(note->fl_previous ? &note->fl_previous->fl_next : &note->fl_parent->fl_children) = note->fl_next;
	note->fl_parent = note->fl_next = note->fl_previous = NULL;
}

void fl_note_init(fl_note *note, fl_note *parent, fl_time deadline)
{
	memset(note, 0, sizeof(*note));
	if (parent && fl_note_deadline(parent) < deadline)
		deadline = fl_note_deadline(parent);
	note->fl_deadline = stored(deadline);
	if (!parent)
		return;
	fl_inner_acquire(&family);
	if (cancelled_by_call(parent))
		note->fl_state = CANCELLED;
	adopt(parent, note);
	fl_inner_release(&family);
}

void fl_note_destroy(fl_note *note)
{
	bool has_children, waited;

	fl_inner_acquire(&family);
	has_children = note->fl_children != NULL;
	waited = fl_park_waited_(note);
	if (note->fl_parent && !has_children && !waited)
		disown(note);
	fl_inner_release(&family);
	if (has_children)
		fl_misuse_("note", note, "destroyed while it has children");
	else if (waited)
		fl_misuse_("note", note, "destroyed while a thread waits with it");
}

static void cancel_one(fl_note *note)
{
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket;

	/* [note.2] release; pairs with [note.1] */
	fl_store_release(&note->fl_state, CANCELLED);
	bucket = fl_park_lock_(note);
	fl_park_take_all_(bucket, note, &list);
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
}

void fl_note_forget_children_(fl_note *note)
{
	fl_inner_acquire(&family);
	note->fl_children = NULL;
	fl_inner_release(&family);
}

/* The note that follows in a walk over the descendants of `root`, parents first. */
static fl_note *next_in_family(fl_note *note, const fl_note *root)
{
	if (note->fl_children)
		return note->fl_children;
	while (note != root && !note->fl_next)
		note = note->fl_parent;
	return note == root ? NULL : note->fl_next;
}

void fl_note_cancel(fl_note *note)
{
	fl_note *each, *next;

	fl_inner_acquire(&family);
	for (each = note; each; each = next) {
		next = next_in_family(
			each,
			note); /* first: who waits with a note that has no family may free it when it is cancelled */
		if (!cancelled_by_call(each))
			cancel_one(each);
	}
	fl_inner_release(&family);
}

bool fl_note_watch_(fl_note *note, struct fl_waiter *second)
{
	struct fl_bucket *bucket = fl_park_lock_(note);
	bool cancelled = fl_note_is_cancelled(note);

	if (!cancelled)
		fl_park_push_(bucket, second, note);
	fl_park_unlock_(bucket);
	return !cancelled;
}

void fl_note_unwatch_(fl_note *note, struct fl_waiter *second)
{
	fl_park_leave_(second, note);
}

static int wait_with_note(struct fl_waiter *waiter, const void *key, fl_time deadline, fl_note *note, uint16_t *hint)
{
	fl_time last = fl_note_deadline(note);
	struct fl_waiter second = {.nudge = true, .self = waiter};
	int error;

	if (!fl_note_watch_(note, &second))
		return fl_park_leave_(waiter, key) ? 0 : -ECANCELED;
	error = fl_park_wait_(waiter, key, deadline < last ? deadline : last, hint);
	fl_note_unwatch_(note, &second);
	return error == -ETIMEDOUT && last < deadline ? -ECANCELED : error;
}

int fl_wait_(struct fl_waiter *waiter, const void *key, fl_time deadline, fl_note *note, uint16_t *hint)
{
	if (note)
		return wait_with_note(waiter, key, deadline, note, hint);
	return fl_park_wait_(waiter, key, deadline, hint);
}

void fl_nap_(struct fl_waiter *waiter, fl_time deadline, fl_note *note)
{
	struct fl_waiter second = {.nudge = true, .self = waiter};
	fl_time last = note ? fl_note_deadline(note) : FL_FOREVER;

	if (note && !fl_note_watch_(note, &second))
		return;
	fl_park_nap_(waiter, deadline < last ? deadline : last);
	if (note)
		fl_note_unwatch_(note, &second);
}

int fl_wait_refused_(fl_time deadline, const fl_note *note)
{
	if (note && fl_note_is_cancelled(note))
		return -ECANCELED;
	if (deadline != FL_FOREVER && deadline <= fl_now())
		return -ETIMEDOUT;
	return 0;
}

int fl_note_wait_until(fl_note *note, fl_time deadline)
{
	struct fl_waiter waiter = {0};
	fl_time last = fl_note_deadline(note);
	struct fl_bucket *bucket;
	int error;

	error = fl_wait_refused_(deadline, note);
	if (error != 0)
		return error == -ECANCELED ? 0 : error;
	bucket = fl_park_lock_(note);
	if (cancelled_by_call(note)) {
		fl_park_unlock_(bucket);
		return 0;
	}
	fl_park_push_(bucket, &waiter, note);
	fl_park_unlock_(bucket);
	error = fl_park_wait_(&waiter, note, deadline < last ? deadline : last, NULL);
	return error == -ETIMEDOUT && last <= deadline ? 0 : error;
}

int fl_note_wait(fl_note *note)
{
	return fl_note_wait_until(note, FL_FOREVER);
}
