/*
 * shm/pool.c - Pool: processes that work, and die without taking anybody else's work along. Its making, its end, and
 * how work comes to it.
 *
 *     fl_pool_submit --> incoming --> the pool's thread --> pending --> a worker's slots --> its pipe --> the worker
 *                                            |                                                               |
 *                          the future is done <----------- its pipe, or a slip <-----------------------------+
 *
 * One thread of the pool has all that concerns workers, and needs no lock for it. It sleeps in poll: for its bell,
 * which those ring who submit, cancel or shut down; for the workers' pipes; and for their ends, by their pidfds. So an
 * idle pool does nothing, and a death is seen whoever else may have the worker's end of the pipe by then.
 *
 *   [O1] A task is in exactly one place: incoming, pending, or a slot of one worker, each of which holds the pool's
 *        reference. Who takes it out puts it into another, or settles it.
 *   [O2] A worker does the tasks of its slots in their order, and answers each before it begins the next one. When its
 *        end is seen its pipe and its slips are emptied first: what it has answered has arrived then, and of the
 *        others no more than the first can have begun. Whether that has, stands in memory that both have
 *        (fl_pool_turns): it is the only one that its death counts for.
 *   [O3] A task is claimed (its future is running) when it is sent first, and stays so when it is sent again.
 *   [O4] From its claim to its outcome its note is watched, wherever it is: a cancel rings the bell, and the next look
 *        finds it, in a slot or among what is pending.
 *   [O5] Whoever makes the thread's next look necessary, under `lock`, rings the bell if it is asleep.
 *
 * No deadlock: the thread never blocks on a pipe. What does not fit into one stays pending, and what is large goes in
 * a memfd beside the message. A worker whose pipe is full counts as none until there is room, which the thread polls
 * for: no answer may come of what is in there, since what was taken back is passed over in silence. A worker may block
 * on its pipe, which the thread always empties. It calls no code of the user's but done callbacks.
 *
 * How far a worker is ahead. To wait for a task after each answer takes as long as a wake-up, twice; so workers have
 * tasks in advance, as many as take about a millisecond by the average of the last ones. That may turn out wrong, with
 * one long task in front of many: then what the worker has not begun is taken back as soon as another has nothing to
 * do.
 *
 * Futures are those of executors, and the work of a worker is given an fl_task as theirs is. Functions are named once
 * for each worker (process_function.c), and are numbers from then on.
 *
 * Rejected: one pipe that all workers read from, with a lock around it, as Python has: who is killed with the lock
 * stops all of them, who is killed with the task takes it along, and nobody knows which one that was. A message for
 * each answer instead of slips, which is then most of what a short task costs. Forking workers: see process_start.c.
 * Workers that are all started at once: an idle process more for each pool that needs one only.
 */
#include "shm/pool.h"

#include "base/fork.h"
#include "base/keep_errno.h"
#include "base/report.h"
#include "sync/wait.h"
#include "thread/thread.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct fl_inner registry;
static fl_pool *all;
static fl_pool *abandoned; /* the parent's, in a forked child; kept where leak checkers see them */
static fl_once registered_at_exit = FL_ONCE_INIT;

/* Lists. */

void fl_pool_append_(struct fl_pool_list *list, struct fl_pool_task *task)
{
	task->next = NULL;
	*(list->first ? list->last : &list->first) = task;
	list->last = &task->next;
	list->n++;
}

void fl_pool_prepend_(struct fl_pool_list *list, struct fl_pool_task *task)
{
	task->next = list->first;
	if (!list->first)
		list->last = &task->next;
	list->first = task;
	list->n++;
}

struct fl_pool_task *fl_pool_pop_(struct fl_pool_list *list)
{
	struct fl_pool_task *task = list->first;

	if (task) {
		list->first = task->next;
		list->n--;
	}
	return task;
}

void fl_pool_join_(struct fl_pool_list *list, struct fl_pool_list *from)
{
	if (!from->first)
		return;
	*(list->first ? list->last : &list->first) = from->first;
	list->last = from->last;
	list->n += from->n;
	*from = (struct fl_pool_list){0};
}

/* Waking the thread. */

static void ring(const fl_pool *pool)
{
	const uint64_t one = 1;

	if (write(pool->bell, &one, sizeof(one)) < 0)
		return; /* it is full: it rings */
}

/* With the lock. Returns whether to ring when it has been let go. */
static bool rouse(fl_pool *pool)
{
	bool asleep = pool->asleep;

	pool->asleep = false;
	pool->news = true;
	return asleep;
}

/* Submitting. */

struct fl_pool_task *fl_pool_make_task_(fl_pool *pool, const struct fl_pool_order *order, size_t size)
{
	const size_t align = _Alignof(struct fl_pool_task);
	struct fl_pool_task *task;

