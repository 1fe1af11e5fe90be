/*
 * run/spare.c - the memory of tasks, from where it is freed back to where it is needed.
 *
 * A task is made by whoever submits it, and freed by whoever gives the last reference back: often a worker, so that all
 * memory wanders in one direction. malloc is slow at that: what one thread frees it takes back one by one, under the
 * lock of the other's arena, and when there is much of it the kernel gets it back, and hands it out again page by page.
 * So each thread has spare tasks of its own, which it takes and gives without asking anybody, and when it has too many
 * or none, a whole batch of them goes to or comes from a store that all share (Bonwick and Adams, Magazines and Vmem,
 * 2001): one short lock for each FL_SPARE_BATCH tasks.
 *
 * A spare task keeps `refs`, which is 0: so to give back once more what was given back already is found out, until it
 * is used again (fl_future_unref). `below` is the next of its batch, and `arg` of the first one the next batch.
 *
 * Invariants:
 *   [R1] `mine` is its thread's own: `first`, with `n` tasks, at most one batch, and `full`, which is a batch or
 *        nothing.
 *   [R2] The store has whole batches, at most FL_SPARE_BATCHES, and none while there is no executor; what does not go
 *        in is freed. So the process keeps at most 14 MiB, of which there must once have been that much work pending,
 *        and until its last executor is destroyed; and each thread that submits or runs tasks keeps 14 KiB until it
 *        ends.
 *   [R3] What a thread has at its end is freed, or goes to the store, by the destructor of a pthread key. A thread that
 *        cannot have it called keeps nothing.
 *
 * It belongs to no executor, since futures may outlive theirs: those are freed, or kept for the next executor, when
 * they are given back.
 *
 * In a forked child the store is empty. What was in it, and what threads had that were left behind, is lost: the
 * child's copy of the memory is not one of a single moment, and so the batches might lead anywhere. What the forking
 * thread has is whole, since nobody else touches it.
 *
 * Under a sanitizer, and in the model, all of it comes from malloc and goes back to free, so that they see who uses it
 * afterwards.
 *
 * Rejected: a list for each executor (it would have to live as long as the last future); one list that all push to and
 * pop from (a line that is fought for twice a task); a store of some 1000 tasks (a submitter that is ahead of the
 * workers for one time slice of theirs empties it, and then they overfill it).
 */
#include "run/spare.h"

#include "base/fork.h"
#include <pthread.h>
#include <stdlib.h>

#ifdef FL_NO_SPARES

void *fl_spare_take_(void)
{
	return malloc(FL_SPARE_SIZE);
}

void fl_spare_give_(fl_task *task)
{
	free(task);
}

void fl_spare_open_(void)
{
}

void fl_spare_close_(void)
{
}

uint32_t fl_spare_batches_(void)
{
	return 0;
}

#else

_Static_assert(sizeof(fl_task) + 24 <= FL_SPARE_SIZE, "a task and the value of a map's chunk");

struct spares {
	fl_task *first, *full;
	uint32_t n;
	bool ends; /* the key's destructor will be called */
};

static __thread struct spares mine __attribute__((tls_model("initial-exec")));

static struct {
	struct fl_inner lock; /* of all of it */
	uint32_t executors, n;
	fl_task *batches;
} store;

static pthread_key_t key;
static bool have_key;

static void free_all(fl_task *first)
{
	fl_task *next;

	for (; first; first = next) {
		next = first->below;
		free(first);
	}
}

static void put_batch(fl_task *batch)
{
	bool room;

	fl_inner_acquire(&store.lock);
	room = store.executors > 0 && store.n < FL_SPARE_BATCHES;
	if (room) {
		batch->arg = store.batches;
		store.batches = batch;
		store.n++;
	}
	fl_inner_release(&store.lock);
	if (!room)
		free_all(batch);
}

static fl_task *get_batch(void)
{
	fl_task *batch;

	fl_inner_acquire(&store.lock);
	batch = store.batches;
	if (batch) {
		store.batches = batch->arg;
		store.n--;
	}
	fl_inner_release(&store.lock);
	return batch;
}

/* Before the thread keeps anything: whether it may. */
static bool may_keep(void)
{
	if (!mine.ends)
		mine.ends = have_key && pthread_setspecific(key, &mine) == 0;
	return mine.ends;
}

static bool refill(void)
{
	if (!may_keep())
		return false;
	mine.first = mine.full ? mine.full : get_batch();
	mine.full = NULL;
	mine.n = mine.first ? FL_SPARE_BATCH : 0;
	return mine.first;
}

void *fl_spare_take_(void)
{
	fl_task *task;

	if (fl_unlikely(!mine.first) && !refill())
		return malloc(FL_SPARE_SIZE);
	task = mine.first;
	mine.first = task->below;
	mine.n--;
	return task;
}

/* Makes room for one more. */
static bool make_room(void)
{
	if (!may_keep())
		return false;
	if (mine.n == FL_SPARE_BATCH) {
		if (mine.full)
			put_batch(mine.full);
		mine.full = mine.first;
		mine.first = NULL;
		mine.n = 0;
	}
	return true;
}

void fl_spare_give_(fl_task *task)
{
	if (fl_unlikely(mine.n % FL_SPARE_BATCH == 0) && !make_room()) {
		free(task);
		return;
	}
	task->below = mine.first;
	mine.first = task;
	mine.n++;
}

void fl_spare_open_(void)
{
	fl_inner_acquire(&store.lock);
	store.executors++;
	fl_inner_release(&store.lock);
}

void fl_spare_close_(void)
{
	fl_task *batch = NULL, *next;

	fl_inner_acquire(&store.lock);
	if (--store.executors == 0) {
		batch = store.batches;
		store.batches = NULL;
		store.n = 0;
	}
	fl_inner_release(&store.lock);
	for (; batch; batch = next) {
		next = batch->arg;
		free_all(batch);
	}
}

uint32_t fl_spare_batches_(void)
{
	uint32_t n;

	fl_inner_acquire(&store.lock);
	n = store.n;
	fl_inner_release(&store.lock);
	return n;
}

static void at_end(void *unused)
{
	(void)unused;
	if (mine.n == FL_SPARE_BATCH)
		put_batch(mine.first);
	else
		free_all(mine.first);
	if (mine.full)
		put_batch(mine.full);
	mine = (struct spares){0};
}

static void after_fork(void)
{
	store.lock.state = 0;
	store.batches = NULL;
	store.n = 0;
}

__attribute__((constructor)) static void begin(void)
{
	fl_fork_register_(after_fork);
	have_key = pthread_key_create(&key, at_end) == 0;
}

#endif
