/*
 * end_shutdown.c - how do consumers and producers learn that it is over, however many there are?
 *
 * By a shutdown of the queue. Every put returns -EPIPE from then on, also one that waits for room at that moment; what
 * is in the queue is still got, and then every get returns -EPIPE, which is where FL_QUEUE_EACH ends. Nobody counts
 * consumers, and it holds for stacks and priority queues too. fl_queue_shutdown_now also drops what is in the queue,
 * and says how much that was.
 *
 * The producers would never end by themselves; the consumer that gets the thousandth item ends all. Prints that
 * nothing was lost, and what a second queue has dropped.
 */
#include <fairlead/queue.h>
#include <fairlead/thread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { EACH = 3, ENOUGH = 1000 };

static atomic_int put, got;

static void *produce(void *queue)
{
	for (int number = 1; fl_queue_put(queue, &number) == 0; number++)
		atomic_fetch_add(&put, 1);
	return NULL; /* -EPIPE */
}

static void *consume(void *queue)
{
	int number;

	FL_QUEUE_EACH (queue, number)
		if (atomic_fetch_add(&got, 1) + 1 == ENOUGH)
			fl_queue_shutdown(queue); /* anybody may */
	return NULL;
}

int main(void)
{
	fl_queue_options of_int = {.item_size = sizeof(int), .limit = 10};
	fl_queue *queue, *other;
	fl_thread *threads[2 * EACH];

	if (fl_queue_create(&queue, &of_int) < 0 || fl_queue_create(&other, &of_int) < 0)
		return 1;
	for (int i = 0; i < 2 * EACH; i++)
		if (fl_thread_start(&threads[i], NULL, i < EACH ? produce : consume, queue) < 0)
			return 1;
	for (int i = 0; i < 2 * EACH; i++)
		fl_thread_join(threads[i], NULL);
	printf("3 producers and 3 consumers have ended; put but not got: %d\n", put - got);
	fl_queue_destroy(queue);

	for (int number = 1; number <= 5; number++)
		fl_queue_put(other, &number);
	printf("5 put, then shut down now: %d dropped\n", (int)fl_queue_shutdown_now(other));
	fl_queue_destroy(other);
	return 0;
}
