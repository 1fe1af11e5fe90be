/*
 * sync/lock_shared.c - Lock between processes: the same 8 bytes, and a holder whose death is noticed.
 *
 * fl_word
 *   bits 0-28  HOLDER   the peer that holds it (base/lot.h); 0: free; all ones: LOST, nobody will hold it again
 *   bit 29     HANDED   it is kept for HOLDER, who waits and does not have it yet
 *   bit 30     ORPHAN   a holder has died, and what the lock protects has not been said to be mended since
 *   bit 31     WAITERS  somebody may be waiting. Set by who waits, cleared by a release
 * fl_mode      FL_LOCK_SHARED, always
 * fl_passed    how often in a row it was released to whoever comes first although somebody waited
 * fl_spin      what base/spin.c has learned
 *
 * All that matters is in one word, and each step is one compare and swap: so there is no instant at which a death
 * leaves the lock half changed. Who finds a holder that does not live any more takes the lock from it. Nobody has to
 * find it: those who wait are woken by the death (base/lot.h).
 *
 * A release frees the lock, and wakes the first of those who wait; a running thread may be quicker. After
 * OVERTAKING_MOST of these the lock is handed over: it is kept for the first one. That is slow, for the lock is idle
 * until the other one runs, and happens only that often. A lock that is kept for somebody who is dead, or does not wait
 * for it any more, is free.
 *
 * Invariants:
 *   [H1] Whoever sleeps has seen WAITERS set, or set it, after it said that it waits. WAITERS goes only with a release,
 *        which then wakes one. Who has only seen it has changed nothing that the release could have read: so that look
 *        and the release are both seq_cst [O3].
 *   [H2] Who was woken takes the lock and sets WAITERS with it, or sets WAITERS on another's, also if it goes away
 *        then: so the next release wakes the next one. If it dies, all look again, and set WAITERS again.
 *        One that is stopped while it waits does not hear that it is woken: then the next one is, too [O9 in
 *        base/lot.c], and the lock is not kept for it.
 *   [H3] Freeing the word is a release's last access to the lock.
 *   [H4] Who goes away first says that it does not wait any more, then looks at the lock; who hands over first keeps
 *        the lock for the other one, then looks whether that one waits: so one of them sees the other. Whoever keeps it
 *        dies before he has looked: then all do, after his death.
 *
 * Rejected: the kernel's robust list for each lock, as glibc has it (two list operations a lock, a list that other
 * processes can bend, and a wake-up for one waiter only); a queue of waiters in the segment (to be mended when anybody
 * dies); priority inheritance (a system call for each contended release).
 */
#include "sync/lock_shared.h"

#include "base/report.h"
#include "base/spin.h"
#include "sync/wait.h"
#include "sync/wait_shared.h"
#include <errno.h>

#define HOLDER FL_LOCK_SHARED_HOLDER
#define LOST FL_LOCK_SHARED_LOST
#define HANDED FL_LOCK_SHARED_HANDED
#define ORPHAN FL_LOCK_SHARED_ORPHAN
#define WAITERS 0x80000000u

#define MOST_PAUSES 7u
#define OVERTAKING_MOST 100u

/* An acquisition under way. */
struct asker {
	struct fl_lot_mine *mine;
	uint32_t me;
	fl_time deadline;
	fl_note *note;
	bool waits; /* it has said that it waits */
};

/* Whether nobody has it. */
static bool is_free(const fl_lock *lock, const struct asker *asker, uint32_t word)
{
	uint32_t holder = word & HOLDER;

	if (holder == 0 || ((word & HANDED) && holder == asker->me))
		return true;
	return (word & HANDED) && !fl_lot_waits_(asker->mine->view, holder, lock); /* [H4] */
}

/* Takes the lock from a word that says that nobody holds it. */
static bool take_free(fl_lock *lock, const struct asker *asker, uint32_t word)
{
	uint32_t mine = asker->me | (word & (ORPHAN | WAITERS)) | (asker->waits ? WAITERS : 0); /* [H2] */

	/* [shared.1] acquire; pairs with [shared.2], [shared.5] */
	return fl_cas_acquire(&lock->fl_word, &word, mine);
}

