/*
 * fairlead/group.h - Group: a block whose threads have all ended when it is left. Structured concurrency; Python's
 * asyncio.TaskGroup and Trio's nursery, over threads.
 *
 *     static int fetch(void *page, fl_note *stop) { ... return 0; or a negative errno }
 *
 *     int error;
 *     fl_with_group (group, &error)
 *             for (i = 0; i < n; i++)
 *                     if (fl_group_start(group, fetch, &pages[i]) < 0)
 *                             break;
 *     ...                                            // here all of them have ended
 *     if (error < 0)
 *             return error;                          // the first error that any of them had
 *
 * The first child that fails, by returning a negative errno or by ending its thread, cancels the group's note: the
 * others, which wait with it, stop, and the block returns that first error. Children may start more children in the
 * same group; the block is left when all have ended.
 *
 * However the block is left: by its end, break, continue, goto or return, the thread that leaves it waits there for the
 * children, and so it may lend them what is on its stack. fl_thread_exit and fl_thread_fail in the block cancel the
 * group first, wait, and then end the thread. (pthread_exit and pthread_cancel do so too late, when the thread's stack
 * is gone, and longjmp not at all. In C++ an exception that leaves the block waits like return.)
 *
 * A child is a thread of its own. When not to use it: for many small pieces of work take an executor; for a loop
 * fl_parallel_for.
 *
 * Any thread may start children in a group and ask it, no signal handler may. In a forked child no child of a group is
 * there: leaving the block waits for none, fl_group_cancel does nothing, and to start one takes a new group.
 */
#ifndef FAIRLEAD_GROUP_H
#define FAIRLEAD_GROUP_H

#include <fairlead/attributes.h>
#include <fairlead/guard.h>
#include <fairlead/note.h>
#include <stdbool.h>

FL_BEGIN_DECLS

typedef struct fl_group fl_group;

/* What a child does: returns 0, or a negative errno. `stop` is the group's note: wait with it. */
typedef int (*fl_group_function)(void *arg, fl_note *stop);

/* Runs the statement or block that follows with `group`, a name, as an fl_group *, and then waits for all that was
 * started in it. `ret_error`, an int *, receives 0 or the first error when the block is left; -ENOMEM if there was no
 * memory for the group: then the block is not run. break and continue in the block leave it, not a loop around it.
 * Since 0.1. */
#define fl_with_group(group, ret_error) FL_GUARD_QUIET_ FL_WITH_GROUP_(group, ret_error) FL_GUARD_LOUD_

/* The same with a note for a parent: when that is cancelled, the group's is. */
#define fl_with_group_noted(group, ret_error, note) \
	FL_GUARD_QUIET_ FL_WITH_GROUP_NOTED_(group, ret_error, note) FL_GUARD_LOUD_

/* Starts a thread that calls function(arg, note). Returns 0; -ECANCELED: the group is cancelled, and nothing was
 * started; -EPERM: it is a forked child, and the group is the parent's; -EAGAIN and -ENOMEM, as fl_thread_start: a
 * child that cannot be started is one that has failed, so this becomes the group's error, and the others are cancelled.
 * Does not block. */
int fl_group_start(fl_group *group, fl_group_function function, void *arg) FL_NONNULL(1, 2) FL_MUST_CHECK;

/* Cancels the group's note. That is no error of the group; what the children return because of it is: the first one
 * that is not -ECANCELED, or -ECANCELED if there is no other. Does not block. */
void fl_group_cancel(fl_group *group) FL_ALL_NONNULL;

/* Returns the group's note; it lives as long as the block. */
fl_note *fl_group_note(fl_group *group) FL_ALL_NONNULL;

/* Returns the first error so far, or 0. Never blocks. */
int fl_group_error(const fl_group *group) FL_ALL_NONNULL;

/* Makes a group by hand, for what is no block: what the macros do. `parent` may be NULL. Returns 0, -ENOMEM. Does not
 * block. */
int fl_group_create(fl_group **ret_group, fl_note *parent) FL_NONNULL(1) FL_MUST_CHECK;

/* Blocks until all children have ended, and frees the group. Returns 0 or the first error. NULL is allowed. */
int fl_group_finish(fl_group *group);

/* ---- All that follows is private to the macros above. ---- */

/* clang-format off */
#define FL_WITH_GROUP_(group, ret_error) FL_WITH_GROUP_NOTED_(group, ret_error, NULL)
#define FL_WITH_GROUP_NOTED_(group, ret_error, note) \
	switch (0) \
	default: \
		FL_GUARD_ONCE_(fl_group *const group __attribute__((cleanup(fl_group_leave))) = \
				       fl_group_enter((ret_error), (note))) \
		if (!(group)) { \
		} else
/* clang-format on */

/* For the macros: makes a group, NULL if there is no memory, and ends it. */
fl_group *fl_group_enter(int *ret_error, fl_note *parent) FL_NONNULL(1);
void fl_group_leave(fl_group *const *group) FL_ALL_NONNULL;

FL_END_DECLS

#endif
