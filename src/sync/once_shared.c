/*
 * sync/once_shared.c - Once between processes: who runs the function is known, and if that one dies another one does.
 *
 * fl_state
 *   bits 0-1   NEW, RUNNING or DONE
 *   bits 2-30  RUNNER   the peer that runs the function (base/lot.h), while RUNNING; else 0
 *   bit 31     WAITERS  somebody may be waiting, while RUNNING. Set by who waits; goes with RUNNING
 *
 * Invariants:
 *   [J1] RUNNING becomes DONE or NEW by its runner alone, or RUNNING of another one once its runner does not live: each
 *        is one compare and swap. So no two that live run the function at the same time.
 *   [J2] DONE is final, and is stored with release order after the function has returned.
 *   [J3] Whoever sleeps has seen WAITERS set, or set it, with RUNNING, after it said that it waits; who takes the
 *        place of a dead runner keeps it. A runner that leaves with WAITERS wakes all; if it dies, all look
 *        (base/lot.h).
 */
#include "sync/once_shared.h"

#include "base/report.h"
#include "sync/wait.h"
#include "sync/wait_shared.h"
#include <errno.h>

#define NEW FL_ONCE_NEW
#define RUNNING FL_ONCE_RUNNING
#define DONE FL_ONCE_DONE
#define PHASE FL_ONCE_PHASE
#define RUNNER_ONE FL_ONCE_RUNNER_ONE
#define WAITERS FL_ONCE_SHARED_WAITERS

void fl_once_init_shared(fl_once *once)
{
	*once = (fl_once){.fl_mode = FL_ONCE_SHARED};
}

static void leave(fl_once *once, const struct fl_lot_mine *mine, uint32_t next)
{
	uint32_t state = fl_load_relaxed(&once->fl_state);

	do {
		if ((state & PHASE) != RUNNING || fl_once_runner(state) != mine->number)
			return; /* somebody has written there what cannot be */
				/* [onceshared.2] seq_cst; pairs with [once.1], [onceshared.1], [onceshared.3] */
	} while (!fl_cas_seq_cst(&once->fl_state, &state, next));
	if (state & WAITERS)
		fl_lot_wake_(mine->view, once, FL_PEERS);
}

static int run(fl_once *once, const struct fl_lot_mine *mine, int (*function)(void *arg), void *arg)
{
	int error = function(arg);

	leave(once, mine, error < 0 ? NEW : DONE);
	return error < 0 ? error : 0;
}

/* Becomes the runner unless another one that lives is, which for one that waits is marked. Returns 1: it is; 0: the
 * function has been run; -EDEADLK: it was the runner already; -EAGAIN: another one is. */
static int claim(fl_once *once, const struct fl_lot_mine *mine, bool waits)
{
	for (;;) {
		/* [onceshared.1] seq_cst; pairs with [onceshared.2] */
		uint32_t state = fl_load_seq_cst(&once->fl_state);

		if ((state & PHASE) == DONE)
			return 0;
		if ((state & PHASE) == RUNNING && fl_once_runner(state) == mine->number)
			return -EDEADLK;
		if ((state & PHASE) == RUNNING && fl_lot_alive_(mine->view, fl_once_runner(state))) {
			if (!waits || (state & WAITERS) || fl_cas_relaxed(&once->fl_state, &state, state | WAITERS))
				return -EAGAIN;
			continue;
		}
		/* [onceshared.3] acquire; pairs with [onceshared.2] */
		if (fl_cas_acquire(&once->fl_state, &state, RUNNING | mine->number * RUNNER_ONE | (state & WAITERS)))
			return 1;
	}
}

/* Waits while another one is the runner. Returns as claim, or -ETIMEDOUT, -ECANCELED, -ENOSYS. The wait is over before
 * the function is run, which may want to wait for other things. */
static int wait_for(fl_once *once, struct fl_lot_mine *mine, fl_time deadline, fl_note *note)
{
	struct fl_lot_wait wait;
	int result, refusal = 0;

	fl_lot_wait_begin_(&wait, mine, once, NULL);
	do {
		fl_lot_wait_(&wait);
		result = claim(once, mine, true);
		if (result != -EAGAIN)
			break;
		refusal = fl_shared_sleep_(&wait, deadline, note);
		fl_lot_unwait_(&wait);
	} while (refusal == 0);
	fl_lot_wait_end_(&wait);
	return result == -EAGAIN ? refusal : result;
}

int fl_once_call_shared_(fl_once *once, int (*function)(void *arg), void *arg, fl_time deadline, fl_note *note)
{
	int result = 0;
	struct fl_lot_mine *mine = fl_lot_mine(once, &result);

	if (!mine)
		return fl_shared_refuse("once", once, result);
	result = claim(once, mine, false);
	if (result == -EAGAIN) {
		result = fl_wait_refused_(deadline, note);
		if (result == 0)
			result = wait_for(once, mine, deadline, note);
	}
	return result == 1 ? run(once, mine, function, arg) : result;
}
