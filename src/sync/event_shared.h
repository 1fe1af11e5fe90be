/*
 * sync/event_shared.h - the events that processes share, behind the calls of fairlead/event.h.
 */
#ifndef FL_SYNC_EVENT_SHARED_H
#define FL_SYNC_EVENT_SHARED_H

#include "base/atomic.h"
#include <fairlead/event.h>

#define FL_EVENT_SHARED 1u

/* fl_state of both kinds: sync/event.c. */
#define FL_EVENT_SET 1u
#define FL_EVENT_WAITERS 2u
#define FL_EVENT_GENERATION 4u

/* The state that follows when the flag is set. */
static inline uint32_t fl_event_after_set(uint32_t state)
{
	return state & FL_EVENT_SET ? state : (state & ~FL_EVENT_WAITERS) + FL_EVENT_GENERATION + FL_EVENT_SET;
}

static inline bool fl_event_is_shared(const fl_event *event)
{
#ifdef FL_MODEL
	return false; /* other processes are not modelled */
#endif
	return fl_unlikely(fl_load_relaxed(&event->fl_mode) == FL_EVENT_SHARED);
}

/* Sets the flag, and wakes those who wait. */
void fl_event_set_shared_(fl_event *event);
/* Waits for a set since the state was `then`, when the flag was clear. As fl_event_wait_until. */
int fl_event_wait_shared_(fl_event *event, uint32_t then, fl_time deadline, fl_note *note);
/* Whether somebody waits for it. */
bool fl_event_waited_shared_(const fl_event *event);

#endif
