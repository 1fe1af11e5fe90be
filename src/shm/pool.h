/*
 * shm/pool.h - what the files of fl_pool need of each other.
 *
 *     pool.c           making and ending a pool, submitting to it
 *     pool_dispatch.c  the pool's thread: who gets what, and when
 *     pool_send.c      tasks on their way to a worker, and taken back
 *     pool_reply.c     what comes back
 *     pool_crew.c      workers are started, and buried
 *     pool_worker.c    the worker's side
 *     pool_results.c   one function over many items, in batches, and its results one by one; pool_map.c: all of them
 *
 * What a pool is, and why so, stands in pool.c.
 */
#ifndef FL_SHM_POOL_H
#define FL_SHM_POOL_H

#include "base/inner.h"
#include "run/future.h"
#include "shm/process.h"
#include <fairlead/event.h>
#include <fairlead/pipe.h>
#include <fairlead/pool.h>
#include <fairlead/thread.h>

#define FL_POOL_DEPTH 64u        /* the most tasks that a worker is ahead */
#define FL_POOL_PACKET 65536u    /* the most bytes of a message between pool and worker, and */
#define FL_POOL_INLINE 32768u    /* of an argument or a result in one: what is larger goes in a memfd beside it */
#define FL_POOL_TEXT 16384u      /* and of an error's message */
#define FL_POOL_ALIGN 16u        /* of an argument in a message */
#define FL_POOL_STARTS 5u        /* so many workers in a row may end before they are ready, while nothing is done */
#define FL_POOL_SETTLES FL_MS(1) /* how much work, by the average, a worker is ahead */

enum fl_pool_kind {
	FL_POOL_STOP = 1, /* to the worker: that was all */
	FL_POOL_FUNCTION, /* the next function, as a struct fl_process_function: they are numbered from 0 */
	FL_POOL_CALL,     /* a task: a function and its argument, */
	FL_POOL_CHUNK,    /* or a function for each of several items, in a struct fl_pool_chunk */
	FL_POOL_READY,    /* from the worker: its initializer is over; the error is what that returned */
	FL_POOL_RESULT,   /* a task's outcome */
	FL_POOL_BELL,     /* there is one on a slip */
};

/* What a message to a worker is made of: such a head, and `size` bytes, filled up to FL_POOL_ALIGN. */
struct fl_pool_record {
	uint32_t kind;
	uint32_t turn;     /* of a task: its number with this worker, from 1 */
	uint32_t function; /* its number */
	uint32_t apart;    /* the bytes are not here but in the memfd that comes with the message */
	uint64_t size;
	uint64_t spare;
};

/* What a message from a worker begins with; `size` bytes of a value follow, and then so many of a text. */
struct fl_pool_reply {
	uint32_t kind;
	uint32_t turn;
	int32_t error;
	uint32_t text;
	uint64_t size;
	uint32_t apart;
	uint32_t spare;
};

/* Several items. `arg_size` bytes of the argument follow, from the next FL_POOL_ALIGN on, and then the items. The value
 * that comes back has n results, and then a struct fl_pool_failure with its text for each item that failed. */
struct fl_pool_chunk {
	uint64_t n, item_size, result_size, arg_size;
	uint32_t stops; /* at the first item that fails */
	uint32_t spare[3];
};

struct fl_pool_failure {
	uint64_t index; /* in the chunk */
	int32_t error;
	uint32_t text;
};

/* A small outcome, which is told without a message. That of turn t is on slip t % FL_POOL_DEPTH, if that is free. */
struct fl_pool_slip {
	uint32_t turn; /* 0: it is free. The worker sets it when all else is there, the pool takes it away */
	int32_t error;
	uint16_t size, text; /* as in a struct fl_pool_reply */
	uint32_t spare;
	unsigned char bytes[112];
};

/* What pool and worker have both mapped. */
struct fl_pool_page {
	uint64_t turns;     /* see fl_pool_begun */
	uint32_t cancelled; /* the turn whose note the worker is to cancel */
	uint32_t rung;      /* a FL_POOL_BELL is on its way: the pool is going to look at the slips */
	_Alignas(64) struct fl_pool_slip slips[FL_POOL_DEPTH];
};

/* Turns are counted modulo 2^32. The worker begins a task by writing its turn here, if that is beyond `gone`; the
 * pool takes back all that has not begun by moving `gone` to the last turn that it has sent. One compare-and-swap each:
 * so of a task that was sent both know whether it has begun. */
