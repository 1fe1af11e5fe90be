/*
 * one_woken - producers and consumers of one slot wait on one condition, and a change wakes one of them.
 *
 * Breaks: both consumers wait; the producer fills the slot, wakes one and waits for the next turn; that one empties the
 * slot and wakes the other consumer, who finds nothing and waits again. Nobody wakes the producer.
 * Mended: wakes all.
 */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int full;

static void set(int to)
{
	pthread_mutex_lock(&lock);
	while (full == to)
		pthread_cond_wait(&changed, &lock); /* here */
	full = to;
#ifndef MENDED
	pthread_cond_signal(&changed);
#else
	pthread_cond_broadcast(&changed);
#endif
	pthread_mutex_unlock(&lock);
}

static void *take(void *unused)
{
	(void)unused;
	set(0);
	return NULL;
}

static void *put(void *unused)
{
	(void)unused;
	set(1);
	set(1);
	return NULL;
}

int main(void)
{
	void *(*const parts[])(void *) = {take, take, put};
	pthread_t threads[3];
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, parts[i], NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
