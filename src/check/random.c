/*
 * check/random.c - at each step one of the threads that can go on, at random.
 *
 * With a depth above 1 the thread that runs stays with probability 1 - 1/depth: that finds what takes few switches in
 * long programs, where a choice at each step never lets a thread get far ahead of the others.
 */
#include "strategy.h"

struct thread *random_pick(const struct mask *mask)
{
	struct thread *now = self();

	if (plan->depth > 1 && mask_has(mask, now->id) && below(&dice, plan->depth) != 0)
		return now;
	return pick_one_of(mask);
}
