/*
 * sync/wait_shared.h - waiting for an object that processes share (base/lot.h), with a note.
 */
#ifndef FL_SYNC_WAIT_SHARED_H
#define FL_SYNC_WAIT_SHARED_H

#include "base/lot.h"
#include <errno.h>
#include <fairlead/note.h>

/* As fl_lot_sleep_, and returns -ECANCELED when the note is cancelled or its own deadline passes. `note` may be NULL.
 * Who was woken is told as well if the deadline or the note has passed meanwhile: it looks once more, and goes. */
int fl_shared_sleep_(struct fl_lot_wait *wait, fl_time deadline, fl_note *note);

/* Whether this kernel can make a thread sleep until one of several things happens: Linux 5.16 can. */
bool fl_shared_can_sleep_(void);

/* `size` bytes of the same segment, `away` bytes from the object; NULL: that is not memory of it. Any numbers may be
 * asked for. */
void *fl_shared_place_(struct fl_lot_mine *mine, const void *object, int64_t away, uint64_t size);

void fl_shared_refuse_(const char *kind, const void *object, int error);

/* What an object returns whose memory is in no segment, or in one in which there is no place for this thread: reports
 * the first as misuse. Never 0, and whoever calls it, sees that. */
static inline int fl_shared_refuse(const char *kind, const void *object, int error)
{
	fl_shared_refuse_(kind, object, error);
	return error < 0 ? error : -EINVAL;
}

/* Keeps who has died, for fl_dead_owner. */
void fl_shared_died_(const struct fl_lot_about *about);

#endif
