/*
 * fairlead/note.h - cancellation: a note that says "stop waiting".
 *
 * A note joins a cancellation flag, an optional deadline and an optional parent in one object. Every `_until` call
 * takes one (or NULL): when the note is cancelled, when its deadline passes, or when either happens to one of its
 * ancestors, whoever waits with it returns -ECANCELED. A note is cancelled once and for all; there is no reset. The
 * idea and the name are nsync's (nsync_note); Go's context and .NET's CancellationToken are the same thing.
 *
 *     fl_note stop = FL_NOTE_INIT;
 *     ... in a worker:   if (fl_event_wait_until(&ready, FL_FOREVER, &stop) == -ECANCELED) return NULL;
 *     ... elsewhere:     fl_note_cancel(&stop);
 *
 * When not to use it: to tell threads that something has happened, use fl_event (it can be cleared).
 *
 * All calls may come from any thread, not from signal handlers. A note must outlive the calls that use it and its
 * children.
 */
#ifndef FAIRLEAD_NOTE_H
#define FAIRLEAD_NOTE_H

#include <fairlead/attributes.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* 64 bytes. All zero is a valid note: not cancelled, no deadline, no parent. The members are private. */
typedef struct fl_note {
	uint32_t fl_state;
	uint32_t fl_spare;
	int64_t fl_deadline; /* 0: none */
	struct fl_note *fl_parent;
	struct fl_note *fl_children;
	struct fl_note *fl_next;
	struct fl_note *fl_previous;
	uint64_t fl_spares[2];
} fl_note;

#define FL_NOTE_INIT \
	{ \
		0, 0, 0, 0, 0, 0, 0, \
		{ \
			0, 0 \
		} \
	}

/* Makes a note. `parent` may be NULL; the note is cancelled with it, at once if it already is. `deadline` is when the
 * note cancels itself; FL_FOREVER for never; the parent's deadline counts too. Does not block.  Since 0.1. */
void fl_note_init(fl_note *note, fl_note *parent, fl_time deadline) FL_NONNULL(1);

/* Ends the use of a note and unlinks it from its parent. To destroy one that has children, or that a thread waits
 * with, is reported as misuse. A note that never had a parent nor children need not be destroyed. */
void fl_note_destroy(fl_note *note) FL_ALL_NONNULL;

/* Cancels the note and its descendants, and wakes all who wait with them. Cancelling twice is allowed and does
 * nothing. */
void fl_note_cancel(fl_note *note) FL_ALL_NONNULL;

/* Returns whether the note has been cancelled, by whatever means. Never blocks; a few nanoseconds if it has no
 * deadline. */
bool fl_note_is_cancelled(const fl_note *note) FL_ALL_NONNULL;

/* Returns when the note will cancel itself: the earlier of its deadline and its parent's; FL_FOREVER if never. */
fl_time fl_note_deadline(const fl_note *note) FL_ALL_NONNULL;

/* Blocks until the note is cancelled, by whatever means. Returns 0. */
int fl_note_wait(fl_note *note) FL_ALL_NONNULL;

/* As fl_note_wait, until the deadline. Returns 0 if the note is cancelled, -ETIMEDOUT. A sleep that can be interrupted:
 * fl_note_wait_until(&stop, fl_after(FL_SECONDS(5))). */
int fl_note_wait_until(fl_note *note, fl_time deadline) FL_ALL_NONNULL;

FL_END_DECLS

#endif
