/*
 * sync/lock.h - what rlock, condition and the checks need of a lock beyond its public calls.
 */
#ifndef FL_SYNC_LOCK_H
#define FL_SYNC_LOCK_H

#include "base/park.h"
#include "base/quick.h"
#include "base/self.h"
#include "sync/check.h"
#include "sync/lock_shared.h"
#include <fairlead/lock.h>

#define FL_LOCK_HOLDER FL_NUMBER_MASK
#define FL_LOCK_WAKING 0x40000000u
#define FL_LOCK_WAITERS 0x80000000u

/* An acquisition under way: what was asked for, by whom and from where. */
struct fl_asker {
	fl_time deadline;
	fl_note *note; /* or NULL */
	const void *site;
	enum fl_lock_kind kind;
	uint32_t me;
	bool woken;           /* FL_LOCK_WAKING is this thread's mark */
	bool was_queued;      /* it has been woken from the queue */
	bool may_wait;        /* it has not been told to come back at once */
	bool must;            /* it does not come back without the lock */
	bool doomed;          /* it was reported to wait for ever */
	fl_time waited_since; /* for FL_CHECK_TIMES */
	struct fl_waiter waiter;
};

/* Acquires the lock, with checks if they are on; all but the uncontended case. As fl_lock_acquire_until. */
int fl_lock_acquire_slow_(fl_lock *lock, fl_time deadline, fl_note *note, enum fl_lock_kind kind, const void *site);

/* Acquires it if it is free; `kind` and `site` are for the checks. */
bool fl_lock_try_(fl_lock *lock, enum fl_lock_kind kind, const void *site);

/* As fl_lock_destroy, for reports of another kind. */
void fl_lock_destroy_(fl_lock *lock, enum fl_lock_kind kind);

/* Releases a lock that the calling thread holds. */
void fl_lock_release_mine_(fl_lock *lock, enum fl_lock_kind kind);

/* Acquires the lock again after a condition's wait, whatever it takes. `moved`: a notify moved the waiter here, and it
 * was woken. */
int fl_lock_resume_(fl_lock *lock, struct fl_asker *asker, bool moved);

/* Under the lock's bucket's lock, by its holder: a waiter is about to be pushed to the lock's queue. */
void fl_lock_expect_waiter_(fl_lock *lock);

/* The number of the holder; 0 if it is free. */
static inline uint32_t fl_lock_holder(const fl_lock *lock)
{
	return fl_load_relaxed(&lock->fl_word) & FL_LOCK_HOLDER;
}

/* The uncontended case: what all acquisitions try first. */
static inline bool fl_lock_grab(fl_lock *lock)
{
	uint32_t me = fl_tls_.number, word = 0;

	if (fl_unlikely(me == 0) || fl_unlikely(fl_lock_is_shared(lock)))
		return false;
	/* [lock.1] acquire; pairs with [lock.2], [lock.3], [lock.4] */
	if (fl_unlikely(!fl_cas_acquire(&lock->fl_word, &word, me)))
		return false;
	fl_store_relaxed(&fl_tls_.quick, lock);
	return true;
}

/* The same for both kinds, without checks. */
static inline bool fl_lock_grab_any(fl_lock *lock)
{
	return fl_unlikely(fl_lock_is_shared(lock)) ? fl_lock_grab_shared(lock) : fl_lock_grab(lock);
}

/* The quickest way that there is for a holder to release, if nobody waits; false: it is not released. */
static inline bool fl_lock_release_at_once(fl_lock *lock, uint32_t me)
{
	if (fl_unlikely(!fl_quick_works_))
		/* [lock.3] release; pairs with [lock.1] */
		return fl_cas_release(&lock->fl_word, &me, 0);
	if (fl_unlikely(fl_load_relaxed(&lock->fl_mode) != 0))
		return false;
	/* [lock.2] release; pairs with [lock.1] */
	return fl_quick_store_(&lock->fl_word, &lock->fl_mode);
}

/*
 * A lock that belongs to Fairlead itself, inside an object: held for some tens of instructions, never while waiting
 * or calling others, and released by who acquired it. The checks see nothing of it, and `quick` stays with the lock
 * that the user acquired last.
 */

int fl_lock_enter_slow_(fl_lock *lock);
void fl_lock_leave_slow_(fl_lock *lock);

/* Acquires it. Returns 0; -EOWNERDEAD: a fork left its holder behind; it is acquired all the same. */
static inline int fl_lock_enter(fl_lock *lock)
{
	uint32_t me = fl_tls_.number, word = 0;

	/* [lock.1] acquire; pairs with [lock.2], [lock.3], [lock.4] */
	if (fl_likely(me != 0) && fl_likely(fl_cas_acquire(&lock->fl_word, &word, me)))
		return 0;
	return fl_lock_enter_slow_(lock);
}

static inline void fl_lock_leave(fl_lock *lock)
{
	if (fl_unlikely(!fl_lock_release_at_once(lock, fl_tls_.number)))
		fl_lock_leave_slow_(lock);
}

#endif
