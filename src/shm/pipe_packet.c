/*
 * shm/pipe_packet.c - one packet with its descriptors: into the socket, and out of it. Nothing in it is believed.
 *
 * Descriptors are in the process as soon as recvmsg has returned, whatever the packet is otherwise. So they are
 * gathered first, and from then on every way out gives them to the caller or closes them. The kernel passes as many as
 * the control buffer has room for, closes the others, and says so (MSG_CTRUNC); it says the same if the process has no
 * room for more. Which it was follows from how many the head speaks of.
 *
 * A reset (the other side has ended, and left something unread) is said once, before what was sent earlier.
 */
#define _GNU_SOURCE
#include "shm/pipe.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04 /* Linux 6.5 */
#endif

/* With room for more than there may be: credentials, which whoever shares this end's socket may have asked for. */
union control {
	struct cmsghdr header; /* for its alignment */
	char bytes[CMSG_SPACE(FL_PIPE_FDS * sizeof(int)) + 128];
};

void fl_pipe_close_fds_(size_t n_fds, const int *fds)
{
	size_t i;

	for (i = 0; i < n_fds; i++)
		close(fds[i]);
}

static int socket_error(int error)
{
	switch (error) {
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return -EPIPE;
	case ENOBUFS:
		return -ENOMEM;
	default:
		return -error;
	}
}

/* Sending. */

static void put_fds(struct msghdr *message, union control *control, const int *fds, size_t n_fds)
{
	memset(control, 0, sizeof(*control));
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	control->header.cmsg_level = SOL_SOCKET;
	control->header.cmsg_type = SCM_RIGHTS;
	control->header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	memcpy(CMSG_DATA(&control->header), fds, n_fds * sizeof(int));
}

int fl_pipe_packet_send_(int fd, const struct fl_pipe_head *head, const void *data, const int *fds)
{
	uint64_t left = head->size - head->offset;
	struct iovec parts[2] = {
		{.iov_base = (void *)(uintptr_t)head, .iov_len = sizeof(*head)},
		{.iov_base = (void *)(uintptr_t)data, .iov_len = left < FL_PIPE_PIECE ? left : FL_PIPE_PIECE},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	union control control;
	ssize_t n;

	if (head->n_fds > 0)
		put_fds(&message, &control, fds, head->n_fds);
	do
		n = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? socket_error(errno) : 0;
}

/* Receiving. */

/* Returns how many descriptors it had to close, since there were more than there may be. */
static size_t get_rights(const struct cmsghdr *header, struct fl_pipe_packet *packet)
{
	size_t n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int), i, closed = 0;
	int fd;

	for (i = 0; i < n; i++) {
		memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
		if (packet->n_fds < FL_PIPE_FDS) {
			packet->fds[packet->n_fds++] = fd;
		} else {
			close(fd);
			closed++;
		}
	}
	return closed;
}

/* Gathers all descriptors, whatever they came as. Returns whether there were no more than there may be. */
static bool get_fds(struct msghdr *message, struct fl_pipe_packet *packet)
{
	struct cmsghdr *header;
	size_t closed = 0;
	int fd;

	packet->n_fds = 0;
	for (header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET)
			continue;
		if (header->cmsg_type == SCM_RIGHTS)
			closed += get_rights(header, packet);
		if (header->cmsg_type == SCM_PIDFD && header->cmsg_len == CMSG_LEN(sizeof(int))) {
			memcpy(&fd, CMSG_DATA(header), sizeof(int));
			if (fd >= 0)
				close(fd);
		}
	}
	return closed == 0;
}

static bool head_fits(const struct fl_pipe_head *head, size_t length)
{
	uint64_t left;

	if (head->word != FL_PIPE_WORD || head->n_fds > FL_PIPE_FDS || head->size > FL_PIPE_MESSAGE)
		return false;
	if (head->offset > head->size || head->offset % FL_PIPE_PIECE != 0 || (head->offset > 0 && head->n_fds > 0))
		return false;
	left = head->size - head->offset;
	return length == (left < FL_PIPE_PIECE ? left : FL_PIPE_PIECE) && (length > 0 || head->offset == 0);
}

/* What to think of a packet of n bytes, whose descriptors have been gathered. */
static int judge(struct fl_pipe_packet *packet, size_t n, int flags, bool few)
{
	if (n < sizeof(packet->head) || (flags & MSG_TRUNC) || !few)
		return -EPROTO;
	packet->length = n - sizeof(packet->head);
	if (!head_fits(&packet->head, packet->length))
		return -EPROTO;
	if (packet->n_fds < packet->head.n_fds && (flags & MSG_CTRUNC))
		return -EMFILE;
	return packet->n_fds == packet->head.n_fds ? 0 : -EPROTO;
}

int fl_pipe_packet_receive_(int fd, struct fl_pipe_packet *packet, const struct iovec data[2])
{
	struct iovec parts[3] = {{.iov_base = &packet->head, .iov_len = sizeof(packet->head)}, data[0], data[1]};
	union control control;
	struct msghdr message = {
		.msg_iov = parts, .msg_iovlen = 3, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t n;
	bool few;
	int error;

	do
		n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return socket_error(errno);
	few = get_fds(&message, packet);
	error = n == 0 && packet->n_fds == 0 ? -EPIPE : judge(packet, (size_t)n, message.msg_flags, few);
	if (error != 0)
		fl_pipe_close_fds_(packet->n_fds, packet->fds);
	return error;
}

bool fl_pipe_packet_begins_(int fd)
{
	struct fl_pipe_head head;
	ssize_t n;

	do
		n = recv(fd, &head, sizeof(head), MSG_DONTWAIT | MSG_PEEK);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	return n == 0 || (n == sizeof(head) && head.offset == 0);
}
