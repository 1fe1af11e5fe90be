/*
 * check/unseen/wakeup.c - a thread of POSIX waits for a condition of Fairlead's, which may have been notified before.
 * With an argument it looks at what it waits for, first.
 */
#include <fairlead/condition.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

static fl_condition changed = FL_CONDITION_INIT;
static bool ready;

static void *wait_for_it(void *looks)
{
	fl_condition_acquire(&changed);
	if (!looks || !ready)
		fl_condition_wait(&changed); /* the thread waits */
	fl_condition_release(&changed);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	pthread_create(&thread, NULL, wait_for_it, argc > 1 ? argv : NULL);
	fl_condition_acquire(&changed);
	ready = true;
	fl_condition_notify(&changed, 1);
	fl_condition_release(&changed);
	return pthread_join(thread, NULL);
}
