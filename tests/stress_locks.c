/*
 * stress_locks.c - stress for what excludes: lock, rlock, rwlock, many locks at once.
 *
 * What is protected is plain memory, so that a second holder shows: as a wrong owner, as a lost count, and to
 * ThreadSanitizer as a race.
 */
#define _GNU_SOURCE
#include "stress.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

/* ---- what is protected ---- */

static struct {
	unsigned owner; /* index + 1 */
	uint64_t count;
} guarded;

static void enter(struct stress_worker *worker)
{
	stress_check(guarded.owner == 0, "thread %u is inside with thread %u", worker->index, guarded.owner - 1);
	guarded.owner = worker->index + 1;
	guarded.count++;
	stress_dwell(worker);
}

static void leave(struct stress_worker *worker)
{
	stress_check(guarded.owner == worker->index + 1, "thread %u came in", guarded.owner - 1);
	guarded.owner = 0;
}

/* ---- lock ---- */

static fl_lock lock;
static int to_release;              /* the lock is held by nobody's wish: who sees this releases it */
static unsigned n_left, n_released; /* how often it was left to another, and released because of that */

static void set_up_lock(unsigned threads, uint64_t rounds)
{
	(void)threads;
	(void)rounds;
	memset(&guarded, 0, sizeof(guarded));
	fl_lock_init(&lock, NULL);
}

static void release_for_another(void)
{
	if (!__atomic_exchange_n(&to_release, 0, __ATOMIC_ACQUIRE))
		return;
	fl_lock_release(&lock);
	__atomic_fetch_add(&n_released, 1, __ATOMIC_RELEASE);
}

/* Leaves the release to whoever comes first. */
static void leave_to_another(void)
{
	unsigned mine = ++n_left;

	__atomic_store_n(&to_release, 1, __ATOMIC_RELEASE);
	if (!(fl_check_enabled() & FL_CHECK_ORDER))
		return;
	/* A thread that waits for what it holds would be reported. */
	sched_yield();
	release_for_another();
	while ((int)(__atomic_load_n(&n_released, __ATOMIC_ACQUIRE) - mine) < 0)
		sched_yield();
}

static int acquire_lock(struct stress_way way)
{
	if (way.deadline == FL_FOREVER && !way.note)
		return fl_lock_acquire(&lock);
	if (way.deadline == 0)
		return fl_lock_acquire_try(&lock) ? 0 : -ETIMEDOUT;
	return fl_lock_acquire_until(&lock, way.deadline, way.note);
}

static void work_at_lock(struct stress_worker *worker)
{
	uint64_t i;

	for (i = 0; i < worker->rounds; i++) {
		struct stress_way way = stress_way(worker);

		stress_round(worker);
		release_for_another();
		stress_calls(worker, "fl_lock_acquire", &lock);
		if (!stress_ended(worker, way, acquire_lock(way)))
			continue;
		enter(worker);
		leave(worker);
		if (stress_random(worker, 64) == 0)
			leave_to_another();
		else
			fl_lock_release(&lock);
	}
	release_for_another();
}

static void check_lock(uint64_t had)
{
	stress_check(guarded.count == had, "%llu were inside", (unsigned long long)guarded.count);
	stress_check(!fl_lock_locked(&lock), "still held");
	fl_lock_destroy(&lock);
}

/* ---- rlock ---- */

static fl_rlock rlock;

static void set_up_rlock(unsigned threads, uint64_t rounds)
{
	(void)threads;
	(void)rounds;
	memset(&guarded, 0, sizeof(guarded));
	fl_rlock_init(&rlock, NULL);
}

static void nest(struct stress_worker *worker, unsigned depth)
{
	unsigned i;

	for (i = 0; i < depth; i++)
		stress_check((i % 2 ? fl_rlock_acquire(&rlock) : fl_rlock_acquire_until(&rlock, 0, &worker->note)) == 0,
			     "the owner was refused");
	stress_check(fl_rlock_count(&rlock) == depth + 1, "holds it %u times, not %u", fl_rlock_count(&rlock),
		     depth + 1);
	for (i = 0; i < depth; i++)
		fl_rlock_release(&rlock);
	stress_check(guarded.owner == worker->index + 1, "released too early");
}

/* Lets others in, and comes back as deep as before. */
static void step_out(struct stress_worker *worker)
{
	uint32_t count;

	fl_rlock_acquire(&rlock);
	guarded.owner = 0;
	count = fl_rlock_release_all(&rlock);
	stress_check(count == 2, "held it %u times", count);
	stress_calls(worker, "fl_rlock_restore", &rlock);
	stress_check(fl_rlock_restore(&rlock, count) == 0, "not restored");
	stress_check(guarded.owner == 0, "restored while another owns it");
	guarded.owner = worker->index + 1;
	fl_rlock_release(&rlock);
}

static void work_at_rlock(struct stress_worker *worker)
{
	uint64_t i;

	for (i = 0; i < worker->rounds; i++) {
		struct stress_way way = stress_way(worker);

		stress_round(worker);
		stress_check(fl_rlock_count(&rlock) == 0, "holds what it released");
		stress_calls(worker, "fl_rlock_acquire", &rlock);
		if (!stress_ended(worker, way, fl_rlock_acquire_until(&rlock, way.deadline, way.note)))
			continue;
		enter(worker);
		nest(worker, stress_random(worker, 4));
		if (stress_random(worker, 32) == 0)
			step_out(worker);
		leave(worker);
		fl_rlock_release(&rlock);
	}
}

static void check_rlock(uint64_t had)
{
	stress_check(guarded.count == had, "%llu were inside", (unsigned long long)guarded.count);
	stress_check(!fl_rlock_locked(&rlock), "still held");
	fl_rlock_destroy(&rlock);
}

