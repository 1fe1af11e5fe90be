/*
 * sync/wait_shared.c - waiting for shared objects: with a note, and who has died.
 *
 * A note is this process's alone. So who waits with one has a second waiter in the note's queue, as with a private
 * object (sync/note.c), and sleeps on that one's word as well as on its own in the segment.
 */
#include "sync/wait_shared.h"

#include "base/report.h"
#include "sync/wait.h"
#include <errno.h>
#include <fairlead/owner.h>
#include <string.h>

static __thread fl_owner dead_owner;

int fl_shared_sleep_(struct fl_lot_wait *wait, fl_time deadline, fl_note *note)
{
	struct fl_waiter second = {0};
	uint32_t word = FL_WAITER_WAITING;
	fl_time last;
	int error;

	if (!note)
		return fl_lot_sleep_(wait, deadline);
	last = fl_note_deadline(note);
	if (!fl_note_watch_(note, &second))
		return -ECANCELED;
	/* If that fails it has been woken already, and nobody sleeps on it. */
	fl_cas_relaxed(&second.word, &word, FL_WAITER_SLEEPING);
	wait->also = &second.word;
	wait->also_value = FL_WAITER_SLEEPING;
	error = fl_lot_sleep_(wait, deadline < last ? deadline : last);
	wait->also = NULL;
	fl_note_unwatch_(note, &second);
	return error == -ETIMEDOUT && last < deadline ? -ECANCELED : error;
}

int fl_shared_refuse_(const char *kind, const void *object, int error)
{
	if (error == -EINVAL)
		fl_misuse_(kind, object, "it was made to be shared, and is in no segment that this process has open");
	return error;
}

void fl_shared_died_(const struct fl_lot_about *about)
{
	dead_owner.pid = about->pid;
	dead_owner.tid = about->tid;
	memcpy(dead_owner.name, about->name, sizeof(dead_owner.name));
}

void fl_dead_owner(fl_owner *ret_owner)
{
	*ret_owner = dead_owner;
}
