/*
 * queue/wait.c - waiting until there is an item, or room.
 *
 * Who finds the queue empty (or full) looks again for a moment, and then enters the *other* side's lock, looks a last
 * time, sets WAITING and queues in the parking lot. Whoever makes progress holds that lock, sees WAITING, and wakes.
 * As both happen under one lock there is nothing to argue about who sees what.
 *
 * Of those who sleep, one at a time is woken. `coming` says that one is on its way: until it has entered the lock again
 * nobody else is woken, however many items are put meanwhile, but for one: when a second item finds the first still
 * there, since who was woken may be without a processor. Who comes sees all of them, and if they are more than it
 * takes it wakes the next one. So a burst of items costs the one who puts them two wake-ups, and those who get wake
 * each other, only as many as there is work for.
 *
 * Invariants:
 *   [W1] Somebody is in the parking lot for a side's progress only while WAITING is set.
 *   [W2] Whoever is woken clears `coming`, under the lock, before it sleeps again or returns. So it is set only while
 *        somebody is on its way; if two are, the first one to come clears it for both, and then one too many may be
 *        woken, never one too few.
 *   [W3] If there is something to get (or room) and somebody sleeps for it, then `coming` is set, or it is about to be,
 *        by a thread in the side's lock. For whoever clears `coming` looks, in the same section, whether more is there
 *        than it will take itself; and who makes progress while it is clear wakes one.
 *   [W4] Nobody queues when the queue has ended; ending it wakes all.
 *
 * Rejected: a condition (sync/condition.c): each who is woken would acquire the lock, in which those who make progress
 * are, and a notify for each item would wake more than are needed; an event count, which needs a fence or an atomic
 * instruction with each item.
 */
#include "queue/queue.h"

#include "base/fork.h"
#include "base/spin.h"
#include "sync/wait.h"
#include "sync/waitable.h"
#include <errno.h>

/* The `kind` of waiters of fl_wait_any, which take nothing: they are woken with the next one who does. */
#define WATCHES 1

/* How many pauses (base/spin.h) gather takes: at least, and besides at most about. */
#define GATHER_LEAST 4
#define GATHER_MOST 36

/* How many items there are to get, or how much room to put. Exact under the side's lock but for what the other side
 * does meanwhile, which is never too few. */
static uint64_t progress(struct fl_queue *queue, const struct fl_queue_side *side)
{
	uint64_t n = fl_load_relaxed(&queue->put.position) - fl_load_relaxed(&queue->get.position);

	if (side == &queue->put)
		return n;
	return queue->limit > n ? queue->limit - n : 0;
}

static bool worth_trying(struct fl_queue *queue, const struct fl_queue_side *side)
{
	return progress(queue, side) > 0 || fl_load_relaxed(&side->ended) != 0;
}

static bool is_coming(const struct fl_queue_side *side)
{
	return fl_load_relaxed(&side->coming) == fl_fork_epoch_ + 1;
}

static void set_coming(struct fl_queue_side *side, bool coming)
{
	fl_store_relaxed(&side->coming, coming ? (uint8_t)(fl_fork_epoch_ + 1) : 0);
}

static void set_alert(struct fl_queue_side *side, uint8_t alert)
{
	fl_store_relaxed(&side->alert, alert);
}

/* Takes the first one who will get an item, or put one, and all before it who only watch. */
static void take_one(struct fl_queue_side *side, struct fl_wake_list *list)
{
	struct fl_bucket *bucket = fl_park_lock_(fl_queue_key(side));
	struct fl_waiter *waiter;
	bool watches;

	do {
		waiter = fl_park_first_(bucket, fl_queue_key(side));
		watches = waiter && waiter->kind == WATCHES;
		if (waiter)
			fl_park_take_(bucket, waiter, list);
	} while (watches);
	if (waiter)
		set_coming(side, true);
	else
		set_alert(side, side->alert & ~FL_QUEUE_WAITING);
	fl_park_unlock_(bucket);
}

static void ring_descriptor(struct fl_queue *queue, struct fl_queue_side *side)
{
	if (!(side->alert & FL_QUEUE_FD))
		return;
	set_alert(side, side->alert & ~FL_QUEUE_FD);
	fl_queue_ring_(queue);
}

static void alert(struct fl_queue *queue, struct fl_queue_side *side, struct fl_wake_list *list)
{
	ring_descriptor(queue, side);
	if ((side->alert & FL_QUEUE_WAITING) && (!is_coming(side) || progress(queue, side) == 2))
		take_one(side, list);
}

void fl_queue_leave_alerting_(struct fl_queue *queue, struct fl_queue_side *side)
{
	struct fl_wake_list list = {0};

	alert(queue, side, &list);
	fl_lock_leave(fl_queue_lock_of(queue, side));
	fl_park_wake_(&list);
}

