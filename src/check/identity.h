/*
 * check/identity.h - numbers of processes and threads.
 */
#ifndef FAIRLEAD_CHECK_IDENTITY_H
#define FAIRLEAD_CHECK_IDENTITY_H

#include "run.h"

/* The process keeps the number that it has, for it may have asked for it before: a function of it is to be checked. */
HIDDEN void identity_keep(void);
HIDDEN int identity_process(void);
HIDDEN int identity_thread(const struct thread *thread);
/* Whether the program sees these numbers: under control, and before main if that will be under control. */
HIDDEN bool identity_applies(void);
/* Answers a system call that asks who one is. Returns whether it is one. */
HIDDEN bool identity_call(long number, long *ret_result);

#endif
