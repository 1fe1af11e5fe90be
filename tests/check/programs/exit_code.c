/*
 * exit_code - says by its exit code which of two threads came first.
 *
 * Breaks: the second came first, and the code is 1.
 * Mended: both orders are right.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

static atomic_int winner = -1;

static void *run(void *number)
{
	int nobody = -1;
	atomic_compare_exchange_strong(&winner, &nobody, (int)(intptr_t)number);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	for (intptr_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, run, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
#ifndef MENDED
	return atomic_load(&winner);
#else
	return atomic_load(&winner) < 0;
#endif
}
