/*
 * queue/queue.c - the calls of a queue. How it is made is in queue/queue.h, the items are in queue/store.c, and waiting
 * is in queue/wait.c.
 *
 * A call tries, under its side's lock; if there is no room, or nothing, it waits without any lock and tries again. So
 * what a deadline or a note says counts only for the waiting, and nothing is given to a thread that is on its way out.
 */
#include "queue/queue.h"

#include "base/keep_errno.h"
#include "base/name.h"
#include "base/report.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define CAPACITY_FIRST 64u

static const fl_queue_options usual = {.kind = FL_QUEUE_FIFO};

/* Making and ending. */

static int check_options(const fl_queue_options *options, uint32_t size)
{
	uint64_t rest = options->fl_spare0;
	unsigned i;

	for (i = 0; i < sizeof(options->fl_spare) / sizeof(options->fl_spare[0]); i++)
		rest |= options->fl_spare[i];
	if (rest != 0 || (unsigned)options->kind > FL_QUEUE_PRIORITY || size > FL_QUEUE_ITEM)
		return -EINVAL;
	if (options->kind != FL_QUEUE_PRIORITY)
		return options->priority_at == 0 ? 0 : -EINVAL;
	if (options->priority_at % sizeof(int64_t) != 0 || options->priority_at + sizeof(int64_t) > size)
		return -EINVAL;
	return 0;
}

static uint64_t first_capacity(uint64_t limit)
{
	uint64_t capacity = 1;

	while (capacity < limit && capacity < CAPACITY_FIRST)
		capacity *= 2;
	return capacity;
}

static struct fl_queue *make(const fl_queue_options *options, uint32_t size)
{
	struct fl_queue *queue = aligned_alloc(_Alignof(struct fl_queue), sizeof(*queue));

	if (!queue)
		return NULL;
	memset(queue, 0, sizeof(*queue));
	queue->kind = options->kind;
	queue->item_size = size;
	queue->priority_at = options->priority_at;
	queue->limit = options->limit > 0 ? options->limit : UINT64_MAX;
	queue->fd = -1;
	return queue;
}

int fl_queue_create(fl_queue **ret_queue, const fl_queue_options *options)
{
	fl_keep_errno();
	struct fl_queue *queue;
	uint32_t size;
	int error;

	options = options ? options : &usual;
	size = options->item_size > 0 ? options->item_size : sizeof(void *);
	error = check_options(options, size);
	if (error != 0)
		return error;
	queue = make(options, size);
	if (!queue)
		return -ENOMEM;
	error = fl_queue_grow_(queue, first_capacity(queue->limit));
	if (error != 0) {
		free(queue);
		return error;
	}
	fl_name_set_(queue, options->name);
	*ret_queue = queue;
	return 0;
}

fl_queue *fl_queue_destroy(fl_queue *queue)
{
	fl_keep_errno();

	if (!queue)
		return NULL;
	if (fl_park_waited_(fl_queue_key(&queue->put)) || fl_park_waited_(fl_queue_key(&queue->get)) ||
	    fl_park_waited_(&queue->done)) {
		fl_misuse_("queue", queue, "destroyed while it is waited for");
		return NULL;
	}
	fl_name_set_(queue, NULL);
	if (queue->fd >= 0)
		close(queue->fd);
	free(queue->put.items);
	free(queue->nodes);
	free(queue);
	return NULL;
}

/* Putting and getting, without waiting. */

/* A side's lock came from a thread that a fork left behind in the midst of a call. */
static int broken(struct fl_queue *queue, struct fl_queue_side *side)
{
	fl_store_relaxed(&queue->put.ended, -ENOTRECOVERABLE);
	fl_store_relaxed(&queue->get.ended, -ENOTRECOVERABLE);
	fl_lock_leave(fl_queue_lock_of(queue, side));
	return -ENOTRECOVERABLE;
}

int fl_queue_enter_(struct fl_queue *queue, struct fl_queue_side *side)
{
	if (fl_likely(fl_lock_enter(fl_queue_lock_of(queue, side)) == 0))
		return 0;
	return broken(queue, side);
}

static inline void leave(struct fl_queue *queue, struct fl_queue_side *side)
{
	if (fl_unlikely(side->alert != 0))
		fl_queue_leave_alerting_(queue, side);
	else
		fl_lock_leave(fl_queue_lock_of(queue, side));
}

static inline int64_t put_now(struct fl_queue *queue, const void *items, uint64_t n)
{
	struct fl_queue_side *side = &queue->put;
	int64_t done;

	if (fl_unlikely(fl_queue_enter_(queue, side) != 0))
		return -ENOTRECOVERABLE;
	done = fl_load_relaxed(&side->ended);
	if (fl_likely(done == 0))
		done = fl_queue_store_(queue, items, n);
	leave(queue, side);
	return done;
}

static inline int64_t get_now(struct fl_queue *queue, void *ret_items, uint64_t n)
{
	struct fl_queue_side *side = &queue->get;
	int ended;
	int64_t done;

	if (fl_unlikely(fl_queue_enter_(queue, side) != 0))
		return -ENOTRECOVERABLE;
	ended = fl_load_relaxed(&side->ended);
	if (fl_unlikely(ended == -ENOTRECOVERABLE))
		done = ended;
	else
		done = fl_queue_fetch_(queue, ret_items, n);
	if (done == -EAGAIN && ended != 0)
		done = ended;
	leave(queue, side);
	return done;
}

