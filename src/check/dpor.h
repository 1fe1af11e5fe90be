/*
 * check/dpor.h - which orders of steps are worth trying: dynamic partial order reduction.
 *
 * Executions that differ in the order of independent steps alone are the same to the program. So the search tries, at
 * each node of its tree, only threads by which a race that was seen is turned round (source sets: Abdulla, Aronis,
 * Jonsson, Sagonas: POPL 2014). With sleep sets on top each class of executions is completed once.
 */
#ifndef FAIRLEAD_CHECK_DPOR_H
#define FAIRLEAD_CHECK_DPOR_H

#include "run.h"

HIDDEN void dpor_set_up(void);
/* An execution begins. */
HIDDEN void dpor_begin(void);
/* The thread does what it declared, at the node of that depth. Adds to what earlier nodes want. */
HIDDEN void dpor_step(struct thread *thread, uint64_t depth);
/* The execution has ended. Adds what could have come next, and did not come. */
HIDDEN void dpor_end(void);
/* Forgets the steps from the node of that depth on. */
HIDDEN void dpor_forget(uint64_t depth);

#endif
