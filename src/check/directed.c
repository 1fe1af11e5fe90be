/*
 * check/directed.c - race-directed testing (Sen: PLDI 2008), for places and not for threads.
 *
 * Threads that stand at an access that was in a race wait for others to come to one, too; when all who can go on do, it
 * is the turn of one of the places, each with the same probability, and then of one of its threads: a hundred threads
 * that write are one place, and so is the one that reads. Now and then somebody goes on in between.
 */
#include "strategy.h"

#include "places.h"

#define RARELY 8u

static bool is_memory(const struct thread *thread)
{
	return thread->op.kind == CHECK_READ || thread->op.kind == CHECK_WRITE;
}

/* Returns the threads of `all` that stand at one of their places. */
static struct mask at_one_place(const struct mask *all)
{
	const struct place *list[THREADS] = {NULL}, *place;
	struct mask there = {{0}};
	unsigned n = 0, i;

	for_mask (t, all) {
		place = run->thread[t].place;
		for (i = 0; i < n && list[i] != place; i++)
			continue;
		if (i == n)
			list[n++] = place;
	}
	place = list[below(&dice, n)];
	for_mask (t, all) {
		if (run->thread[t].place == place)
			mask_set(&there, (unsigned)t);
	}
	return there;
}

struct thread *directed_pick(const struct mask *mask)
{
	struct mask others = {{0}};

	for_mask (i, mask) {
		if (!is_memory(&run->thread[i]))
			mask_set(&others, (unsigned)i);
	}
	if (mask_empty(&others) || below(&dice, RARELY) == 0)
		others = at_one_place(mask);
	return pick_one_of(&others);
}
