/*
 * sync/semaphore_shared.c - Semaphore between processes.
 *
 * fl_value
 *   bits 0-29  permits that nobody has taken; of one with holders, how many were taken over from the dead
 *   bit 31     WAITERS  somebody may be waiting. Set by who waits, cleared by a release
 * fl_bound     which kind it is: sync/semaphore_shared.h
 * fl_guess     what fl_value probably is, as with a private one, so that what is done at once is done by the same code
 *              (sync/semaphore.c); or WAITERS, and then in bits 0-28 the heir, or 0. Always the latter of one with
 *              holders: it is never done at once
 * fl_epoch     how much those who wait have been overtaken: each release to them counts, and more so each time that one
 *              of them was woken in vain. Who gets a permit after a wait makes it 0
 * fl_spin      what base/spin.c has learned
 *
 * Without holders the permits are a number, and that number is all that matters: each step is one compare and swap. Who
 * dies takes the permits along that he had. With holders each permit is a word behind the semaphore that says whose it
 * is (sync/semaphore_holders.c), and those of the dead are there for all. Waiting is the same for both, and is here.
 *
 * A permit is released to whoever comes first, and the first of those who wait is woken; a running thread may be
 * quicker. When that has gone far enough a release names an heir: while that one waits, nobody else takes a
 * permit. It is only a hint, and whoever keeps to it and goes to sleep has the heir look before: so it may be wrong.
 *
 * Invariants:
 *   [N1] Whoever sleeps has seen WAITERS set, or set it, after it said that it waits, and then found no permit. A
 *        release first puts the permit there, then looks for WAITERS: so one of them sees the other; all of it is
 *        seq_cst. (If a release finds no WAITERS and puts the permit there in one step, a later look finds the
 *        permit.)
 *   [N2] WAITERS goes only with a release, which then wakes as many as it has permits. Each one who has waited ends by
 *        setting WAITERS again, whether it has a permit or not, and then, if there are permits, by waking another one.
 *        So if somebody sleeps while there are permits, or WAITERS is clear, somebody who was woken is on the way.
 *        If that one dies, all look again.
 *   [N3] Who releases with WAITERS set has its place in the segment before: so if it dies before it has woken anybody,
 *        all look again.
 *   [N4] Who leaves a permit to the heir has seen it wait: then the heir is going to look once more [lot.5, lot.6], and
 *        takes the permit or wakes another one [N2]. One that is stopped is heir no more as soon as it does not hear
 *        that it is to look.
 *
 * Rejected: to give a permit to the one that is woken, as a private semaphore does (if it dies, the permit is gone); to
 * let nobody overtake who waits longer (each hand-over then takes two switches, and the permit is idle meanwhile).
 */
#include "sync/semaphore_shared.h"

#include "base/report.h"
#include "base/spin.h"
#include "sync/wait.h"
#include "sync/wait_shared.h"
#include <errno.h>

#define PERMITS FL_SEMAPHORE_PERMITS
#define WAITERS FL_SEMAPHORE_WAITERS

#define OVERTAKING_MOST 100u
#define IN_VAIN 25u

/* An acquisition under way. */
struct asker {
	fl_semaphore *semaphore;
	struct fl_lot_mine *mine;
	struct fl_permits permits;
};

/* Begins one, or a release: finds the thread's place and the semaphore's words. */
static int begin(struct asker *asker, fl_semaphore *semaphore)
{
	int error = 0;

	*asker = (struct asker){.semaphore = semaphore, .mine = fl_lot_mine(semaphore, &error)};
	if (!asker->mine)
		return fl_shared_refuse("semaphore", semaphore, error);
	return fl_permits_find_(semaphore, asker->mine->view, &asker->permits);
}

/* The heir. */

static uint32_t heir_of(const fl_semaphore *semaphore)
{
	uint32_t guess = fl_load_relaxed(&semaphore->fl_guess);

	return guess & WAITERS ? guess & FL_PEER_MASK : 0;
}

static void guess(fl_semaphore *semaphore, uint32_t value)
{
	value = value & WAITERS || fl_semaphore_has_holders(semaphore) ? WAITERS : value;
	if (fl_load_relaxed(&semaphore->fl_guess) != value)
		fl_store_relaxed(&semaphore->fl_guess, value);
}

static bool is_kept_for_another(const struct asker *asker)
{
	uint32_t heir = heir_of(asker->semaphore);

	return heir != 0 && heir != asker->mine->number &&
	       fl_lot_waits_(asker->mine->view, heir, asker->semaphore); /* [N4] */
}

static void overtaken(fl_semaphore *semaphore, uint32_t n)
{
	uint32_t so_far = fl_load_relaxed(&semaphore->fl_epoch);

	if (so_far < OVERTAKING_MOST)
		fl_store_relaxed(&semaphore->fl_epoch, (uint16_t)(so_far + n));
}

