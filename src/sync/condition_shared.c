/*
 * sync/condition_shared.c - Condition between processes: who waits is in no queue, and a notify moves him to the lock.
 *
 * fl_mode      whose lock it is tied to: OWN, LOCK or RLOCK; 0: not shared
 * fl_away      where that lock is, in bytes from the condition. (OWN: 0)
 * fl_waiters   1: somebody may be waiting. Changed by the holder of the lock alone: set by who is about to wait,
 *              cleared by a notify that has found nobody left
 *
 * Whoever waits says so in his own page (base/lot.h): for the condition, and that he may be moved to the lock. A notify
 * moves those who have waited longest, and marks the lock, which its caller holds: its release wakes the first of them,
 * as it would one who waited for the lock. So nobody is woken only to find the lock held. Who waits looks at its page
 * for a moment before it sleeps: that alone is what changes, whoever means it.
 *
 * Invariants:
 *   [W1] A thread says that it waits while it holds the lock, and from then until it has been moved, nudged or has
 *        given up it does not say anything else. So a notify, which needs the lock, comes before that, and the thread
 *        has seen what it was about; or it finds the thread; or the thread is on its way back already.
 *   [W2] Who is nudged goes back to its caller, though nobody has notified it: to wait on, it would have to say so
 *        anew, and what was notified in between would not reach it. So after a death all go back. That is what makes up
 *        for a notify that the dead one owed, or was given and took along.
 *   [W3] Who was moved is one of those who wait for the lock [H1, H2]: the notifier sets WAITERS after it has moved
 *        them, or dies, and then all go back.
 *   [W4] Nobody sleeps for the condition of a lock that is LOST, where nobody can notify. It is lost by the release of
 *        one who was told of a death and has not mended. Those who waited at the death go back after it [W2]; and
 *        nobody has waited since but that one, if his release was a wait's: so he looks at the lock before he sleeps.
 *
 * Of others' memory: fl_away may be anything, and is believed if there is a shared lock in the same segment.
 *
 * Rejected: a number that each notify raises, so that who is nudged could look whether he was meant and wait on. He
 * would miss a notify that somebody owed who died without the lock.
 */
#include "sync/condition_shared.h"

#include "base/name.h"
#include "base/report.h"
#include "sync/check.h"
#include "sync/lock_shared.h"
#include "sync/wait_shared.h"
#include <errno.h>
#include <string.h>

#define OWN FL_CONDITION_OWN
#define LOCK 2u
#define RLOCK 3u

/* A condition's lock, as this thread has it. */
struct monitor {
	struct fl_lot_mine *mine;
	fl_lock *lock;
	fl_rlock *rlock; /* or NULL */
	enum fl_lock_kind kind;
};

static int find_lock(fl_condition *condition, struct monitor *ret_monitor)
{
	uint32_t mode = fl_load_relaxed(&condition->fl_mode);
	int64_t away = mode == OWN ? (int64_t)offsetof(fl_condition, fl_own) : fl_load_relaxed(&condition->fl_away);
	int error = 0;

	ret_monitor->mine = fl_lot_mine(condition, &error);
	if (!ret_monitor->mine)
		return fl_shared_refuse("condition", condition, error);
	ret_monitor->rlock = NULL;
	ret_monitor->lock =
		fl_shared_place_(ret_monitor->mine, condition, away, mode == LOCK ? sizeof(fl_lock) : sizeof(fl_rlock));
	ret_monitor->kind = mode == LOCK ? FL_KIND_LOCK : FL_KIND_RLOCK;
	if (!ret_monitor->lock || !fl_lock_is_shared(ret_monitor->lock)) {
		fl_misuse_("condition", condition, "its lock is not one that is shared in the same segment");
		return -EINVAL;
	}
	if (mode != LOCK)
		ret_monitor->rlock = (fl_rlock *)ret_monitor->lock; /* its first member */
	return 0;
}

/* The same for a thread that is to hold the lock. */
static int enter(fl_condition *condition, const char *what, struct monitor *ret_monitor)
{
	int error = find_lock(condition, ret_monitor);

	if (error != 0 || fl_likely(fl_lock_mine_shared(ret_monitor->lock)))
		return error;
	fl_misuse_("condition", condition, "%s by a thread that does not hold its lock", what);
	return -EPERM;
}

/* Making and destroying. */

static void init(fl_condition *condition, uint32_t mode, const void *lock)
{
	memset(condition, 0, sizeof(*condition));
	condition->fl_mode = mode;
	condition->fl_away = (int64_t)((uintptr_t)lock - (uintptr_t)condition);
}

void fl_condition_init_shared(fl_condition *condition)
{
	init(condition, OWN, condition);
	fl_rlock_init_shared(&condition->fl_own);
}

