/*
 * sync/rlock.c - RLock: a lock, and how many times its holder has acquired it.
 *
 * fl_inner   the lock (sync/lock.c); its holder is the owner
 * fl_count   acquisitions by the owner; written and read by the owner alone, so it needs no atomics beyond not being
 *            torn. It is 0 or old while the lock is free.
 *
 * The owner finds itself in the lock word: no other thread can put this thread's number there or take it away, so a
 * plain look is enough to know.
 *
 * One that processes share has such a lock inside (sync/lock_shared.c), and needs nothing else: whoever takes it from a
 * dead owner begins to count anew.
 */
#include <fairlead/rlock.h>

#include "base/name.h"
#include "base/report.h"
#include "sync/lock.h"
#include <errno.h>
#include <string.h>

static bool owned(const fl_rlock *lock)
{
	/* The lock acquired last is known without waiting for its word. */
	if (fl_load_relaxed(&fl_tls_.quick) == &lock->fl_inner)
		return true;
	if (fl_unlikely(fl_lock_is_shared(&lock->fl_inner)))
		return fl_lock_mine_shared(&lock->fl_inner);
	return fl_lock_holder(&lock->fl_inner) == fl_self();
}

static void set_count(fl_rlock *lock, uint32_t count)
{
	fl_store_relaxed(&lock->fl_count, count);
}

/* Counts one more; by the owner. */
static int again(fl_rlock *lock)
{
	if (fl_unlikely(lock->fl_count == UINT32_MAX))
		return -EOVERFLOW;
	set_count(lock, lock->fl_count + 1);
	return 0;
}

static int begun(fl_rlock *lock, int error, uint32_t count)
{
	if (error == 0 || error == -EOWNERDEAD)
		set_count(lock, count);
	return error;
}

static bool refuse(const fl_rlock *lock)
{
	if (fl_likely(owned(lock)))
		return false;
	if (!fl_rlock_locked(lock))
		fl_misuse_("rlock", lock, "released, but nobody holds it");
	else
		fl_misuse_("rlock", lock, "released by a thread that does not own it");
	return true;
}

void fl_rlock_init(fl_rlock *lock, const char *name)
{
	memset(lock, 0, sizeof(*lock));
	fl_lock_init(&lock->fl_inner, name);
}

void fl_rlock_name(fl_rlock *lock, const char *name)
{
	fl_name_set_(lock, name);
}

void fl_rlock_destroy(fl_rlock *lock)
{
	fl_lock_destroy_(&lock->fl_inner, FL_KIND_RLOCK);
}

int fl_rlock_acquire(fl_rlock *lock)
{
	if (owned(lock))
		return again(lock);
	if (fl_likely(fl_checks() == 0) && fl_likely(fl_lock_grab(&lock->fl_inner))) {
		set_count(lock, 1);
		return 0;
	}
	return begun(
		lock,
		fl_lock_acquire_slow_(&lock->fl_inner, FL_FOREVER, NULL, FL_KIND_RLOCK, __builtin_return_address(0)),
		1);
}

int fl_rlock_acquire_until(fl_rlock *lock, fl_time deadline, fl_note *note)
{
	if (owned(lock))
		return again(lock);
	return begun(lock,
		     fl_lock_acquire_slow_(&lock->fl_inner, deadline, note, FL_KIND_RLOCK, __builtin_return_address(0)),
		     1);
}

bool fl_rlock_acquire_try(fl_rlock *lock)
{
	if (owned(lock))
		return again(lock) == 0;
	if (!fl_lock_try_(&lock->fl_inner, FL_KIND_RLOCK, __builtin_return_address(0)))
		return false;
	set_count(lock, 1);
	return true;
}

void fl_rlock_release(fl_rlock *lock)
{
	if (refuse(lock))
		return;
	if (lock->fl_count > 1)
		set_count(lock, lock->fl_count - 1);
	else
		fl_lock_release_mine_(&lock->fl_inner, FL_KIND_RLOCK);
}

uint32_t fl_rlock_release_all(fl_rlock *lock)
{
	uint32_t count;

	if (refuse(lock))
		return 0;
	count = lock->fl_count;
	fl_lock_release_mine_(&lock->fl_inner, FL_KIND_RLOCK);
	return count;
}

int fl_rlock_restore(fl_rlock *lock, uint32_t count)
{
	const void *site = __builtin_return_address(0);

	if (count == 0)
		return -EINVAL;
	if (owned(lock)) {
		fl_misuse_("rlock", lock, "restored by a thread that owns it already");
		return -EPERM;
	}
	return begun(lock, fl_lock_acquire_slow_(&lock->fl_inner, FL_FOREVER, NULL, FL_KIND_RLOCK, site), count);
}

uint32_t fl_rlock_count(const fl_rlock *lock)
{
	return owned(lock) ? lock->fl_count : 0;
}

bool fl_rlock_locked(const fl_rlock *lock)
{
	return fl_lock_locked(&lock->fl_inner);
}
