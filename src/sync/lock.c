/*
 * sync/lock.c - Lock: barging, with bounded overtaking, in 8 bytes.
 *
 * fl_word
 *   bits 0-28  HOLDER   number of the thread that holds it (base/self.h); 0: free
 *   bit 30     WAKING   the mark of one thread that is awake and wants the lock: a waiter that a release has woken,
 *                       or one that spins. Set by the release, under the bucket's lock, or by the spinning thread;
 *                       cleared by the thread whose mark it is, when it acquires, queues or gives up. While it is
 *                       set, releases wake nobody.
 *   bit 31     WAITERS  the queue may have somebody in it. Set by a waiter, or by a notify for one, under the
 *                       bucket's lock; cleared by a release that finds the queue empty, under the bucket's lock.
 * fl_mode (see below)   0: quiet;  bit 0 BUSY;  bits 2-7 EPOCH: in which generation of forked children WAITERS and
 *                       WAKING were set (base/fork.h). One that processes share is FL_LOCK_SHARED, always, and is
 *                       sync/lock_shared.c's
 * fl_passed             how often the waiters have been overtaken since one was served; while nobody waits, releases
 *                       in a row
 * fl_spin               what base/spin.c has learned
 *
 * A release with nobody waiting stores 0 and that is all. Otherwise it frees the lock, takes the first waiter from
 * the queue and wakes it: the lock is free at once, and a running thread may get it before the woken one does
 * (barging). That is what makes a contended lock fast, since the alternative, to hand it over, leaves it idle for as
 * long as a sleeping thread takes to run. Of those who sleep at most one is on its way at a time (nsync's and
 * Abseil's designated waker), and none is woken while another thread spins for the lock (Go's sync.Mutex). A woken
 * thread that finds the lock held again spins, then goes back to the head of the queue.
 *
 * But barging alone starves: where threads outnumber processors, those that run keep the lock for whole time slices
 * while the woken one has no processor to run on. So overtaking is counted, and after OVERTAKING_MOST, or after the
 * woken thread has run twice in vain, spinning threads no longer take the mark, and once a woken thread has it the
 * lock is reserved: others who may wait queue although it is free. They sleep, which gives the woken thread their
 * processor. What this costs is two context switches in that many acquisitions.
 *
 * Those whom one notify moved here (sync/condition.c) are woken two at a time, since each will only pass through, and
 * its way from sleep to its processor takes longer than that. The second has no mark: it is a thread like any other
 * that comes along, and if it is too early it goes back to the head of the queue.
 *
 * Quiet and busy. An acquisition needs one atomic instruction. In quiet mode a release needs none: it is the
 * restartable sequence of base/quick.h, "if fl_mode is 0, store 0 to fl_word". The first thread that is about to
 * queue sets BUSY, has the barrier force all others out of that sequence, and from then on releases are atomic. After
 * QUIET_AGAIN releases without a waiter the lock is quiet again.
 *
 * Invariants:
 *   [L1] WAITERS is set only while fl_mode is not 0 and [Q1] has held for it, or by the holder itself: so no plain
 *        store overwrites it. fl_mode becomes 0 only under the bucket's lock, by the holder, with fl_word equal to
 *        its number.
 *   [L2] The plain store is made only by the thread that holds the lock: it finds the lock in its fl_tls_.quick, or
 *        itself in fl_word. A thread that releases for another one first takes the lock out of that one's `quick`.
 *   [L3] If the queue is not empty, WAITERS is set; if besides the lock is free, WAKING is set: somebody who is awake
 *        will look at the lock. A thread gives the mark up only while the lock is held, so its holder's release wakes
 *        the next one.
 *   [L4] The mark is one thread's, and only that one clears it (see wake_first for the exception, which wakes one too
 *        many, never one too few: whoever clears it without acquiring the lock does so while the lock is held).
 *   [L5] Freeing fl_word is a release's last access to the lock.
 *   [L6] WAITERS and WAKING of another EPOCH are about threads that stayed in the parent: they count for nothing, and
 *        are cleared, under the bucket's lock, before the first thread of this process queues or is woken.
 *
 * Progress: a release never blocks on anything but a bucket's lock. A waiter is overtaken at most OVERTAKING_MOST
 * times for itself and for each one before it. Calls that never block (try, or a passed deadline) may overtake
 * always.
 *
 * Rejected: a futex on fl_word with three states (two atomic instructions; a woken thread that loses goes to the end
 * of the kernel's queue, and starves); strict hand-over (collapses: ticket and PI locks); hand-over after a time
 * (parking_lot, WebKit: needs a clock reading where this needs a byte); bias towards one thread, with plain stores on
 * both sides (each hand-over of the lock's use to another thread costs a barrier: bad for short-lived objects that
 * are made by one thread and used by another).
 */
