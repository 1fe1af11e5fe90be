/*
 * watch/semaphore.c - POSIX semaphores: how often and how long they are waited for.
 *
 * Nobody holds a semaphore, and anybody may post, a signal handler too. So it is in no order and in no deadlock: its
 * chains are never a top. These calls fail with -1 and errno, and are where a thread can be cancelled, whether they
 * wait or not.
 */
#define _GNU_SOURCE
#include "acquire.h"
#include <pthread.h>
#include <semaphore.h>

static struct watch_chain *look(void *semaphore, const void *site)
{
	struct watch_chain *chain = watch_step(watch_me_, semaphore, WATCH_PASSED, site);

	return chain ? chain : watch_find_(semaphore, WATCH_PASSED, WATCH_SEMAPHORE, site);
}

static int passed(struct watch_chain *chain, int result)
{
	if (chain && result == 0)
		fl_store_relaxed(&chain->due, chain->due + 1);
	return result;
}

/* Whether there was a permit at once. */
static bool at_once(void *semaphore)
{
	int before = errno;

	pthread_testcancel();
	if (watch_real_.sem_trywait(semaphore) == 0)
		return true;
	errno = before;
	return false;
}

WATCH_EXPORT int sem_wait(sem_t *semaphore)
{
	struct watch_chain *chain = look(semaphore, WATCH_SITE);
	int64_t since;
	int result;

	if (!chain || at_once(semaphore))
		return passed(chain, chain ? 0 : watch_real_.sem_wait(semaphore));
	since = watch_now();
	result = watch_real_.sem_wait(semaphore);
	watch_waited_(chain, since);
	return passed(chain, result);
}

static int wait_until(void *semaphore, clockid_t clock, const struct timespec *deadline, const void *site)
{
	struct watch_chain *chain = look(semaphore, site);
	int64_t since;
	int result;

	if (!chain || at_once(semaphore))
		return passed(chain, chain ? 0 : watch_real_.sem_clockwait(semaphore, clock, deadline));
	since = watch_now();
	result = watch_real_.sem_clockwait(semaphore, clock, deadline);
	watch_waited_(chain, since);
	return passed(chain, result);
}

WATCH_EXPORT int sem_timedwait(sem_t *semaphore, const struct timespec *deadline)
{
	return wait_until(semaphore, CLOCK_REALTIME, deadline, WATCH_SITE);
}

WATCH_EXPORT int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *deadline)
{
	return wait_until(semaphore, clock, deadline, WATCH_SITE);
}

WATCH_EXPORT int sem_trywait(sem_t *semaphore)
{
	struct watch_chain *chain = look(semaphore, WATCH_SITE);

	return passed(chain, watch_real_.sem_trywait(semaphore));
}

WATCH_EXPORT int sem_init(sem_t *semaphore, int shared, unsigned value)
{
	watch_lock_born_(semaphore, WATCH_SEMAPHORE, WATCH_SITE);
	return watch_real_.sem_init(semaphore, shared, value);
}

WATCH_EXPORT int sem_destroy(sem_t *semaphore)
{
	return watch_destroy(semaphore, &watch_real_.sem_destroy);
}
