/*
 * lost.c - an update that is lost if the thread that makes it is preempted once.
 */
#include <pthread.h>
#include <stdatomic.h>

static atomic_int counter;

static void *add(void *arg)
{
	atomic_store(&counter, atomic_load(&counter) + 1);
	return arg;
}

int main(void)
{
	pthread_t thread[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, add, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	return counter != 2;
}
