/*
 * counter - two threads add to a plain variable.
 *
 * Breaks: always; and where both read it before either writes it, one addition is lost.
 * Mended: the variable is atomic.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#ifndef MENDED
static int counter;
#else
static atomic_int counter;
#endif

static void *count(void *unused)
{
	(void)unused;
	counter += 1; /* here */
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, count, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert(counter == 2); /* here */
	return 0;
}
