/*
 * check/models/thread_local.c - much data of each thread: nearly what the checker has room for.
 */
#include <assert.h>
#include <pthread.h>
#include <string.h>

static __thread char much[60000];

static void *fill(void *arg)
{
	assert(much[0] == 0 && much[sizeof(much) - 1] == 0);
	memset(much, 1, sizeof(much));
	return arg;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, fill, NULL);
	fill(NULL);
	return pthread_join(thread, NULL);
}
