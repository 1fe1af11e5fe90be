/*
 * sync/condition.c - Condition: a queue of threads that a notify moves to the lock.
 *
 * A notified thread could do nothing before the notifier releases the lock; so it is not woken, but moved from the
 * condition's queue to the lock's, and the releases wake one or two of them.
 * (Wait morphing: nsync, Abseil; in kernels, futex requeue.) Both queues are in the bucket of the lock
 * (base/park.h), and the move is one step under its lock.
 *
 * fl_waiters   the length of the queue, changed under the bucket's lock; lets a notify without waiters return at once
 *              [C2]
 * fl_lock_, fl_rlock_   the lock it is tied to; both NULL: fl_own
 *
 * Invariants:
 *   [C1] A thread enters the queue while it holds the lock, before it releases it: a notify, which needs the lock,
 *        comes either before (and the thread has seen what it was about) or finds the thread in the queue. No wake-up
 *        is lost.
 *   [C2] fl_waiters is raised by a thread that holds the lock, before it releases it: a notifier that holds the lock
 *        sees no less than the truth, though perhaps more, where a waiter is just giving up.
 *   [C3] A notify moves those that are in the queue when it looks, first come first, and what is not in the queue
 *        then never benefits. A waiter whose deadline passes is either still in the queue and takes itself out, or
 *        was notified: then the notify was its, and it returns 0.
 *
 * One that processes share has its own file, condition_shared.c.
 */
#include <fairlead/condition.h>

#include "base/name.h"
#include "base/report.h"
#include "sync/condition_shared.h"
#include "sync/lock.h"
#include "sync/wait.h"
#include <errno.h>
#include <string.h>

static fl_rlock *rlock_of(fl_condition *condition)
{
	if (condition->fl_lock_)
		return NULL;
	return condition->fl_rlock_ ? condition->fl_rlock_ : &condition->fl_own;
}

static fl_lock *lock_of(fl_condition *condition)
{
	return condition->fl_lock_ ? condition->fl_lock_ : &rlock_of(condition)->fl_inner;
}

static enum fl_lock_kind kind_of(const fl_condition *condition)
{
	return condition->fl_lock_ ? FL_KIND_LOCK : FL_KIND_RLOCK;
}

void fl_condition_init(fl_condition *condition, const char *name)
{
	memset(condition, 0, sizeof(*condition));
	fl_rlock_init(&condition->fl_own, name);
	fl_name_set_(condition, name);
}

void fl_condition_init_lock(fl_condition *condition, fl_lock *lock, const char *name)
{
	fl_condition_init(condition, NULL);
	condition->fl_lock_ = lock;
	fl_name_set_(condition, name);
}

void fl_condition_init_rlock(fl_condition *condition, fl_rlock *lock, const char *name)
{
	fl_condition_init(condition, NULL);
	condition->fl_rlock_ = lock;
	fl_name_set_(condition, name);
}

void fl_condition_name(fl_condition *condition, const char *name)
{
	fl_name_set_(condition, name);
	if (!condition->fl_lock_ && !condition->fl_rlock_)
		fl_rlock_name(&condition->fl_own, name);
}

void fl_condition_destroy(fl_condition *condition)
{
	struct fl_bucket *bucket;
	bool waited, own = !condition->fl_lock_ && !condition->fl_rlock_;

	if (fl_unlikely(fl_condition_is_shared(condition))) {
		fl_condition_destroy_shared_(condition);
		return;
	}
	bucket = fl_park_lock_(lock_of(condition));
	waited = fl_park_first_(bucket, condition) != NULL;
	fl_park_unlock_(bucket);
	if (waited || (own && fl_rlock_locked(&condition->fl_own))) {
		fl_misuse_("condition", condition, "destroyed while it is %s", waited ? "waited for" : "held");
		return;
	}
	if (own)
		fl_rlock_destroy(&condition->fl_own);
	fl_name_set_(condition, NULL);
}

int fl_condition_acquire(fl_condition *condition)
{
	fl_rlock *rlock = rlock_of(condition);

	if (fl_unlikely(fl_condition_is_shared(condition)))
		return fl_condition_acquire_shared_(condition, FL_FOREVER, NULL);
	return rlock ? fl_rlock_acquire(rlock) : fl_lock_acquire(condition->fl_lock_);
}

int fl_condition_acquire_until(fl_condition *condition, fl_time deadline, fl_note *note)
{
	fl_rlock *rlock = rlock_of(condition);

	if (fl_unlikely(fl_condition_is_shared(condition)))
		return fl_condition_acquire_shared_(condition, deadline, note);
	return rlock ? fl_rlock_acquire_until(rlock, deadline, note)
		     : fl_lock_acquire_until(condition->fl_lock_, deadline, note);
}

bool fl_condition_acquire_try(fl_condition *condition)
{
	fl_rlock *rlock = rlock_of(condition);

	if (fl_unlikely(fl_condition_is_shared(condition)))
		return fl_condition_try_shared_(condition);
	return rlock ? fl_rlock_acquire_try(rlock) : fl_lock_acquire_try(condition->fl_lock_);
}

void fl_condition_release(fl_condition *condition)
{
	fl_rlock *rlock = rlock_of(condition);

	if (fl_unlikely(fl_condition_is_shared(condition)))
		fl_condition_release_shared_(condition);
	else if (rlock)
		fl_rlock_release(rlock);
	else
		fl_lock_release(condition->fl_lock_);
}

/* Reports, unless the calling thread holds the lock. Returns 0 if it does. */
static int refuse(fl_condition *condition, const char *what)
{
	if (fl_unlikely(fl_condition_is_shared(condition)))
		return fl_condition_refuse_shared_(condition, what);
	if (fl_likely(fl_lock_holder(lock_of(condition)) == fl_self()))
		return 0;
	fl_misuse_("condition", condition, "%s by a thread that does not hold its lock", what);
	return -EPERM;
}

