/*
 * fairlead/pool.h - Pool: work that is handed to processes. Python's multiprocessing.Pool and ProcessPoolExecutor.
 *
 *     static int add(fl_task *task, void *arg, size_t size)        // in a worker, with a copy of the argument
 *     {
 *             const struct range *range = arg;
 *             long sum = 0;
 *             for (long i = range->from; i < range->to; i++)
 *                     sum += i;
 *             return fl_task_return(task, &sum, sizeof(sum));      // fairlead/executor.h
 *     }
 *
 *     int main(void)
 *     {
 *             fl_process_begin();                                  // first of all: fairlead/process.h
 *             fl_pool *pool;
 *             fl_future *future;
 *             int error = fl_pool_create(&pool, NULL);
 *             ...
 *             error = fl_pool_submit(&future, pool, add, &range, sizeof(range));
 *             error = fl_future_result(future, &sum, sizeof(sum)); // fairlead/future.h
 *             fl_future_unref(future);
 *             fl_pool_destroy(pool);                               // waits for all that was submitted
 *     }
 *
 * A worker is a process of the program (fairlead/process.h), started as workers are needed up to a maximum, and kept.
 * Arguments and results are bytes, and are copied; a pointer in them means nothing on the other side. They may be of
 * any size; up to 32 KiB they are fastest. A worker does one task after the other, in its main thread.
 *
 * A worker that dies - by a crash, by the OOM killer, by exit() - costs its own task and no other one. That is tried
 * again in another worker, since somebody else may have killed the first, and fails when it has ended as many as
 * `tries` says: its error is -ECHILD, and its message says who and how: "task 17 'thumbnail' killed worker pool-1-3
 * (pid 4711) by SIGSEGV, tried 3 times". All other results arrive; the worker is replaced. So with tries that are more
 * than one a task may be done twice, if it was killed at its very end: where it must not, have `tries` be 1.
 *
 * What is not done twice, ever, is a task whose outcome has arrived, and one that a worker had not begun counts
 * nothing for it. If a worker cannot begin at all - its initializer fails or dies - five times in a row, and no task
 * is done meanwhile, the pool is broken: what is pending fails with -ENOTRECOVERABLE and a message that says why, and
 * so does what is submitted.
 *
 * Time. A task that runs for longer than its timeout is ended together with its worker, and is not tried again: its
 * error is -ETIMEDOUT. fl_future_cancel cancels a task that has not begun; of one that runs it cancels the note
 * (fl_task_note), also in the worker, where the task may look at it or wait with it. A future says "running" from when
 * its task was sent to a worker. If that has not begun it when it is cancelled, it becomes cancelled all the same.
 *
 * Order. Tasks are begun in the order of submission, more or less: while tasks take less than a millisecond, workers
 * are sent some ahead, which are taken back when another worker is idle, or theirs dies.
 *
 * At exit(), as with an executor, what has been submitted is done first. If the process is killed its workers are at
 * once. In a forked child a pool of the parent has no workers: calls return -EPERM, as does waiting for its futures
 * that are not done, and fl_pool_destroy leaves it where it is. A Ctrl-C at the terminal is sent to workers, too.
 *
 * Functions of a library that was loaded with dlopen: workers must have it loaded before fl_process_begin, and it must
 * stay loaded here. An idle pool does nothing at all.
 *
 * All calls may come from any thread, none from a signal handler. No call fails or returns early because of a signal. A
 * pool must outlive the calls that use it. Done callbacks of its futures are called by the pool's own thread: while one
 * runs, nobody gets work, so it must not wait for a future of this pool.
 *
 * When not to use it: threads (fairlead/executor.h) cost far less, and share their memory; take processes for what may
 * crash, leak or hang, or for code that works in one thread only.
 */
#ifndef FAIRLEAD_POOL_H
#define FAIRLEAD_POOL_H

#include <fairlead/attributes.h>
#include <fairlead/executor.h>
#include <fairlead/future.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

typedef struct fl_pool fl_pool;

#define FL_POOL_WORKERS 256u /* the greatest maximum */
#define FL_POOL_TRIES 3u     /* what 0 means */

