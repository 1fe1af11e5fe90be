/*
 * detached_joined - a thread that detaches itself if it has been told that nobody waits for it, and is joined.
 *
 * Breaks: it is told so before main knows better; what is detached can't be joined.
 * Mended: main joins what it has not told to detach.
 */
#include <pthread.h>
#include <stdatomic.h>

static atomic_int nobody_waits;

static void *work(void *unused)
{
	(void)unused;
	if (atomic_load(&nobody_waits))
		pthread_detach(pthread_self());
	return NULL;
}

int main(void)
{
	pthread_t worker;
	pthread_create(&worker, NULL, work, NULL);
#ifndef MENDED
	atomic_store(&nobody_waits, 1);
#endif
	pthread_join(worker, NULL); /* here */
	return 0;
}
