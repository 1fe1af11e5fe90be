/*
 * sync/wait.h - waiting that a note can cut short: for an object, and for descriptors.
 */
#ifndef FL_SYNC_WAIT_H
#define FL_SYNC_WAIT_H

#include "base/park.h"
#include <fairlead/note.h>
#include <poll.h>

/* As fl_park_wait_, and returns -ECANCELED when the note is cancelled or its own deadline passes. `note` may be
 * NULL. */
int fl_wait_(struct fl_waiter *waiter, const void *key, fl_time deadline, fl_note *note, uint16_t *hint);

/* As fl_park_nap_, for a first waiter that is in no queue: blocks until a second one nudges it, the deadline passes or
 * the note, which may be NULL, is cancelled. Which of it, or whether it was nothing, the caller looks for itself
 * (fl_wait_refused_). */
void fl_nap_(struct fl_waiter *waiter, fl_time deadline, fl_note *note);

/* Blocks until poll() has something to say about one of the n descriptors in `fds`, which has room for one more.
 * Returns 0; -ETIMEDOUT; -ECANCELED; with a note also -EMFILE and -ENOMEM. Nothing that happened is lost by them: it
 * stands in the descriptors. */
int fl_wait_fds_(struct pollfd *fds, unsigned n, fl_time deadline, fl_note *note);

/* Queues `second` for the note; false if the note is cancelled already. */
bool fl_note_watch_(fl_note *note, struct fl_waiter *second);
/* Ends that. Blocks until who is waking it has done so, a moment. */
void fl_note_unwatch_(fl_note *note, struct fl_waiter *second);

/* In a forked child: forgets the notes that have this one for a parent. They must all be of threads that are gone. */
void fl_note_forget_children_(fl_note *note);

/* What a call that would have to wait returns instead, before it queues: 0, -ETIMEDOUT, -ECANCELED. */
int fl_wait_refused_(fl_time deadline, const fl_note *note);

#endif
