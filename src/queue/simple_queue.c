/*
 * queue/simple_queue.c - SimpleQueue: a queue whose put may interrupt another put, on the same thread.
 *
 *     put --> inbox (a stack, newest first) --> taken as a whole and turned over --> outbox (oldest first) --> get
 *
 * A put takes a node, fills it, and pushes it onto the inbox, by one compare-and-swap each; nobody waits for anybody.
 * Those who get have a lock among themselves, which a put does not need. How many items there are is a semaphore:
 * it lets them wait, and may be released from a signal handler.
 *
 * Nodes have numbers, from 1. They lie in chunks, each twice as large as the one before; chunk and place of a node
 * follow from its number. Chunks are mapped, not allocated, since a handler may have interrupted malloc, and stay until
 * the end: so a node can be read whoever has it by now. Free nodes are a stack, too.
 *
 *   [S1] inbox and free are lists that end with 0. A node is in one of them, in the outbox, or one thread's own.
 *   [S2] The top of `free` has a tag beside it, which every pop changes: so a node that was popped and pushed again
 *        meanwhile is not taken for the one that was seen (ABA). 2^32 pops would have to happen within one.
 *   [S3] There are never more permits than items in inbox and outbox: a put pushes, then releases; a get acquires, then
 *        takes.
 *
 * The stack is Treiber's (1986).
 *
 * Rejected: a lock that blocks signals (two system calls a put); a bound (a handler cannot wait for room).
 */
#include "base/keep_errno.h"
#include "base/report.h"
#include "sync/lock.h"
#include <errno.h>
#include <fairlead/semaphore.h>
#include <fairlead/simple_queue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST_BITS 6u /* the first chunk has 64 nodes */
#define CHUNKS 24u

struct node {
	uint32_t next;
	_Alignas(8) char item[];
};

struct fl_simple_queue {
	_Alignas(64) uint32_t inbox; /* the top's number; 0: empty */
	fl_semaphore items;
	_Alignas(64) fl_lock lock; /* of those who get */
	uint32_t outbox;
	bool broken;                /* a fork left one behind in it */
	_Alignas(64) uint64_t free; /* the top's number, and a tag in the upper half */
	uint32_t fresh;             /* the first number that no node has had; from 1 */
	uint32_t item_size;
	size_t stride;
	char *chunks[CHUNKS];
};

/* Nodes. */

static uint32_t chunk_of(uint32_t number)
{
	return 31 - FIRST_BITS - (uint32_t)__builtin_clz(number - 1 + (1u << FIRST_BITS));
}

static size_t chunk_size(const struct fl_simple_queue *queue, uint32_t chunk)
{
	return queue->stride << (FIRST_BITS + chunk);
}

static struct node *node_of(struct fl_simple_queue *queue, uint32_t number)
{
	uint32_t chunk = chunk_of(number), place = number - 1 + (1u << FIRST_BITS) - (1u << (FIRST_BITS + chunk));

	/* [simple.2] acquire; pairs with [simple.1] */
	return (struct node *)(void *)(fl_load_acquire(&queue->chunks[chunk]) + place * queue->stride);
}

