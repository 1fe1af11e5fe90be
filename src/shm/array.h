/*
 * shm/array.h - what is in the memory of an array: for shm/array.c, which says what it means, array_copy.c and tests.
 */
#ifndef FL_SHM_ARRAY_H
#define FL_SHM_ARRAY_H

#include <fairlead/array.h>
#include <stdbool.h>

struct fl_array_head {
	uint64_t version;
	uint64_t begun;
	uint64_t size, n;
	uint64_t spare[4];
	uint64_t stale;
	fl_lock writing;
	fl_rlock own;
	uint64_t more_spare[4];
	uint64_t words[];
};

_Static_assert(sizeof(struct fl_array_head) == FL_ARRAY_SIZE(0, 0), "what the public header says");

static inline struct fl_array_head *fl_array_head(const fl_array *array)
{
	return (struct fl_array_head *)array->fl_memory;
}

/* ---- array_copy.c ---- */

/* Bytes, or words, from the first one to before the last one. */
struct fl_array_range {
	size_t from, to;
};

/* By a reader: copies those bytes of a copy. Whoever loads `begun` after it finds that of the writers that it met. */
void fl_array_copy_out_(const uint64_t *words, struct fl_array_range bytes, void *to);

/* By the only writer. */
void fl_array_copy_in_(uint64_t *words, struct fl_array_range bytes, const void *from);
void fl_array_copy_over_(uint64_t *to, const uint64_t *from, struct fl_array_range words);
bool fl_array_is_equal_(const uint64_t *words, struct fl_array_range bytes, const void *with);

#endif
