/*
 * check/shadow.h - who accessed which bytes of plain memory, and whether two accesses race.
 *
 * Each 8 bytes of the program's memory have four cells, each an access: thread, its clock then, which bytes, written or
 * read, atomic or plain, and where in the program. Two accesses to a byte race if one writes, not both are atomic, they
 * are of two threads, and the later thread's vector clock does not know the earlier access (FastTrack: Flanagan,
 * Freund, PLDI 2009; cells as ThreadSanitizer has them). free() writes cells of its own kind, so that a use after it is
 * found in the same way, also when it comes first in time: then it is a race with the free.
 *
 * A race is no failure by itself here. Its two places are learned: from the next execution on they are scheduling
 * points, so that what the race leads to is found. What is learned only grows, and never during an execution, so that
 * an execution depends on what was known when it began (run.3).
 */
#ifndef FAIRLEAD_CHECK_SHADOW_H
#define FAIRLEAD_CHECK_SHADOW_H

#include "run.h"

HIDDEN void shadow_begin(void);
HIDDEN void shadow_renew(void);
/* The running thread accesses memory. */
HIDDEN void shadow_access(uintptr_t address, size_t size, bool write, bool atomic, uintptr_t pc);
/* The memory is new: nobody has accessed it. */
HIDDEN void shadow_clear(uintptr_t address, size_t size);
/* The running thread frees it. */
HIDDEN void shadow_free(uintptr_t address, size_t size, uintptr_t pc);

/* Whether the place is a scheduling point. */
HIDDEN bool shadow_learned(uintptr_t pc);
/* After an execution: the places of its races are scheduling points from now on. Returns whether there are new ones. */
HIDDEN bool shadow_learn(void);
/* Forgets all places. */
HIDDEN void shadow_forget(void);
/* Takes over what memory->learned has. */
HIDDEN void shadow_learn_all(void);

/* How many objects (object.h) lie near an address; the next one's, from there on and before `end`, or 0. */
HIDDEN void shadow_count_object(uintptr_t address, int more);
HIDDEN uintptr_t shadow_next_object(uintptr_t address, uintptr_t end);

#endif
