/*
 * watch/free.c - memory that is freed takes the locks in it along (lock.c).
 *
 * How large a block is only its own allocator knows. If that does not tell, a lock is found at its beginning alone.
 * Blocks that realloc moves, and memory that is unmapped, are not looked at: a lock in them would have moved, too, or
 * was destroyed before.
 */
#include "atomic.h"
#include "lock.h"
#include "memory.h"
#include "real.h"
#include <stdlib.h>

WATCH_EXPORT void free(void *memory)
{
	if (fl_unlikely(!watch_real_.free)) {
		watch_real_find_();
		if (!watch_real_.free)
			return; /* by the search itself: it is left where it is */
	}
	if (memory && watch_notes_)
		watch_lock_forget_within_(memory, watch_real_.malloc_usable_size
							  ? watch_real_.malloc_usable_size(memory)
							  : sizeof(void *));
	watch_real_.free(memory);
}