#include "sync/lock.h"

#include "base/fork.h"
#include "base/name.h"
#include "base/report.h"
#include "base/spin.h"
#include "sync/held.h"
#include "sync/wait.h"
#include <errno.h>
#include <string.h>

#define HOLDER FL_LOCK_HOLDER
#define WAKING FL_LOCK_WAKING
#define WAITERS FL_LOCK_WAITERS

#define BUSY 1u
#define EPOCH_ONE 4u

#define OVERTAKING_MOST 250u
#define RAN_IN_VAIN 125u /* what it counts for when a thread that was woken has to queue again */
#define QUIET_AGAIN 200u

/* Acquiring. */

static bool is_stale(const fl_lock *lock)
{
	return fl_load_relaxed(&lock->fl_mode) / EPOCH_ONE != fl_load_relaxed(&fl_fork_epoch_);
}

/* Prepares the lock for a thread that is about to queue: leaves quiet mode, and clears what a parent has left. Under
 * the bucket's lock, so that a second waiter does not go on before that is done. [L1, L6] `barrier`: the caller does
 * not hold the lock. */
static void get_busy(fl_lock *lock, bool barrier)
{
	uint8_t mode = fl_load_relaxed(&lock->fl_mode);

	if (mode != 0 && !is_stale(lock))
		return;
	fl_store_relaxed(&lock->fl_mode, (uint8_t)(BUSY | fl_fork_epoch_ * EPOCH_ONE));
	if (mode == 0 && barrier)
		fl_quick_barrier_();
	if (mode != 0)
		fl_and_relaxed(&lock->fl_word, HOLDER);
}

static uint32_t passed(const fl_lock *lock)
{
	return fl_load_relaxed(&lock->fl_passed);
}

static void set_passed(fl_lock *lock, uint32_t n)
{
	fl_store_relaxed(&lock->fl_passed, (uint8_t)(n < UINT8_MAX ? n : UINT8_MAX));
}

/* Whether the lock, free or not, is kept for a thread that is on its way. */
static bool reserved(const fl_lock *lock, const struct fl_asker *asker, uint32_t word)
{
	return (word & WAKING) && !asker->woken && asker->may_wait && passed(lock) >= OVERTAKING_MOST;
}

/* Counts an acquisition for those who wait; by the new holder. */
static void count_passed(fl_lock *lock, const struct fl_asker *asker, uint32_t word)
{
	if (asker->was_queued)
		set_passed(lock, 0);
	else if (word & (WAITERS | WAKING))
		set_passed(lock, passed(lock) + 1);
}

/* Acquires the lock if it is free and not kept for another thread. Leaves the marks of others. */
static bool take(fl_lock *lock, const struct fl_asker *asker)
{
	uint32_t word = fl_load_relaxed(&lock->fl_word);

	while ((word & HOLDER) == 0 && !reserved(lock, asker, word)) {
		uint32_t mine = word | asker->me;

		if (asker->woken)
			mine &= ~WAKING;
		/* [lock.1] acquire; pairs with [lock.2], [lock.3], [lock.4] */
		if (fl_cas_acquire(&lock->fl_word, &word, mine)) {
			count_passed(lock, asker, word);
			return true;
		}
	}
	return false;
}

