/*
 * watch/rwlock.c - POSIX read-write locks. Both sides are one lock, in two modes.
 */
#define _GNU_SOURCE
#include "acquire.h"
#include <pthread.h>

#define READERS 8u /* what a reader adds to glibc's word for them */

static bool busy_to_read(const void *object)
{
	const pthread_rwlock_t *rwlock = object;

	return fl_load_relaxed(&rwlock->__data.__cur_writer) != 0;
}

static bool busy_to_write(const void *object)
{
	const pthread_rwlock_t *rwlock = object;

	return busy_to_read(object) || fl_load_relaxed(&rwlock->__data.__readers) >= READERS;
}

static const struct watch_way to_read = {
	.kind = WATCH_RWLOCK,
	.mode = WATCH_READ,
	.try = &watch_real_.tryrdlock,
	.acquire = &watch_real_.rdlock,
	.until = &watch_real_.clockrdlock,
	.busy = busy_to_read,
};

static const struct watch_way to_write = {
	.kind = WATCH_RWLOCK,
	.try = &watch_real_.trywrlock,
	.acquire = &watch_real_.wrlock,
	.until = &watch_real_.clockwrlock,
	.busy = busy_to_write,
};

WATCH_EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t *rwlock)
{
	return watch_acquire(rwlock, &to_read, WATCH_SITE);
}

WATCH_EXPORT int pthread_rwlock_tryrdlock(pthread_rwlock_t *rwlock)
{
	return watch_try(rwlock, &to_read, WATCH_SITE);
}

WATCH_EXPORT int pthread_rwlock_timedrdlock(pthread_rwlock_t *rwlock, const struct timespec *deadline)
{
	return watch_acquire_until(rwlock, &to_read, WATCH_SITE, CLOCK_REALTIME, deadline);
}

WATCH_EXPORT int pthread_rwlock_clockrdlock(pthread_rwlock_t *rwlock, clockid_t clock, const struct timespec *deadline)
{
	return watch_acquire_until(rwlock, &to_read, WATCH_SITE, clock, deadline);
}

WATCH_EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t *rwlock)
{
	return watch_acquire(rwlock, &to_write, WATCH_SITE);
}

WATCH_EXPORT int pthread_rwlock_trywrlock(pthread_rwlock_t *rwlock)
{
	return watch_try(rwlock, &to_write, WATCH_SITE);
}

WATCH_EXPORT int pthread_rwlock_timedwrlock(pthread_rwlock_t *rwlock, const struct timespec *deadline)
{
	return watch_acquire_until(rwlock, &to_write, WATCH_SITE, CLOCK_REALTIME, deadline);
}

WATCH_EXPORT int pthread_rwlock_clockwrlock(pthread_rwlock_t *rwlock, clockid_t clock, const struct timespec *deadline)
{
	return watch_acquire_until(rwlock, &to_write, WATCH_SITE, clock, deadline);
}

WATCH_EXPORT int pthread_rwlock_unlock(pthread_rwlock_t *rwlock)
{
	return watch_release(rwlock, &watch_real_.rwlock_unlock);
}

WATCH_EXPORT int pthread_rwlock_init(pthread_rwlock_t *rwlock, const pthread_rwlockattr_t *attributes)
{
	watch_lock_born_(rwlock, WATCH_RWLOCK, WATCH_SITE);
	return watch_real_.rwlock_init(rwlock, attributes);
}

WATCH_EXPORT int pthread_rwlock_destroy(pthread_rwlock_t *rwlock)
{
	return watch_destroy(rwlock, &watch_real_.rwlock_destroy);
}
