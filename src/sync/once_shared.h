/*
 * sync/once_shared.h - the onces that processes share, behind the calls of fairlead/once.h.
 */
#ifndef FL_SYNC_ONCE_SHARED_H
#define FL_SYNC_ONCE_SHARED_H

#include "base/atomic.h"
#include <fairlead/once.h>

#define FL_ONCE_SHARED 1u

/* Bits 0-1 of fl_state, of both kinds. Of one that is done, all else is 0. */
#define FL_ONCE_NEW 0u
#define FL_ONCE_RUNNING 1u
#define FL_ONCE_DONE 2u
#define FL_ONCE_PHASE 3u

/* The rest of it, of one that is shared: sync/once_shared.c. */
#define FL_ONCE_RUNNER_ONE 4u
#define FL_ONCE_SHARED_WAITERS 0x80000000u

static inline uint32_t fl_once_runner(uint32_t state)
{
	return (state & ~FL_ONCE_SHARED_WAITERS) / FL_ONCE_RUNNER_ONE;
}

static inline bool fl_once_is_shared(const fl_once *once)
{
#ifdef FL_MODEL
	return false; /* other processes are not modelled */
#endif
	return fl_unlikely(fl_load_relaxed(&once->fl_mode) == FL_ONCE_SHARED);
}

/* As fl_once_call_until, of one that has not been done. */
int fl_once_call_shared_(fl_once *once, int (*function)(void *arg), void *arg, fl_time deadline, fl_note *note);

#endif
