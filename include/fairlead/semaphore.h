/*
 * fairlead/semaphore.h - Semaphore and BoundedSemaphore: a number of permits. Python's, of the same names.
 *
 *     static fl_semaphore seats = FL_BOUNDED_SEMAPHORE_INIT(3);
 *     fl_with (&seats) { ... at most three threads are here ... }
 *
 * Permits are handed out in the order in which threads came to wait. Any thread may release. The bounded one never
 * holds more permits than it began with: releasing more is an error that changes nothing, and usually a bug caught.
 *
 * Between processes there is a choice, made where it is initialised. fl_semaphore_init_shared makes one that is only a
 * number, good for a signal: one process acquires, another one releases. Permits that a process has when it dies are
 * gone. fl_semaphore_init_shared_holders makes one that knows who has its permits, good for seats: when a process dies,
 * or a thread ends, the permits that it had are there for others. For either a running thread may overtake those who
 * wait, until one of them has been woken in vain a few times.
 *
 * fl_semaphore_release may be called from a signal handler, but not of a shared semaphore; the other calls may not. No
 * call fails or returns early because of a signal.
 */
#ifndef FAIRLEAD_SEMAPHORE_H
#define FAIRLEAD_SEMAPHORE_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* 16 bytes; one with holders has more behind it. All zero is a valid unbounded semaphore without permits. The members
 * are private. */
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

/* Makes a semaphore with `value` permits that processes share: it is in a segment (fairlead/segment.h), as
 * fl_segment_semaphore makes one, or as a part of an object there. The calls are the same. Returns 0, -EINVAL as
 * above. Does not block.  Since 0.1. */
int fl_semaphore_init_shared(fl_semaphore *semaphore, uint32_t value) FL_ALL_NONNULL;
/* The same, bounded by its first value. */
int fl_semaphore_init_shared_bounded(fl_semaphore *semaphore, uint32_t value) FL_ALL_NONNULL;

/* The most permits of a semaphore with holders, and the bytes that it takes: the semaphore, and a word for each permit
 * right behind it. As a part of an object: fl_semaphore seats; uint32_t seats_holders[8]; */
#define FL_SEMAPHORE_HOLDERS_MAX 4096u
#define FL_SEMAPHORE_HOLDERS_SIZE(permits) (sizeof(fl_semaphore) + (permits) * sizeof(uint32_t))

/* Makes a shared semaphore with `permits` permits, all of them there, that knows which threads have the others. It is
 * bounded: only who has a permit can release it. An acquire or release looks through the words until it has found one.
 * Returns 0, -EINVAL: there are no permits, or more than FL_SEMAPHORE_HOLDERS_MAX. Does not block.  Since 0.1. */
int fl_semaphore_init_shared_holders(fl_semaphore *semaphore, uint32_t permits) FL_ALL_NONNULL;

void fl_semaphore_name(fl_semaphore *semaphore, const char *name) FL_NONNULL(1);
/* To destroy one that is waited for is reported as misuse. */
void fl_semaphore_destroy(fl_semaphore *semaphore) FL_ALL_NONNULL;

/* Takes a permit; blocks until there is one. Returns 0.
 *
 * Where they would block, and always if there are holders, this and those below return of a shared semaphore also
 * -EINVAL: it is in no segment that this process has open; reported as misuse;
 * -EUSERS, -ENOSYS, -ENOMEM, -ENOSPC, -EPROTO: this thread could not get a place among those who use the segment
 *          (fairlead/segment.h, "Threads"), or what stands in the semaphore cannot be.
 * Where fl_semaphore_acquire_try would return one of these, it returns false. */
int fl_semaphore_acquire(fl_semaphore *semaphore) FL_ALL_NONNULL;
/* Also -ETIMEDOUT and -ECANCELED (no permit is taken). A permit that is there is taken whatever the deadline and the
 * note say. */
int fl_semaphore_acquire_until(fl_semaphore *semaphore, fl_time deadline, fl_note *note) FL_NONNULL(1) FL_MUST_CHECK;
/* Takes a permit if there is one that nobody waits for, and returns whether it did. Never blocks. */
bool fl_semaphore_acquire_try(fl_semaphore *semaphore) FL_ALL_NONNULL FL_MUST_CHECK;

/* Adds `n` permits, handing them to waiting threads first. Returns 0; -EINVAL: n is 0; -EOVERFLOW: there would be
 * more than the bound, or than FL_SEMAPHORE_MAX; nothing is changed. May be called from a signal handler. Does not
 * block. If it hands the permit to a thread, the semaphore's memory is touched no more after that thread can run.
 *
 * Of a shared semaphore also what fl_semaphore_acquire returns, if somebody waits or there are holders; then nothing is
 * changed. -EPERM: there are holders, and the calling thread has less than n permits. */
int fl_semaphore_release(fl_semaphore *semaphore, uint32_t n) FL_ALL_NONNULL;

/* Returns how many permits are there at this moment. */
uint32_t fl_semaphore_value(const fl_semaphore *semaphore) FL_ALL_NONNULL;

/* Returns how many permits of a semaphore with holders were acquired after their holder had gone without releasing
 * them, all in all; 0 for any other. Who dies right after it has acquired one may not have counted it.  Since 0.1. */
uint32_t fl_semaphore_recovered(const fl_semaphore *semaphore) FL_ALL_NONNULL;

FL_END_DECLS

#endif
