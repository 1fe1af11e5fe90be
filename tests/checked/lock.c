/*
 * lock.c - scenarios of locks: one holder at a time, and nobody is left asleep.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/lock.h>
#include <fairlead/once.h>
#include <fairlead/rlock.h>
#include <fairlead/rwlock.h>

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
	{0},
};
