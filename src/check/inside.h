/*
 * check/inside.h - system calls that the C library makes in the middle of its functions: see inside.c.
 */
#ifndef FAIRLEAD_CHECK_INSIDE_H
#define FAIRLEAD_CHECK_INSIDE_H

#include "raw.h"

#include <signal.h>

/* From here on this process gets SIGSYS for those that may wait. */
HIDDEN void inside_begin(void);
/* The kernel has called the handler of SIGSYS. Returns whether the call was made, or will be. */
HIDDEN bool inside_call(const siginfo_t *info, void *context);

#endif