/* Takes the lock from a holder that a fork left behind. */
static bool inherit(fl_lock *lock, const struct fl_asker *asker)
{
	uint32_t word = fl_load_relaxed(&lock->fl_word);

	if (fl_likely(!fl_self_gone_(word & HOLDER)))
		return false;
	/* [lock.1] acquire; pairs with [lock.2], [lock.3], [lock.4] */
	return fl_cas_acquire(&lock->fl_word, &word, asker->me);
}

/* Marks the word for a thread that is about to queue; false if it could have the lock instead. */
static bool mark(fl_lock *lock, const struct fl_asker *asker)
{
	uint32_t word = fl_load_relaxed(&lock->fl_word), marked;

	do {
		if ((word & HOLDER) == 0 && !reserved(lock, asker, word))
			return false;
		marked = word | WAITERS;
		if (asker->woken)
			marked &= ~WAKING;
	} while (!fl_cas_relaxed(&lock->fl_word, &word, marked));
	return true;
}

static bool queue(fl_lock *lock, struct fl_asker *asker)
{
	struct fl_bucket *bucket = fl_park_lock_(lock);
	bool marked;

	get_busy(lock, true);
	marked = mark(lock, asker);
	if (marked) {
		if (asker->woken)
			set_passed(lock, passed(lock) + RAN_IN_VAIN);
		asker->woken = false;
		if (asker->was_queued)
			fl_park_push_front_(bucket, &asker->waiter, lock);
		else
			fl_park_push_(bucket, &asker->waiter, lock);
	}
	fl_park_unlock_(bucket);
	return marked;
}

/* A thread that will not have the lock after all gives up its mark. Returns true if it got the lock instead. [L3] */
static bool unmark(fl_lock *lock, struct fl_asker *asker)
{
	uint32_t word;

	if (!asker->woken)
		return false;
	word = fl_load_relaxed(&lock->fl_word);
	for (;;) {
		if ((word & HOLDER) == 0) {
			if (take(lock, asker))
				return true;
			word = fl_load_relaxed(&lock->fl_word);
		} else if (fl_cas_relaxed(&lock->fl_word, &word, word & ~WAKING)) {
			asker->woken = false;
			return false;
		}
	}
}

/* A thread that spins while others sleep takes the mark of a woken one, so that releases wake nobody for as long as
 * somebody who is awake wants the lock anyway. Not if those who sleep have been overtaken often enough. */
static bool claim(fl_lock *lock, struct fl_asker *asker)
{
	uint32_t word = fl_load_relaxed(&lock->fl_word);

	if (asker->woken || (word & (WAITERS | WAKING)) != WAITERS || (word & HOLDER) == 0 ||
	    passed(lock) >= OVERTAKING_MOST)
		return false;
	asker->woken = fl_cas_relaxed(&lock->fl_word, &word, word | WAKING);
	return asker->woken;
}

static bool spin(fl_lock *lock, struct fl_asker *asker)
{
	struct fl_spin spin;
	bool taken = false, claimed = false;

	for (fl_spin_begin_(&spin, &lock->fl_spin, asker->deadline, FL_SPIN_HERE); fl_spin_again_(&spin);) {
		if (fl_lock_holder(lock) == 0) {
			taken = take(lock, asker);
			if (taken || reserved(lock, asker, fl_load_relaxed(&lock->fl_word)))
				break;
		} else if (!claimed) {
			claimed = claim(lock, asker);
		}
	}
	if (!taken && claimed)
		taken = unmark(lock, asker);
	fl_spin_end_(&spin, taken);
	return taken;
}

/* One sleep, from queueing to being woken. Returns 1 if the thread has the lock, 0 to go on trying, or an error. */
static int sleep_once(fl_lock *lock, struct fl_asker *asker)
{
	bool checked = (fl_checks() & FL_CHECK_ORDER) && !asker->doomed;
	int error = 0;

	if (fl_unlikely(checked))
		error = fl_check_wait_begin_(lock, asker->kind, asker->site,
					     asker->deadline == FL_FOREVER && !asker->note);
	if (fl_unlikely(error != 0)) {
		if (!asker->must)
			return unmark(lock, asker) ? 1 : error;
		asker->doomed = true;
		error = 0;
	}
	if (queue(lock, asker)) {
		error = fl_wait_(&asker->waiter, lock, asker->deadline, asker->note, NULL);
		asker->woken = asker->was_queued = error == 0;
	}
	if (fl_unlikely(checked))
		fl_check_wait_end_();
	return error;
}