static inline uint32_t fl_pool_begun(uint64_t turns)
{
	return (uint32_t)turns;
}

static inline uint32_t fl_pool_gone(uint64_t turns)
{
	return (uint32_t)(turns >> 32);
}

static inline uint64_t fl_pool_turns(uint32_t gone, uint32_t begun)
{
	return (uint64_t)gone << 32 | begun;
}

static inline bool fl_pool_reached(uint32_t at, uint32_t turn)
{
	return (int32_t)(at - turn) >= 0;
}

static inline uint64_t fl_pool_aligned(uint64_t size)
{
	return (size + FL_POOL_ALIGN - 1) / FL_POOL_ALIGN * FL_POOL_ALIGN;
}

/* What a worker is started with; the initializer's argument follows. */
struct fl_pool_hello {
	_Alignas(FL_POOL_ALIGN) int32_t pipe, page; /* its descriptors */
	uint32_t has_initializer;
	uint32_t spare;
	struct fl_process_function initializer;
};

/* The pool's side. */

struct fl_pool_task {
	struct fl_future future; /* the first member */
	struct fl_pool_task *next;
	uint64_t number; /* from 1, in the order of submission */
	uint32_t kind;   /* FL_POOL_CALL or FL_POOL_CHUNK */
	uint32_t function;
	struct fl_waiter waiter; /* of the future's note */
	uint32_t tried, tries;   /* how many workers it has ended, and may */
	bool claimed;            /* it is running, as far as its future says */
	bool watched;            /* the waiter is, or was, queued */
	bool killed;             /* it failed since it ended its workers */
	fl_time timeout;         /* FL_FOREVER: none */
	uint64_t first, n;       /* of a chunk: its items */
	char *name;              /* or NULL */
	size_t size;
	_Alignas(FL_POOL_ALIGN) unsigned char bytes[]; /* the argument, or the chunk */
};

struct fl_pool_list {
	struct fl_pool_task *first, **last;
	size_t n;
};

/* A task that was sent to a worker. */
struct fl_pool_slot {
	struct fl_pool_task *task;
	uint32_t turn;
	bool told; /* the worker was told that the note is cancelled */
};

enum fl_pool_state {
	FL_POOL_STARTING,
	FL_POOL_SERVING,
	FL_POOL_LEAVING, /* it was told to stop, */
	FL_POOL_DYING,   /* or killed */
};

struct fl_pool_worker {
	fl_process *process;
	fl_pipe *pipe;
	struct fl_pool_page *page;
	enum fl_pool_state state;
	bool ready, dismissed; /* it has said so; it was told to end */
	bool silent;           /* nothing more will come by its pipe */
	bool full;             /* there was no room in that: nothing is sent until there is */
	bool overdue;          /* killed since the task of turn `late` took too long */
	uint32_t late;
	const char *verdict;  /* or killed for this */
	int refused;          /* what its initializer returned */
	uint32_t turn;        /* the last that was sent */
	uint32_t n_functions; /* that it knows */
	uint64_t served;      /* tasks whose outcome has come */
	fl_time since;        /* when the first of its tasks began, at the earliest */
	uint32_t first, n;    /* in the ring of slots */
	struct fl_pool_slot slots[FL_POOL_DEPTH];
};

/* A function as it was named when it was first submitted. */
struct fl_pool_function {
	const void *address;
	struct fl_process_function name;
};

struct fl_pool {
	fl_pool *next, **link; /* of all */
	uint32_t refs;         /* the owner's, and that of exit() while it waits */
	uint8_t epoch;         /* fl_fork_epoch_ when it was made */
	bool left;             /* when exit() began; by the lock of the list */
	char *name;
	uint32_t max, max_tasks, tries;
	fl_time timeout;
	struct fl_pool_hello hello;
	void *initializer_arg;
	size_t initializer_size;
	int bell; /* an eventfd, which wakes the pool's thread */
	fl_thread *thread;
	fl_event ended; /* the thread has nothing left to do */

	_Alignas(64) struct fl_inner lock; /* of all that follows, up to the line */
	struct fl_pool_list incoming;
	bool asleep; /* the thread is to be woken by the bell; */
	bool news;   /* it has not taken over all of this yet */
	bool closed, drop, terminated;
	int broken;
	uint64_t numbers;
	struct fl_pool_function *functions;
	uint32_t n_functions;

