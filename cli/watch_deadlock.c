/*
 * cli/watch_deadlock.c - whether threads wait for each other now, for ever.
 *
 * Threads that acquire a lock or join without a deadline say so in their seats, whether they will have to wait or
 * not, and what they hold does not change meanwhile (src/watch/notes.h, [N2]). Who waits for a lock waits for all
 * that hold it and wait themselves; if one of these ways comes back, none of the threads on it will ever go on. Who
 * waits to read, and is not kept by a writer that holds the lock, waits behind a writer that waits. Who waits for a
 * thread's end waits for that thread.
 *
 * The seats are read one after the other, while the process runs. A circle is believed when all of its threads are
 * still in the waits in which they were seen: then they were all in them when the last one was read first.
 *
 * It is looked for ten times a second (watch.c), in the threads that wait, with an array of what they hold that is
 * sorted by lock. Each thread is visited once.
 */
#include "watch.h"

#include <stdlib.h>

#define MOST_HELD 256u

struct waiter {
	const struct watch_seat *seat;
	const struct watch_chain *holds; /* all that it holds */
	const struct watch_chain *wants; /* NULL: it joins */
	const struct watch_lock *lock;   /* of it */
	uint32_t joins;
	uint64_t count; /* of what shows that the wait has ended */
	uint32_t life;
	/* Of the search: */
	uint32_t mark; /* 0: not visited; the number of the walk that came here */
	uint32_t to;   /* whom it waits for, on that walk */
	uint32_t by;   /* which of the holds that is; UINT32_MAX: none */
};

struct hold {
	const struct watch_lock *lock;
	const struct watch_chain *chain;
	uint32_t waiter;
};

struct look {
	struct watch_process *process;
	struct waiter *waiters;
	struct hold *holds;
	uint32_t n, n_holds, max_holds;
};

/* Reading. */

static bool read_seat(const struct watch_process *process, const struct watch_seat *seat, struct waiter *ret)
{
	uintptr_t top = watch_read_top(seat);
	const struct watch_chain *chain = watch_chain_at(process, (void *)(top & ~WATCH_GOING));

	*ret = (struct waiter){.seat = seat, .life = fl_load_relaxed(&seat->life), .holds = chain};
	if (chain && (top & WATCH_GOING)) {
		ret->wants = chain;
		ret->holds = watch_chain_at(process, chain->parent);
		ret->lock = watch_lock_at(process, chain->lock);
		ret->count = watch_count(chain);
	} else {
		ret->joins = watch_life_at(process, watch_read_joins(seat));
		ret->count = fl_load_relaxed(&seat->n_joins);
	}
	return ret->lock || ret->joins;
}

static bool add_hold(struct look *look, const struct watch_chain *chain, uint32_t waiter)
{
	struct hold *more;

	if (look->n_holds == look->max_holds) {
		more = realloc(look->holds, (look->max_holds * 2 + 16) * sizeof(*more));
		if (!more)
			return false;
		look->holds = more;
		look->max_holds = look->max_holds * 2 + 16;
	}
	look->holds[look->n_holds++] = (struct hold){watch_lock_at(look->process, chain->lock), chain, waiter};
	return true;
}

static void read_holds(struct look *look, uint32_t waiter)
{
	const struct watch_chain *chain = look->waiters[waiter].holds;
	uint32_t n = 0;

	for (; chain && chain->address != 0 && n < MOST_HELD; chain = watch_parent(look->process, chain), n++)
		if (watch_same(look->process, chain) && !add_hold(look, chain, waiter))
			return;
}

static int compare_holds(const void *a, const void *b)
{
	const struct hold *x = a, *y = b;

	return (x->lock > y->lock) - (x->lock < y->lock);
}

static bool read_all(struct look *look)
{
	const struct watch_notes *notes = look->process->notes;
	uint32_t n = watch_least(fl_load_relaxed(&notes->n_seats), WATCH_SEATS);

	look->waiters = malloc((n + 1) * sizeof(*look->waiters));
	if (!look->waiters)
		return false;
	for (uint32_t i = 0; i < n; i++)
		look->n += read_seat(look->process, &notes->seats[i], &look->waiters[look->n]);
	for (uint32_t i = 0; i < look->n; i++)
		read_holds(look, i);
	if (look->n_holds > 0)
		qsort(look->holds, look->n_holds, sizeof(*look->holds), compare_holds);
	return look->n > 0;
}

/* Walking. */

static bool reads(const struct watch_chain *chain)
{
	return chain->mode & WATCH_READ;
}

