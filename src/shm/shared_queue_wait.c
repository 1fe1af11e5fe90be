/*
 * shm/shared_queue_wait.c - calls of a queue that find it, lock it, wait for it, and wake others.
 *
 * Three things are waited for: an item, room, the end of all work. For each there is a flag in the head, 1 while
 * somebody may be waiting, whose address is what the waiting threads say they wait for (base/lot.h).
 *
 * Invariants:
 *   [SQ3] Who is about to sleep says so in its page, then sets the flag in the head that tells what it waits for (an
 *         item, room, the end of all work), then looks after what the dead left, and only then gives the lock back. So
 *         a change comes before that look, or finds the flag; and so a death is seen by that look, or has those who
 *         wait look again [O3, O4 in base/lot.c].
 *   [SQ4] Whoever gives the lock back while there is something to be had and the flag for it is set, clears it and
 *         wakes one; and who was woken sets it again once it has the lock. So if somebody sleeps while there is
 *         something for him, somebody who was woken is on the way, and will see to it that the next one is.
 *   [SQ5] Each call that finds nothing looks after all that is held, and each get after one place, in turn. So what the
 *         dead had is found by those who wait, by those who only try, and by those who never have to wait.
 */
#include "base/report.h"
#include "base/spin.h"
#include "shm/shared_queue.h"
#include "sync/lock_shared.h"
#include "sync/wait.h"
#include "sync/wait_shared.h"
#include <errno.h>

/* Finding it. */

static uint64_t heap_bytes(uint32_t kind, uint32_t limit)
{
	return kind == FL_QUEUE_PRIORITY ? ((uint64_t)limit * sizeof(uint32_t) + 63) / 64 * 64 : 0;
}

static uint32_t stride_of(uint32_t item_size)
{
	return (uint32_t)sizeof(struct fl_place) + (item_size + 63) / 64 * 64;
}

uint64_t fl_shared_queue_bytes_(uint32_t kind, uint32_t limit, uint32_t item_size)
{
	if (limit == 0 || limit > FL_SHARED_QUEUE_LIMIT || item_size == 0 || item_size > FL_SHARED_QUEUE_ITEM)
		return 0;
	return sizeof(fl_shared_queue) + heap_bytes(kind, limit) + (uint64_t)limit * stride_of(item_size);
}

void fl_shared_queue_lay_out_(struct fl_places *places, fl_shared_queue *queue, uint32_t kind, uint32_t limit,
			      uint32_t item_size)
{
	places->queue = queue;
	places->kind = kind;
	places->limit = limit;
	places->item_size = item_size;
	places->stride = stride_of(item_size);
	places->heap = (uint32_t *)(queue + 1);
	places->first = (char *)(queue + 1) + heap_bytes(kind, limit);
}

int fl_shared_queue_find_(fl_shared_queue *queue, struct fl_shared_queue_call *call)
{
	struct fl_places *places = &call->places;
	uint32_t limit, item_size, kind;
	uint64_t size;
	int error = 0;

	places->mine = fl_lot_mine(queue, &error);
	if (!places->mine)
		return fl_shared_refuse("shared queue", queue, error);
	call->me = places->mine->number;
	places->view = places->mine->view;
	limit = fl_load_relaxed(&queue->limit);
	item_size = fl_load_relaxed(&queue->item_size);
	kind = fl_load_relaxed(&queue->kind);
	size = fl_shared_queue_bytes_(kind, limit, item_size);
	if (size == 0 || !fl_shared_place_(places->mine, queue, 0, size))
		return -EPROTO;
	fl_shared_queue_lay_out_(places, queue, kind, limit, item_size);
	return 0;
}

/* The lock. */

int fl_shared_queue_enter_(struct fl_shared_queue_call *call)
{
	fl_lock *lock = &call->places.queue->lock;
	int error = fl_lock_acquire_shared_(lock, FL_FOREVER, NULL, FL_KIND_LOCK, NULL);

	if (error == -EOWNERDEAD) {
		fl_shared_queue_mend_(&call->places);
		error = fl_lock_mend(lock);
	}
	call->locked = error == 0;
	return error == -ENOTRECOVERABLE ? -EPROTO : error;
}

bool fl_shared_queue_done_(const fl_shared_queue *queue)
{
	return fl_load_relaxed(&queue->n_ready) == 0 &&
	       fl_load_relaxed(&queue->n_held) == fl_load_relaxed(&queue->n_reserved);
}

/* How many of those who have set the flag are to be woken. */
static uint32_t to_wake(uint32_t *flag, bool one, bool all)
{
	if (fl_likely(fl_load_relaxed(flag) == 0) || !(one || all))
		return 0;
	fl_store_relaxed(flag, 0);
	return all ? FL_PEERS : 1;
}

