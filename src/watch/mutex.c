/*
 * watch/mutex.c - POSIX mutexes of all kinds.
 *
 * A recursive one that is acquired again is on the chain twice; the command knows that the second time waits for
 * nobody.
 */
#define _GNU_SOURCE
#include "acquire.h"
#include <pthread.h>

/* Whether somebody owns it: a word that is written plainly. To look at the one which is locked means to wait for the
 * atomic instruction before. */
static bool busy(const void *object)
{
	const pthread_mutex_t *mutex = object;

	return fl_load_relaxed(&mutex->__data.__owner) != 0;
}

const struct watch_way watch_mutex_ = {
	.kind = WATCH_MUTEX,
	.try = &watch_real_.mutex_trylock,
	.acquire = &watch_real_.mutex_lock,
	.until = &watch_real_.mutex_clocklock,
	.busy = busy,
};

WATCH_EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	return watch_acquire(mutex, &watch_mutex_, WATCH_SITE);
}

WATCH_EXPORT int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	return watch_try(mutex, &watch_mutex_, WATCH_SITE);
}

WATCH_EXPORT int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *deadline)
{
	return watch_acquire_until(mutex, &watch_mutex_, WATCH_SITE, CLOCK_REALTIME, deadline);
}

WATCH_EXPORT int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline)
{
	return watch_acquire_until(mutex, &watch_mutex_, WATCH_SITE, clock, deadline);
}

WATCH_EXPORT int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	return watch_release(mutex, &watch_real_.mutex_unlock);
}

WATCH_EXPORT int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
	watch_lock_born_(mutex, WATCH_MUTEX, WATCH_SITE);
	return watch_real_.mutex_init(mutex, attributes);
}

WATCH_EXPORT int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
	return watch_destroy(mutex, &watch_real_.mutex_destroy);
}
