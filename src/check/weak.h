/*
 * check/weak.h - C11's atomics as they are on machines and after compilers that reorder (--weak): a load may return a
 * store that is not the last one.
 *
 * What this model allows is what C++20 allows (which C adopted), less two things: a load never returns a store that the
 * execution has not come to (load buffering), and the stores to one atomic take effect in the order of the execution
 * (the odd outcome of 2+2W). Plain memory stays as it is.
 */
#ifndef FAIRLEAD_CHECK_WEAK_H
#define FAIRLEAD_CHECK_WEAK_H

#include "object.h"

static inline bool weak(void)
{
	return memory->asked.weak != 0;
}

/* The running thread loads; `last` is the value in memory. Returns what it gets, and the clock that came with that
 * (NULL: none). */
HIDDEN uint64_t weak_load(struct object *object, unsigned size, int order, uint64_t last, const uint32_t **ret_clock);
/* The same for the load of a compare and exchange, which can only succeed with the last value. */
HIDDEN uint64_t weak_compare(struct object *object, unsigned size, int order, uint64_t last, uint64_t expected,
			     const uint32_t **ret_clock);
/* It has stored `value`, where `old` was; object->clock is what that carries. */
HIDDEN void weak_store(struct object *object, unsigned size, int order, uint64_t value, uint64_t old);
/* It passes a seq_cst fence. */
HIDDEN void weak_fence(void);

#endif
