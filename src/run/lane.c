/*
 * run/lane.c - a lane of work: those who put are behind a lock, those who take need none.
 *
 * It is a ring that doubles when it is full. Entry i, counted from the first that was ever put, is in slot i modulo the
 * ring's size; there are entries head to tail - 1. Whoever puts writes the slot, then moves the tail; whoever takes
 * reads the slot, then moves the head by one compare-and-swap, and has the entry if that succeeds. That is how thieves
 * take from a work-stealing deque (Chase and Lev, 2005), without the owner's end.
 *
 * Invariants:
 *   [L1] head <= tail, and neither ever goes back; they count up to 2^64 and do not wrap. tail, ring and seen_head
 *        change under the lock only. seen_tail is some earlier tail.
 *   [L2] A slot is written only when the entry that was in it has been taken: seen_head, which is never more than head,
 *        was looked at. So what a taker has read is entry `head` if head is still the same when it has read it.
 *   [L3] A ring that has been replaced is not written any more and stays until the lane ends: a taker that still reads
 *        it finds there what it would find in the new one, since that began with copies of all that was not taken.
 *   [L4] Who takes asks for the tail, which those who put write again and again, only when it has taken all that it
 *        knew of; so a taker that is behind does not disturb them.
 *   [L5] Whoever puts releases the lock in the one order of all seq_cst operations, and fl_lane_has_ looks at the lock
 *        in it: who asks after that release sees what was put before it. To write the tail need not be ordered so.
 *
 * Progress: to take is lock-free. To put takes the lock for some ten instructions; a thread that loses its processor in
 * there holds up those who put into the same lane, and nobody who takes.
 *
 * Rejected: one lock for both (who takes would hold up who puts, and two lines go to and fro for each entry); the
 * sequence number in each slot of Vyukov's bounded queue (a line of the ring goes back and forth for each slot that is
 * read to see whether it is free); a deque per worker and none for strangers, as Cilk has it (most work comes from
 * threads that are not workers); a batch taken at a time (work that was taken and not begun, behind one that waits
 * for it).
 */
#include "run/lane.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST 256u

static struct fl_lane_ring *make_ring(uint64_t size, struct fl_lane_ring *older)
{
	struct fl_lane_ring *ring = malloc(sizeof(*ring) + size * sizeof(ring->items[0]));

	if (ring) {
		ring->mask = size - 1;
		ring->older = older;
	}
	return ring;
}

int fl_lane_begin_(struct fl_lane *lane, const uint64_t *closed, uint64_t closed_bits)
{
	lane->closed = closed;
	lane->closed_bits = closed_bits;
	lane->ring = make_ring(FIRST, NULL);
	return lane->ring ? 0 : -ENOMEM;
}

void fl_lane_end_(struct fl_lane *lane)
{
	struct fl_lane_ring *ring = lane->ring, *older;

	for (; ring; ring = older) {
		older = ring->older;
		free(ring);
	}
}

static void write_item(struct fl_lane_ring *ring, uint64_t i, struct fl_work_item item)
{
	struct fl_work_item *slot = &ring->items[i & ring->mask];

	fl_store_relaxed(&slot->function, item.function);
	fl_store_relaxed(&slot->arg, item.arg);
}

static struct fl_work_item read_item(const struct fl_lane_ring *ring, uint64_t i)
{
	const struct fl_work_item *slot = &ring->items[i & ring->mask];

	return (struct fl_work_item){fl_load_relaxed(&slot->function), fl_load_relaxed(&slot->arg)};
}

static int grow(struct fl_lane *lane, uint64_t tail)
{
	struct fl_lane_ring *old = lane->ring, *ring = make_ring(2 * (old->mask + 1), old);
	uint64_t i;

	if (!ring)
		return -ENOMEM;
	for (i = lane->seen_head; i != tail; i++)
		write_item(ring, i, read_item(old, i));
	/* [lane.5] release; pairs with [lane.6] */
	fl_store_release(&lane->ring, ring);
	return 0;
}

/* Whether there is a free slot, or can be made one. */
static int make_room(struct fl_lane *lane, uint64_t tail)
{
	if (fl_likely(tail - lane->seen_head <= lane->ring->mask))
		return 0;
	/* [lane.3] acquire; pairs with [lane.4] */
	lane->seen_head = fl_load_acquire(&lane->head);
	return tail - lane->seen_head <= lane->ring->mask ? 0 : grow(lane, tail);
}

int fl_lane_put_(struct fl_lane *lane, struct fl_work_item item)
{
	uint64_t tail;
	int error;

	fl_inner_acquire(&lane->lock);
	tail = fl_load_relaxed(&lane->tail);
	error = fl_load_relaxed(lane->closed) & lane->closed_bits ? -EPIPE : make_room(lane, tail);
	if (fl_likely(error == 0)) {
		write_item(lane->ring, tail, item);
		/* [lane.1] release; pairs with [lane.2] */
		fl_store_release(&lane->tail, tail + 1);
	}
	fl_inner_release_in_order(&lane->lock);
	return error;
}

void fl_lane_settle_(struct fl_lane *lane)
{
	fl_inner_acquire(&lane->lock);
	fl_inner_release(&lane->lock);
}

/* How many were put, as far as it matters for who takes the entry `head`. */
static uint64_t tail_for(struct fl_lane *lane, uint64_t head)
{
	/* [lane.8] acquire; pairs with [lane.9] */
	uint64_t tail = fl_load_acquire(&lane->seen_tail);

	if (head < tail)
		return tail;
	/* [lane.2] acquire; pairs with [lane.1] */
	tail = fl_load_acquire(&lane->tail);
	if (head < tail)
		/* [lane.9] release; pairs with [lane.8] */
		fl_store_release(&lane->seen_tail, tail);
	return tail;
}

bool fl_lane_take_(struct fl_lane *lane, struct fl_work_item *ret_item)
{
	/* [lane.10] acquire; pairs with [lane.4] */
	uint64_t head = fl_load_acquire(&lane->head);
	struct fl_work_item item;

	while (head < tail_for(lane, head)) {
		/* [lane.6] acquire; pairs with [lane.5] */
		item = read_item(fl_load_acquire(&lane->ring), head);
		/* [lane.4] release; pairs with [lane.3], [lane.10] */
		if (fl_likely(fl_cas_release(&lane->head, &head, head + 1))) {
			*ret_item = item;
			return true;
		}
	}
	return false;
}

bool fl_lane_has_(const struct fl_lane *lane)
{
	fl_inner_look_in_order(&lane->lock);
	return fl_load_relaxed(&lane->head) < fl_load_relaxed(&lane->tail);
}
