/*
 * fruit_queue.c - how does a producer know that all it has made has been eaten, and not merely been taken?
 *
 * By task_done and join. The consumer says fl_queue_task_done when it is through with a piece; fl_queue_join waits
 * until that was said for each piece that was put. An empty queue says less: the last piece may still be in somebody's
 * hands.
 *
 * The queue has room for two pieces, so a producer that is quicker than the consumer waits for it instead of filling
 * the memory. After the join the producer reads what the consumer wrote, without a lock. Prints what was eaten.
 */
#include <fairlead/queue.h>
#include <fairlead/thread.h>
#include <stdio.h>

struct fruit {
	char name[16];
	int calories;
};

static int eaten, calories; /* the consumer's, and after the join the producer's */

static void *consume(void *basket)
{
	struct fruit fruit;

	FL_QUEUE_EACH (basket, fruit) { /* until the basket is shut down, and empty */
		printf("consumer: eats %s\n", fruit.name);
		eaten++;
		calories += fruit.calories;
		fl_queue_task_done(basket);
	}
	puts("consumer: no more to come");
	return NULL;
}

int main(void)
{
	static const struct fruit harvest[] = {{"an apple", 95}, {"a banana", 105}, {"a cherry", 4}, {"a date", 20}};
	fl_queue *basket;
	fl_thread *consumer;

	if (fl_queue_create(&basket, &(fl_queue_options){.item_size = sizeof(struct fruit), .limit = 2}) < 0 ||
	    fl_thread_start(&consumer, NULL, consume, basket) < 0)
		return 1;
	for (int i = 0; i < 4; i++)
		fl_queue_put(basket, &harvest[i]); /* a copy; waits while there are two */
	fl_queue_join(basket);
	printf("producer: %d of 4 were eaten, %d calories\n", eaten, calories);
	fl_queue_shutdown(basket);
	fl_thread_join(consumer, NULL);
	fl_queue_destroy(basket);
	return 0;
}
