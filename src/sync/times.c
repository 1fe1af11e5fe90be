/*
 * sync/times.c - where the time goes: counting.
 *
 * For each lock, and for each side of an rwlock, there is a struct fl_times, found by address. It is updated by the
 * thread that holds the lock, under that lock, with plain loads and stores; the read side has many holders at once,
 * and is updated by atomic additions. A thread remembers where the times of the locks it used lately are, so the
 * table and its inner lock are for the first time only, and for those that waited, who also note the place they
 * waited at.
 *
 * Since when a lock is held is kept with the lock, since another thread may release it; for a read side it is on the
 * reader's stack.
 *
 * When a lock is destroyed, its figures are added to those of the ended locks of its name and kind: so the table at
 * exit has everything, and a program that makes a million locks does not keep a million lines.
 *
 * Not counted: nested acquisitions by the owner; waits that ended without the lock (time-outs); what a thread waits
 * for a condition's notify.
 *
 * Figures that are read while others count are each whole, but may be of different moments.
 */
#include "sync/times.h"

#include "base/inner.h"
#include "base/name.h"
#include "sync/arena.h"
#include "sync/table.h"
#include "sync/times_table.h"
#include <errno.h>
#include <string.h>

struct site {
	struct site *next;
	const void *site;
	uint64_t waited;
};

struct fl_times {
	struct fl_table_entry entry; /* by address and kind; ended ones by a hash of
                                  their name, and kind */
	struct fl_figures figures;
	fl_time since;
	struct site *sites;
	char name[FL_NAME_SIZE]; /* of ended locks */
};

static struct fl_inner lock;
static struct fl_table living, ended;
static uint64_t generation; /* changes when a struct fl_times is given back */

/* Finding the times of a lock. */

static struct fl_times *make(struct fl_table *table, uintptr_t a, uintptr_t b)
{
	struct fl_times *times = fl_arena_take_(sizeof(*times));

	if (!times)
		return NULL;
	times->entry.a = a;
	times->entry.b = b;
	if (fl_table_add_(table, &times->entry))
		return times;
	fl_arena_give_(times, sizeof(*times));
	return NULL;
}

static struct fl_times *find(const void *address, enum fl_lock_kind kind)
{
	return (struct fl_times *)fl_table_find_(&living, (uintptr_t)address, (uintptr_t)kind);
}

static struct fl_times *find_or_make(uintptr_t key)
{
	struct fl_times *times;

	fl_inner_acquire(&lock);
	times = find(fl_key_lock(key), fl_key_kind(key));
	if (!times)
		times = make(&living, (uintptr_t)fl_key_lock(key), (uintptr_t)fl_key_kind(key));
	fl_inner_release(&lock);
	if (!times)
		fl_held_missed_();
	return times;
}

static struct fl_times_near *near_place(struct fl_check_thread *me, uintptr_t key)
{
	uint64_t now = fl_load_relaxed(&generation);

	if (me->near_generation != now) {
		memset(me->near, 0, sizeof(me->near));
		me->near_generation = now;
	}
	return &me->near[(key * UINT64_C(0x9e3779b97f4a7c15)) >> 58];
}

static struct fl_times *times_of(struct fl_check_thread *me, uintptr_t key)
{
	struct fl_times_near *place;

	_Static_assert(FL_TIMES_NEAR == 64, "the shift by 58");
	if (!me)
		return find_or_make(key);
	place = near_place(me, key);
	if (place->key != key)
		*place = (struct fl_times_near){key, find_or_make(key)};
	if (!place->times)
		place->key = 0;
	return place->times;
}

/* Counting. */

static void add(uintptr_t key, uint64_t *figure, uint64_t amount)
{
	if (fl_key_kind(key) == FL_KIND_READ)
		fl_add_relaxed(figure, amount);
	else
		fl_store_relaxed(figure, fl_load_relaxed(figure) + amount);
}

static void raise(uint64_t *figure, uint64_t value)
{
	uint64_t old = fl_load_relaxed(figure);

	while (old < value && !fl_cas_relaxed(figure, &old, value))
		;
}

static void add_duration(uintptr_t key, struct fl_durations *durations, fl_time duration)
{
	add(key, &durations->total, (uint64_t)duration);
	raise(&durations->most, (uint64_t)duration);
}

static void add_site(struct fl_times *times, const void *address, uint64_t waited)
{
	struct site *site = times->sites;

	while (site && site->site != address)
		site = site->next;
	if (!site) {
		site = fl_arena_take_(sizeof(*site));
		if (!site) {
			fl_held_missed_();
			return;
		}
		site->site = address;
		site->next = times->sites;
		times->sites = site;
	}
	site->waited += waited;
}

static void count_wait(struct fl_times *times, uintptr_t key, const void *site, fl_time waited)
{
	add(key, &times->figures.contended, 1);
	add_duration(key, &times->figures.waited, waited);
	fl_inner_acquire(&lock);
	add_site(times, site, (uint64_t)waited);
	fl_inner_release(&lock);
}

void fl_times_acquired_(struct fl_check_thread *me, struct fl_held *held, uintptr_t key, const void *site,
			fl_time waited_since)
{
	struct fl_times *times = times_of(me, key);
	fl_time now = fl_now();

	if (!times)
		return;
	add(key, &times->figures.acquires, 1);
	if (waited_since != 0)
		count_wait(times, key, site, now - waited_since);
	if (fl_key_kind(key) != FL_KIND_READ)
		fl_store_relaxed(&times->since, now);
	else if (held)
		held->since = now;
}

