/*
 * watch/c11.c - the threads and mutexes of C11.
 *
 * In glibc they are the POSIX ones, which its own functions call inside the library, where nobody can stand before
 * them. So what they do is done here: with the same objects, and other numbers for errors. The result of a thread is
 * an int that is kept as a pointer, as glibc does.
 */
#define _GNU_SOURCE
#include "acquire.h"
#include "create.h"
#include <pthread.h>
#include <threads.h>

static int result_of(int error)
{
	switch (error) {
	case 0:
		return thrd_success;
	case ENOMEM:
		return thrd_nomem;
	case ETIMEDOUT:
		return thrd_timedout;
	case EBUSY:
		return thrd_busy;
	default:
		return thrd_error;
	}
}

WATCH_EXPORT int mtx_lock(mtx_t *mutex)
{
	return result_of(watch_acquire(mutex, &watch_mutex_, WATCH_SITE));
}

WATCH_EXPORT int mtx_trylock(mtx_t *mutex)
{
	return result_of(watch_try(mutex, &watch_mutex_, WATCH_SITE));
}

WATCH_EXPORT int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict deadline)
{
	return result_of(watch_acquire_until(mutex, &watch_mutex_, WATCH_SITE, CLOCK_REALTIME, deadline));
}

WATCH_EXPORT int mtx_unlock(mtx_t *mutex)
{
	return result_of(watch_release(mutex, &watch_real_.mutex_unlock));
}

WATCH_EXPORT int mtx_init(mtx_t *mutex, int type)
{
	watch_lock_born_(mutex, WATCH_MUTEX, WATCH_SITE);
	return watch_real_.mtx_init(mutex, type);
}

WATCH_EXPORT void mtx_destroy(mtx_t *mutex)
{
	watch_destroy(mutex, &watch_real_.mutex_destroy);
}

WATCH_EXPORT int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
	return result_of(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}

WATCH_EXPORT int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex,
			       const struct timespec *restrict deadline)
{
	return result_of(pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, deadline));
}

WATCH_EXPORT int thrd_create(thrd_t *thread, thrd_start_t start, void *argument)
{
	return result_of(watch_create_(thread, NULL, (uintptr_t)start, argument));
}

WATCH_EXPORT int thrd_join(thrd_t thread, int *ret_result)
{
	void *value;
	int error = watch_join_(thread, &value, WATCH_SITE);

	if (error == 0 && ret_result)
		*ret_result = (int)(uintptr_t)value;
	return result_of(error);
}
