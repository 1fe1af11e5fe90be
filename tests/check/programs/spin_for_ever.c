/*
 * spin_for_ever - a thread looks again and again at a flag that another raises, unless it was told to stop.
 *
 * Breaks: the other one is stopped before it has raised the flag.
 * Mended: the loop ends when there is a stop, too.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static atomic_int ready, stop;

static void *get_ready(void *unused)
{
	(void)unused;
	if (!atomic_load(&stop))
		atomic_store(&ready, 1);
	return NULL;
}

static void *wait_ready(void *unused)
{
	(void)unused;
#ifndef MENDED
	while (!atomic_load(&ready)) /* here */
#else
	while (!atomic_load(&ready) && !atomic_load(&stop))
#endif
		sched_yield();
	return NULL;
}

int main(void)
{
	pthread_t other, waiter;
	pthread_create(&other, NULL, get_ready, NULL);
	pthread_create(&waiter, NULL, wait_ready, NULL);
	atomic_store(&stop, 1);
	pthread_join(other, NULL);
	pthread_join(waiter, NULL);
	return 0;
}
