/*
 * window - moves two bounds in two critical sections, though they belong together.
 *
 * Breaks: the reader takes the lock between the two, when the low bound has moved and the high one has not.
 * Mended: both move in one critical section.
 */
#include <assert.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int low = 0, high = 10;

static void *move(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	low += 20;
#ifndef MENDED
	pthread_mutex_unlock(&lock);
	pthread_mutex_lock(&lock);
#endif
	high += 20;
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void *look(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	assert(low < high); /* here */
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t mover, looker;
	pthread_create(&mover, NULL, move, NULL);
	pthread_create(&looker, NULL, look, NULL);
	pthread_join(mover, NULL);
	pthread_join(looker, NULL);
	return 0;
}
