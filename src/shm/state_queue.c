/*
 * shm/state_queue.c - how a queue in a segment is doing, as one who only looks on can tell (shm/shared_queue.h).
 *
 * Its lock is not taken, so its lists change while they are followed: for no more steps than there is room to tell of,
 * and only through places that are within the queue.
 */
#include "shm/shared_queue.h"
#include "shm/state.h"

/* Finds the parts. Returns false if they are not where they must be. */
static bool find(const struct fl_state_look *look, struct fl_places *ret_places)
{
	const fl_shared_queue *queue = look->object;
	uint32_t kind = fl_load_relaxed(&queue->kind), limit = fl_load_relaxed(&queue->limit),
		 item_size = fl_load_relaxed(&queue->item_size);

	if (kind > FL_QUEUE_PRIORITY || fl_shared_queue_bytes_(kind, limit, item_size) != look->size)
		return false;
	fl_shared_queue_lay_out_(ret_places, (fl_shared_queue *)(uintptr_t)queue, kind, limit, item_size);
	return true;
}

/* Who has an item, or room for one, is a process: if that thread has ended, another one of it stands for it. */
static void look_at_place(struct fl_state_look *look, const struct fl_place *place)
{
	uint32_t word = fl_load_relaxed(&place->word), number = word & FL_PEER_MASK, heir;
	bool taken = (word & FL_PLACE_STATE) == FL_PLACE_TAKEN;

	if (!taken && (word & FL_PLACE_STATE) != FL_PLACE_RESERVED)
		return;
	heir = fl_lot_alive_(look->view, number) ? 0 : fl_lot_living_(look->view, fl_load_relaxed(&place->process_id));
	fl_state_holder_(look, heir != 0 ? heir : number, taken ? "getter" : "putter", 1);
}

static void look_at_held(struct fl_state_look *look, const struct fl_places *places)
{
	uint32_t link = fl_load_relaxed(&places->queue->first_held), slot = 0;

	for (uint32_t n = fl_place_count(places, &places->queue->n_held); n > 0; n--) {
		if (look->state->n_holders == FL_STATE_HOLDERS || !fl_list_next(places, &link, &slot))
			return;
		look_at_place(look, fl_place_at(places, slot));
	}
}

void fl_state_queue_(struct fl_state_look *look)
{
	struct fl_places places = {0};
	const fl_shared_queue *queue;
	uint32_t ready, unused;

	if (!find(look, &places))
		return;
	queue = places.queue;
	ready = fl_place_count(&places, &queue->n_ready);
	unused = fl_place_count(&places, &queue->n_unused);
	look->state->unit = "items";
	look->state->value = ready;
	look->state->most = places.limit;
	look->state->counts = "puts";
	look->state->count = fl_load_relaxed(&queue->number);
	if (fl_load_relaxed(&queue->is_shutdown) != 0)
		look->state->state = "shutdown";
	else
		look->state->state = ready == 0 ? "empty" : unused == 0 ? "full" : "ready";
	look_at_held(look, &places);
	fl_state_waiters_(look, &queue->getters, "get");
	fl_state_waiters_(look, &queue->putters, "put");
	fl_state_waiters_(look, &queue->joiners, "join");
	fl_state_waiters_(look, &queue->lock, "acquire");
}
