/*
 * fairlead/array.h - Array: elements of one type that threads and processes share, read as a whole and never torn.
 * Python's multiprocessing.Array.
 *
 *     static const fl_segment_type type = FL_SEGMENT_TYPE(double, 1);
 *     double position[3] = {0.5, 0, 1}, before[3];
 *     fl_array array;
 *
 *     fl_segment_array(segment, "position", &type, 3, &array);   // whoever comes first makes it: all zero
 *     fl_array_write(&array, 0, 3, position);                    // all three at once
 *     fl_array_read(&array, 0, 3, before);                       // three that were written together
 *     fl_array_add_double(&array, 2, 0.25, NULL);                // += 0.25, and nothing is lost
 *
 * An element may be of any type and size without pointers in it: a number, or a struct. Each call is one step, on one
 * element or on as many as are asked for: what a reader gets was all there at one moment, and one that adds or compares
 * loses nothing of what others do. Who gets what somebody has written sees all that he did before it, too. A process
 * that is killed in the middle of a call has changed all of what it was to change, or nothing; nobody has to be told,
 * and nobody waits for it.
 *
 * Readers do not wait for writers: there are two copies, and a writer prepares the one that is not read. A reader that
 * is overtaken by two writers while it reads begins again, and after some attempts keeps them out for the moment that
 * it needs. Writers wait for each other, for the moment that one needs: to write costs what is written, and what the
 * last one has written, not the whole array.
 *
 * Several calls are several steps. Who wants them to be one, for all that do so, acquires the array's own lock, an
 * RLock, Python's get_lock(): whoever dies holding it is told to the next. The calls do not take it, unlike Python's.
 *
 * An fl_array is a handle, of this process, and may be copied: each process gets its own by fl_segment_array. It is
 * good for as long as the segment is open, in a forked child, too. Any thread may make any call; none may come from a
 * signal handler.
 *
 * When not to use it: for one number take fairlead/value.h, which is much cheaper; for images, fairlead/frames.h, which
 * copies nothing.
 */
#ifndef FAIRLEAD_ARRAY_H
#define FAIRLEAD_ARRAY_H

#include <fairlead/attributes.h>
#include <fairlead/rlock.h>
#include <fairlead/segment.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* 64 bytes, private to this process. The members are private. */
typedef struct fl_array {
	void *fl_memory;
	size_t fl_n, fl_size;
	uint32_t fl_words;
	uint32_t fl_kind;
	uint64_t fl_spare[4];
} fl_array;

/* The most bytes that all elements together may have: 32 GiB, less 8. */
#define FL_ARRAY_MAX (8 * (uint64_t)UINT32_MAX)

/* How many bytes of memory an array of n elements of `size` bytes each takes. */
#define FL_ARRAY_SIZE(size, n) (128 + 2 * (((size_t)(size) * (n) + 63) / 64 * 64))

/* Finds the array of that name in the segment, or makes it, all zero. Its elements are of that type, as
 * FL_SEGMENT_TYPE(double, 1) describes one; the name of the type has at most 37 bytes. Returns 1: it was made; 0: it
 * was found;
 * -EPROTO: what has that name is no array, or one of another type or length (fl_segment_why says more);
 * -EINVAL: n or the type's size is 0, or both together are more than FL_ARRAY_MAX, or a name is not as it must be;
 * -ENOSPC, -EUSERS, -EMFILE, -EACCES as fl_segment_object.
 * Blocks for the moment that others need for the same.  Since 0.1. */
int fl_segment_array(fl_segment *segment, const char *name, const fl_segment_type *type, size_t n, fl_array *ret_array)
	FL_ALL_NONNULL FL_MUST_CHECK;

/* Makes an array for the threads of this process, all zero, in FL_ARRAY_SIZE(type->size, n) bytes that begin at a
 * multiple of 8, better of 64, and stay the caller's. The array is destroyed by freeing these. Returns 0; -EINVAL as
 * above, or the memory begins elsewhere. Does not block.  Since 0.1. */
int fl_array_init(fl_array *ret_array, const fl_segment_type *type, size_t n, void *memory)
	FL_ALL_NONNULL FL_MUST_CHECK;

/* How many elements it has. Does not block.  Since 0.1. */
size_t fl_array_length(const fl_array *array) FL_ALL_NONNULL;

/* All that follow return 0, where nothing else is said;
 * -ERANGE: there is no such element, or not so many from there on;
 * -EUSERS, -ENOSYS, -ENOMEM, -ENOSPC, -EPROTO, -ENOTRECOVERABLE: of an array that processes share: this thread could
 *          not get a place among those who use the segment (fairlead/segment.h, "Threads"), or the segment is damaged.
 * When they fail, nothing has changed. Those that only read block for the moment that a writer needs, and only after
 * they have been overtaken some times; the others for the moment that other writers need. */

/* Gets an element; sets it.  Since 0.1. */
int fl_array_get(const fl_array *array, size_t index, void *ret_element) FL_ALL_NONNULL FL_MUST_CHECK;
int fl_array_set(fl_array *array, size_t index, const void *element) FL_ALL_NONNULL;

/* Reads or writes n elements from that index on, in one step: 0 and fl_array_length are all of them. n may be 0.
 * Since 0.1. */
int fl_array_read(const fl_array *array, size_t from, size_t n, void *ret_elements) FL_ALL_NONNULL FL_MUST_CHECK;
int fl_array_write(fl_array *array, size_t from, size_t n, const void *elements) FL_ALL_NONNULL;

/* Sets an element, and gives what it was before: the two may be the same memory.  Since 0.1. */
int fl_array_exchange(fl_array *array, size_t index, const void *element, void *ret_before) FL_ALL_NONNULL;

/* Sets an element if it is, byte for byte, what *expected is, and returns 1. Otherwise puts what it is into *expected
 * and returns 0. (Of a struct the bytes between its members count: let all who write make these zero.)  Since 0.1. */
int fl_array_compare_exchange(fl_array *array, size_t index, void *expected, const void *element)
	FL_ALL_NONNULL FL_MUST_CHECK;

/* Adds to an element, and gives what it was before, unless ret_before is NULL. What does not fit wraps around. Also
 * -EINVAL: the elements are no integers; they are if the name of their type is int8_t, int16_t, int32_t, int64_t, the
 * same with a u before it, int, unsigned, unsigned int, long, unsigned long or size_t.  Since 0.1. */
int fl_array_add(fl_array *array, size_t index, int64_t number, int64_t *ret_before) FL_NONNULL(1);

/* The same if their type is double or float.  Since 0.1. */
int fl_array_add_double(fl_array *array, size_t index, double number, double *ret_before) FL_NONNULL(1);

/* Its own lock, for several calls that are to be one step: an RLock as any other (fairlead/rlock.h). Does not block.
 * Since 0.1. */
fl_rlock *fl_array_lock(const fl_array *array) FL_ALL_NONNULL;

FL_END_DECLS

#endif
