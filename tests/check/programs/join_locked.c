/*
 * join_locked - joins a thread while it holds a lock that the thread still needs.
 *
 * Breaks: main comes to the lock before the thread.
 * Mended: joins without the lock.
 */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int results;

static void *work(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock); /* here */
	results++;
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t worker;
	pthread_create(&worker, NULL, work, NULL);
#ifdef MENDED
	pthread_join(worker, NULL);
#endif
	pthread_mutex_lock(&lock);
#ifndef MENDED
	pthread_join(worker, NULL); /* here */
#endif
	int seen = results;
	pthread_mutex_unlock(&lock);
	return seen == 1 ? 0 : 1;
}
