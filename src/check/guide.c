/*
 * check/guide.c - the schedule that is given: to the step, or as far as it can be followed (see strategy.h).
 */
#include "strategy.h"

static struct {
	uint64_t segment, left, n_choices;
} at;

void guide_begin(void)
{
	at.segment = 0;
	at.left = plan->n_segments > 0 ? guide[0].steps : 0;
	at.n_choices = 0;
}

static void next_segment(void)
{
	at.segment++;
	at.left = at.segment < plan->n_segments ? guide[at.segment].steps : 0;
}

struct thread *guide_pick(void)
{
	while (at.segment < plan->n_segments) {
		unsigned wanted = guide[at.segment].thread;

		if (at.left > 0 && mask_has(&run->enabled, wanted)) {
			at.left--;
			return &run->thread[wanted];
		}
		if (at.left > 0 && plan->strict)
			run->diverged = true;
		next_segment();
	}
	if (mask_has(&run->enabled, self()->id))
		return self();
	for_mask (i, &run->enabled)
		return &run->thread[i];
	return NULL;
}

unsigned guide_choose(unsigned n)
{
	unsigned choice = at.n_choices < plan->n_choices ? guide_choice[at.n_choices] : 0;

	at.n_choices++;
	return choice < n ? choice : 0;
}
