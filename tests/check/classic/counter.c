/*
 * counter += 1 in two threads: an update gets lost.
 */
#include <assert.h>
#include <pthread.h>

static int counter;

static void *work(void *arg)
{
	(void)arg;
	counter += 1;
	return NULL;
}

int main(void)
{
	pthread_t a, b;

	pthread_create(&a, NULL, work, NULL);
	pthread_create(&b, NULL, work, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	assert(counter == 2);
	return 0;
}
