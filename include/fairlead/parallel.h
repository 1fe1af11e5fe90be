/*
 * fairlead/parallel.h - fl_parallel_for: a loop whose iterations are done by several threads at once.
 *
 *     static int brighten(int64_t begin, int64_t end, void *image)
 *     {
 *             for (int64_t row = begin; row < end; row++)
 *                     ...
 *             return 0;
 *     }
 *
 *     error = fl_parallel_for(0, height, 0, brighten, image);
 *
 * The range is cut into pieces, and each thread that takes part has a share of them; one that has done its share takes
 * half of what another has left. So it does not matter how long the iterations take, and whether the machine has other
 * things to do. The calling thread takes part, and does all of it if no other thread comes.
 *
 * The threads besides are the process's: a set of fl_cpu_count() - 1 of them, which the first call that needs them
 * starts, and which sleep in between. A call inside of a loop's function is fine, also inside of an executor's work:
 * it asks for the same threads, and does not wait for one that is not there.
 *
 * When not to use it: for iterations that wait for something (fl_executor_map), or where all of it takes less than some
 * ten microseconds.
 *
 * Any thread may call it, no signal handler. In a forked child the threads are started anew.
 */
#ifndef FAIRLEAD_PARALLEL_H
#define FAIRLEAD_PARALLEL_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* Does the iterations begin <= i < end. Returns 0, or a negative errno, which ends the loop: what has not begun is not
 * done. It must return: one that ends its thread leaves the loop waiting for ever. */
typedef int (*fl_parallel_function)(int64_t begin, int64_t end, void *arg);

/* Calls `function` for pieces of the range that together are all of it, each iteration once, in no order, by several
 * threads at once; returns when all is done. A piece has `grain` iterations, or fewer at the end; 0: so many that there
 * are 64 pieces for each thread. What the caller wrote before is seen by the function, and what that wrote by the
 * caller after.
 * Returns 0; the error that the function has returned, one of them if there were several; -EINVAL: `grain` is negative.
 * If there is no memory or no thread, fewer threads take part.  Since 0.1. */
int fl_parallel_for(int64_t begin, int64_t end, int64_t grain, fl_parallel_function function, void *arg) FL_NONNULL(4);

/* Also -ETIMEDOUT and -ECANCELED: the deadline passed or the note was cancelled before all was begun. It returns when
 * the pieces that are under way are done. */
int fl_parallel_for_until(int64_t begin, int64_t end, int64_t grain, fl_parallel_function function, void *arg,
			  fl_time deadline, fl_note *note) FL_NONNULL(4) FL_MUST_CHECK;

FL_END_DECLS

#endif
