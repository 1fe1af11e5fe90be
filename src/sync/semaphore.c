/*
 * sync/semaphore.c - Semaphore: permits, handed out first come, first served.
 *
 * fl_value
 *   bits 0-29  permits that nobody has taken
 *   bit 30     SPINNING: one thread, which came before all that are in the queue, spins for a permit
 *   bit 31     WAITERS: the queue may have somebody in it. Set by a waiter, cleared by who empties the queue, both
 *                       under the bucket's lock.
 * fl_bound     0: unbounded; otherwise one more than the most permits there may be. Bit 31: it is one that processes
 *              share. What is done at once is the same then; the rest is sync/semaphore_shared.c's
 * fl_epoch     in which generation of forked children SPINNING and WAITERS were set (base/fork.h)
 * fl_guess     what fl_value probably is: what the last change left. A load of fl_value right after an atomic
 *              instruction on it waits for that to be done, which is half as long again as the instruction; a guess
 *              that is wrong only makes the compare-and-swap fail, and then fl_value is looked at.
 *
 * The thread that spins does so on fl_value itself, so a release to it is one atomic instruction and one cache line
 * that changes hands.
 *
 * Invariants:
 *   [M1] While SPINNING or WAITERS is set, a permit is for those who wait: the first one for the thread that spins,
 *        the others for the queue in its order. A thread that comes then joins the queue. So nobody overtakes.
 *   [M2] While WAITERS is set, fl_value changes only under the bucket's lock, and there are permits only if SPINNING
 *        is set.
 *   [M3] A waiter that is given a permit has it, and need not look at fl_value again. One whose deadline passes has
 *        either left the queue or been given a permit, never both. [P2]
 *   [M4] SPINNING and WAITERS of another epoch are about threads that stayed in the parent, and are cleared under the
 *        bucket's lock by the next who looks at them.
 *
 * A release from a signal handler that interrupted its own thread inside a bucket's lock is left to the end of that
 * section.
 *
 * Rejected: letting running threads overtake, as sem_t does (faster if a semaphore is abused as a lock, but then
 * somebody starves); tickets (a waiter that gives up leaves a hole).
 */
#include <fairlead/semaphore.h>

#include "base/fork.h"
#include "base/name.h"
#include "base/report.h"
#include "base/spin.h"
#include "sync/semaphore_shared.h"
#include "sync/wait.h"
#include <errno.h>
#include <string.h>

#define SPINNING FL_SEMAPHORE_SPINNING
#define WAITERS FL_SEMAPHORE_WAITERS
#define PERMITS FL_SEMAPHORE_PERMITS

static int init(fl_semaphore *semaphore, uint32_t value, uint32_t bound, const char *name)
{
	if (value > FL_SEMAPHORE_MAX)
		return -EINVAL;
	memset(semaphore, 0, sizeof(*semaphore));
	semaphore->fl_value = value;
	semaphore->fl_bound = bound;
	fl_name_set_(semaphore, name);
	return 0;
}

int fl_semaphore_init(fl_semaphore *semaphore, uint32_t value, const char *name)
{
	return init(semaphore, value, 0, name);
}

int fl_semaphore_init_bounded(fl_semaphore *semaphore, uint32_t value, const char *name)
{
	return init(semaphore, value, value + 1, name);
}

void fl_semaphore_name(fl_semaphore *semaphore, const char *name)
{
	fl_name_set_(semaphore, name);
}

/* Under the bucket's lock. [M4] */
static void forget_parent(fl_semaphore *semaphore)
{
	if (fl_load_relaxed(&semaphore->fl_epoch) == fl_fork_epoch_)
		return;
	fl_store_relaxed(&semaphore->fl_epoch, fl_fork_epoch_);
	fl_and_relaxed(&semaphore->fl_value, PERMITS);
}

static bool is_waited_for(fl_semaphore *semaphore)
{
	struct fl_bucket *bucket = fl_park_lock_(semaphore);
	bool waited;

	forget_parent(semaphore);
	waited = fl_park_first_(bucket, semaphore) || (fl_load_relaxed(&semaphore->fl_value) & SPINNING);
	fl_park_unlock_(bucket);
	return waited;
}

void fl_semaphore_destroy(fl_semaphore *semaphore)
{
	if (fl_semaphore_is_shared(semaphore) ? fl_semaphore_waited_shared_(semaphore) : is_waited_for(semaphore))
		fl_misuse_("semaphore", semaphore, "destroyed while it is waited for");
	else
		fl_name_set_(semaphore, NULL);
}

/* One try to change fl_value from `value`, which may be a guess. */
static inline bool try_take(fl_semaphore *semaphore, uint32_t *value)
{
	/* [semaphore.1] acquire; pairs with [semaphore.2], [semaphore.3], [permits.2] */
	if (!fl_cas_acquire(&semaphore->fl_value, value, *value - 1))
		return false;
	fl_store_relaxed(&semaphore->fl_guess, *value - 1);
	return true;
}