/* The same, with waiting. */

static __attribute__((noinline)) int64_t put_later(struct fl_queue *queue, const void *items, uint64_t n,
						   fl_time deadline, fl_note *note)
{
	struct fl_queue_wait wait = {.deadline = deadline, .note = note};
	int64_t done;
	int error;

	do {
		error = fl_queue_wait_(queue, &queue->get, &wait);
		done = put_now(queue, items, n);
	} while (done == -EAGAIN && error == 0);
	return done == -EAGAIN ? error : done;
}

static __attribute__((noinline)) int64_t get_later(struct fl_queue *queue, void *ret_items, uint64_t n,
						   fl_time deadline, fl_note *note)
{
	struct fl_queue_wait wait = {.deadline = deadline, .note = note};
	int64_t done;
	int error;

	do {
		error = fl_queue_wait_(queue, &queue->put, &wait);
		done = get_now(queue, ret_items, n);
	} while (done == -EAGAIN && error == 0);
	return done == -EAGAIN ? error : done;
}

int fl_queue_put_until(fl_queue *queue, const void *item, fl_time deadline, fl_note *note)
{
	int64_t done = put_now(queue, item, 1);

	if (fl_unlikely(done == -EAGAIN))
		done = put_later(queue, item, 1, deadline, note);
	return done > 0 ? 0 : (int)done;
}

int fl_queue_put(fl_queue *queue, const void *item)
{
	return fl_queue_put_until(queue, item, FL_FOREVER, NULL);
}

int fl_queue_put_try(fl_queue *queue, const void *item)
{
	int64_t done = put_now(queue, item, 1);

	return done > 0 ? 0 : (int)done;
}

int fl_queue_get_until(fl_queue *queue, void *ret_item, fl_time deadline, fl_note *note)
{
	int64_t done = get_now(queue, ret_item, 1);

	if (fl_unlikely(done == -EAGAIN))
		done = get_later(queue, ret_item, 1, deadline, note);
	return done > 0 ? 0 : (int)done;
}

int fl_queue_get(fl_queue *queue, void *ret_item)
{
	return fl_queue_get_until(queue, ret_item, FL_FOREVER, NULL);
}

int fl_queue_get_try(fl_queue *queue, void *ret_item)
{
	int64_t done = get_now(queue, ret_item, 1);

	while (fl_unlikely(done == -EAGAIN) && fl_queue_has_fd_(queue) && fl_queue_arm_(queue))
		done = get_now(queue, ret_item, 1);
	return done > 0 ? 0 : (int)done;
}

bool fl_queue_get_sized(fl_queue *queue, void *ret_item, size_t size)
{
	if (fl_unlikely(size != queue->item_size)) {
		fl_misuse_("queue", queue, "an item of %u bytes was to be got into a variable of %zu", queue->item_size,
			   size);
		return false;
	}
	return fl_queue_get(queue, ret_item) == 0;
}

/* Many at a time. */

int fl_queue_put_many_until(fl_queue *queue, const void *items, size_t n, fl_time deadline, fl_note *note)
{
	const char *next = items;
	size_t left = n;
	int64_t done = 0;

	if (n > INT_MAX)
		return -EINVAL;
	for (; left > 0; left -= (size_t)done, next += (size_t)done * queue->item_size) {
		done = put_now(queue, next, left);
		if (done == -EAGAIN)
			done = put_later(queue, next, left, deadline, note);
		if (done < 0)
			break;
	}
	return left < n ? (int)(n - left) : (int)done;
}

int fl_queue_put_many(fl_queue *queue, const void *items, size_t n)
{
	return fl_queue_put_many_until(queue, items, n, FL_FOREVER, NULL);
}

int fl_queue_get_many_until(fl_queue *queue, void *ret_items, size_t n, fl_time deadline, fl_note *note)
{
	int64_t done;

	if (n == 0 || n > INT_MAX)
		return n == 0 ? 0 : -EINVAL;
	done = get_now(queue, ret_items, n);
	if (fl_unlikely(done == -EAGAIN))
		done = get_later(queue, ret_items, n, deadline, note);
	return (int)done;
}

int fl_queue_get_many(fl_queue *queue, void *ret_items, size_t n)
{
	return fl_queue_get_many_until(queue, ret_items, n, FL_FOREVER, NULL);
}

/* Looking. */

/* Who sees that an item was got sees after that that it was put. */
static uint64_t all_got(const struct fl_queue *queue)
{
	/* [queue.2] acquire; pairs with [queue.4], [queue.5] */
	return fl_load_acquire(&queue->get.position);
}

uint64_t fl_queue_size(const fl_queue *queue)
{
	uint64_t got, put, again = all_got(queue);

	do {
		got = again;
		/* [queue.3] acquire; pairs with [queue.1] */
		put = fl_load_acquire(&queue->put.position);
		again = all_got(queue);
	} while (got != again);
	return put - got;
}

bool fl_queue_empty(const fl_queue *queue)
{
	return fl_queue_size(queue) == 0;
}

bool fl_queue_full(const fl_queue *queue)
{
	return fl_queue_size(queue) >= queue->limit;
}
