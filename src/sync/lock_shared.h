/*
 * sync/lock_shared.h - the locks that processes share, behind the calls of fairlead/lock.h.
 */
#ifndef FL_SYNC_LOCK_SHARED_H
#define FL_SYNC_LOCK_SHARED_H

#include "base/lot.h"
#include "sync/check.h"
#include <fairlead/lock.h>
#include <fairlead/note.h>

/* Set in fl_mode for as long as the lock is one: sync/lock.c's BUSY and EPOCH are others. */
#define FL_LOCK_SHARED 2u

/* For reports. */
static inline const char *fl_lock_kind_name(enum fl_lock_kind kind)
{
	return kind == FL_KIND_RLOCK ? "rlock" : "lock";
}

#ifdef FL_MODEL /* tests/model has threads of one process */
#define fl_lock_is_shared(lock) ((void)(lock), false)
#else
static inline bool fl_lock_is_shared(const fl_lock *lock)
{
	return fl_load_relaxed(&lock->fl_mode) == FL_LOCK_SHARED;
}
#endif

/* The uncontended cases, for a lock that is shared, without checks. */
static inline bool fl_lock_grab_shared(fl_lock *lock)
{
	uint32_t me = fl_lot_number(lock), word = 0;

	/* [shared.1] acquire; pairs with [shared.2], [shared.5] */
	return fl_likely(me != 0) && fl_likely(fl_cas_acquire(&lock->fl_word, &word, me));
}

static inline bool fl_lock_drop_shared(fl_lock *lock)
{
	uint32_t me = fl_lot_number(lock);

	/* [shared.2] release; pairs with [shared.1], [shared.3] */
	return fl_likely(me != 0) && fl_likely(fl_cas_release(&lock->fl_word, &me, 0));
}

/* As fl_lock_acquire_until, with checks if they are on. */
int fl_lock_acquire_shared_(fl_lock *lock, fl_time deadline, fl_note *note, enum fl_lock_kind kind, const void *site);
bool fl_lock_try_shared_(fl_lock *lock, enum fl_lock_kind kind, const void *site);
void fl_lock_release_shared_(fl_lock *lock, enum fl_lock_kind kind);
/* Releases one that was acquired for nothing: if its holder's death is still to be told, it is told to the next. */
void fl_lock_return_shared_(fl_lock *lock, enum fl_lock_kind kind);

/* Of fl_word: who holds the lock, and that this one does not have it yet; that a holder has died; and a holder that
 * says that nobody will hold it again. */
#define FL_LOCK_SHARED_HOLDER FL_PEER_MASK
#define FL_LOCK_SHARED_HANDED 0x20000000u
#define FL_LOCK_SHARED_ORPHAN 0x40000000u
#define FL_LOCK_SHARED_LOST FL_PEER_MASK

bool fl_lock_mine_slow_(const fl_lock *lock);

/* As fl_lock_locked: whether it has a holder, who may be dead, or is kept for one who waits. One that is lost has none.
 *  */
bool fl_lock_locked_shared_(const fl_lock *lock);

/* After a condition's wait, in which the thread may have been moved to the lock: acquires it again, whatever it takes,
 * and ends the wait. */
int fl_lock_resume_shared_(fl_lock *lock, struct fl_lot_wait *wait, enum fl_lock_kind kind, const void *site);
/* Threads have been moved to the lock: its release, or this call if nobody holds it, wakes the first of them. */
void fl_lock_expect_shared_(fl_lock *lock, const struct fl_lot_view *view);

/* Whether this thread holds it. */
static inline bool fl_lock_mine_shared(const fl_lock *lock)
{
	uint32_t me = fl_lot_number(lock);

	if (fl_unlikely(me == 0))
		return fl_lock_mine_slow_(lock);
	return (fl_load_relaxed(&lock->fl_word) & (FL_LOCK_SHARED_HOLDER | FL_LOCK_SHARED_HANDED)) == me;
}

#endif
