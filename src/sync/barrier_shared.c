/*
 * sync/barrier_shared.c - Barrier between processes: who has come stands in places, and one word decides.
 *
 * fl_mode      FL_BARRIER_SHARED
 * fl_round     bits 0-31   ROUND: which round it is; the first one is 1
 *              bit 32      BROKEN: this round is broken, and nobody can come before a reset
 *              bits 33-63  which of the 31 rounds before were broken or reset, the last one in bit 33
 * fl_state     the newest round that was broken or reset and that fl_round does not tell of any more
 * fl_places    where the places are, in bytes from the barrier: two rows of fl_parties words, for even and odd rounds
 *
 * A place is round << 32 | the number of the peer that came. Those of a round are filled in order; so a party's index
 * is its place, and a round is full when its last place is.
 *
 * But full is not complete: what becomes of a round is decided by the compare and swap that changes fl_round, once. It
 * completes a round that is full, breaks it or resets it, and whoever does it then wakes those in the places. All may
 * do it who find it due: if the last to come dies between his place and that step, those who look after his death do it
 * for him.
 *
 * A death breaks the round if it is that of somebody who is in it; or of somebody who was in the one before and has not
 * come again, for the others wait for him. To know that, the row of the round before is kept. If that round was broken
 * it does not count: then who comes may be others.
 *
 * Invariants:
 *   [G1] A place holds the round of fl_round only if its peer has come to that round, and then it is not overwritten
 *        before that round has ended: only places of older rounds are.
 *   [G2] A place that is filled late, for a round that has ended, is an older round's, and so is free. Then that round
 *        was not complete without it, so it was broken: its peer is told so.
 *   [G3] Who comes fills his place, says that he waits, and looks at fl_round. Who ends a round changes fl_round, looks
 *        at the places and then at who waits. So one of them sees the other. (seq_cst)
 *   [G4] A peer that comes back late finds in fl_round how its own round ended; if that was more than 31 rounds ago, it
 *        was complete unless fl_state is not older. (If it is not, the round may have been complete all the same; but
 *        -EPIPE says that the barrier is or was broken, and so it was.) Who ends a round keeps what drops out of
 *        fl_round before he changes it: so fl_state never tells of a round that was not broken, if he is too late.
 *
 * What it cannot do: notice the death of a thread that has never come.
 *
 * Rejected: a count of those who have come (who of them has died?); to hold the next round back until all have left the
 * last one, as Python does (one that is stopped would hold up others, who need not wait for it).
 */
#include "sync/barrier_shared.h"

#include "base/report.h"
#include "sync/wait.h"
#include "sync/wait_shared.h"
#include <errno.h>
#include <string.h>

#define ROUND FL_BARRIER_ROUND
#define BROKEN FL_BARRIER_BROKEN
#define BEFORE 33 /* the bit of the round before */
#define REMEMBERED (64 - BEFORE)

/* A barrier, as this thread has it; and when it has come, to which round and as which party. */
struct party {
	fl_barrier *barrier;
	struct fl_lot_mine *mine;
	uint64_t *places;
	uint32_t parties;
	uint32_t round, index;
};

int fl_barrier_init_shared(fl_barrier *barrier, uint32_t parties, uint64_t *places)
{
	if (parties == 0 || parties > FL_PEERS)
		return -EINVAL;
	memset(barrier, 0, sizeof(*barrier));
	memset(places, 0, FL_BARRIER_PLACES(parties) * sizeof(*places));
	barrier->fl_parties = parties;
	barrier->fl_mode = FL_BARRIER_SHARED;
	barrier->fl_round = 1;
	barrier->fl_places = (int64_t)((uintptr_t)places - (uintptr_t)barrier);
	return 0;
}

static int find(fl_barrier *barrier, struct party *ret_party)
{
	uint32_t parties = fl_load_relaxed(&barrier->fl_parties);
	int64_t away = fl_load_relaxed(&barrier->fl_places);
	int error = 0;

	*ret_party = (struct party){.barrier = barrier, .mine = fl_lot_mine(barrier, &error), .parties = parties};
	if (!ret_party->mine)
		return fl_shared_refuse("barrier", barrier, error);
	if (parties > 0 && parties <= FL_PEERS && away % (int64_t)sizeof(uint64_t) == 0)
		ret_party->places =
			fl_shared_place_(ret_party->mine, barrier, away, FL_BARRIER_PLACES(parties) * sizeof(uint64_t));
	if (ret_party->places)
		return 0;
	fl_misuse_("barrier", barrier, "its places are not in the same segment");
	return -EINVAL;
}

