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

/* Makes a free lock that processes share: `lock` is in a segment (fairlead/segment.h), as fl_segment_lock makes one, or
 * as a part of an object there. The calls are the same. It takes 8 bytes, and nothing else that would have to be given
 * back; a million of them are no more work than their memory. Does not block.  Since 0.1. */
void fl_lock_init_shared(fl_lock *lock) FL_ALL_NONNULL;

/* Gives the lock a name for reports (a static one, say); NULL takes it away. The name is copied, up to 47 bytes. */
void fl_lock_name(fl_lock *lock, const char *name) FL_NONNULL(1);

/* Ends the use of a lock: forgets its name and what the checker knows of it. A lock with neither need not be
 * destroyed. To destroy one that is held or waited for is reported as misuse. */
void fl_lock_destroy(fl_lock *lock) FL_ALL_NONNULL;

/* Acquires the lock; blocks while another thread holds it. Returns 0;
 * -EOWNERDEAD: the lock is yours, but whoever held it is gone, so what it protects may be half changed. (In a forked
 *              child: a thread that only the parent has. Of a shared lock: a process that died, or a thread that ended;
 *              fl_dead_owner says who, and fl_lock_mend that it is whole again.)
 * -EDEADLK: with FAIRLEAD_CHECK=order, waiting would never have ended; reported; the lock is not acquired. */
int fl_lock_acquire(fl_lock *lock) FL_ALL_NONNULL FL_ACQUIRE(lock);

/* Of a shared lock also
 * -ENOTRECOVERABLE: the lock is not acquired, and never will be: it was released after -EOWNERDEAD without
 *                   fl_lock_mend, so what it protects may still be half changed;
 * -EINVAL: the lock is in no segment that this process has open; reported as misuse;
 * -EUSERS, -ENOSYS, -ENOMEM, -ENOSPC, -EPROTO: this thread could not get a place among those who use the segment
 *                   (fairlead/segment.h, "Threads"). */

/* As fl_lock_acquire, but also returns -ETIMEDOUT when the deadline passes, and -ECANCELED when `note` (may be NULL) is
 * cancelled; then the lock is not acquired. A free lock is acquired whatever the deadline and the note say. A
 * deadline that has passed never blocks. */
int fl_lock_acquire_until(fl_lock *lock, fl_time deadline, fl_note *note) FL_NONNULL(1)
	FL_MUST_CHECK FL_TRY_ACQUIRE(0, lock);

/* Acquires the lock if it is free, and returns whether it did. Never blocks. (A shared one whose holder died is not
 * free: fl_lock_acquire_until has it, also with a deadline that has passed.) */
bool fl_lock_acquire_try(fl_lock *lock) FL_ALL_NONNULL FL_MUST_CHECK FL_TRY_ACQUIRE(true, lock);

/* Releases the lock and wakes one thread that waits, if any. Any thread may do so. Releasing a free lock is reported
 * as misuse. Once it is released, this call touches the lock's memory no more: the next holder may free it. Does not
 * block. */
void fl_lock_release(fl_lock *lock) FL_ALL_NONNULL FL_RELEASE(lock);

/* Says that what a shared lock protects is whole again, by the thread that holds the lock since -EOWNERDEAD. For a
 * private one, or if there is nothing to mend, it does nothing. Returns 0; -EPERM: this thread does not hold the lock.
 * Does not block.  Since 0.1. */
int fl_lock_mend(fl_lock *lock) FL_ALL_NONNULL;

/* Returns whether somebody holds the lock at this moment: for reports and tests, since the answer may be old at
 * once. */
bool fl_lock_locked(const fl_lock *lock) FL_ALL_NONNULL;

/* Acquires `n` locks, all or none, in whatever order callers name them, without a deadlock: it never blocks on one of
 * them while holding another. Returns 0; -ETIMEDOUT; -EINVAL: a lock is named twice; -EDEADLK and -EOWNERDEAD as
 * fl_lock_acquire (-EOWNERDEAD: all are acquired, and the last holder of at least one is gone). Locks the caller
 * holds already must not be among them. The method is try-and-back-off: block on the one that was busy, then try the
 * rest. Of shared locks also what else fl_lock_acquire returns; then none is held. (In a forked child: -ETIMEDOUT may
 * hide that a lock which was let go again had a holder that is gone.) */
int fl_lock_all(size_t n, fl_lock *const *locks, fl_time deadline) FL_NONNULL(2) FL_MUST_CHECK;

/* Releases `n` locks, the last first. */
void fl_lock_all_release(size_t n, fl_lock *const *locks) FL_NONNULL(2);

FL_END_DECLS

#endif
