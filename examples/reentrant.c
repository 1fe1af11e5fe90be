/*
 * reentrant.c - may a function that takes a lock call another one that takes it too?
 *
 * With an fl_lock it would wait for itself. With an fl_rlock it may: its owner acquires it again, and it is free when
 * the owner has released it as often. The other way is a third function that expects the lock held (FL_REQUIRES) and
 * is called by both; it is cheaper, and makes plainer what happens under the lock. Take the RLock where callers
 * cannot know.
 *
 * Prints what a plain lock does to its holder, then how deep the RLock was held and that it was free in the end.
 */
#include <errno.h>
#include <fairlead/guard.h>
#include <stdio.h>

static fl_rlock lock = FL_RLOCK_INIT;
static long accounts[3] FL_GUARDED_BY(&lock) = {10, 20, 30};

static long balance(int account)
{
	fl_guard(&lock);
	printf("account %d read, lock held %u times\n", account, (unsigned)fl_rlock_count(&lock));
	return accounts[account];
}

static long total(void)
{
	long sum = 0;

	fl_guard(&lock); /* the accounts must not change between one and the next */
	for (int i = 0; i < 3; i++)
		sum += balance(i);
	return sum;
}

int main(void)
{
	fl_lock plain = FL_LOCK_INIT;

	fl_with (&plain)
		if (fl_lock_acquire_until(&plain, fl_after(FL_MS(10)), NULL) == -ETIMEDOUT)
			puts("plain lock: its holder would wait for ever");
	printf("total %ld\n", total());
	printf("free in the end: %s\n", fl_rlock_locked(&lock) ? "no" : "yes");
	return 0;
}
