/*
 * philosophers - four philosophers, four forks that are semaphores; each takes the left one, then the right one.
 *
 * Breaks: all four hold the left one.
 * Mended: at most three may sit down.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>

#define SEATS 4
#ifndef MENDED
#define CHAIRS SEATS
#else
#define CHAIRS (SEATS - 1)
#endif

static sem_t chairs, forks[SEATS];

static void *dine(void *number)
{
	intptr_t seat = (intptr_t)number;
	sem_wait(&chairs);
	sem_wait(&forks[seat]);
	sem_wait(&forks[(seat + 1) % SEATS]); /* here */
	sem_post(&forks[(seat + 1) % SEATS]);
	sem_post(&forks[seat]);
	sem_post(&chairs);
	return NULL;
}

int main(void)
{
	pthread_t threads[SEATS];
	sem_init(&chairs, 0, CHAIRS);
	for (int i = 0; i < SEATS; i++)
		sem_init(&forks[i], 0, 1);
	for (intptr_t i = 0; i < SEATS; i++)
		pthread_create(&threads[i], NULL, dine, (void *)i);
	for (int i = 0; i < SEATS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
