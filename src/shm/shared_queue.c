/*
 * shm/shared_queue.c - Queue between processes: putting and getting.
 *
 * A lock that is free again when its holder dies (sync/lock_shared.c) is over places for items, and lists that say
 * which of them are in which state (shm/shared_queue.h). Small items are copied under the lock. For larger ones the
 * place is had meanwhile, as if they were reserved or peeked at.
 *
 * Invariants:
 *   [SQ1] A place's word says what it is, and each step from one to the next is one store, after all that belongs to
 *         it. So an item is there from one store on, and is gone from another one on, wherever somebody dies. All else
 *         in the queue follows from the places.
 *   [SQ2] All of it changes under the lock only, but the content of a place that is RESERVED or TAKEN, which is its
 *         owner's. Whoever gets the lock of a dead one makes the lists anew before he looks at anything.
 *
 * Rejected: a ring in which each item lies where its number says, without a lock (a producer that is stopped in its
 * place keeps all later items from being seen, one item that is held long keeps the ring from going round, and what
 * comes back has no place in front). Memory that is cut as items need it (what is held long cuts it into pieces; so
 * each place has room for the largest item, and the place that was freed last is used first: it is still in a cache).
 * Two locks, for those who put and those who get (what comes back and what is freed is both's). A condition for each of
 * the three waits (who has died is to be looked at after one has said that one waits: [SQ3] in
 * shm/shared_queue_wait.c).
 */
#include "shm/shared_queue.h"
#include "base/report.h"
#include <errno.h>
#include <string.h>

/* Bytes that are copied under the lock. */
#define SMALL 1024u

/* Putting, under the lock. */

/* Whether an item may have that size. */
static bool fits(const struct fl_places *places, uint32_t priority_at, size_t size)
{
	if (size > places->item_size || places->kind != FL_QUEUE_PRIORITY)
		return size <= places->item_size;
	return size >= sizeof(int64_t) && priority_at <= size - sizeof(int64_t);
}

/* The priority of what is in the place; -EMSGSIZE: it has none. */
static int read_priority(const struct fl_places *places, const void *data, size_t size, int64_t *ret_priority)
{
	uint32_t at = fl_load_relaxed(&places->queue->priority_at);

	*ret_priority = 0;
	if (!fits(places, at, size))
		return -EMSGSIZE;
	if (places->kind == FL_QUEUE_PRIORITY)
		memcpy(ret_priority, (const char *)data + at, sizeof(*ret_priority));
	return 0;
}

/* [SQ1] The item is written, and its place is nobody's, or the caller's. With figures that cannot be, all that is to be
 * known is in the places. */
static void publish(const struct fl_places *places, uint32_t slot, size_t size, int64_t priority)
{
	struct fl_place *place = fl_place_at(places, slot);
	uint64_t number = places->queue->number + 1;

	place->size = (uint32_t)size;
	place->priority = priority;
	place->number = number;
	place->deliveries = 0;
	fl_then();
	fl_store_relaxed(&place->word, FL_PLACE_READY);
	fl_then();
	fl_store_relaxed(&places->queue->number, number);
	if (fl_ready_add_(places, slot) != 0)
		fl_shared_queue_mend_(places);
}

static int try_put(struct fl_shared_queue_call *call)
{
	const struct fl_places *places = &call->places;
	int64_t priority = 0;
	uint32_t slot = 0;
	int error;

	if (fl_load_relaxed(&places->queue->is_shutdown) != 0)
		return -EPIPE;
	error = read_priority(places, call->from, call->size, &priority);
	if (error == 0)
		error = fl_unused_first_(places, &slot);
	if (error != 0)
		return error;
	if (call->size > 0)
		memcpy(fl_place_item(fl_place_at(places, slot)), call->from, call->size);
	fl_unused_take_(places);
	publish(places, slot, call->size, priority);
	return 0;
}

/* What the process has from now on. */
static void own(struct fl_shared_queue_call *call, uint32_t slot, uint32_t state)
{
	struct fl_place *place = fl_place_at(&call->places, slot);

	place->process_id = call->places.view->process_id;
	place->use++;
	fl_then();
	fl_store_relaxed(&place->word, state | call->me);
	call->item = (fl_shared_queue_item){
		.data = fl_place_item(place),
		.size = call->places.item_size,
		.fl_slot = slot,
		.fl_use = place->use,
	};
}

static int try_reserve(struct fl_shared_queue_call *call)
{
	const struct fl_places *places = &call->places;
	uint32_t slot = 0;
	int error;

	if (fl_load_relaxed(&places->queue->is_shutdown) != 0)
		return -EPIPE;
	error = fl_unused_first_(places, &slot);
	if (error != 0)
		return error;
	own(call, slot, FL_PLACE_RESERVED);
	fl_unused_take_(places);
	fl_store_relaxed(&places->queue->n_reserved, places->queue->n_reserved + 1);
	fl_owned_add_(places, slot);
	return 0;
}

