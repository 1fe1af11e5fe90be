/*
 * sync/rwlock_shared.c - RWLock between processes: readers have places, and a writer closes the gate and waits until
 * these are empty.
 *
 * fl_state
 *   bits 0-28  HOLDER   the peer that has closed the gate: the writer, or one that waits for readers to leave; or whom
 *                       the lock is KEPT for. 0: nobody; all ones: LOST, nobody will hold it again
 *   bit 29     KEPT     HOLDER waits, and comes first: if he reads, readers may come in, and no writer; if he writes,
 *                       he alone
 *   bit 30     ORPHAN   a writer has died, and what the lock protects has not been said to be mended since
 *   bit 31     WAITERS  somebody may be waiting. Set by who waits; cleared by who then wakes somebody
 * fl_writer    the peer that is in; while ORPHAN, and nobody is, the one that died. So of a dead HOLDER it says
 *              whether he has changed anything
 * fl_spin      how many writers in a row came in while others waited
 * fl_n_places  how many places there are for readers. Behind them is one more, for a writer that becomes a reader
 * fl_places    where they are, in words from the lock
 *
 * A place is a word: the number of the peer that reads, or 0. A reader takes one that is empty, and then looks at the
 * gate; a writer closes the gate, and then looks at the places. So one of them sees the other (seq_cst), and a reader
 * that finds the gate closed leaves again. A place of a dead one is empty: whoever needs it takes it back.
 *
 * Three keys to wait for: readers wait for the lock, writers for &fl_writer, and the one that has closed the gate,
 * until the readers have left, for &fl_spin.
 *
 * Neither side starves. A closed gate keeps new readers out; and a writer that leaves while readers wait keeps the lock
 * for the one that has waited longest: no writer closes the gate before that one is in, or has gone. Among writers who
 * comes first has it, but after OVERTAKING_MOST of these it is kept for the one that has waited longest. A writer that
 * waits at an open gate is woken by the next reader that leaves, whoever waits for the place, and closes it.
 *
 * A dead writer is told to all who come, readers too, until one that writes has mended it: a reader cannot mend, but it
 * is better that he reads and knows than that he waits for a writer who may never come.
 *
 * Invariants:
 *   [S1] Whoever sleeps has seen WAITERS set, or set it, after he said that he waits, and then looked again.
 *   [S2] Who was woken sets WAITERS again: with the gate that he closes, when he has a place, when he finds that he has
 *        to wait on; or he goes away and passes it on (pass_on). If he dies, all look again. While WAITERS is clear,
 *        others leave their places without a word, and only one reader was woken: so once he has a place and has set
 *        WAITERS, he has the next one look (call_next). Who leaves after that says so himself.
 *   [S3] While the gate is closed, its HOLDER owes those who wait a look, when he opens it. What was left to do before
 *        is done then: so nobody else wakes anybody but him.
 *   [S4] KEPT counts for as long as HOLDER waits (fl_lot_waits_). Who keeps it then looks whether that one still does;
 *        who goes away says so and then looks whether it is kept for him. [O5] For one that is stopped it is not.
 *
 * Rejected: a count of readers (whose count does a death lower?); a lock of each reader in the kernel (a system call).
 */
#include "sync/rwlock_shared.h"

#include "base/report.h"
#include "sync/rwlock.h"
#include "sync/wait.h"
#include "sync/wait_shared.h"
#include <errno.h>
#include <string.h>

#define HOLDER FL_RWLOCK_HOLDER
#define LOST FL_RWLOCK_LOST
#define KEPT FL_RWLOCK_KEPT
#define ORPHAN FL_RWLOCK_ORPHAN
#define WAITERS 0x80000000u

#define OVERTAKING_MOST 100u

/* A lock, as this thread has it; and what it wants of it. */
struct asker {
	fl_rwlock *lock;
	struct fl_lot_mine *mine;
	const struct fl_lot_view *view;
	uint32_t *places;
	uint32_t n_places, me;
	enum fl_lock_kind kind;
	fl_time deadline;
	fl_note *note;
	bool waits; /* it has said that it waits */
};

int fl_rwlock_init_shared(fl_rwlock *lock, uint32_t readers, uint32_t *places)
{
	int64_t away = (int64_t)((uintptr_t)places - (uintptr_t)lock) / (int64_t)sizeof(*places);

	if (readers == 0 || readers > FL_PEERS || away != (int32_t)away)
		return -EINVAL;
	memset(places, 0, FL_RWLOCK_PLACES(readers) * sizeof(*places));
	*lock = (fl_rwlock){.fl_n_places = (uint16_t)readers, .fl_places = (int32_t)away};
	return 0;
}

