/*
 * cli/watch_table.c - where the time went: a row for each lock that has a name, and for all that were made in one
 * place.
 *
 * The figures are those of the chains (src/watch/notes.h); a row adds up the chains of its locks, and says at which
 * places most was waited, and most was held. Acquisitions and waits are counted, each. How long locks were held is
 * timed for some acquisitions only (src/watch/chain.h): what is said for all is the mean of these, for each chain,
 * times its acquisitions. The longest hold is the longest one that was timed, or that was seen from here: a top that
 * stays the same, with the same count, from one look to a later one was held for at least so long. Looks are a tenth
 * of a second apart, so what took longer than two of them is not missed.
 */
#define _GNU_SOURCE
#include "watch.h"

#include <fairlead/time.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define MOST_HELD 256u
#define MOST_PLACES 3u

/* What was seen of a chain, from outside. */
struct seen {
	uint64_t count;
	fl_time since; /* 0: it is not held */
	fl_time most;
	uint64_t look; /* in which it was held last */
};

struct watch_holds {
	struct seen *seen;
	uint32_t n;
	uint64_t look;
};

struct place {
	const struct watch_chain *chain; /* one of those from there */
	uint64_t site;
	uint64_t acquired, contended;
	int64_t waited, waited_most, held, held_most;
};

struct row {
	uint64_t key;
	const struct watch_lock *lock; /* one of its locks */
	uint64_t n_locks;
	struct place all;
	struct place *places;
	size_t n_places;
};

struct table {
	struct watch_process *process;
	const struct watch_table *wanted;
	void *tree; /* of rows, by key */
	struct row **rows;
	size_t n;
};

/* Looking. */

static void see(struct watch_holds *holds, uint32_t place, uint64_t count, fl_time now)
{
	struct seen *seen = &holds->seen[place];

	if (seen->since == 0 || seen->count != count || seen->look + 1 != holds->look) {
		seen->since = now;
		seen->count = count;
	} else if (now - seen->since > seen->most) {
		seen->most = now - seen->since;
	}
	seen->look = holds->look;
}

static bool make_room(struct watch_holds *holds, uint32_t n)
{
	struct seen *more;

	if (n <= holds->n)
		return true;
	more = realloc(holds->seen, n * sizeof(*more));
	if (!more)
		return false;
	memset(more + holds->n, 0, (n - holds->n) * sizeof(*more));
	holds->seen = more;
	holds->n = n;
	return true;
}

void watch_holds_look(struct watch_process *process)
{
	const struct watch_notes *notes = process->notes;
	uint32_t n_seats = watch_least(fl_load_relaxed(&notes->n_seats), WATCH_SEATS), n;
	const struct watch_chain *chain;
	fl_time now = fl_now();
	uintptr_t top;

	if (!process->holds)
		process->holds = calloc(1, sizeof(*process->holds));
	if (!process->holds || !make_room(process->holds, watch_least(fl_load_relaxed(&notes->n_chains), WATCH_CHAINS)))
		return;
	process->holds->look++;
	for (uint32_t i = 0; i < n_seats; i++) {
		top = watch_read_top(&notes->seats[i]);
		chain = watch_chain_at(process, (void *)(top & ~WATCH_GOING));
		if (chain && (top & WATCH_GOING))
			chain = watch_parent(process, chain);
		for (n = 0; chain && chain->address != 0 && n < MOST_HELD; chain = watch_parent(process, chain), n++) {
			uint32_t place = (uint32_t)(chain - notes->chains);

			if (place < process->holds->n)
				see(process->holds, place, watch_count(chain), now);
		}
	}
}

void watch_holds_close(struct watch_holds *holds)
{
	if (holds)
		free(holds->seen);
	free(holds);
}

/* Rows. */

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static bool is_variable(const struct watch_process *process, uintptr_t address)
{
	uint32_t n = watch_least(process->notes->n_modules, WATCH_MODULES);

	for (uint32_t i = 0; i < n; i++)
		if (address >= process->notes->modules[i].start && address < process->notes->modules[i].end)
			return true;
	return false;
}

