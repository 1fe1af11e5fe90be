/*
 * sync/deadlock.c - who waits for whom, and whether it is a circle.
 *
 * A thread that is about to wait for ever for a lock says so in its `waits`, and then walks: to those who hold that
 * lock, to what these wait for, and so on. If the walk comes back to the thread itself, none of them will ever go on.
 * Every circle is closed by the last of its threads to begin waiting, and that one finds it, since marks and walks
 * are made under one inner lock.
 *
 * Who holds a lock, the lock itself knows (the holder of an fl_lock or fl_rlock, the writer of an fl_rwlock); who
 * reads an fl_rwlock is found on the stacks of the threads that are marked as waiting: other readers are running, and
 * the walk would end with them. A thread that waits to read while others read waits for them only if a writer that
 * waits for ever is before it in the queue.
 *
 * A wait that has a deadline or a note ends one day, and what is behind it goes on: it is not marked, and no walk
 * passes through it.
 *
 * Marks are set and cleared under the lock, with two exceptions, which are made under a bucket's lock and must not
 * block:
 * - A notify moves a thread from a condition to its lock, and marks it. That closes no circle: the notifier holds the
 *   lock and runs.
 * - An fl_rwlock is given to a thread in its queue, and the mark is cleared at once: the thread may be asleep for a
 *   while still, and a walk would take it for one that waits. (An fl_lock is not given: a thread that is woken takes
 *   it. If it has taken it and not yet said so, the walk finds that it waits for itself, and ends there.)
 *
 * Invariants:
 *   [D1] From its mark to the end of its wait a thread's stack does not change: fl_deadlock_end_ takes the lock.
 *   [D2] Nothing is reported under the lock, and a thread that reports is not marked.
 *
 * The order of locks: `lock`, then a bucket's. It is never the other way round.
 *
 * What is not a deadlock here: to wait for a lock whose holder has ended. Any thread may release an fl_lock, so
 * somebody still may. A thread that waits for an fl_lock which it holds itself is reported nevertheless, since hardly
 * anybody means that.
 */
#include "sync/deadlock.h"

#include "base/inner.h"
#include "base/park.h"
#include "base/report.h"
#include "sync/arena.h"
#include "sync/describe.h"
#include "sync/lock.h"
#include <errno.h>
#include <fairlead/rwlock.h>

#define TEXT_SIZE 6144

/* One thread of a circle: what it waits for, and where it acquired what the one before it waits for. */
struct step {
	uint32_t number;
	uintptr_t waits;
	const void *waits_site;
	bool on_stack; /* `holds` and its site are known */
	uintptr_t holds;
	const void *holds_site;
};

struct circle {
	uint32_t n;
	struct step steps[];
};

/* A walk, breadth first, so that it finds the shortest circle. */
struct walk {
	struct fl_check_thread *me;
	struct fl_check_thread *last; /* of the queue */
	struct fl_check_thread *from; /* whose holders are looked at */
	const void *lock;             /* what it waits for */
	bool closed;                  /* one of them is `me` */
};

static struct fl_inner lock;
static uint64_t n_walks;

static uintptr_t waits_of(const struct fl_check_thread *thread)
{
	/* [deadlock.2] acquire; pairs with [deadlock.1] */
	return fl_load_acquire(&thread->waits);
}

static void mark(struct fl_check_thread *thread, uintptr_t key, const void *site)
{
	fl_store_relaxed(&thread->waits_site, site);
	/* [deadlock.1] release; pairs with [deadlock.2] */
	fl_store_release(&thread->waits, key);
}

/* Which of held[] is this lock; the last one, 0 for none. */
static uint32_t find_held(const struct fl_check_thread *thread, const void *address)
{
	uint32_t i = thread->n;

	while (i > 0 && fl_key_lock(thread->held[i].key) != address)
		i--;
	return i;
}

/* The walk has come to a thread that holds walk->lock. */
static void reach(struct walk *walk, struct fl_check_thread *thread)
{
	if (thread == walk->me)
		walk->closed = true;
	else if (thread->walk == n_walks || waits_of(thread) == 0)
		return;
	thread->reached_from = walk->from;
	thread->hold = find_held(thread, walk->lock);
	thread->walk = n_walks;
	thread->next = NULL;
	if (walk->closed)
		return;
	walk->last->next = thread;
	walk->last = thread;
}

static void reach_number(struct walk *walk, uint32_t number)
{
	struct fl_check_thread *thread = fl_held_of_(number);

	if (thread)
		reach(walk, thread);
}

/* Whether a writer that waits for ever is in the queue before the thread, which may not be in it yet. */
static bool behind_writer(const struct fl_check_thread *thread, const fl_rwlock *rwlock)
{
	struct fl_bucket *bucket = fl_park_lock_(rwlock);
	struct fl_waiter *waiter = fl_park_first_(bucket, rwlock);
	bool found = false;

	for (; waiter && !found && waiter->number != thread->number; waiter = waiter->next)
		if (waiter->kind == FL_KIND_WRITE) {
			struct fl_check_thread *writer = fl_held_of_(waiter->number);

			found = writer && waits_of(writer) == fl_key(rwlock, FL_KIND_WRITE);
		}
	fl_park_unlock_(bucket);
	return found;
}

/* Those who read: the caller, and whoever waits. */
static void reach_readers(struct walk *walk)
{
	struct fl_record *record;
	uint32_t slot;

	for (slot = 1; !walk->closed && (record = fl_self_slot_(slot)); slot++) {
		struct fl_check_thread *thread = fl_held_of_(fl_load_relaxed(&record->number));

		if (thread && waits_of(thread) != 0 && find_held(thread, walk->lock) != 0)
			reach(walk, thread);
	}
}

