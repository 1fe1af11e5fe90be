/*
 * end_sentinel.c - how do consumers learn that there is no more to come, with nothing but items?
 *
 * By a sentinel, an item that cannot be work and means "the end"; here a zero. Each consumer takes one, so there must
 * be as many as consumers, and they must come out last: put when all producers are done, into a queue that is first in
 * first out (a stack would hand them out first). Who forgets either has a consumer that waits for ever, or work that
 * is never done. end_shutdown.c needs no such care.
 *
 * Prints that each consumer has met one, and the sum of what they got.
 */
#include <fairlead/queue.h>
#include <fairlead/thread.h>
#include <stdio.h>

enum { SENTINEL = 0, PRODUCERS = 2, CONSUMERS = 3 };

static fl_queue *queue; /* of int */

static void *produce(void *arg)
{
	for (int number = 1; number <= 1000; number++)
		fl_queue_put(queue, &number);
	return arg;
}

static void *consume(void *ret_sum)
{
	int number;

	while (fl_queue_get(queue, &number) == 0 && number != SENTINEL)
		*(int *)ret_sum += number;
	return NULL;
}

int main(void)
{
	fl_thread *producers[PRODUCERS], *consumers[CONSUMERS];
	int sums[CONSUMERS] = {0}, total = 0, sentinel = SENTINEL;

	if (fl_queue_create(&queue, &(fl_queue_options){.item_size = sizeof(int), .limit = 10}) < 0)
		return 1;
	for (int i = 0; i < CONSUMERS; i++)
		if (fl_thread_start(&consumers[i], NULL, consume, &sums[i]) < 0)
			return 1;
	for (int i = 0; i < PRODUCERS; i++)
		if (fl_thread_start(&producers[i], NULL, produce, NULL) < 0)
			return 1;
	for (int i = 0; i < PRODUCERS; i++)
		fl_thread_join(producers[i], NULL);
	for (int i = 0; i < CONSUMERS; i++)
		fl_queue_put(queue, &sentinel);
	for (int i = 0; i < CONSUMERS; i++) {
		fl_thread_join(consumers[i], NULL);
		printf("consumer %d met its sentinel\n", i + 1);
		total += sums[i];
	}
	printf("twice the sum of 1 to 1000: %d; left in the queue: %d\n", total, (int)fl_queue_size(queue));
	fl_queue_destroy(queue);
	return 0;
}
