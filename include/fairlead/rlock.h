/*
 * fairlead/rlock.h - RLock: a lock that its holder may acquire again. Python's threading.RLock.
 *
 * It belongs to a thread and counts: as many releases as acquisitions set it free, and only the owner may release it.
 * Use it where a function that needs the lock is also called by code that already holds it; fl_lock is cheaper and
 * finds more mistakes.
 *
 * No call may come from a signal handler. No call fails or returns early because of a signal.
 */
#ifndef FAIRLEAD_RLOCK_H
#define FAIRLEAD_RLOCK_H

#include <fairlead/attributes.h>
#include <fairlead/lock.h>

FL_BEGIN_DECLS

/* 16 bytes. All zero is a valid free lock. The members are private. */
typedef struct FL_CAPABILITY("rlock") FL_REENTRANT fl_rlock {
	fl_lock fl_inner;
	uint32_t fl_count;
	uint32_t fl_spare;
} fl_rlock;

#define FL_RLOCK_INIT \
	{ \
		FL_LOCK_INIT, 0, 0 \
	}

/* As fl_lock_init, fl_lock_name and fl_lock_destroy.  Since 0.1. */
void fl_rlock_init(fl_rlock *lock, const char *name) FL_NONNULL(1);
void fl_rlock_name(fl_rlock *lock, const char *name) FL_NONNULL(1);
void fl_rlock_destroy(fl_rlock *lock) FL_ALL_NONNULL;

/* Makes a free RLock that processes share, in a segment, as fl_lock_init_shared. Does not block.  Since 0.1. */
void fl_rlock_init_shared(fl_rlock *lock) FL_ALL_NONNULL;

/* Acquires the lock once more if the caller owns it, else blocks until it is free. Returns 0, -EOWNERDEAD and
 * -EDEADLK as fl_lock_acquire; -EOVERFLOW: the caller holds it 4294967295 times already; it stays at that. Of a shared
 * one also what else fl_lock_acquire returns. -EOWNERDEAD comes once, from the acquisition that took it from the dead;
 * those inside it return 0. */
int fl_rlock_acquire(fl_rlock *lock) FL_ALL_NONNULL FL_ACQUIRE(lock);

/* As fl_rlock_acquire; also -ETIMEDOUT and -ECANCELED, as fl_lock_acquire_until. The owner is never made to wait. */
int fl_rlock_acquire_until(fl_rlock *lock, fl_time deadline, fl_note *note) FL_NONNULL(1)
	FL_MUST_CHECK FL_TRY_ACQUIRE(0, lock);

/* Acquires the lock if that needs no waiting, and returns whether it did. */
bool fl_rlock_acquire_try(fl_rlock *lock) FL_ALL_NONNULL FL_MUST_CHECK FL_TRY_ACQUIRE(true, lock);

/* Releases the lock once; when that was the last time, it is free. By any thread but the owner: reported as misuse. */
void fl_rlock_release(fl_rlock *lock) FL_ALL_NONNULL FL_RELEASE(lock);

/* Releases the lock however many times it is held, and returns that number, for fl_rlock_restore. Owner only. */
uint32_t fl_rlock_release_all(fl_rlock *lock) FL_ALL_NONNULL FL_RELEASE(lock);

/* Acquires a lock that the caller does not own, `count` times at once. Returns as fl_rlock_acquire; -EINVAL: count is
 * 0. */
int fl_rlock_restore(fl_rlock *lock, uint32_t count) FL_ALL_NONNULL FL_ACQUIRE(lock);

/* As fl_lock_mend: says that what a shared RLock protects is whole again. The last release of one that is not mended
 * makes it -ENOTRECOVERABLE for all. Returns 0; -EPERM: the caller does not own it. Does not block.  Since 0.1. */
int fl_rlock_mend(fl_rlock *lock) FL_ALL_NONNULL;

/* Returns how many times the calling thread holds the lock: 0 if it does not own it. Exact, never blocks. */
uint32_t fl_rlock_count(const fl_rlock *lock) FL_ALL_NONNULL;

/* Returns whether any thread holds the lock at this moment. */
bool fl_rlock_locked(const fl_rlock *lock) FL_ALL_NONNULL;

FL_END_DECLS

#endif
