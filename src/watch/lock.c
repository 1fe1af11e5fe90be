/*
 * watch/lock.c - the locks of the process, by address.
 *
 * A lock is noted at its first use, or when it is initialised, and its place in the notes is never given away: so
 * chains may point to it. What changes is its `incarnation`, when it is destroyed or initialised again, and when the
 * memory that it was in is freed: a std::mutex has a destructor that does nothing, and an object that is made where
 * another one was has locks that were never taken in any order.
 *
 * The locks of a page of memory are in one bucket, so that a freed block has its locks in the buckets of its pages,
 * and nearly every free is done after it has seen that its buckets are empty. They are only ever added, at the front,
 * by a compare-and-swap: who has looked in vain, and then finds another one in front, looks again.
 */
#include "lock.h"

#include "atomic.h"
#include "memory.h"
#include "stack.h"
#include "thread.h"

#define BUCKETS 65536u
#define PAGE 4096u

static uint32_t buckets[BUCKETS]; /* an index + 1 */

static uint32_t *bucket_of(uintptr_t address)
{
	uint64_t page = address / PAGE;

	return &buckets[page * UINT64_C(0x9e3779b97f4a7c15) >> 48];
}

static struct watch_lock *at(uint32_t place)
{
	return &watch_notes_->locks[place - 1];
}

static struct watch_lock *find(uintptr_t address, uint32_t first)
{
	while (first != 0 && at(first)->address != address)
		first = at(first)->next;
	return first != 0 ? at(first) : NULL;
}

struct watch_lock *watch_lock_(const void *address, enum watch_kind kind)
{
	uint32_t *bucket = bucket_of((uintptr_t)address), taken = UINT32_MAX, first;
	struct watch_lock *lock;

	/* [watch_lock.1] acquire; pairs with [watch_lock.2] */
	first = fl_load_acquire(bucket);
	for (;;) {
		lock = find((uintptr_t)address, first);
		if (lock)
			return lock;
		if (taken == UINT32_MAX)
			taken = watch_take_(&watch_notes_->n_locks, WATCH_LOCKS);
		if (taken == UINT32_MAX)
			return NULL;
		lock = at(taken + 1);
		lock->address = (uintptr_t)address;
		lock->incarnation = 1;
		lock->kind = (uint8_t)kind;
		lock->next = first;
		/* [watch_lock.2] release; pairs with [watch_lock.1] */
		if (fl_cas_release(bucket, &first, taken + 1))
			break;
		/* [watch_lock.1] acquire; pairs with [watch_lock.2] */
		first = fl_load_acquire(bucket);
	}
	watch_module_(lock->address);
	return lock;
}

static struct watch_lock *known(const void *address)
{
	/* [watch_lock.1] acquire; pairs with [watch_lock.2] */
	return find((uintptr_t)address, fl_load_acquire(bucket_of((uintptr_t)address)));
}

/* Nobody uses it now, so that no thread is about to find one of its chains good. */
static void forget(struct watch_lock *lock)
{
	struct watch_chain *chain;

	fl_add_relaxed(&lock->incarnation, 1);
	/* [tie.2] acquire; pairs with [tie.1] */
	for (chain = fl_load_acquire(&lock->chains); chain; chain = chain->same_lock)
		watch_stale_(chain);
}

void watch_lock_forget_(const void *address)
{
	struct watch_lock *lock = known(address);

	if (lock)
		forget(lock);
}

void watch_lock_born_(const void *address, enum watch_kind kind, const void *site)
{
	struct watch_seat *me = watch_seat_();
	struct watch_lock *lock;

	if (!me || me->busy)
		return;
	watch_begin(me);
	lock = watch_lock_(address, kind);
	if (lock) {
		forget(lock);
		lock->kind = (uint8_t)kind;
		lock->n_born = watch_stack_(lock->born, WATCH_BORN, watch_address((uintptr_t)site));
		lock->initialised = 1;
		lock->born_in = fl_load_relaxed(&lock->incarnation);
	}
	watch_end(me);
}

void watch_lock_used_(struct watch_lock *lock, const struct watch_chain *chain)
{
	uint8_t n = chain->n_frames < WATCH_BORN ? chain->n_frames : WATCH_BORN;

	if (lock->born_in == chain->incarnation)
		return;
	for (unsigned i = 0; i < n; i++)
		lock->born[i] = chain->frames[i];
	lock->initialised = 0;
	lock->n_born = n;
	lock->born_in = chain->incarnation;
}

static void forget_between(uint32_t place, uintptr_t start, uintptr_t end)
{
	for (; place != 0; place = at(place)->next)
		if (at(place)->address >= start && at(place)->address < end)
			forget(at(place));
}

void watch_lock_forget_within_(const void *memory, size_t size)
{
	uintptr_t start = (uintptr_t)memory, end = start + size, page = start & ~(uintptr_t)(PAGE - 1);
	uint32_t n = 0;

	/* A block of more pages than there are buckets has its locks in any of them. */
	for (; page < end && n < BUCKETS; page += PAGE, n++) {
		uint32_t *bucket = size / PAGE < BUCKETS ? bucket_of(page) : &buckets[n];

		/* [watch_lock.1] acquire; pairs with [watch_lock.2] */
		forget_between(fl_load_acquire(bucket), start, end);
	}
}

void watch_lock_after_fork_(void)
{
	for (uint32_t i = 0; i < BUCKETS; i++)
		if (buckets[i] != 0) /* a page that was never written stays the parent's */
			buckets[i] = 0;
}
