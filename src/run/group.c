/*
 * run/group.c - Group: threads that have all ended when a block is left.
 *
 * A child is a thread with a handle, kept in the group until it is joined: when the group ends, or, so that a group
 * which goes on for long does not collect them, when a later child is started and it has ended by then.
 *
 * A group that belongs to a block is known to its thread, in a list of those that are open, the innermost first. The
 * list is the value of a pthread key. Before fl_thread_exit and fl_thread_fail end the thread they have the groups in
 * the list cancelled and waited for, while the frames that the children may use are still there. What is then left of
 * a group is freed by the key's destructor, or by the block's own cleanup where the compiler has frames unwound (C++);
 * that destructor also waits, as well as can be, for groups of a thread that has ended by pthread_exit.
 *
 * In a forked child the group's children are not there, nor is what they had of notes under the group's: those lie on
 * stacks that may be used for something else. So there nothing is cancelled or started, and the note's children are
 * forgotten before it ends; the handles are joined as ever, which finds that their threads are gone.
 *
 * Invariants:
 *   [G1] `children` changes under the lock of the group's bucket (base/park.h), which a forked child finds free. A
 *        child is in it from before its fl_group_start returns until somebody has taken it out to join it, so that who
 *        finds it empty, with no child of its own running, knows that all have ended: children are started by the
 *        block, which is not running any more, or by children, which are in the list while they do.
 *   [G2] `error` is set once, by compare-and-swap, but for -ECANCELED, which any other error replaces; the note is
 *        cancelled by whoever sets it.
 *
 * Rejected: a lock of the group's own, held while a thread is started (others sleep through all that the system does
 * for that, and whoever forks meanwhile has it held for ever in the forked child); counting the children and waiting
 * for 0 (a thread that has counted itself out is still there, with its stack and its thread-local destructors); groups
 * over an executor (a child that waits for the others' progress would need a thread in any case; who wants that has
 * futures).
 */
#include <fairlead/group.h>

#include "base/fork.h"
#include "base/keep_errno.h"
#include "base/park.h"
#include "sync/wait.h"
#include "thread/thread.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct child {
	struct child *next;
	fl_group *group;
	fl_thread *thread;
	fl_group_function function;
	void *arg;
};

struct fl_group {
	fl_note note;
	struct child *children;
	struct child **look; /* where to look next for one that has ended */
	int error;
	int *ret_error;  /* of a block; else NULL */
	fl_group *outer; /* the next block of the same thread */
	uint8_t epoch;   /* fl_fork_epoch_ when it was made */
};

static pthread_key_t key;
static bool have_key;

/* Whether a fork has left its children behind. */
static bool is_inherited(const fl_group *group)
{
	return group->epoch != fl_fork_epoch_;
}

void fl_group_cancel(fl_group *group)
{
	if (!is_inherited(group)) /* then there is nobody, and the note's children may lie on stacks that are no more */
		fl_note_cancel(&group->note);
}

/* Errors. */

static void fail(fl_group *group, int error)
{
	int was = 0;

	if (!fl_cas_relaxed(&group->error, &was, error) && error != -ECANCELED && was == -ECANCELED)
		fl_cas_relaxed(&group->error, &was, error);
	fl_group_cancel(group);
}

int fl_group_error(const fl_group *group)
{
	return fl_load_relaxed(&group->error);
}

fl_note *fl_group_note(fl_group *group)
{
	return &group->note;
}

/* Children. */

static void end_early(void *child_)
{
	const struct child *child = child_;

	fail(child->group, -ECHILD);
}

static void *run(void *child_)
{
	struct child *child = child_;
	int error;

	pthread_cleanup_push(end_early, child);
	error = child->function(child->arg, &child->group->note);
	if (error < 0)
		fail(child->group, error);
	pthread_cleanup_pop(0);
	return NULL;
}

static void join(struct child *child)
{
	fl_thread_join(child->thread, NULL);
	free(child);
}

/* Takes one that has ended out of the list: looks at two, going round, so that as many are joined as are started. */
static struct child *take_ended(fl_group *group)
{
	struct child *child = NULL;
	int i;

