/*
 * aborted - a worker that takes a job for granted, and calls abort where there is none.
 *
 * Breaks: the other worker has taken it.
 * Mended: who finds none goes home.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_int jobs = 1;

static void *work(void *unused)
{
	(void)unused;
	if (atomic_load(&jobs) == 0)
		return NULL;
	if (atomic_fetch_sub(&jobs, 1) < 1) {
#ifndef MENDED
		abort(); /* here */
#else
		atomic_fetch_add(&jobs, 1);
#endif
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