static int find(const fl_rwlock *lock, enum fl_lock_kind kind, struct asker *asker)
{
	int64_t away = (int64_t)fl_load_relaxed(&lock->fl_places) * (int64_t)sizeof(uint32_t);
	int error = 0;

	*asker = (struct asker){.lock = (fl_rwlock *)(uintptr_t)lock, .kind = kind};
	asker->mine = fl_lot_mine(lock, &error);
	if (!asker->mine)
		return fl_shared_refuse("rwlock", lock, error);
	asker->view = asker->mine->view;
	asker->me = asker->mine->number;
	asker->n_places = fl_load_relaxed(&lock->fl_n_places);
	if (asker->n_places > 0 && asker->n_places <= FL_PEERS)
		asker->places =
			fl_shared_place_(asker->mine, lock, away, FL_RWLOCK_PLACES(asker->n_places) * sizeof(uint32_t));
	if (asker->places)
		return 0;
	fl_misuse_("rwlock", lock, "its places are not in the same segment");
	return -EINVAL;
}

static uint32_t load_state(const fl_rwlock *lock)
{
	/* [gate.1] seq_cst; pairs with [gate.2] */
	return fl_load_seq_cst(&lock->fl_state);
}

static bool swap_state(fl_rwlock *lock, uint32_t *state, uint32_t next)
{
	/* [gate.2] seq_cst; pairs with [gate.1] */
	return fl_cas_seq_cst(&lock->fl_state, state, next);
}

static const void *readers_key(const fl_rwlock *lock)
{
	return lock;
}

static const void *writers_key(const fl_rwlock *lock)
{
	return &lock->fl_writer;
}

/* Whether it is kept for somebody who waits, with that key. [S4] */
static bool is_kept(const struct asker *asker, uint32_t state, const void *key)
{
	return (state & KEPT) && fl_lot_waits_(asker->view, state & HOLDER, key);
}

/* Whether somebody has closed the gate. He may be dead. */
static bool is_closed(uint32_t state)
{
	return (state & HOLDER) != 0 && !(state & KEPT);
}

/* Places. */

/* Where a peer looks first: most find that empty. */
static uint32_t usual_place(const struct asker *asker)
{
	return (asker->me & (FL_PEERS - 1)) % asker->n_places;
}

/* Takes a place that is empty, or whose reader is dead. */
static bool sit_down(const struct asker *asker)
{
	uint32_t at = usual_place(asker);

	for (uint32_t i = 0; i < asker->n_places; i++, at = at + 1 < asker->n_places ? at + 1 : 0) {
		uint32_t *place = &asker->places[at];
		/* [sits.3] seq_cst; pairs with [sits.1], [sits.2] */
		uint32_t number = fl_load_seq_cst(place);

		if (number != 0 && fl_lot_alive_(asker->view, number))
			continue;
		/* [sits.1] seq_cst; pairs with [sits.3] */
		if (fl_cas_seq_cst(place, &number, asker->me))
			return true;
	}
	return false;
}

/* Whether a living reader has a place. Takes back those of the dead. */
static bool is_read(const struct asker *asker)
{
	for (uint32_t i = 0; i <= asker->n_places; i++) {
		/* [sits.3] seq_cst; pairs with [sits.1], [sits.2] */
		uint32_t number = fl_load_seq_cst(&asker->places[i]);

		if (number == 0)
			continue;
		if (fl_lot_alive_(asker->view, number))
			return true;
		/* [sits.1] seq_cst; pairs with [sits.3] */
		fl_cas_seq_cst(&asker->places[i], &number, 0);
	}
	return false;
}

static void empty_place(const struct asker *asker)
{
	uint32_t at = usual_place(asker);

	for (uint32_t i = 0; i <= asker->n_places; i++, at++) {
		if (at > asker->n_places)
			at = 0;
		if (fl_load_relaxed(&asker->places[at]) != asker->me)
			continue;
		/* [sits.2] seq_cst; pairs with [sits.3] */
		fl_store_seq_cst(&asker->places[at], 0);
		return;
	}
}

/* Waking. */

/* By who has been woken, or might have been, and has no use for it; and by who leaves a place. [S2, S3] */
static void pass_on(const struct asker *asker)
{
	fl_rwlock *lock = asker->lock;
	uint32_t state = load_state(lock);
	bool later, for_reader;

	do {
		later = is_closed(state) || is_kept(asker, state, writers_key(lock));
		for_reader = is_kept(asker, state, readers_key(lock));
	} while (!swap_state(lock, &state, later || for_reader ? state | WAITERS : state & ORPHAN));
	if (later)
		return;
	/* One that it is kept for may be waiting for a place. */
	fl_lot_wake_(asker->view, readers_key(lock), 1);
	if (!for_reader)
		fl_lot_wake_(asker->view, writers_key(lock), 1);
}