void fl_condition_init_lock_shared(fl_condition *condition, fl_lock *lock)
{
	init(condition, LOCK, lock);
}

void fl_condition_init_rlock_shared(fl_condition *condition, fl_rlock *lock)
{
	init(condition, RLOCK, lock);
}

void fl_condition_destroy_shared_(fl_condition *condition)
{
	struct monitor monitor;
	bool waited, held;

	if (find_lock(condition, &monitor) != 0)
		return;
	waited = fl_lot_first_(monitor.mine->view, condition) != 0;
	held = condition->fl_mode == OWN && fl_lock_locked(monitor.lock);
	if (waited || held)
		fl_misuse_("condition", condition, "destroyed while it is %s", waited ? "waited for" : "held");
	else
		fl_name_set_(condition, NULL);
}

/* Its lock. */

int fl_condition_acquire_shared_(fl_condition *condition, fl_time deadline, fl_note *note)
{
	struct monitor monitor;
	int error = find_lock(condition, &monitor);

	if (error != 0)
		return error;
	return monitor.rlock ? fl_rlock_acquire_until(monitor.rlock, deadline, note)
			     : fl_lock_acquire_until(monitor.lock, deadline, note);
}

bool fl_condition_try_shared_(fl_condition *condition)
{
	struct monitor monitor;

	if (find_lock(condition, &monitor) != 0)
		return false;
	return monitor.rlock ? fl_rlock_acquire_try(monitor.rlock) : fl_lock_acquire_try(monitor.lock);
}

void fl_condition_release_shared_(fl_condition *condition)
{
	struct monitor monitor;

	if (find_lock(condition, &monitor) != 0)
		return;
	if (monitor.rlock)
		fl_rlock_release(monitor.rlock);
	else
		fl_lock_release(monitor.lock);
}

int fl_condition_mend(fl_condition *condition)
{
	struct monitor monitor;
	int error;

	if (!fl_condition_is_shared(condition))
		return 0;
	error = find_lock(condition, &monitor);
	return error != 0 ? error : fl_lock_mend(monitor.lock);
}

/* Waiting and notifying. */

/* Whether this thread has lost it for all by its release. [W4] */
static bool is_lost(const fl_lock *lock)
{
	return (fl_load_relaxed(&lock->fl_word) & FL_LOCK_SHARED_HOLDER) == FL_LOCK_SHARED_LOST;
}

int fl_condition_refuse_shared_(fl_condition *condition, const char *what)
{
	struct monitor monitor;

	return enter(condition, what, &monitor);
}

int fl_condition_wait_shared_(fl_condition *condition, fl_time deadline, fl_note *note, const void *site)
{
	struct monitor monitor;
	struct fl_lot_wait wait;
	uint32_t times;
	int error = enter(condition, "waited for", &monitor), error_of_lock;

	if (error != 0)
		return error;
	if (!fl_shared_can_sleep_())
		return -ENOSYS;
	if (fl_unlikely(fl_checks() & FL_CHECK_ORDER))
		fl_check_before_return_(monitor.lock, monitor.kind, site);
	fl_lot_wait_begin_(&wait, monitor.mine, condition, monitor.lock);
	fl_lot_wait_(&wait); /* [W1] */
	fl_store_relaxed(&condition->fl_waiters, 1);
	times = monitor.rlock ? fl_load_relaxed(&monitor.rlock->fl_count) : 1;
	fl_lock_release_shared_(monitor.lock, monitor.kind);
	if (!is_lost(monitor.lock) && !fl_lot_spin_(&wait, deadline))
		error = fl_shared_sleep_(&wait, deadline, note);
	if (fl_lot_unwait_(&wait) != FL_LOT_NOTHING)
		error = 0; /* [W2] */
	error_of_lock = fl_lock_resume_shared_(monitor.lock, &wait, monitor.kind, site);
	if (monitor.rlock && (error_of_lock == 0 || error_of_lock == -EOWNERDEAD))
		fl_store_relaxed(&monitor.rlock->fl_count, times);
	return error_of_lock != 0 ? error_of_lock : error;
}

uint32_t fl_condition_notify_shared_(fl_condition *condition, uint32_t n)
{
	struct monitor monitor;
	uint32_t moved;

	if (enter(condition, "notified", &monitor) != 0 || fl_load_relaxed(&condition->fl_waiters) == 0)
		return 0;
	moved = fl_lot_move_(monitor.mine->view, condition, n);
	if (moved > 0)
		fl_lock_expect_shared_(monitor.lock, monitor.mine->view); /* [W3] */
	if (moved < n)
		fl_store_relaxed(&condition->fl_waiters, 0);
	return moved;
}
