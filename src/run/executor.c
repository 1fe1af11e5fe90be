/*
 * run/executor.c - Executor: its making and its end, its threads' beginning and theirs, and what happens at exit().
 *
 * Threads are daemons in the sense of fairlead/thread.h: exit() does not wait for idle ones, which would never end.
 * Instead a handler of exit() shuts down every executor that is left and waits for its threads. It was registered after
 * the one that waits for threads, and so it runs before: other threads may still submit until then, and after that
 * get -EPIPE, as in Python.
 *
 * Invariants:
 *   [X1] A worker is in `workers` from before its thread begins until it is joined, when the executor is freed or at
 *        exit(); `workers` and `started` change under `lock`.
 *   [X2] refs counts the owner, and exit() while it waits. An executor is in the list of all from its making until its
 *        owner destroys it; the list changes under `registry`.
 *   [X3] `broken` is set before CLOSED is.
 *
 * Rejected: threads that end after some idle time (they would need a timer, and the next burst starts them again);
 * workers that keep the executor alive (exit() could not tell that it is to end).
 */
#include "run/executor.h"

#include "base/fork.h"
#include "base/keep_errno.h"
#include "base/report.h"
#include "run/spare.h"
#include "thread/thread.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DEFAULT 32
#define MOST_LANES 8u

static struct fl_inner registry;
static fl_executor *all;
static fl_once registered_at_exit = FL_ONCE_INIT;

/* A worker's life. */

static void break_down(fl_executor *executor, int error)
{
	char message[160];

	snprintf(message, sizeof(message), "the executor's initializer has failed: %s", strerror(-error));
	fl_report_(FL_REPORT_CALLBACK, "executor", executor, NULL, "%s", message);
	fl_store_relaxed(&executor->broken, error);
	fl_crew_close_(executor);
	fl_task_drop_all_(executor, -ENOTRECOVERABLE, message);
}

static void initialize(struct fl_worker *worker)
{
	fl_executor *executor = worker->executor;
	int error = executor->initializer ? executor->initializer(executor->initializer_arg) : 0;

	worker->begun = true;
	if (error < 0)
		break_down(executor, error);
}

/* The work, or the initializer, has ended its thread. */
static void end_early(void *worker_)
{
	struct fl_worker *worker = worker_;

	fl_task_abandon_(worker);
	if (!worker->begun)
		break_down(worker->executor, -ECHILD);
	fl_tls_.worker = NULL;
	fl_crew_leave_(worker, worker->begun);
}

static void *work(void *worker_)
{
	struct fl_worker *worker = worker_;

	fl_tls_.worker = worker;
	worker->lane = fl_self() & (worker->executor->n_lanes - 1);
	pthread_cleanup_push(end_early, worker);
	initialize(worker);
	fl_crew_serve_(worker);
	pthread_cleanup_pop(0);
	fl_tls_.worker = NULL;
	fl_crew_leave_(worker, false);
	return NULL;
}

static int start_thread(fl_executor *executor, struct fl_worker *worker, uint32_t number)
{
	fl_thread_options options = {.stack_size = executor->stack_size, .daemon = true};
	char name[256];

	if (executor->name) {
		snprintf(name, sizeof(name), "%s-%u", executor->name, number);
		options.name = name;
	}
	return fl_thread_start_(&worker->thread, &options, "executor", work, worker);
}

/* The lock is held while the thread is started, so that nobody joins it without a handle. */
int fl_crew_recruit_(fl_executor *executor)
{
	struct fl_worker *worker = calloc(1, sizeof(*worker));
	int error;

	if (!worker)
		return -ENOMEM;
	worker->executor = executor;
	worker->looking = true;
	fl_inner_acquire(&executor->lock);
	error = start_thread(executor, worker, executor->started + 1);
	if (error == 0) {
		executor->started++;
		worker->next = executor->workers;
		executor->workers = worker;
	}
	fl_inner_release(&executor->lock);
	if (error != 0)
		free(worker);
	return error;
}

/* At exit(). */

static void unref(fl_executor *executor);
static void join_all(fl_executor *executor);
static bool is_own_worker(const fl_executor *executor);

/* The next one that is not closed, with a reference. */
static fl_executor *next_open(void)
{
	fl_executor *executor;

	fl_inner_acquire(&registry);
	for (executor = all; executor; executor = executor->next)
		if (!(fl_load_relaxed(&executor->state) & FL_CREW_CLOSED) && executor->epoch == fl_fork_epoch_)
			break;
	if (executor)
		fl_add_relaxed(&executor->refs, 1);
	fl_inner_release(&registry);
	return executor;
}

static void at_exit(void)
{
	fl_executor *executor;

	while ((executor = next_open())) {
		fl_executor_shutdown(executor, true, false);
		if (!is_own_worker(executor))
			join_all(executor);
		unref(executor);
	}
}

static void enlist(fl_executor *executor)
{
	fl_inner_acquire(&registry);
	executor->link = &all;
	executor->next = all;
	if (all)
		all->link = &executor->next;
	all = executor;
	fl_inner_release(&registry);
}

