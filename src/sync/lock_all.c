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

/* Tries all but `first`, which is held. Returns n if it has them all; otherwise the one that was busy, and none of
 * them is held. */
static size_t try_others(size_t n, fl_lock *const *locks, size_t first, const void *site)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (i == first || fl_lock_try_(locks[i], FL_KIND_LOCK, site))
			continue;
		release_first(i, locks); /* `first` with them, if it is among those */
		if (first > i)
			fl_lock_release(locks[first]);
		return i;
	}
	return n;
}

int fl_lock_all(size_t n, fl_lock *const *locks, fl_time deadline)
{
	const void *site = __builtin_return_address(0);
	size_t first = 0, busy;
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
		busy = try_others(n, locks, first, site);
		if (busy == n)
			return gone;
		first = busy;
	}
	return 0;
}

void fl_lock_all_release(size_t n, fl_lock *const *locks)
{
	release_first(n, locks);
}
