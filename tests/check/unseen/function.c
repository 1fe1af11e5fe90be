/*
 * check/unseen/function.c - a test that checks two functions of its own, built like any other program.
 */
#include <fairlead/explore.h>
#include <fairlead/lock.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

static fl_lock a, b;

static void *take(void *other)
{
	fl_lock *first = other ? &b : &a, *second = other ? &a : &b;

	fl_lock_acquire(first);
	fl_lock_acquire(second);
	fl_lock_release(second);
	fl_lock_release(first);
	return NULL;
}

static void both(void *other)
{
	pthread_t thread;

	pthread_create(&thread, NULL, take, other);
	take(NULL);
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	const fl_check_options few = {.schedules = 200};
	fl_check_result result;

	(void)argc;
	if (fl_check(both, argv, &few, &result) != 1)
		return 1;
	if (strcmp(fl_check_verdict_name(result.verdict), "deadlock") != 0)
		return 2;
	return fl_check(both, NULL, &few, &result) == 0 ? 0 : 3;
}
