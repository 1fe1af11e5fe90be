/*
 * run/crew.c - the threads of an executor: who looks for work, who sleeps, and who is woken or started when there is
 * some.
 *
 * Work lies in lanes (run/lane.c), of which each submitting thread has one, perhaps with others: so threads that submit
 * seldom meet, and what one submits stays in order. A worker is busy, looking, or idle. All that must be known to
 * decide who is to be woken is in one word:
 *
 *   state  bits 0-14   THREADS: how many there are, or are being started
 *          bits 15-29  IDLE: those that sleep; their waiters are in the queue of the executor's address
 *          bits 30-44  LOOKING: those that are awake and have no work
 *          bits 45-59  LENT: busy ones that wait for a future, and whose places others may take
 *          bit 60      CLOSED: nothing more is put
 *
 * THREADS - IDLE - LENT are awake and count against the maximum: there is a free place while they are fewer.
 *
 * Invariants:
 *   [W1] While there is work in a lane and a free place, somebody is LOOKING, or is about to look at the lanes once
 *        more. Who puts looks at the state after it has put; who ceases to look changes the state and then looks at the
 *        lanes. All four are seq_cst: one of the two sees the other ([inner.4] and [crew.1], [crew.2] and [inner.5]).
 *        Who lends its place does the same.
 *   [W2] So at most one thread is woken at a time: while one is LOOKING nobody wakes another. When the last one that
 *        was looking has found work, and there is more, it wakes the next. A burst wakes as many as it needs, one by
 *        one, each on another processor, and one task wakes one.
 *   [W3] IDLE changes, and waiters come and go, only under the bucket's lock: as many wait as are counted. Who wakes
 *        one counts it as LOOKING in the same step.
 *   [W4] A thread ends only when CLOSED is set and it has seen all lanes empty, so work that was put is done; or inside
 *        of its work, and then another takes its place. With the last one `ended` is set.
 *   [W5] Nobody sleeps after CLOSED was set: that is looked at under the bucket's lock, and who sets it takes all
 *        waiters after that.
 *
 * Progress: to put takes a lane's lock and nothing else, unless somebody must be woken. A worker that looks does so for
 * a moment that is learned (base/spin.h) and only while no other does.
 *
 * Rejected: one queue and a semaphore of idle threads, as in Python (every put and every get meets in one place); the
 * queue of src/queue (its order between producers is more than is asked for here, and costs a lock for all who put); a
 * deque for each worker (see run/lane.c); waking one thread for each task that is put (as many system calls as tasks);
 * letting a thread that waits do whatever work there is on its own stack: that may wait for what lies below it, which
 * then never ends; lending its place cannot do that.
 */
#include "run/executor.h"

#include "base/fork.h"
#include "base/spin.h"
#include <errno.h>

#define LINGER 16u /* so many pauses between two looks: what is put meanwhile is taken in one go */
#define STREAK 64u /* so many from one lane, then it is another one's turn */

static uint32_t awake(uint64_t state)
{
	return fl_crew_count(state, FL_CREW_THREADS) - fl_crew_count(state, FL_CREW_IDLE) -
	       fl_crew_count(state, FL_CREW_LENT);
}

static bool has_place(const fl_executor *executor, uint64_t state)
{
	return (int32_t)(awake(state) - executor->max) < 0;
}

static bool has_work(const fl_executor *executor)
{
	uint32_t i;

	for (i = 0; i < executor->n_lanes; i++)
		if (fl_lane_has_(&executor->lanes[i]))
			return true;
	return false;
}

/* Nobody looks, and somebody could. */
static bool is_needed(const fl_executor *executor, uint64_t state)
{
	return fl_crew_count(state, FL_CREW_LOOKING) == 0 && has_place(executor, state);
}

static uint64_t change(fl_executor *executor, uint64_t by)
{
	uint64_t state = fl_load_relaxed(&executor->state);

	/* [crew.2] seq_cst; pairs with [crew.1] */
	while (!fl_cas_seq_cst(&executor->state, &state, state + by))
		;
	return state + by;
}

/* So many threads are no more. Returns whether none is left; after that, if it is closed, it may be gone. */
static bool dismiss(fl_executor *executor, uint64_t by)
{
	uint64_t state = change(executor, -by);

	if (fl_crew_count(state, FL_CREW_THREADS) != 0)
		return false;
	if (state & FL_CREW_CLOSED) {
		fl_event_set(&executor->ended);
		return false;
	}
	return true;
}

