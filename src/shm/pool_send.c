/*
 * shm/pool_send.c - tasks on their way to a worker, and back again when it has not begun them.
 *
 * A message to a worker is a row of records: the functions that it does not know yet, and as many tasks as it is to
 * have and fit in. A task whose argument is large has a message of its own, and a memfd with it. All of a message goes
 * into the pipe or nothing does; if it does not, its tasks are pending again as if nothing had been.
 *
 *   [S1] The turns of a worker's slots follow each other, without a gap; `turn` is the last one, also if it has been
 *        taken back. So what is sent later has a turn beyond all that were taken back.
 *   [S2] Slots are taken back from the last one on, down to the first that has begun. That is decided by one
 *        compare-and-swap on the page, in which the worker takes its turns by the same (shm/pool.h).
 */
#define _GNU_SOURCE
#include "shm/pool.h"

#include "base/atomic.h"
#include "sync/wait.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* One message in the making, in the pool's packet. */
struct letter {
	fl_pool *pool;
	struct fl_pool_worker *worker;
	size_t size;
	uint32_t n_tasks, n_functions;
};

/* Memory beside a message. */

static int write_all(int fd, const char *data, size_t size)
{
	ssize_t n;

	while (size > 0) {
		n = write(fd, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno != ENOSPC && errno != EFBIG ? -errno : -ENOMEM;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

int fl_pool_memfd_(const void *data, size_t size)
{
	int fd = memfd_create("fairlead-pool", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;

	if (fd < 0)
		return -errno;
	error = write_all(fd, data, size);
	if (error == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		error = -errno;
	if (error != 0) {
		close(fd);
		return error;
	}
	return fd;
}

/* Slots. */

static void fill_slot(struct fl_pool_worker *worker, struct fl_pool_task *task)
{
	struct fl_pool_slot *slot = fl_pool_slot_(worker, worker->n++);

	slot->task = task;
	slot->turn = ++worker->turn;
	slot->told = false;
}

static struct fl_pool_task *empty_slot(struct fl_pool_slot *slot)
{
	struct fl_pool_task *task = slot->task;

	slot->task = NULL;
	return task;
}

struct fl_pool_task *fl_pool_take_first_(struct fl_pool_worker *worker)
{
	struct fl_pool_slot *slot = fl_pool_slot_(worker, 0);

	worker->first = (worker->first + 1) % FL_POOL_DEPTH;
	worker->n--;
	return empty_slot(slot);
}

/* Its last `n` tasks are pending again, before all others. */
static void return_last(fl_pool *pool, struct fl_pool_worker *worker, uint32_t n)
{
	for (; n > 0; n--)
		fl_pool_prepend_(&pool->pending, empty_slot(fl_pool_slot_(worker, --worker->n)));
}

bool fl_pool_has_begun_(struct fl_pool_worker *worker, uint32_t i)
{
	return i < worker->n &&
	       fl_pool_reached(fl_pool_begun(fl_load_relaxed(&worker->page->turns)), fl_pool_slot_(worker, i)->turn);
}

void fl_pool_take_back_(fl_pool *pool, struct fl_pool_worker *worker)
{
	uint64_t turns = fl_load_relaxed(&worker->page->turns);
	uint32_t begun = 0;

	while (!fl_cas_relaxed(&worker->page->turns, &turns, fl_pool_turns(worker->turn, fl_pool_begun(turns))))
		;
	while (fl_pool_has_begun_(worker, begun))
		begun++;
	return_last(pool, worker, worker->n - begun);
}

void fl_pool_take_all_back_(fl_pool *pool, struct fl_pool_worker *worker)
{
	return_last(pool, worker, worker->n);
}

/* Letters. */

static unsigned char *add_record(struct letter *letter, const struct fl_pool_record *record)
{
	unsigned char *at = letter->pool->packet + letter->size;

	memcpy(at, record, sizeof(*record));
	letter->size += sizeof(*record) + (record->apart ? 0 : fl_pool_aligned(record->size));
	return at + sizeof(*record);
}

/* The functions up to that of a task. */
static void add_functions(struct letter *letter, uint32_t last)
{
	const struct fl_pool_function *functions;
	struct fl_pool_worker *worker = letter->worker;
	struct fl_pool_record record = {.kind = FL_POOL_FUNCTION, .size = sizeof(functions->name)};

	if (worker->n_functions > last)
		return;
	fl_inner_acquire(&letter->pool->lock);
	functions = letter->pool->functions;
	for (; worker->n_functions <= last && letter->size < FL_POOL_INLINE / 2; worker->n_functions++)
		memcpy(add_record(letter, &record), &functions[worker->n_functions].name, sizeof(functions->name));
	fl_inner_release(&letter->pool->lock);
}

static void add_task(struct letter *letter, struct fl_pool_task *task)
{
	struct fl_pool_record record = {
		.kind = task->kind,
		.turn = letter->worker->turn + 1,
		.function = task->function,
		.apart = task->size > FL_POOL_INLINE,
		.size = task->size,
	};
	unsigned char *at = add_record(letter, &record);

	if (!record.apart && task->size > 0)
		memcpy(at, task->bytes, task->size);
	fill_slot(letter->worker, task);
	letter->n_tasks++;
}

static bool has_room(const struct letter *letter, const struct fl_pool_task *task)
{
	size_t need = sizeof(struct fl_pool_record) + fl_pool_aligned(task->size);

	return letter->n_tasks == 0 || (task->size <= FL_POOL_INLINE && letter->size + need <= FL_POOL_PACKET);
}

/* Returns false if it is cancelled: before its note was watched, that is, since any later cancel rings the bell. */
static bool claim(const fl_pool *pool, struct fl_pool_task *task)
{
	if (!fl_future_claim_(&task->future))
		return false;
	task->claimed = true;
	task->waiter = (struct fl_waiter){.polls = true, .fd = pool->bell};
	task->watched = fl_note_watch_(&task->future.note, &task->waiter);
	return task->watched;
}

/* The next one that is still to be done; NULL: none. */
static struct fl_pool_task *next_pending(fl_pool *pool)
{
	struct fl_pool_task *task;

	while ((task = pool->pending.first)) {
		if (task->claimed ? !fl_note_is_cancelled(&task->future.note) : claim(pool, task))
			break;
		fl_pool_cancel_(fl_pool_pop_(&pool->pending));
	}
	return task;
}

/* Fills a letter with up to `n` tasks. Returns the one that is to have a memfd, if that is it. */
static struct fl_pool_task *write_letter(struct letter *letter, uint32_t n)
{
	struct fl_pool_task *task;

	while (letter->n_tasks < n && (task = next_pending(letter->pool)) && has_room(letter, task)) {
		add_functions(letter, task->function);
		if (letter->worker->n_functions <= task->function || !has_room(letter, task))
			break;
		add_task(letter, fl_pool_pop_(&letter->pool->pending));
		if (task->size > FL_POOL_INLINE)
			return task;
	}
	return NULL;
}

static int post(const struct letter *letter, const struct fl_pool_task *large)
{
	fl_pipe *pipe = letter->worker->pipe;
	int fd = -1, error;

	if (large)
		fd = fl_pool_memfd_(large->bytes, large->size);
	if (large && fd < 0)
		return fd;
	error = fl_pipe_send_fds_until(pipe, letter->pool->packet, letter->size, &fd, large != NULL, 0, NULL);
	if (fd >= 0)
		close(fd);
	return error;
}

/* It was not sent. Returns whether there is a use in going on. */
static bool unwrite(struct letter *letter, int error, uint32_t n_functions)
{
	fl_pool *pool = letter->pool;
	struct fl_pool_worker *worker = letter->worker;

	worker->turn -= letter->n_tasks;
	worker->n_functions = n_functions;
	return_last(pool, worker, letter->n_tasks);
	if (error == -ETIMEDOUT) {
		worker->full = true;
		return false;
	}
	if (error == -EPIPE) {
		fl_pool_kill_(worker, NULL);
		return false;
	}
	if (letter->n_tasks == 0)
		return false;
	fl_pool_fail_(fl_pool_pop_(&pool->pending), error, "its argument could not be sent to a worker: %s",
		      strerror(-error));
	return true;
}

void fl_pool_feed_(fl_pool *pool, struct fl_pool_worker *worker, uint32_t depth)
{
	struct fl_pool_task *large;
	uint32_t n_functions;
	bool goes_on = true;
	int error;

	while (goes_on && worker->n < depth && next_pending(pool)) {
		struct letter letter = {.pool = pool, .worker = worker};

		n_functions = worker->n_functions;
		if (worker->n == 0)
			worker->since = fl_now();
		large = write_letter(&letter, depth - worker->n);
		error = post(&letter, large);
		if (error != 0)
			goes_on = unwrite(&letter, error, n_functions);
	}
}

void fl_pool_stop_worker_(struct fl_pool_worker *worker)
{
	const struct fl_pool_record record = {.kind = FL_POOL_STOP};

	worker->state = FL_POOL_LEAVING;
	worker->dismissed = true;
	if (fl_pipe_send_try(worker->pipe, &record, sizeof(record)) != 0)
		fl_pool_kill_(worker, NULL);
}