/* By a release to those who wait, before there is a permit. */
static void choose_heir(fl_semaphore *semaphore, const struct fl_lot_view *view, uint32_t value)
{
	bool enough = fl_load_relaxed(&semaphore->fl_epoch) >= OVERTAKING_MOST;
	uint32_t heir = enough ? fl_lot_first_(view, semaphore) : 0;

	overtaken(semaphore, 1);
	if (heir != 0)
		fl_store_relaxed(&semaphore->fl_guess, WAITERS | heir);
	else
		guess(semaphore, value);
}

/* The heir is to look. Returns false if it is stopped: then it is the heir no more. */
static bool rouse_heir(fl_semaphore *semaphore, const struct fl_lot_view *view)
{
	uint32_t heir = heir_of(semaphore);

	if (heir == 0 || fl_lot_rouse_(view, heir))
		return true;
	fl_store_relaxed(&semaphore->fl_guess, WAITERS);
	return false;
}

/* Acquiring. */

static bool take_number(const struct asker *asker)
{
	fl_semaphore *semaphore = asker->semaphore;
	/* [permits.1] seq_cst; pairs with [permits.2] */
	uint32_t value = fl_load_seq_cst(&semaphore->fl_value);

	while (value & PERMITS) {
		/* [permits.3] acquire; pairs with [permits.2], [semaphore.2] */
		if (!fl_cas_acquire(&semaphore->fl_value, &value, value - 1))
			continue;
		guess(semaphore, value - 1);
		return true;
	}
	return false;
}

static bool take_word(const struct asker *asker)
{
	if (!fl_permits_take_(&asker->permits, asker->mine->number) &&
	    !fl_permits_inherit_(asker->semaphore, &asker->permits, asker->mine->view, asker->mine->number))
		return false;
	guess(asker->semaphore, WAITERS);
	return true;
}

/* Takes a permit if there is one that is not kept for another. */
static bool take(const struct asker *asker)
{
	if (is_kept_for_another(asker))
		return false;
	return asker->permits.n == 0 ? take_number(asker) : take_word(asker);
}

/* How many permits there are. */
static uint32_t count(const fl_semaphore *semaphore, const struct fl_permits *permits, const struct fl_lot_view *view)
{
	if (permits->n != 0)
		return fl_permits_count_(permits, view);
	/* [permits.1] seq_cst; pairs with [permits.2] */
	return fl_load_seq_cst(&semaphore->fl_value) & PERMITS;
}

static void mark(fl_semaphore *semaphore)
{
	/* [permits.1] seq_cst; pairs with [permits.2] */
	uint32_t value = fl_load_seq_cst(&semaphore->fl_value);

	/* [permits.4] seq_cst; pairs with [permits.5] */
	while (!(value & WAITERS) && !fl_cas_seq_cst(&semaphore->fl_value, &value, value | WAITERS))
		;
}

/* By one that has said that it waits. If it leaves a permit to the heir, the heir is to look. [N1] */
static bool look(const struct asker *asker)
{
	const struct fl_lot_view *view = asker->mine->view;
	uint32_t heir;

	mark(asker->semaphore);
	if (take(asker))
		return true;
	heir = heir_of(asker->semaphore);
	if (heir == 0 || heir == asker->mine->number || count(asker->semaphore, &asker->permits, view) == 0)
		return false;
	return !rouse_heir(asker->semaphore, view) && take(asker);
}

static bool spin(const struct asker *asker, fl_time deadline)
{
	struct fl_spin spin;
	bool taken = false;

	for (fl_spin_begin_(&spin, &asker->semaphore->fl_spin, deadline, FL_SPIN_ELSEWHERE);
	     !taken && fl_spin_again_(&spin);)
		taken = count(asker->semaphore, &asker->permits, asker->mine->view) != 0 && take(asker);
	fl_spin_end_(&spin, taken);
	return taken;
}

/* After a wait. [N2] */
static void pass_on(const struct asker *asker)
{
	mark(asker->semaphore);
	if (count(asker->semaphore, &asker->permits, asker->mine->view) != 0)
		fl_lot_wake_(asker->mine->view, asker->semaphore, 1);
}

/* Waits for a permit. Returns 0 or why there is none. */
static int wait_for(const struct asker *asker, fl_time deadline, fl_note *note)
{
	struct fl_lot_wait wait;
	bool taken, was_woken;
	int refusal = 0;

	fl_lot_wait_begin_(&wait, asker->mine, asker->semaphore, NULL);
	for (;;) {
		fl_lot_wait_(&wait);
		taken = look(asker);
		if (taken)
			break;
		refusal = fl_shared_sleep_(&wait, deadline, note);
		was_woken = fl_lot_unwait_(&wait) == FL_LOT_WOKEN;
		taken = refusal == 0 && spin(asker, deadline);
		if (taken || refusal != 0)
			break;
		if (was_woken)
			overtaken(asker->semaphore, IN_VAIN);
	}
	fl_lot_wait_end_(&wait);
	taken = taken || take(asker); /* [N4] */
	if (taken)
		fl_store_relaxed(&asker->semaphore->fl_epoch, 0);
	pass_on(asker);
	return taken ? 0 : refusal;
}

