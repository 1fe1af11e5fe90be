/*
 * rlocks.c - the RLock of Fairlead, shared: acquired twice by who uses what it guards.
 */
#include "in_segment.h"
#include "kill.h"

#include <errno.h>
#include <fairlead/rlock.h>

struct shared {
	struct kill_guarded guarded;
};

static fl_rlock *lock;

static int init(void *memory)
{
	int error = fl_segment_open(&segment, NULL, NULL);

	(void)memory;
	return error < 0 ? error : fl_segment_rlock(segment, "lock", &lock);
}

static void acquire(void)
{
	int error = fl_rlock_acquire(lock);

	if (error == -EOWNERDEAD)
		error = fl_rlock_mend(lock);
	if (error == 0)
		error = fl_rlock_acquire(lock);
	if (error != 0)
		kill_fail("fl_rlock_acquire", error);
}

/* Takes its place in the segment: what follows has the same steps each time. */
static void begin(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	if (fl_rlock_acquire_try(lock))
		fl_rlock_release(lock);
}

static void hold(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	acquire();
}

static void let_go(void *memory, struct kill_worker *worker)
{
	kill_guarded_use(&((struct shared *)memory)->guarded, worker);
	if (fl_rlock_count(lock) != 2)
		kill_fail("fl_rlock_count", (int)fl_rlock_count(lock));
	fl_rlock_release(lock);
	fl_rlock_release(lock);
}

static void operate(void *memory, struct kill_worker *worker)
{
	acquire();
	let_go(memory, worker);
}

static void check(const void *memory, struct kill_verdict *verdict)
{
	kill_guarded_check(&((const struct shared *)memory)->guarded, verdict);
}

const struct kill_object kill_rlocks[] = {
	{.name = "rlock",
	 .what = "Fairlead shared RLock",
	 .expects = KILL_SURVIVES,
	 .alone = true,
	 .size = sizeof(struct shared),
	 .init = init,
	 .fini = close_segment,
	 .start = begin,
	 .operate = operate,
	 .check = check,
	 .situations = {{.name = "free"},
			{.name = "held", .before = hold, .meanwhile = let_go},
			{.name = "its owner died", .before = hold, .dies = true},
			{.name = "another one waits", .queues = true}}},
	{0},
};
