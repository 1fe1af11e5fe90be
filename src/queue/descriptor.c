/*
 * queue/descriptor.c - a descriptor that is readable when there may be an item: an eventfd.
 *
 * It is rung by the first put after it was armed, and by the end of the queue. It is armed, and made unreadable, by the
 * get that finds the queue empty, under the lock of those who put: so it is readable whenever there is an item, and
 * now and then when somebody else has been quicker.
 *
 * A forked child has a queue of its own, but not a descriptor: the count behind it is the parent's, and who reads it
 * there makes the parent miss its items. So a child leaves it alone until it is asked for one, and then puts another in
 * its place, under the same number.
 */
#define _GNU_SOURCE
#include "queue/queue.h"

#include "base/fork.h"
#include "base/keep_errno.h"
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool fl_queue_has_fd_(const struct fl_queue *queue)
{
	return fl_load_relaxed(&queue->fd) >= 0 && fl_load_relaxed(&queue->fd_epoch) == fl_fork_epoch_;
}

void fl_queue_ring_(struct fl_queue *queue)
{
	if (fl_queue_has_fd_(queue))
		eventfd_write(queue->fd, 1);
}

/* Under put's lock. */
static void arm(struct fl_queue *queue)
{
	fl_store_relaxed(&queue->put.alert, queue->put.alert | FL_QUEUE_FD);
}

static bool has_something(const struct fl_queue *queue)
{
	return queue->put.position != fl_load_relaxed(&queue->get.position) || fl_load_relaxed(&queue->put.ended) != 0;
}

bool fl_queue_arm_(struct fl_queue *queue)
{
	fl_keep_errno();
	eventfd_t rung;
	bool has;

	if (fl_queue_enter_(queue, &queue->put) != 0)
		return true;
	has = has_something(queue);
	if (!has) {
		eventfd_read(queue->fd, &rung);
		arm(queue);
	}
	fl_lock_leave(&queue->put.lock);
	return has;
}

/* Puts `fd` in the place of the parent's. */
static int replace(int old, int fd)
{
	int error = dup3(fd, old, O_CLOEXEC) < 0 ? -errno : 0;

	close(fd);
	return error != 0 ? error : old;
}

/* Under put's lock. */
static int make(struct fl_queue *queue)
{
	int fd = eventfd(has_something(queue), EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (queue->fd >= 0)
		fd = replace(queue->fd, fd);
	if (fd < 0)
		return fd;
	if (!has_something(queue))
		arm(queue);
	fl_store_relaxed(&queue->fd_epoch, fl_fork_epoch_);
	fl_store_relaxed(&queue->fd, fd);
	return fd;
}

int fl_queue_fd(fl_queue *queue)
{
	fl_keep_errno();
	int fd = fl_queue_enter_(queue, &queue->put);

	if (fd != 0)
		return fd;
	fd = fl_queue_has_fd_(queue) ? queue->fd : make(queue);
	fl_lock_leave(&queue->put.lock);
	return fd;
}
