/*
 * check/readsfrom.c - runs that bring about pairs which were not seen, or seldom (Wolff, Shi, Duck, Mathur,
 * Roychoudhury: ASPLOS 2024, "Greybox fuzzing for concurrency testing").
 *
 * Of the pairs that are known (places.h), and the reverse orders of these, the one is aimed at that fewest runs were
 * for, then the one that fewest have shown. Threads are held at its second place until another one has done the first
 * on the same object, and go on right behind it.
 *
 * Other than there, a run aims at one pair, not at a set that grows: with a whole execution in microseconds, what
 * counts is that a run costs nothing but the run.
 */
#include "strategy.h"

#include "places.h"

static bool is_better(const struct pair *pair, const struct pair *best)
{
	return pair->aimed != best->aimed ? pair->aimed < best->aimed : pair->seen < best->seen;
}

static struct pair *least_seen(void)
{
	struct pair *best = NULL;
	uint32_t from = places->n_pairs > SOME ? (uint32_t)below(&dice, places->n_pairs) : 0;
	uint64_t n = 0;

	for (uint32_t i = 0; i < places->n_pairs && i < SOME; i++) {
		struct pair *pair = places->pairs[(from + i) % places->n_pairs];

		if (best != NULL && is_better(best, pair))
			continue;
		n = best == NULL || is_better(pair, best) ? 1 : n + 1;
		if (below(&dice, n) == 0)
			best = pair;
	}
	return best;
}

void readsfrom_plan(void)
{
	struct pair *pair;

	dice = plan->seed;
	pair = least_seen();
	plan->hold = pair != NULL ? pair->second : NULL;
	plan->until = pair != NULL ? pair->first : NULL;
	plan->visit = 1;
	plan->one = false;
	if (pair != NULL && pair->aimed++ > 0) {
		plan->one = below(&dice, 2) == 0;
		while (below(&dice, 2) == 0)
			plan->visit++;
	}
	if (pair != NULL && below(&dice, 2) == 0) {
		struct place *also = hold_least();

		if (also != NULL && also != plan->hold && also != plan->until) {
			also->held++;
			plan->also = also;
		}
	}
	plan->seed = scramble(&dice);
}
