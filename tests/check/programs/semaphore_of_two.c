/*
 * semaphore_of_two - a semaphore used as a lock, which begins with two permits.
 *
 * Breaks: both threads get in.
 * Mended: it begins with one.
 */
#include <pthread.h>
#include <semaphore.h>

#ifndef MENDED
#define PERMITS 2
#else
#define PERMITS 1
#endif

static sem_t permits;
static int total;

static void *add(void *unused)
{
	(void)unused;
	sem_wait(&permits);
	total++;
	sem_post(&permits);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	sem_init(&permits, 0, PERMITS);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, add, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	sem_destroy(&permits);
	return total == 2 ? 0 : 1;
}
