/*
 * queue/store.c - where the items are: a ring, a stack or a heap, in memory that doubles when it is full.
 *
 * The ring is Lamport's (1983), with positions that only grow and are masked when used. Who gets and who puts are in
 * it at the same time, at different items. The stack and the heap are touched by one thread at a time.
 *
 * The heap is binary (Williams, 1964) and holds nodes, not items: an item stays in the slot that it was put into,
 * however often its node moves. The slots of all nodes are a permutation: those of the nodes past the end are the
 * free ones.
 *
 * Rejected: a sequence number in each slot (Vyukov's queue): an item of 8 bytes would need 16, several could not be put
 * as one, and who was preempted in the midst of a put would stop those who get all the same.
 */
#include "queue/queue.h"

#include "base/keep_errno.h"
#include <errno.h>
#include <stdlib.h>

static void copy(char *to, const char *from, uint64_t n, uint32_t size)
{
	if (fl_likely(n == 1 && size == sizeof(uint64_t)))
		memcpy(to, from, sizeof(uint64_t)); /* one instruction each way */
	else
		memcpy(to, from, n * size);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The ring. */

static void ring_put(struct fl_queue *queue, uint64_t at, const char *items, uint64_t n)
{
	struct fl_queue_side *side = &queue->put;
	uint32_t size = queue->item_size;
	uint64_t begin = at & side->mask, first = smaller(n, side->mask + 1 - begin);

	copy(side->items + begin * size, items, first, size);
	if (fl_unlikely(first < n))
		copy(side->items, items + first * size, n - first, size);
}

static void ring_get(struct fl_queue *queue, uint64_t at, char *ret_items, uint64_t n)
{
	struct fl_queue_side *side = &queue->get;
	uint32_t size = queue->item_size;
	uint64_t begin = at & side->mask, first = smaller(n, side->mask + 1 - begin);

	copy(ret_items, side->items + begin * size, first, size);
	if (fl_unlikely(first < n))
		copy(ret_items + first * size, side->items, n - first, size);
}

/* The stack. */

static void stack_get(struct fl_queue *queue, uint64_t n_in, char *ret_items, uint64_t n)
{
	uint32_t size = queue->item_size;
	uint64_t i;

	for (i = 0; i < n; i++)
		copy(ret_items + i * size, queue->put.items + (n_in - 1 - i) * size, 1, size);
}

/* The heap. */

static bool before(const struct fl_queue_node *a, const struct fl_queue_node *b)
{
	return a->priority != b->priority ? a->priority < b->priority : a->sequence < b->sequence;
}

/* Puts `node` at `i` or, if those above come after it, further up. */
static void sift_up(struct fl_queue_node *nodes, uint64_t i, struct fl_queue_node node)
{
	for (; i > 0 && before(&node, &nodes[(i - 1) / 2]); i = (i - 1) / 2)
		nodes[i] = nodes[(i - 1) / 2];
	nodes[i] = node;
}

/* Puts `node` at the top or, if those below come before it, further down, in a heap of n. */
static void sift_down(struct fl_queue_node *nodes, uint64_t n, struct fl_queue_node node)
{
	uint64_t i = 0, child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && before(&nodes[child + 1], &nodes[child]))
			child++;
		if (!before(&nodes[child], &node))
			break;
		nodes[i] = nodes[child];
		i = child;
	}
	nodes[i] = node;
}

static void heap_put(struct fl_queue *queue, uint64_t n_in, const char *items, uint64_t n)
{
	uint32_t size = queue->item_size;
	uint64_t i;

	for (i = 0; i < n; i++, items += size) {
		struct fl_queue_node node = {.sequence = queue->put.position + i, .slot = queue->nodes[n_in + i].slot};

		memcpy(&node.priority, items + queue->priority_at, sizeof(node.priority));
		copy(queue->put.items + node.slot * size, items, 1, size);
		sift_up(queue->nodes, n_in + i, node);
	}
}

static void heap_get(struct fl_queue *queue, uint64_t n_in, char *ret_items, uint64_t n)
{
	uint32_t size = queue->item_size;
	uint64_t i;

	for (i = 0; i < n; i++, ret_items += size) {
		struct fl_queue_node top = queue->nodes[0], last = queue->nodes[--n_in];

		copy(ret_items, queue->put.items + top.slot * size, 1, size);
		sift_down(queue->nodes, n_in, last);
		queue->nodes[n_in].slot = top.slot;
	}
}

/* All of them. */

static uint64_t capacity_of(const struct fl_queue *queue)
{
	return queue->put.items ? queue->put.mask + 1 : 0;
}

static int grow_nodes(struct fl_queue *queue, uint64_t old, uint64_t capacity)
{
	struct fl_queue_node *nodes = reallocarray(queue->nodes, capacity, sizeof(*nodes));
	uint64_t i;

	if (!nodes)
		return -ENOMEM;
	queue->nodes = nodes;
	for (i = old; i < capacity; i++)
		nodes[i].slot = i;
	return 0;
}

