/*
 * timed_out - waits for at most a minute of the monotonic clock, and takes the end of the wait for success.
 *
 * Breaks: with --timeouts=any, where a deadline may pass before anything else happens.
 * Mended: looks whether it is ready, and copes if it is not.
 */
#define _GNU_SOURCE
#include <assert.h>
#include <pthread.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static int ready;

static void *get_ready(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	ready = 1;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void wait_ready(void)
{
	struct timespec deadline;
	int error = 0;
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += 60;
	pthread_mutex_lock(&lock);
	while (!ready && !error)
		error = pthread_cond_timedwait(&changed, &lock, &deadline);
#ifdef MENDED
	if (ready)
#endif
		assert(ready); /* here */
	pthread_mutex_unlock(&lock);
}

int main(void)
{
	pthread_t other;
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_create(&other, NULL, get_ready, NULL);
	wait_ready();
	pthread_join(other, NULL);
	pthread_cond_destroy(&changed);
	return 0;
}
