/*
 * base/park.c - the table of buckets, and how a thread waits in it. What the queues are for, the states and the
 * invariants are in base/park.h.
 *
 * Rejected: queues inside the objects (a lock would not fit in 8 bytes, and after a fork every object in memory would
 * hold links to threads that are not there; here one table is emptied); one futex per object (the kernel's order is
 * lost whenever a woken thread has to wait again, and a notify could not tell who came before it).
 *
 * A bucket has a list of queues, one for each key that is waited for. A queue has no head of its own: its first
 * waiter knows the last one and the next queue, and hands that on when it leaves.
 *
 *     bucket.queues --> first of key A --others--> first of key B --others--> NULL
 *                         | next ^ previous            | next
 *                         v      |                     v
 *                       second                       second
 *
 * The number of buckets is fixed. Two objects in one bucket only share its lock.
 */
#include "base/park.h"

#include "base/spin.h"
#include "base/word.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define BUCKET_BITS 10
#define CHUNK_ENTRIES 128u

struct fl_bucket {
	_Alignas(64) struct fl_inner lock;
	struct fl_waiter *queues; /* the first waiter of each, linked by `others` */
	uint16_t hint;            /* of how long to spin (base/spin.h); not under the lock */
};

/* Work that signal handlers left: chunks that grow by one when needed and stay with the thread. */
struct fl_deferred_chunk {
	struct fl_deferred {
		void (*work)(void *object, uint32_t n);
		void *object;
		uint32_t n;
	} entries[CHUNK_ENTRIES];
	struct fl_deferred_chunk *next;
};

static struct fl_bucket buckets[1 << BUCKET_BITS];

static struct fl_bucket *bucket_of(const void *home)
{
	/* Fibonacci hashing (Knuth, vol. 3, 6.4): the high bits of the product depend on all bits of the address. */
	return &buckets[((uintptr_t)home * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - BUCKET_BITS)];
}

/*
 * Sections that a signal handler must not enter a second time on the same thread. Everything here is shared between a
 * thread and the handlers that interrupt it, and with nobody else: a handler runs to its end before the thread goes
 * on.
 */

static struct fl_deferred_chunk *map_chunk(void)
{
	/* Not malloc: a handler may have interrupted that too. */
	void *chunk = mmap(NULL, sizeof(struct fl_deferred_chunk), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	if (chunk == MAP_FAILED)
		abort();
	return chunk;
}

static struct fl_deferred *deferred_entry(uint32_t i)
{
	struct fl_deferred_chunk **chunk = &fl_tls_.deferred;

