/*
 * fairlead/barrier.h - Barrier: threads wait until all of them have come. Python's threading.Barrier.
 *
 *     static fl_barrier start = FL_BARRIER_INIT(4, NULL, NULL);
 *     int index = fl_barrier_wait(&start);     // 0 to 3, each once
 *
 * It can be used again at once: a slow thread of one round is never mixed up with the next. If a party gives up (its
 * deadline passes, its note is cancelled), if the action fails, or if somebody calls fl_barrier_abort, the barrier is
 * broken: all who wait, and all who come later, get -EPIPE until fl_barrier_reset.
 *
 * More threads than parties may use it. Then a round may be complete while the action of the one before it still
 * runs, and their actions run at the same time. When one party has returned, it may free the barrier if no other
 * round begins.
 *
 * Processes share one that is in a segment (fairlead/segment.h). There a party's death breaks it, too: that of one who
 * waits, and that of one who was in the round before and has not come again. Who has closed the segment, or is a thread
 * that has ended in a living process, is not missed. It has no action, which would be a function of one process: let
 * who gets the last index do it, and the others wait once more. Its memory may be freed when all parties have returned.
 *
 * No call may come from a signal handler. No call fails or returns early because of a signal.
 */
#ifndef FAIRLEAD_BARRIER_H
#define FAIRLEAD_BARRIER_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* 48 bytes. The members are private. */
typedef struct fl_barrier {
	uint32_t fl_parties;
	uint32_t fl_arrived;
	uint32_t fl_state;
	uint16_t fl_mode;
	uint16_t fl_epoch;
	int (*fl_action)(void *arg);
	void *fl_arg;
	uint64_t fl_round;
	int64_t fl_places;
} fl_barrier;

/* parties: how many threads make a round, at least 1. action: called as action(arg) by exactly one of them, the last
 * to come, before any is released; returns 0, or anything else to break the barrier. It may be NULL. It must not wait
 * at the same barrier. */
#define FL_BARRIER_INIT(parties, action, arg) \
	{ \
		(parties), 0, 0, 0, 0, (action), (arg), 0, 0 \
	}

/* Makes a barrier. Returns 0, -EINVAL: parties is 0 or more than INT32_MAX. `name` may be NULL.  Since 0.1. */
int fl_barrier_init(fl_barrier *barrier, uint32_t parties, int (*action)(void *arg), void *arg, const char *name)
	FL_NONNULL(1);

/* How many words a shared barrier needs besides itself. */
#define FL_BARRIER_PLACES(parties) (2 * (size_t)(parties))

/* Makes one that processes share: `barrier` is in a segment, and `places` are FL_BARRIER_PLACES(parties) words in the
 * same one; fl_segment_barrier does it all. Returns 0; -EINVAL: parties is 0 or more than 1024, the threads that can
 * use a segment.  Since 0.1. */
int fl_barrier_init_shared(fl_barrier *barrier, uint32_t parties, uint64_t *places) FL_ALL_NONNULL;
void fl_barrier_name(fl_barrier *barrier, const char *name) FL_NONNULL(1);
/* To destroy one that is waited for is reported as misuse. */
void fl_barrier_destroy(fl_barrier *barrier) FL_ALL_NONNULL;

/* Blocks until all parties have come. Returns the caller's index in this round, from 0 in order of arrival (the last
 * one, with parties - 1, is who ran the action); -EPIPE: the barrier is or was broken; -EINVAL: it has no parties (all
 * zero); to the thread whose action failed: what the action returned if negative, else -EPIPE. Of a shared one also
 * -EINVAL: it is in no segment that this process has open, or its places are not in the same one (reported as misuse);
 * -EUSERS, -ENOSYS, -ENOMEM, -ENOSPC, -EPROTO as fl_lock_acquire. */
int fl_barrier_wait(fl_barrier *barrier) FL_ALL_NONNULL;
/* Also -ETIMEDOUT and -ECANCELED, to the party that gave up and so broke the barrier; the others get -EPIPE. */
int fl_barrier_wait_until(fl_barrier *barrier, fl_time deadline, fl_note *note) FL_NONNULL(1) FL_MUST_CHECK;

/* Makes it whole and empty: whoever waits gets -EPIPE, whoever comes next begins a new round. */
void fl_barrier_reset(fl_barrier *barrier) FL_ALL_NONNULL;
/* Breaks it: whoever waits gets -EPIPE, and so does whoever comes before a reset. */
void fl_barrier_abort(fl_barrier *barrier) FL_ALL_NONNULL;

uint32_t fl_barrier_parties(const fl_barrier *barrier) FL_ALL_NONNULL;
/* Returns how many threads wait at this moment. */
uint32_t fl_barrier_n_waiting(const fl_barrier *barrier) FL_ALL_NONNULL;
bool fl_barrier_broken(const fl_barrier *barrier) FL_ALL_NONNULL;

FL_END_DECLS

#endif
