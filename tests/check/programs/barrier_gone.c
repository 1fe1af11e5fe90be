/*
 * barrier_gone - destroys a barrier when the threads have come to it, by their own count.
 *
 * Breaks: both have counted themselves, and one waits at the barrier while main destroys it.
 * Mended: main destroys it when it has joined them.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static pthread_barrier_t barrier;
static atomic_int came;

static void *run(void *unused)
{
	(void)unused;
	atomic_fetch_add(&came, 1);
	pthread_barrier_wait(&barrier); /* here */
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, run, NULL);
#ifndef MENDED
	while (atomic_load(&came) < 2)
		sched_yield();
	pthread_barrier_destroy(&barrier); /* here */
#endif
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
#ifdef MENDED
	pthread_barrier_destroy(&barrier);
#endif
	return 0;
}
