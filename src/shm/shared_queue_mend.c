/*
 * shm/shared_queue_mend.c - what becomes of what the dead leave in a queue.
 *
 * Two things may be left. Somebody died with the queue's lock: then the lists and the numbers in the head may be
 * half changed, and are made anew from the places. Somebody died with an item, or with room for one: then its place
 * says so, until somebody looks after it.
 *
 * What can be found in a place, and what becomes of it:
 *
 *     UNUSED     nobody has it. A put that died before it said READY was never there
 *     READY      an item. A put that died after it said READY has put it. If it has been delivered, it has been
 *                returned, and is counted in `returned` if that is at least `counted`
 *     RESERVED   unused again, if whoever has it is dead
 *     TAKEN      READY again, if whoever has it is dead; or DROPPED
 *     DROPPED    unused; it is counted in `dropped` if that is at least `counted`
 *     CLEARED    unused; the same in `cleared`
 *     any other  nobody made that: unused
 *
 * Who has an item is a process. Its word names one thread of that, since of a thread it can be said at once, without
 * a system call, whether it lives (base/lot.h). If that thread has ended, another one of the same process takes its
 * place there.
 */
#include "shm/shared_queue.h"

#include <errno.h>

static void make_unused(struct fl_place *place)
{
	fl_then();
	fl_store_relaxed(&place->word, FL_PLACE_UNUSED);
}

/* Counts what becomes of an item, from wherever that was broken off: once. */
static void count(uint64_t *counter, const struct fl_place *place)
{
	if (fl_load_relaxed(counter) < place->counted)
		fl_store_relaxed(counter, place->counted);
}

/* Says what becomes of an item, and counts it. */
static void decide(uint64_t *counter, struct fl_place *place, uint32_t state)
{
	place->counted = fl_load_relaxed(counter) + 1;
	fl_then();
	fl_store_relaxed(&place->word, state);
	fl_then();
	count(counter, place);
}

void fl_shared_queue_drop_(const struct fl_places *places, uint32_t slot, uint64_t *counter, uint32_t state)
{
	struct fl_place *place = fl_place_at(places, slot);

	decide(counter, place, state);
	make_unused(place);
	fl_then();
	fl_unused_add_(places, slot);
}

/* Ends what was begun with an item that its place says is in the queue, or has left it. */
static void end_count(fl_shared_queue *queue, const struct fl_place *place, uint32_t state)
{
	if (state == FL_PLACE_READY && place->deliveries != 0)
		count(&queue->returned, place);
	else if (state == FL_PLACE_DROPPED)
		count(&queue->dropped, place);
	else if (state == FL_PLACE_CLEARED)
		count(&queue->cleared, place);
}

/* Puts a place where it belongs, in lists that are only filled. */
static void sort_in(const struct fl_places *places, uint32_t slot)
{
	fl_shared_queue *queue = places->queue;
	struct fl_place *place = fl_place_at(places, slot);
	uint32_t state = fl_place_state(place);

	end_count(queue, place, state);
	switch (state) {
	case FL_PLACE_READY:
		fl_ready_pile_(places, slot);
		break;
	case FL_PLACE_RESERVED:
	case FL_PLACE_TAKEN:
		fl_owned_add_(places, slot);
		break;
	default:
		make_unused(place);
		fl_unused_add_(places, slot);
		return;
	}
	if (state == FL_PLACE_RESERVED)
		fl_store_relaxed(&queue->n_reserved, queue->n_reserved + 1);
	else if (queue->number < place->number)
		fl_store_relaxed(&queue->number, place->number);
}

void fl_shared_queue_mend_(const struct fl_places *places)
{
	fl_shared_queue *queue = places->queue;

	fl_store_relaxed(&queue->n_ready, 0);
	fl_store_relaxed(&queue->n_unused, 0);
	fl_store_relaxed(&queue->n_held, 0);
	fl_store_relaxed(&queue->n_reserved, 0);
	queue->first_unused = queue->cursor = 0;
	for (uint32_t slot = places->limit; slot > 0; slot--)
		sort_in(places, slot - 1);
	fl_ready_sort_(places);
	queue->getters = queue->putters = queue->joiners = 1;
}

int fl_shared_queue_return_(const struct fl_places *places, uint32_t slot, uint32_t *near)
{
	decide(&places->queue->returned, fl_place_at(places, slot), FL_PLACE_READY);
	return fl_ready_insert_(places, slot, near);
}

/* Of one that is held no more. */
static int inherit(const struct fl_places *places, uint32_t slot, uint32_t state, uint32_t *near)
{
	fl_shared_queue *queue = places->queue;
	struct fl_place *place = fl_place_at(places, slot);

	if (state == FL_PLACE_TAKEN && (queue->deliveries == 0 || place->deliveries < queue->deliveries))
		return fl_shared_queue_return_(places, slot, near);
	if (state == FL_PLACE_TAKEN) {
		fl_shared_queue_drop_(places, slot, &queue->dropped, FL_PLACE_DROPPED);
		return 0;
	}
	make_unused(place);
	fl_store_relaxed(&queue->n_reserved, queue->n_reserved - 1);
	fl_unused_add_(places, slot);
	return 0;
}

int fl_shared_queue_look_after_(const struct fl_places *places, uint32_t slot, uint32_t *near)
{
	struct fl_place *place = fl_place_at(places, slot);
	uint32_t word = fl_load_relaxed(&place->word), state = word & FL_PLACE_STATE, heir;
	int error;

	if (state != FL_PLACE_RESERVED && state != FL_PLACE_TAKEN)
		return -EPROTO;
	if (fl_lot_alive_(places->view, word & FL_PEER_MASK))
		return 0;
	heir = fl_lot_living_(places->view, place->process_id);
	if (heir != 0) {
		fl_store_relaxed(&place->word, state | heir);
		return 0;
	}
	error = fl_owned_remove_(places, slot);
	if (error == 0)
		error = inherit(places, slot, state, near);
	return error != 0 ? error : 1;
}

int fl_shared_queue_look_after_all_(const struct fl_places *places)
{
	uint32_t link = fl_load_relaxed(&places->queue->first_held), slot = 0, near = 0;
	int found = 0;

	for (uint32_t n = fl_place_count(places, &places->queue->n_held); n > 0; n--) {
		int result =
			fl_list_next(places, &link, &slot) ? fl_shared_queue_look_after_(places, slot, &near) : -EPROTO;

		if (result < 0)
			return result;
		found += result;
	}
	return found;
}
