/*
 * shm/child.c - a forked child and the segments that it has inherited.
 *
 * The child shares its parent's open files, and by them the kernel's locks that say that the parent lives: while the
 * child keeps them, the parent would never be seen to die. So each is opened anew at once, in the handler of the fork,
 * and the descriptor keeps its number. The child is attached by its first call (fl_segment_enter_), not here: it may
 * only be on its way to exec.
 *
 * Where /proc is missing there is no way to open it anew. Then the child parts with the file, and its calls fail.
 */
#define _GNU_SOURCE
#include "base/fork.h"
#include "base/inner.h"
#include "shm/segment.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static struct fl_inner table;
static fl_segment *first;

static void part(fl_segment *segment)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", segment->fd);
	fd = open(path, (segment->looking ? O_RDONLY : O_RDWR) | O_CLOEXEC);
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

static __attribute__((constructor)) void begin(void)
{
	fl_fork_register_(in_child);
}

void fl_segment_enlist_(fl_segment *segment)
{
	if (!segment->looking)
		fl_lot_open_(&segment->view);
	fl_inner_acquire(&table);
	segment->next = first;
	if (first)
		first->previous = segment;
	first = segment;
	fl_inner_release(&table);
}

void fl_segment_delist_(fl_segment *segment)
{
	if (!segment->looking)
		fl_lot_close_(&segment->view);
	fl_inner_acquire(&table);
	if (segment->next)
		segment->next->previous = segment->previous;
	if (segment->previous)
		segment->previous->next = segment->next;
	else
		first = segment->next;
	fl_inner_release(&table);
}
