/*
 * shm/child.c - a forked child and the segments that it has inherited.
 *
 * The child shares its parent's open files, and by them the kernel's locks that say that the parent lives: while the
 * child keeps them, the parent would never be seen to die. So each is opened anew at once, in the handler of the fork,
 * and the descriptor keeps its number. The child is attached by its first call (fl_segment_enter_), not here: it may
 * only be on its way to exec.
 *
 * Where /proc is missing there is no way to open it anew. Then the child parts with the file, and its calls fail.
 *
 * Invariant:
 *   [C1] Whenever fork() makes a child, each open file that may hold such locks is that of a segment in the list.
 *
 * So the file is opened and the segment put into the list in one step, and likewise the other way round: both under
 * `table`, which fork() takes before it makes the child. What the segment's users do in between, and how long that
 * takes, does not matter. No other lock is taken and nothing is waited for under `table`, and no thread is cancelled
 * there (open and close are where that may happen). The handler is registered before any user's, and so runs after all
 * of these: whatever they take before the fork is taken before `table`, as by anybody who opens a segment.
 *
 * A child of the bare system call, of which no handler is told, may be made in the middle of that step: it may keep its
 * parent's place until it ends. And fork() in a handler of a signal that has interrupted that step would wait for ever;
 * POSIX has taken it from the calls that such handlers may make.
 *
 * Rejected: to put the segment into the list first, without a file (the child cannot know which one is opened just
 * then); to hold `table` for the whole of fl_segment_open (that waits for the segment's lock, so a process that is
 * stopped would keep another one from forking).
 */
#define _GNU_SOURCE
#include "base/fork.h"
#include "base/inner.h"
#include "shm/segment.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static struct fl_inner table;
static fl_segment *first;

/* Opens the file of a segment anew. Returns a descriptor, or -1 and errno. */
static int open_anew(const fl_segment *segment)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", segment->fd);
	return open(path, (segment->looking ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
}

/* In the child. */

static void part(fl_segment *segment)
{
	int fd = open_anew(segment);

	if (fd < 0 || dup3(fd, segment->locks, O_CLOEXEC) < 0) {
		close(segment->locks);
		segment->locks = -1; /* the number may be another file's soon */
	}
	if (fd >= 0)
		close(fd);
	fl_lock_init(&segment->lock, NULL);
	segment->slot = segment->view.process = FL_NO_SLOT;
}

static void in_child(void)
{
	table = (struct fl_inner){0};
	for (fl_segment *segment = first; segment; segment = segment->next)
		part(segment);
}

static void before_fork(void)
{
	fl_inner_acquire(&table);
}

static void after_fork(void)
{
	fl_inner_release(&table);
}

/* The child's handler is one of base's, which runs before any user's. */
static __attribute__((constructor(101))) void begin_early(void)
{
	pthread_atfork(before_fork, after_fork, NULL);
}

static __attribute__((constructor)) void begin(void)
{
	fl_fork_register_(in_child);
}

/* The list. */

static int hold_table(void)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	fl_inner_acquire(&table);
	return state;
}

static void let_table_go(int state)
{
	fl_inner_release(&table);
	pthread_setcancelstate(state, NULL);
}

int fl_segment_enlist_(fl_segment *segment)
{
	int state = hold_table(), error = 0;

	segment->locks = open_anew(segment);
	if (segment->locks < 0) {
		error = fl_segment_errno();
	} else {
		segment->link = &first;
		segment->next = first;
		if (first)
			first->link = &segment->next;
		first = segment;
	}
	let_table_go(state);
	return error == 0 ? 0 : fl_segment_fail_(error, "the segment's file cannot be opened again");
}

void fl_segment_delist_(fl_segment *segment)
{
	int state = hold_table();

	if (segment->link) {
		if (segment->locks >= 0)
			close(segment->locks);
		segment->locks = -1;
		*segment->link = segment->next;
		if (segment->next)
			segment->next->link = segment->link;
		segment->link = NULL;
	}
	let_table_go(state);
}
