/*
 * scenario_condition.c - Condition: no notify is lost, none is stolen, and n of them end n waits.
 */
#include "scenarios.h"

#include "base/park.h"
#include <errno.h>
#include <fairlead/condition.h>
#include <fairlead/note.h>

struct objects {
	fl_condition condition;
	fl_note note;
	bool ready; /* protected by the condition's lock */
	uint32_t waits, notified, timed_out, cancelled;
	fl_lock locks[4096]; /* one of them is the condition's */
};
static struct objects *o;
static fl_lock *lock;

static void name_objects(void)
{
	model_name(&o->condition);
	model_name(&o->note);
	model_name(&o->ready);
	model_name(lock);
}

/* Over an RLock of its own. */
static void setup(void)
{
	o = model_objects(sizeof(*o));
	lock = &o->condition.fl_own.fl_inner;
	name_objects();
}

static void setup_over_lock(void)
{
	o = model_objects(sizeof(*o));
	lock = &o->locks[0];
	o->condition.fl_lock_ = lock;
	name_objects();
}

static struct fl_bucket *bucket_of(const void *key)
{
	struct fl_bucket *bucket = fl_park_lock_(key);

	fl_park_unlock_(bucket);
	return bucket;
}

/* Condition and lock share a bucket, so a notify has one bucket to lock instead of two. */
static void setup_in_one_bucket(void)
{
	setup_over_lock();
	while (bucket_of(lock) != bucket_of(&o->condition))
		lock++;
	o->condition.fl_lock_ = lock;
	name_objects();
}

static void check_idle(void)
{
	model_assert_unwaited(&o->condition);
	model_assert_unwaited(lock);
	model_assert_unwaited(&o->note);
	model_assert(!fl_lock_locked(lock));
	model_assert(o->condition.fl_waiters == 0);
}

static void wait_until_ready(void)
{
	fl_condition_acquire(&o->condition);
	while (!o->ready)
		fl_condition_wait(&o->condition);
	fl_condition_release(&o->condition);
}

static void nested_wait(void)
{
	fl_condition_acquire(&o->condition);
	fl_rlock_acquire(&o->condition.fl_own);
	while (!o->ready)
		fl_condition_wait(&o->condition);
	model_assert(fl_rlock_count(&o->condition.fl_own) == 2);
	fl_rlock_release(&o->condition.fl_own);
	fl_condition_release(&o->condition);
}

static void make_ready(uint32_t n)
{
	fl_condition_acquire(&o->condition);
	o->ready = true;
	fl_condition_notify(&o->condition, n);
	fl_condition_release(&o->condition);
}

static void make_ready_for_one(void)
{
	make_ready(1);
}

static void make_ready_for_all(void)
{
	make_ready(UINT32_MAX);
}

/* Two that wait are notified at once, and woken together; others want the lock meanwhile. */

static void make_ready_for_both(void)
{
	model_await_asleep(0);
	model_await_asleep(1);
	make_ready_for_all();
}

static void pass_through(void)
{
	fl_condition_acquire(&o->condition);
	fl_condition_release(&o->condition);
}

static void make_ready_and_come_back(void)
{
	make_ready_for_both();
	pass_through();
}

static void pass_through_late(void)
{
	model_await_asleep(0);
	model_await_asleep(1);
	pass_through();
}

/* Counting what waits come to, without a predicate. */

static void wait_and_count(fl_time deadline, fl_note *note)
{
	int error;

	fl_condition_acquire(&o->condition);
	error = fl_condition_wait_until(&o->condition, deadline, note);
	fl_condition_release(&o->condition);
	if (error == 0)
		model_count(&o->waits);
	else if (error == -ETIMEDOUT)
		model_count(&o->timed_out);
	else if (error == -ECANCELED)
		model_count(&o->cancelled);
}

static void wait_until_soon(void)
{
	wait_and_count(MODEL_SOON, NULL);
}

static void wait_with_note(void)
{
	wait_and_count(FL_FOREVER, &o->note);
}

static void cancel(void)
{
	fl_note_cancel(&o->note);
}

