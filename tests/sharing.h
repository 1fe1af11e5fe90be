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

/* In a child: says that it has come to where it is, and stays there until it is killed. */
static inline void sharing_stay(void)
{
	process_tell(&shared->ready);
	for (;;)
		pause();
}

/* Starts a child that calls sharing_stay, and returns when it has. Their end is to be awaited before the next one. */
static inline pid_t sharing_start(void (*body)(void *arg), void *arg)
{
	uint32_t before = __atomic_load_n(&shared->ready, __ATOMIC_RELAXED);
	pid_t child = process_start(body, arg);

	process_await(&shared->ready, before + 1);
	return child;
}

/* Whether the child, which has one thread, is asleep. */
static inline bool sharing_sleeps(pid_t child)
{
	char path[40], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
	fclose(file);
	return state == 'S';
}

/* Starts a child that says `ready` and then goes to sleep in a call; returns when it has. */
static inline pid_t sharing_start_waiter(void (*body)(void *arg), void *arg)
{
	pid_t child = sharing_start(body, arg);

	while (!sharing_sleeps(child))
		sched_yield();
	return child;
}

/* Begins the call on another thread, and returns when that one sleeps. */
static inline void sharing_wait_elsewhere(struct call *call, int (*body)(void *arg), void *arg)
{
	call_start(call, body, arg);
	testing_await_asleep(call->id);
}

#endif
