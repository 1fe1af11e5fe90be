/*
 * thread/local.c - locals: a table of values for each thread, and a place in it for each local.
 *
 * fl_id   0: never used;  else  bits 0-19 INDEX, the local's place in every thread's table;  bits 20-63 a serial
 *         number, so that no two locals ever have the same id, also if they have the same place one after the other
 *
 * A thread's table has a slot for each index up to the highest that the thread has used. A slot holds the id of the
 * local whose value it has, so to get a value is: look at fl_id, at the slot, and compare. Everything else, and
 * whoever has no value yet, goes the slow way. Slot 0 is nobody's, and its id is none that a local can have, so a
 * local without an id goes the slow way too.
 *
 * Tables are on the heap and in one list, so that fl_local_destroy finds the values of all threads.
 *
 * Invariants:
 *   [LO1] A table's `n`, its slots' place in memory, and the list change only under `lock`, and only by the thread
 *         whose table it is.
 *   [LO2] A slot is filled by its thread under `lock`; emptied by its thread (under `lock`, or when the value is
 *         replaced by NULL), or by fl_local_destroy under `lock`, when nobody uses that local. An index is given to
 *         another local only after that, so two threads never touch one slot unordered.
 *   [LO3] No function of the user's is called under `lock`.
 *
 * The end of a thread comes as a pthread key's destructor: one call of it does all rounds, so that what destroy
 * functions acquire and make is cleared away by the keys' next round. If locals are used after that, by other keys'
 * destructors, a new table is made and comes to its end in the next round.
 *
 * Rejected: a pthread key for each local (1024 of them, and twice the time); the table in the thread's own static
 * storage (gone with the thread, while somebody else may be walking the list); to leave the values of a destroyed
 * local until each thread ends, as pthread keys do (an object with a local that comes and goes would leak in a
 * long-lived thread).
 */
#include <fairlead/local.h>

#include "base/atomic.h"
#include "base/fork.h"
#include "base/inner.h"
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_BITS 20
#define N_INDEXES (1u << INDEX_BITS)
#define NOBODY UINT64_MAX
#define ROUNDS 4
#define LEAST_SLOTS 16u

struct slot {
	uint64_t id; /* 0: empty */
	void *value;
	void (*destroy)(void *value);
	uint64_t made; /* which of the thread's values it was, counted from 1 */
};

struct table {
	struct table *next, *previous;
	uint32_t n;
	struct slot slots[];
};

/* The calling thread's own. The first two are in the fast path. */
static __thread struct {
	struct slot *slots;
	uint32_t n;
	struct table *table;
	uint64_t n_made;
} mine __attribute__((tls_model("initial-exec")));

static struct fl_inner lock;
static struct table *first;
static struct table *abandoned; /* tables of threads that a fork left behind; kept where leak checkers see them */
static uint64_t serial;
static uint64_t used[N_INDEXES / 64] = {1}; /* one bit an index */
static uint32_t full_words;                 /* so many at the beginning have no free bit */
static pthread_key_t end_key;
static bool have_key;

static uint32_t index_of(uint64_t id)
{
	return (uint32_t)id & (N_INDEXES - 1);
}

/* Ids. Under `lock`. */

/* Returns a free index, 0 if there is none. */
static uint32_t take_index(void)
{
	uint32_t bit;

	while (full_words < N_INDEXES / 64 && used[full_words] == UINT64_MAX)
		full_words++;
	if (full_words == N_INDEXES / 64)
		return 0;
	bit = (uint32_t)__builtin_ctzll(~used[full_words]);
	used[full_words] |= UINT64_C(1) << bit;
	return full_words * 64 + bit;
}

static void give_index_back(uint32_t index)
{
	used[index / 64] &= ~(UINT64_C(1) << (index % 64));
	if (full_words > index / 64)
		full_words = index / 64;
}

/* Returns the local's id, giving it one if it has none; 0 if there are no more. */
static uint64_t identify(fl_local *local)
{
	uint64_t id;
	uint32_t index;

	fl_inner_acquire(&lock);
	id = fl_load_relaxed(&local->fl_id);
	index = id ? 0 : take_index();
	if (index) {
		id = ++serial << INDEX_BITS | index;
		fl_store_relaxed(&local->fl_id, id);
	}
	fl_inner_release(&lock);
	return id;
}

/* The calling thread's table. */

static inline __attribute__((always_inline)) struct slot *find(const fl_local *local)
{
	uint64_t id = fl_load_relaxed(&local->fl_id);
	uint32_t index = index_of(id);

	if (fl_likely(index < mine.n) && fl_likely(fl_load_relaxed(&mine.slots[index].id) == id))
		return &mine.slots[index];
	return NULL;
}

static void link_in(struct table *table)
{
	table->next = first;
	table->previous = NULL;
	if (first)
		first->previous = table;
	/* [local.1] release; pairs with [local.2] */
	fl_store_release(&first, table);
}

static void link_out(struct table *table)
{
	if (table->next)
		table->next->previous = table->previous;
	/* [local.1] release; pairs with [local.2] */
	fl_store_release(table->previous ? &table->previous->next : &first, table->next);
}

/* Puts `bigger` in the place of the table there is, if any. */
static void exchange_table(struct table *bigger)
{
	struct table *old = mine.table;

	fl_inner_acquire(&lock);
	if (old) {
		memcpy(bigger->slots, old->slots, old->n * sizeof(*old->slots));
		link_out(old);
	}
	link_in(bigger);
	fl_inner_release(&lock);
	mine.table = bigger;
	mine.slots = bigger->slots;
	mine.n = bigger->n;
	free(old);
}

