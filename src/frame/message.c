/*
 * frame/message.c - sending and receiving the packets of message.h, and knowing who sent them.
 */
#define _GNU_SOURCE
#include "frame/message.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

union control {
	struct cmsghdr header; /* for its alignment */
	char bytes[CMSG_SPACE(FL_FRAMES_MAX_FDS * sizeof(int))];
};

static void put_fds(struct msghdr *packet, union control *control, const int *fds, unsigned n_fds)
{
	memset(control, 0, sizeof(*control));
	packet->msg_control = control;
	packet->msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	control->header.cmsg_level = SOL_SOCKET;
	control->header.cmsg_type = SCM_RIGHTS;
	control->header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	memcpy(CMSG_DATA(&control->header), fds, n_fds * sizeof(int));
}

int fl_frames_send_(int socket, const struct fl_frames_message *message, const int *fds, unsigned n_fds)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)message, .iov_len = sizeof(*message)};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
	union control control;

	if (n_fds > 0)
		put_fds(&packet, &control, fds, n_fds);
	return sendmsg(socket, &packet, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int fl_frames_say_(int socket, enum fl_frames_word word)
{
	const struct fl_frames_message message = {.word = word};

	return fl_frames_send_(socket, &message, NULL, 0);
}

static void get_fds(struct msghdr *packet, int fds[FL_FRAMES_MAX_FDS])
{
	struct cmsghdr *header = CMSG_FIRSTHDR(packet);
	size_t n;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return;
	n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(header), (n < FL_FRAMES_MAX_FDS ? n : FL_FRAMES_MAX_FDS) * sizeof(int));
}

void fl_frames_close_fds_(int fds[FL_FRAMES_MAX_FDS])
{
	unsigned i;

	for (i = 0; i < FL_FRAMES_MAX_FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int fl_frames_receive_(int socket, struct fl_frames_message *ret_message, int fds[FL_FRAMES_MAX_FDS])
{
	struct fl_frames_message message;
	struct iovec part = {.iov_base = &message, .iov_len = sizeof(message)};
	union control control;
	struct msghdr packet = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t n;

	/* A reset is said once, before what was sent earlier: the other side has ended and left something unread. */
	do
		n = recvmsg(socket, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return errno == EAGAIN ? -EAGAIN : -EPIPE;
	fds[0] = fds[1] = -1;
	get_fds(&packet, fds);
	if (n == sizeof(message) && (packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0) {
		message.name[FL_FRAMES_NAME - 1] = '\0';
		*ret_message = message;
		return 0;
	}
	fl_frames_close_fds_(fds);
	if (n == 0)
		return -EPIPE;
	return n == sizeof(message) && (packet.msg_flags & MSG_CTRUNC) ? -EMFILE : -EPROTO;
}

bool fl_frames_ended_(int pidfd)
{
	struct pollfd look = {.fd = pidfd, .events = POLLIN};

	return pidfd >= 0 && poll(&look, 1, 0) == 1;
}

int fl_frames_peer_(int socket, pid_t *ret_process, uid_t *ret_user)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int pidfd;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
		return -ESRCH;
	*ret_process = peer.pid;
	*ret_user = peer.uid;
	if (peer.pid <= 0)
		return -1; /* of another namespace */
	pidfd = (int)syscall(SYS_pidfd_open, peer.pid, 0);
	if (pidfd < 0)
		return errno == ESRCH || errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : -1;
	if (!fl_frames_ended_(pidfd))
		return pidfd;
	close(pidfd);
	return -ESRCH;
}
