/*
 * queue/descriptor.c - a descriptor that is readable when there may be an item: an eventfd.
 *
 * It is rung by the first put after it was armed, and by the end of the queue. It is armed, and made unreadable, by the
 * get that finds the queue empty, under the lock of those who put: so it is readable whenever there is an item, and
 * now and then when somebody else has been quicker.
 */
#include "queue/queue.h"

#include "base/keep_errno.h"
#include <sys/eventfd.h>

/* Under put's lock. */
static void arm(struct fl_queue *queue)
{
	fl_store_relaxed(&queue->put.alert, queue->put.alert | FL_QUEUE_FD);
}

static bool has_something(const struct fl_queue *queue)
{
	return queue->put.position != fl_load_relaxed(&queue->get.position) || queue->put.ended != 0;
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

/* Under put's lock. */
static int make(struct fl_queue *queue)
{
	int fd = eventfd(has_something(queue), EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (!has_something(queue))
		arm(queue);
	fl_store_relaxed(&queue->fd, fd);
	return fd;
}

int fl_queue_fd(fl_queue *queue)
{
	fl_keep_errno();
	int fd = fl_queue_enter_(queue, &queue->put);

	if (fd != 0)
		return fd;
	fd = queue->fd >= 0 ? queue->fd : make(queue);
	fl_lock_leave(&queue->put.lock);
	return fd;
}
