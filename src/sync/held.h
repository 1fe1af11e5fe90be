/*
 * sync/held.h - what each thread holds: the ground on which the checks stand.
 *
 * A thread's record (base/self.h) leads to its struct fl_check_thread. It is made at the thread's first acquisition
 * with checks on, never freed, and passed on with the record to a later thread.
 *
 * held[1] to held[n] is what the thread holds, in the order of acquisition; held[0] is nothing. Only its own thread
 * changes it. Others read it while the thread is marked as waiting (sync/deadlock.c): then it does not change.
 *
 * context   A number for the sequence held[1..i], made by mixing in one key after the other. Acquiring a lock in a
 *           context gives the next one: so one number stands for "these locks were held, and that one was acquired".
 *           `known` remembers numbers whose order has been examined. That is all there is to do for an order that was
 *           seen before: a multiplication and a look. Two sequences have the same number with a probability of 2^-64;
 *           then an order would not be looked at.
 * known     is mixed with a generation, which changes when a lock is forgotten: that empties the caches of all
 *           threads.
 *
 * lost      An fl_lock may be released by another thread than the one that acquired it. That thread must not touch
 *           the other's stack; it leaves a note here, and the owner takes the lock off its stack before it next looks
 *           at it closely. Until then a lock too many is on the stack: the quick ways below cope, since what they
 *           decide ("known", "it is the last one") is true of the stack as it is.
 */
#ifndef FL_SYNC_HELD_H
#define FL_SYNC_HELD_H

#include "base/self.h"
#include "sync/check.h"
#include <stddef.h>

#define FL_KNOWN_BITS 8

/* A lock and how it is held, in one word: a lock's address has its two low bits free. */
static inline uintptr_t fl_key(const void *lock, enum fl_lock_kind kind)
{
	return (uintptr_t)lock | (uintptr_t)kind;
}

static inline const void *fl_key_lock(uintptr_t key)
{
	return (const void *)(key & ~(uintptr_t)3);
}

static inline enum fl_lock_kind fl_key_kind(uintptr_t key)
{
	return (enum fl_lock_kind)(key & 3);
}

struct fl_held {
	uintptr_t key;
	const void *site;
	uint64_t context;
	fl_time since; /* when it was acquired, for FL_CHECK_TIMES; 0: not known */
};

struct fl_times;

/* The times of a lock that this thread used lately (sync/times.c). */
struct fl_times_near {
	uintptr_t key;
	struct fl_times *times;
};

#define FL_TIMES_NEAR 64u

struct fl_check_thread {
	struct fl_held *held;
	uint32_t n, max;
	uint32_t number; /* the thread's; an earlier one's until the thread that has taken over the record comes here */
	uint32_t reports; /* how deep in reports: see fl_held_report_begin_ */
	uint64_t known[1 << FL_KNOWN_BITS];

	/* Left by others: what they released for this thread. */
	_Alignas(64) struct fl_lost *lost;

	/* What the thread waits for, for ever: sync/deadlock.c. */
	uintptr_t waits; /* a key; 0: nothing */
	const void *waits_site;
	const void *return_site; /* of its last wait for a condition, from which it returns with the lock */
	uint64_t walk;
	struct fl_check_thread *reached_from, *next;
	uint32_t hold; /* which of its held[] the walk came by; 0: not on its stack */

	uint64_t near_generation;
	struct fl_times_near near[FL_TIMES_NEAR];
};

/* Mixed into `known`; any change of it makes all that was known unknown. */
extern uint64_t fl_held_generation_;

static inline uint64_t fl_held_mix(uint64_t context, uintptr_t key)
{
	return (context ^ key) * UINT64_C(0xff51afd7ed558ccd);
}

static inline uint64_t *fl_held_known_place(struct fl_check_thread *me, uint64_t context)
{
	return &me->known[context >> (64 - FL_KNOWN_BITS)];
}

static inline bool fl_held_known(struct fl_check_thread *me, uint64_t context)
{
	return *fl_held_known_place(me, context) == (context ^ fl_load_relaxed(&fl_held_generation_));
}

/* The quick way in: returns the calling thread if it has room for `key` and the order need not be looked at, with the
 * context to push; otherwise NULL. */
static inline struct fl_check_thread *fl_held_ready(uintptr_t key, uint64_t *ret_context)
{
	struct fl_record *record = fl_tls_.record;
	struct fl_check_thread *me;

	if (fl_unlikely(!record))
		return NULL;
	me = record->check;
	if (fl_unlikely(!me) || fl_unlikely(me->number != fl_tls_.number) || fl_unlikely(me->n == me->max))
		return NULL;
	*ret_context = fl_held_mix(me->held[me->n].context, key);
	if (me->n != 0 && fl_unlikely(!fl_held_known(me, *ret_context)))
		return NULL;
	return me;
}

static inline void fl_held_push(struct fl_check_thread *me, uintptr_t key, const void *site, uint64_t context)
{
	struct fl_held *held = &me->held[++me->n];

	held->key = key;
	held->site = site;
	held->context = context;
}

/* The quick way out: takes the lock off the stack if it was acquired last. For a caller that holds it. */
static inline bool fl_held_pop(uintptr_t key)
{
	struct fl_check_thread *me = fl_tls_.record->check;

	if (fl_unlikely(!me) || fl_unlikely(me->held[me->n].key != key))
		return false;
	me->n--;
	return true;
}

/* Returns the calling thread, with only what it really holds on its stack; NULL if there is no memory for it. */
struct fl_check_thread *fl_held_self_(void);

/* Returns a thread's by its number: NULL if it has ended, or has never been here. */
struct fl_check_thread *fl_held_of_(uint32_t number);

/* Puts a lock on the stack; returns NULL if there is no memory. */
struct fl_held *fl_held_add_(struct fl_check_thread *me, uintptr_t key, const void *site);

/* Takes a lock off the stack, wherever it is, and returns since when it was held; 0: not known, or it was not there. */
fl_time fl_held_remove_(struct fl_check_thread *me, uintptr_t key);

/* Takes a lock off the stack of another thread. */
void fl_held_remove_for_(uint32_t number, uintptr_t key);

/* To be asked before a report, and told after it. A report's hook may acquire locks, which may be reported; false:
 * that has gone on for long enough, since a hook that waits for itself would never come to an end. */
bool fl_held_report_begin_(struct fl_check_thread *me);
void fl_held_report_end_(struct fl_check_thread *me);

/* The lock at this address is no more: it is not on the calling thread's stack either. */
void fl_held_forget_(const void *lock);

/* Makes what all threads know unknown. */
void fl_held_forget_known_(void);

/* Counts what could not be recorded because there was no memory; returns how often that has happened. */
void fl_held_missed_(void);
uint64_t fl_held_n_missed_(void);

void fl_held_after_fork_(void);

#endif