static void reach_holders_of_rwlock(struct walk *walk, enum fl_lock_kind kind)
{
	const fl_rwlock *rwlock = walk->lock;
	int readers = fl_rwlock_readers(rwlock);

	if (readers < 0)
		reach_number(walk, fl_load_relaxed(&rwlock->fl_writer));
	else if (readers > 0 && (kind == FL_KIND_WRITE || behind_writer(walk->from, rwlock)))
		reach_readers(walk);
}

static void reach_holders(struct walk *walk)
{
	uintptr_t key = waits_of(walk->from);
	enum fl_lock_kind kind = fl_key_kind(key);

	walk->lock = fl_key_lock(key);
	if (key == 0)
		return;
	if (kind == FL_KIND_LOCK || kind == FL_KIND_RLOCK)
		reach_number(walk, fl_lock_holder(walk->lock));
	else
		reach_holders_of_rwlock(walk, kind);
}

/* Returns whether `me` waits for itself, directly or through others. */
static bool find_circle(struct fl_check_thread *me)
{
	struct walk walk = {.me = me, .last = me, .from = me};

	n_walks++;
	me->walk = n_walks;
	me->next = NULL;
	for (; walk.from && !walk.closed; walk.from = walk.from->next)
		reach_holders(&walk);
	return walk.closed;
}

static size_t size_of_circle(uint32_t n)
{
	return sizeof(struct circle) + n * sizeof(struct step);
}

static struct step step_of(const struct fl_check_thread *thread)
{
	const struct fl_held *held = &thread->held[thread->hold];

	return (struct step){
		.number = thread->number,
		.waits = waits_of(thread),
		.waits_site = fl_load_relaxed(&thread->waits_site),
		.on_stack = thread->hold != 0,
		.holds = held->key,
		.holds_site = held->site,
	};
}

/* Copies what a walk has found: `me` first, then whom it waits for. NULL if there is no memory. */
static struct circle *copy_circle(const struct fl_check_thread *me)
{
	const struct fl_check_thread *thread;
	struct circle *circle;
	uint32_t n = 1, i;

	for (thread = me->reached_from; thread != me; thread = thread->reached_from)
		n++;
	circle = fl_arena_take_(size_of_circle(n));
	if (!circle)
		return NULL;
	circle->n = n;
	circle->steps[0] = step_of(me);
	for (thread = me->reached_from, i = n - 1; thread != me; thread = thread->reached_from, i--)
		circle->steps[i] = step_of(thread);
	return circle;
}

/* Reporting. */

static void describe_holder(struct fl_text *text, const struct step *step)
{
	char name[64];

	fl_report_thread_(step->number, name, sizeof(name));
	fl_text_add_(text, "    which %s holds", name);
	if (step->on_stack) {
		fl_text_add_(text, ", acquired at ");
		fl_text_site_(text, step->holds_site);
	}
	if (step->on_stack && fl_key_kind(step->holds) == FL_KIND_READ)
		fl_text_add_(text, " (read side)");
	fl_text_add_(text, "\n");
}

static void describe_step(struct fl_text *text, const struct step *step, const struct step *holder)
{
	char name[64];

	fl_report_thread_(step->number, name, sizeof(name));
	fl_text_add_(text, "  %s waits for ", name);
	fl_text_lock_(text, fl_key_lock(step->waits), fl_key_kind(step->waits));
	fl_text_add_(text, " at ");
	fl_text_site_(text, step->waits_site);
	fl_text_add_(text, "\n");
	describe_holder(text, holder);
}

/* `circle` is NULL if there was no memory for it. Its memory is given back first: the hook need not return. */
static void report(uintptr_t key, struct circle *circle)
{
	char more[TEXT_SIZE] = "  (there is no memory to say more)\n";
	struct fl_text text = {more, sizeof(more)};
	uint32_t i, n = circle ? circle->n : 0;

	for (i = 0; i < n; i++)
		describe_step(&text, &circle->steps[i], &circle->steps[(i + 1) % n]);
	if (n > 0)
		fl_text_missed_(&text);
	fl_arena_give_(circle, size_of_circle(n));
	if (n == 1)
		fl_report_(FL_REPORT_DEADLOCK, fl_kind_name_(fl_key_kind(key)), fl_key_lock(key), more,
			   "waited for by the thread that holds it: that would never end");
	else
		fl_report_(FL_REPORT_DEADLOCK, fl_kind_name_(fl_key_kind(key)), fl_key_lock(key), more,
			   "waiting for it would never end: threads wait for each other");
}

int fl_deadlock_begin_(struct fl_check_thread *me, uintptr_t key, const void *site)
{
	struct circle *circle = NULL;
	bool found;

	fl_inner_acquire(&lock);
	mark(me, key, site);
	found = find_circle(me);
	if (found) {
		circle = copy_circle(me);
		fl_store_relaxed(&me->waits, 0);
	}
	fl_inner_release(&lock);
	if (!found)
		return 0;
	if (fl_held_report_begin_(me)) {
		report(key, circle);
		fl_held_report_end_(me);
	} else if (circle) {
		fl_arena_give_(circle, size_of_circle(circle->n));
	}
	return -EDEADLK;
}

void fl_deadlock_end_(struct fl_check_thread *me)
{
	fl_inner_acquire(&lock);
	fl_store_relaxed(&me->waits, 0);
	fl_inner_release(&lock);
}

void fl_deadlock_moved_(uint32_t number, uintptr_t key)
{
	struct fl_check_thread *thread = fl_held_of_(number);

	if (thread)
		mark(thread, key, thread->return_site);
}

void fl_deadlock_given_(uint32_t number)
{
	struct fl_check_thread *thread = fl_held_of_(number);

	if (thread)
		fl_store_relaxed(&thread->waits, 0);
}

void fl_deadlock_after_fork_(void)
{
	lock.state = 0;
}