/* Wakes one that is idle, if one is needed. False: none is idle. */
static bool wake_one(fl_executor *executor)
{
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket = fl_park_lock_(executor);
	struct fl_waiter *first = fl_park_first_(bucket, executor);
	uint64_t state = fl_load_relaxed(&executor->state);

	while (first && is_needed(executor, state))
		/* [crew.2] seq_cst; pairs with [crew.1] */
		if (fl_cas_seq_cst(&executor->state, &state, state - FL_CREW_IDLE + FL_CREW_LOOKING)) {
			fl_park_take_(bucket, first, &list);
			break;
		}
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
	return first != NULL;
}

/* Starts one, if one is needed and none is idle. Returns 0, also if not; -EAGAIN, -ENOMEM. */
static int start_one(fl_executor *executor)
{
	/* [crew.1] seq_cst; pairs with [crew.2] */
	uint64_t state = fl_load_seq_cst(&executor->state);
	int error;

	do {
		if (!is_needed(executor, state) || fl_crew_count(state, FL_CREW_IDLE) != 0 ||
		    (state & (FL_CREW_CLOSED | FL_CREW_THREADS * 0x7fffu)) == FL_CREW_CLOSED)
			return 0;
		/* [crew.2] seq_cst; pairs with [crew.1] */
	} while (!fl_cas_seq_cst(&executor->state, &state, state + FL_CREW_THREADS + FL_CREW_LOOKING));
	error = fl_crew_recruit_(executor);
	if (error != 0 && dismiss(executor, FL_CREW_THREADS + FL_CREW_LOOKING) && has_work(executor))
		fl_task_drop_all_(executor, error, "no thread can be started"); /* put by who relied on this one */
	return error;
}

/* There is work: sees to it that somebody looks for it, if there is a place. */
static void rouse(fl_executor *executor)
{
	/* If no thread can be started, those that there are do the work, if one has become idle meanwhile: at once. */
	if (!wake_one(executor) && start_one(executor) != 0)
		wake_one(executor);
}

int fl_crew_put_(fl_executor *executor, struct fl_work_item item)
{
	struct fl_lane *lane = &executor->lanes[fl_self() & (executor->n_lanes - 1)];
	uint64_t state = fl_load_relaxed(&executor->state);
	int error = 0;

	if (fl_unlikely(fl_crew_count(state, FL_CREW_THREADS) == 0 && !(state & FL_CREW_CLOSED)))
		error = start_one(executor);
	if (error == 0)
		error = fl_lane_put_(lane, item);
	if (error != 0)
		return error;
	/* [crew.1] seq_cst; pairs with [crew.2] */
	if (fl_unlikely(is_needed(executor, fl_load_seq_cst(&executor->state))))
		rouse(executor);
	return 0;
}

bool fl_crew_take_(fl_executor *executor, struct fl_worker *worker, struct fl_work_item *ret_item)
{
	uint32_t i;

	for (i = 0; i < executor->n_lanes; i++) {
		if (worker->streak < STREAK && fl_lane_take_(&executor->lanes[worker->lane], ret_item)) {
			worker->streak++;
			return true;
		}
		worker->streak = 0;
		worker->lane = (worker->lane + 1) & (executor->n_lanes - 1);
	}
	return fl_lane_take_(&executor->lanes[worker->lane], ret_item);
}

/* It has found work, and looks no more. */
static void cease(fl_executor *executor, struct fl_worker *worker)
{
	uint64_t state = change(executor, -FL_CREW_LOOKING);

	worker->looking = false;
	if (is_needed(executor, state) && has_work(executor))
		rouse(executor);
}

/* Sleeps until it is woken to look, unless the executor is closed. */
static void rest(fl_executor *executor, struct fl_worker *worker)
{
	struct fl_waiter waiter = {0};
	struct fl_bucket *bucket = fl_park_lock_(executor);
	uint64_t state = fl_load_relaxed(&executor->state), idle = FL_CREW_IDLE;

	if (worker->looking)
		idle -= FL_CREW_LOOKING;
	while (!(state & FL_CREW_CLOSED))
		/* [crew.2] seq_cst; pairs with [crew.1] */
		if (fl_cas_seq_cst(&executor->state, &state, state + idle))
			break;
	if (!(state & FL_CREW_CLOSED))
		fl_park_push_front_(bucket, &waiter, executor);
	fl_park_unlock_(bucket);
	if (state & FL_CREW_CLOSED)
		return;
	if (has_work(executor))
		rouse(executor);
	fl_park_wait_(&waiter, executor, FL_FOREVER, NULL);
	worker->looking = true;
}

