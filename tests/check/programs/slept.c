/*
 * slept - sleeps for ten milliseconds, which is long enough for a thread to start and set one value.
 *
 * Breaks: with --timeouts=any, where a sleep may end before anything else happens.
 * Mended: joins the thread.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_int value;

static void *set(void *unused)
{
	(void)unused;
	atomic_store(&value, 1);
	return NULL;
}

int main(void)
{
	pthread_t setter;
	pthread_create(&setter, NULL, set, NULL);
	usleep(10000);
#ifdef MENDED
	pthread_join(setter, NULL);
#endif
	assert(atomic_load(&value) == 1); /* here */
#ifndef MENDED
	pthread_join(setter, NULL);
#endif
	return 0;
}
