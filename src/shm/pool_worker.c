/*
 * shm/pool_worker.c - a pool's worker: a process that takes tasks from its pipe, does them and answers.
 *
 * It has one thread, in which it waits for messages and does what is in them, one after the other. A task that the pool
 * has taken back meanwhile is passed over (fl_pool_turns).
 *
 * A task that asks for its note may wait with it, or look at it, while the thread is busy with that very task. So the
 * first one that asks has a second thread started, which sleeps on a word of the page until the pool writes there whose
 * note it is to cancel. Workers whose tasks do not ask never have it.
 *
 *   [W1] `current` and `turn` change under `lock`, under which the second thread cancels.
 *   [W2] The pool writes a turn to `cancelled` after that has begun. So either the second thread finds it current, or
 *        the task comes to its note later, and looks at the word itself.
 *
 * It ends when it is told to, or when the pool is gone, as by exit(). Whoever calls exit() in a task or leaves it in
 * another way ends the worker in that task, and the pool sees that by itself.
 */
#define _GNU_SOURCE
#include "shm/pool.h"

#include "base/atomic.h"
#include "base/word.h"
#include "run/executor.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A function that the pool has named. */
struct known {
	void *address; /* NULL: */
	int error;     /* why not */
	char module[sizeof(((struct fl_process_function *)0)->module)];
};

static struct {
	fl_pipe *pipe;
	struct fl_pool_page *page;
	struct known *functions;
	uint32_t n_functions;
	unsigned char *in, *out; /* a packet each */
	bool hears;              /* the second thread was started */
	struct fl_inner lock;    /* of the two below */
	fl_task *current;
	uint32_t turn;
} worker;

/* The note of the task that is being done. */

static void cancel_current(void)
{
	fl_inner_acquire(&worker.lock);
	if (worker.current && worker.turn == fl_load_relaxed(&worker.page->cancelled))
		fl_note_cancel(&worker.current->future.note);
	fl_inner_release(&worker.lock);
}

static void *hear(void *unused)
{
	uint32_t cancelled;

	(void)unused;
	for (;;) {
		cancelled = fl_load_relaxed(&worker.page->cancelled);
		cancel_current();
		fl_word_wait_(&worker.page->cancelled, cancelled, FL_FOREVER, FL_WORD_SHARED);
	}
	return NULL;
}

/* If there can be no thread, a task that waits with its note waits longer: until its timeout, say. */
static void begin_to_hear(void)
{
	fl_thread *thread;

	if (fl_exchange_relaxed(&worker.hears, true))
		return;
	if (fl_thread_start(&thread, &(fl_thread_options){.name = "notes", .daemon = true}, hear, NULL) == 0)
		fl_thread_unref(thread);
	else
		fl_store_relaxed(&worker.hears, false);
}

/* Somebody asks for a note, perhaps of a task of this process's own executors. */
static void noted(fl_task *task)
{
	bool mine;

	fl_inner_acquire(&worker.lock);
	mine = task == worker.current;
	fl_inner_release(&worker.lock);
	if (!mine)
		return;
	begin_to_hear();
	cancel_current();
}

static void set_current(fl_task *task, uint32_t turn)
{
	fl_inner_acquire(&worker.lock);
	worker.current = task;
	worker.turn = turn;
	fl_inner_release(&worker.lock);
}

/* Answers. */

static int send_answer(struct fl_pool_reply *reply, const void *value, const char *text)
{
	size_t size = 0;
	int fd = -1, error;

	if (reply->size > FL_POOL_INLINE) {
		fd = fl_pool_memfd_(value, reply->size);
		if (fd < 0)
			return fd;
		reply->apart = true;
	}
	memcpy(worker.out, reply, sizeof(*reply));
	size += sizeof(*reply);
	if (!reply->apart && reply->size > 0) {
		memcpy(worker.out + size, value, reply->size);
		size += reply->size;
	}
	if (reply->text > 0)
		memcpy(worker.out + size, text, reply->text);
	error = fl_pipe_send_fds(worker.pipe, worker.out, size + reply->text, &fd, fd >= 0);
	if (fd >= 0)
		close(fd);
	return error;
}

