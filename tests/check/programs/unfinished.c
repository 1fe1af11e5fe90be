/*
 * unfinished - returns from main while the thread that prints the result may still be at it.
 *
 * Breaks: the process ends before the line is printed.
 * Mended: joins the thread.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int steps;

static void *report(void *unused)
{
	(void)unused;
	atomic_fetch_add(&steps, 1);
	pthread_mutex_lock(&lock);
	puts("done");
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t reporter;
	pthread_create(&reporter, NULL, report, NULL);
	while (atomic_load(&steps) == 0)
		;
#ifdef MENDED
	pthread_join(reporter, NULL);
#endif
	return 0;
}
