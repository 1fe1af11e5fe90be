/*
 * peterson - Peterson's lock for two threads. Under --weak only.
 *
 * Breaks: with release and acquire a thread may read the other's wish as it was before, and both are inside.
 * Mended: sequentially consistent accesses, which the algorithm was written for.
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#ifndef MENDED
#define STORE memory_order_release
#define LOAD memory_order_acquire
#else
#define STORE memory_order_seq_cst
#define LOAD memory_order_seq_cst
#endif

static atomic_int wishes[2], turn, inside;

static void acquire(int me)
{
	atomic_store_explicit(&wishes[me], 1, STORE);
	atomic_store_explicit(&turn, 1 - me, STORE);
	while (atomic_load_explicit(&wishes[1 - me], LOAD) && atomic_load_explicit(&turn, LOAD) == 1 - me)
		sched_yield();
}

static void *visit(void *number)
{
	int me = (int)(intptr_t)number;
	acquire(me);
	int others = atomic_fetch_add_explicit(&inside, 1, memory_order_relaxed);
	assert(others == 0); /* here */
	atomic_fetch_sub_explicit(&inside, 1, memory_order_relaxed);
	atomic_store_explicit(&wishes[me], 0, STORE);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	for (intptr_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, visit, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