/* Answers without a message, if it is a small answer and its slip is free. Returns 0; -EAGAIN if not; -EPIPE: the pool
 * is gone, or can't be rung for. Then the worker ends, which the pool sees, and takes the slips: so nothing is lost. */
static int write_slip(const struct fl_pool_reply *reply, const void *value, const char *text)
{
	struct fl_pool_slip *slip = &worker.page->slips[reply->turn % FL_POOL_DEPTH];

	/* [pool.7] acquire; pairs with [pool.6] */
	if (reply->turn == 0 || reply->size + reply->text > sizeof(slip->bytes) || fl_load_acquire(&slip->turn) != 0)
		return -EAGAIN;
	slip->error = reply->error;
	slip->size = (uint16_t)reply->size;
	slip->text = (uint16_t)reply->text;
	if (reply->size > 0)
		memcpy(slip->bytes, value, reply->size);
	if (reply->text > 0)
		memcpy(slip->bytes + reply->size, text, reply->text);
	/* [pool.5] release; pairs with [pool.4] */
	fl_store_release(&slip->turn, reply->turn);
	/* [pool.3] release; pairs with [pool.8] */
	if (fl_exchange_release(&worker.page->rung, 1) != 0)
		return 0;
	return send_answer(&(struct fl_pool_reply){.kind = FL_POOL_BELL}, NULL, NULL) == 0 ? 0 : -EPIPE;
}

static uint32_t length_of(const char *text)
{
	size_t length = text ? strlen(text) : 0;

	return length < FL_POOL_TEXT ? (uint32_t)length : FL_POOL_TEXT;
}

/* The result could not be sent: that is what the pool is told instead. */
static int send_failure(uint32_t turn, uint64_t size, int why)
{
	char text[160];
	struct fl_pool_reply reply = {.kind = FL_POOL_RESULT, .turn = turn, .error = why};

	snprintf(text, sizeof(text), "its result of %llu bytes could not be sent: %s", (unsigned long long)size,
		 strerror(-why));
	reply.text = length_of(text);
	return send_answer(&reply, NULL, text);
}

static int answer(const fl_task *task, uint32_t turn, int error)
{
	const fl_future *future = &task->future;
	struct fl_pool_reply reply = {.kind = FL_POOL_RESULT, .turn = turn};
	const void *value;
	int refused;

	if (error < 0) {
		reply.error = error;
		reply.text = length_of(future->message);
	} else {
		reply.size = future->size;
	}
	value = future->memory ? future->memory : future->bytes;
	refused = write_slip(&reply, value, future->message);
	if (refused == -EAGAIN)
		refused = send_answer(&reply, value, future->message);
	return refused == 0 || refused == -EPIPE ? refused : send_failure(turn, reply.size, refused);
}

/* Several items. */

/* A chunk as it lies in memory, and its results in the making. */
struct chunk {
	const struct fl_pool_chunk *head;
	unsigned char *arg;
	const unsigned char *items;
	unsigned char *out;
	size_t size, room; /* of what is used of `out`, and of all of it */
};

static bool is_whole(const struct fl_pool_chunk *head, size_t size)
{
	uint64_t arg = fl_pool_aligned(head->arg_size), items, results;

	return size >= sizeof(*head) && !__builtin_mul_overflow(head->n, head->item_size, &items) &&
	       !__builtin_mul_overflow(head->n, head->result_size, &results) && results <= PTRDIFF_MAX &&
	       arg <= size - sizeof(*head) && items <= size - sizeof(*head) - arg;
}

