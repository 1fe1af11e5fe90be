/*
 * sync/check.h - where the locks tell the checks (FAIRLEAD_CHECK=order,times) what they do.
 *
 * A lock calls these only if fl_checks() is not 0, which is a load and a branch. Built with -Dchecks=false it is the
 * constant 0, and all of it is gone.
 *
 * Every one is called by the thread that acquires or releases, fl_check_moved_ excepted. `lock` is the address that
 * names the object: an fl_lock, fl_rlock or fl_rwlock. `site` is the return address of the public call.
 */
#ifndef FL_SYNC_CHECK_H
#define FL_SYNC_CHECK_H

#include "base/atomic.h"
#include <fairlead/check.h>
#include <fairlead/time.h>

enum fl_lock_kind {
	FL_KIND_LOCK,
	FL_KIND_RLOCK,
	FL_KIND_READ,  /* the read side of an fl_rwlock */
	FL_KIND_WRITE, /* its write side */
};

extern unsigned fl_checks_;

#ifdef FL_NO_CHECKS
#define fl_checks() 0u
#else
#define fl_checks() fl_load_relaxed(&fl_checks_)
#endif

/* Before an acquisition that may block, whether it will or not: looks at the order, reports, and lets it go on. */
void fl_check_before_(const void *lock, enum fl_lock_kind kind, const void *site);

/* Before a wait that will release the lock, which the thread holds, and then acquire it again: looks at the order of
 * that. */
void fl_check_before_return_(const void *lock, enum fl_lock_kind kind, const void *site);

/* After any acquisition. `waited_since`: when it began to wait, 0 if it did not have to. */
void fl_check_acquired_(const void *lock, enum fl_lock_kind kind, const void *site, fl_time waited_since);

/* Before the lock is released, by the thread that does so, which need not be the one that acquired it (fl_lock). */
void fl_check_released_(const void *lock, enum fl_lock_kind kind);

/* Before the thread sleeps for the lock, not under any bucket's lock. `for_ever`: it has neither deadline nor note.
 * Returns 0, or
 * -EDEADLK if it closes a cycle, which has been reported. After 0, fl_check_wait_end_ follows when the sleep is
 * over. */
int fl_check_wait_begin_(const void *lock, enum fl_lock_kind kind, const void *site, bool for_ever);
void fl_check_wait_end_(void);

/* A notify has moved the thread `number` from a condition to this lock: from now on it waits for the lock. Under
 * a bucket's lock, so it neither blocks nor reports. The thread itself calls fl_check_wait_end_ when it has the
 * lock. */
void fl_check_moved_(uint32_t number, const void *lock, enum fl_lock_kind kind);

/* What the thread `number` waits for has been given to it, though it may not know yet. Also under a bucket's lock. */
void fl_check_given_(uint32_t number);

/* The lock is destroyed, or made anew at this address: what was known of it is forgotten. Called whether or not
 * checks are on. */
void fl_check_forget_(const void *lock);

#endif