static uint32_t first_hold(const struct look *look, const struct watch_lock *lock)
{
	uint32_t low = 0, high = look->n_holds;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (look->holds[middle].lock < lock)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool walk(struct look *look, uint32_t from, uint32_t number, uint32_t *ret_closed);

/* Goes on to a thread that `from` waits for. Returns whether the walk has come to where it was. */
static bool go(struct look *look, uint32_t from, uint32_t to, uint32_t by, uint32_t number, uint32_t *ret_closed)
{
	look->waiters[from].to = to;
	look->waiters[from].by = by;
	if (look->waiters[to].mark == number) {
		*ret_closed = to;
		return true;
	}
	return look->waiters[to].mark == 0 && walk(look, to, number, ret_closed);
}

static bool walk_to_holders(struct look *look, uint32_t from, uint32_t number, uint32_t *ret_closed)
{
	const struct waiter *waiter = &look->waiters[from];

	for (uint32_t i = first_hold(look, waiter->lock); i < look->n_holds && look->holds[i].lock == waiter->lock; i++)
		if (!(reads(waiter->wants) && reads(look->holds[i].chain)) &&
		    go(look, from, look->holds[i].waiter, i, number, ret_closed))
			return true;
	return false;
}

/* Those that wait for the same lock to write, or that end. */
static bool walk_to_others(struct look *look, uint32_t from, uint32_t number, uint32_t *ret_closed)
{
	const struct waiter *waiter = &look->waiters[from];

	for (uint32_t i = 0; i < look->n; i++) {
		const struct waiter *other = &look->waiters[i];
		bool writes =
			waiter->wants && reads(waiter->wants) && other->lock == waiter->lock && !reads(other->wants);

		if ((writes || (waiter->joins && waiter->joins == other->life)) &&
		    go(look, from, i, UINT32_MAX, number, ret_closed))
			return true;
	}
	return false;
}

static bool walk(struct look *look, uint32_t from, uint32_t number, uint32_t *ret_closed)
{
	bool closed;

	look->waiters[from].mark = number;
	closed = (look->waiters[from].wants && walk_to_holders(look, from, number, ret_closed)) ||
		 walk_to_others(look, from, number, ret_closed);
	if (!closed)
		look->waiters[from].mark = UINT32_MAX; /* nothing comes back from here */
	return closed;
}

/* Saying. */

static bool still_waits(const struct watch_process *process, const struct waiter *waiter)
{
	struct waiter now;

	return read_seat(process, waiter->seat, &now) && now.wants == waiter->wants && now.joins == waiter->joins &&
	       now.holds == waiter->holds && now.count == waiter->count && now.life == waiter->life;
}

/* Whether all of the circle are where they were seen; what it is called by then. */
static bool is_true(const struct look *look, uint32_t start, uint64_t *ret_sum)
{
	uint32_t i = start;

	*ret_sum = 1;
	watch_read_again();
	do {
		if (!still_waits(look->process, &look->waiters[i]))
			return false;
		*ret_sum += watch_mixed(look->waiters[i].life, look->waiters[i].count);
		i = look->waiters[i].to;
	} while (i != start);
	return true;
}

static json_t *describe(const struct look *look, const struct waiter *waiter)
{
	struct watch_process *process = look->process;
	json_t *said = json_pack("{so}", "thread", watch_describe_thread(process, waiter->life));

	json_object_set_new(said, "for", watch_describe_thread(process, look->waiters[waiter->to].life));
	if (waiter->joins) {
		const struct watch_life *life = &process->notes->lives[waiter->joins];

		json_object_set_new(said, "stack",
				    watch_stack(process, life->frames, watch_least(life->n_frames, WATCH_BORN)));
	}
	if (waiter->wants)
		json_object_set_new(said, "wants", watch_describe_use(process, waiter->wants));
	if (waiter->by != UINT32_MAX)
		json_object_set_new(said, "held", watch_describe_use(process, look->holds[waiter->by].chain));
	return said;
}

static void report(const struct look *look, uint32_t start, struct watch_found *found)
{
	json_t *threads = json_array();
	uint32_t i = start;

	do {
		json_array_append_new(threads, describe(look, &look->waiters[i]));
		i = look->waiters[i].to;
	} while (i != start);
	found->take(found, json_pack("{ss so so}", "finding", "deadlock", "process",
				     watch_describe_process(look->process), "threads", threads));
}

static void search(struct look *look, struct watch_found *found)
{
	uint32_t closed;
	uint64_t sum;

	for (uint32_t i = 0; i < look->n; i++) {
		if (look->waiters[i].mark != 0 || !walk(look, i, i + 1, &closed))
			continue;
		if (is_true(look, closed, &sum) && watch_first_time(&look->process->deadlocks, sum))
			report(look, closed, found);
	}
}

void watch_deadlocks_look(struct watch_process *process, struct watch_found *found)
{
	struct look look = {.process = process};

	if (read_all(&look))
		search(&look, found);
	free(look.waiters);
	free(look.holds);
}
