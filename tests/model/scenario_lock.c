/*
 * scenario_lock.c - Lock, RLock and many locks at once: one holder at a time, and nobody is left asleep,
 * whatever races with a release.
 *
 * Some things happen after hundreds of releases only; those scenarios begin with a lock that has had them already.
 */
#include "scenarios.h"

#include "sync/lock.h"
#include <errno.h>
#include <fairlead/lock.h>
#include <fairlead/note.h>
#include <fairlead/rlock.h>

struct objects {
	fl_lock lock, other;
	fl_rlock rlock;
	fl_note note;
	struct fl_inner inner;
	int counter; /* protected by the lock */
	int users;
	uint32_t given_up, handed_on;
};
static struct objects *o;

static void setup(void)
{
	o = model_objects(sizeof(*o));
	model_name(&o->lock);
	model_name(&o->other);
	model_name(&o->rlock);
	model_name(&o->note);
	model_name(&o->inner);
	model_name(&o->counter);
}

/* Nobody holds it, waits for it, or has left a mark that would keep the next release from waking somebody. */
static void check_free(const fl_lock *lock)
{
	model_assert(!fl_lock_locked(lock));
	model_assert((lock->fl_word & FL_LOCK_WAKING) == 0);
	model_assert_unwaited(lock);
}

static void check_all(int counted)
{
	model_assert(o->counter == counted);
	check_free(&o->lock);
	check_free(&o->other);
	check_free(&o->rlock.fl_inner);
	model_assert_unwaited(&o->note);
}

static void counted_2(void)
{
	check_all(2);
}

static void counted_3(void)
{
	check_all(3);
}

static void counted_4(void)
{
	check_all(4);
}

static void counted_but_given_up(void)
{
	check_all(3 - (int)o->given_up);
}

static void once(void)
{
	fl_lock_acquire(&o->lock);
	o->counter++;
	fl_lock_release(&o->lock);
}

static void twice(void)
{
	once();
	once();
}

/* Busy, and so often released without a waiter that it becomes quiet with the next release. */
static void setup_calm(void)
{
	setup();
	o->lock.fl_mode = 1;
	o->lock.fl_passed = 199;
}

/* Overtaken so often that from now on it is kept for those who wait. */
static void setup_overtaken(void)
{
	setup();
	o->lock.fl_mode = 1;
	o->lock.fl_passed = 250;
}

/* Another thread releases what this one has acquired. */

static void acquire_and_hand_on(void)
{
	fl_lock_acquire(&o->lock);
	o->counter++;
	fl_store_release(&o->handed_on, 1);
	once();
}

static void release_for_another(void)
{
	model_await_note(&o->handed_on, 1);
	model_assert(fl_load_acquire(&o->handed_on) == 1);
	o->counter++;
	fl_lock_release(&o->lock);
}

/* Giving up. */

static void once_if(int error, int refusal)
{
	if (error == 0) {
		o->counter++;
		fl_lock_release(&o->lock);
		return;
	}
	model_assert(error == refusal);
	model_count(&o->given_up);
}

static void until_soon(void)
{
	once_if(fl_lock_acquire_until(&o->lock, MODEL_SOON, NULL), -ETIMEDOUT);
}

static void unless_cancelled(void)
{
	once_if(fl_lock_acquire_until(&o->lock, FL_FOREVER, &o->note), -ECANCELED);
}

static void cancel(void)
{
	fl_note_cancel(&o->note);
}

static void counted_or_cancelled(void)
{
	check_all(2 - (int)o->given_up);
}

static void try_once(void)
{
	if (fl_lock_acquire_try(&o->lock))
		once_if(0, 0);
	else
		model_count(&o->given_up);
}

/* The last user frees what the lock lies in. */

static void setup_users(void)
{
	setup();
	o->users = 2;
}

static void use_and_free(void)
{
	bool was_last;

	fl_lock_acquire(&o->lock);
	was_last = --o->users == 0;
	fl_lock_release(&o->lock);
	if (was_last)
		model_free(&o->lock, sizeof(o->lock));
}

/* RLock. */

static void nested(void)
{
	fl_rlock_acquire(&o->rlock);
	o->counter++;
	fl_rlock_acquire(&o->rlock);
	model_assert(fl_rlock_count(&o->rlock) == 2);
	fl_rlock_release(&o->rlock);
	fl_rlock_release(&o->rlock);
}

/* Many locks. */

static void both(fl_lock *first, fl_lock *second)
{
	fl_lock *locks[] = {first, second};

	model_assert(fl_lock_all(2, locks, FL_FOREVER) == 0);
	o->counter++;
	fl_lock_all_release(2, locks);
}

static void one_then_other(void)
{
	both(&o->lock, &o->other);
}

static void other_then_one(void)
{
	both(&o->other, &o->lock);
}

/* The small lock of base. */

static void inner(void)
{
	fl_inner_acquire(&o->inner);
	o->counter++;
	fl_inner_release(&o->inner);
}

static void inner_twice(void)
{
	inner();
	inner();
}

const struct model_scenario model_lock_scenarios[] = {
	{"inner", "three threads and the small lock of base", .setup = setup, .threads = {inner, inner_twice, inner},
	 .finish = counted_4},
	{"lock", "two threads, two rounds", .setup = setup, .threads = {twice, twice}, .finish = counted_4,
	 .quick = true},
	{"lock-three", "three threads", .setup = setup, .threads = {once, once, once}, .finish = counted_3,
	 .quick = true},
	{"lock-atomic", "three threads, no quick release", .setup = setup, .threads = {once, once, once},
	 .finish = counted_3},
	{"lock-calm", "busy, about to become quiet", .setup = setup_calm, .threads = {twice, twice},
	 .finish = counted_4, .quick = true, .reaches = "sync/lock.c calm_down store &lock->fl_mode"},
	{"lock-spin", "spinning threads and sleeping ones", .setup = setup, .threads = {once, once, once},
	 .finish = counted_3, .quick = true, .spins = 1, .bound = 4},
	{"lock-overtaken", "kept for those who wait", .setup = setup_overtaken, .threads = {once, once, once},
	 .finish = counted_3, .quick = true, .bound = 4},
	{"lock-stray", "a sleep ends for nothing", .setup = setup, .threads = {twice, twice}, .finish = counted_4,
	 .quick = true, .stray = 1},
	{"lock-foreign", "released by a thread that does not hold it", .setup = setup,
	 .threads = {acquire_and_hand_on, release_for_another, once}, .finish = counted_4, .quick = true, .bound = 4},
	{"lock-until", "a deadline passes", .setup = setup, .threads = {once, once, until_soon},
	 .finish = counted_but_given_up, .quick = true, .bound = 3},
	{"lock-cancel", "a note is cancelled", .setup = setup, .threads = {once, unless_cancelled, cancel},
	 .finish = counted_or_cancelled, .quick = true},
	{"lock-try", "somebody tries", .setup = setup, .threads = {once, once, try_once},
	 .finish = counted_but_given_up, .quick = true, .bound = 4},
	{"lock-freed", "freed by its last user", .setup = setup_users, .threads = {use_and_free, use_and_free},
	 .quick = true},
	{"lock-spin-freed", "freed by its last user, spinning", .setup = setup_users,
	 .threads = {use_and_free, use_and_free}, .quick = true, .spins = 2},
	{"rlock", "re-entered", .setup = setup, .threads = {nested, nested}, .finish = counted_2, .quick = true},
	{"lock-all", "two locks named in both orders", .setup = setup, .threads = {one_then_other, other_then_one},
	 .finish = counted_2, .quick = true, .bound = 4, .deep_bound = 6},
	{0},
};