static inline bool available(uint32_t value)
{
	return value != 0 && !(value & (SPINNING | WAITERS));
}

/* As fl_value probably is. */
static inline bool take_by_guess(fl_semaphore *semaphore)
{
	uint32_t value = fl_load_relaxed(&semaphore->fl_guess);

	return fl_likely(available(value)) && fl_likely(try_take(semaphore, &value));
}

static bool is_stale(const fl_semaphore *semaphore, uint32_t value)
{
	return (value & (SPINNING | WAITERS)) && fl_load_relaxed(&semaphore->fl_epoch) != fl_fork_epoch_;
}

static bool take(fl_semaphore *semaphore)
{
	uint32_t value = fl_load_relaxed(&semaphore->fl_value);

	if (fl_unlikely(is_stale(semaphore, value))) {
		struct fl_bucket *bucket = fl_park_lock_(semaphore);

		forget_parent(semaphore);
		fl_park_unlock_(bucket);
		value = fl_load_relaxed(&semaphore->fl_value);
	}
	while (available(value))
		if (try_take(semaphore, &value))
			return true;
	return false;
}

/* Gives up to n permits to the queue. Returns how many are left. Under the bucket's lock. */
static uint32_t serve(struct fl_bucket *bucket, fl_semaphore *semaphore, uint32_t n, struct fl_wake_list *list)
{
	struct fl_waiter *waiter;

	for (; n > 0 && (waiter = fl_park_first_(bucket, semaphore)); n--)
		fl_park_take_(bucket, waiter, list);
	return n;
}

/* Changes fl_value while WAITERS is set: nobody else does. [M2] */
static void put(struct fl_bucket *bucket, fl_semaphore *semaphore, uint32_t value)
{
	value |= fl_park_first_(bucket, semaphore) ? WAITERS : 0;
	fl_store_relaxed(&semaphore->fl_guess, value);
	/* [semaphore.3] release; pairs with [semaphore.1], [semaphore.4] */
	fl_store_release(&semaphore->fl_value, value);
}

/* Queues as the last, or as the first if the thread has spun before; unless there is a permit for it: then takes that
 * and returns false. */
static bool queue(fl_semaphore *semaphore, struct fl_waiter *waiter, bool has_spun)
{
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket = fl_park_lock_(semaphore);
	uint32_t value, next;
	bool taken;

	forget_parent(semaphore);
	/* [semaphore.4] acquire; pairs with [semaphore.2], [semaphore.3] */
	value = fl_load_acquire(&semaphore->fl_value);
	do {
		taken = has_spun ? (value & PERMITS) != 0 : available(value);
		next = has_spun ? value & ~SPINNING : value;
		next = taken ? next - 1 : next | WAITERS;
		/* [semaphore.4] acquire; pairs with [semaphore.2], [semaphore.3] */
	} while (!fl_cas_acquire(&semaphore->fl_value, &value, next));
	fl_store_relaxed(&semaphore->fl_guess, next);
	if (!taken && has_spun)
		fl_park_push_front_(bucket, waiter, semaphore);
	else if (!taken)
		fl_park_push_(bucket, waiter, semaphore);
	else if (next & WAITERS)
		put(bucket, semaphore, serve(bucket, semaphore, next & PERMITS, &list));
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
	return !taken;
}

/* Takes a permit as the thread that spins, while nobody is in the queue. */
static bool take_spinning(fl_semaphore *semaphore)
{
	uint32_t value = fl_load_relaxed(&semaphore->fl_value), next = (value - 1) & ~SPINNING;

	/* [semaphore.1] acquire; pairs with [semaphore.2], [semaphore.3], [permits.2] */
	if ((value & PERMITS) == 0 || (value & WAITERS) || !fl_cas_acquire(&semaphore->fl_value, &value, next))
		return false;
	fl_store_relaxed(&semaphore->fl_guess, next);
	return true;
}

/* Becomes the thread that spins, if nobody waits and there is no permit. */
static bool claim(fl_semaphore *semaphore)
{
	uint32_t value = fl_load_relaxed(&semaphore->fl_value);

	if (value != 0)
		return false;
	fl_store_relaxed(&semaphore->fl_epoch, fl_fork_epoch_); /* there is no mark of another that it could be about */
	if (!fl_cas_relaxed(&semaphore->fl_value, &value, SPINNING))
		return false;
	fl_store_relaxed(&semaphore->fl_guess, SPINNING);
	return true;
}

/* Spins for a permit. Returns whether it has it; if not, it is still the thread that spins if ret_claimed says so. */
static bool spin(fl_semaphore *semaphore, fl_time deadline, bool *ret_claimed)
{
	struct fl_spin spin;
	bool taken = false;

	*ret_claimed = false;
	fl_spin_begin_(&spin, &semaphore->fl_spin, deadline, FL_SPIN_HERE);
	if (spin.left != 0 && claim(semaphore)) {
		*ret_claimed = true;
		while (!taken && fl_spin_again_(&spin))
			taken = take_spinning(semaphore);
		fl_spin_end_(&spin, taken);
	}
	return taken;
}

