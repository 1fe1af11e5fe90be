/*
 * sync/rwlock_shared.h - the RWLocks that processes share, behind the calls of fairlead/rwlock.h.
 */
#ifndef FL_SYNC_RWLOCK_SHARED_H
#define FL_SYNC_RWLOCK_SHARED_H

#include "base/lot.h"
#include "sync/check.h"
#include <fairlead/rwlock.h>

#ifdef FL_MODEL /* tests/model has threads of one process */
#define fl_rwlock_is_shared(lock) ((void)(lock), false)
#else
static inline bool fl_rwlock_is_shared(const fl_rwlock *lock)
{
	return fl_load_relaxed(&lock->fl_n_places) != 0;
}
#endif

/* Bits of fl_state: sync/rwlock_shared.c. */
#define FL_RWLOCK_HOLDER FL_PEER_MASK
#define FL_RWLOCK_LOST FL_PEER_MASK
#define FL_RWLOCK_KEPT 0x20000000u
#define FL_RWLOCK_ORPHAN 0x40000000u

/* Acquires one side, by a thread that reads it not yet. As the public calls. */
int fl_rwlock_acquire_shared_(fl_rwlock *lock, enum fl_lock_kind kind, fl_time deadline, fl_note *note,
			      const void *site);
bool fl_rwlock_try_shared_(fl_rwlock *lock, enum fl_lock_kind kind, const void *site);

/* The calling thread's last read of it; its write side. */
void fl_rwlock_release_read_shared_(fl_rwlock *lock);
void fl_rwlock_release_write_shared_(fl_rwlock *lock);
/* By who writes, and has room for one more read. */
void fl_rwlock_downgrade_shared_(fl_rwlock *lock, const void *site);

bool fl_rwlock_writes_shared_(const fl_rwlock *lock);
int fl_rwlock_readers_shared_(const fl_rwlock *lock);

#endif
