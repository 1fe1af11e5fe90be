/*
 * sync/wait.h - waiting that a note can cut short.
 */
#ifndef FL_SYNC_WAIT_H
#define FL_SYNC_WAIT_H

#include "base/park.h"
#include <fairlead/note.h>

/* As fl_park_wait_, and returns -ECANCELED when the note is cancelled or its own deadline passes. `note` may be
 * NULL. */
int fl_wait_(struct fl_waiter *waiter, const void *key, fl_time deadline, fl_note *note, uint16_t *hint);

/* What a call that would have to wait returns instead, before it queues: 0, -ETIMEDOUT, -ECANCELED. */
int fl_wait_refused_(fl_time deadline, const fl_note *note);

#endif
