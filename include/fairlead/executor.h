/*
 * fairlead/executor.h - Executor: work that is handed over, and the threads that do it. Python's ThreadPoolExecutor.
 *
 *     static int fetch(fl_task *task, void *url)
 *     {
 *             struct page page;
 *             if (!download(url, &page, fl_task_note(task)))
 *                     return fl_task_fail(task, -EIO, "%s: no answer", url);
 *             return fl_task_return(task, &page, sizeof(page));
 *     }
 *
 *     fl_executor *executor;
 *     fl_executor_create(&executor, NULL);
 *     fl_executor_submit(&future, executor, fetch, url);      // fairlead/future.h
 *     ...
 *     fl_executor_destroy(executor);                          // waits for all that was submitted
 *
 * Threads are started as they are needed: when work is submitted and no thread is idle or looking for some, up to a
 * maximum. Idle ones sleep, and cost nothing but their memory, until the executor is shut down. What one thread
 * submits is begun in that order; with a maximum of one thread it is all done in the order of submission.
 *
 * Work that waits. A worker (a thread of the executor) that waits for a future keeps nobody waiting for it:
 *   - if it waits without deadline and note for work of its own executor that has not begun, by fl_future_result,
 *     fl_future_wait_until or fl_wait with FL_ALL_COMPLETED, it does that work itself, there and then, up to 100 of
 *     them one within another. It never does other work on top of its own, which could wait for what lies below it;
 *   - otherwise, also in fl_completed_next and, if there is a future among what it waits for, in fl_wait_any, its place
 *     is lent to another thread, an idle one or a new one, until the wait is over. So there may be more threads than
 *     the maximum, by the number of those that wait for futures; but of those that do not, no more than the maximum,
 *     except from the end of such a wait to the end of the next work. At most 256 places are lent at a time; who waits
 *     beyond that only waits.
 * So a full pool does not deadlock over its own work, but for work that waits for itself: to wait for work that is
 * running further down on the same thread returns -EDEADLK.
 *
 * At exit(), as in Python: what has been submitted is done first, then the threads end, and then exit() goes on. So it
 * waits for work that takes for ever; cancel that before. And work that was handed an address of main's own variables
 * must be done before main returns. It does not wait for work that calls exit() itself.
 *
 * In a forked child an executor of the parent has no threads: calls return -EPERM, and so does waiting for a future of
 * it that was not done. fl_executor_destroy frees it.
 *
 * When not to use it: for one long-lived thing start a thread; for a loop over numbers fl_parallel_for.
 *
 * All calls may come from any thread, workers included, none from a signal handler. No call fails or returns early
 * because of a signal. An executor must outlive the calls that use it.
 */
#ifndef FAIRLEAD_EXECUTOR_H
#define FAIRLEAD_EXECUTOR_H

#include <fairlead/attributes.h>
#include <fairlead/future.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

typedef struct fl_executor fl_executor;

/* Work as it sees itself; it lives until its function returns. */
typedef struct fl_task fl_task;

#define FL_EXECUTOR_THREADS 1024u /* the greatest maximum */

/* How an executor is to be made. All zero is what a NULL pointer means. */
typedef struct fl_executor_options {
	uint32_t max_threads; /* 0: fl_cpu_count() + 4, but not more than 32 */
	uint32_t fl_spare0;
	const char *name;              /* the threads are name-1, name-2, ...; NULL: "executor-1", ... */
	size_t stack_size;             /* of a thread; 0: the system's default */
	int (*initializer)(void *arg); /* called first in each thread; NULL: nothing */
	void *initializer_arg;
	uint64_t fl_spare[3]; /* these must be zero */
} fl_executor_options;

/* Makes an executor; no thread is started yet. Returns 0; -EINVAL: max_threads is more than FL_EXECUTOR_THREADS, or a
 * spare field is not zero; -ENOMEM. Does not block.
 * An initializer that returns a negative errno breaks the executor: what is pending gets the error -ENOTRECOVERABLE and
 * a message that says why, and nothing more can be submitted. Besides it is reported (FL_REPORT_CALLBACK).
 * Since 0.1. */
int fl_executor_create(fl_executor **ret_executor, const fl_executor_options *options) FL_NONNULL(1) FL_MUST_CHECK;

/* What is done: returns 0, or a negative errno, which becomes the future's error. */
typedef int (*fl_work)(fl_task *task, void *arg);

