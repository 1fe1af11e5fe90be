/*
 * check/models/signal_ends.c - a signal that nobody handles ends the process.
 * check: fails ended by signal 15 (SIGTERM)
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static void *work(void *arg)
{
	kill(getpid(), SIGTERM);
	return arg;
}

int main(void)
{
	pthread_t thread;

	alarm(1);
	pthread_create(&thread, NULL, work, NULL);
	pthread_join(thread, NULL);
	return 0;
}
