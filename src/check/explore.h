/*
 * check/explore.h - the search: executions until one fails, and then the shortest way to that failure.
 */
#ifndef FAIRLEAD_CHECK_EXPLORE_H
#define FAIRLEAD_CHECK_EXPLORE_H

#include "run.h"

/* Memory for all that follows. Called once, before anything else. */
HIDDEN void explore_begin(void);
/* Forgets what an earlier search has found and learned. */
HIDDEN void explore_renew(void);
/* Does what memory->asked wants, from engine_begin to the result. */
HIDDEN void explore(void);

#endif
