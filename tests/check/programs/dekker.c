/*
 * dekker - the entry of Dekker's lock: raise your flag, enter if the other's is down. Under --weak only.
 *
 * Breaks: with relaxed order (or release and acquire) each thread may read the other's flag as it was, and both enter.
 * Mended: sequentially consistent accesses.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#ifndef MENDED
#define RAISE memory_order_release
#define LOOK memory_order_acquire
#else
#define RAISE memory_order_seq_cst
#define LOOK memory_order_seq_cst
#endif

static atomic_int raised[2], inside;

static void *enter(void *number)
{
	intptr_t me = (intptr_t)number;
	atomic_store_explicit(&raised[me], 1, RAISE);
	if (!atomic_load_explicit(&raised[1 - me], LOOK)) {
		int others = atomic_fetch_add_explicit(&inside, 1, memory_order_relaxed);
		assert(others == 0); /* here */
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	for (intptr_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, enter, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
