/*
 * test_and_set - a spin lock that tests until it is free, and then sets it.
 *
 * Breaks: both threads find it free before either has set it.
 * Mended: tests and sets by one exchange.
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static atomic_int locked, inside;

static void acquire(void)
{
#ifndef MENDED
	while (atomic_load(&locked))
		sched_yield();
	atomic_store(&locked, 1);
#else
	while (atomic_exchange(&locked, 1))
		sched_yield();
#endif
}

static void *visit(void *unused)
{
	(void)unused;
	acquire();
	int others = atomic_fetch_add(&inside, 1);
	assert(others == 0); /* here */
	atomic_fetch_sub(&inside, 1);
	atomic_store(&locked, 0);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, visit, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
