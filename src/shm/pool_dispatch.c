/*
 * shm/pool_dispatch.c - the pool's thread: it looks at everything, does what is to be done, and sleeps until there may
 * be something again.
 *
 * A look is always the same, whatever it was woken by: new tasks are taken over, workers that have ended are buried,
 * those that others cancelled or whose time is over are dealt with, workers are started and given tasks. So nothing
 * depends on which event came first, and one that comes in the middle is seen by the next look.
 *
 * Who gets what: idle workers first, one task each at least; then those that work, up to their depth (pool.c). What is
 * pending is shared out, so that no worker has much in advance where others could have it. If nothing is pending and a
 * worker is idle, what the others have not begun is pending again, and shared out anew: after that nobody is idle while
 * another one has two tasks, so this comes to an end.
 */
#include "shm/pool.h"

#include "base/atomic.h"
#include "base/keep_errno.h"
#include "base/word.h"
#include "sync/wait.h"
#include <string.h>
#include <unistd.h>

/* What there is, as of now. */
struct count {
	uint32_t present; /* workers that take tasks, or will */
	uint32_t starting, idle;
	uint32_t ahead; /* tasks behind the first one of a worker */
	uint32_t busy;  /* workers with a task, or more */
};

static struct count count(const fl_pool *pool)
{
	struct count count = {0};
	uint32_t i;

	for (i = 0; i < pool->max; i++) {
		const struct fl_pool_worker *worker = pool->workers[i];

		if (!worker || worker->state > FL_POOL_SERVING)
			continue;
		count.present++;
		count.starting += worker->state == FL_POOL_STARTING;
		count.idle += worker->state == FL_POOL_SERVING && worker->n == 0 && !worker->full;
		count.busy += worker->n > 0;
		count.ahead += worker->n > 1 ? worker->n - 1 : 0;
	}
	return count;
}

static void each_worker(fl_pool *pool, void (*function)(fl_pool *pool, struct fl_pool_worker *worker))
{
	uint32_t i;

	for (i = 0; i < pool->max; i++)
		if (pool->workers[i])
			function(pool, pool->workers[i]);
}

/* Taking over. */

static void take_over(fl_pool *pool)
{
	fl_inner_acquire(&pool->lock);
	fl_pool_join_(&pool->pending, &pool->incoming);
	pool->closing = pool->closed;
	pool->dropping = pool->drop;
	pool->terminating = pool->terminated;
	pool->news = false;
	fl_inner_release(&pool->lock);
}

/* What is pending is not to be done any more. */
static void drop_pending(fl_pool *pool)
{
	struct fl_pool_task *task;

	while ((task = fl_pool_pop_(&pool->pending)))
		if (pool->broken != 0)
			fl_pool_fail_(task, -ENOTRECOVERABLE, "%s", pool->why ? pool->why : "the pool is broken");
		else
			fl_pool_cancel_(task);
}

static void kill_one(fl_pool *pool, struct fl_pool_worker *worker)
{
	(void)pool;
	worker->dismissed = true;
	fl_pool_kill_(worker, NULL);
}

static void obey(fl_pool *pool)
{
	if (pool->dropping)
		each_worker(pool, fl_pool_take_back_);
	if (pool->dropping || pool->broken != 0)
		drop_pending(pool);
	if (pool->terminating)
		each_worker(pool, kill_one);
}

/* Cancels and deadlines. */

/* What was claimed and is pending again is before all others. */
static void drop_cancelled(fl_pool *pool)
{
	struct fl_pool_list kept = {0};
	struct fl_pool_task *task;

	while (pool->pending.first && pool->pending.first->claimed) {
		task = fl_pool_pop_(&pool->pending);
		if (fl_note_is_cancelled(&task->future.note))
			fl_pool_cancel_(task);
		else
			fl_pool_append_(&kept, task);
	}
	fl_pool_join_(&kept, &pool->pending);
	pool->pending = kept;
}

/* The task has begun, and is to know that it is cancelled. */
static void tell_cancelled(struct fl_pool_worker *worker, struct fl_pool_slot *slot)
{
	slot->told = true;
	fl_store_relaxed(&worker->page->cancelled, slot->turn);
	fl_word_wake_(&worker->page->cancelled, FL_WAKE_ALL, FL_WORD_SHARED);
}