void fl_times_released_(struct fl_check_thread *me, uintptr_t key, fl_time since)
{
	struct fl_times *times = times_of(me, key);

	if (!times)
		return;
	if (fl_key_kind(key) != FL_KIND_READ) {
		since = fl_load_relaxed(&times->since);
		fl_store_relaxed(&times->since, 0);
	}
	if (since != 0) /* acquired before counting began */
		add_duration(key, &times->figures.held, fl_now() - since);
}

/* Ended locks. */

static uint64_t hash_of(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return hash;
}

static void merge_durations(struct fl_durations *into, const struct fl_durations *from)
{
	into->total += from->total;
	raise(&into->most, from->most);
}

static void merge(struct fl_times *into, struct fl_times *from)
{
	struct site *site, *next;

	into->figures.locks++;
	into->figures.acquires += from->figures.acquires;
	into->figures.contended += from->figures.contended;
	merge_durations(&into->figures.waited, &from->figures.waited);
	merge_durations(&into->figures.held, &from->figures.held);
	for (site = from->sites; site; site = next) {
		next = site->next;
		add_site(into, site->site, site->waited);
		fl_arena_give_(site, sizeof(*site));
	}
}

static void end(struct fl_times *times, enum fl_lock_kind kind, const char *name)
{
	uintptr_t hash = name ? (uintptr_t)hash_of(name) : 0;
	struct fl_times *group = (struct fl_times *)fl_table_find_(&ended, hash, (uintptr_t)kind);

	if (!group)
		group = make(&ended, hash, (uintptr_t)kind);
	if (group && name)
		memcpy(group->name, name, FL_NAME_SIZE);
	if (group)
		merge(group, times);
	else
		fl_held_missed_();
	fl_table_remove_(&living, &times->entry);
	fl_arena_give_(times, sizeof(*times));
	fl_add_relaxed(&generation, 1);
}

static bool counted(const void *address)
{
	bool found = false;
	int kind;

	fl_inner_acquire(&lock);
	for (kind = FL_KIND_LOCK; kind <= FL_KIND_WRITE; kind++)
		found = found || find(address, (enum fl_lock_kind)kind);
	fl_inner_release(&lock);
	return found;
}

void fl_times_forget_(const void *address)
{
	char buffer[FL_NAME_SIZE];
	const char *name;
	int kind;

	if (!counted(address))
		return;
	name = fl_name_get_(address, buffer);
	fl_inner_acquire(&lock);
	for (kind = FL_KIND_LOCK; kind <= FL_KIND_WRITE; kind++) {
		struct fl_times *times = find(address, (enum fl_lock_kind)kind);

		if (times)
			end(times, (enum fl_lock_kind)kind, name);
	}
	fl_inner_release(&lock);
}

/* Printing. */

/* Puts a site in its place among the FL_MOST_SITES where most was waited. */
static void rank_site(struct fl_times_row *row, const struct site *site)
{
	int i = FL_MOST_SITES;

	for (; i > 0 && row->sites[i - 1].waited < site->waited; i--)
		if (i < FL_MOST_SITES)
			row->sites[i] = row->sites[i - 1];
	if (i < FL_MOST_SITES)
		row->sites[i] = (struct fl_times_site){site->site, site->waited};
}

static void copy_row(struct fl_times_row *row, const struct fl_times *times, bool alive)
{
	const struct site *site;

	row->figures.locks = times->figures.locks;
	row->figures.acquires = fl_load_relaxed(&times->figures.acquires);
	row->figures.contended = fl_load_relaxed(&times->figures.contended);
	row->figures.waited.total = fl_load_relaxed(&times->figures.waited.total);
	row->figures.waited.most = fl_load_relaxed(&times->figures.waited.most);
	row->figures.held.total = fl_load_relaxed(&times->figures.held.total);
	row->figures.held.most = fl_load_relaxed(&times->figures.held.most);
	row->kind = (enum fl_lock_kind)times->entry.b;
	row->lock = alive ? (const void *)times->entry.a : NULL;
	memcpy(row->name, times->name, FL_NAME_SIZE);
	for (site = times->sites; site; site = site->next)
		rank_site(row, site);
}

static size_t copy_table(struct fl_times_row *rows, const struct fl_table *table, bool alive)
{
	const struct fl_table_entry *entry = NULL;
	size_t n = 0;

	while ((entry = fl_table_next_(table, entry))) {
		const struct fl_times *times = (const struct fl_times *)entry;

		if (fl_load_relaxed(&times->figures.acquires) != 0) /* not only released since counting began */
			copy_row(&rows[n++], times, alive);
	}
	return n;
}

int fl_times_print_(int fd, bool at_exit)
{
	struct fl_times_row *rows;
	size_t n, size;
	int error;

	fl_inner_acquire(&lock);
	n = living.n + ended.n;
	size = (n + 1) * sizeof(*rows);
	rows = fl_arena_take_(size);
	if (rows) {
		n = copy_table(rows, &living, true);
		n += copy_table(rows + n, &ended, false);
	}
	fl_inner_release(&lock);
	if (!rows)
		return -ENOMEM;
	error = at_exit && n == 0 ? 0 : fl_times_write_(fd, rows, n);
	fl_arena_give_(rows, size);
	return error;
}

/* The child counts from the fork on. */
void fl_times_after_fork_(void)
{
	lock.state = 0;
	memset(&living, 0, sizeof(living));
	memset(&ended, 0, sizeof(ended));
	fl_add_relaxed(&generation, 1);
}