/* Tries, spins and sleeps until the thread has the lock. */
static int contend(fl_lock *lock, struct fl_asker *asker)
{
	int refusal = fl_wait_refused_(asker->deadline, asker->note), error;

	asker->may_wait = refusal == 0;
	for (;;) {
		if (take(lock, asker) || (refusal == 0 && spin(lock, asker)))
			return 0;
		if (inherit(lock, asker))
			return -EOWNERDEAD;
		if (refusal == 0)
			refusal = fl_wait_refused_(asker->deadline, asker->note);
		if (refusal != 0)
			return unmark(lock, asker) ? 0 : refusal;
		error = sleep_once(lock, asker);
		if (error != 0)
			return error > 0 ? 0 : error;
	}
}

static int acquired(fl_lock *lock, const struct fl_asker *asker, int error)
{
	if (error == 0 || error == -EOWNERDEAD) {
		fl_store_relaxed(&fl_tls_.quick, lock);
		if (fl_unlikely(fl_checks() != 0))
			fl_check_acquired_(lock, asker->kind, asker->site, asker->waited_since);
	}
	return error;
}

static __attribute__((noinline)) int acquire_slow(fl_lock *lock, fl_time deadline, fl_note *note,
						  enum fl_lock_kind kind, const void *site)
{
	struct fl_asker asker;
	unsigned checks = fl_checks();

	if (fl_unlikely(checks != 0)) {
		if (deadline > 0)
			fl_check_before_(lock, kind, site);
		/* What follows could do this as well, but the counting of times should not cost an asker each time. */
		if (fl_lock_grab(lock)) {
			fl_check_acquired_(lock, kind, site, 0);
			return 0;
		}
	}
	asker = (struct fl_asker){.deadline = deadline, .note = note, .kind = kind, .site = site, .me = fl_self()};
	if (fl_unlikely(checks & FL_CHECK_TIMES) && fl_lock_holder(lock) != 0)
		asker.waited_since = fl_now();
	return acquired(lock, &asker, contend(lock, &asker));
}

int fl_lock_acquire_slow_(fl_lock *lock, fl_time deadline, fl_note *note, enum fl_lock_kind kind, const void *site)
{
	if (fl_lock_is_shared(lock))
		return fl_lock_acquire_shared_(lock, deadline, note, kind, site);
	/* With checks of the order alone, and nothing new about it, it is nearly as quick as without. */
	if (fl_checks() == FL_CHECK_ORDER) {
		uintptr_t key = fl_key(lock, kind);
		uint64_t context;
		struct fl_check_thread *me = fl_held_ready(key, &context);

		if (fl_likely(me != NULL) && fl_likely(fl_lock_grab(lock))) {
			fl_held_push(me, key, site, context);
			return 0;
		}
	}
	return acquire_slow(lock, deadline, note, kind, site);
}

int fl_lock_enter_slow_(fl_lock *lock)
{
	/* Doomed: whether it can wait for ever is not looked at. */
	struct fl_asker asker = {.deadline = FL_FOREVER, .me = fl_self(), .doomed = true};

	return contend(lock, &asker);
}

bool fl_lock_try_(fl_lock *lock, enum fl_lock_kind kind, const void *site)
{
	struct fl_asker asker = {.kind = kind, .site = site};

	if (fl_lock_is_shared(lock))
		return fl_lock_try_shared_(lock, kind, site);
	asker.me = fl_self();
	if (!take(lock, &asker))
		return false;
	acquired(lock, &asker, 0);
	return true;
}