/* Notes that an item has failed, with what fl_task_fail has said of it. */
static int add_failure(struct chunk *chunk, fl_task *task, uint64_t index, int error)
{
	struct fl_pool_failure failure = {.index = index, .error = error, .text = length_of(task->future.message)};
	size_t need = chunk->size + sizeof(failure) + failure.text;
	unsigned char *out = chunk->out;

	if (need > chunk->room) {
		out = realloc(out, 2 * need);
		if (!out)
			return -ENOMEM;
		chunk->out = out;
		chunk->room = 2 * need;
	}
	memcpy(out + chunk->size, &failure, sizeof(failure));
	if (failure.text > 0)
		memcpy(out + chunk->size + sizeof(failure), task->future.message, failure.text);
	chunk->size = need;
	free(task->future.message);
	task->future.message = NULL;
	return 0;
}

static int do_items(struct chunk *chunk, fl_task *task, void *address)
{
	const struct fl_pool_chunk *head = chunk->head;
	int (*function)(const void *item, void *ret_result, fl_task *task, void *arg);
	uint64_t i;
	int error = 0;

	memcpy(&function, &address, sizeof(function)); /* a conversion that C has no words for */
	for (i = 0; i < head->n; i++) {
		error = function(chunk->items + i * head->item_size,
				 head->result_size > 0 ? chunk->out + i * head->result_size : NULL, task,
				 head->arg_size > 0 ? chunk->arg : NULL);
		if (error < 0 && add_failure(chunk, task, i, error) != 0)
			return -ENOMEM;
		if (error < 0 && head->stops)
			break;
	}
	return 0;
}

static int do_chunk(fl_task *task, void *address, unsigned char *bytes, size_t size)
{
	const struct fl_pool_chunk *head = (const void *)bytes;
	struct chunk chunk = {.head = head, .arg = bytes + sizeof(*head)};
	int error;

	if (!is_whole(head, size))
		return fl_task_fail(task, -EPROTO, "a chunk of items that is none");
	chunk.items = chunk.arg + fl_pool_aligned(head->arg_size);
	chunk.size = head->n * head->result_size;
	chunk.room = chunk.size + FL_POOL_ALIGN;
	chunk.out = calloc(1, chunk.room);
	error = chunk.out ? do_items(&chunk, task, address) : -ENOMEM;
	if (error != 0) {
		free(chunk.out);
		return error;
	}
	fl_future_adopt_value_(&task->future, chunk.out, chunk.size);
	return 0;
}

/* Tasks. */

static int call(fl_task *task, const struct fl_pool_record *record, unsigned char *bytes)
{
	const struct known *known;
	fl_pool_work function;

	if (record->function >= worker.n_functions)
		return fl_task_fail(task, -EPROTO, "a function that was not named");
	known = &worker.functions[record->function];
	if (!known->address)
		return fl_task_fail(task, known->error, "the function's module, %s, is not there, or another one",
				    known->module[0] ? known->module : "the program");
	if (record->kind == FL_POOL_CHUNK)
		return do_chunk(task, known->address, bytes, record->size);
	memcpy(&function, &known->address, sizeof(function)); /* a conversion that C has no words for */
	return function(task, record->size > 0 ? bytes : NULL, record->size);
}

/* Whether the task is still this worker's to do. */
static bool begin_turn(uint32_t turn)
{
	uint64_t *turns = &worker.page->turns, is = fl_load_relaxed(turns);

	while (!fl_pool_reached(fl_pool_gone(is), turn))
		if (fl_cas_relaxed(turns, &is, fl_pool_turns(fl_pool_gone(is), turn)))
			return true;
	return false;
}

static int do_task(const struct fl_pool_record *record, unsigned char *bytes)
{
	fl_task task;
	int error;

	memset(&task, 0, sizeof(task));
	fl_future_begin_(&task.future, 1);
	task.future.unbounded = true;
	task.future.state = FL_FUTURE_RUNNING;
	set_current(&task, record->turn);
	error = call(&task, record, bytes);
	set_current(NULL, 0);
	error = answer(&task, record->turn, error);
	free(task.future.memory);
	free(task.future.message);
	return error;
}