int fl_semaphore_acquire_shared_(fl_semaphore *semaphore, fl_time deadline, fl_note *note)
{
	struct asker asker;
	int error = begin(&asker, semaphore);

	if (error != 0 || take(&asker))
		return error;
	error = fl_wait_refused_(deadline, note);
	if (error != 0 || spin(&asker, deadline))
		return error;
	return wait_for(&asker, deadline, note);
}

bool fl_semaphore_try_shared_(fl_semaphore *semaphore)
{
	struct asker asker;

	return begin(&asker, semaphore) == 0 && take(&asker);
}

/* Releasing. */

/* Clears WAITERS and adds n. Returns what it was before; -EOVERFLOW goes to ret_error. */
static uint32_t add_seq_cst(fl_semaphore *semaphore, uint32_t n, int *ret_error)
{
	uint32_t value = fl_load_relaxed(&semaphore->fl_value);

	do {
		if (n != 0 && fl_semaphore_exceeds(semaphore, value, n)) {
			*ret_error = -EOVERFLOW;
			return 0;
		}
		/* [permits.2] seq_cst; pairs with [permits.1], [permits.3], [semaphore.1] */
	} while (!fl_cas_seq_cst(&semaphore->fl_value, &value, (value & ~WAITERS) + n));
	return value;
}

/* Wakes n of those who wait, and the heir beside them. */
static void wake(const struct asker *asker, uint32_t n)
{
	rouse_heir(asker->semaphore, asker->mine->view);
	fl_lot_wake_(asker->mine->view, asker->semaphore, n);
}

static int release_number(const struct asker *asker, uint32_t n)
{
	fl_semaphore *semaphore = asker->semaphore;
	uint32_t value;
	int error = 0;

	choose_heir(semaphore, asker->mine->view, (fl_load_relaxed(&semaphore->fl_value) & PERMITS) + n);
	value = add_seq_cst(semaphore, n, &error);
	if (value & WAITERS)
		wake(asker, n);
	return error;
}

static int release_words(const struct asker *asker, uint32_t n)
{
	fl_semaphore *semaphore = asker->semaphore;
	int error, none = 0;

	if (fl_load_relaxed(&semaphore->fl_value) & WAITERS)
		choose_heir(semaphore, asker->mine->view, WAITERS);
	error = fl_permits_give_(&asker->permits, asker->mine->number, n);
	/* [permits.5] seq_cst; pairs with [permits.4] */
	if (error == 0 && (fl_load_seq_cst(&semaphore->fl_value) & WAITERS)) {
		add_seq_cst(semaphore, 0, &none);
		wake(asker, n);
	}
	return error;
}

/* Adds permits while nobody waits. Returns 1 if somebody does. */
static int add(fl_semaphore *semaphore, uint32_t n)
{
	uint32_t value = fl_load_relaxed(&semaphore->fl_value);

	for (;;) {
		if (fl_semaphore_exceeds(semaphore, value, n))
			return -EOVERFLOW;
		if (value & WAITERS)
			return 1;
		fl_store_relaxed(&semaphore->fl_guess, value + n);
		/* [permits.2] seq_cst; pairs with [permits.1], [permits.3], [semaphore.1] */
		if (fl_cas_seq_cst(&semaphore->fl_value, &value, value + n))
			return 0;
	}
}

int fl_semaphore_release_shared_(fl_semaphore *semaphore, uint32_t n)
{
	struct asker asker;
	int error = fl_semaphore_has_holders(semaphore) ? 1 : add(semaphore, n);

	if (error <= 0)
		return error;
	error = begin(&asker, semaphore);
	if (error != 0)
		return error;
	return asker.permits.n == 0 ? release_number(&asker, n) : release_words(&asker, n);
}

/* Looking. */

uint32_t fl_semaphore_value_shared_(const fl_semaphore *semaphore)
{
	const struct fl_lot_view *view = fl_lot_view_(semaphore);
	struct fl_permits permits = {0};

	if (fl_semaphore_has_holders(semaphore) && (!view || fl_permits_find_(semaphore, view, &permits) != 0))
		return 0;
	return count(semaphore, &permits, view);
}

bool fl_semaphore_waited_shared_(const fl_semaphore *semaphore)
{
	const struct fl_lot_view *view = fl_lot_view_(semaphore);

	return view && fl_lot_first_(view, semaphore) != 0;
}

/* The public calls that only they have. */

static int init(fl_semaphore *semaphore, uint32_t value, uint32_t bound)
{
	if (value > FL_SEMAPHORE_MAX)
		return -EINVAL;
	*semaphore = (fl_semaphore){.fl_value = value, .fl_bound = FL_SEMAPHORE_SHARED + bound, .fl_guess = value};
	return 0;
}

int fl_semaphore_init_shared(fl_semaphore *semaphore, uint32_t value)
{
	return init(semaphore, value, 0);
}

int fl_semaphore_init_shared_bounded(fl_semaphore *semaphore, uint32_t value)
{
	return init(semaphore, value, value + 1);
}
