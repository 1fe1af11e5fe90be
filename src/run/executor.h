/*
 * run/executor.h - what an executor, its workers and its tasks are, for the files of this folder.
 *
 * run/crew.c has the threads: who looks for work, who sleeps, who is woken. run/executor.c makes and ends executors and
 * their threads, run/task.c is the work with its future. The reasons stand there.
 */
#ifndef FL_RUN_EXECUTOR_H
#define FL_RUN_EXECUTOR_H

#include "run/future.h"
#include "run/lane.h"
#include <fairlead/event.h>
#include <fairlead/executor.h>
#include <fairlead/thread.h>

/* fl_executor.state: four counters of 15 bits, and a flag. */
#define FL_CREW_THREADS UINT64_C(1)
#define FL_CREW_IDLE (UINT64_C(1) << 15)
#define FL_CREW_LOOKING (UINT64_C(1) << 30)
#define FL_CREW_LENT (UINT64_C(1) << 45)
#define FL_CREW_CLOSED (UINT64_C(1) << 60)
#define FL_CREW_MOST_LENT 256u
#define FL_TASK_DEPTH 100u

struct fl_worker {
	struct fl_worker *next; /* of the executor's */
	fl_executor *executor;
	fl_thread *thread;
	struct fl_task *running; /* what it does, the innermost first */
	uint32_t depth;
	uint32_t lane, streak; /* where it has taken from, how often in a row */
	bool looking;          /* it is counted as looking */
	bool begun;            /* its initializer is over */
};

struct fl_task {
	struct fl_future future; /* the first member */
	fl_work function;
	void *arg;             /* the user's, or behind this in memory */
	struct fl_task *below; /* what its thread does further down; while it is running */
};

struct fl_executor {
	uint32_t max;
	uint32_t n_lanes; /* a power of two */
	struct fl_lane *lanes;
	uint8_t epoch; /* fl_fork_epoch_ when it was made */
	int broken;    /* the initializer's error; written before the lanes are closed */
	uint32_t refs;
	size_t stack_size;
	char *name;
	int (*initializer)(void *arg);
	void *initializer_arg;
	fl_event ended;                   /* closed, and without threads */
	struct fl_executor *next, **link; /* of all (run/executor.c) */
	_Alignas(64) uint64_t state;
	_Alignas(64) struct fl_inner lock; /* of the two below */
	uint32_t started;
	struct fl_worker *workers;
	uint16_t spin;
};

static inline uint32_t fl_crew_count(uint64_t state, uint64_t one)
{
	return (uint32_t)(state / one) & 0x7fffu;
}

/* crew.c */

/* Puts it where a worker finds it, and sees to it that one does. Returns 0, -EPIPE, -ENOMEM, -EAGAIN. */
int fl_crew_put_(fl_executor *executor, struct fl_work_item item);
/* Takes work from anywhere; false: there is none. */
bool fl_crew_take_(fl_executor *executor, struct fl_worker *worker, struct fl_work_item *ret_item);
/* What a worker does, from its beginning, when it is counted as looking, until the executor is closed and drained. */
void fl_crew_serve_(struct fl_worker *worker);
/* The worker is no more; with `replace` another is to come. After this the executor may be gone. */
void fl_crew_leave_(struct fl_worker *worker, bool replace);
/* The calling worker is about to wait, and others may use its place; false: too many do already. */
bool fl_crew_lend_(fl_executor *executor);
void fl_crew_take_back_(fl_executor *executor);
/* Nothing more is put, and who is idle ends. */
void fl_crew_close_(fl_executor *executor);

/* executor.c: starts a thread, which is counted already. Returns 0, -EAGAIN, -ENOMEM. */
int fl_crew_recruit_(fl_executor *executor);

/* task.c */

/* Called, if set, with each task whose note is asked for. Set once, in a pool's worker, by its main thread before there
 * are others (shm/pool_worker.c). */
extern void (*fl_task_noted_)(fl_task *task);

/* Runs a task that was taken, if it is still pending, and gives its reference back; arg of a work item. */
void fl_task_run_(void *task);
/* Takes all that is pending and gives it up: cancels it, or with an error lets it fail with that and this message. */
void fl_task_drop_all_(fl_executor *executor, int error, const char *message);
/* The worker's thread ends inside of its work. */
void fl_task_abandon_(struct fl_worker *worker);

/* For a thread that is a worker, and is about to wait for a future without deadline and note: does its work if that is
 * the worker's executor's and has not begun. Returns 0, also if not; -EDEADLK: it lies below on this stack. */
int fl_task_do_(struct fl_worker *worker, fl_future *future);

/* parallel.c: how many threads take part in a loop; 0: as many as can compute at once. For tests, before the first
 * loop. */
extern uint32_t fl_parallel_threads_;

#endif
