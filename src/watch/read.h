/*
 * watch/read.h - how the notes are read from outside, while they are written: the other ends of the library's pairs.
 *
 * It is for the command. The notes are the process's, who may have written anything there: what is read is checked by
 * who reads it.
 */
#ifndef FL_WATCH_READ_H
#define FL_WATCH_READ_H

#include "atomic.h"
#include "notes.h"

/* Returns the next entry of the log and makes its place free; 0: there is none yet. */
static inline uint64_t watch_read_log(struct watch_notes *notes)
{
	uint64_t place = fl_load_relaxed(&notes->n_read), *entry = &notes->log[place % WATCH_LOG], said;

	/* [log.4] acquire; pairs with [log.3] */
	said = fl_load_acquire(entry);
	if (said == 0)
		return 0;
	fl_store_relaxed(entry, 0);
	/* [log.2] release; pairs with [log.1], [log.5] */
	fl_store_release(&notes->n_read, place + 1);
	return said;
}

/* Returns how often a chain was gone along. */
static inline uint64_t watch_count(const struct watch_chain *chain)
{
	return fl_load_relaxed(&chain->due) - fl_load_relaxed(&chain->left);
}

/* Returns where a thread is, or with WATCH_GOING where it is about to go, holding what the parent says. */
static inline uintptr_t watch_read_top(const struct watch_seat *seat)
{
	/* [top.2] acquire; pairs with [top.1] */
	return (uintptr_t)fl_load_acquire(&seat->top);
}

/* Returns the life whose end a thread waits for; its top is then that of the wait. */
static inline struct watch_life *watch_read_joins(const struct watch_seat *seat)
{
	/* [watch_join.2] acquire; pairs with [watch_join.1] */
	return fl_load_acquire(&seat->joins);
}

/* What is read after this is as new as what was read before it. */
static inline void watch_read_again(void)
{
	/* [top.2] acquire; pairs with [top.1] */
	fl_fence_acquire();
}

/* Whether the rest of a module's note is there. */
static inline bool watch_read_module(const struct watch_module *module)
{
	/* [module.1] acquire; pairs with [module.2] */
	return fl_load_acquire(&module->ready) != 0;
}

#endif
