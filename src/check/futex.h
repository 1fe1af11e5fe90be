/*
 * check/futex.h - the futex, for syscall().
 */
#ifndef FAIRLEAD_CHECK_FUTEX_H
#define FAIRLEAD_CHECK_FUTEX_H

#include "run.h"

/* Does the system call with these arguments. Returns what the kernel would. */
HIDDEN long futex_call(const long *a, uintptr_t pc);

#endif
