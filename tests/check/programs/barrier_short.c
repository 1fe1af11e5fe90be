/*
 * barrier_short - a thread that has been told to stop does not come to the barrier.
 *
 * Breaks: one thread is at the barrier when the stop comes, the other sees it and goes home.
 * Mended: both come to the barrier, then look.
 */
#include <pthread.h>
#include <stdatomic.h>

static pthread_barrier_t barrier;
static atomic_int stop;

static void *run(void *unused)
{
	(void)unused;
#ifndef MENDED
	if (atomic_load(&stop))
		return NULL;
#endif
	pthread_barrier_wait(&barrier); /* here */
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, run, NULL);
	atomic_store(&stop, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	return 0;
}