/* Has function(task, arg) called by a thread of the executor. ret_future receives a reference to its future, in which
 * the outcome will be. Returns 0;
 * -EPIPE: it is shut down; -ENOTRECOVERABLE: its initializer has failed; -EPERM: see above, after a fork;
 * -ENOMEM; -EAGAIN: not even one thread can be started.
 * If the work ends its thread (fl_thread_exit, fl_thread_fail), the future's error is -ECHILD, and another thread takes
 * its place. Does not block. */
int fl_executor_submit(fl_future **ret_future, fl_executor *executor, fl_work function, void *arg) FL_NONNULL(1, 2, 3)
	FL_MUST_CHECK;

/* The same with a copy of the `size` bytes at `value` for an argument, which lives until the function returns. Also
 * -EMSGSIZE: that is more than FL_FUTURE_VALUE. */
int fl_executor_submit_value(fl_future **ret_future, fl_executor *executor, fl_work function, const void *value,
			     size_t size) FL_NONNULL(1, 2, 3) FL_MUST_CHECK;

/* Has function(arg) called, without a future: the cheapest. Errors as above. */
int fl_executor_start(fl_executor *executor, void (*function)(void *arg), void *arg) FL_NONNULL(1, 2) FL_MUST_CHECK;

/* For work: what its future's result will be, if it returns 0; as fl_future_set_result. Returns 0, -EMSGSIZE (not in a
 * pool's worker, fairlead/pool.h, where it may have any size), -ENOMEM. */
int fl_task_return(fl_task *task, const void *value, size_t size) FL_NONNULL(1) FL_MUST_CHECK;

/* For work: what its future's message will be, if it returns an error. Returns `error`, so that work can end with
 * return fl_task_fail(task, -EIO, "%s: cannot be read", path). */
int fl_task_fail(fl_task *task, int error, const char *format, ...) FL_NONNULL(1, 3)
	__attribute__((format(printf, 3, 4)));

/* For work: the note that is cancelled when its future is (fl_future_cancel). */
fl_note *fl_task_note(fl_task *task) FL_ALL_NONNULL;

/* A function over many items, whose results come in the order of the items. */
typedef struct fl_map {
	/* Called for each item; writes the result. Returns 0, or a negative errno. */
	int (*function)(const void *item, void *ret_result, fl_task *task, void *arg);
	void *arg;
	size_t n;
	const void *items; /* n of item_size bytes each, one after the other */
	size_t item_size;
	void *results; /* room for n of result_size bytes each; NULL if that is 0 */
	size_t result_size;
	size_t chunk; /* how many items are done together; 0: 1 */
	uint64_t fl_spare[2];
} fl_map;

/* Calls map->function for all items, and blocks until it has. If one fails, the error of the first of them in the
 * order of the items is returned, and what has not begun is not done. Errors as fl_executor_submit besides, of which
 * -EPIPE may come after some have been done. Python's Executor.map, but it does not return before it is over. */
int fl_executor_map(fl_executor *executor, const fl_map *map) FL_ALL_NONNULL FL_MUST_CHECK;

/* Also -ETIMEDOUT and -ECANCELED. What has not begun is not done then; what has is told by its note, and waited for
 * even so, since it writes to the results. */
int fl_executor_map_until(fl_executor *executor, const fl_map *map, fl_time deadline, fl_note *note) FL_NONNULL(1, 2)
	FL_MUST_CHECK;

/* Nothing more can be submitted: -EPIPE. What was submitted is still done, unless `cancel_pending`: then what has not
 * begun is not, and its futures are cancelled. With `wait` it blocks until all threads have ended; a worker of this
 * executor does not wait, whatever it says, since it would for itself. A second time it does no harm. Returns 0;
 * -EPERM after a fork. Python's shutdown. */
int fl_executor_shutdown(fl_executor *executor, bool wait, bool cancel_pending) FL_ALL_NONNULL;

/* The same, and waits until the deadline: also -ETIMEDOUT and -ECANCELED: it is shut down, but there are threads left;
 * -EDEADLK for a worker of this executor. */
int fl_executor_shutdown_until(fl_executor *executor, bool cancel_pending, fl_time deadline, fl_note *note)
	FL_NONNULL(1) FL_MUST_CHECK;

/* Shuts it down, waits until all threads have ended, and frees it. Called by one of its own workers, that is reported
 * as misuse, and it stays. NULL is allowed. Returns NULL. */
fl_executor *fl_executor_destroy(fl_executor *executor);

/* How many threads there are, and how many of them are idle, at this moment. Never block. */
uint32_t fl_executor_threads(const fl_executor *executor) FL_ALL_NONNULL;
uint32_t fl_executor_idle(const fl_executor *executor) FL_ALL_NONNULL;

FL_END_DECLS

#endif
