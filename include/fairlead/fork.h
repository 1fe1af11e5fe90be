/*
 * fairlead/fork.h - using Fairlead in a forked child.
 *
 * A child has only the thread that called fork(); the others exist in the parent alone. In the child nobody waits for
 * anything any more, and
 *
 *   - a lock that the forking thread held is still held by it;
 *   - a lock (also the write side of an fl_rwlock) that another thread held is acquired by the next who asks, with
 *     -EOWNERDEAD: what it protects may be half changed;
 *   - a read side that another thread held is released;
 *   - a once that another thread was running is not done: the next who asks runs it;
 *   - semaphores, events, barriers and conditions keep their permits, flags and breakage, and nobody waits for them.
 *     Permits that other threads had taken stay taken;
 *   - a note keeps its state; one of which other threads had children is to be made anew (fl_note_init) before it is
 *     cancelled, since its children may lie on stacks that are no more.
 *
 * A thread of the parent that was inside a call of Fairlead at the very moment of the fork may leave that one object
 * as if it had gone either way.
 *
 * fork() does this by itself.
 */
#ifndef FAIRLEAD_FORK_H
#define FAIRLEAD_FORK_H

#include <fairlead/attributes.h>

FL_BEGIN_DECLS

/* Puts the library in order in a child that was made without fork(), by the bare system call: the first thing such a
 * child calls. In a process where it has been done already it does nothing. Does not block.  Since 0.1. */
void fl_after_fork_child(void);

FL_END_DECLS

#endif
