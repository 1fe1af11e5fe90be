/*
 * check/footprint.h - what an operation touches, as far as other threads can tell: whether the order of two matters.
 *
 * Two operations depend on each other if they touch the same thing and one of them changes it. It is asked in the state
 * in which the operation is about to be done, and says more than the operation's kind: a lock that is refused and a
 * signal that nobody waits for change nothing. That may only differ from what it would be a little later if something
 * that depends on it was done in between.
 */
#ifndef FAIRLEAD_CHECK_FOOTPRINT_H
#define FAIRLEAD_CHECK_FOOTPRINT_H

#include "run.h"

#define PARTS 16u

struct part {
	uintptr_t from, to; /* a thing is one number; memory is a range of bytes */
	bool write;
	bool opens; /* whoever waits for this thing could not go on before */
};

struct footprint {
	unsigned n;
	struct part part[PARTS];
};

/* What the thread's declared operation touches if it is done now. */
HIDDEN void footprint_of(struct thread *thread, struct footprint *ret_footprint);
/* Returns whether the order of the two matters. */
HIDDEN bool footprint_depends(const struct footprint *a, const struct footprint *b);
/* Returns whether it is one that has got nowhere when it is done: the thread gives way, or tries in vain. */
HIDDEN bool footprint_in_vain(const struct thread *thread);
/* Returns whether the operation is done for want of what it waits for. */
HIDDEN bool footprint_late(struct thread *thread);

#endif
