/*
 * shm/shared_queue.h - a queue in a segment: what is in it, and what the files that have to do with it need of each
 * other.
 *
 *     struct fl_shared_queue | heap[limit], of a queue by priority | place, item | place, item | ...
 *
 * A place is a struct fl_place of 64 bytes, and the item behind it.
 *
 * The places are the truth: the `word` of each says whether there is an item in it and whose it is, and it changes by
 * single stores. The lists in which they are, and the numbers in the head, are only there to find them quickly: they
 * are made anew from the places when somebody has died in the middle of a change (shared_queue_mend.c).
 */
#ifndef FL_SHM_SHARED_QUEUE_H
#define FL_SHM_SHARED_QUEUE_H

#include "base/atomic.h"
#include "base/lot.h"
#include "shm/layout.h"
#include <fairlead/lock.h>
#include <fairlead/shared_queue.h>

/* What a place is: the bits of its word above FL_PEER_MASK. Below them, of RESERVED and TAKEN, the thread that has
 * it. */
#define FL_PLACE_UNUSED 0u
#define FL_PLACE_RESERVED (1u << 29) /* somebody writes an item there */
#define FL_PLACE_READY (2u << 29)    /* an item is in the queue */
#define FL_PLACE_TAKEN (3u << 29)    /* somebody has it */
#define FL_PLACE_DROPPED (4u << 29)  /* about to be unused, and counted: see `counted`; */
#define FL_PLACE_CLEARED (5u << 29)  /* the same, by a shutdown */
#define FL_PLACE_STATE (7u << 29)

struct fl_place {
	uint32_t word;
	uint32_t size;   /* of the item, in bytes */
	uint64_t number; /* its place in the order in which items were put; from 1 on */
	int64_t priority;
	uint64_t process_id; /* of whoever has it: struct fl_lot_view */
	uint64_t counted;    /* of a returned, dropped or cleared item: what the count of those is at least */
	uint32_t deliveries;
	uint32_t use;            /* how often somebody has had this place */
	uint32_t next, previous; /* in its list: the place's number and 1; 0: none. Only what is held has `previous` */
	uint64_t spare;
};

struct fl_shared_queue {
	/* What every call changes, under the lock, in one cache line. */
	fl_lock lock;
	uint32_t n_ready, n_unused, n_held, n_reserved;
	uint32_t first_ready, last_ready, first_unused, first_held;
	uint64_t number;                    /* of the item that was put last */
	uint32_t getters, putters, joiners; /* somebody may be waiting for an item, for room, for all to be done */
	uint32_t cursor;                    /* the next one of those held whose owner is to be looked at */

	/* What hardly ever changes. */
	uint32_t kind, item_size, limit, priority_at, deliveries;
	uint32_t is_shutdown;
	uint64_t spare[5];

	/* What some change. */
	uint16_t spin_getters, spin_putters;
	uint32_t spare_of_some;
	uint64_t returned, dropped, cleared;
	uint64_t spare_at_end[4];
};

_Static_assert(sizeof(struct fl_place) == 64, "an item begins at a multiple of 64");
_Static_assert(offsetof(struct fl_shared_queue, kind) == 64, "a cache line for what every call changes");
_Static_assert(offsetof(struct fl_shared_queue, spin_getters) == 128, "and one for what does not change");
_Static_assert(sizeof(struct fl_shared_queue) == 192, "what follows begins at a multiple of 64");

/* A queue as a call has found it: its figures read once, and checked. */
struct fl_places {
	fl_shared_queue *queue;
	struct fl_lot_mine *mine;
	const struct fl_lot_view *view;
	uint32_t kind, limit, item_size;
	uint32_t stride; /* from one place to the next, in bytes */
	uint32_t *heap;
	char *first;
};

/* A call under way. */
struct fl_shared_queue_call {
	struct fl_places places;
	uint32_t me;
	bool locked;
	bool keeps; /* the item is to be had until it is done */
	/* What is put; where to copy what is got. */
	const void *from;
	void *to;
	size_t size; /* of what is put; of the room at `to` */
	fl_shared_queue_item item;
};

/* What a call wants. It is tried under the lock. */
struct fl_wish {
	int (*attempt)(struct fl_shared_queue_call *call); /* returns -EAGAIN: one would have to wait */
	/* Where in the head is the flag for that; and, of one that is worth spinning for, the hint, a number that is
	 * not 0 when there may be something, and the first of a list that is probably what it is going to be. */
	size_t flag, hint, count, first;
};

static inline struct fl_place *fl_place_at(const struct fl_places *places, uint32_t slot)
{
	return (struct fl_place *)(places->first + (size_t)slot * places->stride);
}

static inline void *fl_place_item(struct fl_place *place)
{
	return place + 1;
}

