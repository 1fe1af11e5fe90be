/*
 * crowd.c - a hundred threads that take a lock once: an execution of some five hundred steps.
 */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *arg)
{
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
	return arg;
}

int main(void)
{
	pthread_t thread[100];

	for (int i = 0; i < 100; i++)
		pthread_create(&thread[i], NULL, work, NULL);
	for (int i = 0; i < 100; i++)
		pthread_join(thread[i], NULL);
	return 0;
}
