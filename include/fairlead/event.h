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
 * One that processes share is made by fl_event_init_shared. A process that dies, at whatever instant, leaves it set or
 * not, and nobody waits for it: if it was about to wake those who wait, they are woken.
 *
 * fl_event_set (not of a shared event), fl_event_clear and fl_event_is_set may be called from a signal handler; the
 * other calls may not. No call fails or returns early because of a signal.
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
	uint16_t fl_mode;
	uint64_t fl_spare1;
} fl_event;

#define FL_EVENT_INIT \
	{ \
		0, 0, 0, 0 \
	}

/* Makes an event that is not set. `name` may be NULL.  Since 0.1. */
void fl_event_init(fl_event *event, const char *name) FL_NONNULL(1);
void fl_event_name(fl_event *event, const char *name) FL_NONNULL(1);

/* Makes an event that processes share, and that is not set: `event` is in a segment (fairlead/segment.h), as
 * fl_segment_event makes one, or as a part of an object there. The calls are the same. Does not block.  Since 0.1. */
void fl_event_init_shared(fl_event *event) FL_ALL_NONNULL;

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
/* Also -ETIMEDOUT and -ECANCELED.
 *
 * Where they would block, both return of a shared event also
 * -EINVAL: it is in no segment that this process has open; reported as misuse;
 * -EUSERS, -ENOSYS, -ENOMEM, -ENOSPC, -EPROTO: this thread could not get a place among those who use the segment
 *          (fairlead/segment.h, "Threads"). */
int fl_event_wait_until(fl_event *event, fl_time deadline, fl_note *note) FL_NONNULL(1) FL_MUST_CHECK;

/* The event, for fl_wait_any: ready when it is set, and if it has been while it was waited for. A shared one cannot be
 * waited for with others: fl_wait_any then returns -EINVAL, which is reported as misuse. */
fl_waitable fl_event_waitable(fl_event *event) FL_ALL_NONNULL;

FL_END_DECLS

#endif
