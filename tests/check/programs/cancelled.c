/*
 * cancelled - cancels a thread that waits on a condition; a wait that is cancelled takes its lock again.
 *
 * Breaks: the thread is cancelled in its wait and ends with the lock, which main then waits for.
 * Mended: a clean-up handler unlocks it.
 */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int ready;

static void wait_ready(void)
{
	while (!ready)
		pthread_cond_wait(&changed, &lock);
}

#ifdef MENDED
static void unlock(void *which)
{
	pthread_mutex_unlock(which);
}
#endif

static void *wait_for_it(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
#ifndef MENDED
	wait_ready();
	pthread_mutex_unlock(&lock);
#else
	pthread_cleanup_push(unlock, &lock);
	wait_ready();
	pthread_cleanup_pop(1);
#endif
	return NULL;
}

static void *get_ready(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock); /* here */
	ready = 1;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t waiter, other;
	pthread_create(&waiter, NULL, wait_for_it, NULL);
	pthread_create(&other, NULL, get_ready, NULL);
	pthread_cancel(waiter);
	pthread_join(waiter, NULL);
	pthread_join(other, NULL);
	pthread_mutex_lock(&lock); /* here */
	int seen = ready;
	pthread_mutex_unlock(&lock);
	return seen == 1 ? 0 : 1;
}
