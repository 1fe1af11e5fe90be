/*
 * shm/pool_results.c - a function over many items, done by a pool in batches, and its results one after the other.
 *
 * A batch is a task (FL_POOL_CHUNK) with a copy of its items. There are not more of them under way than a window, so
 * that a million items need no million tasks at once; who asks for results submits the next ones. A batch that is done
 * says so by its future's callback, and wakes who waits when there is enough to wake up for: a result that is next,
 * or, for fl_pool_map, half a window to be filled again.
 *
 * A worker that dies with a batch of several items does not say which of them it was. So such a batch is not tried
 * again as a whole, but its items one by one.
 *
 *   [M1] A batch is in the list of all from when it is submitted until it is taken, done.
 *   [M2] The list, the counts and `done` change under `lock`. `refs` counts the owner, and callbacks that will be
 *        called.
 *   [M3] When the iterator is destroyed, a batch whose callback is about to be called is left to that.
 *
 * What comes from a worker is looked at here once more: where the failures lie in a batch's value.
 *
 * Rejected: futures for items (an allocation, a lock and a wake-up for each); to copy all items when a map begins, as
 * Python does.
 */
#include "shm/pool_results.h"

#include "base/atomic.h"
#include "base/keep_errno.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_BYTES ((size_t)16 << 20)
#define WINDOW_MOST 4096u
#define CHUNKS_EACH 4u /* as many batches as this for each worker, if nobody says how many */

/* The list. */

static void insert(fl_pool_results *results, struct fl_pool_batch *batch, struct fl_pool_batch *before)
{
	batch->next = before;
	batch->previous = before ? before->previous : results->last;
	*(batch->previous ? &batch->previous->next : &results->first) = batch;
	*(before ? &before->previous : &results->last) = batch;
}

static void take_out(fl_pool_results *results, struct fl_pool_batch *batch)
{
	*(batch->previous ? &batch->previous->next : &results->first) = batch->next;
	*(batch->next ? &batch->next->previous : &results->last) = batch->previous;
}

static void discard(struct fl_pool_batch *batch)
{
	if (batch)
		fl_future_unref(batch->future);
	free(batch);
}

/* With the lock. */
static bool is_enough(const fl_pool_results *results)
{
	size_t low = results->next < results->items.n ? results->window / 2 : 0;

	if (!results->first || (low > 0 && results->n_undone <= low))
		return true;
	if (!results->ordered)
		return results->done != NULL;
	return results->first->done && (!results->whole || results->n_undone <= low || results->failed);
}

/* Whether none of its items has failed. */
static bool went_well(const fl_pool_results *results, const struct fl_pool_batch *batch)
{
	size_t size = 0;

	if (!batch->future || fl_future_error(batch->future) != 0)
		return false;
	fl_future_value(batch->future, &size);
	return size == batch->n * results->items.result_size;
}

/* With the lock. */
static void set_done(fl_pool_results *results, struct fl_pool_batch *batch)
{
	batch->done = true;
	results->n_undone--;
	results->failed |= !went_well(results, batch);
	if (!batch->orphan) {
		batch->next_done = NULL;
		*(results->done ? results->last_done : &results->done) = batch;
		results->last_done = &batch->next_done;
	}
	if (is_enough(results))
		fl_event_set(&results->changed);
}

static int be_done(fl_future *future, void *batch_)
{
	struct fl_pool_batch *batch = batch_;
	fl_pool_results *results = batch->results;
	bool orphan, last;

	(void)future;
	fl_inner_acquire(&results->lock);
	set_done(results, batch);
	orphan = batch->orphan;
	last = --results->refs == 0;
	fl_inner_release(&results->lock);
	if (orphan)
		discard(batch);
	if (last)
		free(results);
	return 0;
}

/* Submitting. */

