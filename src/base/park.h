/*
 * base/park.h - queues of waiting threads, kept beside the objects: a parking lot.
 *
 * A thread that has to wait puts a `struct fl_waiter`, which lies on its own stack, into the queue of the object it
 * waits for and sleeps on the waiter's word. The queues are not in the objects but in a table of buckets, found by
 * the object's address; so an object needs no more than the bit that says "look there". The idea is WebKit's
 * ParkingLot (Pizlo, 2015); the hand-over on a word of the waiter's own is that of MCS queue locks (Mellor-Crummey
 * and Scott, 1991).
 *
 * The bucket's lock makes a decision about an object's state and its queue one step. The pattern of a wait:
 *
 *     bucket = fl_park_lock_(object);
 *     if (need not wait after all) { fl_park_unlock_(bucket); ... }
 *     set the object's "look there" bit;
 *     fl_park_push_(bucket, &waiter, object);
 *     fl_park_unlock_(bucket);
 *     error = fl_park_wait_(&waiter, object, deadline, hint);
 *
 * and of a wake-up:
 *
 *     bucket = fl_park_lock_(object);
 *     while (there is something to give and (waiter = fl_park_first_(bucket, object)))
 *             fl_park_take_(bucket, waiter, &list);
 *     change the object's state; clear the bit if nobody is left
 *     fl_park_unlock_(bucket);
 *     fl_park_wake_(&list);
 *
 * States of a waiter's word (each transition is one atomic operation):
 *
 *   WAITING   queued, or taken from the queue and about to be woken; the thread runs (perhaps it spins)
 *   SLEEPING  the same, and the thread sleeps, or is about to
 *   NUDGED    something else has happened (a note is cancelled): look around; the thread sets it back to WAITING
 *   WOKEN     set by whoever took it from the queue; final. From here on the thread may return, and its waiter is no
 *   more.
 *
 * Invariants:
 *   [P1] A waiter is in at most one queue: that of its `key`, in its `bucket`. `key`, `queued` and the links change
 *        only under the bucket's lock, and the bucket does not change: a waiter moves to another key only in the same
 *        bucket.
 *   [P2] A waiter that is not queued any more was either taken out by its own thread, or its word becomes WOKEN soon:
 *        a thread whose deadline passes meanwhile waits for that, since it has been given something.
 *   [P3] Setting WOKEN is the waker's last access to the waiter; after it, only its address is used, for the wake-up.
 *   [P4] No user code and no wait happens under a bucket's lock.
 *   [P5] A thread holds the lock of at most one bucket.
 *
 * Signal handlers: a handler that interrupted this very thread inside a bucket's lock must not take one.
 * fl_park_interrupted_() says so, and fl_park_defer_() leaves the work to the end of that section.
 */
#ifndef FL_BASE_PARK_H
#define FL_BASE_PARK_H

#include "base/inner.h"
#include "base/self.h"
#include <fairlead/time.h>

struct fl_bucket;
struct fl_wake_list;

enum fl_waiter_word {
	FL_WAITER_WAITING,
	FL_WAITER_SLEEPING,
	FL_WAITER_NUDGED,
	FL_WAITER_WOKEN,
};

struct fl_waiter {
	/* One cache line: what a waker touches. */
	_Alignas(64) uint32_t word;
	uint32_t number;        /* of the thread; 0 if the primitive does not need it */
	struct fl_waiter *next; /* in its queue, or in a list to be woken */
	struct fl_waiter *previous;
	struct fl_waiter *last;   /* of its queue; known by the first one only, like */
	struct fl_waiter *others; /* the first of the bucket's next queue */
	const void *key;
	int result; /* the primitive's own: set by the waker */
	bool queued;
	bool nudge;   /* a second waiter of a thread: waking it also nudges `self`, the first, which then sees all
		       * that the waker did before */
	uint8_t kind; /* the primitive's own: what is waited for */
	bool crowd;   /* more threads than there are processors wait for each other (base/spin.h) */
	bool moved;   /* a notify has moved it from a condition to the lock, */
	bool second;  /* and it is woken together with the one before it (sync/lock.c) */
	bool polls;   /* a second waiter of a thread that sleeps in poll(): waking it also writes to `fd`, an eventfd */
	/* Another line: what its own thread needs. */
	struct fl_bucket *bucket;
	struct fl_waiter *self;
	int fd;
	/* Called, if set, under the bucket's lock when the thread has taken its waiter out by itself: what the object
	 * must know of that, in the same step. Waiters that it takes from the queue for it are woken afterwards. */
	void (*left)(struct fl_bucket *bucket, struct fl_waiter *waiter, struct fl_wake_list *list);
};