/* By a reader that has waited, and has a place. [S2] */
static void call_next(const struct asker *asker)
{
	uint32_t state = load_state(asker->lock);

	while (!(state & WAITERS) && !swap_state(asker->lock, &state, state | WAITERS))
		;
	if (!is_closed(state))
		fl_lot_wake_(asker->view, readers_key(asker->lock), 1);
}

/* What the state becomes when the gate is opened, beside ORPHAN. */
static uint32_t who_is_next(const struct asker *asker, uint32_t state)
{
	uint32_t next = 0;

	if (!(state & WAITERS))
		return 0;
	next = fl_lot_first_(asker->view, readers_key(asker->lock));
	if (next == 0 && fl_load_relaxed(&asker->lock->fl_spin) >= OVERTAKING_MOST)
		next = fl_lot_first_(asker->view, writers_key(asker->lock));
	return next != 0 ? next | KEPT | WAITERS : 0;
}

/* The one that it is kept for is stopped. [S4] */
static void keep_no_more(const struct asker *asker, uint32_t next)
{
	uint32_t kept = next & (HOLDER | KEPT), state = load_state(asker->lock);

	while ((state & (HOLDER | KEPT)) == kept && !swap_state(asker->lock, &state, state & ~kept))
		;
	pass_on(asker);
}

static void wake_next(const struct asker *asker, uint32_t next)
{
	fl_rwlock *lock = asker->lock;
	bool heard;

	uint16_t passed = fl_load_relaxed(&lock->fl_spin);

	fl_store_relaxed(&lock->fl_spin, next != 0 || passed >= OVERTAKING_MOST ? 0 : (uint16_t)(passed + 1));
	if (next == 0) {
		if (fl_lot_wake_(asker->view, writers_key(lock), 1) == 0)
			fl_lot_wake_(asker->view, readers_key(lock), FL_PEERS);
		return;
	}
	heard = fl_lot_rouse_(asker->view, next & HOLDER);
	if (!is_kept(asker, next, writers_key(lock)))
		fl_lot_wake_(asker->view, readers_key(lock), FL_PEERS);
	if (!heard)
		keep_no_more(asker, next);
	else if (!is_kept(asker, next, readers_key(lock)) && !is_kept(asker, next, writers_key(lock)))
		pass_on(asker); /* [S4] */
}

/* By who has closed the gate. `left`: ORPHAN stays. */
static void open_gate(const struct asker *asker, bool left)
{
	uint32_t state = load_state(asker->lock), next, orphan;

	do {
		if ((state & HOLDER) != asker->me || (state & KEPT))
			return; /* others have written to it */
		orphan = left ? state & ORPHAN : 0;
		next = who_is_next(asker, state);
	} while (!swap_state(asker->lock, &state, next | orphan));
	if (state & WAITERS)
		wake_next(asker, next);
}

static void lose(const struct asker *asker)
{
	uint32_t state = load_state(asker->lock);

	while (!swap_state(asker->lock, &state, LOST))
		;
	fl_lot_wake_(asker->view, readers_key(asker->lock), FL_PEERS);
	fl_lot_wake_(asker->view, writers_key(asker->lock), FL_PEERS);
}

/* Leaves one's place. */
static void stand_up(const struct asker *asker)
{
	uint32_t state;

	empty_place(asker);
	state = load_state(asker->lock);
	if (fl_likely((state & ~ORPHAN) == 0) || (state & HOLDER) == LOST)
		return;
	if (!is_closed(state)) {
		if (state & WAITERS)
			pass_on(asker);
	} else if (!is_read(asker)) {
		fl_lot_rouse_(asker->view, state & HOLDER);
	}
}

/* Acquiring. */

/* Opens a gate that a dead one has closed. All who wait look at it: he has died. */
static void take_back(const struct asker *asker, uint32_t state)
{
	bool was_in = fl_load_relaxed(&asker->lock->fl_writer) == (state & HOLDER);

	swap_state(asker->lock, &state, (state & ORPHAN) | WAITERS | (was_in ? ORPHAN : 0));
}

/* Whether this thread may have it, as the state says; but a reader needs a place as well. */
static bool may_have(const struct asker *asker, uint32_t state)
{
	if ((state & HOLDER) == 0)
		return true;
	if (is_closed(state))
		return false;
	if (asker->kind == FL_KIND_READ)
		return !is_kept(asker, state, writers_key(asker->lock));
	return (state & HOLDER) == asker->me ||
	       (!is_kept(asker, state, readers_key(asker->lock)) && !is_kept(asker, state, writers_key(asker->lock)));
}

