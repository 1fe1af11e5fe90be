/*
 * fairlead/once.h - Once: run a function one time, however many threads ask.
 *
 *     static fl_once loaded = FL_ONCE_INIT;
 *     fl_once_call(&loaded, load_table, NULL);
 *     ... the table can be read: it was written before the call returned, in every thread ...
 *
 * Where the function fails, the next caller tries again. No call may come from a signal handler.
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
	uint32_t fl_spare;
} fl_once;

#define FL_ONCE_INIT \
	{ \
		0, 0 \
	}

/* Runs function(arg) unless it has been done, and blocks while another thread runs it. Returns 0: it is done, and
 * what it wrote is seen. A negative number: what the function returned to this caller; it is then not done, and one
 * of those who wait, or the next to come, runs it. -EDEADLK: called from inside the function. A done one costs a
 * load.  Since 0.1. */
int fl_once_call(fl_once *once, int (*function)(void *arg), void *arg) FL_NONNULL(1, 2);
/* Also -ETIMEDOUT and -ECANCELED while another thread runs it; the function itself is not interrupted. */
int fl_once_call_until(fl_once *once, int (*function)(void *arg), void *arg, fl_time deadline, fl_note *note)
	FL_NONNULL(1, 2) FL_MUST_CHECK;
/* Returns whether it has been done. Never blocks. */
bool fl_once_done(const fl_once *once) FL_ALL_NONNULL;

FL_END_DECLS

#endif
