/*
 * check/models/cookie_exit.c - what a stream of the program's own still has is written at exit, by its function.
 * check: fails lost
 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/types.h>

static int lost;

static ssize_t put(void *cookie, const char *from, size_t n)
{
	(void)cookie;
	(void)from;
	assert(!lost);
	return (ssize_t)n;
}

static void *nothing(void *arg)
{
	return arg;
}

int main(void)
{
	const cookie_io_functions_t functions = {.write = put};
	FILE *stream = fopencookie(NULL, "w", functions);
	pthread_t thread;

	assert(stream != NULL);
	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
	fputs("hello\n", stream);
	lost = 1;
	return 0;
}
