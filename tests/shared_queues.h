/*
 * shared_queues.h - what the tests of queues between processes have in common: a segment, a queue of small numbers, and
 * calls that wait for it.
 */
#ifndef FAIRLEAD_TESTS_SHARED_QUEUES_H
#define FAIRLEAD_TESTS_SHARED_QUEUES_H

#include "calls.h"
#include "processes.h"
#include "reports.h"
#include "testing.h"
#include "waiting_shared.h"

#include "shm/shared_queue.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <string.h>

enum { ROOM = 4, ITEM_SIZE = 100 };

static fl_segment *segment;
static fl_shared_queue *queue;

/* Another queue takes the place of the one that there is. */
static inline void queue_of(const char *name, enum fl_queue_kind kind, uint32_t deliveries)
{
	const fl_shared_queue_options options = {
		.kind = kind, .item_size = ITEM_SIZE, .limit = ROOM, .deliveries = deliveries};

	ck_assert_int_eq(fl_segment_queue(segment, name, &options, &queue), 1);
}

static inline void shared_queues_set_up(void)
{
	processes_set_up();
	reports_catch();
	ck_assert_int_eq(fl_segment_open(&segment, NULL, NULL), 0);
	queue_of("orders", FL_QUEUE_FIFO, 0);
}

static inline void shared_queues_tear_down(void)
{
	reports_expect_none();
	segment = fl_segment_close(segment);
	processes_tear_down();
}

/* An item is a number. */
static inline int put_number(int64_t number)
{
	return fl_shared_queue_put_try(queue, &number, sizeof(number));
}

static inline void put_numbers(int64_t from, int64_t to)
{
	for (int64_t number = from; number <= to; number++)
		ck_assert_int_eq(put_number(number), 0);
}

/* The next one, done; -EAGAIN or another error if there is none. */
static inline int64_t get_number(void)
{
	int64_t number = 0;
	int size = fl_shared_queue_get_try(queue, &number, sizeof(number), NULL);

	ck_assert(size < 0 || size == sizeof(number));
	return size < 0 ? size : number;
}

static inline int64_t number_in(const fl_shared_queue_item *item)
{
	int64_t number;

	ck_assert_uint_eq(item->size, sizeof(number));
	memcpy(&number, item->data, sizeof(number));
	return number;
}

static inline int64_t peek_number(fl_shared_queue_item *ret_item)
{
	int error = fl_shared_queue_peek_try(queue, ret_item);

	return error != 0 ? error : number_in(ret_item);
}

static inline fl_shared_queue_info look(void)
{
	fl_shared_queue_info info;

	ck_assert_int_eq(fl_shared_queue_look(queue, &info), 0);
	return info;
}

/* That each place can be had: none has been lost. Takes what is in the queue away. */
static inline void all_places_are_there(void)
{
	fl_shared_queue_item rooms[ROOM], none;

	while (get_number() >= 0)
		;
	for (int i = 0; i < ROOM; i++)
		ck_assert_int_eq(fl_shared_queue_reserve_try(queue, &rooms[i]), 0);
	ck_assert_int_eq(fl_shared_queue_reserve_try(queue, &none), -EAGAIN);
	for (int i = 0; i < ROOM; i++)
		ck_assert_int_eq(fl_shared_queue_abandon(queue, &rooms[i]), 0);
}

/* For threads. */

struct waits {
	fl_time deadline;
	fl_note *note;
	int64_t number;
};

static inline int wait_for_item(void *arg)
{
	struct waits *waits = arg;
	int size = fl_shared_queue_get_until(queue, &waits->number, sizeof(waits->number), NULL, waits->deadline,
					     waits->note);

	return size < 0 ? size : 0;
}

static inline int wait_for_room(void *arg)
{
	const struct waits *waits = arg;

	return fl_shared_queue_put_until(queue, &waits->number, sizeof(waits->number), waits->deadline, waits->note);
}

static inline int wait_for_end(void *arg)
{
	const struct waits *waits = arg;

	return fl_shared_queue_join_until(queue, waits->deadline, waits->note);
}

#endif