static const struct fl_wish to_put = {
	try_put,
	offsetof(fl_shared_queue, putters),
	offsetof(fl_shared_queue, spin_putters),
	offsetof(fl_shared_queue, n_unused),
	offsetof(fl_shared_queue, first_unused),
};

static const struct fl_wish to_reserve = {
	try_reserve,
	offsetof(fl_shared_queue, putters),
	offsetof(fl_shared_queue, spin_putters),
	offsetof(fl_shared_queue, n_unused),
	offsetof(fl_shared_queue, first_unused),
};

/* Getting, under the lock. */

/* Looks after one place that is held. [SQ5] */
static int look_after_one(const struct fl_places *places)
{
	fl_shared_queue *queue = places->queue;
	uint32_t link, slot = 0, near = 0;

	if (fl_likely(fl_load_relaxed(&queue->n_held) == 0))
		return 0;
	link = fl_load_relaxed(&queue->cursor);
	if (link == 0)
		link = fl_load_relaxed(&queue->first_held);
	if (!fl_list_next(places, &link, &slot))
		return -EPROTO;
	queue->cursor = link;
	return fl_shared_queue_look_after_(places, slot, &near);
}

/* The next item. */
static int next_item(const struct fl_places *places, uint32_t *ret_slot, uint32_t *ret_size)
{
	int error = look_after_one(places);

	/* Somebody has died: what else he had comes back in its order. */
	if (error > 0)
		error = fl_shared_queue_look_after_all_(places);
	if (error >= 0)
		error = fl_ready_first_(places, ret_slot);
	if (error == -EAGAIN && fl_load_relaxed(&places->queue->is_shutdown) != 0)
		return -EPIPE;
	if (error != 0)
		return error;
	*ret_size = fl_load_relaxed(&fl_place_at(places, *ret_slot)->size);
	return fits(places, fl_load_relaxed(&places->queue->priority_at), *ret_size) ? 0 : -EPROTO;
}

static int take_place(struct fl_shared_queue_call *call, uint32_t slot, uint32_t size)
{
	struct fl_place *place = fl_place_at(&call->places, slot);

	own(call, slot, FL_PLACE_TAKEN);
	place->deliveries++;
	call->item.size = size;
	call->item.number = place->number;
	call->item.deliveries = place->deliveries;
	fl_ready_take_(&call->places);
	fl_owned_add_(&call->places, slot);
	return 0;
}

static void free_place(const struct fl_places *places, uint32_t slot)
{
	fl_then();
	fl_store_relaxed(&fl_place_at(places, slot)->word, FL_PLACE_UNUSED);
	fl_then();
	fl_unused_add_(places, slot);
}

static int try_peek(struct fl_shared_queue_call *call)
{
	uint32_t slot = 0, size = 0;
	int error = next_item(&call->places, &slot, &size);

	return error != 0 ? error : take_place(call, slot, size);
}

static int try_get(struct fl_shared_queue_call *call)
{
	uint32_t slot = 0, size = 0;
	int error = next_item(&call->places, &slot, &size);

	if (error != 0)
		return error;
	if (size > call->size)
		return -EMSGSIZE;
	if (call->keeps || size > SMALL)
		return take_place(call, slot, size);
	if (size > 0)
		memcpy(call->to, fl_place_item(fl_place_at(&call->places, slot)), size);
	call->item.size = size;
	fl_ready_take_(&call->places);
	free_place(&call->places, slot);
	return 0;
}

static const struct fl_wish to_peek = {
	try_peek,
	offsetof(fl_shared_queue, getters),
	offsetof(fl_shared_queue, spin_getters),
	offsetof(fl_shared_queue, n_ready),
	offsetof(fl_shared_queue, first_ready),
};

static const struct fl_wish to_get = {
	try_get,
	offsetof(fl_shared_queue, getters),
	offsetof(fl_shared_queue, spin_getters),
	offsetof(fl_shared_queue, n_ready),
	offsetof(fl_shared_queue, first_ready),
};

static int try_join(struct fl_shared_queue_call *call)
{
	return fl_shared_queue_done_(call->places.queue) ? 0 : -EAGAIN;
}

static const struct fl_wish to_join = {try_join, offsetof(fl_shared_queue, joiners), 0, 0, 0};

/* The public calls. */

/* For those that never wait. */
static int no_wait(int result)
{
	return result == -ETIMEDOUT ? -EAGAIN : result;
}

static const fl_time NOW = INT64_MIN;

