/*
 * check/strategy.h - who goes on: the ways to pick one of the threads that can.
 *
 * A plan says how an execution is scheduled: by a strategy and a seed, or along a guide. A guide is a list of segments,
 * (thread, steps). A strict guide is one to the step, for replay: what departs from it is an error. A loose one is for
 * shortening: a segment whose thread cannot go on is left, and after the last one threads run for as long as they can.
 *
 * Whatever picks, the thread of each step and each choice are written down (`journal`), so that every execution can be
 * done again.
 */
#ifndef FAIRLEAD_CHECK_STRATEGY_H
#define FAIRLEAD_CHECK_STRATEGY_H

#include "run.h"

/* Of so many places or pairs the best is looked for, so that a run costs no more if there are many. */
#define SOME 64u

struct segment {
	uint32_t thread;
	uint32_t steps;
};

struct plan {
	uint32_t strategy; /* enum check_strategy, but none that stands for others */
	uint32_t depth;    /* CHECK_PCT: changes of priority, and one; where threads are picked at random: see there */
	uint64_t seed;
	const struct place *hold;  /* where threads are held (hold.c) */
	const struct place *also;  /* another place where threads are held */
	const struct place *until; /* they go on behind this one; NULL: when nobody else can */
	uint32_t visit;            /* the first that is held */
	bool one;                  /* it is the only one */
	uint32_t quiet;  /* of so many places of plain memory all but one are passed without a choice; 0: none */
	uint64_t follow; /* the first steps are those of the run that is pursued (pursue.c) */
	bool pursues;    /* it is a run of a pursuit */
	bool blind;      /* nothing new is expected: places are not noted */
	bool strict;
	uint64_t n_segments, n_choices;
};

struct journal {
	uint64_t executions; /* so far, of all searches */
	uint64_t steps, choices;
	uint64_t longest; /* steps of the longest execution */
	uint8_t thread[CHECK_STEPS_MAX];
	uint8_t choice[CHECK_STEPS_MAX];
};

extern HIDDEN struct plan *plan;
extern HIDDEN struct journal *journal;
extern HIDDEN struct segment *guide; /* of the plan; CHECK_STEPS_MAX of them */
extern HIDDEN uint8_t *guide_choice;

/* An execution begins. */
HIDDEN void strategy_begin(void);
/* A thread has declared an operation. */
HIDDEN void strategy_declared(struct thread *thread);
/* Returns the thread to go on, of those that can. */
HIDDEN struct thread *strategy_pick(void);
/* It is about to do what it declared. */
HIDDEN void strategy_step(struct thread *thread);
HIDDEN unsigned strategy_choose(unsigned n);
/* A choice of two, of which 1 comes one time in eight where chance decides. */
HIDDEN bool strategy_rarely(void);

/* Returns whether the order of the two matters. */
static inline bool depends(const struct operation *a, const struct operation *b)
{
	if (UNLIKELY((a->target | b->target) != 0) &&
	    (a->target == b->by || b->target == a->by || a->target == AIMED_AT_ALL || b->target == AIMED_AT_ALL))
		return true;
	if (a->object != b->object || !(a->writes || b->writes))
		return false;
	return a->end == 0 || b->end == 0 || (a->from < b->end && b->from < a->end);
}

/* A sequence of numbers that look random: xoshiro's relative splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t scramble(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint64_t below(uint64_t *state, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)scramble(state) * n) >> 64);
}

/* For those that pick: the numbers of this run; one of several threads; the one with the highest priority. */
extern HIDDEN uint64_t dice;
HIDDEN struct thread *pick_one_of(const struct mask *mask);
HIDDEN struct thread *pick_highest_of(const struct mask *mask);

/* At random (random.c). */
HIDDEN struct thread *random_pick(const struct mask *mask);

/* Partial order sampling (pos.c). */
HIDDEN void pos_declared(struct thread *thread);
HIDDEN void pos_step(const struct thread *thread);

/* Priorities of threads (pct.c). */
HIDDEN void pct_set_up(void);
HIDDEN void pct_renew(void);
HIDDEN void pct_begin(void);
HIDDEN void pct_declared(struct thread *thread);
HIDDEN struct thread *pct_pick(const struct mask *mask);
HIDDEN void pct_step(const struct thread *thread);

/* Accesses that race (directed.c). */
HIDDEN struct thread *directed_pick(const struct mask *mask);

/* Holding threads at a place (hold.c), that nobody was held at for long, or so that a pair comes about
 * (readsfrom.c). */
HIDDEN void hold_plan(void);
HIDDEN void readsfrom_plan(void);
HIDDEN struct place *hold_least(void);
HIDDEN void hold_begin(void);
HIDDEN void hold_declared(struct thread *thread);
HIDDEN struct thread *hold_pick(const struct mask *mask);
HIDDEN void hold_step(const struct thread *thread);

/* Near a run that has come to something new (pursue.c). */
HIDDEN void pursue_set_up(void);
HIDDEN void pursue_renew(void);
/* The next runs are near the one that has just ended, in which so many places were steps. */
HIDDEN void pursue(uint32_t n_learned);
/* Returns whether the run that is planned is one of them. */
HIDDEN bool pursue_plan(uint64_t *mix);
HIDDEN void pursue_begin(void);
/* Returns the thread to go on, or NULL: from here on it goes another way. */
HIDDEN struct thread *pursue_pick(void);
HIDDEN unsigned pursue_choose(unsigned otherwise);

/* Along the guide (guide.c). */
HIDDEN void guide_begin(void);
HIDDEN struct thread *guide_pick(void);
HIDDEN unsigned guide_choose(unsigned n);

/* Sets the plan of a run of the search (portfolio.c). */
HIDDEN void portfolio_set_up(void);
/* Forgets what earlier runs have shown. */
HIDDEN void portfolio_renew(void);
HIDDEN void portfolio_plan(uint64_t number);
/* It is over; so many places were steps in it. */
HIDDEN void portfolio_done(uint32_t n_learned);

#endif
