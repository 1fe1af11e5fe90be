/*
 * loop_variable - gives each thread the address of the loop's variable.
 *
 * Breaks: the loop counts on while the thread reads its number.
 * Mended: gives each the number itself.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

static atomic_int sum;

static void *add(void *number)
{
#ifndef MENDED
	atomic_fetch_add(&sum, *(int *)number);
#else
	atomic_fetch_add(&sum, (int)(intptr_t)number);
#endif
	return NULL;
}

int main(void)
{
	pthread_t threads[3];
	int i;
	for (i = 0; i < 3; i++)
#ifndef MENDED
		pthread_create(&threads[i], NULL, add, &i);
#else
		pthread_create(&threads[i], NULL, add, (void *)(intptr_t)i);
#endif
	for (int k = 0; k < 3; k++)
		pthread_join(threads[k], NULL);
	return atomic_load(&sum) == 3 ? 0 : 1;
}