	if (size > PTRDIFF_MAX - sizeof(*task) - align)
		return NULL;
	task = aligned_alloc(align, (sizeof(*task) + size + align - 1) / align * align);
	if (!task)
		return NULL;
	memset(task, 0, sizeof(*task));
	fl_future_begin_(&task->future, 2);
	task->future.home = pool;
	task->future.epoch = pool->epoch;
	task->future.unbounded = true;
	task->kind = order->kind;
	task->tries = order->tries ? order->tries : pool->tries;
	task->timeout = order->timeout ? order->timeout : pool->timeout;
	task->first = order->first;
	task->n = order->n;
	task->size = size;
	if (order->name && !(task->name = strdup(order->name))) {
		free(task);
		return NULL;
	}
	return task;
}

/* Finds or adds the function, with the lock. Returns its number, or a negative errno. */
static int number_function(fl_pool *pool, const void *address)
{
	struct fl_pool_function *functions = pool->functions;
	uint32_t i;
	int error;

	for (i = pool->n_functions; i > 0; i--)
		if (functions[i - 1].address == address)
			return (int)i - 1;
	functions = realloc(functions, (pool->n_functions + 1) * sizeof(*functions));
	if (!functions)
		return -ENOMEM;
	pool->functions = functions;
	functions[pool->n_functions].address = address;
	error = fl_process_name_function_(address, &functions[pool->n_functions].name);
	return error != 0 ? error : (int)pool->n_functions++;
}

/* With the lock. */
static int enqueue(fl_pool *pool, struct fl_pool_task *task, const void *function)
{
	int number;

	if (pool->closed)
		return pool->broken != 0 ? -ENOTRECOVERABLE : -EPIPE;
	number = number_function(pool, function);
	if (number < 0)
		return number;
	task->function = (uint32_t)number;
	task->number = ++pool->numbers;
	fl_pool_append_(&pool->incoming, task);
	return 0;
}

static void discard_task(struct fl_pool_task *task)
{
	free(task->name);
	task->future.refs = 1;
	fl_future_unref(&task->future);
}

int fl_pool_put_(fl_pool *pool, struct fl_pool_task *task, const void *function)
{
	bool wake = false;
	int error = pool->epoch == fl_fork_epoch_ ? 0 : -EPERM;

	if (error == 0) {
		fl_inner_acquire(&pool->lock);
		error = enqueue(pool, task, function);
		wake = error == 0 && rouse(pool);
		fl_inner_release(&pool->lock);
	}
	if (error != 0)
		discard_task(task);
	if (wake)
		ring(pool);
	return error;
}

static bool good_task(const fl_pool_task_options *options)
{
	return options->fl_spare0 == 0 && options->fl_spare[0] == 0 && options->fl_spare[1] == 0 &&
	       options->timeout >= 0;
}

int fl_pool_submit_with(fl_future **ret_future, fl_pool *pool, const fl_pool_task_options *options,
			fl_pool_work function, const void *arg, size_t size)
{
	fl_keep_errno();
	static const fl_pool_task_options defaults;
	struct fl_pool_order order = {.kind = FL_POOL_CALL};
	struct fl_pool_task *task;
	const void *address;
	int error;

	options = options ? options : &defaults;
	if (!good_task(options))
		return -EINVAL;
	order.tries = options->tries;
	order.timeout = options->timeout;
	order.name = options->name;
	task = fl_pool_make_task_(pool, &order, size);
	if (!task)
		return -ENOMEM;
	if (size > 0)
		memcpy(task->bytes, arg, size);
	memcpy(&address, &function, sizeof(address)); /* a conversion that C has no words for */
	error = fl_pool_put_(pool, task, address);
	if (error == 0)
		*ret_future = &task->future;
	return error;
}

int fl_pool_submit(fl_future **ret_future, fl_pool *pool, fl_pool_work function, const void *arg, size_t size)
{
	return fl_pool_submit_with(ret_future, pool, NULL, function, arg, size);
}

/* Outcomes. */

void fl_pool_settle_(struct fl_pool_task *task, enum fl_future_phase phase)
{
	free(task->name);
	task->name = NULL;
	if (task->watched)
		fl_note_unwatch_(&task->future.note, &task->waiter);
	fl_future_settle_(&task->future, phase);
	fl_future_unref(&task->future);
}

void fl_pool_fail_(struct fl_pool_task *task, int error, const char *format, ...)
{
	va_list args;

	if (task->claimed || fl_future_claim_(&task->future)) {
		va_start(args, format);
		fl_future_keep_error_(&task->future, error, format, args);
		va_end(args);
		fl_pool_settle_(task, FL_FUTURE_ERROR);
		return;
	}
	fl_pool_cancel_(task); /* it is cancelled already */
}