/* With the argument in memory of its own: a copy, so that writing to it changes nothing for anybody. */
static int do_large_task(const struct fl_pool_record *record, int fd)
{
	unsigned char *bytes = mmap(NULL, record->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	int error;

	if (bytes == MAP_FAILED)
		return send_failure(record->turn, 0, -ENOMEM);
	error = do_task(record, bytes);
	munmap(bytes, record->size);
	return error;
}

/* Messages. */

static int learn_function(const unsigned char *bytes, size_t size)
{
	struct fl_process_function function;
	struct known *all, *known;

	if (size != sizeof(function))
		return -EPROTO;
	all = realloc(worker.functions, (worker.n_functions + 1) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	worker.functions = all;
	known = &all[worker.n_functions++];
	memcpy(&function, bytes, sizeof(function));
	*known = (struct known){0};
	memcpy(known->module, function.module, sizeof(known->module) - 1);
	known->error = fl_process_find_function_(&function, &known->address);
	return 0;
}

static int obey(const struct fl_pool_record *record, unsigned char *bytes, int fd)
{
	switch (record->kind) {
	case FL_POOL_FUNCTION:
		return learn_function(bytes, record->size);
	case FL_POOL_CALL:
	case FL_POOL_CHUNK:
		if (!begin_turn(record->turn))
			return 0;
		return record->apart ? do_large_task(record, fd) : do_task(record, bytes);
	default:
		return -EPIPE;
	}
}

static int obey_all(unsigned char *at, size_t size, int fd)
{
	struct fl_pool_record record;
	size_t length;
	int error = 0;

	while (error == 0 && size >= sizeof(record)) {
		memcpy(&record, at, sizeof(record));
		length = sizeof(record) + (record.apart ? 0 : fl_pool_aligned(record.size));
		if (length > size)
			return -EPROTO;
		error = obey(&record, at + sizeof(record), fd);
		at += length;
		size -= length;
	}
	return error;
}

static int take_message(void)
{
	int fds[FL_PIPE_FDS], error;
	size_t size, n_fds, i;

	error = fl_pipe_recv_fds(worker.pipe, worker.in, FL_POOL_PACKET, &size, fds, &n_fds);
	if (error != 0)
		return error;
	error = obey_all(worker.in, size, n_fds > 0 ? fds[0] : -1);
	for (i = 0; i < n_fds; i++)
		close(fds[i]);
	return error;
}

/* Beginning. */

static int set_up(const struct fl_pool_hello *hello)
{
	worker.page = mmap(NULL, sizeof(*worker.page), PROT_READ | PROT_WRITE, MAP_SHARED, hello->page, 0);
	close(hello->page);
	worker.in = aligned_alloc(FL_POOL_ALIGN, FL_POOL_PACKET);
	worker.out = aligned_alloc(FL_POOL_ALIGN, FL_POOL_PACKET);
	if (worker.page == MAP_FAILED || !worker.in || !worker.out)
		return -ENOMEM;
	fl_task_noted_ = noted;
	return fl_pipe_adopt(&worker.pipe, hello->pipe);
}

static int initialize(struct fl_pool_hello *hello, size_t size)
{
	int (*initializer)(void *arg, size_t size);
	void *address;
	int error;

	if (!hello->has_initializer)
		return 0;
	error = fl_process_find_function_(&hello->initializer, &address);
	if (error != 0)
		return error;
	memcpy(&initializer, &address, sizeof(initializer)); /* a conversion that C has no words for */
	size -= sizeof(*hello);
	error = initializer(size > 0 ? hello + 1 : NULL, size);
	return error < 0 ? error : 0;
}

int fl_pool_serve_(void *hello, size_t size)
{
	struct fl_pool_reply ready = {.kind = FL_POOL_READY};
	int error = set_up(hello);

	if (error != 0)
		return error;
	ready.error = initialize(hello, size);
	error = send_answer(&ready, NULL, NULL);
	if (ready.error != 0)
		return ready.error;
	while (error == 0)
		error = take_message();
	return error == -EPIPE ? 0 : error;
}
