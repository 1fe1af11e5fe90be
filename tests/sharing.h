/*
 * sharing.h - what the tests of objects that processes share have in common: a segment, children that hold something
 * until they are killed, and knowing that somebody sleeps.
 */
#ifndef FAIRLEAD_TESTS_SHARING_H
#define FAIRLEAD_TESTS_SHARING_H

#include "calls.h"
#include "processes.h"
#include "reports.h"
#include "segments.h"
#include "testing.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <string.h>

static fl_segment *segment;
static uint64_t *number; /* in the segment: what the object under test guards */

static inline void sharing_set_up(void)
{
	processes_set_up();
	segments_set_up();
	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	ck_assert_int_eq(segments_number(segment, "n", &number), 1);
	reports_catch();
}

static inline void sharing_tear_down(void)
{
	reports_expect_none();
	segment = fl_segment_close(segment);
	processes_tear_down();
}

/* Starts a child that says `ready` and then goes to sleep in a call; returns when it has. */
static inline pid_t sharing_start_waiter(void (*body)(void *arg), void *arg)
{
	pid_t child = process_start_ready(body, arg);

	process_await_asleep(child);
	return child;
}

/* Begins the call on another thread, and returns when that one sleeps. */
static inline void sharing_wait_elsewhere(struct call *call, int (*body)(void *arg), void *arg)
{
	call_start(call, body, arg);
	testing_await_asleep(call->id);
}

#endif
