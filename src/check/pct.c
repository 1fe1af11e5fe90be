/*
 * check/pct.c - probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte: ASPLOS 2010).
 *
 * Each thread has a random priority, the highest goes on; at depth - 1 random steps the thread that would go on falls
 * below all others. Steps are counted where they matter, at places that are part of a pair: others need no change of
 * threads in front of them. A thread that yields, sleeps or waits in a loop gets a new priority, or it would hold up
 * all others, or starve.
 */
#include "strategy.h"

#include "places.h"

#define CHANGES 16u

/* Priorities of threads lie above those of change points. */
#define LOWEST 256u

static struct {
	uint64_t change[CHANGES]; /* ascending */
	unsigned n_changes, changed;
	uint64_t steps; /* that matter, of this run */
	bool fresh[THREADS];
} at;
static uint64_t *longest; /* such steps of a run so far */

void pct_set_up(void)
{
	longest = raw_map(NULL, sizeof(*longest), true);
}

void pct_renew(void)
{
	*longest = 0;
}

void pct_begin(void)
{
	uint64_t length;

	length = *longest > 16 ? *longest : 16;
	raw_fill(&at, 0, sizeof(at));
	at.n_changes = plan->depth > CHANGES ? CHANGES - 1 : plan->depth - 1;
	for (unsigned i = 0; i < at.n_changes; i++) {
		uint64_t step = 1 + below(&dice, length);
		unsigned j = i;

		for (; j > 0 && at.change[j - 1] > step; j--)
			at.change[j] = at.change[j - 1];
		at.change[j] = step;
	}
}

void pct_declared(struct thread *thread)
{
	bool again = thread->op.kind == CHECK_YIELD || thread->op.kind == CHECK_SLEEP || thread->spinning;

	if (thread->op.kind == CHECK_START || again)
		thread->priority = scramble(&dice) | LOWEST;
}

/* Change points count for the thread that would go on, also if it is alone. */
struct thread *pct_pick(const struct mask *mask)
{
	struct thread *best = pick_highest_of(mask);

	while (at.changed < at.n_changes && best->place->meets && at.steps + 1 >= at.change[at.changed]) {
		best->priority = at.n_changes - at.changed;
		at.changed++;
		best = pick_highest_of(mask);
	}
	return best;
}

void pct_step(const struct thread *thread)
{
	at.steps += thread->place->meets;
	if (at.steps > *longest)
		*longest = at.steps;
}
