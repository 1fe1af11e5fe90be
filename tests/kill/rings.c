/*
 * rings.c - a lock-free ring in shared memory: ConcurrencyKit's, for many producers and many consumers.
 *
 * Lock-free is not kill-proof: a producer takes a slot and then fills it, and who is killed in between leaves a slot
 * that all others wait for. Nobody sleeps here; who finds it full or empty gives the processor away and tries again.
 */
#include "kill.h"

#include <ck_ring.h>
#include <sched.h>

enum { SLOTS = 1024 };

struct ring {
	struct ck_ring ring;
	struct ck_ring_buffer slots[SLOTS];
	struct kill_ledger ledger;
};

static int make_ring(void *memory)
{
	ck_ring_init(&((struct ring *)memory)->ring, SLOTS);
	return 0;
}

static void use_ring(void *memory, struct kill_worker *worker)
{
	struct ring *ring = memory;
	void *item;

	if (worker->role == 0) {
		item = (void *)(uintptr_t)kill_item_next(&ring->ledger, worker);
		while (!ck_ring_enqueue_mpmc(&ring->ring, ring->slots, item))
			sched_yield();
		kill_item_put(&ring->ledger, worker);
	} else {
		while (!ck_ring_dequeue_mpmc(&ring->ring, ring->slots, &item))
			sched_yield();
		kill_item_got(&ring->ledger, (uintptr_t)item);
	}
	kill_dwell(worker);
}

static void check_ring(const void *memory, struct kill_verdict *verdict)
{
	kill_ledger_check(&((const struct ring *)memory)->ledger, 1, 0, verdict);
}

const struct kill_object kill_rings[] = {
	{.name = "ck-ring",
	 .what = "ConcurrencyKit ring, lock-free, in shared memory",
	 .size = sizeof(struct ring),
	 .roles = 2,
	 .drains = true,
	 .init = make_ring,
	 .operate = use_ring,
	 .check = check_ring,
	 .situations = {{.name = "put"}, {.name = "get", .role = 1, .before = use_ring}}},
	{0},
};
