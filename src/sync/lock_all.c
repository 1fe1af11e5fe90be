/*
 * sync/lock_all.c - many locks at once, by try-and-back-off.
 *
 * Block on one, try the others; if one is busy, release all and block on that one next. The thread never waits for a
 * lock while it holds another of them, so it cannot be part of a cycle, whatever order it or anybody else uses; and
 * as it next waits for the lock that was busy, it does not spin through the set. (The "smart" algorithm measured by
 * Howard Hinnant, "Dining Philosophers Rebooted".) Rejected: ordering by address, which is enough only if nobody ever
 * takes two of them in another way.
 */
#include "sync/lock.h"

#include <errno.h>

static bool named_twice(size_t n, fl_lock *const *locks)
{
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = i + 1; j < n; j++)
			if (locks[i] == locks[j])
				return true;
	return false;
}

static void release_first(size_t n, fl_lock *const *locks)
{
	while (n-- > 0)
		fl_lock_release(locks[n]);
}

/* Lets one go that was acquired, but not used. */
static void let_go(fl_lock *lock)
{
	if (fl_lock_is_shared(lock))
		fl_lock_return_shared_(lock, FL_KIND_LOCK);
	else
		fl_lock_release(lock);
}

/* Acquires it if that needs no wait. Returns 0, -ETIMEDOUT; of a shared lock also what else its acquisition returns. */
static int try_one(fl_lock *lock, const void *site)
{
	if (fl_lock_is_shared(lock))
		return fl_lock_acquire_slow_(lock, 0, NULL, FL_KIND_LOCK, site);
	return fl_lock_try_(lock, FL_KIND_LOCK, site) ? 0 : -ETIMEDOUT;
}

/* Tries all but `first`, which is held. Returns 0 if it has them all, or -EOWNERDEAD, if one of these had a holder that
 * is gone; otherwise none of them is held, and *ret_failed is the one that could not be had, for that reason. */
static int try_others(size_t n, fl_lock *const *locks, size_t first, const void *site, size_t *ret_failed)
{
	int gone = 0;

	for (size_t i = 0; i < n; i++) {
		int error = i == first ? 0 : try_one(locks[i], site);

		if (error == -EOWNERDEAD)
			gone = error;
		if (error == 0 || error == -EOWNERDEAD)
			continue;
		for (size_t k = i; k-- > 0;)
			let_go(locks[k]); /* `first` with them, if it is among those */
		if (first > i)
			let_go(locks[first]);
		*ret_failed = i;
		return error;
	}
	return gone;
}

int fl_lock_all(size_t n, fl_lock *const *locks, fl_time deadline)
{
	const void *site = __builtin_return_address(0);
	size_t first = 0;
	/* -EOWNERDEAD once a holder was found gone: it stays so when the lock is let go and taken again. */
	int error, gone = 0;

	if (named_twice(n, locks))
		return -EINVAL;
	while (n > 0) {
		error = fl_lock_acquire_slow_(locks[first], deadline, NULL, FL_KIND_LOCK, site);
		if (error == -EOWNERDEAD)
			gone = error;
		else if (error != 0)
			return error;
		error = try_others(n, locks, first, site, &first);
		if (error == 0)
			return gone;
		if (error != -ETIMEDOUT)
			return error; /* -EOWNERDEAD: it has them all */
	}
	return 0;
}

void fl_lock_all_release(size_t n, fl_lock *const *locks)
{
	release_first(n, locks);
}
