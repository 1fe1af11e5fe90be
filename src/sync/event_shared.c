/*
 * sync/event_shared.c - Event between processes.
 *
 * fl_state is as in sync/event.c: SET, WAITERS, and GENERATION, which says how often SET has become set. That is all
 * there is. Who waits remembers the generation that it came in, and goes when that has changed: so a set lets all go
 * that were waiting, also if a clear follows at once, by one compare and swap, and what comes after that only sees to
 * it that they look.
 *
 * A set while nobody waits is the same as a private one's, and so is the rest: what differs is in this file.
 *
 * Invariants:
 *   [V1] WAITERS is set only together with a look that finds the flag clear, and the generation as it was: so while
 *        it is set SET is clear. It is cleared only by a set, which then wakes all who wait for the event.
 *   [V2] Whoever sleeps has seen WAITERS set, or set it, after it said that it waits. So of the set that clears
 *        WAITERS and of its look, one sees the other; both are seq_cst.
 *   [V3] Who is about to wake others has its place in the segment before it clears WAITERS. So if it dies in between,
 *        its death has all look (base/lot.h).
 *
 * A set that cannot get a place wakes those who wait nevertheless; only its death, at this instant, would not be
 * noticed.
 */
#include "sync/event_shared.h"

#include "base/report.h"
#include "base/spin.h"
#include "sync/wait.h"
#include "sync/wait_shared.h"
#include <errno.h>

#define SET FL_EVENT_SET
#define WAITERS FL_EVENT_WAITERS

void fl_event_init_shared(fl_event *event)
{
	*event = (fl_event){.fl_mode = FL_EVENT_SHARED};
}

void fl_event_set_shared_(fl_event *event)
{
	int error = 0;
	const struct fl_lot_mine *mine = fl_lot_mine(event, &error); /* [V3] */
	const struct fl_lot_view *view = mine ? mine->view : fl_lot_view_(event);
	uint32_t state = fl_load_relaxed(&event->fl_state);

	if (!view) {
		fl_shared_refuse_("event", event, -EINVAL);
		return;
	}
	/* [evshared.1] seq_cst; pairs with [evshared.2] */
	while (!fl_cas_seq_cst(&event->fl_state, &state, fl_event_after_set(state)))
		;
	if (state & WAITERS)
		fl_lot_wake_(view, event, FL_PEERS);
}

/* Whether there has been a set since the state was `then`. */
static bool set_since(const fl_event *event, uint32_t then)
{
	/* [evshared.2] seq_cst; pairs with [evshared.1], [event.3] */
	uint32_t state = fl_load_seq_cst(&event->fl_state);

	return ((state ^ then) & ~WAITERS) != 0;
}

/* Marks the event, for one that waits; false: there has been a set. [V1, V2] */
static bool mark(fl_event *event, uint32_t then)
{
	uint32_t state = then & ~WAITERS;

	if (set_since(event, then))
		return false;
	return fl_cas_relaxed(&event->fl_state, &state, state | WAITERS) || state == (then | WAITERS);
}

static bool spin(fl_event *event, uint32_t then, fl_time deadline)
{
	struct fl_spin spin;
	bool set = false;

	for (fl_spin_begin_(&spin, &event->fl_spin, deadline, FL_SPIN_ELSEWHERE); !set && fl_spin_again_(&spin);)
		set = set_since(event, then);
	fl_spin_end_(&spin, set);
	return set;
}

int fl_event_wait_shared_(fl_event *event, uint32_t then, fl_time deadline, fl_note *note)
{
	struct fl_lot_wait wait;
	int error = 0, refusal = 0;
	struct fl_lot_mine *mine = fl_lot_mine(event, &error);

	if (!mine)
		return fl_shared_refuse("event", event, error);
	refusal = fl_wait_refused_(deadline, note);
	if (refusal != 0 || spin(event, then, deadline))
		return refusal;
	fl_lot_wait_begin_(&wait, mine, event, NULL);
	do {
		fl_lot_wait_(&wait);
		if (!mark(event, then))
			break;
		refusal = fl_shared_sleep_(&wait, deadline, note);
		fl_lot_unwait_(&wait);
	} while (refusal == 0);
	fl_lot_wait_end_(&wait);
	return set_since(event, then) ? 0 : refusal;
}

bool fl_event_waited_shared_(const fl_event *event)
{
	const struct fl_lot_view *view = fl_lot_view_(event);

	return view && fl_lot_first_(view, event) != 0;
}
