/*
 * raised_outside - raises the flag and signals without the lock of those who wait for it.
 *
 * Breaks: the waiter has looked, the flag is raised and signalled, the waiter waits.
 * Mended: raises it under the lock.
 */
#include <pthread.h>
#include <stdatomic.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static atomic_int ready;

static void *get_ready(void *unused)
{
	(void)unused;
#ifdef MENDED
	pthread_mutex_lock(&lock);
#endif
	atomic_store(&ready, 1);
#ifdef MENDED
	pthread_mutex_unlock(&lock);
#endif
	pthread_cond_signal(&changed);
	return NULL;
}

int main(void)
{
	pthread_t other;
	pthread_create(&other, NULL, get_ready, NULL);
	pthread_mutex_lock(&lock);
	while (!atomic_load(&ready))
		pthread_cond_wait(&changed, &lock); /* here */
	pthread_mutex_unlock(&lock);
	pthread_join(other, NULL);
	return 0;
}