/* [SQ4] */
void fl_shared_queue_leave_(struct fl_shared_queue_call *call)
{
	fl_shared_queue *queue = call->places.queue;
	const struct fl_lot_view *view = call->places.view;
	bool ended = fl_load_relaxed(&queue->is_shutdown) != 0;
	uint32_t getters = to_wake(&queue->getters, fl_load_relaxed(&queue->n_ready) != 0, ended);
	uint32_t putters = to_wake(&queue->putters, fl_load_relaxed(&queue->n_unused) != 0, ended);
	uint32_t joiners = to_wake(&queue->joiners, false, fl_shared_queue_done_(queue));

	call->locked = false;
	fl_lock_release_shared_(&queue->lock, FL_KIND_LOCK);
	if (getters != 0)
		fl_lot_wake_(view, &queue->getters, getters);
	if (putters != 0)
		fl_lot_wake_(view, &queue->putters, putters);
	if (joiners != 0)
		fl_lot_wake_(view, &queue->joiners, joiners);
}

/* Waiting. */

static uint32_t *flag_of(const struct fl_shared_queue_call *call, const struct fl_wish *wish)
{
	return (uint32_t *)((char *)call->places.queue + wish->flag);
}

/* Tries it; what the dead left may help. [SQ5] */
static int attempt(struct fl_shared_queue_call *call, const struct fl_wish *wish)
{
	int result = wish->attempt(call), found = 0;

	if (result == -EAGAIN || result == -EPIPE)
		found = fl_shared_queue_look_after_all_(&call->places);
	if (result == -EPROTO || found < 0)
		fl_shared_queue_mend_(&call->places);
	return result == -EPROTO || found != 0 ? wish->attempt(call) : result;
}

/* Gives the lock back, sleeps, and takes it again. Returns 0: it may be worth trying; or why that is the last time. */
static int wait_for(struct fl_shared_queue_call *call, const struct fl_wish *wish, fl_time deadline, fl_note *note)
{
	struct fl_lot_wait wait;
	uint32_t *flag = flag_of(call, wish);
	int refusal = fl_wait_refused_(deadline, note), error;

	if (refusal != 0)
		return refusal;
	fl_lot_wait_begin_(&wait, call->places.mine, flag, NULL);
	fl_lot_wait_(&wait); /* [SQ3] */
	fl_store_relaxed(flag, 1);
	if (fl_shared_queue_look_after_all_(&call->places) == 0) {
		fl_shared_queue_leave_(call);
		refusal = fl_shared_sleep_(&wait, deadline, note);
		fl_lot_wait_end_(&wait);
		error = fl_shared_queue_enter_(call);
		if (error != 0)
			return error;
		fl_store_relaxed(flag, 1); /* [SQ4] */
	} else {
		fl_lot_wait_end_(&wait);
	}
	return refusal;
}

/* Begins to fetch the place that it is probably going to be, while the lock is fetched. */
static void prefetch(const struct fl_shared_queue_call *call, const struct fl_wish *wish)
{
	uint32_t slot = fl_load_relaxed((uint32_t *)((char *)call->places.queue + wish->first)) - 1;

	if (slot >= call->places.limit)
		return;
	fl_prefetch_write(fl_place_at(&call->places, slot));
	fl_prefetch_write(fl_place_item(fl_place_at(&call->places, slot)));
}

static bool promises(const fl_shared_queue *queue, const struct fl_wish *wish)
{
	return fl_load_relaxed((const uint32_t *)((const char *)queue + wish->count)) != 0 ||
	       fl_load_relaxed(&queue->is_shutdown) != 0;
}

/* Before the lock is taken: it would only be in the way of who has it. */
static void spin(const struct fl_shared_queue_call *call, const struct fl_wish *wish, fl_time deadline, fl_note *note)
{
	fl_shared_queue *queue = call->places.queue;
	struct fl_spin spin;
	bool happened = false;

	if (!promises(queue, wish) && fl_wait_refused_(deadline, note) == 0) {
		fl_spin_begin_(&spin, (uint16_t *)((char *)queue + wish->hint), deadline, FL_SPIN_ELSEWHERE);
		while (!happened && fl_spin_again_(&spin))
			happened = promises(queue, wish);
		fl_spin_end_(&spin, happened);
	}
	prefetch(call, wish);
}

int fl_shared_queue_fulfil_(struct fl_shared_queue_call *call, const struct fl_wish *wish, fl_time deadline,
			    fl_note *note)
{
	int refusal = 0, result;

	if (wish->count != 0)
		spin(call, wish, deadline, note);
	result = fl_shared_queue_enter_(call);
	if (result != 0)
		return result;
	for (;;) {
		result = attempt(call, wish);
		if (result != -EAGAIN || refusal != 0)
			break;
		refusal = wait_for(call, wish, deadline, note);
		if (!call->locked)
			return refusal;
	}
	fl_shared_queue_leave_(call);
	return result == -EAGAIN ? refusal : result;
}
