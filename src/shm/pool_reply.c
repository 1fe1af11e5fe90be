/*
 * shm/pool_reply.c - what comes back from workers: that they are ready, and what became of their tasks.
 *
 * An outcome comes by the pipe, or, if it is small, on a slip of the memory that pool and worker share. To send and
 * receive a message takes longer than many a task does, so of slips one message is sent for all that are written until
 * it has arrived: the bell. The worker writes a slip and then rings if `rung` is not set; the pool takes `rung` away
 * and then reads slips. Both change it in one step each, so the pool reads what was written before, or the bell is
 * rung again. Slips outlive their worker: nothing that it has written whole is lost.
 *
 * Nothing of it is believed before it was looked at: a worker that goes wrong may write anything. An answer to another
 * task than its first, or one whose sizes do not fit, ends the worker, as if it had crashed in that task.
 */
#include "shm/pool.h"

#include "base/atomic.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How many answers of a worker are taken before the others' are. */
#define TURN 64

struct answer {
	struct fl_pool_reply head;
	const unsigned char *bytes; /* the value, if it is here, and the text */
	int fd;                     /* of the value, if it is apart; else -1 */
};

static int read_all(int fd, char *data, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = pread(fd, data + done, size - done, (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPROTO;
		done += (size_t)n;
	}
	return 0;
}

static int keep_value(struct fl_pool_task *task, const struct answer *answer)
{
	size_t size = answer->head.size;
	char *memory;
	int error;

	if (!answer->head.apart)
		return fl_future_keep_value_(&task->future, answer->bytes, size);
	memory = malloc(size);
	if (!memory)
		return -ENOMEM;
	error = read_all(answer->fd, memory, size);
	if (error != 0) {
		free(memory);
		return error;
	}
	fl_future_adopt_value_(&task->future, memory, size);
	return 0;
}

static void conclude(struct fl_pool_task *task, const struct answer *answer)
{
	const struct fl_pool_reply *head = &answer->head;
	const char *text = (const char *)answer->bytes + (head->apart ? 0 : head->size);
	int error;

	if (head->error != 0) {
		if (head->text > 0)
			fl_pool_fail_(task, head->error, "%.*s", (int)head->text, text);
		else
			fl_pool_fail_(task, head->error, NULL);
		return;
	}
	error = keep_value(task, answer);
	if (error != 0)
		fl_pool_fail_(task, error, "its result of %llu bytes could not be received: %s",
			      (unsigned long long)head->size, strerror(-error));
	else
		fl_pool_settle_(task, FL_FUTURE_RESULT);
}

/* How long tasks take, by those that came last: a quarter of the difference is learned from each. */
static void learn(fl_pool *pool, struct fl_pool_worker *worker)
{
	fl_time now = fl_now(), took = now - worker->since;

	took = took > 0 ? took : 1;
	pool->average = pool->average == 0 ? took : pool->average + (took - pool->average) / 4;
	pool->average = pool->average > 0 ? pool->average : 1;
	worker->since = now;
}

static bool is_whole(const struct answer *answer, size_t size)
{
	const struct fl_pool_reply *head = &answer->head;
	struct stat status;

	if (head->apart)
		return answer->fd >= 0 && head->text <= size && size - head->text == 0 &&
		       fstat(answer->fd, &status) == 0 && (uint64_t)status.st_size == head->size;
	return answer->fd < 0 && head->text <= size && size - head->text == head->size;
}

/* The outcome of the worker's first task. */
static bool take_outcome(fl_pool *pool, struct fl_pool_worker *worker, const struct answer *answer)
{
	if (worker->n == 0 || fl_pool_slot_(worker, 0)->turn != answer->head.turn || answer->head.error > 0 ||
	    !fl_pool_has_begun_(worker, 0))
		return false;
	learn(pool, worker);
	worker->served++;
	pool->failed = 0;
	conclude(fl_pool_take_first_(worker), answer);
	return true;
}

static bool take_ready(fl_pool *pool, struct fl_pool_worker *worker, int error)
{
	worker->refused = error;
	worker->ready = error == 0;
	if (worker->ready)
		pool->failed = 0;
	if (worker->ready && worker->state == FL_POOL_STARTING)
		worker->state = FL_POOL_SERVING;
	return error <= 0;
}

static bool take_answer(fl_pool *pool, struct fl_pool_worker *worker, const struct answer *answer, size_t size)
{
	if (!is_whole(answer, size))
		return false;
	switch (answer->head.kind) {
	case FL_POOL_READY:
		return take_ready(pool, worker, answer->head.error);
	case FL_POOL_BELL:
		/* [pool.8] acquire; pairs with [pool.3] */
		fl_exchange_acquire(&worker->page->rung, 0);
		return true;
	default:
		return answer->head.kind == FL_POOL_RESULT && take_outcome(pool, worker, answer);
	}
}

/* Takes the outcome of the worker's first task from its slip. Returns 1, 0 if it is not there, -EPROTO. */
static int take_slip(fl_pool *pool, struct fl_pool_worker *worker)
{
	uint32_t turn = worker->n > 0 ? fl_pool_slot_(worker, 0)->turn : 0;
	struct fl_pool_slip *slip = &worker->page->slips[turn % FL_POOL_DEPTH], copy;
	struct answer answer = {.bytes = copy.bytes, .fd = -1};

	/* [pool.4] acquire; pairs with [pool.5] */
	if (turn == 0 || fl_load_acquire(&slip->turn) != turn)
		return 0;
	memcpy(&copy, slip, sizeof(copy));
	/* [pool.6] release; pairs with [pool.7] */
	fl_store_release(&slip->turn, 0);
	if ((size_t)copy.size + copy.text > sizeof(copy.bytes))
		return -EPROTO;
	answer.head = (struct fl_pool_reply){.turn = turn, .error = copy.error, .text = copy.text, .size = copy.size};
	return take_outcome(pool, worker, &answer) ? 1 : -EPROTO;
}

static int take_slips(fl_pool *pool, struct fl_pool_worker *worker)
{
	int taken;

	do
		taken = take_slip(pool, worker);
	while (taken > 0);
	return taken;
}

/* Returns 0, -ETIMEDOUT if there is none, or why there will be none. */
static int receive_one(fl_pool *pool, struct fl_pool_worker *worker)
{
	struct answer answer = {.fd = -1};
	int fds[FL_PIPE_FDS] = {-1}, error;
	size_t size = 0, n_fds = 0, i;

	error = fl_pipe_recv_fds_until(worker->pipe, pool->packet, FL_POOL_PACKET, &size, fds, &n_fds, 0, NULL);
	if (error != 0)
		return error;
	if (size >= sizeof(answer.head) && n_fds <= 1) {
		memcpy(&answer.head, pool->packet, sizeof(answer.head));
		answer.bytes = pool->packet + sizeof(answer.head);
		answer.fd = n_fds > 0 ? fds[0] : -1;
		error = take_answer(pool, worker, &answer, size - sizeof(answer.head)) ? 0 : -EPROTO;
	} else {
		error = -EPROTO;
	}
	for (i = 0; i < n_fds; i++)
		close(fds[i]);
	return error;
}

/* The answer was lost together with its descriptor, for which there was no room. */
static int lose_answer(struct fl_pool_worker *worker)
{
	if (!fl_pool_has_begun_(worker, 0))
		return -EPROTO;
	worker->served++;
	fl_pool_fail_(fl_pool_take_first_(worker), -EMFILE, "its result could not be received: %s", strerror(EMFILE));
	return 0;
}

enum fl_pool_rest fl_pool_receive_(fl_pool *pool, struct fl_pool_worker *worker)
{
	int error = 0, i;

	for (i = 0; error == 0 && i < TURN; i++) {
		error = receive_one(pool, worker);
		if (error == -EMFILE)
			error = lose_answer(worker);
		if (take_slips(pool, worker) < 0)
			error = -EPROTO;
	}
	if (error == 0)
		return FL_POOL_MORE;
	if (error == -ETIMEDOUT || error == -ENOMEM)
		return FL_POOL_NONE;
	worker->silent = true;
	if (worker->state != FL_POOL_LEAVING || error != -EPIPE)
		fl_pool_kill_(worker, error == -EPIPE ? NULL : "has sent what is no answer");
	return FL_POOL_OVER;
}
