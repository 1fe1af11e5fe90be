/*
 * check/ticks.h - the processor's counter of time (rdtsc), which the program shall not see: see ticks.c.
 */
#ifndef FAIRLEAD_CHECK_TICKS_H
#define FAIRLEAD_CHECK_TICKS_H

#include "raw.h"

#include <signal.h>

/* From here on this process gets SIGSEGV for it. */
HIDDEN void ticks_begin(void);
/* Whether a fault was that, and is dealt with. */
HIDDEN bool ticks_fault(const siginfo_t *info, void *context);

#endif
