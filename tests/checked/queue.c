/*
 * queue.c - scenarios of queues: nothing lost, nothing twice, the order of each producer kept, nobody left waiting.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/queue.h>
#include <fairlead/simple_queue.h>

static fl_queue *queue;
static fl_simple_queue *simple;
static intptr_t sum, got;

static void make(uint64_t limit)
{
	fl_queue_options options = {.kind = FL_QUEUE_FIFO, .limit = limit};

	assert(fl_queue_create(&queue, &options) == 0);
}

static void put_one(void)
{
	intptr_t item = 1;

	assert(fl_queue_put(queue, &item) == 0);
}

static void put_two(void)
{
	for (intptr_t item = 1; item <= 2; item++)
		assert(fl_queue_put(queue, &item) == 0);
}

static void get_one(void)
{
	intptr_t item;

	assert(fl_queue_get(queue, &item) == 0);
	__atomic_fetch_add(&sum, item, __ATOMIC_RELAXED);
}

static void get_two_in_order(void)
{
	intptr_t first, second;

	assert(fl_queue_get(queue, &first) == 0 && fl_queue_get(queue, &second) == 0);
	assert(first == 1 && second == 2);
}

static void get_two(void)
{
	get_one();
	get_one();
}

static void queue_1(void *arg)
{
	(void)arg;
	make(0);
	together(put_one, get_one, NULL);
	assert(sum == 1 && fl_queue_empty(queue));
	fl_queue_destroy(queue);
}

static void queue_bounded(void *arg)
{
	(void)arg;
	make(1);
	together(put_two, get_two_in_order, NULL);
	fl_queue_destroy(queue);
}

static void queue_2_2(void *arg)
{
	(void)arg;
	make(1);
	together(put_two, put_one, get_one, get_two, NULL);
	assert(sum == 4);
	fl_queue_destroy(queue);
}

static void shut_down(void)
{
	fl_queue_shutdown(queue);
}

static void put_until_shut_down(void)
{
	intptr_t item = 1;

	while (fl_queue_put(queue, &item) == 0)
		got--;
}

static void get_until_shut_down(void)
{
	intptr_t item;

	while (fl_queue_get(queue, &item) == 0)
		__atomic_fetch_add(&sum, item, __ATOMIC_RELAXED);
}

static void queue_shutdown(void *arg)
{
	(void)arg;
	make(1);
	together(put_until_shut_down, get_until_shut_down, shut_down, NULL);
	assert(sum == -got);
	fl_queue_destroy(queue);
}

static void get_soon(void)
{
	intptr_t item;

	if (fl_queue_get_until(queue, &item, fl_after(FL_MS(1)), NULL) == 0)
		__atomic_fetch_add(&sum, item, __ATOMIC_RELAXED);
}

static void queue_until(void *arg)
{
	(void)arg;
	make(0);
	together(get_soon, put_one, put_one, get_one, NULL);
	assert(sum + (fl_queue_empty(queue) ? 0 : 1) == 2);
	fl_queue_destroy(queue);
}

static void simple_put(void)
{
	intptr_t item = 1;

	assert(fl_simple_queue_put(simple, &item) == 0);
}

static void simple_get(void)
{
	intptr_t item;

	assert(fl_simple_queue_get(simple, &item) == 0);
	sum += item;
}

static void simple_1(void *arg)
{
	(void)arg;
	assert(fl_simple_queue_create(&simple, sizeof(intptr_t)) == 0);
	together(simple_put, simple_get, NULL);
	assert(sum == 1);
	fl_simple_queue_destroy(simple);
}

static void simple_get_two(void)
{
	simple_get();
	simple_get();
}

static void simple_2(void *arg)
{
	(void)arg;
	assert(fl_simple_queue_create(&simple, sizeof(intptr_t)) == 0);
	together(simple_put, simple_put, simple_get_two, NULL);
	assert(sum == 2);
	fl_simple_queue_destroy(simple);
}

const struct scenario queue_scenarios[] = {
	{"queue-1", "one puts, one gets", queue_1, 2},
	{"queue-bounded", "two items through a queue of one", queue_bounded, MANY},
	{"queue-2-2", "two put, two get", queue_2_2, MANY},
	{"queue-shutdown", "shutdown races with put and get", queue_shutdown, MANY},
	{"queue-until", "a consumer may give up", queue_until, MANY},
	{"simple-1", "one puts, one gets", simple_1, 2},
	{"simple-2", "two put", simple_2, MANY},
	{0},
};
