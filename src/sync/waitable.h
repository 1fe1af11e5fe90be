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
};

#endif
