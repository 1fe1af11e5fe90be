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
/* Memory is allocated, or freed: if it is what memory->failure is about, memory->block says so. */
HIDDEN void trace_allocated(uintptr_t block, size_t size, uintptr_t pc);
HIDDEN void trace_freed(uintptr_t block, uintptr_t pc);
/* The address whose block a failure is about; 0: there is none. */
HIDDEN uintptr_t trace_block_of(const struct check_failure *failure);
/* Fills in where the caller of the checker is. */
HIDDEN void trace_place(struct check_place *ret_place, uintptr_t pc);

#endif