/* Takes it from one that is dead. */
static bool inherit(fl_lock *lock, const struct asker *asker, uint32_t word)
{
	struct fl_lot_about about;

	fl_lot_about_(asker->mine->view, word & HOLDER, &about);
	/* [shared.1] acquire; pairs with [shared.2], [shared.5] */
	if (!fl_cas_acquire(&lock->fl_word, &word, asker->me | ORPHAN | WAITERS))
		return false;
	fl_shared_died_(&about);
	return true;
}

/* By who has taken one that is free, and whose holder's death is still to be told: whose, nobody has kept. */
static int inherit_orphan(void)
{
	static const struct fl_lot_about nobody;

	fl_shared_died_(&nobody);
	return -EOWNERDEAD;
}

/* Sees to it that WAITERS is set while it is held as it was in `word`. Returns whether it is. */
static bool mark(fl_lock *lock, uint32_t word)
{
	/* [shared.2] release; pairs with [shared.1], [shared.3] */
	return (word & WAITERS) || fl_cas_release(&lock->fl_word, &word, word | WAITERS);
}

/* Takes the lock if it can be had; else, for one that waits, marks it. Returns 0, -EOWNERDEAD, -ENOTRECOVERABLE;
 * -EAGAIN: it is held. */
static int take(fl_lock *lock, const struct asker *asker)
{
	for (;;) {
		/* [shared.4] seq_cst; pairs with [shared.3], [shared.5] */
		uint32_t word = fl_load_seq_cst(&lock->fl_word), holder = word & HOLDER;

		if (holder == LOST)
			return -ENOTRECOVERABLE;
		if (is_free(lock, asker, word)) {
			if (take_free(lock, asker, word))
				return word & ORPHAN ? inherit_orphan() : 0;
		} else if (!(word & HANDED) && !fl_lot_alive_(asker->mine->view, holder)) {
			if (inherit(lock, asker, word))
				return -EOWNERDEAD;
		} else if (!asker->waits || mark(lock, word)) {
			return -EAGAIN;
		}
	}
}

/* Each look takes the cache line from the holder, who needs it for what it does: so looks become rarer. */
static bool spin(fl_lock *lock, const struct asker *asker)
{
	struct fl_spin spin;
	unsigned pauses = 0;
	bool taken = false;

	fl_spin_begin_(&spin, &lock->fl_spin, asker->deadline, FL_SPIN_ELSEWHERE);
	while (!taken && fl_spin_again_(&spin)) {
		for (unsigned i = 0; i < pauses; i++)
			fl_relax();
		pauses = pauses < MOST_PAUSES ? 2 * pauses + 1 : MOST_PAUSES;
		taken = fl_load_relaxed(&lock->fl_word) == 0 && take_free(lock, asker, 0);
	}
	fl_spin_end_(&spin, taken);
	return taken;
}

/* Waits, in a wait that has begun, and ends it. Returns as take, but for -EAGAIN; or -ETIMEDOUT, -ECANCELED,
 * -ENOSYS. */
static int wait_in(fl_lock *lock, struct asker *asker, struct fl_lot_wait *wait)
{
	int result, refusal = 0;

	asker->waits = true;
	for (;;) {
		fl_lot_wait_(wait);
		result = take(lock, asker);
		if (result != -EAGAIN || refusal != 0)
			break;
		refusal = fl_shared_sleep_(wait, asker->deadline, asker->note);
		fl_lot_unwait_(wait);
		if (refusal == 0 && spin(lock, asker)) {
			result = 0;
			break;
		}
	}
	fl_lot_wait_end_(wait);
	if (result == -EAGAIN)
		result = take(lock, asker); /* [H2, H4] */
	return result == -EAGAIN ? refusal : result;
}

static int wait_for(fl_lock *lock, struct asker *asker)
{
	struct fl_lot_wait wait;

	fl_lot_wait_begin_(&wait, asker->mine, lock, NULL);
	return wait_in(lock, asker, &wait);
}

/* By the new holder. */
static int acquired(fl_lock *lock, int error, bool waited, enum fl_lock_kind kind, const void *site, fl_time since)
{
	if (error != 0 && error != -EOWNERDEAD)
		return error;
	if (waited)
		fl_store_relaxed(&lock->fl_passed, 0);
	if (fl_unlikely(fl_checks() != 0))
		fl_check_acquired_(lock, kind, site, since);
	return error;
}

