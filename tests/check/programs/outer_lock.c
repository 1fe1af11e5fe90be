/*
 * outer_lock - waits on a condition, whose lock is let go of, and keeps another lock around it.
 *
 * Breaks: who would signal needs the outer lock first.
 * Mended: waits without the outer lock.
 */
#include <pthread.h>

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t inner = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int items;

static void *put(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&outer); /* here */
	pthread_mutex_lock(&inner);
	items++;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&inner);
	pthread_mutex_unlock(&outer);
	return NULL;
}

static void *take(void *unused)
{
	(void)unused;
#ifndef MENDED
	pthread_mutex_lock(&outer);
#endif
	pthread_mutex_lock(&inner);
	while (items == 0)
		pthread_cond_wait(&changed, &inner); /* here */
	items--;
	pthread_mutex_unlock(&inner);
#ifndef MENDED
	pthread_mutex_unlock(&outer);
#endif
	return NULL;
}

int main(void)
{
	pthread_t putter, taker;
	pthread_create(&putter, NULL, put, NULL);
	pthread_create(&taker, NULL, take, NULL);
	pthread_join(putter, NULL);
	pthread_join(taker, NULL);
	return items;
}