static void look_for_cancels(fl_pool *pool, struct fl_pool_worker *worker)
{
	uint32_t i;

	for (i = 0; i < worker->n; i++) {
		struct fl_pool_slot *slot = fl_pool_slot_(worker, i);

		if (slot->told || !fl_note_is_cancelled(&slot->task->future.note))
			continue;
		if (!fl_pool_has_begun_(worker, i))
			fl_pool_take_back_(pool, worker); /* and dropped */
		if (fl_pool_has_begun_(worker, i))
			tell_cancelled(worker, slot);
	}
}

/* When the first of its tasks must have ended. */
static fl_time deadline_of(struct fl_pool_worker *worker)
{
	fl_time timeout = worker->n > 0 ? fl_pool_slot_(worker, 0)->task->timeout : FL_FOREVER;

	if (worker->state > FL_POOL_SERVING || timeout >= FL_FOREVER - worker->since)
		return FL_FOREVER;
	return worker->since + timeout;
}

static void look_at_clock(fl_pool *pool, struct fl_pool_worker *worker)
{
	if (deadline_of(worker) > fl_now())
		return;
	fl_pool_receive_(pool, worker); /* its answer may be there by now */
	if (deadline_of(worker) > fl_now())
		return;
	if (!fl_pool_has_begun_(worker, 0)) {
		fl_pool_take_back_(pool, worker); /* it was not to be had at once: that is not the task's fault */
		return;
	}
	worker->overdue = true;
	worker->late = fl_pool_slot_(worker, 0)->turn;
	fl_pool_kill_(worker, NULL);
}

/* Sharing out. */

static uint32_t depth_of(const fl_pool *pool, const struct count *count)
{
	uint64_t depth = pool->average > 0 ? (uint64_t)(FL_POOL_SETTLES / pool->average) : 1;
	uint32_t workers = count->idle + count->busy;
	uint64_t share = workers > 0 ? (pool->pending.n + count->busy + count->ahead + workers - 1) / workers : 1;

	depth = depth < FL_POOL_DEPTH ? depth : FL_POOL_DEPTH;
	depth = depth < share ? depth : share;
	return depth > 1 ? (uint32_t)depth : 1;
}

static void feed(fl_pool *pool, struct fl_pool_worker *worker, uint32_t depth)
{
	uint64_t left = pool->max_tasks > 0 ? pool->max_tasks - worker->served : FL_POOL_DEPTH;

	if (worker->state == FL_POOL_SERVING && !worker->full && worker->n < depth)
		fl_pool_feed_(pool, worker, left < depth ? (uint32_t)left : depth);
}

static void share_out(fl_pool *pool, const struct count *count)
{
	uint32_t depth = depth_of(pool, count), i;

	for (i = 0; pool->pending.first && i < pool->max; i++)
		if (pool->workers[i] && pool->workers[i]->n == 0)
			feed(pool, pool->workers[i], 1);
	for (i = 0; pool->pending.first && i < pool->max; i++)
		if (pool->workers[i])
			feed(pool, pool->workers[i], depth);
}

/* What a worker has, and has not begun, is for one that is idle. */
static void even_out(fl_pool *pool)
{
	struct count now = count(pool);

	if (pool->pending.first || now.idle == 0 || now.ahead == 0)
		return;
	each_worker(pool, fl_pool_take_back_);
	now = count(pool);
	share_out(pool, &now);
}

/* Nobody is left to do what is pending. */
static void give_up(fl_pool *pool, int error)
{
	struct fl_pool_task *task;

	while ((task = fl_pool_pop_(&pool->pending)))
		fl_pool_fail_(task, error, "no worker could be started: %s", strerror(-error));
}

static void recruit(fl_pool *pool)
{
	struct count now = count(pool);
	int error = 0;

	while (error == 0 && now.present < pool->max && pool->n_workers < pool->max &&
	       pool->pending.n + now.ahead > now.starting + now.idle) {
		error = fl_pool_recruit_(pool);
		now.present += error == 0;
		now.starting += error == 0;
	}
	if (error != 0 && pool->n_workers == 0)
		give_up(pool, error);
}