static void notify_one(void)
{
	fl_condition_acquire(&o->condition);
	if (fl_condition_notify(&o->condition, 1) == 1)
		model_count(&o->notified);
	fl_condition_release(&o->condition);
}

static void each_notify_ended_a_wait(void)
{
	check_idle();
	model_assert(o->waits == o->notified);
	model_assert(o->waits + o->timed_out == 2);
}

static void notified_or_cancelled(void)
{
	check_idle();
	model_assert(o->waits == o->notified);
	model_assert(o->waits + o->cancelled == 1);
}

/* The first to wait gets the notify; who comes later does not, though it could run earlier. */

static void wait_first(void)
{
	fl_condition_acquire(&o->condition);
	model_assert(fl_condition_wait(&o->condition) == 0);
	fl_condition_release(&o->condition);
}

static void wait_late(void)
{
	model_await_asleep(0);
	wait_until_soon();
}

static void notify_first(void)
{
	model_await_asleep(0);
	notify_one();
}

/* Waits itself right after, in the same hold of the lock. */
static void notify_and_wait(void)
{
	int error;

	model_await_asleep(0);
	fl_condition_acquire(&o->condition);
	model_assert(fl_condition_notify(&o->condition, 1) == 1);
	error = fl_condition_wait_until(&o->condition, MODEL_SOON, NULL);
	model_assert(error == -ETIMEDOUT);
	fl_condition_release(&o->condition);
}

static void late_one_timed_out(void)
{
	check_idle();
	model_assert(o->notified == 1);
	model_assert(o->timed_out == 1);
}

const struct model_scenario model_condition_scenarios[] = {
	{"condition", "one waits, one notifies", .setup = setup, .threads = {wait_until_ready, make_ready_for_one},
	 .finish = check_idle, .quick = true},
	{"condition-lock", "one waits, one notifies, over a Lock", .setup = setup_over_lock,
	 .threads = {wait_until_ready, make_ready_for_one}, .finish = check_idle, .quick = true},
	{"condition-bucket", "condition and lock in one bucket", .setup = setup_in_one_bucket,
	 .threads = {wait_until_ready, make_ready_for_one}, .finish = check_idle, .quick = true},
	{"condition-nested", "over an RLock held twice", .setup = setup, .threads = {nested_wait, make_ready_for_one},
	 .finish = check_idle, .quick = true},
	{"condition-all", "two wait, notify_all", .setup = setup_over_lock,
	 .threads = {wait_until_ready, wait_until_ready, make_ready_for_all}, .finish = check_idle, .quick = true,
	 .bound = 3, .deep_bound = 5},
	{"condition-back", "two are notified, the notifier comes back to the lock", .setup = setup_over_lock,
	 .threads = {wait_until_ready, wait_until_ready, make_ready_and_come_back}, .finish = check_idle, .quick = true,
	 .bound = 3, .deep_bound = 5},
	{"condition-queue", "two are notified, a fourth thread wants the lock", .setup = setup_over_lock,
	 .threads = {wait_until_ready, wait_until_ready, make_ready_for_both, pass_through_late}, .finish = check_idle,
	 .quick = true, .bound = 3, .deep_bound = 4},
	{"condition-until", "two wait, deadlines race with a notify", .setup = setup_over_lock,
	 .threads = {wait_until_soon, wait_until_soon, notify_one}, .finish = each_notify_ended_a_wait, .quick = true,
	 .bound = 2, .deep_bound = 3},
	{"condition-late", "who waits later does not get it", .setup = setup_over_lock,
	 .threads = {wait_first, wait_late, notify_first}, .finish = late_one_timed_out, .quick = true},
	{"condition-then-wait", "who notifies and then waits does not get it", .setup = setup_over_lock,
	 .threads = {wait_first, notify_and_wait}, .finish = check_idle, .quick = true},
	{"condition-cancel", "a note is cancelled while a notify comes", .setup = setup_over_lock,
	 .threads = {wait_with_note, notify_one, cancel}, .finish = notified_or_cancelled, .quick = true, .bound = 3},
	{0},
};
