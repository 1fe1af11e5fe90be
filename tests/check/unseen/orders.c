/*
 * check/unseen/orders.c - two of Fairlead's locks, taken in both orders; with an argument, in one.
 */
#include <fairlead/lock.h>
#include <fairlead/thread.h>
#include <stddef.h>

static fl_lock from, to;

static void *back(void *arg)
{
	fl_lock *first = arg ? &from : &to, *second = arg ? &to : &from;

	fl_lock_acquire(first);
	fl_lock_acquire(second); /* back waits */
	fl_lock_release(second);
	fl_lock_release(first);
	return NULL;
}

int main(int argc, char **argv)
{
	fl_thread *thread = NULL;

	if (fl_thread_start(&thread, NULL, back, argc > 1 ? argv : NULL) != 0)
		return 2;
	fl_lock_acquire(&from);
	fl_lock_acquire(&to); /* main waits */
	fl_lock_release(&to);
	fl_lock_release(&from);
	return fl_thread_join(thread, NULL);
}