int fl_shared_queue_reserve_until(fl_shared_queue *queue, fl_shared_queue_item *ret_item, fl_time deadline,
				  fl_note *note)
{
	struct fl_shared_queue_call call = {0};
	int error = fl_shared_queue_find_(queue, &call);

	if (error == 0)
		error = fl_shared_queue_fulfil_(&call, &to_reserve, deadline, note);
	if (error == 0)
		*ret_item = call.item;
	return error;
}

int fl_shared_queue_reserve(fl_shared_queue *queue, fl_shared_queue_item *ret_item)
{
	return fl_shared_queue_reserve_until(queue, ret_item, FL_FOREVER, NULL);
}

int fl_shared_queue_reserve_try(fl_shared_queue *queue, fl_shared_queue_item *ret_item)
{
	return no_wait(fl_shared_queue_reserve_until(queue, ret_item, NOW, NULL));
}

static int put_large(struct fl_shared_queue_call *call, fl_time deadline, fl_note *note)
{
	int error = fl_shared_queue_fulfil_(call, &to_reserve, deadline, note);

	if (error != 0)
		return error;
	memcpy(call->item.data, call->from, call->size);
	call->item.size = call->size;
	return fl_shared_queue_commit(call->places.queue, &call->item);
}

int fl_shared_queue_put_until(fl_shared_queue *queue, const void *data, size_t size, fl_time deadline, fl_note *note)
{
	struct fl_shared_queue_call call = {.from = data, .size = size};
	int64_t priority;
	int error = fl_shared_queue_find_(queue, &call);

	if (error == 0)
		error = read_priority(&call.places, data, size, &priority);
	if (error != 0)
		return error;
	return size > SMALL ? put_large(&call, deadline, note)
			    : fl_shared_queue_fulfil_(&call, &to_put, deadline, note);
}

int fl_shared_queue_put(fl_shared_queue *queue, const void *data, size_t size)
{
	return fl_shared_queue_put_until(queue, data, size, FL_FOREVER, NULL);
}

int fl_shared_queue_put_try(fl_shared_queue *queue, const void *data, size_t size)
{
	return no_wait(fl_shared_queue_put_until(queue, data, size, NOW, NULL));
}

int fl_shared_queue_peek_until(fl_shared_queue *queue, fl_shared_queue_item *ret_item, fl_time deadline, fl_note *note)
{
	struct fl_shared_queue_call call = {0};
	int error = fl_shared_queue_find_(queue, &call);

	if (error == 0)
		error = fl_shared_queue_fulfil_(&call, &to_peek, deadline, note);
	if (error == 0)
		*ret_item = call.item;
	return error;
}

int fl_shared_queue_peek(fl_shared_queue *queue, fl_shared_queue_item *ret_item)
{
	return fl_shared_queue_peek_until(queue, ret_item, FL_FOREVER, NULL);
}

int fl_shared_queue_peek_try(fl_shared_queue *queue, fl_shared_queue_item *ret_item)
{
	return no_wait(fl_shared_queue_peek_until(queue, ret_item, NOW, NULL));
}

int fl_shared_queue_get_until(fl_shared_queue *queue, void *data, size_t capacity, fl_shared_queue_item *ret_item,
			      fl_time deadline, fl_note *note)
{
	struct fl_shared_queue_call call = {.to = data, .size = capacity, .keeps = ret_item != NULL};
	int error = fl_shared_queue_find_(queue, &call);

	if (error == 0)
		error = fl_shared_queue_fulfil_(&call, &to_get, deadline, note);
	if (error != 0)
		return error;
	if (call.item.data && call.item.size > 0)
		memcpy(data, call.item.data, call.item.size);
	if (ret_item)
		*ret_item = call.item;
	else if (call.item.data)
		error = fl_shared_queue_task_done(queue, &call.item);
	return error != 0 ? error : (int)call.item.size;
}

int fl_shared_queue_get(fl_shared_queue *queue, void *data, size_t capacity, fl_shared_queue_item *ret_item)
{
	return fl_shared_queue_get_until(queue, data, capacity, ret_item, FL_FOREVER, NULL);
}

int fl_shared_queue_get_try(fl_shared_queue *queue, void *data, size_t capacity, fl_shared_queue_item *ret_item)
{
	return no_wait(fl_shared_queue_get_until(queue, data, capacity, ret_item, NOW, NULL));
}

/* What is done with an item that this process has. */

/* Under the lock: its place; NULL: the process does not have it. */
static struct fl_place *place_of(const struct fl_places *places, const fl_shared_queue_item *item, uint32_t state)
{
	struct fl_place *place;

	if (item->fl_slot >= places->limit)
		return NULL;
	place = fl_place_at(places, item->fl_slot);
	if (fl_place_state(place) != state || place->use != item->fl_use ||
	    place->process_id != places->view->process_id)
		return NULL;
	return place;
}

