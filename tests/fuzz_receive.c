/*
 * fuzz_receive.c - the part `receive`: bytes of a WebSocket, in pieces of any size, to hub/web/receive.c.
 *
 * What must come of a whole sequence of bytes is found out by a second reader of RFC 6455, which has them all in one
 * piece and can therefore be simple. Both have to agree on every message to its last byte, on every ping, and on how
 * it ends, whether the bytes are good frames or frames that were changed or mere noise; and however they were cut.
 */
#include "fuzz.h"

#include "hub/web/receive.h"
#include "hub/web/web.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STREAM (256u * 1024u)
#define MESSAGES 4096u
#define PIECE 65536u
#define WANT_ALL UINT64_MAX

/* What comes of the bytes. */
struct result {
	unsigned char bytes[STREAM]; /* of all messages, one behind the other */
	size_t n_bytes;
	struct {
		size_t end; /* in `bytes` */
		bool binary, whole;
	} messages[MESSAGES];
	size_t n_messages;
	unsigned char pings[STREAM]; /* each with its size before it */
	size_t n_pings;
	int end; /* 0: there could be more; else what receive_turn says */
};

static struct {
	unsigned char stream[STREAM];
	size_t size;
	struct result expected, got;
	uint64_t wanted;         /* bytes after which no more are wanted */
	unsigned char *place;    /* the last one that was named, */
	size_t room, frame_rest; /* and how much is there; of the frame, as the last part has said */
	bool in_message, over;
} * it;

static void clear(struct result *result)
{
	result->n_bytes = result->n_messages = result->n_pings = 0;
	result->end = 0;
}

static void add_message(struct result *result, bool binary)
{
	FUZZ_EXPECT(result->n_messages < MESSAGES, "the test has no room for more messages");
	result->messages[result->n_messages].end = result->n_bytes;
	result->messages[result->n_messages].binary = binary;
	result->messages[result->n_messages++].whole = false;
}

static void add_bytes(struct result *result, const unsigned char *data, size_t size, bool last)
{
	memcpy(result->bytes + result->n_bytes, data, size);
	result->n_bytes += size;
	result->messages[result->n_messages - 1].end = result->n_bytes;
	result->messages[result->n_messages - 1].whole = last;
}

static void add_ping(struct result *result, const unsigned char *data, size_t size)
{
	result->pings[result->n_pings++] = (unsigned char)size;
	memcpy(result->pings + result->n_pings, data, size);
	result->n_pings += size;
}

/* Making a stream. */

static void put(unsigned char byte)
{
	if (it->size < STREAM)
		it->stream[it->size++] = byte;
}

static void put_frame(unsigned first, size_t size)
{
	unsigned bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
	unsigned char mask[4];

	/* Now and then a length that is longer than it need be, which this hub allows. */
	if (fuzz_once_in(40))
		bytes = 8;
	fuzz_fill(mask, sizeof(mask));
	put((unsigned char)first);
	put((unsigned char)(128 | (bytes == 0 ? size : bytes == 2 ? 126 : 127)));
	for (unsigned i = 0; i < bytes; i++)
		put((unsigned char)((uint64_t)size >> 8 * (bytes - 1 - i)));
	for (size_t i = 0; i < 4; i++)
		put(mask[i]);
	if (size > STREAM - it->size)
		size = STREAM - it->size;
	fuzz_fill(it->stream + it->size, size);
	it->size += size;
}

/* A message, in one frame or several, with control frames in between. */
static void put_message(size_t most)
{
	size_t frames = fuzz_once_in(3) ? 1 + fuzz_below(5) : 1;
	unsigned opcode = fuzz_once_in(4) ? 1 : 2;

	for (size_t i = 0; i < frames; i++) {
		put_frame((i + 1 == frames ? 128u : 0u) | (i == 0 ? opcode : 0u), fuzz_size(most));
		while (fuzz_once_in(6))
			put_frame(128u | (fuzz_once_in(3) ? 10u : 9u), fuzz_below(126));
	}
}

