/*
 * check/models/pipe_deadlock.c - two threads that read what the other one is to write.
 * check: fails deadlock
 */
#include <pthread.h>
#include <unistd.h>

static int one[2], other[2];

static void *work(void *arg)
{
	char c;

	read(one[0], &c, 1);
	write(other[1], "x", 1);
	return arg;
}

int main(void)
{
	pthread_t thread;
	char c;

	pipe(one);
	pipe(other);
	pthread_create(&thread, NULL, work, NULL);
	read(other[0], &c, 1);
	write(one[1], "x", 1);
	pthread_join(thread, NULL);
	return 0;
}