/* Looks again for a moment, if nobody else does. */
static bool look(fl_executor *executor, struct fl_worker *worker, struct fl_work_item *ret_item)
{
	struct fl_spin spin;
	bool found = false;
	uint32_t n = 0;

	if (fl_crew_count(fl_load_relaxed(&executor->state), FL_CREW_LOOKING) > 1)
		return false;
	for (fl_spin_begin_(&spin, &executor->spin, FL_FOREVER, FL_SPIN_HERE); !found && fl_spin_again_(&spin);)
		if (spin.yields || ++n % LINGER == 0)
			found = fl_crew_take_(executor, worker, ret_item);
	fl_spin_end_(&spin, found);
	return found;
}

/* After it was closed: whether nothing is left, and nothing comes from those who put at that moment. */
static bool is_drained(fl_executor *executor)
{
	uint32_t i;

	for (i = 0; i < executor->n_lanes; i++)
		fl_lane_settle_(&executor->lanes[i]);
	return !has_work(executor);
}

/* The next piece of work; false: there will be none. */
static bool find(fl_executor *executor, struct fl_worker *worker, struct fl_work_item *ret_item)
{
	uint64_t state;

	for (;;) {
		state = fl_load_relaxed(&executor->state);
		if (fl_unlikely((int32_t)(awake(state) - executor->max) > 0 && !(state & FL_CREW_CLOSED))) {
			rest(executor, worker); /* a lent place was taken back */
			continue;
		}
		if (fl_likely(fl_crew_take_(executor, worker, ret_item)))
			break;
		if (!worker->looking)
			change(executor, FL_CREW_LOOKING);
		worker->looking = true;
		if (state & FL_CREW_CLOSED) {
			if (is_drained(executor))
				return false;
		} else if (look(executor, worker, ret_item)) {
			break;
		} else {
			rest(executor, worker);
		}
	}
	if (worker->looking)
		cease(executor, worker);
	return true;
}

void fl_crew_serve_(struct fl_worker *worker)
{
	struct fl_work_item item;

	while (find(worker->executor, worker, &item))
		item.function(item.arg);
}

void fl_crew_leave_(struct fl_worker *worker, bool replace)
{
	fl_executor *executor = worker->executor;
	uint64_t gone = FL_CREW_THREADS;

	if (replace) {
		if (!worker->looking)
			change(executor, FL_CREW_LOOKING);
		worker->looking = true;
		if (fl_crew_recruit_(executor) == 0)
			return;
	}
	if (worker->looking)
		gone += FL_CREW_LOOKING;
	if (dismiss(executor, gone) && has_work(executor))
		fl_task_drop_all_(executor, -EAGAIN, "no thread can be started");
}

bool fl_crew_lend_(fl_executor *executor)
{
	uint64_t state = fl_load_relaxed(&executor->state);

	if (executor->epoch != fl_fork_epoch_)
		return false; /* a forked child of the worker's: there is nobody to lend it to */
	do
		if (fl_crew_count(state, FL_CREW_LENT) >= FL_CREW_MOST_LENT)
			return false;
	/* [crew.2] seq_cst; pairs with [crew.1] */
	while (!fl_cas_seq_cst(&executor->state, &state, state + FL_CREW_LENT));
	if (is_needed(executor, state + FL_CREW_LENT) && has_work(executor))
		rouse(executor);
	return true;
}

void fl_crew_take_back_(fl_executor *executor)
{
	change(executor, -FL_CREW_LENT);
}

void fl_crew_close_(fl_executor *executor)
{
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket;
	uint64_t state = fl_load_relaxed(&executor->state), idle;
	uint32_t i;

	/* [crew.2] seq_cst; pairs with [crew.1] */
	while (!(state & FL_CREW_CLOSED) && !fl_cas_seq_cst(&executor->state, &state, state | FL_CREW_CLOSED))
		;
	for (i = 0; i < executor->n_lanes; i++)
		fl_lane_settle_(&executor->lanes[i]);
	bucket = fl_park_lock_(executor);
	idle = fl_crew_count(fl_load_relaxed(&executor->state), FL_CREW_IDLE);
	change(executor, idle * (FL_CREW_LOOKING - FL_CREW_IDLE));
	fl_park_take_all_(bucket, executor, &list);
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
	if (!(state & FL_CREW_CLOSED) && fl_crew_count(state, FL_CREW_THREADS) == 0)
		fl_event_set(&executor->ended);
}
