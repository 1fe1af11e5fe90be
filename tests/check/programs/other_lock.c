/*
 * other_lock - guards one variable by two locks, each thread by its own.
 *
 * Breaks: the two critical sections exclude nobody from each other.
 * Mended: the same lock.
 */
#include <assert.h>
#include <pthread.h>

static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static int total;

static void add(pthread_mutex_t *lock)
{
	pthread_mutex_lock(lock);
	total++; /* here */
	pthread_mutex_unlock(lock);
}

static void *add_first(void *unused)
{
	(void)unused;
	add(&locks[0]);
	return NULL;
}

static void *add_second(void *unused)
{
	(void)unused;
#ifndef MENDED
	add(&locks[1]);
#else
	add(&locks[0]);
#endif
	return NULL;
}

int main(void)
{
	pthread_t first, second;
	pthread_create(&first, NULL, add_first, NULL);
	pthread_create(&second, NULL, add_second, NULL);
	pthread_join(first, NULL);
	pthread_join(second, NULL);
	assert(total == 2); /* here */
	return 0;
}
