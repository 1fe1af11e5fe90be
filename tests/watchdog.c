/*
 * watchdog.c - see watchdog.h.
 *
 * It looks at the number of those who have not ended under a mutex, and sleeps on a condition for a second at most: so
 * the end of the crowd is seen at once, and a crowd that is stuck after some seconds more than its patience.
 */
#define _GNU_SOURCE
#include "watchdog.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t ended;
	pthread_barrier_t start;
	unsigned running;
} crowd = {.mutex = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

void watchdog_expect(unsigned threads)
{
	crowd.running = threads;
	pthread_barrier_init(&crowd.start, NULL, threads);
}

void watchdog_begin(void)
{
	pthread_barrier_wait(&crowd.start);
}

void watchdog_end(void)
{
	pthread_mutex_lock(&crowd.mutex);
	if (--crowd.running == 0)
		pthread_cond_signal(&crowd.ended);
	pthread_mutex_unlock(&crowd.mutex);
}

/* Waits a second at most. Returns whether some have not ended. */
static bool wait_for_end(void)
{
	struct timespec until;
	bool left;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	pthread_mutex_lock(&crowd.mutex);
	if (crowd.running > 0)
		pthread_cond_timedwait(&crowd.ended, &crowd.mutex, &until);
	left = crowd.running > 0;
	pthread_mutex_unlock(&crowd.mutex);
	return left;
}

void watchdog_watch(uint64_t (*progress)(void), void (*give_up)(void))
{
	uint64_t last = 0, now;
	int idle = 0;

	while (wait_for_end()) {
		now = progress();
		idle = now == last ? idle + 1 : 0;
		last = now;
		if (idle >= WATCHDOG_PATIENCE)
			give_up();
	}
	pthread_barrier_destroy(&crowd.start);
}
