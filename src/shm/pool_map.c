/*
 * shm/pool_map.c - a function over many items, whose results are put where they belong.
 *
 * It is an iterator over the results in order (pool_results.c), which is woken not for each but for half a window, or
 * for an error; and a batch in which nothing failed is copied in one piece.
 */
#include "shm/pool_results.h"

#include "base/keep_errno.h"
#include <stdio.h>
#include <string.h>

/* The first error is noted, also if others are to be done nevertheless. */
static void note_error(const fl_pool_items *items, const fl_pool_result *result, int *error)
{
	if (*error != 0)
		return;
	*error = result->error;
	if (items->message && items->message_size > 0)
		snprintf(items->message, items->message_size, "%s", result->message);
}

static void put(const fl_pool_items *items, const fl_pool_result *result, int *error)
{
	if (result->error != 0)
		note_error(items, result, error);
	else if (result->value)
		memcpy((char *)items->results + result->index * items->result_size, result->value, items->result_size);
	if (items->errors)
		items->errors[result->index] = result->error;
}

/* Puts what a batch came to where it belongs; all at once, if nothing failed. */
static void deliver(fl_pool_results *results, int *error)
{
	const struct fl_pool_batch *batch = results->batch;
	const fl_pool_items *items = &results->items;
	fl_pool_result result;

	if (batch->future && results->left == 0 && fl_future_error(batch->future) == 0) {
		if (results->value)
			memcpy((char *)items->results + batch->first * items->result_size, results->value,
			       batch->n * items->result_size);
		if (items->errors)
			memset(items->errors + batch->first, 0, batch->n * sizeof(items->errors[0]));
		return;
	}
	while (results->at < batch->n && (*error == 0 || items->errors)) {
		fl_pool_results_read_(results, &result);
		put(items, &result, error);
	}
}

/* Takes what is done, up to the first that is not. */
static void deliver_done(fl_pool_results *results, int *error)
{
	struct fl_pool_batch *batch;

	while ((*error == 0 || results->items.errors) && (batch = fl_pool_results_take_(results))) {
		if (fl_pool_results_split_(results, batch))
			continue;
		fl_pool_results_open_(results, batch);
		deliver(results, error);
		fl_pool_results_close_(results);
	}
}

static int map_all(fl_pool_results *results, fl_time deadline, fl_note *note)
{
	int error = 0, failed = 0;

	while (failed == 0 || results->items.errors) {
		error = fl_pool_results_refill_(results);
		if (error == 0 && !results->first)
			break;
		if (error == 0)
			error = fl_pool_results_await_(results, deadline, note);
		if (error != 0)
			return error;
		deliver_done(results, &failed);
	}
	return failed;
}

int fl_pool_map_until(fl_pool *pool, const fl_pool_items *items, fl_time deadline, fl_note *note)
{
	fl_keep_errno();
	fl_pool_results *results;
	int error = -EINVAL;

	if (items->results || items->result_size == 0 || items->n == 0)
		error = fl_pool_results_make_(&results, pool, items, true);
	if (error != 0)
		return error;
	results->whole = true;
	results->stops = !items->errors;
	error = map_all(results, deadline, note);
	fl_pool_results_destroy(results);
	return error;
}

int fl_pool_map(fl_pool *pool, const fl_pool_items *items)
{
	return fl_pool_map_until(pool, items, FL_FOREVER, NULL);
}
