/*
 * sync/rwlock.c - RWLock: many readers or one writer, served in order of arrival.
 *
 * fl_state
 *   bits 0-19   READERS: how many threads hold the read side
 *   bits 20-25  EPOCH: in which generation of forked children (base/fork.h) the rest of the word is true
 *   bit 29      ORPHANED: a fork left the writer behind; the next who acquires is told, and clears it
 *   bit 30      WRITING: a thread holds the write side
 *   bit 31      WAITERS: the queue may have somebody in it. Set by a waiter, cleared when the queue has become empty,
 *               both under the bucket's lock.
 * fl_writer     number of the thread that writes, while WRITING; 0 before it releases. So a thread finds its own number
 *               there only if it writes.
 *
 * Each thread keeps a list of the locks that it reads, with how often (struct fl_read_hold in base/self.h). So a
 * thread that reads may read again at once, also when a writer waits, where it would otherwise wait for a writer that
 * waits for it; an upgrade is recognised instead of waiting for itself; and a release by a thread that does not read
 * is caught. A lock has a thread's first read in READERS, not the further ones.
 *
 * Invariants:
 *   [R1] READERS > 0 and WRITING exclude each other.
 *   [R2] While WAITERS is set, nobody acquires by themselves: the lock is given, under the bucket's lock, to the head
 *        of the queue: to one writer, or to all readers up to the next writer. Hence no overtaking, and no starving
 *        of either. While it is set, fl_state changes only under the bucket's lock.
 *   [R3] When the queue is not empty, the head cannot be served as things are. Whoever changes that (a release, or a
 *        waiter that leaves) serves.
 *   [R4] A word of another EPOCH is the parent's. What the thread that forked reads is set right at once; any other
 *        word by whoever meets it first, under the bucket's lock: its readers are gone, and so is its writer, which
 *        leaves the lock ORPHANED, unless that is the thread that forked. Every change is a compare-and-swap from a
 *        word of this epoch, so none is made before that.
 *
 * One that processes share has its own file, rwlock_shared.c; the list of what a thread reads is the same.
 *
 * Rejected: letting readers overtake waiting writers (starves writers), or writers readers (starves readers).
 */
#include "sync/rwlock.h"

#include "base/fork.h"
#include "base/name.h"
#include "base/report.h"
#include "sync/check.h"
#include "sync/rwlock_shared.h"
#include "sync/wait.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define READERS 0x000fffffu
#define EPOCH_ONE 0x00100000u
#define EPOCH 0x03f00000u
#define ORPHANED 0x20000000u
#define WRITING 0x40000000u
#define WAITERS 0x80000000u

/* Makes sure that one more fits in the calling thread's list of what it reads. */
int fl_read_reserve_(void)
{
	struct fl_record *record;
	struct fl_read_hold *reads;
	uint32_t most;

	fl_self();
	record = fl_tls_.record;
	if (fl_likely(record->n_reads < record->max_reads))
		return 0;
	most = record->max_reads == 0 ? 8 : 2 * record->max_reads;
	reads = realloc(record->reads, most * sizeof(*reads));
	if (!reads)
		return -ENOMEM;
	record->reads = reads;
	record->max_reads = most;
	return 0;
}

/* Making and destroying. */

void fl_rwlock_init(fl_rwlock *lock, const char *name)
{
	memset(lock, 0, sizeof(*lock));
	fl_check_forget_(lock);
	fl_name_set_(lock, name);
}

void fl_rwlock_name(fl_rwlock *lock, const char *name)
{
	fl_name_set_(lock, name);
}

void fl_rwlock_destroy(fl_rwlock *lock)
{
	if (fl_rwlock_readers(lock) != 0) {
		fl_misuse_("rwlock", lock, "destroyed while it is held");
		return;
	}
	fl_check_forget_(lock);
	fl_name_set_(lock, NULL);
}

/* Acquiring and waiting. */

static bool writes(const fl_rwlock *lock)
{
	if (fl_unlikely(fl_rwlock_is_shared(lock)))
		return fl_rwlock_writes_shared_(lock);
	return fl_load_relaxed(&lock->fl_writer) == fl_self();
}

static inline uint32_t epoch(void)
{
	return fl_fork_epoch_ * EPOCH_ONE;
}

/* What the word of a lock ought to be in this process, where nobody reads it. */
static uint32_t right_state(const fl_rwlock *lock, uint32_t state)
{
	uint32_t writer = fl_load_relaxed(&lock->fl_writer);

	if ((state & WRITING) && writer != 0 && !fl_self_gone_(writer))
		return epoch() | WRITING;
	return epoch() | (state & (WRITING | ORPHANED) ? ORPHANED : 0);
}

