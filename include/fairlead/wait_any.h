/*
 * fairlead/wait_any.h - waiting for the first of several things, queues, events and futures: select(2) for objects.
 *
 *     fl_waitable both[] = {fl_queue_waitable(jobs), fl_event_waitable(&stop)};
 *     switch (fl_wait_any(2, both, FL_FOREVER, NULL)) {
 *     case 0: if (fl_queue_get_try(jobs, &job) == 0) ...
 *     case 1: ...
 *     }
 *
 * Nothing is taken: an item that was there may have been got by another thread when this one comes to take it, so take
 * it with fl_queue_get_try and wait again if that says -EAGAIN. An event counts if it was set while this waited, also
 * when it was cleared at once.
 *
 * When not to use it: to stop a wait use a note, which every wait takes; for descriptors use poll(2), with fl_queue_fd.
 */
#ifndef FAIRLEAD_WAIT_ANY_H
#define FAIRLEAD_WAIT_ANY_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>

FL_BEGIN_DECLS

/* Something that can be waited for, as fl_event_waitable, fl_queue_waitable and fl_future_waitable make it. The object
 * must live as long as it is waited for. The members are private. */
typedef struct fl_waitable {
	const struct fl_waitable_kind *fl_kind;
	void *fl_object;
} fl_waitable;

/* Blocks until one of the n things at `waitables` is ready: an event set, a queue with an item or shut down, a future
 * done. Returns which, from 0; the first in the array if there are several. Otherwise
 * -ETIMEDOUT, -ECANCELED: none was until the deadline passed, or `note` (may be NULL) was cancelled; what is ready is
 * found whatever these say;
 * -EINVAL: n is 0 or more than 65536;
 * -EPERM: one of them is a future of an executor that a fork has left in the parent, and is not done;
 * -ENOMEM: no memory to wait for so many; not if n is at most 8.
 * Any thread may call it; not from signal handlers.  Since 0.1. */
int fl_wait_any(unsigned n, const fl_waitable *waitables, fl_time deadline, fl_note *note) FL_NONNULL(2) FL_MUST_CHECK;

FL_END_DECLS

#endif