/* Workers that have done all that they may, or are not needed any more. */
static void retire(fl_pool *pool, struct fl_pool_worker *worker)
{
	bool worn = pool->max_tasks > 0 && worker->served >= pool->max_tasks;

	if (worker->n == 0 && worker->state <= FL_POOL_SERVING && (worn || (pool->closing && !pool->pending.first)))
		fl_pool_stop_worker_(worker);
}

/* Waiting. */

/* Puts what is to be waited for into `polled`; returns how many. */
static unsigned list(const fl_pool *pool)
{
	unsigned n = 0;
	uint32_t i;

	pool->polled[n++] = (struct pollfd){.fd = pool->bell, .events = POLLIN};
	for (i = 0; i < pool->max; i++) {
		const struct fl_pool_worker *worker = pool->workers[i];

		if (!worker)
			continue;
		pool->polled[n++] = (struct pollfd){.fd = fl_process_fd(worker->process), .events = POLLIN};
		pool->polled[n++] = (struct pollfd){
			.fd = worker->silent ? -1 : fl_pipe_fd(worker->pipe),
			.events = worker->full ? POLLIN | POLLOUT : POLLIN,
		};
	}
	return n;
}

static fl_time next_deadline(const fl_pool *pool)
{
	fl_time next = FL_FOREVER, one;
	uint32_t i;

	for (i = 0; i < pool->max; i++)
		if (pool->workers[i]) {
			one = deadline_of(pool->workers[i]);
			next = one < next ? one : next;
		}
	return next;
}

/* Whether all has been taken over; from now on the bell is rung. */
static bool fall_asleep(fl_pool *pool)
{
	bool sleeps;

	fl_inner_acquire(&pool->lock);
	sleeps = !pool->news;
	pool->asleep = sleeps;
	fl_inner_release(&pool->lock);
	return sleeps;
}

static void wake_up(fl_pool *pool)
{
	uint64_t unused;

	fl_inner_acquire(&pool->lock);
	pool->asleep = false;
	fl_inner_release(&pool->lock);
	if ((pool->polled[0].revents & POLLIN) && read(pool->bell, &unused, sizeof(unused)) < 0)
		return;
}

/* Takes what has come, as poll has told. */
static void attend(fl_pool *pool, unsigned n)
{
	struct fl_pool_worker *worker;
	unsigned at = 1;
	uint32_t i;

	for (i = 0; i < pool->max && at < n; i++) {
		worker = pool->workers[i];
		if (!worker)
			continue;
		if (pool->polled[at].revents != 0) {
			while (fl_pool_receive_(pool, worker) == FL_POOL_MORE)
				;
			fl_pool_bury_(pool, worker);
		} else if (pool->polled[at + 1].revents != 0) {
			worker->full &= !(pool->polled[at + 1].revents & POLLOUT);
			fl_pool_receive_(pool, worker);
		}
		at += 2;
	}
}

/* Blocks until something may have happened, and takes it. */
static void wait_for_news(fl_pool *pool)
{
	unsigned n = list(pool), i;

	for (i = 0; i < n; i++)
		pool->polled[i].revents = 0;
	if (fl_wait_fds_(pool->polled, n, fall_asleep(pool) ? next_deadline(pool) : 0, NULL) != 0)
		for (i = 0; i < n; i++)
			pool->polled[i].revents = 0;
	wake_up(pool);
	attend(pool, n);
}

void *fl_pool_dispatch_(void *pool_)
{
	fl_pool *pool = pool_;
	struct count now;

	for (;;) {
		take_over(pool);
		each_worker(pool, look_for_cancels);
		drop_cancelled(pool);
		each_worker(pool, look_at_clock);
		obey(pool);
		now = count(pool);
		share_out(pool, &now);
		even_out(pool);
		recruit(pool);
		each_worker(pool, retire);
		if (pool->closing && !pool->pending.first && pool->n_workers == 0)
			break;
		wait_for_news(pool);
	}
	fl_event_set(&pool->ended);
	return NULL;
}