/* How a pool is to be made. All zero is what a NULL pointer means. */
typedef struct fl_pool_options {
	uint32_t max_workers; /* 0: fl_cpu_count() */
	uint32_t max_tasks;   /* a worker ends after so many, and is replaced: for what leaks. 0: never. Python's
				 maxtasksperchild */
	uint32_t tries;       /* how many workers a task may end until it fails; 1: none is tried again; 0:
				 FL_POOL_TRIES */
	uint32_t fl_spare0;
	fl_time timeout;  /* for how long each task may run, in nanoseconds; 0 or FL_FOREVER: for ever */
	const char *name; /* the workers are name-1, name-2, ...; NULL: "pool-1", ... */
	/* Called first in each worker with a copy of `initializer_size` bytes, which it keeps; NULL: nothing. Returning
	 * a negative errno, it has failed. */
	int (*initializer)(void *arg, size_t size);
	const void *initializer_arg;
	size_t initializer_size;
	uint64_t fl_spare[3]; /* these must be zero */
} fl_pool_options;

/* Makes a pool, and starts a thread that looks after it; workers are started when there is work. Returns 0;
 * -ENOEXEC: this process has not called fl_process_begin;
 * -EPERM: this program has privileges that its caller did not have (see fl_process_start);
 * -EINVAL: max_workers is more than FL_POOL_WORKERS, timeout is negative, the initializer is in no module, or a spare
 *     field is not zero;
 * -ENOMEM, -EMFILE, -ENFILE, -EAGAIN: what the system said.
 * Does not block.  Since 0.1. */
int fl_pool_create(fl_pool **ret_pool, const fl_pool_options *options) FL_NONNULL(1) FL_MUST_CHECK;

/* What is done, in a worker: returns 0, or a negative errno, which becomes the future's error, with what fl_task_fail
 * said for a message. What fl_task_return was given is the result. `arg` is the task's own, aligned to 16 bytes, and
 * lives until it returns. */
typedef int (*fl_pool_work)(fl_task *task, void *arg, size_t size);

/* Has function(task, copy of the `size` bytes at arg, size) called by a worker. ret_future receives a reference to its
 * future. Returns 0;
 * -EPIPE: the pool is shut down; -ENOTRECOVERABLE: it is broken; -EPERM: after a fork;
 * -EINVAL: the function is in no module; -ENOMEM.
 * If the argument or the result can't be carried to or from the worker, that is the error of the future: -ENOMEM,
 * -EMFILE. If the worker does not have the function's module: -ENOENT; if it has another one of that name: -ESTALE.
 * If no worker can be started, and there is none: -EAGAIN, -ENOMEM or what else the system said. Does not block. */
int fl_pool_submit(fl_future **ret_future, fl_pool *pool, fl_pool_work function, const void *arg, size_t size)
	FL_NONNULL(1, 2, 3) FL_MUST_CHECK;

/* What may be said of one task. All zero: what the pool says. */
typedef struct fl_pool_task_options {
	const char *name; /* for messages; it is copied */
	fl_time timeout;  /* 0: the pool's; FL_FOREVER: none */
	uint32_t tries;   /* 0: the pool's */
	uint32_t fl_spare0;
	uint64_t fl_spare[2]; /* these must be zero */
} fl_pool_task_options;

/* The same with options; also -EINVAL: the timeout is negative, or a spare field is not zero. */
int fl_pool_submit_with(fl_future **ret_future, fl_pool *pool, const fl_pool_task_options *options,
			fl_pool_work function, const void *arg, size_t size) FL_NONNULL(1, 2, 4) FL_MUST_CHECK;

/* A function over many items. */
typedef struct fl_pool_items {
	/* Called in a worker for each item; writes the result. Returns 0, or a negative errno. It may be a function for
	 * fl_executor_map. */
	int (*function)(const void *item, void *ret_result, fl_task *task, void *arg);
	const void *arg; /* `arg_size` bytes, of which each chunk has a copy, */
	size_t arg_size;
	size_t n;
	const void *items; /* n of item_size bytes each, one after the other, */
	size_t item_size;
	void *results; /* room for n of result_size bytes each; NULL if that is 0. Not for the two imaps */
	size_t result_size;
	size_t chunk;    /* how many items are sent together; 0: about a quarter of a worker's share, as in Python, but
			    no more than fit into 32 KiB */
	fl_time timeout; /* for a chunk: 0: the pool's; FL_FOREVER: none */
	/* fl_pool_map only: room for n errors, 0 for what went well. NULL: the first error ends it. */
	int *errors;
	char *message; /* fl_pool_map only: room for `message_size` bytes, in which the message of the error is put */
	size_t message_size;
	uint64_t fl_spare[2]; /* these must be zero */
} fl_pool_items;

