/*
 * timed_lock - takes a lock for which it waits at most a minute, and unlocks it, also if the minute is over.
 *
 * Breaks: with --timeouts=any, when the other thread holds the lock.
 * Mended: goes without if the minute is over.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int total;

static void *add(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	total++;
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void *look(void *ret_seen)
{
	struct timespec deadline;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 60;
	int error = pthread_mutex_timedlock(&lock, &deadline);
	if (!error)
		*(int *)ret_seen = total;
#ifdef MENDED
	if (!error)
#endif
		pthread_mutex_unlock(&lock); /* here */
	return NULL;
}

int main(void)
{
	pthread_t adder, looker;
	int seen = 0;
	pthread_create(&adder, NULL, add, NULL);
	pthread_create(&looker, NULL, look, &seen);
	pthread_join(adder, NULL);
	pthread_join(looker, NULL);
	return seen <= 1 ? 0 : 1;
}
