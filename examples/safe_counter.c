/*
 * safe_counter.c - how do two threads count in one variable and lose nothing?
 *
 * They hold a lock while they count: load, add and store are then one step for everybody who holds the same lock.
 * FL_GUARDED_BY says which lock that is, to the reader and to the compiler (clang 22: -Wthread-safety
 * -Wthread-safety-beta).
 *
 * Prints 200000, every time. This is unsafe_counter.c, mended.
 */
#include <fairlead/guard.h>
#include <fairlead/thread.h>
#include <stdio.h>

#define ROUNDS 100000

static fl_lock lock = FL_LOCK_INIT;
static long counter FL_GUARDED_BY(&lock);

static void *count(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++)
		fl_with (&lock)
			counter++;
	return NULL;
}

int main(void)
{
	fl_thread *one, *other;

	if (fl_thread_start(&one, NULL, count, NULL) < 0 || fl_thread_start(&other, NULL, count, NULL) < 0)
		return 1;
	fl_thread_join(one, NULL);
	fl_thread_join(other, NULL);
	fl_with (&lock)
		printf("%ld\n", counter);
	return 0;
}
