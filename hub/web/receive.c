/*
 * hub/web/receive.c - see receive.h.
 *
 * A frame is a head of 6 to 14 bytes and its payload. The head is read in two steps, since its first two bytes say how
 * long it is; a message may have several frames, between which control frames may stand.
 */
#include "receive.h"

#include "utf8.h"
#include "web.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

typedef uint64_t block __attribute__((vector_size(32), aligned(1), may_alias));

void receive_unmask(unsigned char *data, size_t size, const unsigned char mask[4], size_t phase)
{
	unsigned char turned[32];
	block pattern;
	size_t i;

	for (i = 0; i < sizeof(turned); i++)
		turned[i] = mask[(phase + i) & 3];
	memcpy(&pattern, turned, sizeof(pattern));
	for (i = 0; i + sizeof(block) <= size; i += sizeof(block))
		*(block *)(data + i) ^= pattern;
	for (; i < size; i++)
		data[i] ^= turned[i & 31];
}

static int wrong(struct receive *receive, const char *what)
{
	receive->wrong = what;
	return -EPROTO;
}

/* Returns how many bytes were read, -EAGAIN: none for now, -ECONNRESET. */
static ssize_t read_some(int socket, void *to, size_t size)
{
	ssize_t n = recv(socket, to, size, MSG_DONTWAIT);

	if (n > 0)
		return n;
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? -EAGAIN : -ECONNRESET;
}

/* The head. */

static size_t head_size(const struct receive *receive)
{
	unsigned length = receive->head[1] & 127u;

	if (receive->headed < 2)
		return 2;
	return 2 + (length == 126 ? 2u : length == 127 ? 8u : 0u) + 4;
}

static uint64_t payload_size(const unsigned char *head)
{
	unsigned length = head[1] & 127u, bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
	uint64_t size = bytes == 0 ? length : 0;

	for (unsigned i = 0; i < bytes; i++)
		size = size << 8 | head[2 + i];
	return size;
}

static int begin_message(struct receive *receive)
{
	if (receive->opcode == CONTINUATION)
		return receive->open ? 0 : wrong(receive, "a message goes on that has not begun");
	if (receive->open)
		return wrong(receive, "a message begins in another one");
	receive->open = receive->first = true;
	receive->binary = receive->opcode == BINARY;
	return 0;
}

/* The head is whole. */
static int begin_frame(struct receive *receive)
{
	const unsigned char *head = receive->head;

	receive->opcode = head[0] & 15u;
	receive->last = head[0] & 128u;
	receive->control = receive->opcode >= CLOSE;
	receive->rest = payload_size(head);
	receive->n_small = receive->phase = 0;
	memcpy(receive->mask, head + receive->headed - 4, 4);
	if (head[0] & 0x70u)
		return wrong(receive, "an extension was not agreed upon");
	if (!(head[1] & 128u))
		return wrong(receive, "a client masks its frames");
	if (receive->rest > INT64_MAX || receive->opcode > PONG ||
	    (receive->opcode > BINARY && receive->opcode < CLOSE))
		return wrong(receive, "there is no such frame");
	if (receive->control)
		return receive->last && receive->rest <= RECEIVE_CONTROL ? 0
									 : wrong(receive, "a control frame is short");
	return begin_message(receive);
}

static int read_head(struct receive *receive, int socket)
{
	while (receive->headed < head_size(receive)) {
		ssize_t n = read_some(socket, receive->head + receive->headed, head_size(receive) - receive->headed);

		if (n < 0)
			return (int)n;
		receive->headed += (size_t)n;
	}
	return begin_frame(receive);
}

/* The payload. */

/* What stands for itself, for an extension, or for what is not said but only noticed, is no status (RFC 6455, 7.4). */
static bool is_status(unsigned status)
{
	return (status >= 1000 && status <= 1014 && (status < 1004 || status > 1006)) ||
	       (status >= 3000 && status <= 4999);
}

static bool is_text(const unsigned char *data, size_t size)
{
	char text[RECEIVE_CONTROL + 1];
	size_t at = 0, n;

	memcpy(text, data, size);
	text[size] = '\0'; /* which ends a character that is cut */
	while (at < size && (n = utf8_length(text + at)) > 0)
		at += n;
	return at == size;
}

