/*
 * fairlead/condition.h - Condition: wait, under a lock, until somebody says that things have changed. Python's
 * threading.Condition.
 *
 *     static fl_condition changed = FL_CONDITION_INIT;      // has an RLock of its own, as in Python
 *     static int items;
 *
 *     fl_with (&changed) {                                  // consumer
 *             while (items == 0)
 *                     fl_condition_wait(&changed);
 *             items--;
 *     }
 *     fl_with (&changed) {                                  // producer
 *             items++;
 *             fl_condition_notify(&changed, 1);
 *     }
 *
 * FL_CONDITION_OVER_LOCK(&lock) and FL_CONDITION_OVER_RLOCK(&rlock) tie it to a lock that already guards the data;
 * several conditions may share one. A notify wakes threads that were waiting when it was called, the longest-waiting
 * first, and no others. There are no spurious wake-ups, but another thread may take the lock before the woken one
 * does, so the predicate is tested in a loop.
 *
 * Processes share one that is in a segment (fairlead/segment.h), over a lock that is shared in the same segment. There
 * a wait may also return for nothing, when a thread that uses the segment dies, leaves or comes: whoever died may have
 * been about to notify, or have been notified and not got to do anything. So a wait in a loop misses nothing, whoever
 * dies. But such a loop looks at what the wait returns: after -EOWNERDEAD it has to mend before it waits again, and
 * after -ENOTRECOVERABLE it does not hold the lock any more.
 *
 *     while (error == 0 && items == 0)
 *             error = fl_condition_wait(&changed);
 *
 * Waiting and notifying need the lock; without it they are reported as misuse (and return -EPERM or 0 if a hook
 * returns). No call may come from a signal handler. No call fails or returns early because of a signal.
 */
#ifndef FAIRLEAD_CONDITION_H
#define FAIRLEAD_CONDITION_H

#include <fairlead/attributes.h>
#include <fairlead/lock.h>
#include <fairlead/rlock.h>

FL_BEGIN_DECLS

/* 48 bytes. All zero is a valid condition over an RLock of its own. The members are private. */
typedef struct FL_CAPABILITY("condition") FL_REENTRANT fl_condition {
	uint32_t fl_waiters;
	uint32_t fl_mode;
	fl_rlock fl_own;
	fl_lock *fl_lock_;
	fl_rlock *fl_rlock_;
	int64_t fl_away;
} fl_condition;

#define FL_CONDITION_INIT \
	{ \
		0, 0, FL_RLOCK_INIT, 0, 0, 0 \
	}
#define FL_CONDITION_OVER_LOCK(lock) \
	{ \
		0, 0, FL_RLOCK_INIT, lock, 0, 0 \
	}
#define FL_CONDITION_OVER_RLOCK(rlock) \
	{ \
		0, 0, FL_RLOCK_INIT, 0, rlock, 0 \
	}

/* Makes a condition over an RLock of its own; over a lock; over an RLock. `name` may be NULL; it is copied.  Since
 * 0.1. */
void fl_condition_init(fl_condition *condition, const char *name) FL_NONNULL(1);
void fl_condition_init_lock(fl_condition *condition, fl_lock *lock, const char *name) FL_NONNULL(1, 2);
void fl_condition_init_rlock(fl_condition *condition, fl_rlock *lock, const char *name) FL_NONNULL(1, 2);
/* The same for one that processes share: over a shared RLock of its own; over a shared lock or RLock in the same
 * segment. They do not block.  Since 0.1. */
void fl_condition_init_shared(fl_condition *condition) FL_ALL_NONNULL;
void fl_condition_init_lock_shared(fl_condition *condition, fl_lock *lock) FL_ALL_NONNULL;
void fl_condition_init_rlock_shared(fl_condition *condition, fl_rlock *lock) FL_ALL_NONNULL;
void fl_condition_name(fl_condition *condition, const char *name) FL_NONNULL(1);
/* To destroy one that is waited for, or whose own lock is held, is reported as misuse. */
void fl_condition_destroy(fl_condition *condition) FL_ALL_NONNULL;

/* Acquire, try and release the lock of the condition: as those of fl_lock or fl_rlock. */
int fl_condition_acquire(fl_condition *condition) FL_ALL_NONNULL FL_ACQUIRE(condition);
int fl_condition_acquire_until(fl_condition *condition, fl_time deadline, fl_note *note) FL_NONNULL(1)
	FL_MUST_CHECK FL_TRY_ACQUIRE(0, condition);
bool fl_condition_acquire_try(fl_condition *condition) FL_ALL_NONNULL FL_MUST_CHECK FL_TRY_ACQUIRE(true, condition);
void fl_condition_release(fl_condition *condition) FL_ALL_NONNULL FL_RELEASE(condition);

/* Releases the lock (an RLock however many times it is held), blocks until notified, and acquires it again as often.
 * Returns 0, and -EOWNERDEAD as fl_lock_acquire. Of a shared one also what else fl_lock_acquire returns, which goes
 * before anything else that there is to say: -EOWNERDEAD, with the lock held; -ENOTRECOVERABLE, and then it is not
 * held. -EINVAL and the like, and -ENOSYS (Linux older than 5.16), come at once, with the lock still held. To wait with
 * a lock that is not mended is to release it so, and returns -ENOTRECOVERABLE. */
int fl_condition_wait(fl_condition *condition) FL_ALL_NONNULL;

/* As fl_condition_wait; also returns -ETIMEDOUT or -ECANCELED, with the lock held again, when the deadline passed or
 * `note` was cancelled before a notify came. Getting the lock back may take longer than the deadline. A deadline that
 * has passed does not even release the lock. */
int fl_condition_wait_until(fl_condition *condition, fl_time deadline, fl_note *note) FL_NONNULL(1);

/* Waits until predicate(arg), called with the lock held, returns true. Returns 0, and -EOWNERDEAD as fl_lock_acquire
 * (then the predicate may not be true yet). Of a shared one also what else fl_condition_wait returns; then, and after
 * -EOWNERDEAD, the predicate was not asked again. */
int fl_condition_wait_for(fl_condition *condition, bool (*predicate)(void *arg), void *arg) FL_NONNULL(1, 2);

/* Also returns -ETIMEDOUT or -ECANCELED if the predicate is still false then. It is always tested at least once, and
 * once more after the deadline. */
int fl_condition_wait_for_until(fl_condition *condition, bool (*predicate)(void *arg), void *arg, fl_time deadline,
				fl_note *note) FL_NONNULL(1, 2);

/* Wakes up to `n` waiting threads, the longest-waiting first; they run when the caller releases the lock. In which
 * order those that one call woke then get the lock is not said. Returns how many. Does not block. */
uint32_t fl_condition_notify(fl_condition *condition, uint32_t n) FL_ALL_NONNULL;

/* Wakes all waiting threads. Returns how many. */
uint32_t fl_condition_notify_all(fl_condition *condition) FL_ALL_NONNULL;

/* As fl_lock_mend, for the lock of a shared one. Returns 0; -EPERM: this thread does not hold it; -EINVAL and others as
 * fl_lock_acquire. Does not block.  Since 0.1. */
int fl_condition_mend(fl_condition *condition) FL_ALL_NONNULL;

FL_END_DECLS

#endif