static inline uint32_t fl_place_state(const struct fl_place *place)
{
	return fl_load_relaxed(&place->word) & FL_PLACE_STATE;
}

/* How many places there are in a list: never more than there are at all, whatever the number says. */
static inline uint32_t fl_place_count(const struct fl_places *places, const uint32_t *n)
{
	uint32_t value = fl_load_relaxed(n);

	return value <= places->limit ? value : places->limit;
}

/* ---- shared_queue_wait.c ---- */

/* How many bytes such a queue has, all in all; 0: it cannot be made. */
uint64_t fl_shared_queue_bytes_(uint32_t kind, uint32_t limit, uint32_t item_size);

/* Finds the parts of one that has these figures. Not `mine` and `view`. */
void fl_shared_queue_lay_out_(struct fl_places *places, fl_shared_queue *queue, uint32_t kind, uint32_t limit,
			      uint32_t item_size);

/* Begins a call: finds the queue's parts. Returns 0; what fl_lot_mine returns; -EPROTO. */
int fl_shared_queue_find_(fl_shared_queue *queue, struct fl_shared_queue_call *call);

/* Takes the lock, and mends what somebody has died at. Returns 0; -EPROTO; -ENOSYS: one would have to wait, and this
 * kernel cannot. */
int fl_shared_queue_enter_(struct fl_shared_queue_call *call);
/* Gives it back, and wakes whom there is something for. */
void fl_shared_queue_leave_(struct fl_shared_queue_call *call);

/* Whether nothing is in it, and nobody has an item. */
bool fl_shared_queue_done_(const fl_shared_queue *queue);

/* Tries until it is done. Returns what the attempt returns but -EAGAIN; -ETIMEDOUT, -ECANCELED; what
 * fl_shared_queue_enter_ returns. */
int fl_shared_queue_fulfil_(struct fl_shared_queue_call *call, const struct fl_wish *wish, fl_time deadline,
			    fl_note *note);

/* ---- shared_queue_lists.c, under the lock. Numbers that cannot be give -EPROTO ---- */

/* The place that is to be handed out next, which stays where it is. Returns 0; -EAGAIN: there is none; -EPROTO. */
int fl_ready_first_(const struct fl_places *places, uint32_t *ret_slot);
/* Takes that one away. */
void fl_ready_take_(const struct fl_places *places);
/* Adds a place whose item has the highest number of all. */
int fl_ready_add_(const struct fl_places *places, uint32_t slot);
/* Adds one whose item has any number. *near is where the one before it was added in the same stretch with the lock, or
 * 0: many in their order, or against it, take no longer than one. */
int fl_ready_insert_(const struct fl_places *places, uint32_t slot, uint32_t *near);
/* Adds one anywhere, for fl_ready_sort_, which brings all into their order. */
void fl_ready_pile_(const struct fl_places *places, uint32_t slot);
void fl_ready_sort_(const struct fl_places *places);

/* The same of those that nobody uses: the one that was added last, which is most likely still in a cache. */
int fl_unused_first_(const struct fl_places *places, uint32_t *ret_slot);
void fl_unused_take_(const struct fl_places *places);
void fl_unused_add_(const struct fl_places *places, uint32_t slot);

/* And of those that somebody has. */
void fl_owned_add_(const struct fl_places *places, uint32_t slot);
int fl_owned_remove_(const struct fl_places *places, uint32_t slot);

/* The next slot of a list, and where it goes on. Returns whether there is one; what is behind the end is none. */
static inline bool fl_list_next(const struct fl_places *places, uint32_t *link, uint32_t *ret_slot)
{
	uint32_t slot = *link - 1;

	if (slot >= places->limit)
		return false;
	*ret_slot = slot;
	*link = fl_load_relaxed(&fl_place_at(places, slot)->next);
	return true;
}

/* ---- shared_queue_mend.c, under the lock ---- */

/* Makes the lists and numbers anew from the places. */
void fl_shared_queue_mend_(const struct fl_places *places);
/* Sees to the item in that place, whose owner may be dead; `near` as for fl_ready_insert_. Returns whether something
 * was handed back or dropped; -EPROTO. */
int fl_shared_queue_look_after_(const struct fl_places *places, uint32_t slot, uint32_t *near);
/* To all that are held. */
int fl_shared_queue_look_after_all_(const struct fl_places *places);
/* Hands an item out again: in its order. It is held no more. */
int fl_shared_queue_return_(const struct fl_places *places, uint32_t slot, uint32_t *near);
/* Drops an item that is in no list, and counts it there; the state says which count that is. */
void fl_shared_queue_drop_(const struct fl_places *places, uint32_t slot, uint64_t *counter, uint32_t state);

#endif