static void fill_chunk(const fl_pool_results *results, const struct fl_pool_batch *batch, struct fl_pool_task *task)
{
	const fl_pool_items *items = &results->items;
	struct fl_pool_chunk head = {
		.n = batch->n,
		.item_size = items->item_size,
		.result_size = items->result_size,
		.arg_size = items->arg_size,
		.stops = results->stops,
	};
	unsigned char *at = task->bytes;

	memcpy(at, &head, sizeof(head));
	at += sizeof(head);
	if (items->arg_size > 0)
		memcpy(at, items->arg, items->arg_size);
	at += fl_pool_aligned(items->arg_size);
	if (items->item_size > 0)
		memcpy(at, (const char *)items->items + batch->first * items->item_size, batch->n * items->item_size);
}

static int submit(fl_pool_results *results, struct fl_pool_batch *batch)
{
	const fl_pool_items *items = &results->items;
	const struct fl_pool_order order = {
		.kind = FL_POOL_CHUNK,
		.tries = batch->n > 1 ? 1 : 0,
		.timeout = items->timeout,
		.first = batch->first,
		.n = batch->n,
	};
	struct fl_pool_task *task;
	int error;

	task = fl_pool_make_task_(results->pool, &order,
				  sizeof(struct fl_pool_chunk) + fl_pool_aligned(items->arg_size) +
					  batch->n * items->item_size);
	if (!task)
		return -ENOMEM;
	fill_chunk(results, batch, task);
	error = fl_pool_put_(results->pool, task, results->function);
	if (error != 0)
		return error;
	batch->future = &task->future;
	return 0;
}

/* Puts a batch of these items into the list and submits it. Whether it could be submitted is its result. */
static int add(fl_pool_results *results, size_t first, size_t n, struct fl_pool_batch *before)
{
	struct fl_pool_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return -ENOMEM;
	batch->results = results;
	batch->first = first;
	batch->n = n;
	batch->callback = (struct fl_callback){.function = be_done, .arg = batch};
	fl_inner_acquire(&results->lock);
	insert(results, batch, before);
	if (first == results->next)
		results->next += n;
	results->n_undone++;
	results->refs++;
	fl_inner_release(&results->lock);
	batch->refused = submit(results, batch);
	if (batch->refused != 0 || !fl_future_call_(batch->future, &batch->callback))
		be_done(batch->future, batch);
	return 0;
}

static size_t count_undone(fl_pool_results *results)
{
	size_t n;

	fl_inner_acquire(&results->lock);
	n = results->n_undone;
	fl_inner_release(&results->lock);
	return n;
}

int fl_pool_results_refill_(fl_pool_results *results)
{
	size_t n, undone = count_undone(results), left = results->items.n - results->next;
	int error = 0;

	if (undone > results->window / 2)
		return 0;
	for (; error == 0 && left > 0 && undone < results->window; undone++) {
		n = left < results->chunk ? left : results->chunk;
		error = add(results, results->next, n, NULL);
		left -= n;
	}
	return results->first ? 0 : error;
}

/* Taking. */

int fl_pool_results_await_(fl_pool_results *results, fl_time deadline, fl_note *note)
{
	bool enough;
	int error = 0;

	for (;;) {
		fl_inner_acquire(&results->lock);
		enough = is_enough(results);
		if (!enough)
			fl_event_clear(&results->changed);
		fl_inner_release(&results->lock);
		if (enough || error != 0)
			return enough ? 0 : error;
		if (fl_pool_is_own_thread_(results->pool))
			return -EDEADLK;
		error = fl_event_wait_until(&results->changed, deadline, note);
	}
}

struct fl_pool_batch *fl_pool_results_take_(fl_pool_results *results)
{
	struct fl_pool_batch *batch;

	fl_inner_acquire(&results->lock);
	batch = results->ordered ? results->first : results->done;
	if (batch && !batch->done)
		batch = NULL;
	if (batch) {
		results->done = results->ordered ? NULL : batch->next_done;
		take_out(results, batch);
	}
	fl_inner_release(&results->lock);
	return batch;
}

bool fl_pool_results_split_(fl_pool_results *results, struct fl_pool_batch *batch)
{
	size_t i;

	if (!batch->future || batch->n == 1 || results->pool->tries == 1 ||
	    !((const struct fl_pool_task *)batch->future)->killed)
		return false;
	for (i = batch->n; i > 0; i--)
		if (add(results, batch->first + i - 1, 1, results->first) != 0)
			break;
	if (i > 0) { /* no memory: what is left of it has failed as it is */
		batch->n = i;
		return false;
	}
	discard(batch);
	return true;
}

