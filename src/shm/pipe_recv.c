/*
 * shm/pipe_recv.c - receiving: packets become a message, in the caller's buffer.
 *
 * What has been received of a message is `part`. Its bytes are in one of three places:
 *
 *     the caller's buffer      while a call receives it, and its size fits
 *     scratch                  the first packet of one that is too large for the caller's buffer, or whose rest was not
 *                              there in time: kept for the next call
 *     memory of its own        several packets, whose rest was not there in time; the rest goes there, too, and the
 *                              message is copied to the caller when it is whole
 *
 *   [R1] Between calls no part is in a caller's buffer.
 *   [R2] A part that is whole is never touched but to be given to a caller; so is one that has more packets to come,
 *        until it fits the caller's buffer. No packet is received while a part is in scratch.
 *   [R3] Memory of its own is of the message's size, and that was not larger than a buffer that a caller had for it:
 *        the peer cannot make it larger.
 *
 * A packet's size is known only when it is there. So a receive has two places for it: the caller's buffer, as far as
 * that goes, and scratch for the rest; and nothing is ever cut off. In the end a message that fits has been copied
 * once.
 *
 * A hostile peer can send beginnings of messages without end, as fast as they are received; so after
 * FL_PIPE_PATIENCE packets the clock is looked at before each.
 */
#include "shm/pipe.h"

#include "base/keep_errno.h"
#include "sync/wait.h"
#include <stdlib.h>
#include <string.h>

/* What a caller wants. */
struct wish {
	char *data;
	size_t size;
	size_t *ret_size;
	int *ret_fds; /* NULL: none are wanted */
	size_t *ret_n_fds;
	fl_time deadline;
	fl_note *note;
	uint32_t packets; /* how many it has received */
};

/* Where a packet is received to: so much room there, and scratch for the rest. */
struct place {
	char *at;
	size_t room;
};

static void copy(char *to, const char *from, size_t size)
{
	if (size > 0 && to != from)
		memmove(to, from, size);
}

/* Gives memory and descriptors of the part back. Whether its packets will go on is another question. */
static void forget_part(struct fl_pipe_part *part)
{
	if (part->owned)
		free(part->data);
	if (part->begun)
		fl_pipe_close_fds_(part->n_fds, part->fds);
	memset(part, 0, sizeof(*part));
}

void fl_pipe_drop_part_(struct fl_pipe *pipe)
{
	if (pipe->part.begun && pipe->part.have < pipe->part.size)
		pipe->dropped = pipe->part.message;
	forget_part(&pipe->part);
}

/* Packets. */

static struct place place_for_next(const struct fl_pipe *pipe, const struct wish *wish)
{
	const struct fl_pipe_part *part = &pipe->part;
	size_t room = part->begun ? part->size - part->have : wish->size;

	return (struct place){.at = part->begun ? part->data + part->have : wish->data,
			      .room = room < FL_PIPE_PIECE ? room : FL_PIPE_PIECE};
}

/* What must be forgotten, now that there was no good packet. (Nothing was received if there is no memory for it.) */
static void lose_packet(struct fl_pipe *pipe, int error, const struct fl_pipe_packet *packet)
{
	if (error == -EAGAIN || error == -ENOMEM)
		return;
	fl_pipe_drop_part_(pipe);
	if (error == -EMFILE)
		pipe->dropped = packet->head.message;
}

static int await_packet(struct fl_pipe *pipe, struct wish *wish, struct fl_pipe_packet *packet,
			const struct place *place)
{
	const struct iovec parts[2] = {
		{.iov_base = place->at, .iov_len = place->room},
		{.iov_base = pipe->scratch + place->room, .iov_len = FL_PIPE_PIECE - place->room},
	};
	int error = 0;

	if (++wish->packets > FL_PIPE_PATIENCE)
		error = fl_wait_refused_(wish->deadline, wish->note);
	while (error == 0) {
		error = fl_pipe_packet_receive_(pipe->fd, packet, parts);
		if (error != 0)
			lose_packet(pipe, error, packet);
		if (error != -EAGAIN)
			break;
		error = fl_pipe_wait_(pipe, POLLIN, wish->deadline, wish->note);
	}
	return error;
}

/* A packet that begins a message is in its place: it stays there, or goes where it is kept. What was there before is
 * no more [P1]. */
static void begin_part(struct fl_pipe *pipe, const struct wish *wish, const struct fl_pipe_packet *packet,
		       const struct place *place)
{
	const struct fl_pipe_head *head = &packet->head;
	size_t first = packet->length < place->room ? packet->length : place->room;
	bool fits = head->size <= wish->size;
	char *to = fits ? wish->data : pipe->scratch;

	copy(to, place->at, first);
	if (packet->length > first)
		copy(to + first, pipe->scratch + first, packet->length - first);
	forget_part(&pipe->part);
	pipe->part = (struct fl_pipe_part){
		.begun = true,
		.data = to,
		.size = head->size,
		.have = packet->length,
		.message = head->message,
		.n_fds = packet->n_fds,
	};
	memcpy(pipe->part.fds, packet->fds, packet->n_fds * sizeof(int));
}

/* A packet that goes on with a message. */
static int continue_part(struct fl_pipe *pipe, const struct fl_pipe_packet *packet)
{
	struct fl_pipe_part *part = &pipe->part;

	if (part->begun && packet->head.message == part->message && packet->head.offset == part->have &&
	    packet->head.size == part->size) {
		part->have += packet->length;
		return 0;
	}
	if (!part->begun && packet->head.message == pipe->dropped)
		return 0;
	fl_pipe_drop_part_(pipe);
	return -EPROTO;
}

