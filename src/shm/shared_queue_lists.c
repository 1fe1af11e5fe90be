/*
 * shm/shared_queue_lists.c - in which order a queue's items are handed out, and which of its places are free.
 *
 * ready     by rising number, FIFO; by falling number, LIFO; by priority, a binary heap (J. W. J. Williams, 1964) in
 *           memory of its own. What is handed out next is the first.
 * unused    the place that was freed last is the first
 * held      linked both ways, in no order
 *
 * The links are in the places: a call touches its own place anyway, and in a queue that is nearly empty no other.
 *
 * All of it is memory that others write to. A link to a place that there cannot be is an end; no list is followed for
 * more steps than there are places.
 */
#include "shm/shared_queue.h"

#include <errno.h>

static uint32_t link_of(const uint32_t *link)
{
	return fl_load_relaxed(link);
}

static void count(uint32_t *n, uint32_t more)
{
	fl_store_relaxed(n, fl_load_relaxed(n) + more);
}

/* Whether the one place is handed out before the other. */
static bool comes_before(const struct fl_places *places, uint32_t one, uint32_t other)
{
	const struct fl_place *a, *b;

	if (one >= places->limit || other >= places->limit)
		return false;
	a = fl_place_at(places, one);
	b = fl_place_at(places, other);
	if (places->kind == FL_QUEUE_LIFO)
		return a->number > b->number;
	return a->priority != b->priority ? a->priority < b->priority : a->number < b->number;
}

/* The heap. */

static void swap(uint32_t *one, uint32_t *other)
{
	uint32_t kept = *one;

	*one = *other;
	*other = kept;
}

static bool is_before(const struct fl_places *places, uint32_t at, uint32_t other)
{
	return comes_before(places, fl_load_relaxed(&places->heap[at]), fl_load_relaxed(&places->heap[other]));
}

static void sift_up(const struct fl_places *places, uint32_t at)
{
	for (; at > 0 && is_before(places, at, (at - 1) / 2); at = (at - 1) / 2)
		swap(&places->heap[at], &places->heap[(at - 1) / 2]);
}

static void sift_down(const struct fl_places *places, uint32_t at, uint32_t n)
{
	for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n && is_before(places, child + 1, child))
			child++;
		if (!is_before(places, child, at))
			return;
		swap(&places->heap[child], &places->heap[at]);
	}
}

static int add_to_heap(const struct fl_places *places, uint32_t slot)
{
	uint32_t n = fl_load_relaxed(&places->queue->n_ready);

	if (n >= places->limit)
		return -EPROTO;
	places->heap[n] = slot;
	sift_up(places, n);
	count(&places->queue->n_ready, 1);
	return 0;
}

static void take_from_heap(const struct fl_places *places)
{
	uint32_t n = fl_load_relaxed(&places->queue->n_ready);

	if (n == 0 || n > places->limit)
		return;
	places->heap[0] = places->heap[n - 1];
	fl_store_relaxed(&places->queue->n_ready, n - 1);
	sift_down(places, 0, n - 1);
}

/* The list. */

/* Puts a place behind another one; `after` is that one's number and 1, or 0: in front. */
static void link_after(const struct fl_places *places, uint32_t after, uint32_t slot)
{
	fl_shared_queue *queue = places->queue;
	uint32_t *link = after == 0 ? &queue->first_ready : &fl_place_at(places, after - 1)->next;
	uint32_t next = fl_load_relaxed(&queue->n_ready) == 0 ? 0 : link_of(link);

	fl_place_at(places, slot)->next = next;
	*link = slot + 1;
	if (next == 0)
		queue->last_ready = slot + 1;
	count(&queue->n_ready, 1);
}

int fl_ready_add_(const struct fl_places *places, uint32_t slot)
{
	const fl_shared_queue *queue = places->queue;
	uint32_t last = queue->last_ready;

	if (places->kind == FL_QUEUE_PRIORITY)
		return add_to_heap(places, slot);
	if (places->kind == FL_QUEUE_LIFO || fl_load_relaxed(&queue->n_ready) == 0)
		last = 0;
	if (last > places->limit)
		return -EPROTO;
	link_after(places, last, slot);
	return 0;
}

/* One that comes back is near the front: only others that came back are before it. */
int fl_ready_insert_(const struct fl_places *places, uint32_t slot, uint32_t *near)
{
	const fl_shared_queue *queue = places->queue;
	uint32_t after = *near != 0 && comes_before(places, *near - 1, slot) ? *near : 0, other = 0;
	uint32_t link = link_of(after != 0 ? &fl_place_at(places, after - 1)->next : &queue->first_ready);

	if (places->kind == FL_QUEUE_PRIORITY)
		return add_to_heap(places, slot);
	for (uint32_t n = fl_place_count(places, &queue->n_ready); n > 0 && after != queue->last_ready; n--) {
		if (!fl_list_next(places, &link, &other))
			return -EPROTO;
		if (!comes_before(places, other, slot))
			break;
		after = other + 1;
	}
	link_after(places, after, slot);
	*near = slot + 1;
	return 0;
}

