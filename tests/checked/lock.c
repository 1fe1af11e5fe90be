/*
 * lock.c - scenarios of locks: one holder at a time, and nobody is left asleep.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/lock.h>
#include <fairlead/note.h>
#include <fairlead/once.h>
#include <fairlead/rlock.h>
#include <fairlead/rwlock.h>
#include <stdlib.h>

static fl_lock lock, other;
static fl_rlock rlock;
static fl_rwlock rwlock;
static fl_once once;
static int counter, second;

static void count(void)
{
	fl_lock_acquire(&lock);
	counter++;
	fl_lock_release(&lock);
}

static void count_twice(void)
{
	count();
	count();
}

static void lock_2(void *arg)
{
	(void)arg;
	together(count, count, NULL);
	assert(counter == 2);
	assert(!fl_lock_locked(&lock));
}

static void lock_3(void *arg)
{
	(void)arg;
	together(count_twice, count_twice, count_twice, NULL);
	assert(counter == 6);
	assert(!fl_lock_locked(&lock));
}

static void try(void)
{
	if (!fl_lock_acquire_try(&lock))
		return;
	counter++;
	second++;
	fl_lock_release(&lock);
}

static void lock_try(void *arg)
{
	(void)arg;
	together(count, try, NULL);
	assert(counter == 1 + second);
}

static void soon(void)
{
	if (fl_lock_acquire_until(&lock, fl_after(FL_MS(1)), NULL) == -ETIMEDOUT)
		return;
	counter++;
	second++;
	fl_lock_release(&lock);
}

static void lock_until(void *arg)
{
	(void)arg;
	together(count, soon, count, NULL);
	assert(counter == 2 + second);
}

static void both(void)
{
	fl_lock *locks[] = {&lock, &other};

	if (fl_lock_all(2, locks, FL_FOREVER) != 0)
		return;
	counter++;
	fl_lock_all_release(2, locks);
}

static void both_reversed(void)
{
	fl_lock *locks[] = {&other, &lock};

	if (fl_lock_all(2, locks, FL_FOREVER) != 0)
		return;
	counter++;
	fl_lock_all_release(2, locks);
}

static void lock_all(void *arg)
{
	(void)arg;
	together(both, both_reversed, NULL);
	assert(counter == 2);
}

static void nested(void)
{
	fl_rlock_acquire(&rlock);
	fl_rlock_acquire(&rlock);
	counter++;
	fl_rlock_release(&rlock);
	fl_rlock_release(&rlock);
}

static void rlock_2(void *arg)
{
	(void)arg;
	together(nested, nested, NULL);
	assert(counter == 2);
}

static void write(void)
{
	fl_rwlock_acquire_write(&rwlock);
	counter++;
	second++;
	fl_rwlock_release_write(&rwlock);
}

static void read(void)
{
	fl_rwlock_acquire_read(&rwlock);
	assert(counter == second);
	fl_rwlock_release_read(&rwlock);
}

static void rwlock_2(void *arg)
{
	(void)arg;
	together(write, read, NULL);
	assert(counter == 1);
}

static void rwlock_4(void *arg)
{
	(void)arg;
	together(write, read, write, read, NULL);
	assert(counter == 2);
}

static int make(void *arg)
{
	(void)arg;
	counter++;
	return 0;
}

static void call(void)
{
	assert(fl_once_call(&once, make, NULL) == 0);
	assert(counter == 1);
}

static void once_2(void *arg)
{
	(void)arg;
	together(call, call, NULL);
}

static void once_3(void *arg)
{
	(void)arg;
	together(call, call, call, NULL);
}

static fl_note note;

static void unless_cancelled(void)
{
	if (fl_lock_acquire_until(&lock, FL_FOREVER, &note) == -ECANCELED)
		return;
	counter++;
	second++;
	fl_lock_release(&lock);
}

static void cancel(void)
{
	fl_note_cancel(&note);
}

static void lock_cancel(void *arg)
{
	(void)arg;
	together(count, unless_cancelled, cancel, NULL);
	assert(counter == 1 + second);
}

/* Who is the last to use the object frees it, as soon as the lock lets it. */
struct shared {
	fl_lock lock;
	int users;
};
static struct shared *shared;

