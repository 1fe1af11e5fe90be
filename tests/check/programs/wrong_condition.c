/*
 * wrong_condition - a slot with two conditions; who empties it signals the one that says it is full.
 *
 * Breaks: the producer waits for room; nobody waits on the condition that is signalled.
 * Mended: signals that there is room.
 */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_item = PTHREAD_COND_INITIALIZER;
static pthread_cond_t has_room = PTHREAD_COND_INITIALIZER;
static int full;

static void *put(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		pthread_mutex_lock(&lock);
		while (full)
			pthread_cond_wait(&has_room, &lock); /* here */
		full = 1;
		pthread_cond_signal(&has_item);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void *take(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		pthread_mutex_lock(&lock);
		while (!full)
			pthread_cond_wait(&has_item, &lock);
		full = 0;
#ifndef MENDED
		pthread_cond_signal(&has_item);
#else
		pthread_cond_signal(&has_room);
#endif
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

int main(void)
{
	pthread_t putter, taker;
	pthread_create(&putter, NULL, put, NULL);
	pthread_create(&taker, NULL, take, NULL);
	pthread_join(putter, NULL);
	pthread_join(taker, NULL);
	return full;
}
