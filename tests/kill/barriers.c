/*
 * barriers.c - the Barrier of Fairlead, shared: whoever finds it broken by a death makes it whole again.
 */
#include "in_segment.h"
#include "kill.h"

#include <errno.h>
#include <fairlead/barrier.h>

struct shared {
	uint64_t opened, arrived[KILL_MOST_WORKERS]; /* how often it has opened, and who in each place has come to it */
	uint64_t early;
};

static fl_barrier *barrier;

static int init(void *memory)
{
	int error = fl_segment_open(&segment, NULL, NULL);

	(void)memory;
	return error < 0 ? error : fl_segment_barrier(segment, "gate", kill_workers(), &barrier);
}

/* Takes its place in the segment: what follows has the same steps each time. */
static void begin(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	fl_barrier_n_waiting(barrier);
}

/* It opens when all have come: so who is in another place has come as often as it has opened. */
static void count_opening(struct shared *shared)
{
	uint64_t opened = __atomic_add_fetch(&shared->opened, 1, __ATOMIC_RELAXED);

	for (unsigned i = 0; i < kill_workers(); i++)
		if (__atomic_load_n(&shared->arrived[i], __ATOMIC_RELAXED) < opened)
			__atomic_store_n(&shared->early, 1, __ATOMIC_RELAXED);
}

static void go_through(void *memory, struct kill_worker *worker)
{
	struct shared *shared = memory;
	int index;

	__atomic_add_fetch(&shared->arrived[worker->index], 1, __ATOMIC_RELAXED);
	index = fl_barrier_wait(barrier);
	if (index == (int)kill_workers() - 1)
		count_opening(shared);
	else if (index == -EPIPE && fl_barrier_broken(barrier))
		fl_barrier_reset(barrier);
	else if (index < 0 && index != -EPIPE)
		kill_fail("fl_barrier_wait", index);
	kill_dwell(worker);
}

static void stay_away(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
}

static void come_and_die(void *memory, struct kill_worker *worker)
{
	__atomic_add_fetch(&((struct shared *)memory)->arrived[worker->index], 1, __ATOMIC_RELAXED);
	if (fl_barrier_wait_until(barrier, 0, NULL) != -ETIMEDOUT)
		kill_fail("fl_barrier_wait_until", 0);
}

static void check(const void *memory, struct kill_verdict *verdict)
{
	verdict->broken += ((const struct shared *)memory)->early;
}

const struct kill_object kill_barriers[] = {
	{.name = "barrier",
	 .what = "Fairlead shared Barrier",
	 .expects = KILL_SURVIVES,
	 .size = sizeof(struct shared),
	 .init = init,
	 .fini = close_segment,
	 .start = begin,
	 .operate = go_through,
	 .check = check,
	 .situations = {{.name = "first", .before = stay_away, .meanwhile = go_through},
			{.name = "last", .waits = true},
			{.name = "another one broke it and died", .before = come_and_die, .dies = true}}},
	{0},
};
