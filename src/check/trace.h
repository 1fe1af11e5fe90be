/*
 * check/trace.h - writing an execution down, for the report: each step with its place and values.
 */
#ifndef FAIRLEAD_CHECK_TRACE_H
#define FAIRLEAD_CHECK_TRACE_H

#include "run.h"

/* The thread is about to do what it declared. */
HIDDEN void trace_step(struct thread *thread);
/* The run has failed: how each thread stands. */
HIDDEN void trace_end(void);
/* Fills in where the caller of the checker is. */
HIDDEN void trace_place(struct check_place *ret_place, uintptr_t pc);

#endif