/* Under the bucket's lock. */
static void count(fl_condition *condition, uint32_t change)
{
	fl_store_relaxed(&condition->fl_waiters, condition->fl_waiters + change);
}

static void left_queue(struct fl_bucket *bucket, struct fl_waiter *waiter, struct fl_wake_list *list)
{
	fl_condition *condition = (fl_condition *)(uintptr_t)waiter->key;

	(void)bucket;
	(void)list;
	count(condition, UINT32_MAX);
}

static uint32_t release_whole(fl_condition *condition)
{
	fl_rlock *rlock = rlock_of(condition);
	uint32_t times = rlock ? rlock->fl_count : 1;

	fl_lock_release_mine_(lock_of(condition), kind_of(condition));
	return times;
}

static void restore(fl_condition *condition, uint32_t times)
{
	fl_rlock *rlock = rlock_of(condition);

	if (rlock)
		fl_store_relaxed(&rlock->fl_count, times);
}

static void enter_queue(fl_condition *condition, struct fl_waiter *waiter)
{
	struct fl_bucket *bucket = fl_park_lock_(lock_of(condition));

	fl_park_push_(bucket, waiter, condition);
	count(condition, 1);
	fl_park_unlock_(bucket);
}

static int wait_private(fl_condition *condition, fl_time deadline, fl_note *note, const void *site)
{
	fl_lock *lock = lock_of(condition);
	struct fl_asker asker = {
		.deadline = FL_FOREVER,
		.site = site,
		.kind = kind_of(condition),
		.me = fl_self(),
		.waiter = {.number = fl_self(), .left = left_queue},
	};
	uint32_t times;
	int error, error_of_lock;

	if (fl_unlikely(fl_checks() & FL_CHECK_ORDER))
		fl_check_before_return_(lock, asker.kind, site);
	enter_queue(condition, &asker.waiter);
	times = release_whole(condition);
	error = fl_wait_(&asker.waiter, condition, deadline, note, fl_park_hint_(lock));
	error_of_lock = fl_lock_resume_(lock, &asker, error == 0);
	restore(condition, times);
	return error != 0 ? error : error_of_lock;
}

/* Waits without looking at the deadline first. */
static int wait(fl_condition *condition, fl_time deadline, fl_note *note, const void *site)
{
	if (fl_unlikely(fl_condition_is_shared(condition)))
		return fl_condition_wait_shared_(condition, deadline, note, site);
	return wait_private(condition, deadline, note, site);
}

int fl_condition_wait_until(fl_condition *condition, fl_time deadline, fl_note *note)
{
	int error = refuse(condition, "waited for");

	if (error == 0)
		error = fl_wait_refused_(deadline, note);
	return error != 0 ? error : wait(condition, deadline, note, __builtin_return_address(0));
}

int fl_condition_wait(fl_condition *condition)
{
	int error = refuse(condition, "waited for");

	return error != 0 ? error : wait(condition, FL_FOREVER, NULL, __builtin_return_address(0));
}

/* Whether the lock of a shared one is not held, or what it guards may be half changed: nothing to ask a predicate
 * of. */
static bool is_of_shared_lock(const fl_condition *condition, int error)
{
	return error != 0 && error != -ETIMEDOUT && error != -ECANCELED && fl_condition_is_shared(condition);
}

int fl_condition_wait_for_until(fl_condition *condition, bool (*predicate)(void *arg), void *arg, fl_time deadline,
				fl_note *note)
{
	int error = refuse(condition, "waited for");

	if (error != 0)
		return error;
	while (!predicate(arg)) {
		if (error == 0)
			error = fl_wait_refused_(deadline, note);
		if (error != 0)
			return error;
		error = wait(condition, deadline, note, __builtin_return_address(0));
		if (fl_unlikely(is_of_shared_lock(condition, error)))
			return error;
	}
	return error == -EOWNERDEAD ? error : 0;
}

int fl_condition_wait_for(fl_condition *condition, bool (*predicate)(void *arg), void *arg)
{
	return fl_condition_wait_for_until(condition, predicate, arg, FL_FOREVER, NULL);
}

/* Moves up to n waiters to the lock, which the caller holds. */
static uint32_t move(fl_condition *condition, fl_lock *lock, uint32_t n)
{
	struct fl_bucket *bucket = fl_park_lock_(lock);
	struct fl_waiter *waiter;
	uint32_t moved = 0;

	for (; moved < n && (waiter = fl_park_first_(bucket, condition)); moved++) {
		if (moved == 0)
			fl_lock_expect_waiter_(lock);
		fl_park_move_(bucket, waiter, lock);
		waiter->moved = true;
		if (fl_unlikely(fl_checks() & FL_CHECK_ORDER))
			fl_check_moved_(waiter->number, lock, kind_of(condition));
	}
	count(condition, -moved);
	fl_park_unlock_(bucket);
	return moved;
}

uint32_t fl_condition_notify(fl_condition *condition, uint32_t n)
{
	if (fl_unlikely(fl_condition_is_shared(condition)))
		return fl_condition_notify_shared_(condition, n);
	fl_park_prefetch_(lock_of(condition));
	if (refuse(condition, "notified") != 0)
		return 0;
	if (fl_load_relaxed(&condition->fl_waiters) == 0)
		return 0;
	return move(condition, lock_of(condition), n);
}

uint32_t fl_condition_notify_all(fl_condition *condition)
{
	return fl_condition_notify(condition, UINT32_MAX);
}