static void use_and_free(void)
{
	struct shared *mine = shared;
	int left;

	fl_lock_acquire(&mine->lock);
	left = --mine->users;
	fl_lock_release(&mine->lock);
	if (left == 0)
		free(mine);
}

static void lock_freed(void *arg)
{
	(void)arg;
	shared = calloc(1, sizeof(*shared));
	shared->users = 2;
	together(use_and_free, use_and_free, NULL);
}

static void write_soon(void)
{
	if (fl_rwlock_acquire_write_until(&rwlock, fl_after(FL_MS(1)), NULL) != 0)
		return;
	counter++;
	second++;
	fl_rwlock_release_write(&rwlock);
}

static void rwlock_until(void *arg)
{
	(void)arg;
	together(write_soon, read, write, NULL);
	assert(counter == second);
}

static void write_then_read(void)
{
	fl_rwlock_acquire_write(&rwlock);
	counter++;
	second++;
	assert(fl_rwlock_downgrade(&rwlock) == 0);
	assert(counter == second);
	fl_rwlock_release_read(&rwlock);
}

static void rwlock_downgrade(void *arg)
{
	(void)arg;
	together(write_then_read, read, write, NULL);
	assert(counter == 2);
}

static void rwlock_readers(void *arg)
{
	(void)arg;
	together(read, read, write, NULL);
	assert(counter == 1);
}

static void read_try(void)
{
	if (!fl_rwlock_acquire_read_try(&rwlock))
		return;
	assert(counter == second);
	fl_rwlock_release_read(&rwlock);
}

static void write_try(void)
{
	if (!fl_rwlock_acquire_write_try(&rwlock))
		return;
	counter++;
	second++;
	fl_rwlock_release_write(&rwlock);
}

static void rwlock_try(void *arg)
{
	(void)arg;
	together(write, read_try, write_try, NULL);
	assert(counter == second);
}

static int fail_first(void *arg)
{
	(void)arg;
	return ++counter == 1 ? -EIO : 0;
}

static void call_failing(void)
{
	if (fl_once_call(&once, fail_first, NULL) != 0)
		return;
	assert(counter == 2);
}

static void once_failing(void *arg)
{
	(void)arg;
	together(call_failing, call_failing, NULL);
	assert(counter == 2);
}

static void call_soon(void)
{
	if (fl_once_call_until(&once, make, NULL, fl_after(FL_MS(1)), NULL) == 0)
		assert(counter == 1);
}

static void look_once(void)
{
	if (fl_once_done(&once))
		assert(counter == 1);
}

static void once_until(void *arg)
{
	(void)arg;
	together(call, call_soon, look_once, NULL);
	assert(counter == 1);
}

/* Who gives up may take back that somebody waits while another releases. */
static void rwlock_left(void *arg)
{
	(void)arg;
	together(write, write_soon, write, NULL);
	assert(counter == second);
}

const struct scenario lock_scenarios[] = {
	{"lock-2", "two count once each", lock_2, 3},
	{"lock-3", "three count twice each", lock_3, MANY},
	{"lock-try", "one tries", lock_try, 3},
	{"lock-until", "one gives up", lock_until, MANY},
	{"lock-all", "two locks in both orders", lock_all, 1},
	{"rlock-2", "acquired twice by each", rlock_2, 2},
	{"rwlock-2", "a writer and a reader", rwlock_2, 2},
	{"rwlock-4", "two writers and two readers", rwlock_4, MANY},
	{"once-2", "two come at once", once_2, 2},
	{"once-3", "three do", once_3, MANY},
	{"lock-cancel", "one is cancelled", lock_cancel, MANY},
	{"lock-freed", "who uses it last frees it", lock_freed, 3},
	{"rwlock-until", "a writer gives up", rwlock_until, MANY},
	{"rwlock-downgrade", "a writer becomes a reader", rwlock_downgrade, MANY},
	{"rwlock-readers", "two readers and a writer", rwlock_readers, MANY},
	{"rwlock-try", "two try", rwlock_try, MANY},
	{"once-failing", "the first call fails", once_failing, 3},
	{"once-until", "one gives up, one only looks", once_until, MANY},
	{"rwlock-left", "a writer gives up while another releases", rwlock_left, 1},
	{0},
};
