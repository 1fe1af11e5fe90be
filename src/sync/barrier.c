/*
 * sync/barrier.c - Barrier: the last to come takes the others from the queue and wakes them.
 *
 * fl_arrived   how many of the present round wait in the queue
 * fl_state     bit 0  BROKEN
 * fl_epoch     in which generation of forked children fl_arrived counted (base/fork.h): threads that stayed in the
 *              parent have not arrived in the child
 *
 * All of it changes under the bucket's lock, which is all the lock that a barrier needs. What a waiter gets (its
 * index, or that the barrier broke) is in its waiter when it is woken; so a round is over for all its members at one
 * moment, however late they run, and the next may begin at once.
 *
 * Invariants:
 *   [B1] fl_arrived is the length of the queue, and less than fl_parties.
 *   [B2] Whoever leaves the queue by itself breaks the barrier in the same step: a round never ends with a party
 *        missing.
 *   [B3] A round is complete when its last party has taken the others from the queue. From then on neither deadline
 *        nor note, abort nor reset concerns it: they count for the next. Its members wait for the action, and get
 *        what it gives.
 *
 * One that processes share has its own file, barrier_shared.c.
 */
#include <fairlead/barrier.h>

#include "base/fork.h"
#include "base/name.h"
#include "base/report.h"
#include "base/spin.h"
#include "sync/barrier_shared.h"
#include "sync/wait.h"
#include <errno.h>
#include <string.h>

#define BROKEN 1u

int fl_barrier_init(fl_barrier *barrier, uint32_t parties, int (*action)(void *arg), void *arg, const char *name)
{
	if (parties == 0 || parties > INT32_MAX)
		return -EINVAL;
	memset(barrier, 0, sizeof(*barrier));
	barrier->fl_parties = parties;
	barrier->fl_action = action;
	barrier->fl_arg = arg;
	fl_name_set_(barrier, name);
	return 0;
}

void fl_barrier_name(fl_barrier *barrier, const char *name)
{
	fl_name_set_(barrier, name);
}

void fl_barrier_destroy(fl_barrier *barrier)
{
	if (fl_barrier_is_shared(barrier) ? fl_barrier_n_waiting_shared_(barrier) > 0 : fl_park_waited_(barrier))
		fl_misuse_("barrier", barrier, "destroyed while it is waited for");
	else
		fl_name_set_(barrier, NULL);
}

/* Fields that change only under the bucket's lock but are looked at without it. */
static void set(uint32_t *field, uint32_t value)
{
	fl_store_relaxed(field, value);
}

/* Under the bucket's lock. */
static void forget_parent(fl_barrier *barrier)
{
	if (fl_load_relaxed(&barrier->fl_epoch) == fl_fork_epoch_)
		return;
	fl_store_relaxed(&barrier->fl_epoch, fl_fork_epoch_);
	set(&barrier->fl_arrived, 0);
}

/* Takes all from the queue; if `error` is not 0, they get that, otherwise the index that each has. */
static void dismiss(struct fl_bucket *bucket, fl_barrier *barrier, int error, struct fl_wake_list *list)
{
	struct fl_waiter *waiter;

	while ((waiter = fl_park_first_(bucket, barrier))) {
		if (error != 0)
			waiter->result = error;
		fl_park_take_(bucket, waiter, list);
	}
	set(&barrier->fl_arrived, 0);
}

static void break_all(struct fl_bucket *bucket, fl_barrier *barrier, struct fl_wake_list *list)
{
	set(&barrier->fl_state, BROKEN);
	dismiss(bucket, barrier, -EPIPE, list);
}

static void left(struct fl_bucket *bucket, struct fl_waiter *waiter, struct fl_wake_list *list)
{
	break_all(bucket, (fl_barrier *)(uintptr_t)waiter->key, list);
}

/* The action has failed: its round gets -EPIPE, and so does everybody else. */
static int fail(fl_barrier *barrier, int failure, struct fl_wake_list *list)
{
	struct fl_bucket *bucket = fl_park_lock_(barrier);
	struct fl_waiter *waiter;

	for (waiter = list->first; waiter; waiter = waiter->next)
		waiter->result = -EPIPE;
	break_all(bucket, barrier, list);
	fl_park_unlock_(bucket);
	fl_park_wake_(list);
	return failure < 0 ? failure : -EPIPE;
}