void fl_pool_cancel_(struct fl_pool_task *task)
{
	if (task->claimed) {
		fl_pool_settle_(task, FL_FUTURE_CANCELLED);
		return;
	}
	free(task->name);
	task->name = NULL;
	fl_future_cancel(&task->future);
	fl_future_unref(&task->future);
}

void fl_pool_describe_task_(const struct fl_pool_task *task, char *ret_text, size_t size)
{
	int n = snprintf(ret_text, size, "task %llu", (unsigned long long)task->number);

	if (n < 0 || (size_t)n >= size)
		return;
	if (task->kind == FL_POOL_CHUNK && task->n > 1)
		snprintf(ret_text + n, size - (size_t)n, " (items %llu to %llu)", (unsigned long long)task->first,
			 (unsigned long long)(task->first + task->n - 1));
	else if (task->kind == FL_POOL_CHUNK)
		snprintf(ret_text + n, size - (size_t)n, " (item %llu)", (unsigned long long)task->first);
	else if (task->name)
		snprintf(ret_text + n, size - (size_t)n, " '%s'", task->name);
}

/* The end. */

bool fl_pool_is_own_thread_(const fl_pool *pool)
{
	return fl_thread_self() == pool->thread;
}

static void close_pool(fl_pool *pool, bool drop, bool terminate)
{
	bool wake;

	fl_inner_acquire(&pool->lock);
	pool->closed = true;
	pool->drop |= drop;
	pool->terminated |= terminate;
	wake = rouse(pool);
	fl_inner_release(&pool->lock);
	if (wake)
		ring(pool);
}

int fl_pool_shutdown_until(fl_pool *pool, bool cancel_pending, fl_time deadline, fl_note *note)
{
	fl_keep_errno();

	if (pool->epoch != fl_fork_epoch_)
		return -EPERM;
	close_pool(pool, cancel_pending, false);
	return fl_pool_is_own_thread_(pool) ? -EDEADLK : fl_event_wait_until(&pool->ended, deadline, note);
}

int fl_pool_shutdown(fl_pool *pool, bool wait, bool cancel_pending)
{
	int error = fl_pool_shutdown_until(pool, cancel_pending, wait ? FL_FOREVER : INT64_MIN, NULL);

	return error == -EPERM ? error : 0;
}

int fl_pool_terminate(fl_pool *pool)
{
	fl_keep_errno();

	if (pool->epoch != fl_fork_epoch_)
		return -EPERM;
	close_pool(pool, true, true);
	return 0;
}

static void discard(fl_pool *pool)
{
	if (pool->bell >= 0)
		close(pool->bell);
	free(pool->functions);
	free(pool->workers);
	free(pool->polled);
	free(pool->why);
	free(pool->packet);
	free(pool->initializer_arg);
	free(pool->name);
	free(pool);
}

static void unref(fl_pool *pool)
{
	/* [pool.1] release; pairs with [pool.2] */
	if (fl_sub_release(&pool->refs, 1) > 1)
		return;
	/* [pool.2] acquire; pairs with [pool.1] */
	if (fl_load_acquire(&pool->refs) == 0)
		discard(pool);
}

static void delist(fl_pool *pool)
{
	fl_inner_acquire(&registry);
	*pool->link = pool->next;
	if (pool->next)
		pool->next->link = pool->link;
	fl_inner_release(&registry);
}

/* In a forked child: the thread was in the middle of whatever it did, so nothing of it is touched. */
static void abandon(fl_pool *pool)
{
	delist(pool);
	pool->next = abandoned;
	abandoned = pool;
}

fl_pool *fl_pool_destroy(fl_pool *pool)
{
	fl_keep_errno();

	if (!pool)
		return NULL;
	if (pool->epoch != fl_fork_epoch_) {
		abandon(pool);
		return NULL;
	}
	if (fl_pool_is_own_thread_(pool)) {
		fl_misuse_("pool", pool, "destroyed by its own thread");
		return NULL;
	}
	fl_pool_shutdown(pool, true, false);
	delist(pool);
	fl_thread_join(pool->thread, NULL);
	unref(pool);
	return NULL;
}

uint32_t fl_pool_workers(const fl_pool *pool)
{
	return fl_load_relaxed(&pool->n_workers);
}

uint64_t fl_pool_deaths(const fl_pool *pool)
{
	return fl_load_relaxed(&pool->deaths);
}

/* At exit(), as for executors (run/executor.c). */

/* One that was not destroyed, with a reference to it and one to its thread. */
static fl_pool *next_left(void)
{
	fl_pool *pool;

	fl_inner_acquire(&registry);
	for (pool = all; pool; pool = pool->next)
		if (pool->epoch == fl_fork_epoch_ && !pool->left && !fl_pool_is_own_thread_(pool))
			break;
	if (pool) {
		pool->left = true;
		fl_add_relaxed(&pool->refs, 1);
		fl_thread_ref(pool->thread);
	}
	fl_inner_release(&registry);
	return pool;
}

