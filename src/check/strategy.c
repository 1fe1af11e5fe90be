/*
 * check/strategy.c - see strategy.h. Each way to pick is in a file of its own; here is what they share.
 */
#include "strategy.h"

#include "exhaustive.h"
#include "places.h"

struct plan *plan;
struct journal *journal;
struct segment *guide;
uint8_t *guide_choice;
uint64_t dice;

/* Whether what the run shows is of use to later ones. */
static bool explores(void)
{
	return plan->strategy != CHECK_REPLAY && plan->strategy != CHECK_EXHAUSTIVE && !plan->blind;
}

void strategy_begin(void)
{
	if (journal->steps > journal->longest)
		journal->longest = journal->steps;
	journal->steps = 0;
	journal->choices = 0;
	dice = plan->seed;
	places_begin();
	pursue_begin();
	switch (plan->strategy) {
	case CHECK_PCT:
		pct_begin();
		break;
	case CHECK_PLACES:
	case CHECK_READS_FROM:
		hold_begin();
		break;
	case CHECK_REPLAY:
		guide_begin();
		break;
	case CHECK_EXHAUSTIVE:
		exhaustive_begin();
		break;
	default:
		break;
	}
}

void strategy_declared(struct thread *thread)
{
	if (explores())
		places_declared(thread);
	switch (plan->strategy) {
	case CHECK_POS:
		pos_declared(thread);
		break;
	case CHECK_PCT:
		pct_declared(thread);
		break;
	case CHECK_PLACES:
	case CHECK_READS_FROM:
		hold_declared(thread);
		break;
	default:
		break;
	}
}

/* A place that was learned may be one of many, in a loop that sorts what nobody else touches any more: then threads
 * stop so often that none is ever slow where it counts. So some runs pass over all of these places, or half of them. */
static bool passes(const struct thread *thread)
{
	uint64_t mix = plan->seed ^ thread->place->name;

	if (thread->op.kind != CHECK_READ && thread->op.kind != CHECK_WRITE)
		return false;
	return thread->place != plan->hold && thread->place != plan->until && mask_has(&run->enabled, thread->id) &&
	       (below(&mix, plan->quiet) != 0);
}

static struct thread *pick_exploring(void)
{
	const struct mask *mask = &run->enabled;
	struct thread *next = plan->follow != 0 ? pursue_pick() : NULL;

	if (next != NULL)
		return next;
	if (plan->quiet != 0 && passes(self()))
		return self();
	switch (plan->strategy) {
	case CHECK_POS:
		return pick_highest_of(mask);
	case CHECK_PCT:
		return pct_pick(mask);
	case CHECK_DIRECTED:
		return directed_pick(mask);
	case CHECK_PLACES:
	case CHECK_READS_FROM:
		return hold_pick(mask);
	default:
		return random_pick(mask);
	}
}

struct thread *strategy_pick(void)
{
	if (plan->strategy == CHECK_REPLAY)
		return guide_pick();
	return plan->strategy == CHECK_EXHAUSTIVE ? exhaustive_pick() : pick_exploring();
}

void strategy_step(struct thread *thread)
{
	if (journal->steps < CHECK_STEPS_MAX)
		journal->thread[journal->steps] = (uint8_t)thread->id;
	journal->steps++;
	if (explores())
		places_step(thread);
	switch (plan->strategy) {
	case CHECK_POS:
		pos_step(thread);
		break;
	case CHECK_PCT:
		pct_step(thread);
		break;
	case CHECK_PLACES:
	case CHECK_READS_FROM:
		hold_step(thread);
		break;
	default:
		break;
	}
}

static void note_choice(unsigned choice)
{
	if (journal->choices < CHECK_STEPS_MAX)
		journal->choice[journal->choices] = (uint8_t)choice;
	journal->choices++;
}

static unsigned at_random(unsigned choice)
{
	return plan->follow != 0 ? pursue_choose(choice) : choice;
}

unsigned strategy_choose(unsigned n)
{
	unsigned choice;

	if (plan->strategy == CHECK_REPLAY)
		choice = guide_choose(n);
	else if (plan->strategy == CHECK_EXHAUSTIVE)
		choice = exhaustive_choose(n);
	else
		choice = at_random((unsigned)below(&dice, n));
	note_choice(choice);
	return choice;
}

bool strategy_rarely(void)
{
	unsigned choice;

	if (plan->strategy == CHECK_REPLAY || plan->strategy == CHECK_EXHAUSTIVE)
		return strategy_choose(2) == 1;
	choice = at_random(below(&dice, 8) == 7);
	note_choice(choice);
	return choice == 1;
}

struct thread *pick_one_of(const struct mask *mask)
{
	unsigned n = (unsigned)below(&dice, mask_count(mask));

	for_mask (i, mask) {
		if (n-- == 0)
			return &run->thread[i];
	}
	return NULL;
}

struct thread *pick_highest_of(const struct mask *mask)
{
	struct thread *best = NULL;
	uint64_t most = 0;

	for_mask (i, mask) {
		struct thread *thread = &run->thread[i];
		bool better = thread->priority >= most;

		best = better ? thread : best;
		most = better ? thread->priority : most;
	}
	return best;
}