/* Has a place, if the gate is still open. */
static bool come_in(const struct asker *asker)
{
	if (!sit_down(asker))
		return false;
	if (fl_likely(may_have(asker, load_state(asker->lock))))
		return true;
	stand_up(asker);
	return false;
}

static bool close_gate(const struct asker *asker, uint32_t state)
{
	uint32_t closed = asker->me | (state & (ORPHAN | WAITERS)) | (asker->waits ? WAITERS : 0);

	return swap_state(asker->lock, &state, closed);
}

/* One attempt: a reader is in then, a writer has closed the gate. Who waits leaves his mark. Returns 0,
 * -ENOTRECOVERABLE; -EAGAIN: it cannot be had. */
static int take(const struct asker *asker)
{
	for (;;) {
		uint32_t state = load_state(asker->lock);

		if ((state & HOLDER) == LOST)
			return -ENOTRECOVERABLE;
		if (is_closed(state) && !fl_lot_alive_(asker->view, state & HOLDER)) {
			take_back(asker, state);
			continue;
		}
		if (may_have(asker, state)) {
			if (asker->kind == FL_KIND_READ ? come_in(asker) : close_gate(asker, state))
				return 0;
			if (asker->kind == FL_KIND_WRITE)
				continue;
		}
		if (!asker->waits || (state & WAITERS))
			return -EAGAIN;
		swap_state(asker->lock, &state, state | WAITERS); /* [S1] */
	}
}

/* Waits for what `try` looks for, and leaves no trace of that. Returns what it does, -EAGAIN: *ret_refusal says why. */
static int wait_until(struct asker *asker, const void *key, int (*try)(const struct asker *asker), int *ret_refusal)
{
	struct fl_lot_wait wait;
	int result;

	fl_lot_wait_begin_(&wait, asker->mine, key, NULL);
	for (;;) {
		fl_lot_wait_(&wait);
		result = try(asker);
		if (result != -EAGAIN || *ret_refusal != 0)
			break;
		*ret_refusal = fl_shared_sleep_(&wait, asker->deadline, asker->note);
	}
	fl_lot_wait_end_(&wait);
	return result == -EAGAIN ? try(asker) : result;
}

static int is_empty(const struct asker *asker)
{
	return is_read(asker) ? -EAGAIN : 0;
}

/* A writer that has closed the gate waits until the readers have left. */
static int go_in(struct asker *asker, int refusal)
{
	int result = is_empty(asker);

	if (result != 0 && refusal == 0)
		result = wait_until(asker, &asker->lock->fl_spin, is_empty, &refusal);
	if (result == 0)
		return 0;
	open_gate(asker, true);
	return refusal;
}

/* What a new holder is told, and those after him. */
static int told(const struct asker *asker)
{
	uint32_t before = fl_load_relaxed(&asker->lock->fl_writer);
	bool orphaned = load_state(asker->lock) & ORPHAN;
	struct fl_lot_about about;

	if (orphaned) {
		fl_lot_about_(asker->view, before, &about);
		fl_shared_died_(&about);
	}
	if (asker->kind == FL_KIND_WRITE)
		fl_store_relaxed(&asker->lock->fl_writer, asker->me);
	return orphaned ? -EOWNERDEAD : 0;
}

static int acquire(struct asker *asker)
{
	int refusal = fl_wait_refused_(asker->deadline, asker->note), result;

	/* Who may not wait does not close the gate in front of others for nothing. */
	if (asker->kind == FL_KIND_WRITE && refusal != 0 && is_read(asker))
		return refusal;
	result = take(asker);
	if (result == -EAGAIN && refusal == 0) {
		const fl_rwlock *lock = asker->lock;

		asker->waits = true;
		result = wait_until(asker, asker->kind == FL_KIND_READ ? readers_key(lock) : writers_key(lock), take,
				    &refusal);
		if (result == -EAGAIN)
			pass_on(asker);
		else if (result == 0 && asker->kind == FL_KIND_READ)
			call_next(asker);
	}
	if (result == -EAGAIN)
		return refusal;
	if (result == 0 && asker->kind == FL_KIND_WRITE)
		result = go_in(asker, refusal);
	return result == 0 ? told(asker) : result;
}

