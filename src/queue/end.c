/*
 * queue/end.c - shutting a queue down: no more puts, and, if asked, nothing more to get.
 *
 * It enters both sides' locks, so that it comes before or after each put and each get as a whole.
 */
#include "queue/queue.h"

#include <errno.h>

/* Enters both sides; false if the queue is not to be used any more. */
static bool enter_both(struct fl_queue *queue)
{
	if (fl_queue_enter_(queue, &queue->put) != 0)
		return false;
	if (queue->kind != FL_QUEUE_FIFO || fl_queue_enter_(queue, &queue->get) == 0)
		return true;
	fl_lock_leave(&queue->put.lock);
	return false;
}

static void leave_both(struct fl_queue *queue)
{
	if (queue->kind == FL_QUEUE_FIFO)
		fl_lock_leave(&queue->get.lock);
	fl_lock_leave(&queue->put.lock);
}

/* Takes all items away; returns how many. */
static uint64_t drop(struct fl_queue *queue)
{
	struct fl_queue_side *get = &queue->get;
	uint64_t n = queue->put.position - get->position;

	get->seen = queue->put.position;
	/* [queue.5] release; pairs with [queue.2] */
	fl_store_release(&get->position, get->seen);
	return n;
}

/* What was dropped is not to be done any more. Less is left to do if task_done was called for items that were not got,
 * and then join must not wait for more. Nothing is put any more, so that what is left only becomes less. */
static void forgo(struct fl_queue *queue, uint64_t n)
{
	while (n > 0 && !fl_queue_finish_(queue, n))
		n = fl_queue_unfinished(queue);
}

static uint64_t end(struct fl_queue *queue, bool now)
{
	struct fl_wake_list list = {0};
	uint64_t dropped = 0;

	if (!enter_both(queue))
		return 0;
	if (fl_load_relaxed(&queue->put.ended) == 0) {
		fl_store_relaxed(&queue->put.ended, -EPIPE);
		fl_store_relaxed(&queue->get.ended, -EPIPE);
	}
	if (now)
		dropped = drop(queue);
	fl_queue_alert_all_(queue, &queue->put, &list);
	fl_queue_alert_all_(queue, &queue->get, &list);
	leave_both(queue);
	forgo(queue, dropped);
	fl_park_wake_(&list);
	return dropped;
}

void fl_queue_shutdown(fl_queue *queue)
{
	end(queue, false);
}

uint64_t fl_queue_shutdown_now(fl_queue *queue)
{
	return end(queue, true);
}

bool fl_queue_is_shutdown(const fl_queue *queue)
{
	return fl_load_relaxed(&queue->put.ended) != 0;
}
