/*
 * frame/pins.c - the steps by which reader and producer agree on who has which slot. What they are for, and why they
 * are right, is in pins.h.
 *
 * Rejected: a reference count in each slot (what a killed reader had counted stays counted; iceoryx is dead after 21
 * such readers); a flag "being written" in each slot beside that (the second look at `latest` says all that it would);
 * a lock that readers take (one of them, stopped, keeps the producer waiting).
 */
#include "frame/pins.h"

bool fl_pins_take_latest_(struct fl_pins *pins, uint32_t index, const struct fl_frames_memory *memory, uint64_t after,
			  uint64_t *ret_latest)
{
	/* [pins.1] seq_cst; pairs with [pins.2] */
	uint64_t latest = fl_load_seq_cst(&memory->head->latest), again;

	while (fl_frames_sequence_of(latest) > after) {
		/* [pins.3] seq_cst; pairs with [pins.4] */
		fl_store_seq_cst(&pins->hold[index], fl_pin(memory->generation, fl_frames_slot_of(latest)));
		/* [pins.1] seq_cst; pairs with [pins.2] */
		again = fl_load_seq_cst(&memory->head->latest);
		if (again == latest) {
			*ret_latest = latest;
			return true;
		}
		latest = again;
	}
	fl_pins_give_back_(pins, index);
	return false;
}

bool fl_pins_take_queued_(struct fl_pins *pins, uint32_t index, const struct fl_frames_memory *memory, uint32_t n_queue,
			  uint64_t *ret_latest, bool *ret_moved)
{
	uint32_t tail = fl_load_relaxed(&pins->tail);
	const struct fl_queued *queued = &pins->queue[tail % n_queue];

	/* [pins.5] seq_cst; pairs with [pins.6] */
	if (fl_load_seq_cst(&pins->head) == tail)
		return false;
	*ret_moved = fl_load_relaxed(&queued->generation) != memory->generation;
	if (*ret_moved)
		return false;
	*ret_latest = fl_load_relaxed(&queued->latest);
	/* [pins.9] release; pairs with [pins.4] */
	fl_store_release(&pins->hold[index], fl_pin(memory->generation, fl_frames_slot_of(*ret_latest)));
	/* [pins.7] seq_cst; pairs with [pins.8] */
	fl_store_seq_cst(&pins->tail, tail + 1);
	return true;
}

bool fl_pins_anything_(const struct fl_pins *pins, const struct fl_frames_memory *memory, uint32_t n_queue,
		       uint64_t after)
{
	if (n_queue > 0)
		/* [pins.5] seq_cst; pairs with [pins.6] */
		return fl_load_seq_cst(&pins->head) != fl_load_relaxed(&pins->tail);
	/* [pins.1] seq_cst; pairs with [pins.2] */
	return fl_frames_sequence_of(fl_load_seq_cst(&memory->head->latest)) > after;
}

void fl_pins_give_back_(struct fl_pins *pins, uint32_t index)
{
	/* [pins.9] release; pairs with [pins.4] */
	fl_store_release(&pins->hold[index], 0);
}

uint32_t fl_pins_free_(const struct fl_pins *pins, uint32_t n)
{
	uint32_t i = 0;

	while (i < n && fl_load_relaxed(&pins->hold[i]) != 0)
		i++;
	return i;
}

void fl_pins_arm_(struct fl_pins *pins)
{
	/* [pins.10] seq_cst; pairs with [pins.11] */
	fl_store_seq_cst(&pins->armed, 1);
}

void fl_pins_stay_awake_(struct fl_pins *pins)
{
	fl_store_relaxed(&pins->armed, 0);
}

/* Takes a flag away, if it is set. */
static bool take_flag(uint32_t *flag)
{
	/* [pins.11] seq_cst; pairs with [pins.10] */
	return fl_load_seq_cst(flag) != 0 && fl_exchange_relaxed(flag, 0) != 0;
}

bool fl_pins_tell_room_(struct fl_pins *pins)
{
	return take_flag(&pins->wants_room);
}

bool fl_pins_disarm_(struct fl_pinned *pinned)
{
	return take_flag(&pinned->pins->armed);
}

void fl_pins_publish_(struct fl_frames_head *head, uint64_t latest)
{
	/* [pins.2] seq_cst; pairs with [pins.1] */
	fl_store_seq_cst(&head->latest, latest);
}

/* How many of its queue the reader has not taken: what it says, unless that cannot be. */
uint32_t fl_pins_queued_(const struct fl_pinned *pinned)
{
	/* [pins.8] seq_cst; pairs with [pins.7] */
	uint32_t n = pinned->head - fl_load_seq_cst(&pinned->pins->tail);

	return n <= pinned->n_queue ? n : pinned->n_queue;
}

static void mark_one(uint32_t pin, const struct fl_frames_memory *memory, uint8_t *used)
{
	uint32_t slot = (pin & 0xffff) - 1;

	if (pin >> 16 == (memory->generation & 0xffff) && slot < memory->n_slots)
		used[slot] = 1;
}

void fl_pins_mark_(const struct fl_pinned *pinned, const struct fl_frames_memory *memory, uint8_t *used)
{
	uint32_t i, n;

	/* The queue first: what the reader takes from it meanwhile it has named in hold[] before. */
	n = pinned->n_queue > 0 ? fl_pins_queued_(pinned) : 0;
	for (i = 0; i < n; i++)
		mark_one(pinned->queue[(pinned->head - 1 - i) % pinned->n_queue], memory, used);
	for (i = 0; i < pinned->n_held; i++)
		/* [pins.4] seq_cst; pairs with [pins.3], [pins.9] */
		mark_one(fl_load_seq_cst(&pinned->pins->hold[i]), memory, used);
}

uint32_t fl_pins_held_(const struct fl_pinned *pinned)
{
	uint32_t i, n = 0;

	for (i = 0; i < pinned->n_held; i++)
		n += fl_load_relaxed(&pinned->pins->hold[i]) != 0;
	return n;
}

bool fl_pins_push_(struct fl_pinned *pinned, uint64_t latest, uint32_t generation)
{
	struct fl_queued *queued = &pinned->pins->queue[pinned->head % pinned->n_queue];

	if (fl_pins_queued_(pinned) == pinned->n_queue)
		return false;
	fl_store_relaxed(&queued->latest, latest);
	fl_store_relaxed(&queued->generation, generation);
	pinned->queue[pinned->head % pinned->n_queue] = fl_pin(generation, fl_frames_slot_of(latest));
	pinned->head++;
	/* [pins.6] seq_cst; pairs with [pins.5] */
	fl_store_seq_cst(&pinned->pins->head, pinned->head);
	return true;
}

bool fl_pins_ask_room_(struct fl_pinned *pinned)
{
	/* [pins.10] seq_cst; pairs with [pins.11] */
	fl_store_seq_cst(&pinned->pins->wants_room, 1);
	return fl_pins_queued_(pinned) == pinned->n_queue;
}