/* Waiters taken from a queue, in order, about to be woken. */
struct fl_wake_list {
	struct fl_waiter *first, *last;
};

/* Locks the bucket in which those wait who wait for `home`, or for something that belongs to it (a condition to its
 * lock). */
struct fl_bucket *fl_park_lock_(const void *home);
void fl_park_unlock_(struct fl_bucket *bucket);

/* Begins to fetch the bucket's memory, for a caller that will lock it soon and has other memory to wait for. */
void fl_park_prefetch_(const void *home);

/* A hint of how long to spin (base/spin.h) that stays when the object is freed: the bucket's. */
uint16_t *fl_park_hint_(const void *home);

/* Makes `waiter` the last, or the first, of those who wait for `key`. Its word becomes WAITING; the primitive's own
 * fields are left. */
void fl_park_push_(struct fl_bucket *bucket, struct fl_waiter *waiter, const void *key);
void fl_park_push_front_(struct fl_bucket *bucket, struct fl_waiter *waiter, const void *key);

/* The first of those who wait for `key`, or NULL. The one after it is its `next`. */
struct fl_waiter *fl_park_first_(const struct fl_bucket *bucket, const void *key);

/* Takes it out of its queue; the second form appends it to a list to be woken; the third moves it to the end of
 * another key's queue. */
void fl_park_remove_(struct fl_bucket *bucket, struct fl_waiter *waiter);
void fl_park_take_(struct fl_bucket *bucket, struct fl_waiter *waiter, struct fl_wake_list *list);
void fl_park_move_(struct fl_bucket *bucket, struct fl_waiter *waiter, const void *key);

/* Takes all who wait for `key`, in order, and appends them to a list to be woken. */
void fl_park_take_all_(struct fl_bucket *bucket, const void *key, struct fl_wake_list *list);

/* Wakes all of the list, first to last. Call it without a bucket's lock. */
void fl_park_wake_(struct fl_wake_list *list);

/* Blocks until the waiter, which was pushed for `key`, is woken. Returns 0;
 * -ETIMEDOUT or -ECANCELED: the deadline passed, or it was nudged, while it was still queued for `key`, and it has
 * been taken out. Once it is taken, or moved to another key, neither counts any more. `hint` is how long to spin
 * first; NULL: not at all. It is written after the waiter was woken, so it must not be in an object that may be freed
 * then. */
int fl_park_wait_(struct fl_waiter *waiter, const void *key, fl_time deadline, uint16_t *hint);

/* For a first waiter that is in no queue itself, only its second ones are: blocks until it is nudged. Returns
 * -ECANCELED: it was, since the last nap or before; -ETIMEDOUT; 0: look again, there was nothing. */
int fl_park_nap_(struct fl_waiter *waiter, fl_time deadline);

/* Takes the waiter out of the queue of `key`; returns false if it is not there any more. */
bool fl_park_give_up_(struct fl_waiter *waiter, const void *key);

/* Blocks until a waiter that was taken from its queue is woken. */
void fl_park_finish_(struct fl_waiter *waiter);

/* Ends a waiter's being in the queue of `key`: takes it out, or blocks the moment until who took it has woken it.
 * Returns whether it was taken. */
bool fl_park_leave_(struct fl_waiter *waiter, const void *key);

/* Returns whether the caller is a signal handler that interrupted its own thread in a section like the above. */
bool fl_park_interrupted_(void);

/* Returns whether, besides, work is left for the end of that section. */
bool fl_park_deferred_(void);

/* Has work(object, n) called when that section ends, on the same thread. */
void fl_park_defer_(void (*work)(void *object, uint32_t n), void *object, uint32_t n);

/* Whether somebody waits for `key` in the bucket of that address. */
bool fl_park_waited_(const void *key);

/* How many wait for `key`, in whatever bucket: for tests, since it looks at all of them. */
uint32_t fl_park_waiting_(const void *key);

/* In a forked child: nobody waits any more. */
void fl_park_after_fork_(void);

#endif