/* Calls items->function for all items, and blocks until it has. Results are where they belong, in the order of the
 * items. Returns 0; the error of the first item, in that order, that failed. With `errors` all are done nevertheless;
 * without, what has not begun is not, and what has may go on in its worker. Also the errors of fl_pool_submit, of which
 * -EPIPE may come after some have been done; -EINVAL: a spare field is not zero, the timeout is negative, something is
 * NULL that has a size, or there are more bytes than there can be; -EDEADLK: in a done callback of this pool. Python's
 * Pool.map.
 * If a worker dies with a chunk, the items of the chunk are tried again one by one, so that it costs the one item that
 * did it; but with `tries` of 1 none is, and all of that chunk have failed. A timeout ends all of its chunk. */
int fl_pool_map(fl_pool *pool, const fl_pool_items *items) FL_ALL_NONNULL FL_MUST_CHECK;
/* Also -ETIMEDOUT and -ECANCELED: what has not begun is not done then, and what has is told by its note. */
int fl_pool_map_until(fl_pool *pool, const fl_pool_items *items, fl_time deadline, fl_note *note) FL_NONNULL(1, 2)
	FL_MUST_CHECK;

/* Results as they come. */
typedef struct fl_pool_results fl_pool_results;

/* One of them. What it points to lives until the next call. */
typedef struct fl_pool_result {
	size_t index; /* of the item */
	int error;    /* 0, or what it has failed with; those of fl_pool_submit, too, if it could not be submitted */
	uint32_t fl_spare0;
	const void *value;   /* the result, or NULL if it failed or has no bytes */
	const char *message; /* of the error, or "" */
	uint64_t fl_spare[2];
} fl_pool_result;

/* Begin the same as fl_pool_map, for results one after the other: in the order of the items, or as they come. Each item
 * is returned once, whatever becomes of it. `items` and what it points to must live until the iterator is destroyed:
 * they are read as workers need them. Return 0; -EINVAL as fl_pool_map; -EPERM; -ENOMEM. Do not block. Python's
 * Pool.imap and Pool.imap_unordered. */
int fl_pool_imap(fl_pool_results **ret_results, fl_pool *pool, const fl_pool_items *items) FL_ALL_NONNULL FL_MUST_CHECK;
int fl_pool_imap_unordered(fl_pool_results **ret_results, fl_pool *pool, const fl_pool_items *items)
	FL_ALL_NONNULL FL_MUST_CHECK;

/* Blocks until there is one more. Returns 1 with it; 0: all have been returned; -ENOMEM: the next can't be submitted;
 * -EDEADLK: it is not there, and this is a done callback of this pool; -EPERM: after a fork. One thread at a time. */
int fl_pool_results_next(fl_pool_results *results, fl_pool_result *ret_result) FL_ALL_NONNULL FL_MUST_CHECK;
/* Also -ETIMEDOUT and -ECANCELED: nothing is lost, the next call goes on. */
int fl_pool_results_next_until(fl_pool_results *results, fl_pool_result *ret_result, fl_time deadline, fl_note *note)
	FL_NONNULL(1, 2) FL_MUST_CHECK;

/* Ends it, at any time; what has not begun is not done. NULL is allowed. Returns NULL. Does not block. In a forked
 * child it stays where it is. */
fl_pool_results *fl_pool_results_destroy(fl_pool_results *results);

/* Nothing more can be submitted: -EPIPE. What was submitted is still done, unless `cancel_pending`: then what has not
 * begun is cancelled. With `wait` it blocks until that is done and all workers have ended; the pool's own thread (in a
 * done callback) does not wait, whatever it says. A second time it does no harm. Returns 0; -EPERM after a fork. */
int fl_pool_shutdown(fl_pool *pool, bool wait, bool cancel_pending) FL_ALL_NONNULL;
/* The same, and waits until the deadline: also -ETIMEDOUT and -ECANCELED; -EDEADLK for the pool's own thread. */
int fl_pool_shutdown_until(fl_pool *pool, bool cancel_pending, fl_time deadline, fl_note *note) FL_NONNULL(1)
	FL_MUST_CHECK;

/* Shuts it down and kills the workers: what has not begun is cancelled, what runs fails with -ECANCELED. Does not wait
 * for it. Returns 0; -EPERM after a fork. Python's terminate. */
int fl_pool_terminate(fl_pool *pool) FL_ALL_NONNULL;

/* Shuts it down, waits until all is done and the workers have ended, and frees it. Called by its own thread, that is
 * reported as misuse, and it stays. NULL is allowed. Returns NULL. */
fl_pool *fl_pool_destroy(fl_pool *pool);

/* How many workers there are at this moment; how many have ended so far that nobody had told to. Never block. */
uint32_t fl_pool_workers(const fl_pool *pool) FL_ALL_NONNULL;
uint64_t fl_pool_deaths(const fl_pool *pool) FL_ALL_NONNULL;

FL_END_DECLS

#endif