/* What becomes of it; the place is in held[] no more. */
enum fate {
	COMMITTED,
	ABANDONED,
	DONE,
	GIVEN_BACK,
};

static int give_up(const struct fl_places *places, const fl_shared_queue_item *item, enum fate fate, int64_t priority)
{
	int error = fl_owned_remove_(places, item->fl_slot);
	uint32_t near = 0;

	if (error != 0)
		return error;
	if (fate == COMMITTED || fate == ABANDONED)
		fl_store_relaxed(&places->queue->n_reserved, places->queue->n_reserved - 1);
	if (fate == GIVEN_BACK)
		return fl_shared_queue_return_(places, item->fl_slot, &near);
	if (fate == COMMITTED)
		publish(places, item->fl_slot, item->size, priority);
	else
		free_place(places, item->fl_slot);
	return 0;
}

static int end(fl_shared_queue *queue, const fl_shared_queue_item *item, enum fate fate)
{
	uint32_t state = fate == COMMITTED || fate == ABANDONED ? FL_PLACE_RESERVED : FL_PLACE_TAKEN;
	struct fl_shared_queue_call call = {0};
	int64_t priority = 0;
	int error = fl_shared_queue_find_(queue, &call);
	bool ours, late;

	if (error == 0 && fate == COMMITTED)
		error = read_priority(&call.places, item->data, item->size, &priority);
	if (error == 0)
		error = fl_shared_queue_enter_(&call);
	if (error != 0)
		return error;
	ours = place_of(&call.places, item, state) != NULL;
	late = fate == COMMITTED && fl_load_relaxed(&queue->is_shutdown) != 0;
	if (late)
		fate = ABANDONED; /* those who would have got it have been told that there is no more */
	if (ours)
		error = give_up(&call.places, item, fate, priority);
	/* With figures that cannot be: all that was meant is in the place, once they are right. */
	if (error == -EPROTO) {
		fl_shared_queue_mend_(&call.places);
		error = place_of(&call.places, item, state) ? give_up(&call.places, item, fate, priority) : 0;
	}
	fl_shared_queue_leave_(&call);
	if (ours)
		return error == 0 && late ? -EPIPE : error;
	fl_misuse_("shared queue", queue, "an item that this process does not have was given to it");
	return -EINVAL;
}

int fl_shared_queue_commit(fl_shared_queue *queue, const fl_shared_queue_item *item)
{
	return end(queue, item, COMMITTED);
}

int fl_shared_queue_abandon(fl_shared_queue *queue, const fl_shared_queue_item *item)
{
	return end(queue, item, ABANDONED);
}

int fl_shared_queue_task_done(fl_shared_queue *queue, const fl_shared_queue_item *item)
{
	return end(queue, item, DONE);
}

int fl_shared_queue_give_back(fl_shared_queue *queue, const fl_shared_queue_item *item)
{
	return end(queue, item, GIVEN_BACK);
}

/* Joining and ending. */

int fl_shared_queue_join_until(fl_shared_queue *queue, fl_time deadline, fl_note *note)
{
	struct fl_shared_queue_call call = {0};
	int error = fl_shared_queue_find_(queue, &call);

	return error != 0 ? error : fl_shared_queue_fulfil_(&call, &to_join, deadline, note);
}

int fl_shared_queue_join(fl_shared_queue *queue)
{
	return fl_shared_queue_join_until(queue, FL_FOREVER, NULL);
}

static void clear(const struct fl_places *places)
{
	fl_shared_queue *queue = places->queue;
	uint32_t slot = 0;

	while (fl_ready_first_(places, &slot) == 0) {
		fl_ready_take_(places);
		fl_shared_queue_drop_(places, slot, &queue->cleared, FL_PLACE_CLEARED);
	}
}

/* Returns how many were dropped. */
static int shut_down(fl_shared_queue *queue, bool now, uint64_t *ret_dropped)
{
	struct fl_shared_queue_call call = {0};
	uint64_t before;
	int error = fl_shared_queue_find_(queue, &call);

	if (error == 0)
		error = fl_shared_queue_enter_(&call);
	if (error != 0)
		return error;
	fl_store_relaxed(&queue->is_shutdown, 1);
	before = queue->cleared;
	if (now)
		clear(&call.places);
	*ret_dropped = queue->cleared - before;
	fl_shared_queue_leave_(&call);
	return 0;
}

int fl_shared_queue_shutdown(fl_shared_queue *queue)
{
	uint64_t dropped;

	return shut_down(queue, false, &dropped);
}

int fl_shared_queue_shutdown_now(fl_shared_queue *queue, uint64_t *ret_dropped)
{
	uint64_t dropped = 0;
	int error = shut_down(queue, true, &dropped);

	if (error == 0 && ret_dropped)
		*ret_dropped = dropped;
	return error;
}