int fl_ready_first_(const struct fl_places *places, uint32_t *ret_slot)
{
	const fl_shared_queue *queue = places->queue;
	uint32_t slot;

	if (fl_load_relaxed(&queue->n_ready) == 0)
		return -EAGAIN;
	slot = places->kind == FL_QUEUE_PRIORITY ? fl_load_relaxed(&places->heap[0]) : link_of(&queue->first_ready) - 1;
	if (slot >= places->limit || fl_place_state(fl_place_at(places, slot)) != FL_PLACE_READY)
		return -EPROTO;
	*ret_slot = slot;
	return 0;
}

void fl_ready_take_(const struct fl_places *places)
{
	fl_shared_queue *queue = places->queue;
	uint32_t link = link_of(&queue->first_ready), slot = 0;

	if (places->kind == FL_QUEUE_PRIORITY) {
		take_from_heap(places);
		return;
	}
	if (!fl_list_next(places, &link, &slot))
		return;
	queue->first_ready = link;
	count(&queue->n_ready, -1u);
}

/* Sorting: what was piled up is cut into runs of one, and neighbours are merged until there is one run. */

void fl_ready_pile_(const struct fl_places *places, uint32_t slot)
{
	if (places->kind == FL_QUEUE_PRIORITY)
		(void)add_to_heap(places, slot);
	else
		link_after(places, 0, slot);
}

/* A run of up to `n` places that begins at `link`. */
struct run {
	uint32_t link, n;
};

/* Cuts one off. */
static struct run cut(const struct fl_places *places, uint32_t *link, uint32_t n)
{
	struct run run = {*link, 0};
	uint32_t slot;

	while (run.n < n && fl_list_next(places, link, &slot))
		run.n++;
	return run;
}

/* Takes the first of that run which comes first. */
static uint32_t take_from(const struct fl_places *places, struct run *one, struct run *other)
{
	bool first = other->n == 0 || (one->n != 0 && !comes_before(places, other->link - 1, one->link - 1));
	struct run *run = first ? one : other;
	uint32_t slot = 0;

	run->n--;
	(void)fl_list_next(places, &run->link, &slot);
	return slot;
}

/* One time through all. Returns how many pairs of runs there were. */
static uint32_t merge_runs(const struct fl_places *places, uint32_t length)
{
	fl_shared_queue *queue = places->queue;
	uint32_t link = link_of(&queue->first_ready), n = fl_place_count(places, &queue->n_ready), pairs = 0;
	uint32_t *end = &queue->first_ready, last = 0;

	while (n > 0) {
		struct run one = cut(places, &link, length < n ? length : n);
		struct run other = cut(places, &link, length < n - one.n ? length : n - one.n);

		if (one.n == 0)
			break;
		for (n -= one.n + other.n; one.n + other.n > 0; end = &fl_place_at(places, last - 1)->next)
			*end = last = take_from(places, &one, &other) + 1;
		pairs++;
	}
	*end = 0;
	queue->last_ready = last;
	return pairs;
}

void fl_ready_sort_(const struct fl_places *places)
{
	uint32_t length = 1;

	if (places->kind == FL_QUEUE_PRIORITY)
		return;
	while (merge_runs(places, length) > 1)
		length *= 2;
}

/* Those that nobody uses. */

int fl_unused_first_(const struct fl_places *places, uint32_t *ret_slot)
{
	uint32_t slot;

	if (fl_load_relaxed(&places->queue->n_unused) == 0)
		return -EAGAIN;
	slot = link_of(&places->queue->first_unused) - 1;
	if (slot >= places->limit || fl_place_state(fl_place_at(places, slot)) != FL_PLACE_UNUSED)
		return -EPROTO;
	*ret_slot = slot;
	return 0;
}

void fl_unused_take_(const struct fl_places *places)
{
	fl_shared_queue *queue = places->queue;
	uint32_t link = link_of(&queue->first_unused), slot = 0;

	if (!fl_list_next(places, &link, &slot))
		return;
	fl_store_relaxed(&queue->first_unused, link);
	count(&queue->n_unused, -1u);
}

void fl_unused_add_(const struct fl_places *places, uint32_t slot)
{
	fl_shared_queue *queue = places->queue;

	fl_place_at(places, slot)->next = link_of(&queue->first_unused);
	fl_store_relaxed(&queue->first_unused, slot + 1);
	count(&queue->n_unused, 1);
}

/* Those that somebody has. */

void fl_owned_add_(const struct fl_places *places, uint32_t slot)
{
	fl_shared_queue *queue = places->queue;
	struct fl_place *place = fl_place_at(places, slot);
	uint32_t next = fl_load_relaxed(&queue->n_held) == 0 ? 0 : link_of(&queue->first_held);

	place->previous = 0;
	place->next = next;
	if (next != 0 && next <= places->limit)
		fl_place_at(places, next - 1)->previous = slot + 1;
	queue->first_held = slot + 1;
	count(&queue->n_held, 1);
}

int fl_owned_remove_(const struct fl_places *places, uint32_t slot)
{
	fl_shared_queue *queue = places->queue;
	const struct fl_place *place = fl_place_at(places, slot);
	uint32_t next = link_of(&place->next), previous = link_of(&place->previous);

	if (next > places->limit || previous > places->limit || fl_load_relaxed(&queue->n_held) == 0)
		return -EPROTO;
	if (next != 0)
		fl_place_at(places, next - 1)->previous = previous;
	if (previous != 0)
		fl_place_at(places, previous - 1)->next = next;
	else
		queue->first_held = next;
	if (queue->cursor == slot + 1)
		queue->cursor = next;
	count(&queue->n_held, -1u);
	return 0;
}
