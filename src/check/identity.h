/*
 * check/identity.h - numbers of processes and threads.
 */
#ifndef FAIRLEAD_CHECK_IDENTITY_H
#define FAIRLEAD_CHECK_IDENTITY_H

#include "run.h"

#define IDENTITY_PROCESS 4242

HIDDEN int identity_thread(const struct thread *thread);
/* Answers a system call that asks who one is. Returns whether it is one. */
HIDDEN bool identity_call(long number, long *ret_result);

#endif
