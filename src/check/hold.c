/*
 * check/hold.c - threads are held at one place, for as long as others can go on.
 *
 * Most bugs need one thread to be slow at one place: between a check and what follows from it, between two writes that
 * belong together. A run holds those who come to one place that is part of a pair: from the first one on, or from a
 * later visit, all or one alone. When nobody else can go on, one of them does. The others are picked by POS or at
 * random. Which place comes next is the one at which threads were held in the fewest runs, so that after as many runs
 * as there are places each had its turn: the number of threads or steps does not matter, other than for PCT, whose idea
 * this is.
 *
 * With `until`, a thread that is held goes on right behind that place (readsfrom.c).
 *
 * Active testing (Sen: PLDI 2008; Park, Sen: FSE 2008) holds threads in the same way, where an analysis has told it to.
 */
#include "strategy.h"

#include "places.h"

static struct {
	struct mask held;
	struct thread *next; /* to go on now */
	uint32_t visits;
} at;

/* Returns a place that was held in as few runs as any, of some if there are many; NULL if there is none. */
struct place *hold_least(void)
{
	struct place *best = NULL;
	uint32_t from = places->n > SOME ? (uint32_t)below(&dice, places->n) : 0;
	uint64_t n = 0;

	for (uint32_t i = 0; i < places->n && (i < SOME || best == NULL); i++) {
		struct place *place = places->list[(from + i) % places->n];

		if (!place->meets || (best != NULL && place->held > best->held))
			continue;
		n = best == NULL || place->held < best->held ? 1 : n + 1;
		if (below(&dice, n) == 0)
			best = place;
	}
	return best;
}

void hold_plan(void)
{
	struct place *place;

	dice = plan->seed;
	place = hold_least();
	plan->hold = place;
	plan->until = NULL;
	plan->visit = 1;
	plan->one = false;
	if (place == NULL)
		return;
	if (place->held++ > 0 && below(&dice, 2) == 0) {
		plan->one = below(&dice, 2) == 0;
		while (below(&dice, 2) == 0)
			plan->visit++;
	}
	plan->seed = scramble(&dice);
}

void hold_begin(void)
{
	raw_fill(&at, 0, sizeof(at));
}

void hold_declared(struct thread *thread)
{
	if (plan->depth == 0)
		pos_declared(thread);
	if (thread->place == plan->also)
		mask_set(&at.held, thread->id);
	if (thread->place != plan->hold)
		return;
	at.visits++;
	if (at.visits == plan->visit || (at.visits > plan->visit && !plan->one))
		mask_set(&at.held, thread->id);
}

static struct thread *pick_free(const struct mask *free)
{
	return plan->depth == 0 ? pick_highest_of(free) : random_pick(free);
}

struct thread *hold_pick(const struct mask *mask)
{
	struct mask free = *mask;
	struct thread *thread = at.next;

	at.next = NULL;
	if (thread == NULL || !mask_has(&run->enabled, thread->id)) {
		for (unsigned i = 0; i < MASK_WORDS; i++)
			free.word[i] &= ~at.held.word[i];
		thread = mask_empty(&free) ? pick_one_of(mask) : pick_free(&free);
	}
	mask_clear(&at.held, thread->id);
	return thread;
}

void hold_step(const struct thread *thread)
{
	if (plan->depth == 0)
		pos_step(thread);
	if (plan->until == NULL || thread->place != plan->until)
		return;
	for_mask (i, &at.held) {
		if (run->thread[i].place == plan->hold && run->thread[i].op.object == thread->op.object &&
		    at.next == NULL)
			at.next = &run->thread[i];
	}
}