int fl_lock_resume_(fl_lock *lock, struct fl_asker *asker, bool moved)
{
	int error;

	fl_prefetch_write(lock);
	asker->must = true;
	asker->was_queued = moved;
	asker->woken = moved && !asker->waiter.second;
	asker->waiter.moved = asker->waiter.second = false;
	if (fl_unlikely(fl_checks() & FL_CHECK_TIMES) && fl_lock_holder(lock) != 0)
		asker->waited_since = fl_now();
	error = contend(lock, asker);
	if (fl_unlikely(fl_checks() & FL_CHECK_ORDER))
		fl_check_wait_end_();
	return acquired(lock, asker, error);
}

void fl_lock_expect_waiter_(fl_lock *lock)
{
	uint32_t word;

	/* The caller is the only thread that could store plainly here, so this needs no barrier. [L2] */
	get_busy(lock, false);
	word = fl_load_relaxed(&lock->fl_word);
	while (!fl_cas_relaxed(&lock->fl_word, &word, word | WAITERS))
		;
}

/* Releasing. */

/* Takes the first waiter from the queue, and the second one if it was moved here. Returns the marks that are left: the
 * first one has WAKING. */
static uint32_t take_waiters(struct fl_bucket *bucket, const fl_lock *lock, struct fl_wake_list *list)
{
	struct fl_waiter *first = fl_park_first_(bucket, lock), *second;

	if (!first)
		return 0;
	second = first->next;
	fl_park_take_(bucket, first, list);
	if (second && second->moved) {
		second->second = true;
		fl_park_take_(bucket, second, list);
	}
	return fl_park_first_(bucket, lock) ? WAITERS | WAKING : WAKING;
}

/* Frees a lock whose WAITERS is set, and WAKING is not or is stale, and wakes who is first. Nobody queues meanwhile,
 * which takes the bucket's lock, and nobody acquires a lock that is not free. A thread that spins may still set WAKING
 * for itself: then two believe that it is theirs, and one clears it early, which wakes somebody too many. */
static void wake_first(fl_lock *lock)
{
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket = fl_park_lock_(lock);
	uint32_t marks;

	get_busy(lock, false);
	marks = take_waiters(bucket, lock, &list);
	/* [lock.4] release; pairs with [lock.1] */
	fl_store_release(&lock->fl_word, marks);
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
}

/* Counts the releases of a busy lock that nobody waits for, and makes it quiet again after enough of them. By its
 * holder. */
static void calm_down(fl_lock *lock, uint32_t me)
{
	struct fl_bucket *bucket;

	if (fl_load_relaxed(&lock->fl_word) != me)
		return;
	set_passed(lock, passed(lock) + 1);
	if (fl_likely(passed(lock) < QUIET_AGAIN))
		return;
	set_passed(lock, 0);
	bucket = fl_park_lock_(lock);
	if (fl_load_relaxed(&lock->fl_word) == me)
		fl_store_relaxed(&lock->fl_mode, 0);
	fl_park_unlock_(bucket);
}

/* Frees the lock by atomic instructions; the caller is or stands for its holder. */
static void release_busy(fl_lock *lock)
{
	uint32_t word = fl_load_relaxed(&lock->fl_word);

	for (;;) {
		if ((word & HOLDER) == 0)
			return; /* two threads released it at once; the other one was first */
		if ((word & (WAITERS | WAKING)) == WAITERS || (word & WAKING && is_stale(lock))) {
			wake_first(lock);
			return;
		}
		/* [lock.3] release; pairs with [lock.1] */
		if (fl_cas_release(&lock->fl_word, &word, word & ~HOLDER))
			return;
	}
}

void fl_lock_leave_slow_(fl_lock *lock)
{
	if (fl_quick_works_)
		calm_down(lock, fl_tls_.number);
	release_busy(lock);
}

/* `told`: the checks know already. */
static __attribute__((noinline)) void release_slow(fl_lock *lock, enum fl_lock_kind kind, bool told)
{
	uint32_t holder = fl_lock_holder(lock), me = fl_self();

	if (fl_unlikely(holder == 0)) {
		fl_misuse_(fl_lock_kind_name(kind), lock, "released, but nobody holds it");
		return;
	}
	if (fl_unlikely(fl_checks() != 0) && !told)
		fl_check_released_(lock, kind);
	if (holder != me) {
		fl_self_forget_quick_(holder, lock);
		release_busy(lock);
	} else if (!fl_lock_release_at_once(lock, me)) {
		fl_lock_leave_slow_(lock);
	}
}

