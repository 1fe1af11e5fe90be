/*
 * check/unseen/spin.c - a thread waits in a loop for memory to change.
 */
#include <pthread.h>
#include <stdatomic.h>

static atomic_int flag;

static void *set(void *arg)
{
	atomic_store(&flag, 1);
	return arg;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, set, NULL);
	while (!atomic_load(&flag))
		;
	return pthread_join(thread, NULL);
}
