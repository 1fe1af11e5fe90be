/*
 * check/models/unmodelled.c - what has no model is said when it is met.
 * check: fails not modelled: fork()
 */
#include <pthread.h>
#include <unistd.h>

static void *work(void *arg)
{
	if (fork() == 0)
		_exit(0);
	return arg;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, work, NULL);
	pthread_join(thread, NULL);
	return 0;
}
