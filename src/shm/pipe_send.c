/*
 * shm/pipe_send.c - sending a message: one packet, or a row of them, in the sender's turn.
 *
 * The kernel takes a packet whole or not at all, so who is killed here has sent a whole message, or the beginning of
 * one that is larger than a packet; and so has who gives up since the deadline passes. There is no need to say so: what
 * the receiver has of it, it drops when another message begins, or the end comes [P1].
 *
 * While a packet finds room the clock is not looked at, but after FL_PIPE_PATIENCE of them it is: a receiver that takes
 * a large message as fast as it is sent would otherwise keep the sender beyond its deadline.
 */
#include "shm/pipe.h"

#include "base/keep_errno.h"
#include "sync/wait.h"

struct parcel {
	const char *data;
	size_t size;
	const int *fds;
	size_t n_fds;
	fl_time deadline;
	fl_note *note;
};

static int send_packet(struct fl_pipe *pipe, const struct parcel *parcel, const struct fl_pipe_head *head)
{
	const char *data = parcel->size > 0 ? parcel->data + head->offset : NULL;
	int error;

	while ((error = fl_pipe_packet_send_(pipe->fd, head, data, parcel->fds)) == -EAGAIN) {
		error = fl_pipe_wait_(pipe, POLLOUT, parcel->deadline, parcel->note);
		if (error != 0)
			return error;
	}
	return error;
}

/* With the turn. */
static int send_all(struct fl_pipe *pipe, const struct parcel *parcel)
{
	struct fl_pipe_head head = {.word = FL_PIPE_WORD, .n_fds = (uint32_t)parcel->n_fds, .size = parcel->size};
	uint32_t n = 0;
	int error;

	head.message = ++pipe->message;
	for (;;) {
		error = send_packet(pipe, parcel, &head);
		head.offset += FL_PIPE_PIECE;
		head.n_fds = 0;
		if (error != 0 || head.offset >= head.size)
			return error;
		if (++n >= FL_PIPE_PATIENCE)
			error = fl_wait_refused_(parcel->deadline, parcel->note);
		if (error != 0)
			return error;
	}
}

static int send_parcel(struct fl_pipe *pipe, const struct parcel *parcel)
{
	fl_keep_errno();
	int error;

	if (parcel->size > FL_PIPE_MESSAGE)
		return -EMSGSIZE;
	if (parcel->n_fds > FL_PIPE_FDS)
		return -EINVAL;
	error = fl_pipe_take_sending_(pipe, parcel->deadline, parcel->note);
	if (error != 0)
		return error;
	error = send_all(pipe, parcel);
	fl_pipe_leave_(&pipe->sending);
	return error;
}

int fl_pipe_send_fds_until(fl_pipe *pipe, const void *data, size_t size, const int *fds, size_t n_fds, fl_time deadline,
			   fl_note *note)
{
	const struct parcel parcel = {
		.data = data, .size = size, .fds = fds, .n_fds = n_fds, .deadline = deadline, .note = note};

	return send_parcel(pipe, &parcel);
}

int fl_pipe_send_fds(fl_pipe *pipe, const void *data, size_t size, const int *fds, size_t n_fds)
{
	return fl_pipe_send_fds_until(pipe, data, size, fds, n_fds, FL_FOREVER, NULL);
}

int fl_pipe_send_until(fl_pipe *pipe, const void *data, size_t size, fl_time deadline, fl_note *note)
{
	return fl_pipe_send_fds_until(pipe, data, size, NULL, 0, deadline, note);
}

int fl_pipe_send(fl_pipe *pipe, const void *data, size_t size)
{
	return fl_pipe_send_until(pipe, data, size, FL_FOREVER, NULL);
}

int fl_pipe_send_try(fl_pipe *pipe, const void *data, size_t size)
{
	int error = fl_pipe_send_until(pipe, data, size, 0, NULL);

	return error == -ETIMEDOUT ? -EAGAIN : error;
}