/* Makes sure that the table has this index. Returns 0, -ENOMEM. */
static int reserve(uint32_t index)
{
	uint32_t n = mine.n > 0 ? mine.n : LEAST_SLOTS;
	struct table *bigger;

	if (index < mine.n)
		return 0;
	while (n <= index)
		n *= 2;
	bigger = calloc(1, sizeof(*bigger) + n * sizeof(*bigger->slots));
	if (!bigger)
		return -ENOMEM;
	/* The key's value only has to be something; its destructor finds the table by itself. */
	if (!mine.table && (!have_key || pthread_setspecific(end_key, &lock) != 0)) {
		free(bigger);
		return -ENOMEM;
	}
	bigger->n = n;
	bigger->slots[0].id = NOBODY;
	exchange_table(bigger);
	return 0;
}

static int fill(fl_local *local, void *value)
{
	int saved = errno, error = 0;
	uint64_t id = identify(local);
	struct slot *slot;

	if (id == 0 || reserve(index_of(id)) != 0) {
		error = -ENOMEM;
	} else {
		slot = &mine.slots[index_of(id)];
		fl_inner_acquire(&lock);
		*slot = (struct slot){.id = id, .value = value, .destroy = local->fl_destroy, .made = ++mine.n_made};
		fl_inner_release(&lock);
	}
	errno = saved;
	return error;
}

/* Getting and setting. */

static void destroy_value(const fl_local *local, void *value)
{
	if (value && local->fl_destroy)
		local->fl_destroy(value);
}

/* Apart, so that the fast path needs no stack frame. */
static __attribute__((noinline)) void *make_value(fl_local *local)
{
	void *value = local->fl_make ? local->fl_make() : NULL;

	if (!value || fl_local_set(local, value) == 0)
		return value;
	destroy_value(local, value);
	return NULL;
}

void *fl_local_get(fl_local *local)
{
	struct slot *slot = find(local);

	return fl_likely(slot != NULL) ? slot->value : make_value(local);
}

int fl_local_set(fl_local *local, void *value)
{
	struct slot *slot = find(local);
	void *old;

	if (!slot)
		return value ? fill(local, value) : 0;
	old = slot->value;
	slot->value = value;
	if (!value)
		fl_store_relaxed(&slot->id, 0);
	if (old != value)
		destroy_value(local, old);
	return 0;
}

/* Ends. */

/* Empties a slot, under `lock`; what it held is in the copy. */
static struct slot empty(struct slot *slot)
{
	struct slot copy = *slot;

	fl_store_relaxed(&slot->id, 0);
	return copy;
}

/* Takes the calling thread's last-made value but not one made after the `limit`th; id 0: there is none. */
static struct slot take_newest(uint64_t limit)
{
	struct slot *newest = NULL, copy = {0};
	uint32_t i;

	fl_inner_acquire(&lock);
	for (i = 1; i < mine.n; i++) {
		struct slot *slot = &mine.slots[i];

		if (slot->id && slot->made <= limit && (!newest || slot->made > newest->made))
			newest = slot;
	}
	if (newest)
		copy = empty(newest);
	fl_inner_release(&lock);
	return copy;
}

/* Destroys all the calling thread's values, but not those that are made meanwhile. Returns whether there was one. */
static bool destroy_values(void)
{
	uint64_t limit = mine.n_made;
	struct slot slot = take_newest(limit);
	bool any = slot.id != 0;

	for (; slot.id; slot = take_newest(limit))
		if (slot.destroy)
			slot.destroy(slot.value);
	return any;
}

static void at_end(void *unused)
{
	struct table *table;
	int round;

	(void)unused;
	for (round = 0; round < ROUNDS && destroy_values(); round++)
		;
	table = mine.table;
	fl_inner_acquire(&lock);
	link_out(table);
	fl_inner_release(&lock);
	mine.table = NULL;
	mine.slots = NULL;
	mine.n = 0;
	free(table);
}

/* Takes a value of this id from any thread; id 0: there is none. */
static struct slot take_anybodys(uint64_t id)
{
	struct slot copy = {0};
	struct table *table;
	uint32_t index = index_of(id);

	fl_inner_acquire(&lock);
	for (table = first; table && copy.id == 0; table = table->next)
		if (index < table->n && fl_load_relaxed(&table->slots[index].id) == id)
			copy = empty(&table->slots[index]);
	fl_inner_release(&lock);
	return copy;
}

void fl_local_destroy(fl_local *local)
{
	uint64_t id = fl_load_relaxed(&local->fl_id);
	struct slot slot;

	if (id == 0)
		return;
	while ((slot = take_anybodys(id)).id)
		destroy_value(local, slot.value);
	fl_inner_acquire(&lock);
	give_index_back(index_of(id));
	fl_store_relaxed(&local->fl_id, 0);
	fl_inner_release(&lock);
}

void fl_local_init(fl_local *local, void *(*make)(void), void (*destroy)(void *value))
{
	*local = (fl_local)FL_LOCAL_INIT(make, destroy);
}

/* Abandons the tables of other threads. What was in the middle of a change leaves an index or some memory unused at
 * worst. */
static void after_fork(void)
{
	struct table *table, *next;

	lock.state = 0;
	/* [local.2] acquire; pairs with [local.1] */
	for (table = fl_load_acquire(&first); table; table = next) {
		next = table->next;
		if (table != mine.table) {
			table->next = abandoned;
			abandoned = table;
		}
	}
	first = NULL;
	if (mine.table)
		link_in(mine.table);
}

__attribute__((constructor(102))) static void begin(void)
{
	have_key = pthread_key_create(&end_key, at_end) == 0;
	fl_fork_register_(after_fork);
}
