/*
 * check/look.h - system calls of the program that only look: they change nothing but the memory that they fill in.
 */
#ifndef FAIRLEAD_CHECK_LOOK_H
#define FAIRLEAD_CHECK_LOOK_H

#include "raw.h"

/* Makes the call if it is one of those. Returns whether it was; *ret_result is what the kernel returned. */
HIDDEN bool look_call(long number, const long *arguments, long *ret_result);

#endif
