/*
 * fairlead/once.h - Once: run a function one time, however many threads ask.
 *
 *     static fl_once loaded = FL_ONCE_INIT;
 *     fl_once_call(&loaded, load_table, NULL);
 *     ... the table can be read: it was written before the call returned, in every thread ...
 *
 * Where the function fails, the next caller tries again. Of a once that processes share (fl_once_init_shared) that is
 * so also where the process that runs it dies, or the thread ends: the next caller, or one of those who wait, runs
 * the function again, on what the dead one has left of it. No call may come from a signal handler.
 */
#ifndef FAIRLEAD_ONCE_H
#define FAIRLEAD_ONCE_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* 8 bytes. All zero: not yet done. The members are private. */
typedef struct fl_once {
	uint32_t fl_state;
	uint32_t fl_mode;
} fl_once;

#define FL_ONCE_INIT \
	{ \
		0, 0 \
	}

/* Makes a once that processes share, not yet done: it is in a segment (fairlead/segment.h), as fl_segment_once makes
 * one, or as a part of an object there. The calls are the same; the functions that processes give are each one's own.
 * Does not block.  Since 0.1. */
void fl_once_init_shared(fl_once *once) FL_ALL_NONNULL;

/* Runs function(arg) unless it has been done, and blocks while another thread runs it. Returns 0: it is done, and
 * what it wrote is seen. A negative number: what the function returned to this caller; it is then not done, and one
 * of those who wait, or the next to come, runs it. -EDEADLK: called from inside the function. A done one costs a
 * load.  Since 0.1.
 *
 * Of a shared one that is not done also
 * -EINVAL: it is in no segment that this process has open; reported as misuse;
 * -EUSERS, -ENOSYS, -ENOMEM, -ENOSPC, -EPROTO: this thread could not get a place among those who use the segment
 *          (fairlead/segment.h, "Threads"). The function is not run. */
int fl_once_call(fl_once *once, int (*function)(void *arg), void *arg) FL_NONNULL(1, 2);
/* Also -ETIMEDOUT and -ECANCELED while another thread runs it; the function itself is not interrupted. */
int fl_once_call_until(fl_once *once, int (*function)(void *arg), void *arg, fl_time deadline, fl_note *note)
	FL_NONNULL(1, 2) FL_MUST_CHECK;
/* Returns whether it has been done. Never blocks. */
bool fl_once_done(const fl_once *once) FL_ALL_NONNULL;

FL_END_DECLS

#endif