/* The items go to where the larger ring, stack or heap has them. */
static void move_items(struct fl_queue *queue, char *items, uint64_t capacity)
{
	uint64_t i, n = queue->put.position - queue->get.position, at = queue->get.position;
	uint32_t size = queue->item_size;

	if (queue->kind == FL_QUEUE_FIFO)
		for (i = 0; i < n; i++)
			copy(items + ((at + i) & (capacity - 1)) * size,
			     queue->put.items + ((at + i) & queue->put.mask) * size, 1, size);
	else if (n > 0)
		memcpy(items, queue->put.items, capacity_of(queue) * size);
}

int fl_queue_grow_(struct fl_queue *queue, uint64_t capacity)
{
	fl_keep_errno();
	char *items = reallocarray(NULL, capacity, queue->item_size);

	if (!items || (queue->kind == FL_QUEUE_PRIORITY && grow_nodes(queue, capacity_of(queue), capacity) != 0)) {
		free(items);
		return -ENOMEM;
	}
	move_items(queue, items, capacity);
	free(queue->put.items);
	queue->put.items = queue->get.items = items;
	queue->put.mask = queue->get.mask = capacity - 1;
	return 0;
}

/* Grows until there is room for n more, or the limit is reached. By who puts, and has entered. */
static __attribute__((noinline)) int grow(struct fl_queue *queue, uint64_t n)
{
	struct fl_queue_side *get = &queue->get;
	uint64_t want = smaller(queue->put.position - queue->put.seen + n, queue->limit),
		 capacity = queue->put.mask + 1;
	int error;

	while (capacity < want && capacity < UINT64_MAX / 2 + 1)
		capacity *= 2;
	if (capacity < want)
		return -ENOMEM;
	if (queue->kind == FL_QUEUE_FIFO && fl_queue_enter_(queue, get) != 0)
		return -ENOTRECOVERABLE;
	error = fl_queue_grow_(queue, capacity);
	if (queue->kind == FL_QUEUE_FIFO)
		fl_lock_leave(&get->lock);
	return error;
}

/* How many of n items there is room for; negative if for none. */
static int64_t room_for(struct fl_queue *queue, uint64_t n)
{
	struct fl_queue_side *side = &queue->put;
	uint64_t most = smaller(queue->limit, side->mask + 1);
	int error = 0;

	if (fl_likely(queue->kind == FL_QUEUE_FIFO) && fl_likely(side->position - side->seen + n <= most))
		return (int64_t)n;
	/* [queue.2] acquire; pairs with [queue.4], [queue.5] */
	side->seen = fl_load_acquire(&queue->get.position);
	if (side->position - side->seen + n > most && most < queue->limit) {
		error = grow(queue, n);
		most = smaller(queue->limit, side->mask + 1);
	}
	n = smaller(n, most - (side->position - side->seen));
	return n > 0 ? (int64_t)n : error != 0 ? error : -EAGAIN;
}

int64_t fl_queue_store_(struct fl_queue *queue, const char *items, uint64_t n)
{
	struct fl_queue_side *side = &queue->put;
	int64_t room = room_for(queue, n);

	if (fl_unlikely(room < 0))
		return room;
	if (fl_likely(queue->kind == FL_QUEUE_FIFO))
		ring_put(queue, side->position, items, (uint64_t)room);
	else if (queue->kind == FL_QUEUE_LIFO)
		copy(side->items + (side->position - side->seen) * queue->item_size, items, (uint64_t)room,
		     queue->item_size);
	else
		heap_put(queue, side->position - side->seen, items, (uint64_t)room);
	/* [queue.1] release; pairs with [queue.3] */
	fl_store_release(&side->position, side->position + (uint64_t)room);
	return room;
}

int64_t fl_queue_fetch_(struct fl_queue *queue, char *ret_items, uint64_t n)
{
	struct fl_queue_side *side = &queue->get;
	uint64_t n_in = side->seen - side->position;

	if (n_in < n || queue->kind != FL_QUEUE_FIFO) {
		/* [queue.3] acquire; pairs with [queue.1] */
		side->seen = fl_load_acquire(&queue->put.position);
		n_in = side->seen - side->position;
		if (n_in == 0)
			return -EAGAIN;
		n = smaller(n, n_in);
	}
	if (fl_likely(queue->kind == FL_QUEUE_FIFO))
		ring_get(queue, side->position, ret_items, n);
	else if (queue->kind == FL_QUEUE_LIFO)
		stack_get(queue, n_in, ret_items, n);
	else
		heap_get(queue, n_in, ret_items, n);
	/* [queue.4] release; pairs with [queue.2] */
	fl_store_release(&side->position, side->position + n);
	return (int64_t)n;
}