/* Rounds. */

static uint64_t *row(const struct party *party, uint32_t round)
{
	return party->places + (round & 1) * (size_t)party->parties;
}

static uint64_t load_round(const fl_barrier *barrier)
{
	/* [round.1] seq_cst; pairs with [round.2] */
	return fl_load_seq_cst(&barrier->fl_round);
}

/* What fl_round is when the round is over. */
static uint64_t next_round(uint64_t state, bool broken)
{
	uint64_t before = state >> BEFORE << 1 | broken;

	return ((state + 1) & ROUND) | before << BEFORE;
}

/* What has become of the party's round. Returns 0: it is complete; -EPIPE; -EAGAIN: it is not over. [G4] */
static int outcome(const struct party *party, uint64_t state)
{
	uint32_t late = (uint32_t)state - party->round;

	if (late == 0)
		return state & BROKEN ? -EPIPE : -EAGAIN;
	if (late <= REMEMBERED)
		return state >> (BEFORE + late - 1) & 1 ? -EPIPE : 0;
	return (int32_t)(fl_load_relaxed(&party->barrier->fl_state) - party->round) >= 0 ? -EPIPE : 0;
}

/* Whether one of those whom this round waits for is dead. */
static bool is_missed(const struct party *party, uint64_t state)
{
	const struct fl_lot_view *view = party->mine->view;
	uint32_t round = (uint32_t)state;

	for (uint32_t i = 0; i < party->parties; i++) {
		uint64_t here = fl_load_relaxed(&row(party, round)[i]),
			 before = fl_load_relaxed(&row(party, round - 1)[i]);

		if (fl_barrier_round_of(here) == round && !fl_lot_alive_(view, (uint32_t)here))
			return true;
		if (fl_barrier_round_of(before) == round - 1 && !(state >> BEFORE & 1) &&
		    fl_lot_died_(view, (uint32_t)before))
			return true;
	}
	return false;
}

/* Before a round ends: keeps what fl_round is to tell no more. [G4] */
static void keep_broken(fl_barrier *barrier, uint64_t state)
{
	uint32_t round = (uint32_t)state - REMEMBERED, newest = fl_load_relaxed(&barrier->fl_state);

	if (!(state >> 63))
		return;
	while ((int32_t)(newest - round) < 0 && !fl_cas_relaxed(&barrier->fl_state, &newest, round))
		;
}

/* Has all who have come to the round look again. [G3] */
static void wake(const struct party *party, uint32_t round)
{
	for (uint32_t i = 0; i < party->parties; i++) {
		/* [round.4] seq_cst; pairs with [round.3] */
		uint64_t place = fl_load_seq_cst(&row(party, round)[i]);

		if (fl_barrier_round_of(place) == round && (uint32_t)place != party->mine->number)
			fl_lot_rouse_(party->mine->view, (uint32_t)place);
	}
}

/* Ends the round, if nobody has. */
static bool end_round(const struct party *party, uint64_t from, uint64_t to)
{
	uint32_t round = (uint32_t)from;

	keep_broken(party->barrier, from);
	/* [round.2] seq_cst; pairs with [round.1] */
	if (!fl_cas_seq_cst(&party->barrier->fl_round, &from, to))
		return false;
	wake(party, round);
	return true;
}

static bool break_round(const struct party *party, uint64_t state, bool reset)
{
	return end_round(party, state, reset ? next_round(state, true) : state | BROKEN);
}

/* Ends a round that is to end. Returns what fl_round is then. */
static uint64_t look(const struct party *party)
{
	uint64_t state = load_round(party->barrier), last;

	if (state & BROKEN)
		return state;
	/* [round.4] seq_cst; pairs with [round.3] */
	last = fl_load_seq_cst(&row(party, (uint32_t)state)[party->parties - 1]);
	if (is_missed(party, state))
		break_round(party, state, false);
	else if (fl_barrier_round_of(last) == (uint32_t)state)
		end_round(party, state, next_round(state, false));
	else
		return state;
	return load_round(party->barrier);
}