static __attribute__((noinline)) int wait(fl_semaphore *semaphore, fl_time deadline, fl_note *note)
{
	struct fl_waiter waiter = {0};
	bool has_spun;
	int error;

	if (fl_semaphore_is_shared(semaphore))
		return fl_semaphore_acquire_shared_(semaphore, deadline, note);
	if (take(semaphore))
		return 0;
	error = fl_wait_refused_(deadline, note);
	if (error != 0)
		return error;
	if (spin(semaphore, deadline, &has_spun) || !queue(semaphore, &waiter, has_spun))
		return 0;
	return fl_wait_(&waiter, semaphore, deadline, note, NULL);
}

int fl_semaphore_acquire(fl_semaphore *semaphore)
{
	return take_by_guess(semaphore) ? 0 : wait(semaphore, FL_FOREVER, NULL);
}

int fl_semaphore_acquire_until(fl_semaphore *semaphore, fl_time deadline, fl_note *note)
{
	return take_by_guess(semaphore) ? 0 : wait(semaphore, deadline, note);
}

bool fl_semaphore_acquire_try(fl_semaphore *semaphore)
{
	if (take_by_guess(semaphore))
		return true;
	return fl_semaphore_is_shared(semaphore) ? fl_semaphore_try_shared_(semaphore) : take(semaphore);
}

/* The guess is left before the permits are: whoever gets one of them may free the memory. */
static inline bool try_add(fl_semaphore *semaphore, uint32_t *value, uint32_t n)
{
	fl_store_relaxed(&semaphore->fl_guess, *value + n);
	/* [semaphore.2] release; pairs with [semaphore.1], [semaphore.4], [permits.3] */
	return fl_cas_release(&semaphore->fl_value, value, *value + n);
}

static inline bool add_by_guess(fl_semaphore *semaphore, uint32_t n)
{
	uint32_t value = fl_load_relaxed(&semaphore->fl_guess);

	return fl_likely(!(value & WAITERS) && !fl_semaphore_exceeds(semaphore, value, n)) &&
	       fl_likely(try_add(semaphore, &value, n));
}

/* Adds permits while nobody is in the queue. Returns 1 if somebody is. */
static int add(fl_semaphore *semaphore, uint32_t n)
{
	uint32_t value = fl_load_relaxed(&semaphore->fl_value);

	for (;;) {
		if (fl_semaphore_exceeds(semaphore, value, n))
			return -EOVERFLOW;
		if (value & WAITERS)
			return 1;
		if (try_add(semaphore, &value, n))
			return 0;
	}
}

/* Gives `n` permits to those who wait, and the rest to the semaphore. */
static int give(fl_semaphore *semaphore, uint32_t n)
{
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket = fl_park_lock_(semaphore);
	uint32_t value, kept;
	int error = 0;

	forget_parent(semaphore);
	value = fl_load_relaxed(&semaphore->fl_value);
	kept = value & PERMITS;
	if (!(value & WAITERS)) {
		error = add(semaphore, n);
	} else if (fl_semaphore_exceeds(semaphore, value, n)) {
		error = -EOVERFLOW; /* another release was quicker */
	} else {
		if ((value & SPINNING) && kept == 0) {
			kept = 1;
			n--;
		}
		kept += serve(bucket, semaphore, n, &list);
		put(bucket, semaphore, kept | (value & SPINNING));
	}
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
	return error;
}

static void give_later(void *semaphore, uint32_t n)
{
	if (give(semaphore, n) != 0)
		fl_misuse_("semaphore", semaphore, "released beyond its bound by a signal handler");
}

static __attribute__((noinline)) int release(fl_semaphore *semaphore, uint32_t n)
{
	int rest;

	if (n == 0)
		return -EINVAL;
	if (fl_semaphore_is_shared(semaphore))
		return fl_semaphore_release_shared_(semaphore, n);
	fl_park_prefetch_(semaphore);
	rest = add(semaphore, n);
	if (rest <= 0)
		return rest;
	if (fl_likely(!fl_park_interrupted_()))
		return give(semaphore, n);
	fl_park_defer_(give_later, semaphore, n);
	return 0;
}

int fl_semaphore_release(fl_semaphore *semaphore, uint32_t n)
{
	return fl_likely(n != 0) && add_by_guess(semaphore, n) ? 0 : release(semaphore, n);
}

uint32_t fl_semaphore_value(const fl_semaphore *semaphore)
{
	if (fl_semaphore_is_shared(semaphore))
		return fl_semaphore_value_shared_(semaphore);
	return fl_load_relaxed(&semaphore->fl_value) & PERMITS;
}
