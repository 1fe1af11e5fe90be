/*
 * sync/event.c - Event: a flag, and those who wait for it.
 *
 * fl_state
 *   bit 0      SET
 *   bit 1      WAITERS: the queue may have somebody in it. Set by a waiter, cleared by the set that empties the
 *                       queue, both under the bucket's lock
 *   bits 2-31  GENERATION: how often SET has become set
 * fl_mode      FL_EVENT_SHARED: it is one that processes share. The word is the same, but those who wait are no queue:
 *              what has to do with them is sync/event_shared.c's
 *
 * Invariants:
 *   [E1] A waiter queues only under the bucket's lock and with SET clear. While WAITERS is set SET is clear, and
 *        becomes set only under the bucket's lock, together with taking all waiters from the queue. So a set wakes
 *        those that were waiting, a clear right after it takes nothing back, and a thread that comes to wait after
 *        that clear is not woken by the earlier set.
 *   [E2] A waiter first spins without having queued. It remembers the generation that it came in; if that has
 *        changed, there has been a set while it waited, whatever SET says by now. (It would have to miss 2^30 sets in
 *        the 50 us of a spin to be wrong.)
 *
 * A set from a signal handler that interrupted its own thread inside a bucket's lock is left to the end of that
 * section, and so is a clear that follows it.
 */
#include <fairlead/event.h>

#include "base/name.h"
#include "base/report.h"
#include "base/spin.h"
#include "sync/event_shared.h"
#include "sync/wait.h"
#include "sync/waitable.h"
#include <errno.h>
#include <string.h>

#define SET FL_EVENT_SET
#define WAITERS FL_EVENT_WAITERS

void fl_event_init(fl_event *event, const char *name)
{
	memset(event, 0, sizeof(*event));
	fl_name_set_(event, name);
}

void fl_event_name(fl_event *event, const char *name)
{
	fl_name_set_(event, name);
}

void fl_event_destroy(fl_event *event)
{
	if (fl_event_is_shared(event) ? fl_event_waited_shared_(event) : fl_park_waited_(event))
		fl_misuse_("event", event, "destroyed while it is waited for");
	else
		fl_name_set_(event, NULL);
}

bool fl_event_is_set(const fl_event *event)
{
	/* [event.1] acquire; pairs with [event.2], [event.3] */
	return fl_load_acquire(&event->fl_state) & SET;
}

static void clear(void *event_, uint32_t unused)
{
	fl_event *event = event_;

	(void)unused;
	fl_and_relaxed(&event->fl_state, ~SET);
}

void fl_event_clear(fl_event *event)
{
	if (fl_unlikely(fl_park_deferred_()) && !fl_event_is_shared(event))
		fl_park_defer_(clear, event, 0);
	else
		clear(event, 0);
}

/* Sets the flag and wakes all who wait. */
static void set_and_wake(void *event_, uint32_t unused)
{
	fl_event *event = event_;
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket = fl_park_lock_(event);
	uint32_t state = fl_load_relaxed(&event->fl_state);

	(void)unused;
	fl_park_take_all_(bucket, event, &list);
	/* [event.2] release; pairs with [event.1] */
	while (!fl_cas_release(&event->fl_state, &state, fl_event_after_set(state)))
		;
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
}

void fl_event_set(fl_event *event)
{
	uint32_t state;

	fl_prefetch_write(event);
	fl_park_prefetch_(event);
	state = fl_load_relaxed(&event->fl_state);
	while (!(state & WAITERS))
		/* [event.3] release; pairs with [event.1], [evshared.2] */
		if (fl_likely(fl_cas_release(&event->fl_state, &state, fl_event_after_set(state))))
			return;
	if (fl_event_is_shared(event))
		fl_event_set_shared_(event);
	else if (fl_unlikely(fl_park_interrupted_()))
		fl_park_defer_(set_and_wake, event, 0);
	else
		set_and_wake(event, 0);
}

/* Whether there has been a set since the state was `then`, when the flag was clear. */
static bool set_since(const fl_event *event, uint32_t then)
{
	/* [event.1] acquire; pairs with [event.2], [event.3] */
	uint32_t state = fl_load_acquire(&event->fl_state);

	return ((state ^ then) & ~WAITERS) != 0;
}

/* Queues, unless there has been a set. */
static bool queue(fl_event *event, struct fl_waiter *waiter, uint32_t then)
{
	struct fl_bucket *bucket = fl_park_lock_(event);
	uint32_t state = then & ~WAITERS;
	bool waits = fl_cas_relaxed(&event->fl_state, &state, state | WAITERS) || state == (then | WAITERS);

	if (waits)
		fl_park_push_(bucket, waiter, event);
	fl_park_unlock_(bucket);
	return waits;
}

static bool spin(fl_event *event, uint32_t then, fl_time deadline)
{
	struct fl_spin spin;
	bool set = false;

	for (fl_spin_begin_(&spin, &event->fl_spin, deadline, FL_SPIN_HERE); !set && fl_spin_again_(&spin);)
		set = set_since(event, then);
	fl_spin_end_(&spin, set);
	return set;
}

int fl_event_wait_until(fl_event *event, fl_time deadline, fl_note *note)
{
	struct fl_waiter waiter = {0};
	/* [event.1] acquire; pairs with [event.2], [event.3] */
	uint32_t state = fl_load_acquire(&event->fl_state);
	int error;

	if (state & SET)
		return 0;
	if (fl_event_is_shared(event))
		return fl_event_wait_shared_(event, state, deadline, note);
	error = fl_wait_refused_(deadline, note);
	if (error != 0)
		return error;
	if (spin(event, state, deadline))
		return 0;
	if (queue(event, &waiter, state))
		return fl_wait_(&waiter, event, deadline, note, NULL);
	set_since(event, state); /* it has been; this orders what was written before */
	return 0;
}

int fl_event_wait(fl_event *event)
{
	return fl_event_wait_until(event, FL_FOREVER, NULL);
}

/* For fl_wait_any. */

static int refuse(const void *event)
{
	if (!fl_event_is_shared(event))
		return 0;
	fl_misuse_("event", event, "it is shared, and cannot be waited for together with others");
	return -EINVAL;
}

static bool is_ready(void *event)
{
	return fl_event_is_set(event) && !fl_event_is_shared(event);
}

static bool watch(void *event_, struct fl_waiter *second)
{
	fl_event *event = event_;
	/* [event.1] acquire; pairs with [event.2], [event.3] */
	uint32_t state = fl_load_acquire(&event->fl_state);

	return !(state & SET) && queue(event, second, state);
}

static bool unwatch(void *event, struct fl_waiter *second)
{
	return fl_park_leave_(second, event);
}

static const struct fl_waitable_kind waitable_kind = {
	.is_ready = is_ready, .watch = watch, .unwatch = unwatch, .refuse = refuse};

fl_waitable fl_event_waitable(fl_event *event)
{
	return (fl_waitable){&waitable_kind, event};
}