/* Coming. */

/* Fills the first place of that round which is free. Returns which; -EAGAIN: there is none, or the round is over.
 * [G1] */
static int fill(const struct party *party, uint32_t round)
{
	uint64_t *places = row(party, round), mine = (uint64_t)round << 32 | party->mine->number;

	for (uint32_t i = 0; i < party->parties; i++) {
		uint64_t place = fl_load_relaxed(&places[i]);

		while ((int32_t)(fl_barrier_round_of(place) - round) < 0)
			/* [round.3] seq_cst; pairs with [round.4] */
			if (fl_cas_seq_cst(&places[i], &place, mine))
				return (int)i;
		if (fl_barrier_round_of(place) != round)
			return -EAGAIN;
	}
	return -EAGAIN;
}

static int come(struct party *party)
{
	uint64_t state = load_round(party->barrier);

	while (!(state & BROKEN)) {
		int index = fill(party, (uint32_t)state);

		if (index >= 0) {
			party->round = (uint32_t)state;
			party->index = (uint32_t)index;
			return 0;
		}
		state = look(party);
	}
	return -EPIPE;
}

static int sleep_for(const struct party *party, fl_time deadline, fl_note *note, int *ret_refusal)
{
	struct fl_lot_wait wait;
	int result;

	fl_lot_wait_begin_(&wait, party->mine, party->barrier, NULL);
	for (;;) {
		fl_lot_wait_(&wait); /* [G3] */
		result = outcome(party, look(party));
		if (result != -EAGAIN || *ret_refusal != 0)
			break;
		*ret_refusal = fl_shared_sleep_(&wait, deadline, note);
	}
	fl_lot_wait_end_(&wait);
	return result;
}

/* A party that does not wait any more breaks its round, if that is not over. */
static int give_up(const struct party *party, int refusal)
{
	for (;;) {
		uint64_t state = load_round(party->barrier);
		int result = outcome(party, state);

		if (result != -EAGAIN)
			return result;
		if (break_round(party, state, false))
			return refusal;
	}
}

int fl_barrier_wait_shared_(fl_barrier *barrier, fl_time deadline, fl_note *note)
{
	struct party party;
	int result, refusal = fl_wait_refused_(deadline, note);

	if (fl_load_relaxed(&barrier->fl_parties) == 0)
		return -EINVAL;
	result = find(barrier, &party);
	if (result == 0 && !fl_shared_can_sleep_())
		result = -ENOSYS;
	if (result == 0)
		result = come(&party);
	if (result != 0)
		return result;
	result = outcome(&party, look(&party));
	if (result == -EAGAIN && refusal == 0)
		result = sleep_for(&party, deadline, note, &refusal);
	if (result == -EAGAIN)
		result = give_up(&party, refusal);
	return result == 0 ? (int)party.index : result;
}

/* The other calls. */

void fl_barrier_reset_shared_(fl_barrier *barrier)
{
	struct party party;

	if (find(barrier, &party) != 0)
		return;
	while (!break_round(&party, load_round(barrier), true))
		;
}

void fl_barrier_abort_shared_(fl_barrier *barrier)
{
	struct party party;
	uint64_t state;

	if (find(barrier, &party) != 0)
		return;
	do
		state = load_round(barrier);
	while (!(state & BROKEN) && !break_round(&party, state, false));
}

uint32_t fl_barrier_n_waiting_shared_(fl_barrier *barrier)
{
	struct party party;
	uint64_t state = load_round(barrier);
	uint32_t n = 0;

	if ((state & BROKEN) || find(barrier, &party) != 0)
		return 0;
	while (n < party.parties &&
	       fl_barrier_round_of(fl_load_relaxed(&row(&party, (uint32_t)state)[n])) == (uint32_t)state)
		n++;
	return n;
}

bool fl_barrier_broken_shared_(const fl_barrier *barrier)
{
	return load_round(barrier) & BROKEN;
}
