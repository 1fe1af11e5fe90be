/*
 * run/task.c - work with a future: how it is submitted, run, given up, and waited for by workers.
 *
 * A task is its future and what is to be called. Two references exist from the start: that of whoever submitted it, and
 * that of the lane in which it stands. Whoever moves it from pending to running (fl_future_claim_) calls the function;
 * so it may be taken out of the middle of a lane, or cancelled there, without touching the lane: who comes to it later
 * finds that it is not pending, and gives its reference back.
 *
 * What a worker is at work on is a chain, the innermost first: a worker that waits for a task which nobody has begun
 * runs it there and then, on top of the one that waits. That cannot deadlock: the one below waits for the one above
 * anyhow. To run any other task there could, if it waits for one below; to wait for one below is -EDEADLK. Beyond
 * FL_TASK_DEPTH in one chain, so that stacks do not overflow, a worker lends its place instead (run/crew.c).
 *
 * Invariants:
 *   [K1] While a future is RUNNING its runner alone writes value, error and message.
 *   [K2] The chain is its thread's own. Its last member was taken from a lane, whose reference it holds; those on top
 *        of that are held by who waits for them.
 */
#include "run/executor.h"

#include "base/fork.h"
#include "base/keep_errno.h"
#include "run/spare.h"
#include <stdlib.h>
#include <string.h>

/* Running. */

static void settle(fl_task *task, int error)
{
	if (error < 0)
		task->future.error = error;
	fl_future_settle_(&task->future, error < 0 ? FL_FUTURE_ERROR : FL_FUTURE_RESULT);
}

static void call(struct fl_worker *worker, fl_task *task)
{
	int error;

	task->below = worker->running;
	worker->running = task;
	worker->depth++;
	error = task->function(task, task->arg);
	worker->running = task->below;
	worker->depth--;
	settle(task, error);
}

void fl_task_run_(void *task_)
{
	fl_task *task = task_;

	if (fl_future_claim_(&task->future))
		call(fl_tls_.worker, task);
	fl_future_unref(&task->future);
}

void fl_task_abandon_(struct fl_worker *worker)
{
	fl_task *task, *below;
	fl_future *outermost = NULL;

	for (task = worker->running; task; task = below) {
		below = task->below;
		free(task->future.message);
		task->future.message = strdup("the work has ended its thread");
		outermost = &task->future;
		settle(task, -ECHILD);
	}
	worker->running = NULL;
	fl_future_unref(outermost);
}

int fl_task_do_(struct fl_worker *worker, fl_future *future)
{
	const fl_task *task = worker->running;

	while (task && &task->future != future)
		task = task->below;
	if (task && !fl_future_done(future))
		return -EDEADLK;
	if (future->home == worker->executor && worker->depth < FL_TASK_DEPTH && fl_future_claim_(future))
		call(worker, (fl_task *)future);
	return 0;
}

/* Giving up. */

static void drop(fl_task *task, int error, const char *message)
{
	if (error == 0) {
		fl_future_cancel(&task->future);
	} else if (fl_future_claim_(&task->future)) {
		task->future.message = strdup(message);
		settle(task, error);
	}
	fl_future_unref(&task->future);
}

void fl_task_drop_all_(fl_executor *executor, int error, const char *message)
{
	struct fl_worker nobody = {0};
	struct fl_work_item item;

	while (fl_crew_take_(executor, &nobody, &item))
		if (item.function == fl_task_run_)
			drop(item.arg, error, message);
}

/* Submitting. */

static fl_task *make(fl_executor *executor, fl_work function, void *arg, const void *value, size_t size)
{
	size_t head = (sizeof(fl_task) + 15) / 16 * 16;
	bool spare = head + size <= FL_SPARE_SIZE;
	fl_task *task = spare ? fl_spare_take_() : malloc(head + size);

	if (!task)
		return NULL;
	memset(task, 0, sizeof(*task));
	fl_future_begin_(&task->future, 2);
	task->future.spare = spare;
	task->future.home = executor;
	task->future.epoch = executor->epoch;
	task->function = function;
	task->arg = arg;
	if (value) {
		task->arg = (char *)task + head;
		memcpy(task->arg, value, size);
	}
	return task;
}

/* Whether anything can be submitted at all; what a lane cannot tell. */
static int check(const fl_executor *executor)
{
	return executor->epoch != fl_fork_epoch_ ? -EPERM : 0;
}

static int put(fl_executor *executor, void (*function)(void *arg), void *arg)
{
	int error = fl_crew_put_(executor, (struct fl_work_item){function, arg});

	return error == -EPIPE && fl_load_relaxed(&executor->broken) != 0 ? -ENOTRECOVERABLE : error;
}

static int submit(fl_future **ret_future, fl_executor *executor, fl_task *task)
{
	int error;

	if (!task)
		return -ENOMEM;
	error = put(executor, fl_task_run_, task);
	if (error != 0) {
		task->future.refs = 1;
		fl_future_unref(&task->future);
		return error;
	}
	*ret_future = &task->future;
	return 0;
}

int fl_executor_submit(fl_future **ret_future, fl_executor *executor, fl_work function, void *arg)
{
	fl_keep_errno();
	int error = check(executor);

	return error != 0 ? error : submit(ret_future, executor, make(executor, function, arg, NULL, 0));
}

int fl_executor_submit_value(fl_future **ret_future, fl_executor *executor, fl_work function, const void *value,
			     size_t size)
{
	fl_keep_errno();
	int error = size > FL_FUTURE_VALUE ? -EMSGSIZE : check(executor);

	return error != 0 ? error : submit(ret_future, executor, make(executor, function, NULL, value, size));
}

int fl_executor_start(fl_executor *executor, void (*function)(void *arg), void *arg)
{
	fl_keep_errno();
	int error = check(executor);

	return error != 0 ? error : put(executor, function, arg);
}

/* What work says of itself. */

int fl_task_return(fl_task *task, const void *value, size_t size)
{
	fl_keep_errno();

	return fl_future_keep_value_(&task->future, value, size);
}

int fl_task_fail(fl_task *task, int error, const char *format, ...)
{
	fl_keep_errno();
	va_list args;

	va_start(args, format);
	fl_future_keep_error_(&task->future, error, format, args);
	va_end(args);
	return task->future.error;
}

void (*fl_task_noted_)(fl_task *task);

fl_note *fl_task_note(fl_task *task)
{
	if (fl_unlikely(fl_task_noted_ != NULL))
		fl_task_noted_(task);
	return &task->future.note;
}
