/*
 * waiting.h - knowing that threads wait for an object, without sleeping.
 *
 * All waiting threads stand in the queues of base/park.h, so whether the thread that a test has started is already
 * waiting can be seen instead of guessed: its waiter is in the queue of the object's address. A thread that is queued
 * may not be asleep yet (it may spin for a moment first); for Fairlead that is the same, since from then on nothing
 * that happens to the object is missed. Tests that need the sleep itself use testing_await_asleep.
 */
#ifndef FAIRLEAD_TESTS_WAITING_H
#define FAIRLEAD_TESTS_WAITING_H

#include "calls.h"

#include "base/park.h"
#include <sched.h>

/* Returns how many threads are queued for the object at `key`. */
static inline unsigned waiting_for(const void *key)
{
	return fl_park_waiting_(key);
}

/* Returns when that time has passed. */
static inline void waiting_until(fl_time time)
{
	while (fl_now() <= time)
		sched_yield();
}

/* Returns when exactly n threads are queued for it, or the call, which has a deadline, has returned. */
static inline void waiting_await_or(const void *key, unsigned n, const struct call *call)
{
	while (waiting_for(key) != n && !call_returned(call))
		sched_yield();
}

/* Returns when exactly n threads are queued for it. */
static inline void waiting_await(const void *key, unsigned n)
{
	while (waiting_for(key) != n)
		sched_yield();
}

#endif