/* Maps the chunk, unless it is there: another thread, or a handler on top of this put, may be quicker. */
static int map_chunk(struct fl_simple_queue *queue, uint32_t chunk)
{
	char *none = NULL, *memory;

	if (fl_load_relaxed(&queue->chunks[chunk]))
		return 0;
	memory = mmap(NULL, chunk_size(queue, chunk), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	/* [simple.1] release; pairs with [simple.2] */
	if (!fl_cas_release(&queue->chunks[chunk], &none, memory))
		munmap(memory, chunk_size(queue, chunk));
	return 0;
}

/* Returns the number of a node that never was one, 0 if there is no memory. */
static uint32_t fresh_node(struct fl_simple_queue *queue)
{
	uint32_t number = fl_load_relaxed(&queue->fresh);

	do
		if (number > FL_SIMPLE_QUEUE_MAX || map_chunk(queue, chunk_of(number)) != 0)
			return 0;
	while (!fl_cas_relaxed(&queue->fresh, &number, number + 1));
	return number;
}

static uint32_t pop_free(struct fl_simple_queue *queue)
{
	/* [simple.4] acquire; pairs with [simple.3], [simple.5] */
	uint64_t top = fl_load_acquire(&queue->free), next;

	while ((uint32_t)top != 0) {
		next = ((top >> 32) + 1) << 32 | fl_load_relaxed(&node_of(queue, (uint32_t)top)->next);
		/* [simple.5] acq_rel; pairs with [simple.3], [simple.4], [simple.5] */
		if (fl_cas_acq_rel(&queue->free, &top, next))
			return (uint32_t)top;
	}
	return fresh_node(queue);
}

static void push_free(struct fl_simple_queue *queue, uint32_t number)
{
	struct node *node = node_of(queue, number);
	uint64_t top = fl_load_relaxed(&queue->free);

	do
		fl_store_relaxed(&node->next, (uint32_t)top);
	/* [simple.3] release; pairs with [simple.4], [simple.5] */
	while (!fl_cas_release(&queue->free, &top, (top >> 32) << 32 | number));
}

/* Making and ending. */

int fl_simple_queue_create(fl_simple_queue **ret_queue, uint32_t item_size)
{
	fl_keep_errno();
	struct fl_simple_queue *queue;

	item_size = item_size > 0 ? item_size : sizeof(void *);
	if (item_size > FL_SIMPLE_QUEUE_ITEM)
		return -EINVAL;
	queue = aligned_alloc(_Alignof(struct fl_simple_queue), sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	memset(queue, 0, sizeof(*queue));
	queue->item_size = item_size;
	queue->stride = sizeof(struct node) + (item_size + 7) / 8 * 8;
	queue->fresh = 1;
	*ret_queue = queue;
	return 0;
}

fl_simple_queue *fl_simple_queue_destroy(fl_simple_queue *queue)
{
	fl_keep_errno();
	uint32_t i;

	if (!queue)
		return NULL;
	if (fl_park_waited_(&queue->items)) {
		fl_misuse_("simple queue", queue, "destroyed while it is waited for");
		return NULL;
	}
	for (i = 0; i < CHUNKS; i++)
		if (queue->chunks[i])
			munmap(queue->chunks[i], chunk_size(queue, i));
	free(queue);
	return NULL;
}

/* Putting and getting. */

int fl_simple_queue_put(fl_simple_queue *queue, const void *item)
{
	fl_keep_errno();
	uint32_t number = pop_free(queue), top;
	struct node *node;

	if (number == 0)
		return -ENOMEM;
	node = node_of(queue, number);
	memcpy(node->item, item, queue->item_size);
	top = fl_load_relaxed(&queue->inbox);
	do
		fl_store_relaxed(&node->next, top);
	/* [simple.6] release; pairs with [simple.7] */
	while (!fl_cas_release(&queue->inbox, &top, number));
	fl_semaphore_release(&queue->items, 1); /* there are not so many nodes that it could overflow */
	return 0;
}

/* Takes all of the inbox, the oldest first. */
static uint32_t turn_over(struct fl_simple_queue *queue)
{
	/* [simple.7] acquire; pairs with [simple.6] */
	uint32_t number = fl_exchange_acquire(&queue->inbox, 0), next, oldest = 0;

	for (; number != 0; number = next) {
		struct node *node = node_of(queue, number);

		next = fl_load_relaxed(&node->next);
		fl_store_relaxed(&node->next, oldest);
		oldest = number;
	}
	return oldest;
}

/* Takes an item, which is there: the caller has its permit. [S3] */
static int take(struct fl_simple_queue *queue, void *ret_item)
{
	struct node *node;
	uint32_t number;

	if (fl_unlikely(fl_lock_enter(&queue->lock) != 0))
		queue->broken = true;
	if (fl_unlikely(queue->broken)) {
		fl_lock_leave(&queue->lock);
		return -ENOTRECOVERABLE;
	}
	if (queue->outbox == 0)
		queue->outbox = turn_over(queue);
	number = queue->outbox;
	node = node_of(queue, number);
	queue->outbox = fl_load_relaxed(&node->next);
	fl_lock_leave(&queue->lock);
	memcpy(ret_item, node->item, queue->item_size);
	push_free(queue, number);
	return 0;
}

int fl_simple_queue_get_until(fl_simple_queue *queue, void *ret_item, fl_time deadline, fl_note *note)
{
	int error = fl_semaphore_acquire_until(&queue->items, deadline, note);

	return error == 0 ? take(queue, ret_item) : error;
}

int fl_simple_queue_get(fl_simple_queue *queue, void *ret_item)
{
	return fl_simple_queue_get_until(queue, ret_item, FL_FOREVER, NULL);
}

int fl_simple_queue_get_try(fl_simple_queue *queue, void *ret_item)
{
	return fl_semaphore_acquire_try(&queue->items) ? take(queue, ret_item) : -EAGAIN;
}

uint32_t fl_simple_queue_size(const fl_simple_queue *queue)
{
	return fl_semaphore_value(&queue->items);
}

bool fl_simple_queue_empty(const fl_simple_queue *queue)
{
	return fl_simple_queue_size(queue) == 0;
}
