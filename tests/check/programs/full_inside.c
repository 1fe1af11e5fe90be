/*
 * full_inside - a bounded buffer of semaphores, whose producer takes the lock and then waits for a free slot.
 *
 * Breaks: the buffer is full, the producer waits with the lock, the consumer that would make room waits for the lock.
 * Mended: waits for the slot, then takes the lock.
 */
#include <pthread.h>
#include <semaphore.h>

static sem_t lock, slots, items;
static int count;

static void *produce(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
#ifndef MENDED
		sem_wait(&lock);
		sem_wait(&slots); /* here */
#else
		sem_wait(&slots);
		sem_wait(&lock);
#endif
		count++;
		sem_post(&lock);
		sem_post(&items);
	}
	return NULL;
}

static void *consume(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		sem_wait(&items);
		sem_wait(&lock);
		count--;
		sem_post(&lock);
		sem_post(&slots);
	}
	return NULL;
}

int main(void)
{
	pthread_t producer, consumer;
	sem_init(&lock, 0, 1);
	sem_init(&slots, 0, 1);
	sem_init(&items, 0, 0);
	pthread_create(&producer, NULL, produce, NULL);
	pthread_create(&consumer, NULL, consume, NULL);
	pthread_join(producer, NULL);
	pthread_join(consumer, NULL);
	return count;
}
