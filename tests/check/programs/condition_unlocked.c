/*
 * condition_unlocked - waits on a condition without its lock on one way there: after a try that failed.
 *
 * Breaks: the other thread holds the lock, the try fails, and the wait lets go of a lock that it doesn't hold.
 * Mended: waits for the lock if the try fails.
 */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int ready;

static void *get_ready(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	ready = 1;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t other;
	pthread_create(&other, NULL, get_ready, NULL);
	int busy = pthread_mutex_trylock(&lock);
#ifdef MENDED
	if (busy)
		busy = pthread_mutex_lock(&lock);
#endif
	while (busy || !ready) {
		pthread_cond_wait(&changed, &lock); /* here */
		busy = 0;
	}
	pthread_mutex_unlock(&lock);
	pthread_join(other, NULL);
	return 0;
}