/* The locks that the calling thread, the only one in a child, reads. Not left for later: then it may have company.
 * Those that processes share the parent reads, and not the child. */
static void after_fork(void)
{
	struct fl_record *record = fl_tls_.record;
	uint32_t i = record ? record->n_reads : 0;

	while (i-- > 0) {
		fl_rwlock *lock = (fl_rwlock *)(uintptr_t)record->reads[i].lock;

		if (fl_rwlock_is_shared(lock)) {
			fl_read_remove(&record->reads[i]);
			continue;
		}
		fl_store_relaxed(&lock->fl_writer, 0);
		fl_store_relaxed(&lock->fl_state, epoch() | 1);
	}
}

__attribute__((constructor)) static void at_start(void)
{
	fl_fork_register_(after_fork);
}

/* What every call begins with in a forked child. [R4] */
static void set_right(fl_rwlock *lock)
{
	uint32_t state = fl_load_relaxed(&lock->fl_state);
	struct fl_bucket *bucket;

	if ((state & EPOCH) == epoch())
		return;
	bucket = fl_park_lock_(lock);
	state = fl_load_relaxed(&lock->fl_state);
	if ((state & EPOCH) != epoch()) {
		state = right_state(lock, state);
		if (!(state & WRITING))
			fl_store_relaxed(&lock->fl_writer, 0);
		/* [rwlock.5] release; pairs with [rwlock.1] */
		fl_store_release(&lock->fl_state, state);
	}
	fl_park_unlock_(bucket);
}

static inline void begin(fl_rwlock *lock)
{
	if (fl_unlikely(fl_fork_epoch_ != 0) && !fl_rwlock_is_shared(lock))
		set_right(lock);
}

static inline bool admits(uint32_t state, enum fl_lock_kind kind)
{
	if (state & (WRITING | WAITERS | ORPHANED))
		return false;
	return kind == FL_KIND_READ ? (state & READERS) != READERS : (state & READERS) == 0;
}

static inline uint32_t with_side(uint32_t state, enum fl_lock_kind kind)
{
	return kind == FL_KIND_READ ? state + 1 : state | WRITING;
}

/* One attempt on a lock whose word is *state, which becomes what it was if it was another. */
static inline bool try_take(fl_rwlock *lock, enum fl_lock_kind kind, uint32_t *state)
{
	/* [rwlock.1] acquire; pairs with [rwlock.2], [rwlock.3], [rwlock.5] */
	if (!fl_cas_acquire(&lock->fl_state, state, with_side(*state & ~ORPHANED, kind)))
		return false;
	if (kind == FL_KIND_WRITE)
		fl_store_relaxed(&lock->fl_writer, fl_self());
	return true;
}

/* Acquires a lock that admits it. The first look is a guess: a wrong one costs less than a look at a word that has just
 * been changed. */
static inline bool take(fl_rwlock *lock, enum fl_lock_kind kind)
{
	uint32_t state = epoch();

	while (admits(state, kind))
		if (fl_likely(try_take(lock, kind, &state)))
			return true;
	return false;
}

/* Acquires a lock whose writer a fork has left behind. */
static bool inherit(fl_rwlock *lock, enum fl_lock_kind kind)
{
	uint32_t state = fl_load_relaxed(&lock->fl_state);

	while (state & ORPHANED)
		if (try_take(lock, kind, &state))
			return true;
	return false;
}

/* Gives what can be given to the head of the queue. Under the bucket's lock, with WAITERS set: nobody else changes
 * the state. [R2] */
static void serve(struct fl_bucket *bucket, fl_rwlock *lock, struct fl_wake_list *list)
{
	/* [rwlock.4] acquire; pairs with [rwlock.2] */
	uint32_t state = fl_load_acquire(&lock->fl_state);
	struct fl_waiter *waiter;

	while ((waiter = fl_park_first_(bucket, lock))) {
		if ((state & WRITING) || (waiter->kind == FL_KIND_WRITE && (state & READERS)))
			return;
		if (waiter->kind == FL_KIND_WRITE) {
			fl_store_relaxed(&lock->fl_writer, waiter->number);
			state |= WRITING;
		} else {
			if ((state & READERS) == READERS)
				return;
			state++;
		}
		/* [rwlock.5] release; pairs with [rwlock.1] */
		fl_store_release(&lock->fl_state, state);
		if (fl_unlikely(fl_checks() & FL_CHECK_ORDER))
			fl_check_given_(waiter->number);
		fl_park_take_(bucket, waiter, list);
	}
	fl_and_relaxed(&lock->fl_state, ~WAITERS);
}