static __attribute__((noinline)) int acquire_slow(fl_lock *lock, fl_time deadline, fl_note *note,
						  enum fl_lock_kind kind, const void *site)
{
	struct asker asker = {.deadline = deadline, .note = note};
	fl_time since = 0;
	int error = 0;

	asker.mine = fl_lot_mine(lock, &error);
	if (!asker.mine)
		return fl_shared_refuse(fl_lock_kind_name(kind), lock, error);
	asker.me = asker.mine->number;
	if (fl_unlikely(fl_checks() != 0)) {
		if (deadline > 0)
			fl_check_before_(lock, kind, site);
		if ((fl_checks() & FL_CHECK_TIMES) && fl_load_relaxed(&lock->fl_word) != 0)
			since = fl_now();
	}
	error = take(lock, &asker);
	if (error == -EAGAIN)
		error = fl_wait_refused_(deadline, note);
	else
		return acquired(lock, error, false, kind, site, since);
	if (error == 0 && !spin(lock, &asker))
		error = wait_for(lock, &asker);
	return acquired(lock, error, asker.waits, kind, site, since);
}

int fl_lock_acquire_shared_(fl_lock *lock, fl_time deadline, fl_note *note, enum fl_lock_kind kind, const void *site)
{
	if (fl_likely(fl_checks() == 0) && fl_likely(fl_lock_grab_shared(lock)))
		return 0;
	return acquire_slow(lock, deadline, note, kind, site);
}

/* Takes one that is kept for somebody who does not come. */
static bool take_kept(fl_lock *lock, const struct asker *asker)
{
	/* [shared.4] seq_cst; pairs with [shared.3], [shared.5] */
	uint32_t word = fl_load_seq_cst(&lock->fl_word);

	if ((word & HOLDER) == LOST || (word & (HANDED | ORPHAN)) != HANDED) /* nobody could be told of a death */
		return false;
	return is_free(lock, asker, word) && take_free(lock, asker, word);
}

bool fl_lock_try_shared_(fl_lock *lock, enum fl_lock_kind kind, const void *site)
{
	struct asker asker = {0};
	int error = 0;

	asker.mine = fl_lot_mine(lock, &error);
	if (fl_unlikely(!asker.mine)) {
		fl_shared_refuse_(fl_lock_kind_name(kind), lock, error);
		return false;
	}
	asker.me = asker.mine->number;
	if (!fl_lock_grab_shared(lock) && !take_kept(lock, &asker))
		return false;
	acquired(lock, 0, false, kind, site, 0);
	return true;
}

int fl_lock_resume_shared_(fl_lock *lock, struct fl_lot_wait *wait, enum fl_lock_kind kind, const void *site)
{
	struct asker asker = {.mine = wait->mine, .me = wait->mine->number, .deadline = FL_FOREVER};
	fl_time since = 0;

	if (fl_unlikely(fl_checks() & FL_CHECK_TIMES) && fl_load_relaxed(&lock->fl_word) != 0)
		since = fl_now();
	wait->key = wait->then;
	return acquired(lock, wait_in(lock, &asker, wait), true, kind, site, since);
}

void fl_lock_expect_shared_(fl_lock *lock, const struct fl_lot_view *view)
{
	uint32_t word = fl_load_relaxed(&lock->fl_word);

	while ((word & HOLDER) != 0)
		/* [shared.6] seq_cst; pairs with [shared.3] */
		if (fl_cas_seq_cst(&lock->fl_word, &word, word | WAITERS))
			return;
	fl_lot_wake_(view, lock, 1);
}

/* Releasing. */

/* The one that it is kept for is stopped: it is for whoever comes first again. */
static void take_back(fl_lock *lock, const struct fl_lot_view *view, uint32_t word)
{
	/* [shared.5] seq_cst; pairs with [shared.1], [shared.4] */
	if (fl_cas_seq_cst(&lock->fl_word, &word, 0))
		fl_lot_wake_(view, lock, 1);
}

