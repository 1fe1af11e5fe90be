/*
 * sync/poll.c - waiting for descriptors: a peer's socket, a process that may end.
 *
 * What happens in another process reaches this one by descriptors, since the kernel writes to no word of ours when a
 * process dies. So this is the one other way to wait, beside base/word.h, and no other file calls poll.
 *
 * A note is watched as for any other wait (sync/note.c), with a second waiter whose waking writes to an eventfd, which
 * is polled with the rest. The eventfd lives as long as the wait.
 */
#define _GNU_SOURCE
#include "base/keep_errno.h"
#include "sync/wait.h"
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ppoll's time-out; NULL for ever. */
static const struct timespec *left_until(fl_time deadline, struct timespec *left)
{
	fl_time ns;

	if (deadline == FL_FOREVER)
		return NULL;
	ns = deadline > 0 ? deadline - fl_now() : 0;
	ns = ns > 0 ? ns : 0;
	*left = (struct timespec){.tv_sec = ns / FL_SECONDS(1), .tv_nsec = ns % FL_SECONDS(1)};
	return left;
}

static int poll_until(struct pollfd *fds, unsigned n, fl_time deadline)
{
	struct timespec left;
	int ready;

	do
		ready = ppoll(fds, n, left_until(deadline, &left), NULL);
	while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return -errno;
	return ready == 0 ? -ETIMEDOUT : 0;
}

static int poll_with_note(struct pollfd *fds, unsigned n, fl_time deadline, fl_note *note, int fd)
{
	struct fl_waiter second = {.polls = true, .fd = fd};
	fl_time last = fl_note_deadline(note);
	int error;

	if (!fl_note_watch_(note, &second))
		return -ECANCELED;
	fds[n] = (struct pollfd){.fd = fd, .events = POLLIN};
	error = poll_until(fds, n + 1, deadline < last ? deadline : last);
	fl_note_unwatch_(note, &second);
	if (error == -ETIMEDOUT && last < deadline)
		return -ECANCELED;
	return error == 0 && fds[n].revents != 0 ? -ECANCELED : error;
}

int fl_wait_fds_(struct pollfd *fds, unsigned n, fl_time deadline, fl_note *note)
{
	fl_keep_errno();
	int fd, error;

	if (!note)
		return poll_until(fds, n, deadline);
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = fd < 0 ? -errno : poll_with_note(fds, n, deadline, note, fd);
	if (fd >= 0)
		close(fd);
	return error;
}
