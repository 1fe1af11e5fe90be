/*
 * check/pos.c - partial order sampling (Yuan, Yang, Gu: CAV 2018).
 *
 * Each declared operation has a random priority, the highest goes on. An operation that is done draws new ones for
 * those that depend on it. So the orders of dependent operations are sampled far more evenly than by a choice at each
 * step, which favours what is in the middle of many orders of independent operations.
 */
#include "strategy.h"

void pos_declared(struct thread *thread)
{
	thread->priority = scramble(&dice);
}

void pos_step(const struct thread *thread)
{
	for_mask (i, &run->enabled) {
		struct thread *other = &run->thread[i];

		if (other != thread && depends(&other->op, &thread->op))
			other->priority = scramble(&dice);
	}
}
