/*
 * sync/arena.h - memory for the checks, which does not come from malloc.
 *
 * A program's malloc may stand on Fairlead's locks, and the checks run inside the acquisition of a lock: calling
 * malloc there could ask for the very lock that is being looked at. So the checks take whole pages from the kernel.
 */
#ifndef FL_SYNC_ARENA_H
#define FL_SYNC_ARENA_H

#include <stddef.h>

/* Returns zeroed memory, aligned to 64 bytes or, if it is smaller, to its size rounded up to a power of two; NULL if
 * there is none. */
void *fl_arena_take_(size_t size);

/* Gives back what was taken with this size; `memory` may be NULL. */
void fl_arena_give_(void *memory, size_t size);

/* In a forked child. */
void fl_arena_after_fork_(void);

#endif
