/*
 * check/pursue.c - runs near one that has come to a place where hardly any do.
 *
 * A race that one run in many thousand shows is where few schedules lead, and what it leads to needs a thread to be
 * interrupted there, which is possible from the next run on (shadow.c). To wait until chance comes there again would
 * take as long as before. So runs follow that begin as that one did, up to some steps in front of the race, and go on
 * in another way each.
 *
 * What was no step then is passed over: a thread that comes to a place which was learned since goes on without one.
 */
#include "strategy.h"

#define RUNS 256u
#define STEPS_MAX 65536u

static struct pursuit {
	uint32_t left;      /* runs to come */
	uint32_t n_learned; /* places that were steps then */
	uint64_t raced_at;
	uint64_t step, choice; /* of the run that follows */
	uint64_t n_choices;
	uint8_t threads[STEPS_MAX], choices[STEPS_MAX];
} * pursuit;

void pursue_set_up(void)
{
	pursuit = raw_map(NULL, sizeof(*pursuit), true);
}

void pursue_renew(void)
{
	pursuit->left = 0;
}

void pursue(uint32_t n_learned)
{
	if (journal->steps > STEPS_MAX || journal->choices > STEPS_MAX || run->raced_at == 0)
		return;
	pursuit->left = RUNS;
	pursuit->n_learned = n_learned;
	pursuit->raced_at = run->raced_at;
	pursuit->n_choices = journal->choices;
	raw_copy(pursuit->threads, journal->thread, journal->steps);
	raw_copy(pursuit->choices, journal->choice, journal->choices);
}

/* How far from the race they depart is a matter of chance: mostly near it. */
bool pursue_plan(uint64_t *mix)
{
	static const uint8_t strategies[] = {CHECK_POS, CHECK_RANDOM, CHECK_POS, CHECK_DIRECTED};
	uint64_t back;

	if (pursuit->left == 0)
		return false;
	pursuit->left--;
	plan->pursues = true;
	plan->strategy = strategies[pursuit->left % 4];
	plan->depth = 1;
	back = below(mix, UINT64_C(16) << 2 * below(mix, 4));
	plan->follow = back < pursuit->raced_at ? pursuit->raced_at - back : 1;
	return true;
}

void pursue_begin(void)
{
	pursuit->step = 0;
	pursuit->choice = 0;
}

static bool was_no_step(const struct thread *thread)
{
	if (thread->op.kind != CHECK_READ && thread->op.kind != CHECK_WRITE)
		return false;
	for (uint32_t i = pursuit->n_learned; i < memory->n_learned; i++) {
		if (memory->learned[i] == thread->op.pc)
			return mask_has(&run->enabled, thread->id);
	}
	return false;
}

struct thread *pursue_pick(void)
{
	unsigned next;

	if (was_no_step(self()))
		return self();
	if (pursuit->step < plan->follow) {
		next = pursuit->threads[pursuit->step++];
		if (mask_has(&run->enabled, next))
			return &run->thread[next];
	}
	plan->follow = 0;
	return NULL;
}

unsigned pursue_choose(unsigned otherwise)
{
	return pursuit->choice < pursuit->n_choices ? pursuit->choices[pursuit->choice++] : otherwise;
}