/* Reading. */

/* Finds the first failure, if the value is whole. */
static bool open_batch(fl_pool_results *results, struct fl_pool_batch *batch)
{
	size_t size = 0, values = batch->n * results->items.result_size;

	results->batch = batch;
	results->at = 0;
	results->failures = NULL;
	results->left = 0;
	results->value = batch->future ? fl_future_value(batch->future, &size) : NULL;
	if (!batch->future || fl_future_error(batch->future) != 0)
		return true;
	if (size < values)
		return false;
	results->failures = results->value ? results->value + values : NULL;
	results->left = size - values;
	return true;
}

void fl_pool_results_open_(fl_pool_results *results, struct fl_pool_batch *batch)
{
	if (open_batch(results, batch))
		return;
	fl_future_unref(batch->future);
	batch->future = NULL;
	batch->refused = -EPROTO;
}

void fl_pool_results_close_(fl_pool_results *results)
{
	discard(results->batch);
	results->batch = NULL;
}

/* If the next failure is that of item `at`, it is read. */
static void read_failure(fl_pool_results *results, fl_pool_result *result)
{
	struct fl_pool_failure failure;

	if (!results->failures || results->left < sizeof(failure))
		return;
	memcpy(&failure, results->failures, sizeof(failure));
	if (failure.index != results->at)
		return;
	if (failure.error >= 0 || failure.text > FL_POOL_TEXT || failure.text > results->left - sizeof(failure)) {
		failure.error = -EPROTO;
		failure.text = 0;
	}
	if (failure.text > 0)
		memcpy(results->text, results->failures + sizeof(failure), failure.text);
	else
		snprintf(results->text, sizeof(results->text), "%s", strerror(-failure.error));
	if (failure.text > 0)
		results->text[failure.text] = '\0';
	result->error = failure.error;
	result->message = results->text;
	results->failures += sizeof(failure) + failure.text;
	results->left -= sizeof(failure) + failure.text;
}

void fl_pool_results_read_(fl_pool_results *results, fl_pool_result *ret_result)
{
	const struct fl_pool_batch *batch = results->batch;
	fl_pool_result result = {.index = batch->first + results->at, .message = ""};

	result.error = batch->future ? fl_future_error(batch->future) : batch->refused;
	if (result.error != 0)
		result.message = batch->future ? fl_future_message(batch->future) : strerror(-result.error);
	else
		read_failure(results, &result);
	if (result.error == 0 && results->items.result_size > 0)
		result.value = results->value + results->at * results->items.result_size;
	results->at++;
	*ret_result = result;
}

int fl_pool_results_next_until(fl_pool_results *results, fl_pool_result *ret_result, fl_time deadline, fl_note *note)
{
	fl_keep_errno();
	struct fl_pool_batch *batch;
	int error;

	if (results->pool->epoch != fl_fork_epoch_)
		return -EPERM;
	while (!results->batch || results->at == results->batch->n) {
		fl_pool_results_close_(results);
		error = fl_pool_results_refill_(results);
		if (error != 0)
			return error;
		if (!results->first)
			return 0;
		error = fl_pool_results_await_(results, deadline, note);
		if (error != 0)
			return error;
		batch = fl_pool_results_take_(results);
		if (batch && !fl_pool_results_split_(results, batch))
			fl_pool_results_open_(results, batch);
	}
	fl_pool_results_read_(results, ret_result);
	return 1;
}

int fl_pool_results_next(fl_pool_results *results, fl_pool_result *ret_result)
{
	return fl_pool_results_next_until(results, ret_result, FL_FOREVER, NULL);
}

/* Making and ending. */

/* How many items are sent together. */
static size_t size_of_chunks(const fl_pool *pool, const fl_pool_items *items)
{
	size_t share = items->n / ((size_t)CHUNKS_EACH * pool->max) + 1;
	size_t each = items->item_size > items->result_size ? items->item_size : items->result_size;
	size_t used = sizeof(struct fl_pool_chunk) + fl_pool_aligned(items->arg_size), most = 1;

	if (items->chunk > 0)
		return items->chunk < items->n ? items->chunk : items->n;
	if (used < FL_POOL_INLINE)
		most = (FL_POOL_INLINE - used) / (each > 0 ? each : 1);
	share = share < most ? share : most;
	return share > 0 ? share : 1;
}

