/*
 * sync/waitable.h - what an object tells fl_wait_any to be waited for.
 */
#ifndef FL_SYNC_WAITABLE_H
#define FL_SYNC_WAITABLE_H

#include "base/park.h"
#include <fairlead/wait_any.h>

struct fl_waitable_kind {
	/* Whether it is ready at this moment. */
	bool (*is_ready)(void *object);
	/* Queues a second waiter, whose waking nudges the first, unless it is ready; false if it is. */
	bool (*watch)(void *object, struct fl_waiter *second);
	/* Ends that. Returns whether it has been ready since. */
	bool (*unwatch)(void *object, struct fl_waiter *second);
	/* What a wait returns at once that would have to sleep, since this will never be ready: a negative errno, or 0.
	 * NULL: always 0. */
	int (*refuse)(const void *object);
	/* Called once before such a wait, however many there are of the kind, and, if it has returned true, once after
	 * it. NULL: nothing is to be done. */
	bool (*begin)(void);
	void (*end)(void);
};

#endif