static void left(struct fl_bucket *bucket, struct fl_waiter *waiter, struct fl_wake_list *list)
{
	serve(bucket, (fl_rwlock *)(uintptr_t)waiter->key, list);
}

/* Marks the lock for a thread that is about to queue; false if it can be acquired now. Under the bucket's lock. */
static bool mark(fl_rwlock *lock, enum fl_lock_kind kind)
{
	uint32_t state = fl_load_relaxed(&lock->fl_state);

	do {
		if (state & WAITERS)
			return true;
		if (admits(state, kind) || (state & ORPHANED))
			return false;
	} while (!fl_cas_relaxed(&lock->fl_state, &state, state | WAITERS));
	return true;
}

static bool queue(fl_rwlock *lock, struct fl_waiter *waiter)
{
	struct fl_bucket *bucket = fl_park_lock_(lock);
	bool marked = mark(lock, waiter->kind);

	if (marked)
		fl_park_push_(bucket, waiter, lock);
	fl_park_unlock_(bucket);
	return marked;
}

static int sleep_once(fl_rwlock *lock, struct fl_waiter *waiter, fl_time deadline, fl_note *note, const void *site)
{
	bool checked = fl_checks() & FL_CHECK_ORDER;
	int result = 0;

	if (fl_unlikely(checked)) {
		result = fl_check_wait_begin_(lock, waiter->kind, site, deadline == FL_FOREVER && !note);
		if (result != 0)
			return result;
	}
	if (queue(lock, waiter)) {
		result = fl_wait_(waiter, lock, deadline, note, &lock->fl_spin);
		if (result == 0)
			result = 1;
	}
	if (fl_unlikely(checked))
		fl_check_wait_end_();
	return result;
}

/* Waits until the lock is acquired. */
static int contend(fl_rwlock *lock, enum fl_lock_kind kind, fl_time deadline, fl_note *note, const void *site)
{
	struct fl_waiter waiter = {.kind = (uint8_t)kind, .number = fl_self(), .left = left};
	int result;

	for (;;) {
		if (take(lock, kind))
			return 0;
		if (inherit(lock, kind))
			return -EOWNERDEAD;
		result = fl_wait_refused_(deadline, note);
		if (result == 0)
			result = sleep_once(lock, &waiter, deadline, note, site);
		if (result != 0)
			return result > 0 ? 0 : result;
	}
}

static int acquire(fl_rwlock *lock, enum fl_lock_kind kind, fl_time deadline, fl_note *note, const void *site)
{
	unsigned checks = fl_checks();
	fl_time since = 0;
	int error = 0;

	if (fl_unlikely(fl_rwlock_is_shared(lock)))
		return fl_rwlock_acquire_shared_(lock, kind, deadline, note, site);
	if (fl_unlikely(checks != 0) && deadline > 0)
		fl_check_before_(lock, kind, site);
	if (!take(lock, kind)) {
		since = fl_unlikely(checks & FL_CHECK_TIMES) ? fl_now() : 0;
		error = contend(lock, kind, deadline, note, site);
	}
	if (error != 0 && error != -EOWNERDEAD)
		return error;
	if (kind == FL_KIND_READ)
		fl_read_add(lock);
	if (fl_unlikely(checks != 0))
		fl_check_acquired_(lock, kind, site, since);
	return error;
}

/* Takes it if that needs no waiting, and not from a writer that is gone: nobody could be told. */
static bool try(fl_rwlock *lock, enum fl_lock_kind kind, const void *site)
{
	if (fl_unlikely(fl_rwlock_is_shared(lock)))
		return fl_rwlock_try_shared_(lock, kind, site);
	if (!take(lock, kind))
		return false;
	if (kind == FL_KIND_READ)
		fl_read_add(lock);
	if (fl_unlikely(fl_checks() != 0))
		fl_check_acquired_(lock, kind, site, 0);
	return true;
}

static int acquire_read(fl_rwlock *lock, fl_time deadline, fl_note *note, const void *site)
{
	struct fl_read_hold *hold = fl_read_find(lock);

	begin(lock);
	if (hold) {
		hold->count++;
		return 0;
	}
	if (fl_unlikely(writes(lock)))
		return -EDEADLK;
	return fl_read_reserve_() == 0 ? acquire(lock, FL_KIND_READ, deadline, note, site) : -ENOMEM;
}

static int acquire_write(fl_rwlock *lock, fl_time deadline, fl_note *note, const void *site)
{
	begin(lock);
	if (fl_unlikely(fl_read_find(lock) || writes(lock)))
		return -EDEADLK;
	return acquire(lock, FL_KIND_WRITE, deadline, note, site);
}

int fl_rwlock_acquire_read(fl_rwlock *lock)
{
	return acquire_read(lock, FL_FOREVER, NULL, __builtin_return_address(0));
}