/* What chance says is hardly ever a status and a text: so most are made to be nearly that. */
static void put_close(void)
{
	static const unsigned statuses[] = {999, 1000, 1003, 1004, 1006, 1007, 1014, 1015, 2999, 3000, 4999, 5000};
	size_t at = it->size + 2, size = fuzz_below(126);
	unsigned status = statuses[fuzz_below(sizeof(statuses) / sizeof(statuses[0]))];

	put_frame(128 | 8, size);
	if (fuzz_once_in(4) || it->size != at + 4 + size)
		return;
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = i == 0 ? (unsigned char)(status >> 8) : i == 1 ? (unsigned char)status : 'a';

		if (i >= 2 && fuzz_once_in(100))
			byte = (unsigned char)fuzz_below(256);
		it->stream[at + 4 + i] = byte ^ it->stream[at + i % 4];
	}
}

static void make_stream(void)
{
	size_t n = 1 + fuzz_below(6), most = fuzz_once_in(30) ? 70000 : fuzz_once_in(6) ? 3000 : 200;

	it->size = 0;
	if (fuzz_once_in(20)) {
		it->size = 1 + fuzz_size(500);
		fuzz_fill(it->stream, it->size);
		return;
	}
	while (n-- > 0 && it->size < STREAM / 2)
		put_message(most);
	if (fuzz_once_in(8))
		put_close();
	if (fuzz_once_in(2))
		it->size = fuzz_mutate(it->stream, it->size, STREAM);
}

/* The second reader. */

struct frame {
	unsigned opcode;
	bool last, bad;
	size_t head, size; /* of the payload, as much of it as is there */
	uint64_t whole;
	const unsigned char *mask;
};

/* Returns false: its head is not all there. */
static bool look_at_frame(size_t at, bool open, struct frame *frame)
{
	const unsigned char *bytes = it->stream + at;
	size_t left = it->size - at, length = left > 1 ? bytes[1] & 127u : 0;

	frame->head = length == 126 ? 8 : length == 127 ? 14 : 6;
	if (left < frame->head)
		return false;
	frame->whole = length;
	if (length == 126)
		frame->whole = (uint64_t)bytes[2] << 8 | bytes[3];
	for (int i = 0; length == 127 && i < 8; i++)
		frame->whole = i == 0 ? bytes[2] : frame->whole << 8 | bytes[2 + i];
	frame->opcode = bytes[0] & 15u;
	frame->last = bytes[0] >= 128;
	frame->mask = bytes + frame->head - 4;
	frame->size = left - frame->head < frame->whole ? left - frame->head : (size_t)frame->whole;
	frame->bad = (bytes[0] & 0x70) != 0 || bytes[1] < 128 || frame->whole >> 63 != 0 || frame->opcode > 10 ||
		     (frame->opcode > 2 && frame->opcode < 8);
	if (frame->opcode >= 8)
		frame->bad = frame->bad || !frame->last || frame->whole > 125;
	else
		frame->bad = frame->bad || (frame->opcode == 0) != open;
	return true;
}

/* Its payload, as far as it is there, without the mask. */
static const unsigned char *payload_of(size_t at, const struct frame *frame)
{
	static unsigned char plain[STREAM];

	for (size_t i = 0; i < frame->size; i++)
		plain[i] = it->stream[at + frame->head + i] ^ frame->mask[i % 4];
	return plain;
}

static void expect_payload(struct result *result, size_t at, const struct frame *frame, bool *open)
{
	if (frame->size == 0 && frame->whole > 0)
		return; /* nobody has been told yet */
	if (frame->opcode != 0)
		add_message(result, frame->opcode == 2);
	*open = true;
	if (frame->size < frame->whole || frame->last)
		*open = !(frame->last && frame->size == frame->whole);
	add_bytes(result, payload_of(at, frame), frame->size, frame->last && frame->size == frame->whole);
}

/* Whether the bytes are characters, by a count of those that must follow one, and by the smallest and the largest that
 * so many bytes are for. */
