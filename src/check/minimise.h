/*
 * check/minimise.h - a shorter schedule that fails in the same way: fewer changes from thread to thread.
 */
#ifndef FAIRLEAD_CHECK_MINIMISE_H
#define FAIRLEAD_CHECK_MINIMISE_H

#include "run.h"

HIDDEN void minimise_set_up(void);
/* One attempt at the schedule in memory->schedule, whose failure is memory->failure. Returns whether there is another
 * one to make. */
HIDDEN bool minimise_step(void);
/* No more attempts: memory->schedule is the best one. */
HIDDEN void minimise_done(void);

/* Of explore.c: what the last execution has come to; whether two failures are the same; the journal is the schedule to
 * keep; the guide is what was kept. */
HIDDEN void explore_conclude(struct check_failure *ret_failure);
HIDDEN bool explore_same(const struct check_failure *a, const struct check_failure *b);
HIDDEN void explore_keep(const struct check_failure *failure);
HIDDEN void explore_guide(bool strict);

#endif
