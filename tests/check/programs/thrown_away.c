/*
 * thrown_away - waits for a signal, not for something that the signal says.
 *
 * Breaks: the signal is sent before anybody waits, and is gone.
 * Mended: waits while the flag is down.
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
	pthread_mutex_lock(&lock);
#ifdef MENDED
	while (!ready)
#endif
		pthread_cond_wait(&changed, &lock); /* here */
	pthread_mutex_unlock(&lock);
	pthread_join(other, NULL);
	return 0;
}