	/* The thread's own; others may read the two counts. */
	uint32_t n_workers;
	uint64_t deaths;
	struct fl_pool_worker **workers;
	struct pollfd *polled;
	struct fl_pool_list pending;
	bool closing, dropping, terminating; /* what it has taken over of the above */
	uint32_t started, failed; /* how many were; how many ended before they were ready, since a task was done */
	fl_time average;          /* how long a task takes; 0: nobody knows yet */
	char *why;                /* it is broken */
	unsigned char *packet;    /* FL_POOL_PACKET bytes */
};

/* pool.c */

struct fl_pool_order {
	const void *function;
	uint32_t kind;
	uint32_t tries;
	fl_time timeout;
	uint64_t first, n;
	const char *name;
};

/* Makes a task with room for `size` bytes, which the caller fills; NULL: no memory. */
struct fl_pool_task *fl_pool_make_task_(fl_pool *pool, const struct fl_pool_order *order, size_t size);

/* Submits it: the caller keeps one of its two references. If that fails it is freed. Returns 0, -EPIPE,
 * -ENOTRECOVERABLE, -EPERM, -EINVAL, -ENOMEM. */
int fl_pool_put_(fl_pool *pool, struct fl_pool_task *task, const void *function);

/* Lists of tasks. */
void fl_pool_append_(struct fl_pool_list *list, struct fl_pool_task *task);
void fl_pool_prepend_(struct fl_pool_list *list, struct fl_pool_task *task);
struct fl_pool_task *fl_pool_pop_(struct fl_pool_list *list);
/* All of `from` is put behind `list`. */
void fl_pool_join_(struct fl_pool_list *list, struct fl_pool_list *from);

/* Outcomes, by the pool's thread, which gives its reference back. */
void fl_pool_fail_(struct fl_pool_task *task, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
void fl_pool_cancel_(struct fl_pool_task *task);
void fl_pool_settle_(struct fl_pool_task *task, enum fl_future_phase phase);

/* Whether the caller is the pool's thread, in a done callback: it must not wait for what it has to do itself. */
bool fl_pool_is_own_thread_(const fl_pool *pool);

/* Writes "task 17 'name'", or "task 17 (items 40 to 49)". */
void fl_pool_describe_task_(const struct fl_pool_task *task, char *ret_text, size_t size);

/* pool_dispatch.c: the pool's thread. */
void *fl_pool_dispatch_(void *pool);

/* pool_send.c */

static inline struct fl_pool_slot *fl_pool_slot_(struct fl_pool_worker *worker, uint32_t i)
{
	return &worker->slots[(worker->first + i) % FL_POOL_DEPTH];
}

/* Whether the worker has begun the i-th of its tasks. It may have ended it, too: its answer has not been received. */
bool fl_pool_has_begun_(struct fl_pool_worker *worker, uint32_t i);

/* Sends pending tasks until the worker has `depth` of them. */
void fl_pool_feed_(fl_pool *pool, struct fl_pool_worker *worker, uint32_t depth);

/* Takes back what it has not begun; that is pending again, before all others. */
void fl_pool_take_back_(fl_pool *pool, struct fl_pool_worker *worker);

/* Takes back all that it has, since it is no more. */
void fl_pool_take_all_back_(fl_pool *pool, struct fl_pool_worker *worker);

/* Takes its first task from it, which has its outcome, or will not have it there. */
struct fl_pool_task *fl_pool_take_first_(struct fl_pool_worker *worker);

/* Tells it to stop when it has done what it has. */
void fl_pool_stop_worker_(struct fl_pool_worker *worker);

/* A memfd with these bytes, which can't be changed or truncated any more. Returns it, or a negative errno. */
int fl_pool_memfd_(const void *data, size_t size);

/* pool_reply.c: takes some of what the worker has sent. */
enum fl_pool_rest {
	FL_POOL_NONE, /* that was all for now, */
	FL_POOL_MORE, /* perhaps not, */
	FL_POOL_OVER, /* or for ever */
};
enum fl_pool_rest fl_pool_receive_(fl_pool *pool, struct fl_pool_worker *worker);

/* pool_crew.c */

/* Returns 0 or a negative errno. */
int fl_pool_recruit_(fl_pool *pool);
void fl_pool_kill_(struct fl_pool_worker *worker, const char *verdict);
/* Its process has ended: all that is known of it has been received. Frees it. */
void fl_pool_bury_(fl_pool *pool, struct fl_pool_worker *worker);

/* pool_worker.c: what a worker runs. */
int fl_pool_serve_(void *hello, size_t size);

#endif
