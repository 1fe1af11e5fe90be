/*
 * semaphores.c - the Semaphore of Fairlead, shared.
 *
 *   semaphore          without holders, as a signal: the first of each pair of workers releases when nothing is left,
 *                      the other one acquires. Who is killed may take one permit along, and no more may be missing.
 *   semaphore-holder   with one permit that knows its holder: a lock.
 *   semaphore-holders  with two for four workers: never are more than two inside, and at the end both are there.
 */
#include "in_segment.h"
#include "kill.h"

#include <errno.h>
#include <fairlead/semaphore.h>
#include <sched.h>

enum { SEATS = 2, MOST_AT_ONCE = 2, PART_BITS = 16 };

#define PART UINT64_C(0xffff)

struct shared {
	struct kill_guarded guarded;
	uint64_t inside;
	uint64_t crowded;
	uint64_t released[KILL_MOST_WORKERS], acquired[KILL_MOST_WORKERS];
};

static fl_semaphore *semaphore, *spare;

#define load(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)

static int init(uint32_t permits)
{
	int error = fl_segment_open(&segment, NULL, NULL);

	if (error == 0)
		error = fl_segment_semaphore(segment, "spare", 1, &spare);
	if (error >= 0 && permits == 0)
		error = fl_segment_semaphore(segment, "signal", 0, &semaphore);
	else if (error >= 0)
		error = fl_segment_semaphore_holders(segment, "seats", permits, &semaphore);
	return error < 0 ? error : 0;
}

static int init_signal(void *memory)
{
	(void)memory;
	return init(0);
}

static int init_one(void *memory)
{
	(void)memory;
	return init(1);
}

static int init_seats(void *memory)
{
	(void)memory;
	return init(SEATS);
}

/* Takes its place in the segment: what follows has the same steps each time. */
static void begin(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	while (fl_semaphore_acquire_try(spare))
		;
}

static void acquire(void)
{
	int error = fl_semaphore_acquire(semaphore);

	if (error != 0)
		kill_fail("fl_semaphore_acquire", error);
}

static void release(uint32_t n)
{
	int error = fl_semaphore_release(semaphore, n);

	if (error != 0)
		kill_fail("fl_semaphore_release", error);
}

/* A signal. */

static void give(struct shared *shared, struct kill_worker *worker)
{
	uint64_t *released = &shared->released[worker->index];
	uint32_t n = 1 + *released % MOST_AT_ONCE;

	while (fl_semaphore_value(semaphore) != 0)
		sched_yield();
	release(n);
	store(released, *released + n);
}

static void signal_or_wait(void *memory, struct kill_worker *worker)
{
	struct shared *shared = memory;

	if (worker->role == 0) {
		give(shared, worker);
	} else {
		acquire();
		store(&shared->acquired[worker->index], shared->acquired[worker->index] + 1);
	}
	kill_dwell(worker);
}

static void be_there(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
}

static void check_signal(const void *memory, struct kill_verdict *verdict)
{
	const struct shared *shared = memory;
	uint64_t released = 0, acquired = fl_semaphore_value(semaphore), deaths = kill_deaths();

	for (unsigned i = 0; i < KILL_MOST_WORKERS; i++) {
		released += shared->released[i];
		acquired += shared->acquired[i];
	}
	if (released > acquired + deaths)
		verdict->lost += released - acquired - deaths;
	if (acquired > released + MOST_AT_ONCE * deaths)
		verdict->doubled += acquired - released - MOST_AT_ONCE * deaths;
}

/* A lock. */

static void hold(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	acquire();
}

static void let_go(void *memory, struct kill_worker *worker)
{
	kill_guarded_use(&((struct shared *)memory)->guarded, worker);
	release(1);
}

static void use_alone(void *memory, struct kill_worker *worker)
{
	acquire();
	let_go(memory, worker);
}

static void check_alone(const void *memory, struct kill_verdict *verdict)
{
	kill_guarded_check(&((const struct shared *)memory)->guarded, verdict);
	verdict->lost += fl_semaphore_value(semaphore) != 1;
}

/* Seats. */

/* A part of the word for each worker, so that all are looked at in one moment: the generation that is inside, or 0.
 * Returns what the word was after it. */
static uint64_t set_inside(struct shared *shared, unsigned index, uint64_t generation)
{
	uint64_t before = load(&shared->inside), after;

	do
		after = (before & ~(PART << index * PART_BITS)) | generation << index * PART_BITS;
	while (!__atomic_compare_exchange_n(&shared->inside, &before, after, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST));
	return after;
}

static unsigned count_inside(uint64_t inside)
{
	unsigned n = 0;

	for (unsigned i = 0; i < kill_workers(); i++) {
		uint64_t generation = inside >> i * PART_BITS & PART;

		n += generation != 0 && load(&kill_worker_at(i)->killed) < generation;
	}
	return n;
}

static void sit(void *memory, struct kill_worker *worker)
{
	struct shared *shared = memory;

	acquire();
	if (count_inside(set_inside(shared, worker->index, worker->generation)) > SEATS)
		__atomic_add_fetch(&shared->crowded, 1, __ATOMIC_RELAXED);
	store(&worker->inside, 1);
	kill_dwell(worker);
	set_inside(shared, worker->index, 0);
	release(1);
}

static void check_seats(const void *memory, struct kill_verdict *verdict)
{
	verdict->broken += ((const struct shared *)memory)->crowded;
	verdict->lost += fl_semaphore_value(semaphore) != SEATS;
}

const struct kill_object kill_semaphores[] = {
	{.name = "semaphore",
	 .what = "Fairlead shared Semaphore",
	 .expects = KILL_SURVIVES,
	 .size = sizeof(struct shared),
	 .roles = 2,
	 .init = init_signal,
	 .fini = close_segment,
	 .start = begin,
	 .operate = signal_or_wait,
	 .check = check_signal,
	 .situations = {{.name = "release, and another one waits", .waits = true},
			{.name = "acquire", .role = 1, .before = be_there, .meanwhile = signal_or_wait},
			{.name = "acquire, there is one", .role = 1, .before = signal_or_wait}}},
	{.name = "semaphore-holder",
	 .what = "Fairlead shared Semaphore, one permit that knows its holder",
	 .expects = KILL_SURVIVES,
	 .alone = true,
	 .size = sizeof(struct shared),
	 .init = init_one,
	 .fini = close_segment,
	 .start = begin,
	 .operate = use_alone,
	 .check = check_alone,
	 .situations = {{.name = "free"},
			{.name = "held", .before = hold, .meanwhile = let_go},
			{.name = "its holder died", .before = hold, .dies = true},
			{.name = "another one waits", .queues = true}}},
	{.name = "semaphore-holders",
	 .what = "Fairlead shared Semaphore, permits that know their holders",
	 .expects = KILL_SURVIVES,
	 .alone = true,
	 .size = sizeof(struct shared),
	 .init = init_seats,
	 .fini = close_segment,
	 .start = begin,
	 .operate = sit,
	 .check = check_seats},
	{0},
};
