/*
 * conditions.c - the Condition of Fairlead, shared: a box for one item, under a lock with two conditions, each of which
 * notifies one. So a notify that is lost, or goes to a dead one and no further, leaves somebody waiting for ever.
 *
 * `condition-pair` is the same with one condition over an RLock of its own, which is held twice by who waits.
 */
#include "in_segment.h"
#include "kill.h"

#include <errno.h>
#include <fairlead/condition.h>

struct box {
	fl_lock lock;
	fl_condition filled, emptied;
};

struct shared {
	uint64_t item;
	struct kill_ledger ledger;
};

static struct box *box;
static fl_condition *own;

static int init_box(void *memory, void *arg)
{
	struct box *made = memory;

	(void)arg;
	fl_lock_init_shared(&made->lock);
	fl_condition_init_lock_shared(&made->filled, &made->lock);
	fl_condition_init_lock_shared(&made->emptied, &made->lock);
	return 0;
}

static int init(void *memory)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(struct box, 1);
	int error = fl_segment_open(&segment, NULL, NULL);

	(void)memory;
	if (error < 0)
		return error;
	error = fl_segment_object(segment, "box", &type, init_box, NULL, (void **)&box);
	return error < 0 ? error : fl_segment_condition(segment, "own", &own);
}

/* Takes its place in the segment: what follows has the same steps each time. */
static void begin(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	if (fl_lock_acquire_try(&box->lock))
		fl_lock_release(&box->lock);
}

/* After a call that acquires the lock of a condition. */
static void mend(fl_condition *condition, int error)
{
	if (error == -EOWNERDEAD)
		error = fl_condition_mend(condition);
	if (error != 0)
		kill_fail("a condition", error);
}

static void put(struct shared *shared, struct kill_worker *worker, fl_condition *filled, fl_condition *emptied,
		uint32_t n)
{
	uint64_t item = kill_item_next(&shared->ledger, worker);

	while (shared->item)
		mend(emptied, fl_condition_wait(emptied));
	shared->item = item;
	fl_condition_notify(filled, n);
}

static uint64_t take(struct shared *shared, fl_condition *filled, fl_condition *emptied, uint32_t n)
{
	uint64_t item;

	while (!shared->item)
		mend(filled, fl_condition_wait(filled));
	item = shared->item;
	shared->item = 0;
	fl_condition_notify(emptied, n);
	return item;
}

static void use_box(void *memory, struct kill_worker *worker)
{
	struct shared *shared = memory;
	uint64_t item = 0;

	mend(&box->filled, fl_condition_acquire(&box->filled));
	if (worker->role == 0)
		put(shared, worker, &box->filled, &box->emptied, 1);
	else
		item = take(shared, &box->filled, &box->emptied, 1);
	fl_condition_release(&box->filled);
	if (worker->role == 0)
		kill_item_put(&shared->ledger, worker);
	else
		kill_item_got(&shared->ledger, item);
	kill_dwell(worker);
}

static void use_own(void *memory, struct kill_worker *worker)
{
	struct shared *shared = memory;
	uint64_t item = 0;

	mend(own, fl_condition_acquire(own));
	mend(own, fl_condition_acquire(own));
	if (worker->role == 0)
		put(shared, worker, own, own, UINT32_MAX);
	else
		item = take(shared, own, own, UINT32_MAX);
	fl_condition_release(own);
	fl_condition_release(own);
	if (worker->role == 0)
		kill_item_put(&shared->ledger, worker);
	else
		kill_item_got(&shared->ledger, item);
	kill_dwell(worker);
}

static void leave_empty(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
}

static void hold(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	mend(&box->filled, fl_condition_acquire(&box->filled));
}

static void check(const void *memory, struct kill_verdict *verdict)
{
	kill_ledger_check(&((const struct shared *)memory)->ledger, 1, 0, verdict);
}

const struct kill_object kill_conditions[] = {
	{.name = "condition",
	 .what = "Fairlead shared Condition, two over one lock",
	 .expects = KILL_SURVIVES,
	 .size = sizeof(struct shared),
	 .roles = 2,
	 .drains = true,
	 .init = init,
	 .fini = close_segment,
	 .start = begin,
	 .operate = use_box,
	 .check = check,
	 .situations = {{.name = "notify", .waits = true},
			{.name = "wait", .role = 1, .before = leave_empty, .meanwhile = use_box},
			{.name = "its lock's holder died", .before = hold, .dies = true}}},
	{.name = "condition-pair",
	 .what = "Fairlead shared Condition over its own RLock, held twice",
	 .expects = KILL_SURVIVES,
	 .size = sizeof(struct shared),
	 .roles = 2,
	 .drains = true,
	 .init = init,
	 .fini = close_segment,
	 .start = begin,
	 .operate = use_own,
	 .check = check,
	 .situations = {{.name = "notify", .waits = true},
			{.name = "wait", .role = 1, .before = leave_empty, .meanwhile = use_own}}},
	{0},
};