static bool is_text(const unsigned char *text, size_t size)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};

	for (size_t i = 0; i < size;) {
		unsigned follow = text[i] < 0x80 ? 0 : text[i] >> 5 == 6 ? 1 : text[i] >> 4 == 14 ? 2 : 3;
		uint32_t value = follow == 0 ? text[i] : text[i] & (0x3fu >> follow);

		if (text[i] >> 6 == 2 || text[i] >= 0xf8 || follow >= size - i)
			return false;
		for (unsigned k = 1; k <= follow; k++) {
			if (text[i + k] >> 6 != 2)
				return false;
			value = value << 6 | (text[i + k] & 0x3fu);
		}
		if (value < least[follow] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
			return false;
		i += follow + 1;
	}
	return true;
}

static bool is_close(const unsigned char *data, size_t size)
{
	unsigned status = size < 2 ? 0 : data[0] * 256u + data[1];

	if (size < 2 || status < 1000 || status >= 5000 || (status > 1014 && status < 3000))
		return size == 0;
	return status != 1004 && status != 1005 && status != 1006 && is_text(data + 2, size - 2);
}

static void read_all(struct result *result)
{
	struct frame frame;
	bool open = false;

	clear(result);
	for (size_t at = 0; at < it->size && look_at_frame(at, open, &frame); at += frame.head + frame.size) {
		if (frame.bad) {
			result->end = -EPROTO;
			return;
		}
		if (frame.opcode < 8) {
			expect_payload(result, at, &frame, &open);
		} else if (frame.size == frame.whole) {
			if (frame.opcode == 9)
				add_ping(result, payload_of(at, &frame), frame.size);
			if (frame.opcode == 8) {
				result->end = is_close(payload_of(at, &frame), frame.size) ? -ECONNRESET : -EPROTO;
				return;
			}
		}
		if (frame.size < frame.whole)
			return;
	}
}

/* What receive.c calls. */

static void *place(void *arg, size_t *ret_room)
{
	(void)arg;
	free(it->place);
	it->place = NULL;
	if (fuzz_once_in(3))
		return NULL;
	it->room = fuzz_size(5000);
	it->place = malloc(it->room > 0 ? it->room : 1);
	*ret_room = it->room;
	return it->place;
}

static bool take_part(void *arg, const struct web_part *part)
{
	struct result *got = &it->got;

	(void)arg;
	FUZZ_EXPECT(!it->over, "a part comes after the last one that was wanted");
	FUZZ_EXPECT(part->first == !it->in_message, "it says %d of whether it is the first", part->first);
	FUZZ_EXPECT(part->data != it->place || part->size <= it->room, "%zu bytes in %zu", part->size, it->room);
	if (part->first)
		add_message(got, part->binary);
	FUZZ_EXPECT(part->binary == got->messages[got->n_messages - 1].binary, "its kind changes");
	FUZZ_EXPECT(it->frame_rest == 0 || it->frame_rest == part->size + part->rest,
		    "%zu bytes were to come, and now %zu and %zu", it->frame_rest, part->size, part->rest);
	it->frame_rest = part->rest;
	it->in_message = !part->last;
	add_bytes(got, part->data, part->size, part->last);
#ifdef FUZZ_PLANT
	if (part->size == 3 && part->data == it->place)
		got->bytes[got->n_bytes - 1] ^= 1;
#endif
	it->over = got->n_bytes >= it->wanted;
	return !it->over;
}

static void take_ping(void *arg, const void *data, size_t size)
{
	(void)arg;
	FUZZ_EXPECT(!it->over, "a ping is answered after the last part that was wanted");
	add_ping(&it->got, data, size);
}

/* Feeding it. */

static bool is_readable(int socket)
{
	struct pollfd polled = {.fd = socket, .events = POLLIN};

	return poll(&polled, 1, 0) == 1;
}

/* Reads what is there. Returns what receive_turn says, or 0; who closes and who is gone are one. */
static int read_on(struct receive *receive, int socket)
{
	static const struct receive_events events = {place, take_part, take_ping};
	int error = 0;

	while ((error == 0 || error == -ECANCELED) && is_readable(socket)) {
		error = receive_turn(receive, socket, &events, it);
		FUZZ_EXPECT(error != -ESHUTDOWN || !it->over, "a close after a refusal is no answer");
		if (error == -ESHUTDOWN)
			error = -ECONNRESET;
		FUZZ_EXPECT(error == 0 || error == -ECONNRESET || error == -EPROTO || error == -ECANCELED, "%d", error);
		FUZZ_EXPECT(error != -ECANCELED || it->over, "it was not cancelled");
		FUZZ_EXPECT((error == -EPROTO) == (receive->wrong != NULL), "what is wrong is not said");
	}
	return error == -ECANCELED ? 0 : error;
}

