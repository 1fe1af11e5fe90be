/*
 * queue/join.c - task_done and join: how much of what was put is done.
 *
 * Nothing is counted with each put: put.position is how many were put. `done` counts the others; both only grow, and
 * join waits until they are equal.
 *
 * `done`
 *   bit 0      JOINERS  somebody joins, or did. Set by it, and cleared by who wakes it, both under the bucket's lock
 *   bits 1-63  how many items are done
 *
 *   [J1] A joiner sets JOINERS and then looks at what is done and what was put; who finishes an item changes `done`,
 *        in one atomic operation that says whether JOINERS was set. So either the joiner sees that item done, or it is
 *        woken if it was the last. No order is needed for that: all of it happens to one word, and who wakes it enters
 *        the bucket's lock.
 */
#include "queue/queue.h"

#include "base/fork.h"
#include "base/report.h"
#include "sync/wait.h"
#include <errno.h>

#define JOINERS 1u
#define ONE 2u

/* What was put before any item that is counted in `done` is seen here: its get saw the put. */
static uint64_t all_put(const struct fl_queue *queue)
{
	/* [queue.3] acquire; pairs with [queue.1] */
	return fl_load_acquire(&queue->put.position);
}

static uint64_t how_many_done(const struct fl_queue *queue)
{
	/* [join.2] acquire; pairs with [join.1] */
	return fl_load_acquire(&queue->done) / ONE;
}

static bool all_done(const struct fl_queue *queue)
{
	uint64_t done = how_many_done(queue);

	return done >= all_put(queue);
}

static void wake_joiners(struct fl_queue *queue)
{
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket = fl_park_lock_(&queue->done);

	if (all_done(queue)) {
		fl_park_take_all_(bucket, &queue->done, &list);
		fl_and_relaxed(&queue->done, ~(uint64_t)JOINERS);
	}
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
}

bool fl_queue_finish_(struct fl_queue *queue, uint64_t n)
{
	/* [join.2] acquire; pairs with [join.1] */
	uint64_t done = fl_load_acquire(&queue->done);

	do {
		if (fl_unlikely(done / ONE + n > fl_load_relaxed(&queue->put_seen))) {
			fl_store_relaxed(&queue->put_seen, all_put(queue));
			if (done / ONE + n > all_put(queue))
				return false;
		}
		/* [join.1] acq_rel; pairs with [join.1], [join.2] */
	} while (!fl_cas_acq_rel(&queue->done, &done, done + n * ONE));
	if (fl_unlikely(done & JOINERS))
		wake_joiners(queue);
	return true;
}

void fl_queue_task_done(fl_queue *queue)
{
	if (fl_unlikely(!fl_queue_finish_(queue, 1)))
		fl_misuse_("queue", queue, "task_done was called more often than items were put");
}

/* Queues, unless all is done. */
static bool queue_up(struct fl_queue *queue, struct fl_waiter *waiter)
{
	struct fl_bucket *bucket = fl_park_lock_(&queue->done);
	bool waits;

	fl_or_relaxed(&queue->done, (uint64_t)JOINERS);
	waits = !all_done(queue);
	if (waits)
		fl_park_push_(bucket, waiter, &queue->done);
	fl_park_unlock_(bucket);
	return waits;
}

/* Who gets or puts finds out by the locks whether a fork has left somebody behind in the midst of a call. Who joins has
 * to look for it, or it waits for items that nobody can get. */
static int check_after_fork(struct fl_queue *queue)
{
	if (fl_fork_epoch_ == 0)
		return 0;
	if (fl_queue_enter_(queue, &queue->put) != 0)
		return -ENOTRECOVERABLE;
	fl_lock_leave(&queue->put.lock);
	if (fl_queue_enter_(queue, &queue->get) != 0)
		return -ENOTRECOVERABLE;
	fl_lock_leave(fl_queue_lock_of(queue, &queue->get));
	return fl_load_relaxed(&queue->put.ended) == -ENOTRECOVERABLE ? -ENOTRECOVERABLE : 0;
}

int fl_queue_join_until(fl_queue *queue, fl_time deadline, fl_note *note)
{
	struct fl_waiter waiter = {0};
	int error;

	if (all_done(queue))
		return 0;
	error = check_after_fork(queue);
	if (error == 0)
		error = fl_wait_refused_(deadline, note);
	if (error != 0 || !queue_up(queue, &waiter))
		return error;
	return fl_wait_(&waiter, &queue->done, deadline, note, NULL);
}

int fl_queue_join(fl_queue *queue)
{
	return fl_queue_join_until(queue, FL_FOREVER, NULL);
}

uint64_t fl_queue_unfinished(const fl_queue *queue)
{
	uint64_t done, put, again = how_many_done(queue);

	do {
		done = again;
		put = all_put(queue);
		again = how_many_done(queue);
	} while (done != again);
	return put - done;
}
