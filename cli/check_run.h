/*
 * check_run.h - the line that says how far a check has come.
 */
#ifndef FAIRLEAD_CLI_CHECK_RUN_H
#define FAIRLEAD_CLI_CHECK_RUN_H

#include "check.h"

/* Says it anew, if standard error is a terminal. */
void check_progress(const struct check_found *found, const struct check_wish *wish);
/* Takes the line away. */
void check_progress_end(void);

#endif
