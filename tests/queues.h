/*
 * queues.h - what the tests of Queue are written with: a queue of int64_t, made before each test, and calls on other
 * threads.
 */
#ifndef FAIRLEAD_TESTS_QUEUES_H
#define FAIRLEAD_TESTS_QUEUES_H

#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include "queue/queue.h"

#include <errno.h>
#include <fairlead/fairlead.h>

static fl_queue *queue;

static inline const void *getters(void)
{
	return &queue->put.position;
}

static inline const void *putters(void)
{
	return &queue->get.position;
}

static inline void make(enum fl_queue_kind kind, uint64_t limit)
{
	const fl_queue_options options = {.kind = kind, .item_size = sizeof(int64_t), .limit = limit, .name = "basket"};

	ck_assert_int_eq(fl_queue_create(&queue, &options), 0);
}

static inline void set_up(void)
{
	reports_catch();
	make(FL_QUEUE_FIFO, 3);
}

static inline void tear_down(void)
{
	ck_assert_ptr_null(fl_queue_destroy(queue));
	reports_expect_none();
}

static inline void remake(enum fl_queue_kind kind, uint64_t limit)
{
	fl_queue_destroy(queue);
	make(kind, limit);
}

static inline int put(int64_t item)
{
	return fl_queue_put_try(queue, &item);
}

/* Takes an item, which must be there; -1 if there is none. */
static inline int64_t take(void)
{
	int64_t item = -1;
	int error = fl_queue_get_try(queue, &item);

	ck_assert(error == 0 || (error == -EAGAIN && item == -1));
	return item;
}

static inline void expect(const int64_t *items, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		ck_assert_int_eq(take(), items[i]);
	ck_assert_int_eq(take(), -1);
}

/* Calls on other threads. */

static inline int put_seven(void *unused)
{
	const int64_t seven = 7;

	(void)unused;
	return fl_queue_put(queue, &seven);
}

static inline int get_one(void *ret_item)
{
	return fl_queue_get(queue, ret_item);
}

struct asked {
	fl_time deadline;
	fl_note *note;
	int64_t item;
};

static inline int put_until(void *arg)
{
	const struct asked *asked = arg;

	return fl_queue_put_until(queue, &asked->item, asked->deadline, asked->note);
}

static inline int get_until(void *arg)
{
	struct asked *asked = arg;

	return fl_queue_get_until(queue, &asked->item, asked->deadline, asked->note);
}

static inline int join(void *unused)
{
	(void)unused;
	return fl_queue_join(queue);
}

#endif