/* What the locks of a row have in common: the address of a variable, or the place where they were made. */
static uint64_t key_of(const struct watch_process *process, const struct watch_lock *lock)
{
	uint64_t key = lock->kind;

	if (is_variable(process, lock->address))
		return lock->address;
	for (uint32_t i = 0; i < watch_least(lock->n_born, WATCH_BORN); i++)
		key = (key ^ lock->born[i]) * UINT64_C(0xff51afd7ed558ccd);
	return key | UINT64_C(1) << 63;
}

static struct row *row_of(struct table *table, const struct watch_lock *lock)
{
	struct row key = {.key = key_of(table->process, lock)}, *row;
	void *found = tfind(&key, &table->tree, compare_rows);

	if (found)
		return *(struct row **)found;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	row->key = key.key;
	row->lock = lock;
	if (tsearch(row, &table->tree, compare_rows)) {
		table->n++;
		return row;
	}
	free(row);
	return NULL;
}

static void add(struct place *place, const struct place *more)
{
	place->acquired += more->acquired;
	place->contended += more->contended;
	place->waited += more->waited;
	place->held += more->held;
	if (more->waited_most > place->waited_most)
		place->waited_most = more->waited_most;
	if (more->held_most > place->held_most)
		place->held_most = more->held_most;
}

static struct place figures_of(const struct watch_process *process, const struct watch_chain *chain)
{
	const struct watch_holds *holds = process->holds;
	uint32_t number = (uint32_t)(chain - process->notes->chains);
	struct place place = {.chain = chain,
			      .site = watch_place(chain),
			      .acquired = watch_count(chain),
			      .contended = chain->contended,
			      .waited = chain->waited,
			      .waited_most = chain->waited_most,
			      .held_most = chain->held_most};

	if (chain->mode & WATCH_MOVED)
		place.acquired = 0;
	else if (chain->timed > 0)
		place.held = (int64_t)((double)chain->held / (double)chain->timed * (double)place.acquired);
	if (holds && number < holds->n && holds->seen[number].most > place.held_most)
		place.held_most = holds->seen[number].most;
	return place;
}

/* Adds figures to those of the same call site. */
static void add_place(struct row *row, const struct place *place)
{
	struct place *more;

	for (size_t i = 0; i < row->n_places; i++)
		if (row->places[i].site == place->site) {
			add(&row->places[i], place);
			return;
		}
	more = realloc(row->places, (row->n_places + 1) * sizeof(*more));
	if (!more)
		return;
	row->places = more;
	row->places[row->n_places++] = *place;
}

static void count(struct table *table, const struct watch_chain *chain)
{
	const struct watch_lock *lock = watch_lock_at(table->process, chain->lock);
	struct place place = figures_of(table->process, chain);
	struct row *row = lock && chain->address != 0 ? row_of(table, lock) : NULL;

	if (!row || (place.acquired == 0 && place.contended == 0 && place.held_most == 0))
		return;
	add(&row->all, &place);
	add_place(row, &place);
}

/* Counts how many locks were used that belong to a row. */
static void count_locks(struct table *table)
{
	uint32_t n = watch_least(table->process->notes->n_locks, WATCH_LOCKS);

	for (uint32_t i = 0; i < n; i++) {
		struct row key = {.key = key_of(table->process, &table->process->notes->locks[i])};
		void *found = tfind(&key, &table->tree, compare_rows);

		if (found)
			(*(struct row **)found)->n_locks++;
	}
}

/* Sorting. */

static uint64_t figure_of(const struct place *place, enum watch_sort sort)
{
	switch (sort) {
	case WATCH_BY_HELD:
		return (uint64_t)place->held;
	case WATCH_BY_LONGEST:
		return (uint64_t)place->held_most;
	case WATCH_BY_ACQUIRED:
		return place->acquired;
	case WATCH_BY_CONTENDED:
		return place->contended;
	default:
		return (uint64_t)place->waited;
	}
}

