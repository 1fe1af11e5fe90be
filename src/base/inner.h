/*
 * base/inner.h - the small lock that protects Fairlead's own tables: a futex lock of three states.
 *
 * state  0 free   1 held   2 held, and somebody may sleep
 *
 * It is Drepper's ("Futexes Are Tricky", 2011, mutex 3): who has slept acquires with 2, so a release never forgets a
 * sleeper. It is held for some tens of instructions, has no deadline, no order checks and no owner, and is for src/
 * only. The locks that users see cannot be used here: their slow paths stand on tables which this protects.
 */
#ifndef FL_BASE_INNER_H
#define FL_BASE_INNER_H

#include "base/atomic.h"

struct fl_inner {
	uint32_t state;
};

void fl_inner_acquire_slow_(struct fl_inner *inner);
void fl_inner_release_slow_(struct fl_inner *inner);

static inline void fl_inner_acquire(struct fl_inner *inner)
{
	uint32_t state = 0;

	/* [inner.1] acquire; pairs with [inner.2], [inner.4] */
	if (fl_unlikely(!fl_cas_acquire(&inner->state, &state, 1)))
		fl_inner_acquire_slow_(inner);
}

static inline void fl_inner_release(struct fl_inner *inner)
{
	/* [inner.2] release; pairs with [inner.1], [inner.3] */
	if (fl_unlikely(fl_exchange_release(&inner->state, 0) == 2))
		fl_inner_release_slow_(inner);
}

/* For Dekker's flags (base/atomic.h), where one flag is written under the lock: a release that has its place in the one
 * order of all seq_cst operations, and a look that has one too. Who looks after the release in that order sees what was
 * written before the release: the look reads what the release has left in the word, or what those have who had the lock
 * later, and all of these read and write the word in one step, and so pass on what was released before. It spares who
 * holds the lock an atomic instruction for the flag. */
static inline void fl_inner_release_in_order(struct fl_inner *inner)
{
	/* [inner.4] seq_cst; pairs with [inner.1], [inner.3], [inner.5] */
	if (fl_unlikely(fl_exchange_seq_cst(&inner->state, 0) == 2))
		fl_inner_release_slow_(inner);
}

static inline void fl_inner_look_in_order(const struct fl_inner *inner)
{
	/* [inner.5] seq_cst; pairs with [inner.4] */
	(void)fl_load_seq_cst(&inner->state);
}

#endif
