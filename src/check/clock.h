/*
 * check/clock.h - time as the program sees it: virtual, and the same in each execution of a schedule.
 */
#ifndef FAIRLEAD_CHECK_CLOCK_H
#define FAIRLEAD_CHECK_CLOCK_H

#include "run.h"

#include <time.h>

/* Returns what a clock shows, for whom looks at it. */
HIDDEN int64_t clock_look(clockid_t clock);
/* Returns whether that is a time: its nanoseconds are fewer than a second. */
HIDDEN bool clock_valid(const struct timespec *time);
/* Returns the virtual time of that moment of a clock. */
HIDDEN int64_t clock_deadline(clockid_t clock, const struct timespec *until);
/* Returns the virtual time that lies so far ahead. */
HIDDEN int64_t clock_after(const struct timespec *span);

#endif