static int receive_packet(struct fl_pipe *pipe, struct wish *wish)
{
	struct fl_pipe_packet packet;
	struct place place = place_for_next(pipe, wish);
	int error = await_packet(pipe, wish, &packet, &place);

	if (error != 0)
		return error;
	if (packet.head.offset > 0)
		return continue_part(pipe, &packet);
	begin_part(pipe, wish, &packet, &place);
	return 0;
}

/* Messages. */

/* The part is too large for the caller, who has to know, unless it has broken off: then it is no more. */
static int refuse(struct fl_pipe *pipe, const struct wish *wish)
{
	struct fl_pipe_part *part = &pipe->part;

	if (part->have < part->size && fl_pipe_packet_begins_(pipe->fd)) {
		fl_pipe_drop_part_(pipe);
		return 0;
	}
	*wish->ret_size = part->size;
	return -EMSGSIZE;
}

/* The part goes on in the caller's buffer, if that is large enough and the part is in scratch. */
static int unpack(struct fl_pipe *pipe, const struct wish *wish)
{
	struct fl_pipe_part *part = &pipe->part;

	if (part->size > wish->size)
		return refuse(pipe, wish);
	if (part->data == pipe->scratch) {
		copy(wish->data, part->data, part->have);
		part->data = wish->data;
	}
	return 0;
}

static void hand_over(struct fl_pipe *pipe, const struct wish *wish)
{
	struct fl_pipe_part *part = &pipe->part;

	copy(wish->data, part->data, part->size);
	*wish->ret_size = part->size;
	if (wish->ret_fds) {
		memcpy(wish->ret_fds, part->fds, part->n_fds * sizeof(int));
		*wish->ret_n_fds = part->n_fds;
		part->n_fds = 0;
	}
	forget_part(part);
}

/* The caller gives up, and takes its buffer away [R1]. Returns why, or -ENOMEM: the part was dropped. */
static int put_by(struct fl_pipe *pipe, const struct wish *wish, int why)
{
	struct fl_pipe_part *part = &pipe->part;
	char *to = pipe->scratch;

	if (!part->begun || part->owned || part->data == pipe->scratch)
		return why;
	if (part->have > FL_PIPE_PIECE)
		to = malloc(part->size);
	if (!to) {
		fl_pipe_drop_part_(pipe);
		return -ENOMEM;
	}
	copy(to, wish->data, part->have);
	part->data = to;
	part->owned = to != pipe->scratch;
	return why;
}

/* With the turn. */
static int receive_all(struct fl_pipe *pipe, struct wish *wish)
{
	struct fl_pipe_part *part = &pipe->part;
	int error = 0;

	while (error == 0) {
		if (part->begun) {
			error = unpack(pipe, wish);
			if (error == 0 && part->begun && part->have == part->size)
				break;
		}
		if (error == 0)
			error = receive_packet(pipe, wish);
	}
	if (error != 0)
		return put_by(pipe, wish, error);
	hand_over(pipe, wish);
	return 0;
}

static int receive(struct fl_pipe *pipe, struct wish *wish)
{
	fl_keep_errno();
	int error = fl_pipe_take_receiving_(pipe, wish->deadline, wish->note);

	if (error != 0)
		return error;
	error = receive_all(pipe, wish);
	fl_pipe_leave_(&pipe->receiving);
	return error;
}

int fl_pipe_recv_fds_until(fl_pipe *pipe, void *data, size_t size, size_t *ret_size, int *ret_fds, size_t *ret_n_fds,
			   fl_time deadline, fl_note *note)
{
	struct wish wish = {
		.data = data,
		.size = size,
		.ret_size = ret_size,
		.ret_fds = ret_fds,
		.ret_n_fds = ret_n_fds,
		.deadline = deadline,
		.note = note,
	};

	return receive(pipe, &wish);
}

int fl_pipe_recv_fds(fl_pipe *pipe, void *data, size_t size, size_t *ret_size, int *ret_fds, size_t *ret_n_fds)
{
	return fl_pipe_recv_fds_until(pipe, data, size, ret_size, ret_fds, ret_n_fds, FL_FOREVER, NULL);
}

int fl_pipe_recv_until(fl_pipe *pipe, void *data, size_t size, size_t *ret_size, fl_time deadline, fl_note *note)
{
	struct wish wish = {.data = data, .size = size, .ret_size = ret_size, .deadline = deadline, .note = note};

	return receive(pipe, &wish);
}

int fl_pipe_recv(fl_pipe *pipe, void *data, size_t size, size_t *ret_size)
{
	return fl_pipe_recv_until(pipe, data, size, ret_size, FL_FOREVER, NULL);
}

int fl_pipe_recv_try(fl_pipe *pipe, void *data, size_t size, size_t *ret_size)
{
	int error = fl_pipe_recv_until(pipe, data, size, ret_size, 0, NULL);

	return error == -ETIMEDOUT ? -EAGAIN : error;
}

int fl_pipe_skip(fl_pipe *pipe)
{
	fl_keep_errno();
	bool kept;

	if (fl_pipe_take_receiving_(pipe, 0, NULL) != 0)
		return -EAGAIN;
	kept = pipe->part.begun;
	fl_pipe_drop_part_(pipe);
	fl_pipe_leave_(&pipe->receiving);
	return kept ? 0 : -EAGAIN;
}