/* Hands the lock to the first of those who wait. Returns false if nobody does. By the holder, as all of the rest. */
static bool hand_over(fl_lock *lock, const struct fl_lot_view *view, uint32_t word)
{
	uint32_t next = fl_lot_first_(view, lock);

	if (next == 0)
		return false;
	fl_store_relaxed(&lock->fl_passed, 0);
	/* [shared.5] seq_cst; pairs with [shared.1], [shared.4] */
	if (!fl_cas_seq_cst(&lock->fl_word, &word, next | HANDED | WAITERS))
		return false;
	if (!fl_lot_waits_(view, next, lock))
		fl_lot_wake_(view, lock, 1); /* it is free [H4] */
	else if (!fl_lot_rouse_(view, next))
		take_back(lock, view, next | HANDED | WAITERS);
	return true;
}

static void give_back(fl_lock *lock, const struct fl_lot_view *view, bool told)
{
	uint32_t word = fl_load_relaxed(&lock->fl_word), left;
	uint8_t passed = fl_load_relaxed(&lock->fl_passed);

	if ((word & (ORPHAN | WAITERS)) == WAITERS && passed >= OVERTAKING_MOST && hand_over(lock, view, word))
		return;
	if ((word & WAITERS) && passed < OVERTAKING_MOST)
		fl_store_relaxed(&lock->fl_passed, (uint8_t)(passed + 1));
	do {
		if ((word & HOLDER) == 0 || (word & HANDED))
			return; /* two threads released it at once; the other one was first */
		left = word & ORPHAN;
		if (left != 0 && told)
			left = LOST;
		/* [shared.3] seq_cst; pairs with [shared.2], [shared.4], [shared.6] */
	} while (!fl_cas_seq_cst(&lock->fl_word, &word, left));
	if (word & WAITERS)
		fl_lot_wake_(view, lock, left == LOST ? FL_PEERS : 1);
}

static __attribute__((noinline)) void release_slow(fl_lock *lock, enum fl_lock_kind kind, bool told)
{
	uint32_t word = fl_load_relaxed(&lock->fl_word);
	int error = 0;
	const struct fl_lot_mine *mine = fl_lot_mine(lock, &error);

	if (!mine)
		fl_shared_refuse_(fl_lock_kind_name(kind), lock, error);
	else if ((word & HOLDER) == 0 || (word & HOLDER) == LOST || (word & HANDED))
		fl_misuse_(fl_lock_kind_name(kind), lock, "released, but nobody holds it");
	else
		give_back(lock, mine->view, told);
}

void fl_lock_release_shared_(fl_lock *lock, enum fl_lock_kind kind)
{
	if (fl_unlikely(fl_checks() != 0))
		fl_check_released_(lock, kind);
	if (fl_unlikely(!fl_lock_drop_shared(lock)))
		release_slow(lock, kind, true);
}

void fl_lock_return_shared_(fl_lock *lock, enum fl_lock_kind kind)
{
	if (fl_unlikely(fl_checks() != 0))
		fl_check_released_(lock, kind);
	release_slow(lock, kind, false);
}

/* This thread has used another segment since, or none. */
bool fl_lock_mine_slow_(const fl_lock *lock)
{
	int error = 0;

	return fl_lot_mine(lock, &error) && fl_lock_mine_shared(lock);
}

/* The public calls that only they have. */

void fl_lock_init_shared(fl_lock *lock)
{
	*lock = (fl_lock){.fl_mode = FL_LOCK_SHARED};
}

/* In no segment that is known, nobody can wait for it. */
bool fl_lock_locked_shared_(const fl_lock *lock)
{
	uint32_t word = fl_load_relaxed(&lock->fl_word), holder = word & HOLDER;
	const struct fl_lot_view *view;

	if (holder == 0 || holder == LOST || !(word & HANDED))
		return holder != 0 && holder != LOST;
	view = fl_lot_view_(lock);
	return view && fl_lot_waits_(view, holder, lock);
}

int fl_lock_mend(fl_lock *lock)
{
	if (!fl_lock_is_shared(lock))
		return 0;
	if (!fl_lock_mine_shared(lock))
		return -EPERM;
	fl_and_relaxed(&lock->fl_word, ~ORPHAN);
	return 0;
}
