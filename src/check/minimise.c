/*
 * check/minimise.c - see minimise.h.
 *
 * Segments of the schedule are left out, many at a time and then fewer (delta debugging: Zeller, Hildebrandt, TSE
 * 2002). What remains is a loose guide: threads whose turn was left out come later, when nothing else is said. What
 * fails in the same way with fewer changes of thread, or as many and fewer steps, is the schedule from then on.
 */
#include "minimise.h"

#include "engine.h"
#include "strategy.h"

#define ATTEMPTS 2000u
#define TIME INT64_C(2000000000)

static struct attempts {
	bool begun, better;
	uint64_t at, size; /* of the part that is left out next */
	uint64_t attempts;
	int64_t until;
} * state;

void minimise_set_up(void)
{
	state = raw_map(NULL, sizeof(*state), true);
}

static uint64_t changes_of_journal(void)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < journal->steps; i++)
		n += i == 0 || journal->thread[i] != journal->thread[i - 1];
	return n;
}

static void leave_out(uint64_t at, uint64_t n)
{
	uint64_t to = at;

	for (uint64_t i = at + n; i < plan->n_segments; i++)
		guide[to++] = guide[i];
	plan->n_segments = to;
}

/* Does what the guide says. Keeps it if it is better than a schedule of so many segments. */
static bool attempt(uint64_t segments)
{
	struct check_failure failure;
	uint64_t changes;

	engine_run();
	state->attempts++;
	memory->replays++;
	explore_conclude(&failure);
	if (!explore_same(&failure, &memory->failure))
		return false;
	changes = changes_of_journal();
	if (changes > segments || (changes == segments && journal->steps >= memory->n_schedule))
		return false;
	explore_keep(&failure);
	return true;
}

/* Returns whether there is a next part to leave out, of so many segments. */
static bool next_part(uint64_t segments)
{
	if (state->at + state->size <= segments)
		return true;
	state->at = 0;
	if (state->size > 1) {
		state->size /= 2;
		return true;
	}
	if (!state->better)
		return false;
	state->better = false;
	return segments > 1;
}

bool minimise_step(void)
{
	uint64_t segments;

	explore_guide(false);
	segments = plan->n_segments;
	if (!state->begun) {
		state->begun = true;
		state->size = segments > 1 ? segments / 2 : 1;
		state->until = raw_now() + TIME;
	}
	if (state->attempts >= ATTEMPTS || raw_now() > state->until || !next_part(segments))
		return false;
	leave_out(state->at, state->size);
	if (attempt(segments))
		state->better = true;
	else
		state->at++;
	return true;
}

void minimise_done(void)
{
	state->begun = false;
}