static void delist(fl_executor *executor)
{
	fl_inner_acquire(&registry);
	*executor->link = executor->next;
	if (executor->next)
		executor->next->link = executor->link;
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

static uint32_t count_lanes(uint32_t max)
{
	uint32_t n = 1, wished = 2 * (uint32_t)fl_cpu_count();

	while (n < wished && n < MOST_LANES)
		n *= 2;
	return max == 1 ? 1 : n;
}

static uint32_t default_max(void)
{
	int n = fl_cpu_count() + 4;

	return (uint32_t)(n < MOST_DEFAULT ? n : MOST_DEFAULT);
}

static void discard(fl_executor *executor)
{
	uint32_t i;

	for (i = 0; executor->lanes && i < executor->n_lanes; i++)
		fl_lane_end_(&executor->lanes[i]);
	free(executor->lanes);
	free(executor->name);
	free(executor);
}

static int make_lanes(fl_executor *executor)
{
	uint32_t i;
	int error = 0;

	executor->n_lanes = count_lanes(executor->max);
	executor->lanes = aligned_alloc(64, executor->n_lanes * sizeof(*executor->lanes));
	if (!executor->lanes)
		return -ENOMEM;
	memset(executor->lanes, 0, executor->n_lanes * sizeof(*executor->lanes));
	for (i = 0; error == 0 && i < executor->n_lanes; i++)
		error = fl_lane_begin_(&executor->lanes[i], &executor->state, FL_CREW_CLOSED);
	return error;
}

static int make(fl_executor **ret_executor, const fl_executor_options *options)
{
	fl_executor *executor = aligned_alloc(64, sizeof(*executor));
	int error;

	if (!executor)
		return -ENOMEM;
	memset(executor, 0, sizeof(*executor));
	executor->refs = 1;
	executor->epoch = fl_fork_epoch_;
	executor->max = options->max_threads ? options->max_threads : default_max();
	executor->stack_size = options->stack_size;
	executor->initializer = options->initializer;
	executor->initializer_arg = options->initializer_arg;
	error = make_lanes(executor);
	if (error == 0 && options->name && !(executor->name = strdup(options->name)))
		error = -ENOMEM;
	if (error == 0)
		error = fl_thread_call_at_exit_(&registered_at_exit, at_exit);
	if (error != 0) {
		discard(executor);
		return error;
	}
	enlist(executor);
	fl_spare_open_();
	*ret_executor = executor;
	return 0;
}

static bool good(const fl_executor_options *options)
{
	static const fl_executor_options zero;

	return options->max_threads <= FL_EXECUTOR_THREADS && options->fl_spare0 == 0 &&
	       memcmp(options->fl_spare, zero.fl_spare, sizeof(zero.fl_spare)) == 0;
}

int fl_executor_create(fl_executor **ret_executor, const fl_executor_options *options)
{
	fl_keep_errno();
	static const fl_executor_options defaults;

	if (!options)
		options = &defaults;
	return good(options) ? make(ret_executor, options) : -EINVAL;
}

/* The end. */

static bool is_own_worker(const fl_executor *executor)
{
	return fl_tls_.worker && fl_tls_.worker->executor == executor;
}

int fl_executor_shutdown_until(fl_executor *executor, bool cancel_pending, fl_time deadline, fl_note *note)
{
	if (executor->epoch != fl_fork_epoch_)
		return -EPERM;
	fl_crew_close_(executor);
	if (cancel_pending)
		fl_task_drop_all_(executor, 0, NULL);
	if (is_own_worker(executor))
		return -EDEADLK;
	return fl_event_wait_until(&executor->ended, deadline, note);
}

int fl_executor_shutdown(fl_executor *executor, bool wait, bool cancel_pending)
{
	int error = fl_executor_shutdown_until(executor, cancel_pending, wait ? FL_FOREVER : INT64_MIN, NULL);

	return error == -EPERM ? error : 0;
}

static void unref(fl_executor *executor)
{
	/* [executor.1] release; pairs with [executor.2] */
	if (fl_sub_release(&executor->refs, 1) > 1)
		return;
	/* [executor.2] acquire; pairs with [executor.1] */
	if (fl_load_acquire(&executor->refs) == 0)
		discard(executor);
}

/* It has been shut down. exit() and the owner may do this at the same time: each thread is joined by one of them. */
static void join_all(fl_executor *executor)
{
	struct fl_worker *worker, *next;

	fl_inner_acquire(&executor->lock); /* who has started the last thread may still be in there */
	worker = executor->workers;
	executor->workers = NULL;
	fl_inner_release(&executor->lock);
	for (; worker; worker = next) {
		next = worker->next;
		fl_thread_join(worker->thread, NULL);
		free(worker);
	}
}

fl_executor *fl_executor_destroy(fl_executor *executor)
{
	fl_keep_errno();

	if (!executor)
		return NULL;
	if (is_own_worker(executor)) {
		fl_misuse_("executor", executor, "destroyed by one of its own threads");
		return NULL;
	}
	if (fl_executor_shutdown(executor, true, false) == -EPERM)
		executor->lock.state = 0; /* it is the parent's, and so may be the holder */
	delist(executor);
	join_all(executor);
	unref(executor);
	fl_spare_close_();
	return NULL;
}

uint32_t fl_executor_threads(const fl_executor *executor)
{
	return fl_crew_count(fl_load_relaxed(&executor->state), FL_CREW_THREADS);
}

uint32_t fl_executor_idle(const fl_executor *executor)
{
	return fl_crew_count(fl_load_relaxed(&executor->state), FL_CREW_IDLE);
}
