/*
 * callback - calls back under its lock; what it calls takes the lock again, if there is something left to do.
 *
 * Breaks: the other thread has not yet taken the first item, so there are two, and this one waits for itself.
 * Mended: calls back when it has let go of the lock.
 */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int items;

static void on_change(int left)
{
	if (left < 2)
		return;
	pthread_mutex_lock(&lock); /* here */
	items = 0;
	pthread_mutex_unlock(&lock);
}

static void *put(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	int left = ++items;
#ifndef MENDED
	on_change(left);
	pthread_mutex_unlock(&lock);
#else
	pthread_mutex_unlock(&lock);
	on_change(left);
#endif
	return NULL;
}

static void *take(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	if (items > 0)
		items--;
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t taker, putter;
	items = 1;
	pthread_create(&taker, NULL, take, NULL);
	pthread_create(&putter, NULL, put, NULL);
	pthread_join(taker, NULL);
	pthread_join(putter, NULL);
	return 0;
}
