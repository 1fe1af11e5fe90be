/*
 * run/map.c - a function over many items, done by an executor in chunks.
 *
 * Each chunk is a task, submitted in order, and waited for in order; its results are written to where they belong. The
 * memory is the caller's, so this returns only when no chunk is under way any more, whatever has happened: those that
 * have not begun are cancelled then, and those that have are told by their note.
 *
 * The first chunk that has failed in the order of the items, not of time, is the one whose error is returned: as in a
 * loop. Of the chunks before it none has failed; so it does not matter that those after it are cancelled.
 *
 * Rejected: an array of futures for each item (an allocation for each); a cursor that workers move over the items (the
 * last chunk of one that waits for its place would hold up nothing else, but a cancel then is a state of its own).
 */
#include "run/executor.h"

#include "base/keep_errno.h"
#include <stdlib.h>

struct chunk {
	const fl_map *map;
	size_t begin, end;
};

static int do_chunk(fl_task *task, void *chunk_)
{
	const struct chunk *chunk = chunk_;
	const fl_map *map = chunk->map;
	size_t i;
	int error = 0;

	for (i = chunk->begin; error >= 0 && i < chunk->end; i++)
		error = map->function((const char *)map->items + i * map->item_size,
				      map->results ? (char *)map->results + i * map->result_size : NULL, task,
				      map->arg);
	return error < 0 ? error : 0;
}

/* Returns how many were submitted; *ret_error: what kept the others from it. */
static size_t submit_all(fl_executor *executor, const fl_map *map, size_t size, fl_future **ret_futures, int *ret_error)
{
	size_t begin, n = 0;
	int error = 0;

	for (begin = 0; error == 0 && begin < map->n; begin += size) {
		struct chunk chunk = {map, begin, map->n - begin < size ? map->n : begin + size};

		error = fl_executor_submit_value(&ret_futures[n], executor, do_chunk, &chunk, sizeof(chunk));
		n += error == 0;
		if (map->n - begin <= size)
			break;
	}
	*ret_error = error;
	return n;
}

/* Waits for them one after the other; the first error, if there is one. */
static int await_all(fl_future **futures, size_t n, fl_time deadline, fl_note *note)
{
	size_t i;
	int error = 0;

	for (i = 0; error == 0 && i < n; i++)
		error = fl_future_result_until(futures[i], NULL, 0, deadline, note);
	return error;
}

static void give_back(fl_future **futures, size_t n, bool cancel)
{
	size_t i;

	for (i = 0; cancel && i < n; i++)
		fl_future_cancel(futures[i]);
	for (i = 0; i < n; i++) {
		/* A worker that waits for its own work is refused; but this is another thread's, or not begun. */
		fl_future_result(futures[i], NULL, 0);
		fl_future_unref(futures[i]);
	}
}

int fl_executor_map_until(fl_executor *executor, const fl_map *map, fl_time deadline, fl_note *note)
{
	fl_keep_errno();
	size_t size = map->chunk ? map->chunk : 1, n = map->n / size + (map->n % size != 0);
	fl_future **futures;
	int error, refused;

	if (n == 0)
		return 0;
	if (map->fl_spare[0] != 0 || map->fl_spare[1] != 0)
		return -EINVAL;
	futures = calloc(n, sizeof(*futures));
	if (!futures)
		return -ENOMEM;
	n = submit_all(executor, map, size, futures, &refused);
	error = await_all(futures, n, refused != 0 ? INT64_MIN : deadline, note);
	if (refused != 0)
		error = refused;
	give_back(futures, n, error != 0);
	free(futures);
	return error;
}

int fl_executor_map(fl_executor *executor, const fl_map *map)
{
	return fl_executor_map_until(executor, map, FL_FOREVER, NULL);
}
