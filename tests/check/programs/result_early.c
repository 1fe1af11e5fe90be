/*
 * result_early - reads a thread's result before it has joined the thread.
 *
 * Breaks: the thread is still writing it.
 * Mended: joins first.
 */
#include <pthread.h>

static void *compute(void *ret_result)
{
	*(int *)ret_result = 6 * 7;
	return NULL;
}

int main(void)
{
	pthread_t thread;
	int result = 0, seen;
	pthread_create(&thread, NULL, compute, &result);
#ifndef MENDED
	seen = result; /* here */
	pthread_join(thread, NULL);
#else
	pthread_join(thread, NULL);
	seen = result;
#endif
	return seen == 42 || seen == 0 ? 0 : 1;
}
