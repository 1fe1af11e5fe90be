/*
 * watch/thread.h - the calling thread: its seat, its life, and the segments of that.
 */
#ifndef FL_WATCH_THREAD_H
#define FL_WATCH_THREAD_H

#include "atomic.h"
#include "chain.h"
#include "notes.h"

/* Returns the calling thread's seat, made if it has none; NULL: it is not watched. */
struct watch_seat *watch_seat_(void);

/* What is between these two is not interrupted by the library itself. */
static inline void watch_begin(struct watch_seat *me)
{
	me->busy++;
	fl_signal_fence();
}

static inline void watch_end(struct watch_seat *me)
{
	fl_signal_fence();
	me->busy--;
}

/* The thread begins to wait for the end of another one, there, and no longer does ([N2]). */
void watch_join_begin_(struct watch_seat *me, struct watch_life *life, const void *site);
void watch_join_end_(struct watch_seat *me);

/* The life of a thread that is about to be created by this one; NULL: it is not watched. */
struct watch_life *watch_conceive_(uintptr_t start, void *argument);

/* The calling thread begins the life that was made for it. */
void watch_begin_life_(struct watch_life *life);

/* What the calling thread has done so far was before all that it does from now on, in this order: it has created a
 * thread, or joined the one with that handle. */
void watch_created_(struct watch_life *life, uintptr_t handle);
struct watch_life *watch_life_of_(uintptr_t handle);
void watch_joined_(struct watch_life *life);

#endif
