/*
 * shm/pool_results.h - results of a pool's batches, for the files that hand them out (pool_results.c, pool_map.c).
 */
#ifndef FL_SHM_POOL_RESULTS_H
#define FL_SHM_POOL_RESULTS_H

#include "shm/pool.h"

struct fl_pool_batch {
	struct fl_pool_batch *next, *previous; /* in the order of items, or as they were submitted */
	struct fl_pool_batch *next_done;
	fl_pool_results *results;
	struct fl_callback callback;
	fl_future *future; /* NULL: it was refused */
	int refused;
	size_t first, n;
	bool done, orphan;
};

struct fl_pool_results {
	fl_pool *pool;
	fl_pool_items items;
	const void *function;
	size_t chunk, window;
	bool ordered;
	bool whole; /* for fl_pool_map: nobody waits for single results */
	bool stops; /* at the first error */
	fl_event changed;

	struct fl_inner lock; /* of these */
	uint32_t refs;
	size_t next; /* the first item that was not submitted */
	struct fl_pool_batch *first, *last;
	struct fl_pool_batch *done, **last_done; /* for who wants them as they come */
	size_t n_undone;
	bool failed;

	/* What is being read. */
	struct fl_pool_batch *batch;
	const unsigned char *value, *failures;
	size_t at, left; /* the item of the batch; how many bytes of failures */
	char text[FL_POOL_TEXT + 1];
};

/* Makes an iterator; nothing is submitted yet. Returns 0, -EINVAL, -EPERM, -ENOMEM. */
int fl_pool_results_make_(fl_pool_results **ret_results, fl_pool *pool, const fl_pool_items *items, bool ordered);

/* Submits what the window has room for. Returns 0; -ENOMEM: not even one batch could be. */
int fl_pool_results_refill_(fl_pool_results *results);

/* Blocks until there is something to do. Returns 0, -ETIMEDOUT, -ECANCELED. */
int fl_pool_results_await_(fl_pool_results *results, fl_time deadline, fl_note *note);

/* Takes the next batch that is done; NULL: it is not. It is opened then, and closed when it has been read, unless it
 * was split. */
struct fl_pool_batch *fl_pool_results_take_(fl_pool_results *results);

/* If its worker has died: tries its items one by one. Returns whether that was it. */
bool fl_pool_results_split_(fl_pool_results *results, struct fl_pool_batch *batch);

/* Begins to read its results; reads the next one, of which there must be one; ends that. */
void fl_pool_results_open_(fl_pool_results *results, struct fl_pool_batch *batch);
void fl_pool_results_read_(fl_pool_results *results, fl_pool_result *ret_result);
void fl_pool_results_close_(fl_pool_results *results);

#endif