	for (i = 0; i < 2; i++) {
		if (!*group->look)
			group->look = &group->children;
		child = *group->look;
		if (child && !fl_thread_is_alive(child->thread)) {
			*group->look = child->next;
			return child;
		}
		if (child)
			group->look = &child->next;
	}
	return NULL;
}

/* Puts one that was started into the list, and takes one out that has ended, if one is found. */
static struct child *exchange(fl_group *group, struct child *child)
{
	struct fl_bucket *bucket = fl_park_lock_(group);
	struct child *ended = take_ended(group);

	child->next = group->children;
	group->children = child;
	if (group->look == &group->children)
		group->look = &child->next;
	fl_park_unlock_(bucket);
	return ended;
}

int fl_group_start(fl_group *group, fl_group_function function, void *arg)
{
	fl_keep_errno();
	struct child *child, *ended;
	int error;

	if (is_inherited(group))
		return -EPERM;
	if (fl_note_is_cancelled(&group->note))
		return -ECANCELED;
	child = calloc(1, sizeof(*child));
	if (!child) {
		fail(group, -ENOMEM);
		return -ENOMEM;
	}
	*child = (struct child){.group = group, .function = function, .arg = arg};
	error = fl_thread_start_(&child->thread, NULL, "group", run, child);
	if (error != 0) {
		fail(group, error);
		free(child);
		return error;
	}
	ended = exchange(group, child);
	if (ended)
		join(ended);
	return 0;
}

static struct child *take_any(fl_group *group)
{
	struct fl_bucket *bucket = fl_park_lock_(group);
	struct child *child = group->children;

	group->look = &group->children;
	if (child)
		group->children = child->next;
	fl_park_unlock_(bucket);
	return child;
}

static void join_all(fl_group *group)
{
	struct child *child;

	while ((child = take_any(group)))
		join(child);
}

/* Groups. */

int fl_group_create(fl_group **ret_group, fl_note *parent)
{
	fl_keep_errno();
	fl_group *group = calloc(1, sizeof(*group));

	if (!group)
		return -ENOMEM;
	group->look = &group->children;
	group->epoch = fl_fork_epoch_;
	fl_note_init(&group->note, parent, FL_FOREVER);
	*ret_group = group;
	return 0;
}

int fl_group_finish(fl_group *group)
{
	fl_keep_errno();
	int error;

	if (!group)
		return 0;
	join_all(group);
	error = group->error;
	if (is_inherited(group))
		fl_note_forget_children_(&group->note);
	fl_note_destroy(&group->note);
	free(group);
	return error;
}

/* Blocks. */

fl_group *fl_group_enter(int *ret_error, fl_note *parent)
{
	fl_keep_errno();
	fl_group *group = NULL;
	int error = have_key ? fl_group_create(&group, parent) : -ENOMEM;

	if (error == 0) {
		group->outer = pthread_getspecific(key);
		group->ret_error = ret_error;
		if (pthread_setspecific(key, group) != 0) {
			fl_group_finish(group);
			group = NULL;
			error = -ENOMEM;
		}
	}
	*ret_error = error;
	return group;
}

void fl_group_leave(fl_group *const *group_)
{
	fl_keep_errno();
	fl_group *group = *group_;
	int *ret_error;

	if (!group)
		return;
	pthread_setspecific(key, group->outer);
	ret_error = group->ret_error;
	*ret_error = fl_group_finish(group);
}

/* The calling thread ends inside of its blocks. */
static void leave_all(void)
{
	fl_group *group = have_key ? pthread_getspecific(key) : NULL;

	for (; group; group = group->outer) {
		fl_group_cancel(group);
		join_all(group);
	}
}

static void at_end(void *group_)
{
	fl_group *group = group_, *outer;

	for (; group; group = outer) {
		outer = group->outer;
		fl_group_cancel(group);
		fl_group_finish(group);
	}
}

__attribute__((constructor)) static void begin(void)
{
	have_key = pthread_key_create(&key, at_end) == 0;
	fl_thread_leaving_ = leave_all;
}