static int compare_figures(const struct place *a, const struct place *b, enum watch_sort sort)
{
	uint64_t x = figure_of(a, sort), y = figure_of(b, sort);

	if (x != y)
		return x < y ? 1 : -1;
	return (a->acquired < b->acquired) - (a->acquired > b->acquired);
}

static int sort_rows(const void *a, const void *b, void *arg)
{
	const struct watch_table *wanted = arg;

	return compare_figures(&(*(struct row *const *)a)->all, &(*(struct row *const *)b)->all, wanted->sort);
}

static int sort_places(const void *a, const void *b, void *arg)
{
	const struct watch_table *wanted = arg;

	return compare_figures(a, b, wanted->sort);
}

static void collect(const void *node, VISIT visit, void *arg)
{
	struct table *table = arg;

	if (visit == postorder || visit == leaf)
		table->rows[table->n++] = *(struct row *const *)node;
}

/* Saying. */

static json_t *describe_figures(const struct place *place)
{
	double mean = place->acquired > 0 ? (double)place->held / (double)place->acquired : 0;

	return json_pack("{sI sI s{sf sf} s{sf sf sf}}", "acquired", (json_int_t)place->acquired, "contended",
			 (json_int_t)place->contended, "waited", "total", (double)place->waited / 1e9, "max",
			 (double)place->waited_most / 1e9, "held", "total", (double)place->held / 1e9, "mean",
			 mean / 1e9, "max", (double)place->held_most / 1e9);
}

static json_t *describe_row(struct table *table, struct row *row)
{
	json_t *said = describe_figures(&row->all), *places = json_array(), *place;

	qsort_r(row->places, row->n_places, sizeof(*row->places), sort_places, (void *)(uintptr_t)table->wanted);
	for (size_t i = 0; i < row->n_places && i < MOST_PLACES; i++) {
		const struct watch_chain *chain = row->places[i].chain;

		place = describe_figures(&row->places[i]);
		json_object_set_new(
			place, "stack",
			watch_stack(table->process, chain->frames, watch_least(chain->n_frames, WATCH_FRAMES)));
		json_array_append_new(places, place);
	}
	json_object_set_new(said, "lock", watch_describe_lock(table->process, row->lock));
	json_object_set_new(said, "locks", json_integer((json_int_t)row->n_locks));
	json_object_set_new(said, "places", places);
	return said;
}

static bool is_wanted(const struct watch_table *wanted, const struct row *row)
{
	return row->all.waited_most >= wanted->least || row->all.held_most >= wanted->least;
}

static json_t *describe(struct table *table)
{
	json_t *rows = json_array();

	table->rows = calloc(table->n + 1, sizeof(struct row *));
	table->n = 0;
	if (!table->rows)
		return rows;
	twalk_r(table->tree, collect, table);
	qsort_r(table->rows, table->n, sizeof(struct row *), sort_rows, (void *)(uintptr_t)table->wanted);
	for (size_t i = 0; i < table->n && json_array_size(rows) < table->wanted->limit; i++)
		if (is_wanted(table->wanted, table->rows[i]))
			json_array_append_new(rows, describe_row(table, table->rows[i]));
	return json_pack("{so sI sI sI so}", "process", watch_describe_process(table->process), "rows",
			 (json_int_t)table->n, "left_out", (json_int_t)table->n - (json_int_t)json_array_size(rows),
			 "missed", (json_int_t)table->process->notes->n_missed, "locks", rows);
}

static void free_row(void *pointer)
{
	struct row *row = pointer;

	free(row->places);
	free(row);
}

json_t *watch_table(struct watch_process *process, const struct watch_table *wanted)
{
	struct table table = {.process = process, .wanted = wanted};
	uint32_t n = watch_least(process->notes->n_chains, WATCH_CHAINS);
	json_t *said;

	for (uint32_t i = 0; i < n; i++)
		if (process->notes->chains[i].lock)
			count(&table, &process->notes->chains[i]);
	count_locks(&table);
	said = describe(&table);
	free(table.rows);
	tdestroy(table.tree, free_row);
	return said;
}
