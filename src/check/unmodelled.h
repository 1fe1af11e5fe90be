/*
 * check/unmodelled.h - what the checker has no model of.
 */
#ifndef FAIRLEAD_CHECK_UNMODELLED_H
#define FAIRLEAD_CHECK_UNMODELLED_H

#include "raw.h"

/* The running thread has been stopped behind that address for so long, while nothing has moved: if it waits in a system
 * call, ends the check and says so. */
HIDDEN void unmodelled_wait(uintptr_t pc, int64_t ns);

#endif
