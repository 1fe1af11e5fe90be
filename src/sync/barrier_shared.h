/*
 * sync/barrier_shared.h - the barriers that processes share, behind the calls of fairlead/barrier.h.
 */
#ifndef FL_SYNC_BARRIER_SHARED_H
#define FL_SYNC_BARRIER_SHARED_H

#include "base/atomic.h"
#include <fairlead/barrier.h>

#define FL_BARRIER_SHARED 1u

/* Of fl_round: sync/barrier_shared.c. */
#define FL_BARRIER_ROUND UINT64_C(0xffffffff)
#define FL_BARRIER_BROKEN (UINT64_C(1) << 32)

/* The round of a place; below it is who has come. */
static inline uint32_t fl_barrier_round_of(uint64_t place)
{
	return (uint32_t)(place >> 32);
}

#ifdef FL_MODEL /* tests/model has threads of one process */
#define fl_barrier_is_shared(barrier) ((void)(barrier), false)
#else
static inline bool fl_barrier_is_shared(const fl_barrier *barrier)
{
	return fl_load_relaxed(&barrier->fl_mode) == FL_BARRIER_SHARED;
}
#endif

/* Each as the public call of that name. */
int fl_barrier_wait_shared_(fl_barrier *barrier, fl_time deadline, fl_note *note);
void fl_barrier_reset_shared_(fl_barrier *barrier);
void fl_barrier_abort_shared_(fl_barrier *barrier);
uint32_t fl_barrier_n_waiting_shared_(fl_barrier *barrier);
bool fl_barrier_broken_shared_(const fl_barrier *barrier);

#endif