static void acquired(const struct asker *asker, const void *site, fl_time since)
{
	if (asker->kind == FL_KIND_READ)
		fl_read_add(asker->lock);
	if (fl_unlikely(fl_checks() != 0))
		fl_check_acquired_(asker->lock, asker->kind, site, since);
}

int fl_rwlock_acquire_shared_(fl_rwlock *lock, enum fl_lock_kind kind, fl_time deadline, fl_note *note,
			      const void *site)
{
	struct asker asker;
	fl_time since = 0;
	int error = find(lock, kind, &asker);

	if (error != 0)
		return error;
	asker.deadline = deadline;
	asker.note = note;
	if (fl_unlikely(fl_checks() != 0)) {
		if (deadline > 0)
			fl_check_before_(lock, kind, site);
		if ((fl_checks() & FL_CHECK_TIMES) && fl_load_relaxed(&lock->fl_state) != 0)
			since = fl_now();
	}
	error = acquire(&asker);
	if (error == 0 || error == -EOWNERDEAD)
		acquired(&asker, site, since);
	return error;
}

bool fl_rwlock_try_shared_(fl_rwlock *lock, enum fl_lock_kind kind, const void *site)
{
	struct asker asker;
	uint32_t state;

	if (find(lock, kind, &asker) != 0)
		return false;
	state = load_state(lock);
	if ((state & ORPHAN) || !may_have(&asker, state)) /* nobody could be told */
		return false;
	if (kind == FL_KIND_READ ? !come_in(&asker) : is_read(&asker) || !close_gate(&asker, state))
		return false;
	if (kind == FL_KIND_WRITE && go_in(&asker, -EAGAIN) != 0)
		return false;
	if (told(&asker) != 0) { /* a writer has died since; only a reader comes to this */
		stand_up(&asker);
		return false;
	}
	acquired(&asker, site, 0);
	return true;
}

/* Releasing. */

void fl_rwlock_release_read_shared_(fl_rwlock *lock)
{
	struct asker asker;

	if (fl_unlikely(fl_checks() != 0))
		fl_check_released_(lock, FL_KIND_READ);
	if (find(lock, FL_KIND_READ, &asker) == 0)
		stand_up(&asker);
}

void fl_rwlock_release_write_shared_(fl_rwlock *lock)
{
	struct asker asker;

	if (fl_unlikely(fl_checks() != 0))
		fl_check_released_(lock, FL_KIND_WRITE);
	if (find(lock, FL_KIND_WRITE, &asker) != 0)
		return;
	if (load_state(lock) & ORPHAN) {
		lose(&asker);
		return;
	}
	fl_store_relaxed(&lock->fl_writer, 0);
	open_gate(&asker, false);
}

void fl_rwlock_downgrade_shared_(fl_rwlock *lock, const void *site)
{
	struct asker asker;

	if (find(lock, FL_KIND_WRITE, &asker) != 0)
		return;
	if (fl_unlikely(fl_checks() != 0))
		fl_check_released_(lock, FL_KIND_WRITE);
	asker.kind = FL_KIND_READ;
	/* [sits.2] seq_cst; pairs with [sits.3] */
	fl_store_seq_cst(&asker.places[asker.n_places], asker.me);
	acquired(&asker, site, 0);
	fl_store_relaxed(&lock->fl_writer, 0);
	open_gate(&asker, true);
}

int fl_rwlock_mend(fl_rwlock *lock)
{
	if (!fl_rwlock_is_shared(lock))
		return 0;
	if (!fl_rwlock_writes_shared_(lock))
		return -EPERM;
	fl_and_relaxed(&lock->fl_state, ~ORPHAN);
	return 0;
}

bool fl_rwlock_writes_shared_(const fl_rwlock *lock)
{
	uint32_t state = fl_load_relaxed(&lock->fl_state);
	int error = 0;
	const struct fl_lot_mine *mine;

	if (!is_closed(state) || fl_load_relaxed(&lock->fl_writer) != (state & HOLDER))
		return false;
	mine = fl_lot_mine(lock, &error);
	return mine && (state & HOLDER) == mine->number;
}

int fl_rwlock_readers_shared_(const fl_rwlock *lock)
{
	struct asker asker;
	uint32_t state = load_state(lock);
	int n = 0;

	if (find(lock, FL_KIND_READ, &asker) != 0)
		return 0;
	if (is_closed(state) && (state & HOLDER) != LOST && fl_load_relaxed(&lock->fl_writer) == (state & HOLDER))
		return -1;
	for (uint32_t i = 0; i <= asker.n_places; i++) {
		uint32_t number = fl_load_relaxed(&asker.places[i]);

		n += number != 0 && fl_lot_alive_(asker.view, number);
	}
	return n;
}
