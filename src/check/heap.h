/*
 * check/heap.h - the program's heap: an allocator that does the same in each execution, and can be put back.
 */
#ifndef FAIRLEAD_CHECK_HEAP_H
#define FAIRLEAD_CHECK_HEAP_H

#include "raw.h"

/* The heap as it is now is what each later execution begins with. */
HIDDEN void heap_keep(void);
/* Puts it back, except for what lies in pages that were in use when it was kept: these are somebody else's to put back.
 * */
HIDDEN void heap_restore(void);
/* The pages that were in use when it was kept. */
HIDDEN void heap_kept(char **ret_from, char **ret_to);

/* While `on`, what is allocated comes from a place of its own that is never put back: what the C library needs for
 * threads that outlive an execution. */
HIDDEN void heap_aside(bool on);

#endif
