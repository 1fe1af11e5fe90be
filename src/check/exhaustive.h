/*
 * check/exhaustive.h - the tree of executions: where it branches, and which branches are left to be taken.
 */
#ifndef FAIRLEAD_CHECK_EXHAUSTIVE_H
#define FAIRLEAD_CHECK_EXHAUSTIVE_H

#include "run.h"

#define DEPTH_MAX (1u << 20)

/* A step, or a choice within one. */
struct node {
	struct mask enabled;
	struct mask wanted; /* threads to be tried here; `done` are those that were */
	struct mask done;
	struct mask sleep;    /* to try them here would repeat what was seen elsewhere */
	uint8_t chosen;       /* thread, or number of a choice */
	uint8_t choices;      /* 0: a step; otherwise how many there are */
	uint8_t current;      /* thread that came to it */
	bool leaves;          /* that one wants to go on, too: another one in its place is a preemption */
	uint32_t preemptions; /* in front of it */
};

HIDDEN void exhaustive_set_up(void);
/* All over again: there are more scheduling points than before. */
HIDDEN void exhaustive_restart(void);
HIDDEN void exhaustive_begin(void);
HIDDEN struct thread *exhaustive_pick(void);
HIDDEN unsigned exhaustive_choose(unsigned n);
/* After an execution: returns whether there is another one. */
HIDDEN bool exhaustive_next(void);
/* The node of that depth, on the way to where the execution is. */
HIDDEN struct node *exhaustive_node(uint64_t depth);

#endif