/* Feeds the stream in pieces of `size` bytes; 0: of any. The first one has `first` bytes. */
static void feed(size_t first, size_t size)
{
	struct receive receive = {.headed = 0};
	int sockets[2], error = 0;
	size_t n = first;

	clear(&it->got);
	it->in_message = it->over = false;
	it->frame_rest = 0;
	FUZZ_EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0, "%s", strerror(errno));
	for (size_t at = 0; at < it->size && error == 0; at += n, n = size > 0 ? size : 1 + fuzz_size(PIECE - 1)) {
		n = n < it->size - at ? n : it->size - at;
		n = n < PIECE ? n : PIECE;
		FUZZ_EXPECT(n == 0 || send(sockets[0], it->stream + at, n, 0) == (ssize_t)n, "%s", strerror(errno));
		error = read_on(&receive, sockets[1]);
	}
	it->got.end = error;
	close(sockets[0]);
	if (error == 0)
		FUZZ_EXPECT(read_on(&receive, sockets[1]) == -ECONNRESET, "the end is not noticed");
	close(sockets[1]);
	free(it->place);
	it->place = NULL;
}

/* Comparing. */

static void compare(void)
{
	const struct result *expected = &it->expected, *got = &it->got;

	FUZZ_EXPECT(got->end == expected->end, "%d instead of %d", got->end, expected->end);
	FUZZ_EXPECT(got->n_messages == expected->n_messages, "%zu instead of %zu", got->n_messages,
		    expected->n_messages);
	FUZZ_EXPECT(got->n_bytes == expected->n_bytes && memcmp(got->bytes, expected->bytes, got->n_bytes) == 0,
		    "%zu bytes, %zu expected", got->n_bytes, expected->n_bytes);
	FUZZ_EXPECT(got->n_pings == expected->n_pings && memcmp(got->pings, expected->pings, got->n_pings) == 0,
		    "the pings differ");
	for (size_t i = 0; i < got->n_messages; i++)
		FUZZ_EXPECT(got->messages[i].end == expected->messages[i].end &&
				    got->messages[i].binary == expected->messages[i].binary &&
				    got->messages[i].whole == expected->messages[i].whole,
			    "message %zu", i);
	fuzz_note(got->n_bytes ^ (uint64_t)got->n_messages << 32 ^ (uint64_t)(unsigned)got->end);
}

/* Cut in two at every byte, and byte by byte. */
static void feed_every_way(void)
{
	for (size_t cut = 0; cut <= it->size; cut++) {
		feed(cut, PIECE);
		compare();
	}
	feed(1, 1);
	compare();
}

/* No more is wanted after some bytes: what came until then is right, and the rest is thrown away. */
static void feed_until(uint64_t wanted)
{
	it->wanted = wanted;
	feed(0, 0);
	FUZZ_EXPECT(it->got.n_bytes <= it->expected.n_bytes &&
			    memcmp(it->got.bytes, it->expected.bytes, it->got.n_bytes) == 0,
		    "what came before is not right");
	FUZZ_EXPECT(it->over || it->got.n_bytes == it->expected.n_bytes, "too little came");
	FUZZ_EXPECT(it->got.end == it->expected.end, "%d instead of %d", it->got.end, it->expected.end);
	it->wanted = WANT_ALL;
}

static void a_round(void)
{
	make_stream();
	read_all(&it->expected);
	feed(0, 0);
	compare();
	if (it->size < 400 && fuzz_once_in(50))
		feed_every_way();
	if (fuzz_once_in(10) && it->expected.n_bytes > 0)
		feed_until(1 + fuzz_below(it->expected.n_bytes));
}

static void open_part(void)
{
	it = calloc(1, sizeof(*it));
	FUZZ_EXPECT(it, "no memory");
	it->wanted = WANT_ALL;
}

static void close_part(void)
{
	free(it);
}

const struct fuzz_part fuzz_receive = {"receive", open_part, a_round, close_part};