	for (;; i -= CHUNK_ENTRIES, chunk = &(*chunk)->next) {
		struct fl_deferred_chunk *none = NULL, *fresh;

		if (!fl_load_relaxed(chunk)) {
			fresh = map_chunk();
			if (!fl_cas_relaxed(chunk, &none, fresh)) /* a handler on top of this one was quicker */
				munmap(fresh, sizeof(*fresh));
		}
		if (i < CHUNK_ENTRIES)
			return &(*chunk)->entries[i];
	}
}

bool fl_park_interrupted_(void)
{
	return fl_load_relaxed(&fl_tls_.critical) != 0;
}

bool fl_park_deferred_(void)
{
	return fl_park_interrupted_() && fl_load_relaxed(&fl_tls_.n_deferred) != 0;
}

void fl_park_defer_(void (*work)(void *object, uint32_t n), void *object, uint32_t n)
{
	*deferred_entry(fl_add_relaxed(&fl_tls_.n_deferred, 1)) = (struct fl_deferred){work, object, n};
}

static void set_critical(uint32_t depth)
{
	fl_signal_fence();
	fl_store_relaxed(&fl_tls_.critical, depth);
	fl_signal_fence();
}

/* Takes the next entry from the list, or makes it empty if all of it is done. While `critical` is 1, handlers append
 * and do nothing else: so an entry is taken once, and the two indexes are put back as one step, unless something was
 * appended first: then n_deferred has changed, and the exchange fails. */
static bool take_deferred(struct fl_deferred *ret_deferred)
{
	uint32_t done;
	bool have;

	set_critical(1);
	done = fl_load_relaxed(&fl_tls_.done_deferred);
	have = done < fl_load_relaxed(&fl_tls_.n_deferred);
	if (have) {
		*ret_deferred = *deferred_entry(done);
		fl_store_relaxed(&fl_tls_.done_deferred, done + 1);
	} else if (fl_cas_relaxed(&fl_tls_.n_deferred, &done, 0)) {
		fl_store_relaxed(&fl_tls_.done_deferred, 0);
	}
	set_critical(0);
	return have;
}

/* The work ends with a section of its own, whose end comes here again: it goes back at once, or each piece of work
 * would be done on top of the one before it. What a handler leaves after the last look is found by the one after
 * that. */
static void do_deferred(void)
{
	struct fl_deferred deferred;

	while (fl_load_relaxed(&fl_tls_.n_deferred) != 0 && !fl_load_relaxed(&fl_tls_.doing_deferred)) {
		fl_store_relaxed(&fl_tls_.doing_deferred, true);
		while (fl_load_relaxed(&fl_tls_.n_deferred) != 0)
			if (take_deferred(&deferred))
				deferred.work(deferred.object, deferred.n);
		fl_store_relaxed(&fl_tls_.doing_deferred, false);
		fl_signal_fence();
	}
}

static void enter(void)
{
	set_critical(fl_tls_.critical + 1);
}

static void leave(void)
{
	set_critical(fl_tls_.critical - 1);
	if (fl_unlikely(fl_load_relaxed(&fl_tls_.n_deferred) != 0) && fl_tls_.critical == 0)
		do_deferred();
}

/* Buckets and their lists. */

struct fl_bucket *fl_park_lock_(const void *home)
{
	struct fl_bucket *bucket = bucket_of(home);

	enter();
	fl_inner_acquire(&bucket->lock);
	return bucket;
}

void fl_park_unlock_(struct fl_bucket *bucket)
{
	fl_inner_release(&bucket->lock);
	leave();
}

void fl_park_prefetch_(const void *home)
{
	fl_prefetch_write(bucket_of(home));
}

uint16_t *fl_park_hint_(const void *home)
{
	return &bucket_of(home)->hint;
}

/* The link to the first waiter of a queue; to NULL if nobody waits for `key`. */
static struct fl_waiter **find(struct fl_bucket *bucket, const void *key)
{
	struct fl_waiter **link = &bucket->queues;

	while (*link && (*link)->key != key)
		link = &(*link)->others;
	return link;
}

/* Puts `first` in front of the queue that `link` leads to, or makes it a queue of its own. */
static void become_first(struct fl_waiter **link, struct fl_waiter *first)
{
	struct fl_waiter *second = *link;

	first->previous = NULL;
	first->next = second;
	first->last = second ? second->last : first;
	first->others = second ? second->others : NULL;
	if (second)
		second->previous = first;
	*link = first;
}

static void become_last(struct fl_waiter *first, struct fl_waiter *last)
{
	last->previous = first->last;
	last->next = NULL;
	first->last->next = last;
	first->last = last;
}

static void prepare(struct fl_bucket *bucket, struct fl_waiter *waiter, const void *key)
{
	waiter->bucket = bucket;
	waiter->key = key;
	waiter->queued = true;
	fl_store_relaxed(&waiter->word, FL_WAITER_WAITING);
}

static void append(struct fl_bucket *bucket, struct fl_waiter *waiter, const void *key)
{
	struct fl_waiter **link = find(bucket, key);

	if (*link)
		become_last(*link, waiter);
	else
		become_first(link, waiter);
}

void fl_park_push_(struct fl_bucket *bucket, struct fl_waiter *waiter, const void *key)
{
	prepare(bucket, waiter, key);
	append(bucket, waiter, key);
}

void fl_park_push_front_(struct fl_bucket *bucket, struct fl_waiter *waiter, const void *key)
{
	prepare(bucket, waiter, key);
	become_first(find(bucket, key), waiter);
}

struct fl_waiter *fl_park_first_(const struct fl_bucket *bucket, const void *key)
{
	struct fl_waiter *first = bucket->queues;