static size_t size_of_window(const fl_pool *pool, const fl_pool_items *items, size_t chunk)
{
	size_t least = (size_t)CHUNKS_EACH * pool->max, each = items->arg_size + chunk * items->item_size + 1;
	size_t window = WINDOW_BYTES / each;

	window = window < WINDOW_MOST ? window : WINDOW_MOST;
	return window > least ? window : least;
}

static bool good(const fl_pool_items *items)
{
	size_t all, results;

	if (items->n > 0 && (!items->function || (!items->items && items->item_size > 0)))
		return false;
	return items->fl_spare[0] == 0 && items->fl_spare[1] == 0 && items->timeout >= 0 &&
	       (items->arg || items->arg_size == 0) && items->arg_size < PTRDIFF_MAX / 4 &&
	       !__builtin_mul_overflow(items->n, items->item_size, &all) &&
	       !__builtin_mul_overflow(items->n, items->result_size, &results) && all < PTRDIFF_MAX / 4 &&
	       results < PTRDIFF_MAX / 4;
}

int fl_pool_results_make_(fl_pool_results **ret_results, fl_pool *pool, const fl_pool_items *items, bool ordered)
{
	fl_pool_results *results;

	if (!good(items))
		return -EINVAL;
	if (pool->epoch != fl_fork_epoch_)
		return -EPERM;
	results = calloc(1, sizeof(*results));
	if (!results)
		return -ENOMEM;
	results->pool = pool;
	results->items = *items;
	results->ordered = ordered;
	results->refs = 1;
	results->chunk = size_of_chunks(pool, items);
	results->window = size_of_window(pool, items, results->chunk);
	memcpy(&results->function, &items->function, sizeof(results->function)); /* there are no words for it in C */
	*ret_results = results;
	return 0;
}

static int begin(fl_pool_results **ret_results, fl_pool *pool, const fl_pool_items *items, bool ordered)
{
	fl_keep_errno();
	fl_pool_results *results;
	int error = fl_pool_results_make_(&results, pool, items, ordered);

	if (error != 0)
		return error;
	error = fl_pool_results_refill_(results);
	if (error != 0)
		fl_pool_results_destroy(results);
	else
		*ret_results = results;
	return error;
}

int fl_pool_imap(fl_pool_results **ret_results, fl_pool *pool, const fl_pool_items *items)
{
	return begin(ret_results, pool, items, true);
}

int fl_pool_imap_unordered(fl_pool_results **ret_results, fl_pool *pool, const fl_pool_items *items)
{
	return begin(ret_results, pool, items, false);
}

/* One that is not wanted any more. It is in no list, but its callback may be on its way. */
static void forget(fl_pool_results *results, struct fl_pool_batch *batch)
{
	bool mine = batch->future && fl_future_uncall_(batch->future, &batch->callback);

	fl_inner_acquire(&results->lock);
	if (mine)
		results->refs--;
	else
		mine = batch->done;
	batch->orphan = !mine;
	results->done = NULL;
	fl_inner_release(&results->lock);
	if (!mine)
		return;
	if (batch->future)
		fl_future_cancel(batch->future);
	discard(batch);
}

fl_pool_results *fl_pool_results_destroy(fl_pool_results *results)
{
	fl_keep_errno();
	struct fl_pool_batch *batch;
	bool last;

	if (!results || results->pool->epoch != fl_fork_epoch_)
		return NULL;
	fl_pool_results_close_(results);
	for (;;) {
		fl_inner_acquire(&results->lock);
		batch = results->first;
		if (batch)
			take_out(results, batch);
		results->done = NULL;
		fl_inner_release(&results->lock);
		if (!batch)
			break;
		forget(results, batch);
	}
	fl_inner_acquire(&results->lock);
	last = --results->refs == 0;
	fl_inner_release(&results->lock);
	if (last)
		free(results);
	return NULL;
}
