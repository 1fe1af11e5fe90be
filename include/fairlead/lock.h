/*
 * fairlead/lock.h - Lock: at most one thread holds it. Python's threading.Lock.
 *
 *     static fl_lock lock = FL_LOCK_INIT;
 *     static long balance FL_GUARDED_BY(&lock);
 *
 *     void deposit(long amount)
 *     {
 *             fl_with (&lock)            // fairlead/guard.h: released on every way out
 *                     balance += amount;
 *     }
 *
 * It is not recursive: a thread that acquires a lock it already holds waits for ever (fairlead/check.h reports it;
 * fl_rlock allows it). As in Python, any thread may release it. It is fast rather than strictly fair: a running
 * thread may overtake one that is still being woken, but only a bounded number of times.
 *
 * When not to use it: for one counter or flag use C11 atomics; for data that is mostly read consider fl_rwlock; to
 * wait for something to become true use fl_condition, fl_event or fl_semaphore, not a lock as a signal.
 *
 * No call may come from a signal handler. No call fails or returns early because of a signal.
 */
#ifndef FAIRLEAD_LOCK_H
#define FAIRLEAD_LOCK_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* 8 bytes. All zero is a valid free lock. The members are private; it must not be copied or moved while in use. */
typedef struct FL_CAPABILITY("lock") fl_lock {
	uint32_t fl_word;
	uint8_t fl_mode;
	uint8_t fl_passed;
	uint16_t fl_spin;
} fl_lock;

/* clang-format off */
#define FL_LOCK_INIT {0, 0, 0, 0}
/* clang-format on */

/* Makes a free lock. `name` is for reports; it may be NULL and is copied. Does not block.  Since 0.1. */
void fl_lock_init(fl_lock *lock, const char *name) FL_NONNULL(1);

/* Gives the lock a name for reports (a static one, say); NULL takes it away. The name is copied, up to 47 bytes. */
void fl_lock_name(fl_lock *lock, const char *name) FL_NONNULL(1);

/* Ends the use of a lock: forgets its name and what the checker knows of it. A lock with neither need not be
 * destroyed. To destroy one that is held or waited for is reported as misuse. */
void fl_lock_destroy(fl_lock *lock) FL_ALL_NONNULL;

/* Acquires the lock; blocks while another thread holds it. Returns 0;
 * -EOWNERDEAD: the lock is yours, but whoever held it is gone (in a forked child: a thread that only the parent has),
 *              so what it protects may be half changed;
 * -EDEADLK: with FAIRLEAD_CHECK=order, waiting would never have ended; reported; the lock is not acquired. */
int fl_lock_acquire(fl_lock *lock) FL_ALL_NONNULL FL_ACQUIRE(lock);

/* As fl_lock_acquire, but also returns -ETIMEDOUT when the deadline passes, and -ECANCELED when `note` (may be NULL) is
 * cancelled; then the lock is not acquired. A free lock is acquired whatever the deadline and the note say. A
 * deadline that has passed never blocks. */
int fl_lock_acquire_until(fl_lock *lock, fl_time deadline, fl_note *note) FL_NONNULL(1)
	FL_MUST_CHECK FL_TRY_ACQUIRE(0, lock);

/* Acquires the lock if it is free, and returns whether it did. Never blocks. */
bool fl_lock_acquire_try(fl_lock *lock) FL_ALL_NONNULL FL_MUST_CHECK FL_TRY_ACQUIRE(true, lock);

/* Releases the lock and wakes one thread that waits, if any. Any thread may do so. Releasing a free lock is reported
 * as misuse. Once it is released, this call touches the lock's memory no more: the next holder may free it. Does not
 * block. */
void fl_lock_release(fl_lock *lock) FL_ALL_NONNULL FL_RELEASE(lock);

/* Returns whether somebody holds the lock at this moment: for reports and tests, since the answer may be old at
 * once. */
bool fl_lock_locked(const fl_lock *lock) FL_ALL_NONNULL;

/* Acquires `n` locks, all or none, in whatever order callers name them, without a deadlock: it never blocks on one of
 * them while holding another. Returns 0; -ETIMEDOUT; -EINVAL: a lock is named twice; -EDEADLK and -EOWNERDEAD as
 * fl_lock_acquire (-EOWNERDEAD: all are acquired, and the last holder of at least one is gone). Locks the caller
 * holds already must not be among them. The method is try-and-back-off: block on the one that was busy, then try the
 * rest. (In a forked child: -ETIMEDOUT may hide that a lock which was let go again had a holder that is gone.) */
int fl_lock_all(size_t n, fl_lock *const *locks, fl_time deadline) FL_NONNULL(2) FL_MUST_CHECK;

/* Releases `n` locks, the last first. */
void fl_lock_all_release(size_t n, fl_lock *const *locks) FL_NONNULL(2);

FL_END_DECLS

#endif