const char *receive_close_wrong(const unsigned char *data, size_t size)
{
	if (size == 0)
		return NULL;
	if (size == 1 || !is_status((unsigned)data[0] << 8 | data[1]))
		return "there is no such status";
	return size <= RECEIVE_CONTROL && is_text(data + 2, size - 2) ? NULL : "the reason is no text";
}

static int end_control(struct receive *receive, const struct receive_events *events, void *arg)
{
	const char *what = NULL;

	receive->headed = 0;
	if (receive->opcode == CLOSE)
		what = receive_close_wrong(receive->small, receive->n_small);
	if (what)
		return wrong(receive, what);
	if (receive->opcode == CLOSE)
		return receive->unwanted ? -ECONNRESET : -ESHUTDOWN;
	if (receive->opcode == PING && !receive->unwanted)
		events->ping(arg, receive->small, receive->n_small);
	return 0;
}

static int read_control(struct receive *receive, int socket, const struct receive_events *events, void *arg)
{
	while (receive->rest > 0) {
		ssize_t n = read_some(socket, receive->small + receive->n_small, receive->rest);

		if (n < 0)
			return (int)n;
		receive_unmask(receive->small + receive->n_small, (size_t)n, receive->mask, receive->n_small);
		receive->n_small += (size_t)n;
		receive->rest -= (uint64_t)n;
	}
	return end_control(receive, events, arg);
}

static bool hand_on(struct receive *receive, const struct receive_events *events, void *arg, void *data, size_t size)
{
	struct web_part part = {
		.data = data,
		.size = size,
		.rest = receive->rest,
		.first = receive->first,
		.last = receive->last && receive->rest == 0,
		.binary = receive->binary,
	};

	receive->first = false;
	if (part.last)
		receive->open = false;
	if (receive->rest == 0)
		receive->headed = 0;
	return receive->unwanted || events->part(arg, &part);
}

/* Returns how many bytes it has read. */
static ssize_t read_message(struct receive *receive, int socket, const struct receive_events *events, void *arg)
{
	unsigned char aside[RECEIVE_ASIDE];
	size_t room = 0;
	void *to = receive->unwanted ? NULL : events->place(arg, &room);
	ssize_t n = 0;

	if (!to || room == 0) {
		to = aside;
		room = sizeof(aside);
	}
	if (room > receive->rest)
		room = receive->rest;
	if (room > RECEIVE_TURN)
		room = RECEIVE_TURN;
	if (room > 0)
		n = read_some(socket, to, room);
	if (n < 0)
		return n;
	receive_unmask(to, (size_t)n, receive->mask, receive->phase);
	receive->phase = (receive->phase + (size_t)n) & 3;
	receive->rest -= (uint64_t)n;
	if (hand_on(receive, events, arg, to, (size_t)n))
		return n;
	receive->unwanted = true;
	return -ECANCELED;
}

static ssize_t step(struct receive *receive, int socket, const struct receive_events *events, void *arg)
{
	int error = 0;

	/* A head that is whole stays until its payload has come. */
	if (receive->headed < 2 || receive->headed < head_size(receive))
		error = read_head(receive, socket);
	if (error != 0)
		return error;
	if (receive->control)
		return read_control(receive, socket, events, arg);
	return read_message(receive, socket, events, arg);
}

/* Where one frame ends and the next one begins is not known any more. */
static int throw_away(int socket)
{
	unsigned char aside[RECEIVE_ASIDE];
	size_t total = 0;

	while (total < RECEIVE_TURN) {
		ssize_t n = read_some(socket, aside, sizeof(aside));

		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		total += (size_t)n;
	}
	return 0;
}

int receive_turn(struct receive *receive, int socket, const struct receive_events *events, void *arg)
{
	size_t total = 0;

	if (receive->wrong)
		return throw_away(socket);

	while (total < RECEIVE_TURN) {
		ssize_t n = step(receive, socket, events, arg);

		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int)n;
		total += (size_t)n + 64; /* heads cost something, too */
	}
	return 0;
}
