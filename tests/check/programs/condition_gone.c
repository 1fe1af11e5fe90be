/*
 * condition_gone - destroys a condition on which a thread may wait.
 *
 * Breaks: the thread waits when main comes to the end; nobody told it that there is nothing more to wait for.
 * Mended: tells it, joins it, then destroys.
 */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static int closing;

static void *wait_for_end(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	while (!closing)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t waiter;
	pthread_cond_init(&changed, NULL);
	pthread_create(&waiter, NULL, wait_for_end, NULL);
	pthread_mutex_lock(&lock);
	closing = 1;
#ifdef MENDED
	pthread_cond_signal(&changed);
#endif
	pthread_mutex_unlock(&lock);
#ifdef MENDED
	pthread_join(waiter, NULL);
#endif
	pthread_cond_destroy(&changed); /* here */
#ifndef MENDED
	pthread_join(waiter, NULL);
#endif
	return 0;
}
