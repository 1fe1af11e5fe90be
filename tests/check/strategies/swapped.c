/*
 * swapped - a name and its length are written twice by one thread, and read by three others.
 *
 * Breaks when one of them reads the first name, and the length before it: few of the orders of these accesses do.
 */
/* check: found portfolio 60 directed 60 reads-from 60 */
#include <assert.h>
#include <pthread.h>

static int name, length;

static void *set(void *arg)
{
	name = 1;
	length = 1;
	name = 2;
	length = 2;
	return arg;
}

static void *get(void *arg)
{
	int seen = name;

	assert(seen != 1 || length != 0);
	return arg;
}

int main(void)
{
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, i == 0 ? set : get, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	return 0;
}
