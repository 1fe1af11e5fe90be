/*
 * shm/lifeline.c - a process that ends when its parent does.
 *
 * The parent has a pipe whose writing end it alone has, and which it never writes to. A child has the reading end, and
 * has asked the kernel to send it SIGKILL when there is something to see there (F_SETSIG, O_ASYNC). There is when the
 * last writing end is closed, and the kernel does that whenever the parent ends, in whatever way; it does so too when
 * the parent runs another program. Nobody has to run for it, neither a thread nor a handler, so that a child which is
 * stopped or busy dies as well.
 *
 * One pipe serves all children: the parent spends one descriptor, and may close a child's handle without anything
 * happening to the child. But what signal a descriptor sends, and to whom, belongs to the open file, so each child has
 * the reading end opened for it anew, by /proc/self/fd.
 *
 * The parent may die at any moment, also before its child has asked for the signal. A child that has the writing end
 * still open for a moment, as all descriptors after the fork, closes it later than it asks, by running the program: if
 * it was the last one, that sends the signal. A forked child has none any more, and looks once, after it has asked.
 *
 * Signals of descriptors ask for permission as kill() does: a child that becomes another user, and keeps none of the
 * user ids that it had, is not killed.
 *
 * Others that have the writing end: a child of the parent's own fork(), which therefore closes it in a fork handler,
 * and what the parent is just about to exec.
 *
 * Rejected: PR_SET_PDEATHSIG, which is sent when the thread ends that has started the child, whether or not its process
 * goes on; a thread in the child that waits for the parent's pidfd (a thread that nobody asked for, and that does not
 * run while the child is stopped); an end of the pipe for each child (a descriptor each, and closing the handle of a
 * child would have to leak it).
 */
#define _GNU_SOURCE
#include "base/fork.h"
#include "shm/process.h"
#include "sync/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int end = -1;
static ino_t inode;
static fl_once made;

/* Not if somebody has closed it, who closes descriptors that are not his, and it is something else now. */
static bool is_ours(int fd)
{
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode) && status.st_ino == inode;
}

/* Not among the first three, which programs like to put something else in the place of. */
static int keep_end(int fd)
{
	struct stat status;

	end = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (end < 0 || fstat(end, &status) < 0)
		return -errno;
	inode = status.st_ino;
	return 0;
}

static int make(void *unused)
{
	int ends[2], error;

	(void)unused;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	error = keep_end(ends[1]);
	close(ends[0]);
	close(ends[1]);
	return error;
}

int fl_lifeline_open_(void)
{
	char path[32];
	int error = fl_once_call(&made, make, NULL), fd;

	if (error != 0)
		return error;
	if (!is_ours(end))
		return -EBADF;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", end);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

/* System calls, and nothing that a sanitizer would take note of: it may be called between vfork and exec. */
__attribute__((no_sanitize("address", "thread", "undefined"))) int fl_lifeline_arm_(int fd)
{
	if (syscall(SYS_fcntl, fd, F_SETOWN, syscall(SYS_getpid)) < 0 ||
	    syscall(SYS_fcntl, fd, F_SETSIG, SIGKILL) < 0 || syscall(SYS_fcntl, fd, F_SETFL, O_NONBLOCK | O_ASYNC) < 0)
		return -errno;
	return 0;
}

bool fl_lifeline_is_cut_(int fd)
{
	struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}};

	return fl_wait_fds_(fds, 1, 0, NULL) == 0;
}

static void after_fork(void)
{
	if (is_ours(end))
		close(end);
	end = -1;
	made = (fl_once)FL_ONCE_INIT;
}

__attribute__((constructor(104))) static void begin(void)
{
	fl_fork_register_(after_fork);
}