/* ---- rwlock ---- */

static fl_rwlock rwlock;
static struct {
	uint64_t first, second; /* always the same, to a reader */
	int readers, writers;
} table;

static void set_up_rwlock(unsigned threads, uint64_t rounds)
{
	(void)threads;
	(void)rounds;
	memset(&table, 0, sizeof(table));
	fl_rwlock_init(&rwlock, NULL);
}

static void look(struct stress_worker *worker)
{
	uint64_t first = table.first;

	stress_add(&table.readers, 1);
	stress_check(stress_load(&table.writers) == 0, "a writer is inside with a reader");
	stress_dwell(worker);
	stress_check(first == table.second, "half of a change was seen");
	stress_check(fl_rwlock_acquire_write_until(&rwlock, FL_FOREVER, NULL) == -EDEADLK, "upgraded");
	if (stress_random(worker, 8) == 0) {
		stress_check(fl_rwlock_acquire_read(&rwlock) == 0, "a reader was refused");
		fl_rwlock_release_read(&rwlock);
	}
	stress_add(&table.readers, -1);
}

static void change(struct stress_worker *worker)
{
	stress_check(stress_add(&table.writers, 1) == 1, "two writers are inside");
	stress_check(stress_load(&table.readers) == 0, "a reader is inside with a writer");
	table.first++;
	stress_dwell(worker);
	table.second++;
	stress_add(&table.writers, -1);
}

static void read_table(struct stress_worker *worker, struct stress_way way)
{
	stress_calls(worker, "fl_rwlock_acquire_read", &rwlock);
	if (!stress_ended(worker, way, fl_rwlock_acquire_read_until(&rwlock, way.deadline, way.note)))
		return;
	look(worker);
	fl_rwlock_release_read(&rwlock);
}

static void write_table(struct stress_worker *worker, struct stress_way way)
{
	stress_calls(worker, "fl_rwlock_acquire_write", &rwlock);
	if (!stress_ended(worker, way, fl_rwlock_acquire_write_until(&rwlock, way.deadline, way.note)))
		return;
	change(worker);
	if (stress_random(worker, 4) == 0) {
		stress_check(fl_rwlock_downgrade(&rwlock) == 0, "not turned into a read side");
		look(worker);
		fl_rwlock_release_read(&rwlock);
	} else {
		fl_rwlock_release_write(&rwlock);
	}
}

static void work_at_rwlock(struct stress_worker *worker)
{
	uint64_t i;

	for (i = 0; i < worker->rounds; i++) {
		stress_round(worker);
		if (stress_random(worker, 4) == 0)
			write_table(worker, stress_way(worker));
		else
			read_table(worker, stress_way(worker));
	}
}

static void check_rwlock(uint64_t had)
{
	stress_check(table.first == table.second && table.first <= had, "changes were lost");
	stress_check(fl_rwlock_readers(&rwlock) == 0, "still held");
	fl_rwlock_destroy(&rwlock);
}

/* ---- lock_all: philosophers, some of whom need more than two forks ---- */

enum { MOST_AT_ONCE = 4 };
static fl_lock forks[STRESS_MOST_THREADS + 3];
static unsigned fork_owners[STRESS_MOST_THREADS + 3], n_forks;

static void set_up_forks(unsigned threads, uint64_t rounds)
{
	unsigned i;

	(void)rounds;
	n_forks = threads + 3;
	for (i = 0; i < n_forks; i++)
		fl_lock_init(&forks[i], NULL);
	memset(fork_owners, 0, sizeof(fork_owners));
}

/* Chooses forks that lie near each other, so that philosophers meet, in any order. */
static unsigned choose(struct stress_worker *worker, fl_lock **ret_forks)
{
	unsigned n = 1 + stress_random(worker, MOST_AT_ONCE), first = stress_random(worker, n_forks), i, j;

	for (i = 0; i < n; i++) {
		j = stress_random(worker, i + 1);
		ret_forks[i] = ret_forks[j];
		ret_forks[j] = &forks[(first + i) % n_forks];
	}
	return n;
}

static void eat(struct stress_worker *worker, unsigned n, fl_lock **chosen)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		unsigned *owner = &fork_owners[chosen[i] - forks];

		stress_check(*owner == 0, "thread %u has a fork of thread %u", worker->index, *owner - 1);
		*owner = worker->index + 1;
	}
	stress_dwell(worker);
	for (i = 0; i < n; i++)
		fork_owners[chosen[i] - forks] = 0;
}

static void work_at_forks(struct stress_worker *worker)
{
	fl_lock *chosen[MOST_AT_ONCE] = {NULL};
	uint64_t i;
	unsigned n;

	for (i = 0; i < worker->rounds; i++) {
		struct stress_way way = stress_way(worker);

		stress_round(worker);
		n = choose(worker, chosen);
		stress_calls(worker, "fl_lock_all", chosen[0]);
		if (!stress_ended(worker, way, fl_lock_all(n, chosen, way.deadline)))
			continue;
		eat(worker, n, chosen);
		fl_lock_all_release(n, chosen);
	}
}

static void check_forks(uint64_t had)
{
	unsigned i;

	(void)had;
	for (i = 0; i < n_forks; i++) {
		stress_check(!fl_lock_locked(&forks[i]), "fork %u is still held", i);
		fl_lock_destroy(&forks[i]);
	}
}

const struct stress_kind stress_locks[] = {
	{"lock", set_up_lock, work_at_lock, check_lock, false},
	{"rlock", set_up_rlock, work_at_rlock, check_rlock, false},
	{"rwlock", set_up_rwlock, work_at_rwlock, check_rwlock, false},
	{"lock_all", set_up_forks, work_at_forks, check_forks, false},
	{0},
};
