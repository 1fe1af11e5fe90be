/*
 * lost_update - two threads count, without a lock.
 *
 * Breaks with one change of threads between a read and the write that follows it; every strategy finds it at once.
 */
/* check: found portfolio 40 random 40 pos 40 pct 60 directed 40 reads-from 40 places 40 */
#include <assert.h>
#include <pthread.h>

static int counter;

static void *count(void *arg)
{
	counter++;
	return arg;
}

int main(void)
{
	pthread_t thread[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, count, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	assert(counter == 2);
	return 0;
}
