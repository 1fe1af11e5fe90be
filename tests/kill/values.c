/*
 * values.c - the Value of Fairlead, shared.
 *
 * Each operation counts in four values: by an addition, by a compare and exchange, by an addition to a double, and by
 * a set of what a get has returned, under the value's own lock. At the end each of them is how many operations ended,
 * and at most one more for each kill.
 */
#include "in_segment.h"
#include "kill.h"

#include <errno.h>
#include <fairlead/value.h>

struct shared {
	uint64_t ended[KILL_MOST_WORKERS];
};

static fl_value_int64 *added, *locked;
static fl_value_uint64 *compared;
static fl_value_double *real;

static int init(void *memory)
{
	int error = fl_segment_open(&segment, NULL, NULL);

	(void)memory;
	if (error == 0)
		error = fl_segment_value_int64(segment, "added", 0, &added);
	if (error >= 0)
		error = fl_segment_value_int64(segment, "locked", 0, &locked);
	if (error >= 0)
		error = fl_segment_value_uint64(segment, "compared", 0, &compared);
	if (error >= 0)
		error = fl_segment_value_double(segment, "real", 0, &real);
	return error < 0 ? error : 0;
}

/* Takes its place in the segment: what follows has the same steps each time. */
static void begin(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	if (fl_rlock_acquire_try(fl_value_lock(locked)))
		fl_rlock_release(fl_value_lock(locked));
}

static void hold(void *memory, struct kill_worker *worker)
{
	int error = fl_rlock_acquire(fl_value_lock(locked));

	(void)memory, (void)worker;
	if (error == -EOWNERDEAD)
		error = fl_rlock_mend(fl_value_lock(locked));
	if (error != 0)
		kill_fail("fl_rlock_acquire", error);
}

static void let_go(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	fl_rlock_release(fl_value_lock(locked));
}

static void count(void *memory, struct kill_worker *worker)
{
	uint64_t *ended = &((struct shared *)memory)->ended[worker->index], before = fl_value_get(compared);

	fl_value_add(added, 1);
	fl_value_add(real, 1);
	while (!fl_value_compare_exchange(compared, &before, before + 1))
		;
	hold(memory, worker);
	fl_value_set(locked, fl_value_get(locked) + 1);
	kill_dwell(worker);
	let_go(memory, worker);
	__atomic_store_n(ended, *ended + 1, __ATOMIC_RELAXED);
}

static void judge(uint64_t counted, uint64_t ended, struct kill_verdict *verdict)
{
	verdict->lost += counted < ended ? ended - counted : 0;
	verdict->doubled += counted > ended + kill_deaths() ? counted - ended - kill_deaths() : 0;
}

static void check(const void *memory, struct kill_verdict *verdict)
{
	uint64_t ended = 0;

	for (unsigned i = 0; i < KILL_MOST_WORKERS; i++)
		ended += ((const struct shared *)memory)->ended[i];
	judge((uint64_t)fl_value_get(added), ended, verdict);
	judge((uint64_t)fl_value_get(locked), ended, verdict);
	judge((uint64_t)fl_value_get(real), ended, verdict);
	judge(fl_value_get(compared), ended, verdict);
}

const struct kill_object kill_values[] = {
	{.name = "value",
	 .what = "Fairlead shared Value",
	 .expects = KILL_SURVIVES,
	 .alone = true,
	 .size = sizeof(struct shared),
	 .init = init,
	 .fini = close_segment,
	 .start = begin,
	 .operate = count,
	 .check = check,
	 .situations = {{.name = "free"},
			{.name = "its lock is held", .before = hold, .meanwhile = let_go},
			{.name = "its lock's holder died", .before = hold, .dies = true}}},
	{0},
};