	if (first)
		fl_prefetch_write(first); /* it will be taken, most likely */
	while (first && first->key != key)
		first = first->others;
	return first;
}

/* The first waiter of a queue leaves: the second takes its place, or there is one queue less. */
static void remove_first(struct fl_waiter **link)
{
	struct fl_waiter *first = *link, *second = first->next;

	*link = second ? second : first->others;
	if (!second)
		return;
	second->previous = NULL;
	second->last = first->last;
	second->others = first->others;
}

void fl_park_remove_(struct fl_bucket *bucket, struct fl_waiter *waiter)
{
	struct fl_waiter **link = find(bucket, waiter->key);

	waiter->queued = false;
	if (*link == waiter) {
		remove_first(link);
		return;
	}
	assert(*link && waiter->previous); /* [P1] */
	waiter->previous->next = waiter->next;
	if (waiter->next)
		waiter->next->previous = waiter->previous;
	else
		(*link)->last = waiter->previous;
}

void fl_park_take_(struct fl_bucket *bucket, struct fl_waiter *waiter, struct fl_wake_list *list)
{
	fl_park_remove_(bucket, waiter);
	waiter->next = NULL;
	if (list->last)
		list->last->next = waiter;
	else
		list->first = waiter;
	list->last = waiter;
}

void fl_park_take_all_(struct fl_bucket *bucket, const void *key, struct fl_wake_list *list)
{
	struct fl_waiter *waiter;

	while ((waiter = fl_park_first_(bucket, key)))
		fl_park_take_(bucket, waiter, list);
}

void fl_park_move_(struct fl_bucket *bucket, struct fl_waiter *waiter, const void *key)
{
	fl_park_remove_(bucket, waiter);
	waiter->key = key;
	waiter->queued = true;
	append(bucket, waiter, key);
}

/* Waking. */

static void wake(struct fl_waiter *waiter)
{
	uint32_t *word = &waiter->word;

	/* [park.1] release; pairs with [park.2] */
	if (fl_exchange_release(word, FL_WAITER_WOKEN) == FL_WAITER_SLEEPING)
		fl_word_wake_(word, 1, FL_WORD_PRIVATE);
}

/* Makes a thread look around. It cannot be gone: its second waiter is still ours to wake. One that is nudged already is
 * nudged again: it may have taken that nudge back and looked before there was what it is to see now, and a load could
 * miss that. An exchange comes after it, or passes on to it what was written before. */
static void nudge(struct fl_waiter *waiter)
{
	uint32_t word = fl_load_relaxed(&waiter->word);

	while (word != FL_WAITER_WOKEN)
		/* [park.3] release; pairs with [park.4] */
		if (fl_cas_release(&waiter->word, &word, FL_WAITER_NUDGED)) {
			if (word == FL_WAITER_SLEEPING)
				fl_word_wake_(&waiter->word, 1, FL_WORD_PRIVATE);
			return;
		}
}

void fl_park_wake_(struct fl_wake_list *list)
{
	struct fl_waiter *waiter = list->first, *next;

	for (; waiter; waiter = next) {
		next = waiter->next;
		if (waiter->nudge)
			nudge(waiter->self);
		if (waiter->polls)
			eventfd_write(waiter->fd, 1);
		wake(waiter);
	}
}

/* Waiting. */

static bool woken(struct fl_waiter *waiter)
{
	/* [park.2] acquire; pairs with [park.1] */
	return fl_load_acquire(&waiter->word) == FL_WAITER_WOKEN;
}

static void spin_for(struct fl_waiter *waiter, fl_time deadline, uint16_t *hint)
{
	struct fl_spin spin;

	for (fl_spin_begin_(&spin, hint, deadline, waiter->crowd ? FL_SPIN_CROWD : FL_SPIN_HERE);
	     fl_spin_again_(&spin);)
		if (fl_load_relaxed(&waiter->word) != FL_WAITER_WAITING)
			break;
	fl_spin_end_(&spin, fl_load_relaxed(&waiter->word) != FL_WAITER_WAITING);
}

/* Changes the word if it is `from`; looks first, since mostly it is not. */
static bool reset(struct fl_waiter *waiter, uint32_t from)
{
	/* [park.4] acquire; pairs with [park.3] */
	return fl_load_relaxed(&waiter->word) == from && fl_cas_acquire(&waiter->word, &from, FL_WAITER_WAITING);
}

/* Sleeps until the word is WOKEN or NUDGED, or the deadline passes. */
static int sleep_until(struct fl_waiter *waiter, fl_time deadline)
{
	uint32_t word = FL_WAITER_WAITING;
	int error = 0;

	fl_cas_relaxed(&waiter->word, &word, FL_WAITER_SLEEPING);
	while (error == 0 && fl_load_relaxed(&waiter->word) == FL_WAITER_SLEEPING)
		error = fl_word_wait_(&waiter->word, FL_WAITER_SLEEPING, deadline, FL_WORD_PRIVATE);
	reset(waiter, FL_WAITER_SLEEPING);
	return reset(waiter, FL_WAITER_NUDGED) ? -ECANCELED : error;
}

int fl_park_nap_(struct fl_waiter *waiter, fl_time deadline)
{
	return sleep_until(waiter, deadline);
}

bool fl_park_give_up_(struct fl_waiter *waiter, const void *key)
{
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket = waiter->bucket;
	bool mine;

	enter();
	fl_inner_acquire(&bucket->lock);
	mine = waiter->queued && waiter->key == key;
	if (mine) {
		fl_park_remove_(bucket, waiter);
		if (waiter->left)
			waiter->left(bucket, waiter, &list);
	}
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
	return mine;
}

void fl_park_finish_(struct fl_waiter *waiter)
{
	while (!woken(waiter))
		sleep_until(waiter, FL_FOREVER);
}

bool fl_park_leave_(struct fl_waiter *waiter, const void *key)
{
	if (fl_park_give_up_(waiter, key))
		return false;
	fl_park_finish_(waiter);
	return true;
}

int fl_park_wait_(struct fl_waiter *waiter, const void *key, fl_time deadline, uint16_t *hint)
{
	int error;

	if (hint)
		spin_for(waiter, deadline, hint);
	while (!woken(waiter)) {
		error = sleep_until(waiter, deadline);
		if (error == 0)
			continue;
		if (fl_park_give_up_(waiter, key))
			return error;
		fl_park_finish_(waiter);
	}
	return 0;
}

bool fl_park_waited_(const void *key)
{
	struct fl_bucket *bucket = fl_park_lock_(key);
	bool waited = fl_park_first_(bucket, key) != NULL;

	fl_park_unlock_(bucket);
	return waited;
}

uint32_t fl_park_waiting_(const void *key)
{
	const struct fl_waiter *waiter;
	uint32_t i, n = 0;

	for (i = 0; i < 1u << BUCKET_BITS; i++) {
		enter();
		fl_inner_acquire(&buckets[i].lock);
		for (waiter = fl_park_first_(&buckets[i], key); waiter; waiter = waiter->next)
			n++;
		fl_park_unlock_(&buckets[i]);
	}
	return n;
}

void fl_park_after_fork_(void)
{
	uint32_t i;

	/* The hints stay: they are as good in the child, and written without the lock. */
	for (i = 0; i < 1u << BUCKET_BITS; i++) {
		buckets[i].lock = (struct fl_inner){0};
		buckets[i].queues = NULL;
	}
	set_critical(0);
	fl_tls_.n_deferred = fl_tls_.done_deferred = 0;
	fl_tls_.doing_deferred = false;
}
