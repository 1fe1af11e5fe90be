/*
 * fairlead/semaphore.h - Semaphore and BoundedSemaphore: a number of permits. Python's, of the same names.
 *
 *     static fl_semaphore seats = FL_BOUNDED_SEMAPHORE_INIT(3);
 *     fl_with (&seats) { ... at most three threads are here ... }
 *
 * Permits are handed out in the order in which threads came to wait. Any thread may release. The bounded one never
 * holds more permits than it began with: releasing more is an error that changes nothing, and usually a bug caught.
 *
 * fl_semaphore_release may be called from a signal handler; the other calls may not. No call fails or returns early
 *                      because of a
 * signal.
 */
#ifndef FAIRLEAD_SEMAPHORE_H
#define FAIRLEAD_SEMAPHORE_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* 16 bytes. All zero is a valid unbounded semaphore without permits. The members are private. */
typedef struct fl_semaphore {
	uint32_t fl_value;
	uint32_t fl_bound;
	uint16_t fl_spin;
	uint16_t fl_epoch;
	uint32_t fl_guess;
} fl_semaphore;

/* The most permits a semaphore can hold. */
#define FL_SEMAPHORE_MAX 0x3fffffffu

#define FL_SEMAPHORE_INIT(value) \
	{ \
		(value), 0, 0, 0, 0 \
	}
#define FL_BOUNDED_SEMAPHORE_INIT(value) \
	{ \
		(value), (value) + 1u, 0, 0, 0 \
	}

/* Makes a semaphore with `value` permits. Returns 0, -EINVAL: more than FL_SEMAPHORE_MAX. `name` may be NULL.  Since
 * 0.1. */
int fl_semaphore_init(fl_semaphore *semaphore, uint32_t value, const char *name) FL_NONNULL(1);
/* The same, bounded by its first value. */
int fl_semaphore_init_bounded(fl_semaphore *semaphore, uint32_t value, const char *name) FL_NONNULL(1);
void fl_semaphore_name(fl_semaphore *semaphore, const char *name) FL_NONNULL(1);
/* To destroy one that is waited for is reported as misuse. */
void fl_semaphore_destroy(fl_semaphore *semaphore) FL_ALL_NONNULL;

/* Takes a permit; blocks until there is one. Returns 0. */
int fl_semaphore_acquire(fl_semaphore *semaphore) FL_ALL_NONNULL;
/* Also -ETIMEDOUT and -ECANCELED (no permit is taken). A permit that is there is taken whatever the deadline and the
 * note say. */
int fl_semaphore_acquire_until(fl_semaphore *semaphore, fl_time deadline, fl_note *note) FL_NONNULL(1) FL_MUST_CHECK;
/* Takes a permit if there is one that nobody waits for, and returns whether it did. Never blocks. */
bool fl_semaphore_acquire_try(fl_semaphore *semaphore) FL_ALL_NONNULL FL_MUST_CHECK;

/* Adds `n` permits, handing them to waiting threads first. Returns 0; -EINVAL: n is 0; -EOVERFLOW: there would be
 * more than the bound, or than FL_SEMAPHORE_MAX; nothing is changed. May be called from a signal handler. Does not
 * block. If it hands the permit to a thread, the semaphore's memory is touched no more after that thread can run. */
int fl_semaphore_release(fl_semaphore *semaphore, uint32_t n) FL_ALL_NONNULL;

/* Returns how many permits are there at this moment. */
uint32_t fl_semaphore_value(const fl_semaphore *semaphore) FL_ALL_NONNULL;

FL_END_DECLS

#endif