void fl_queue_alert_all_(struct fl_queue *queue, struct fl_queue_side *side, struct fl_wake_list *list)
{
	struct fl_bucket *bucket = fl_park_lock_(fl_queue_key(side));

	fl_park_take_all_(bucket, fl_queue_key(side), list);
	fl_park_unlock_(bucket);
	ring_descriptor(queue, side);
	set_alert(side, 0);
}

/* The calling thread, which was coming, has come, and will take what there is for one. [W3] */
static void come(struct fl_queue *queue, struct fl_queue_side *side)
{
	struct fl_wake_list list = {0};

	if (fl_queue_enter_(queue, side) != 0)
		return;
	set_coming(side, false);
	if (progress(queue, side) > 1)
		alert(queue, side, &list);
	fl_lock_leave(fl_queue_lock_of(queue, side));
	fl_park_wake_(&list);
}

/* What there was to wait for has come while the thread span. If it came at once the other side is at work, and each
 * item that is taken as soon as it is there costs both sides the transfer of all the cache lines that they share: so
 * the thread lets a few more gather. How long it waits is learned: longer as long as that brings more. */
static void gather(struct fl_queue *queue, const struct fl_queue_side *side)
{
	uint8_t *learned = &fl_queue_other(queue, side)->gather, n = fl_load_relaxed(learned), i;

	for (i = 0; i < GATHER_LEAST + n; i++)
		fl_relax();
	if (progress(queue, side) > 1)
		n = n < GATHER_MOST ? n + n / 2 + GATHER_LEAST : n;
	else
		n /= 2;
	fl_store_relaxed(learned, n);
}

/* Looks again for a moment; not if others sleep already, who would be woken only to find that it was taken. */
static bool spin(struct fl_queue *queue, struct fl_queue_side *side, fl_time deadline)
{
	struct fl_spin spin;
	bool happened = false;

	if (fl_load_relaxed(&side->alert) & FL_QUEUE_WAITING)
		return false;
	fl_spin_begin_(&spin, &fl_queue_other(queue, side)->spin, deadline, FL_SPIN_HERE);
	while (!happened && fl_spin_again_(&spin))
		happened = worth_trying(queue, side);
	fl_spin_end_(&spin, happened);
	if (happened)
		gather(queue, side);
	return happened;
}

/* Queues, unless there is something to try. Who was woken before, in vain, goes to the head. */
static bool queue_up(struct fl_queue *queue, struct fl_queue_side *side, struct fl_waiter *waiter, bool first)
{
	struct fl_bucket *bucket;
	bool waits;

	if (fl_queue_enter_(queue, side) != 0)
		return false;
	waits = !worth_trying(queue, side);
	if (waits) {
		set_alert(side, side->alert | FL_QUEUE_WAITING);
		bucket = fl_park_lock_(fl_queue_key(side));
		if (first)
			fl_park_push_front_(bucket, waiter, fl_queue_key(side));
		else
			fl_park_push_(bucket, waiter, fl_queue_key(side));
		fl_park_unlock_(bucket);
	}
	fl_lock_leave(fl_queue_lock_of(queue, side));
	return waits;
}

int fl_queue_wait_(struct fl_queue *queue, struct fl_queue_side *side, struct fl_queue_wait *wait)
{
	struct fl_waiter waiter = {0};
	int error = fl_wait_refused_(wait->deadline, wait->note);

	if (error != 0 || spin(queue, side, wait->deadline) || !queue_up(queue, side, &waiter, wait->was_woken))
		return error;
	error = fl_wait_(&waiter, fl_queue_key(side), wait->deadline, wait->note, NULL);
	if (error != 0)
		return error;
	wait->was_woken = true;
	come(queue, side);
	return 0;
}

/* For fl_wait_any. */

static bool is_ready(void *queue_)
{
	struct fl_queue *queue = queue_;

	return worth_trying(queue, &queue->put);
}

static bool watch(void *queue_, struct fl_waiter *second)
{
	struct fl_queue *queue = queue_;

	second->kind = WATCHES;
	return queue_up(queue, &queue->put, second, false);
}

/* That an item came does not say that it is still there. */
static bool unwatch(void *queue_, struct fl_waiter *second)
{
	struct fl_queue *queue = queue_;

	fl_park_leave_(second, fl_queue_key(&queue->put));
	return false;
}

static const struct fl_waitable_kind waitable_kind = {.is_ready = is_ready, .watch = watch, .unwatch = unwatch};

fl_waitable fl_queue_waitable(fl_queue *queue)
{
	return (fl_waitable){&waitable_kind, queue};
}