/* The lock acquired last, with checks on. Apart, so that without them none of it is in the way. */
static __attribute__((noinline)) void release_checked(fl_lock *lock, enum fl_lock_kind kind)
{
	bool told = fl_checks() == FL_CHECK_ORDER && fl_held_pop(fl_key(lock, kind));

	if (fl_unlikely(!told) || fl_unlikely(!fl_lock_release_at_once(lock, fl_tls_.number)))
		release_slow(lock, kind, told);
}

void fl_lock_release_mine_(fl_lock *lock, enum fl_lock_kind kind)
{
	/* The lock acquired last is known to be held without waiting for its word. If it is busy there is more to do;
	 * if another thread has released it, it is. [L2] */
	bool last = fl_load_relaxed(&fl_tls_.quick) == lock;

	if (fl_likely(last)) {
		fl_store_relaxed(&fl_tls_.quick, NULL);
		if (fl_unlikely(fl_checks() != 0)) {
			release_checked(lock, kind);
			return;
		}
		if (fl_likely(fl_lock_release_at_once(lock, fl_tls_.number)))
			return;
	} else if (fl_lock_is_shared(lock)) {
		fl_lock_release_shared_(lock, kind);
		return;
	}
	release_slow(lock, kind, last);
}

/* The public calls. */

void fl_lock_init(fl_lock *lock, const char *name)
{
	if (fl_load_relaxed(&fl_tls_.quick) == lock)
		fl_store_relaxed(&fl_tls_.quick, NULL); /* there was another one here, never released */
	memset(lock, 0, sizeof(*lock));
	fl_check_forget_(lock);
	fl_name_set_(lock, name);
}

void fl_lock_name(fl_lock *lock, const char *name)
{
	fl_name_set_(lock, name);
}

/* Says why a lock must not be destroyed; NULL if it may. A free one that is waited for has WAKING set. [L3] */
static const char *in_use(const fl_lock *lock)
{
	uint32_t word = fl_load_relaxed(&lock->fl_word);
	bool waited = (word & (WAITERS | WAKING)) && !fl_lock_is_shared(lock) && !is_stale(lock);

	if (fl_lock_locked(lock))
		return waited ? "held and waited for" : "held";
	return waited ? "waited for" : NULL;
}

void fl_lock_destroy_(fl_lock *lock, enum fl_lock_kind kind)
{
	const char *why = in_use(lock);

	if (why) {
		fl_misuse_(fl_lock_kind_name(kind), lock, "destroyed while it is %s", why);
		return;
	}
	fl_check_forget_(lock);
	fl_name_set_(lock, NULL);
}

void fl_lock_destroy(fl_lock *lock)
{
	fl_lock_destroy_(lock, FL_KIND_LOCK);
}

int fl_lock_acquire(fl_lock *lock)
{
	if (fl_likely(fl_checks() == 0) && fl_likely(fl_lock_grab_any(lock)))
		return 0;
	return fl_lock_acquire_slow_(lock, FL_FOREVER, NULL, FL_KIND_LOCK, __builtin_return_address(0));
}

int fl_lock_acquire_until(fl_lock *lock, fl_time deadline, fl_note *note)
{
	if (fl_likely(fl_checks() == 0) && fl_likely(fl_lock_grab_any(lock)))
		return 0;
	return fl_lock_acquire_slow_(lock, deadline, note, FL_KIND_LOCK, __builtin_return_address(0));
}

bool fl_lock_acquire_try(fl_lock *lock)
{
	return fl_lock_try_(lock, FL_KIND_LOCK, __builtin_return_address(0));
}

void fl_lock_release(fl_lock *lock)
{
	fl_lock_release_mine_(lock, FL_KIND_LOCK);
}

bool fl_lock_locked(const fl_lock *lock)
{
	if (fl_lock_is_shared(lock))
		return fl_lock_locked_shared_(lock);
	return fl_lock_holder(lock) != 0;
}
