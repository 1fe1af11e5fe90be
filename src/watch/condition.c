/*
 * watch/condition.c - waiting for a condition: the mutex is released and acquired again, there.
 *
 * To acquire it again is an acquisition like others: what else the thread holds it holds meanwhile. It is noted when
 * it has happened, also when the thread is cancelled, and then its destructors release the mutex. How long it took is
 * not known apart from the wait for the condition, and not counted.
 */
#define _GNU_SOURCE
#include "acquire.h"
#include <pthread.h>

struct wait {
	void *mutex;
	const void *site;
};

static void has_returned(void *argument)
{
	const struct wait *wait = argument;
	struct watch_chain *chain = watch_look(wait->mutex, &watch_mutex_, 0, wait->site);

	if (chain)
		watch_enter(watch_me_, chain);
}

WATCH_EXPORT int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	struct wait wait = {mutex, WATCH_SITE};
	int error;

	watch_leave_(mutex);
	pthread_cleanup_push(has_returned, &wait);
	error = watch_real_.cond_wait(condition, mutex);
	pthread_cleanup_pop(1);
	return error;
}

WATCH_EXPORT int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
					const struct timespec *deadline)
{
	struct wait wait = {mutex, WATCH_SITE};
	int error;

	watch_leave_(mutex);
	pthread_cleanup_push(has_returned, &wait);
	error = watch_real_.cond_timedwait(condition, mutex, deadline);
	pthread_cleanup_pop(1);
	return error;
}

WATCH_EXPORT int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
					const struct timespec *deadline)
{
	struct wait wait = {mutex, WATCH_SITE};
	int error;

	watch_leave_(mutex);
	pthread_cleanup_push(has_returned, &wait);
	error = watch_real_.cond_clockwait(condition, mutex, clock, deadline);
	pthread_cleanup_pop(1);
	return error;
}