static void at_exit(void)
{
	fl_pool *pool;

	while ((pool = next_left())) {
		fl_pool_shutdown(pool, true, false);
		fl_thread_join(pool->thread, NULL);
		unref(pool);
	}
}

static void enlist(fl_pool *pool)
{
	fl_inner_acquire(&registry);
	pool->link = &all;
	pool->next = all;
	if (all)
		all->link = &pool->next;
	all = pool;
	fl_inner_release(&registry);
}

static void after_fork(void)
{
	registry.state = 0;
}

__attribute__((constructor)) static void begin(void)
{
	fl_fork_register_(after_fork);
}

/* Making. */

static int copy_name(fl_pool *pool, const char *name)
{
	static uint32_t n_unnamed;
	char numbered[32];

	if (!name) {
		snprintf(numbered, sizeof(numbered), "pool-%u", (unsigned)fl_add_relaxed(&n_unnamed, 1) + 1);
		name = numbered;
	}
	pool->name = strdup(name);
	return pool->name ? 0 : -ENOMEM;
}

static int copy_initializer(fl_pool *pool, const fl_pool_options *options)
{
	const void *address;

	if (!options->initializer)
		return 0;
	memcpy(&address, &options->initializer, sizeof(address)); /* a conversion that C has no words for */
	pool->hello.has_initializer = true;
	if (options->initializer_size > 0) {
		pool->initializer_arg = malloc(options->initializer_size);
		if (!pool->initializer_arg)
			return -ENOMEM;
		memcpy(pool->initializer_arg, options->initializer_arg, options->initializer_size);
		pool->initializer_size = options->initializer_size;
	}
	return fl_process_name_function_(address, &pool->hello.initializer);
}

static int make_rooms(fl_pool *pool)
{
	pool->workers = calloc(pool->max, sizeof(pool->workers[0]));
	pool->polled = calloc(1 + 2 * (size_t)pool->max, sizeof(pool->polled[0]));
	pool->packet = malloc(FL_POOL_PACKET);
	if (!pool->workers || !pool->polled || !pool->packet)
		return -ENOMEM;
	pool->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return pool->bell < 0 ? -errno : 0;
}

static int start_thread(fl_pool *pool)
{
	int error = fl_thread_call_at_exit_(&registered_at_exit, at_exit);

	if (error == 0)
		error = fl_thread_start(&pool->thread, &(fl_thread_options){.name = pool->name, .daemon = true},
					fl_pool_dispatch_, pool);
	return error;
}

static int make(fl_pool *pool, const fl_pool_options *options)
{
	int error;

	pool->refs = 1;
	pool->bell = -1;
	pool->epoch = fl_fork_epoch_;
	pool->max = options->max_workers ? options->max_workers : (uint32_t)fl_cpu_count();
	pool->max = pool->max < FL_POOL_WORKERS ? pool->max : FL_POOL_WORKERS;
	pool->max_tasks = options->max_tasks;
	pool->tries = options->tries ? options->tries : FL_POOL_TRIES;
	pool->timeout = options->timeout ? options->timeout : FL_FOREVER;
	error = copy_name(pool, options->name);
	if (error == 0)
		error = copy_initializer(pool, options);
	if (error == 0)
		error = make_rooms(pool);
	return error == 0 ? start_thread(pool) : error;
}

static bool good(const fl_pool_options *options)
{
	static const fl_pool_options zero;

	return options->max_workers <= FL_POOL_WORKERS && options->fl_spare0 == 0 && options->timeout >= 0 &&
	       memcmp(options->fl_spare, zero.fl_spare, sizeof(zero.fl_spare)) == 0;
}

/* Whether workers would know what they were started for (shm/process_start.c). */
static int refuse(const fl_pool_options *options)
{
	if (!good(options))
		return -EINVAL;
	if (getauxval(AT_SECURE))
		return -EPERM;
	return fl_process_has_begun_() ? 0 : -ENOEXEC;
}

int fl_pool_create(fl_pool **ret_pool, const fl_pool_options *options)
{
	fl_keep_errno();
	static const fl_pool_options defaults;
	fl_pool *pool;
	int error;

	options = options ? options : &defaults;
	error = refuse(options);
	if (error != 0)
		return error;
	pool = aligned_alloc(_Alignof(fl_pool), sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	memset(pool, 0, sizeof(*pool));
	error = make(pool, options);
	if (error != 0) {
		discard(pool);
		return error;
	}
	enlist(pool);
	*ret_pool = pool;
	return 0;
}
