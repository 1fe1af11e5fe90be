/*
 * ring - a ring of one producer and one consumer that says that there is an item, and then puts it in.
 *
 * Breaks: the consumer comes between the two, and takes what was in the slot before.
 * Mended: puts it in, then says so.
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define SLOTS 2
#define ITEMS 3

static atomic_int slots[SLOTS];
static atomic_uint head, tail;

static void *produce(void *unused)
{
	(void)unused;
	for (int item = 1; item <= ITEMS; item++) {
		unsigned at = atomic_load(&tail);
		while (at - atomic_load(&head) == SLOTS)
			sched_yield();
#ifndef MENDED
		atomic_store(&tail, at + 1);
		atomic_store(&slots[at % SLOTS], item);
#else
		atomic_store(&slots[at % SLOTS], item);
		atomic_store(&tail, at + 1);
#endif
	}
	return NULL;
}

static void *consume(void *unused)
{
	(void)unused;
	for (int item = 1; item <= ITEMS; item++) {
		unsigned at = atomic_load(&head);
		while (atomic_load(&tail) == at)
			sched_yield();
		int got = atomic_load(&slots[at % SLOTS]);
		assert(got == item); /* here */
		atomic_store(&head, at + 1);
	}
	return NULL;
}

int main(void)
{
	pthread_t producer, consumer;
	pthread_create(&producer, NULL, produce, NULL);
	pthread_create(&consumer, NULL, consume, NULL);
	pthread_join(producer, NULL);
	pthread_join(consumer, NULL);
	return 0;
}
