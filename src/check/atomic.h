/*
 * check/atomic.h - the orders of C11's atomics, as vector clocks.
 *
 * An atomic's clock is what an acquiring load of its present value learns: set by a releasing store, kept by
 * read-modify-writes (the release sequence of C++20), emptied by a relaxed store that no release fence precedes.
 */
#ifndef FAIRLEAD_CHECK_ATOMIC_H
#define FAIRLEAD_CHECK_ATOMIC_H

#include "object.h"

enum order { RELAXED, CONSUME, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST };

static inline bool acquires(int order)
{
	return order == ACQUIRE || order == CONSUME || order == ACQ_REL || order == SEQ_CST;
}

static inline bool releases(int order)
{
	return order == RELEASE || order == ACQ_REL || order == SEQ_CST;
}

/* The running thread has loaded the value that carries `clock` (NULL: none). */
HIDDEN void order_loaded(const uint32_t *clock, int order);
/* It has stored; a read-modify-write keeps what was there. */
HIDDEN void order_stored(struct object *object, int order, bool rmw);
HIDDEN void order_fence(int order);

#endif