/* The last of a round, which has taken the others from the queue. */
static int finish(fl_barrier *barrier, struct fl_wake_list *list)
{
	int index = (int)barrier->fl_parties - 1,
	    failure = barrier->fl_action ? barrier->fl_action(barrier->fl_arg) : 0;

	if (failure != 0)
		return fail(barrier, failure, list);
	fl_park_wake_(list);
	return index;
}

static int refused(const fl_barrier *barrier)
{
	if (barrier->fl_parties == 0)
		return -EINVAL;
	return fl_barrier_broken(barrier) ? -EPIPE : 0;
}

/* Comes to the barrier. Returns 1: it queues; 0: it is the last, and the others are in `list`; an error. */
static int arrive(fl_barrier *barrier, struct fl_waiter *waiter, bool may_wait, struct fl_wake_list *list)
{
	struct fl_bucket *bucket = fl_park_lock_(barrier);
	int state = refused(barrier);

	forget_parent(barrier);
	if (state == 0 && barrier->fl_arrived == barrier->fl_parties - 1) {
		dismiss(bucket, barrier, 0, list);
	} else if (state == 0 && may_wait) {
		waiter->result = (int)barrier->fl_arrived;
		fl_park_push_(bucket, waiter, barrier);
		set(&barrier->fl_arrived, barrier->fl_arrived + 1);
		state = 1;
	} else if (state == 0) {
		break_all(bucket, barrier, list);
		state = -EAGAIN;
	}
	fl_park_unlock_(bucket);
	return state;
}

int fl_barrier_wait_until(fl_barrier *barrier, fl_time deadline, fl_note *note)
{
	struct fl_wake_list list = {0};
	struct fl_waiter waiter = {
		.left = left,
	};
	uint32_t parties;
	int refusal, state, error;

	if (fl_unlikely(fl_barrier_is_shared(barrier)))
		return fl_barrier_wait_shared_(barrier, deadline, note);
	fl_prefetch_write(barrier);
	fl_park_prefetch_(barrier);
	refusal = fl_wait_refused_(deadline, note);
	parties = barrier->fl_parties;
	state = arrive(barrier, &waiter, refusal == 0, &list);
	if (state == 0)
		return finish(barrier, &list);
	if (state == -EAGAIN) {
		fl_park_wake_(&list);
		return refusal;
	}
	if (state < 0)
		return state;
	/* The round may be over by now, and the barrier freed by another of its parties. */
	waiter.crowd = parties > fl_spin_processors_();
	error = fl_wait_(&waiter, barrier, deadline, note, fl_park_hint_(barrier));
	return error != 0 ? error : waiter.result;
}

int fl_barrier_wait(fl_barrier *barrier)
{
	return fl_barrier_wait_until(barrier, FL_FOREVER, NULL);
}

/* Sends all who wait away, and leaves the barrier in `state`. */
static void send_away(fl_barrier *barrier, uint32_t state)
{
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket = fl_park_lock_(barrier);

	break_all(bucket, barrier, &list);
	set(&barrier->fl_state, state);
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
}

void fl_barrier_reset(fl_barrier *barrier)
{
	if (fl_barrier_is_shared(barrier))
		fl_barrier_reset_shared_(barrier);
	else
		send_away(barrier, 0);
}

void fl_barrier_abort(fl_barrier *barrier)
{
	if (fl_barrier_is_shared(barrier))
		fl_barrier_abort_shared_(barrier);
	else
		send_away(barrier, BROKEN);
}

uint32_t fl_barrier_parties(const fl_barrier *barrier)
{
	return barrier->fl_parties;
}

uint32_t fl_barrier_n_waiting(const fl_barrier *barrier)
{
	if (fl_barrier_is_shared(barrier))
		return fl_barrier_n_waiting_shared_((fl_barrier *)(uintptr_t)barrier);
	return fl_load_relaxed(&barrier->fl_epoch) == fl_fork_epoch_ ? fl_load_relaxed(&barrier->fl_arrived) : 0;
}

bool fl_barrier_broken(const fl_barrier *barrier)
{
	if (fl_barrier_is_shared(barrier))
		return fl_barrier_broken_shared_(barrier);
	return fl_load_relaxed(&barrier->fl_state) & BROKEN;
}
