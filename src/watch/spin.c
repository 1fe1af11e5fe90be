/*
 * watch/spin.c - POSIX spin locks, whose waits have no deadlines, and burn.
 */
#define _GNU_SOURCE
#include "acquire.h"
#include <pthread.h>

#if defined(__x86_64__) || defined(__i386__)
#define FREE 1
#else
#define FREE 0
#endif

static bool busy(const void *object)
{
	return fl_load_relaxed((const int *)object) != FREE;
}

static const struct watch_way way = {
	.kind = WATCH_SPIN,
	.try = &watch_real_.spin_trylock,
	.acquire = &watch_real_.spin_lock,
	.busy = busy,
};

/* The objects are volatile for the sake of compilers that know no atomics. */
static void *plain(pthread_spinlock_t *spin)
{
	return (void *)(uintptr_t)spin;
}

WATCH_EXPORT int pthread_spin_lock(pthread_spinlock_t *spin)
{
	return watch_acquire(plain(spin), &way, WATCH_SITE);
}

WATCH_EXPORT int pthread_spin_trylock(pthread_spinlock_t *spin)
{
	return watch_try(plain(spin), &way, WATCH_SITE);
}

WATCH_EXPORT int pthread_spin_unlock(pthread_spinlock_t *spin)
{
	return watch_release(plain(spin), &watch_real_.spin_unlock);
}

WATCH_EXPORT int pthread_spin_init(pthread_spinlock_t *spin, int shared)
{
	watch_lock_born_(plain(spin), WATCH_SPIN, WATCH_SITE);
	return watch_real_.spin_init(plain(spin), shared);
}

WATCH_EXPORT int pthread_spin_destroy(pthread_spinlock_t *spin)
{
	return watch_destroy(plain(spin), &watch_real_.spin_destroy);
}
