/*
 * sync/rlock_shared.c - RLock between processes: what only that one has. The rest is sync/rlock.c, over a shared lock.
 */
#include <fairlead/rlock.h>

void fl_rlock_init_shared(fl_rlock *lock)
{
	*lock = (fl_rlock){0};
	fl_lock_init_shared(&lock->fl_inner);
}

int fl_rlock_mend(fl_rlock *lock)
{
	return fl_lock_mend(&lock->fl_inner);
}
