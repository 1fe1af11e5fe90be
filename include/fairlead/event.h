/*
 * fairlead/event.h - Event: a flag that threads can wait for. Python's threading.Event.
 *
 *     static fl_event ready = FL_EVENT_INIT;
 *     fl_event_wait(&ready);   // in one thread
 *     fl_event_set(&ready);    // in another
 *
 * A thread that was waiting at the time of a set returns, also when a clear follows at once.
 *
 * When not to use it: to count things, use fl_semaphore; to wait for data that changes, fl_condition.
 *
 * fl_event_set, fl_event_clear and fl_event_is_set may be called from a signal handler; the other calls may not. No
 * call fails or returns early because of a signal.
 */
#ifndef FAIRLEAD_EVENT_H
#define FAIRLEAD_EVENT_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <fairlead/wait_any.h>
#include <stdbool.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* 16 bytes. All zero is a valid event that is not set. The members are private. */
typedef struct fl_event {
	uint32_t fl_state;
	uint16_t fl_spin;
	uint16_t fl_spare0;
	uint64_t fl_spare1;
} fl_event;

#define FL_EVENT_INIT \
	{ \
		0, 0, 0, 0 \
	}

/* Makes an event that is not set. `name` may be NULL.  Since 0.1. */
void fl_event_init(fl_event *event, const char *name) FL_NONNULL(1);
void fl_event_name(fl_event *event, const char *name) FL_NONNULL(1);
/* To destroy one that is waited for is reported as misuse. */
void fl_event_destroy(fl_event *event) FL_ALL_NONNULL;

/* Sets the flag and wakes all who wait. Setting it twice is allowed. Does not block. What was written before the set
 * is seen after a wait that it ended, and after an is_set that returned true. */
void fl_event_set(fl_event *event) FL_ALL_NONNULL;

/* Clears the flag: later waits block again. */
void fl_event_clear(fl_event *event) FL_ALL_NONNULL;

/* Returns whether the flag is set. Never blocks. */
bool fl_event_is_set(const fl_event *event) FL_ALL_NONNULL;

/* Blocks until the flag is set; returns at once if it is. Returns 0. */
int fl_event_wait(fl_event *event) FL_ALL_NONNULL;
/* Also -ETIMEDOUT and -ECANCELED. */
int fl_event_wait_until(fl_event *event, fl_time deadline, fl_note *note) FL_NONNULL(1) FL_MUST_CHECK;

/* The event, for fl_wait_any: ready when it is set, and if it has been while it was waited for. */
fl_waitable fl_event_waitable(fl_event *event) FL_ALL_NONNULL;

FL_END_DECLS

#endif
