/*
 * looked_outside - looks at the flag without the lock, then takes the lock and waits.
 *
 * Breaks: the flag is raised and signalled between the look and the wait.
 * Mended: looks under the lock.
 */
#include <pthread.h>
#include <stdatomic.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static atomic_int ready;

static void *get_ready(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	atomic_store(&ready, 1);
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t other;
	pthread_create(&other, NULL, get_ready, NULL);
#ifndef MENDED
	while (!atomic_load(&ready)) {
		pthread_mutex_lock(&lock);
		pthread_cond_wait(&changed, &lock); /* here */
		pthread_mutex_unlock(&lock);
	}
#else
	pthread_mutex_lock(&lock);
	while (!atomic_load(&ready))
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
#endif
	pthread_join(other, NULL);
	return 0;
}