int fl_rwlock_acquire_read_until(fl_rwlock *lock, fl_time deadline, fl_note *note)
{
	return acquire_read(lock, deadline, note, __builtin_return_address(0));
}

bool fl_rwlock_acquire_read_try(fl_rwlock *lock)
{
	struct fl_read_hold *hold = fl_read_find(lock);

	begin(lock);
	if (hold)
		hold->count++;
	return hold || (fl_read_reserve_() == 0 && try(lock, FL_KIND_READ, __builtin_return_address(0)));
}

int fl_rwlock_acquire_write(fl_rwlock *lock)
{
	return acquire_write(lock, FL_FOREVER, NULL, __builtin_return_address(0));
}

int fl_rwlock_acquire_write_until(fl_rwlock *lock, fl_time deadline, fl_note *note)
{
	return acquire_write(lock, deadline, note, __builtin_return_address(0));
}

bool fl_rwlock_acquire_write_try(fl_rwlock *lock)
{
	begin(lock);
	return try(lock, FL_KIND_WRITE, __builtin_return_address(0));
}

/* Releasing. */

/* Takes `what` (one reader, or WRITING) out of the state and serves those who wait. */
static void release_slow(fl_rwlock *lock, uint32_t what)
{
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket = fl_park_lock_(lock);

	/* [rwlock.3] release; pairs with [rwlock.1] */
	if (fl_sub_release(&lock->fl_state, what) & WAITERS) /* if not, it may be gone by now */
		serve(bucket, lock, &list);
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
}

/* `state` is what the state probably is: that nobody else holds the lock or waits for it. */
static void release(fl_rwlock *lock, uint32_t state, uint32_t what)
{
	state |= epoch();
	while (!(state & WAITERS))
		/* [rwlock.2] release; pairs with [rwlock.1], [rwlock.4] */
		if (fl_likely(fl_cas_release(&lock->fl_state, &state, state - what)))
			return;
	release_slow(lock, what);
}

void fl_rwlock_release_read(fl_rwlock *lock)
{
	struct fl_read_hold *hold = fl_read_find(lock);

	if (fl_unlikely(!hold)) {
		fl_misuse_("rwlock", lock, "its read side released by a thread that does not hold it");
		return;
	}
	begin(lock);
	if (--hold->count > 0)
		return;
	fl_read_remove(hold);
	if (fl_unlikely(fl_rwlock_is_shared(lock))) {
		fl_rwlock_release_read_shared_(lock);
		return;
	}
	if (fl_unlikely(fl_checks() != 0))
		fl_check_released_(lock, FL_KIND_READ);
	release(lock, 1, 1);
}

static bool refuse_write(const fl_rwlock *lock, const char *what)
{
	if (fl_likely(writes(lock)))
		return false;
	fl_misuse_("rwlock", lock, "its write side %s by a thread that does not hold it", what);
	return true;
}

void fl_rwlock_release_write(fl_rwlock *lock)
{
	if (refuse_write(lock, "released"))
		return;
	if (fl_unlikely(fl_rwlock_is_shared(lock))) {
		fl_rwlock_release_write_shared_(lock);
		return;
	}
	begin(lock);
	if (fl_unlikely(fl_checks() != 0))
		fl_check_released_(lock, FL_KIND_WRITE);
	fl_store_relaxed(&lock->fl_writer, 0);
	release(lock, WRITING, WRITING);
}

int fl_rwlock_downgrade(fl_rwlock *lock)
{
	if (refuse_write(lock, "turned into a read side"))
		return -EPERM;
	if (fl_read_reserve_() != 0)
		return -ENOMEM;
	if (fl_unlikely(fl_rwlock_is_shared(lock))) {
		fl_rwlock_downgrade_shared_(lock, __builtin_return_address(0));
		return 0;
	}
	begin(lock);
	if (fl_unlikely(fl_checks() != 0)) {
		fl_check_released_(lock, FL_KIND_WRITE);
		fl_check_acquired_(lock, FL_KIND_READ, __builtin_return_address(0), 0);
	}
	fl_store_relaxed(&lock->fl_writer, 0);
	fl_read_add(lock);
	release(lock, WRITING, WRITING - 1);
	return 0;
}

int fl_rwlock_readers(const fl_rwlock *lock)
{
	uint32_t state = fl_load_relaxed(&lock->fl_state);

	if (fl_unlikely(fl_rwlock_is_shared(lock)))
		return fl_rwlock_readers_shared_(lock);
	if (fl_unlikely((state & EPOCH) != epoch()))
		state = right_state(lock, state);
	return state & WRITING ? -1 : (int)(state & READERS);
}
