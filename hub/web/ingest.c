/*
 * hub/web/ingest.c - see ingest.h.
 *
 * A message comes in parts. The first 48 bytes are kept aside until they are there: they say what it is. Then a slot is
 * loaned for all that is to come, and what comes is put there. A JPEG in several WebSocket frames, whose size nobody
 * knows before its end, goes on in `spill` when the slot is full.
 */
#include "ingest.h"

#include "clock.h"
#include "images/jpeg.h"
#include "message.h"
#include "source.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ingest {
	struct stream *stream;
	struct web_client *client;
	unsigned char head[MESSAGE_HEADER]; /* the first bytes, */
	size_t headed;                      /* so many of them */
	size_t got;                         /* bytes of this message, all together */
	bool plain;                         /* it is a JPEG file, without a header */
	struct message message;
	unsigned char *slot; /* NULL: not loaned */
	size_t room;         /* how large it is */
	size_t must;         /* how large the frame has to be; 0: that is not known */
	unsigned char *spill;
	size_t spill_room;
	char why[STREAM_WHY]; /* what was wrong with its last message; "" */
};

static bool message(void *data, const struct web_part *part);
static bool writable(void *data);
static void gone(void *data);
static void *place(void *data, size_t *ret_room);

static const struct web_role role = {message, writable, gone, place};

/* Coming and going. */

static struct stream *stream_for(struct hub *hub, struct web_client *client, const char *name)
{
	struct stream *stream = hub_find(hub, name);
	int error;

	if (stream)
		return stream;
	if (!hub->config->ingest) {
		web_say(client, 404, "there is no source %s, and none is made here for a client", name);
		return NULL;
	}
	if (stream_name_wrong(name)) {
		web_say(client, 400, "a source can't have that name: %s", stream_name_wrong(name));
		return NULL;
	}
	error = hub_add(hub, name, &stream);
	if (error == 0)
		error = source_open(stream, "websocket");
	if (error == 0)
		return stream;
	web_say(client, 503, "no source %s could be made: %s", name,
		error == -ENOSPC ? "there are as many streams as a hub can have" : strerror(-error));
	return NULL;
}

bool ingest_add(struct hub *hub, struct web_client *client, const char *name)
{
	struct stream *stream = stream_for(hub, client, name);
	struct ingest *ingest;

	if (!stream)
		return false;
	if (!stream->source || stream->source->spec.kind != SOURCE_WEBSOCKET) {
		web_say(client, 409, "%s is no source that a client could send to", name);
		return false;
	}
	if (stream->source->sender) {
		web_say(client, 409, "another client sends to %s", name);
		return false;
	}
	ingest = calloc(1, sizeof(*ingest));
	if (!ingest) {
		web_say(client, 503, "no memory");
		return false;
	}
	ingest->stream = stream;
	ingest->client = client;
	stream->source->sender = ingest;
	web_set_role(client, &role, ingest);
	return true;
}

/* Ready for the next message. */
static void begin(struct ingest *ingest)
{
	if (ingest->slot)
		fl_frames_discard(ingest->stream->frames);
	ingest->slot = NULL;
	ingest->headed = ingest->got = ingest->room = ingest->must = 0;
	ingest->plain = false;
}

static void gone(void *data)
{
	struct ingest *ingest = data;

	begin(ingest);
	stream_offline(ingest->stream, "nobody sends%s%s", *ingest->why ? ": the last one was refused, " : "",
		       ingest->why);
	ingest->stream->source->sender = NULL;
	web_set_role(ingest->client, NULL, NULL);
	free(ingest->spill);
	free(ingest);
}

/* What is wrong with a message: said to its sender, and in the status. Returns false, for the handlers. */
__attribute__((format(printf, 3, 4))) static bool refuse(struct ingest *ingest, unsigned status, const char *format,
							 ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(ingest->why, sizeof(ingest->why), format, list);
	va_end(list);
	stream_bad(ingest->stream, "%s", ingest->why);
	web_close_saying(ingest->client, status, "%s", ingest->why);
	return false;
}

/* The head of a message. */

/* What a frame message announces. */
static bool read_message(struct ingest *ingest)
{
	const struct message *message = &ingest->message;
	fl_frame_info info;

	if ((uint64_t)message->width * message->height > ingest->stream->hub->config->pixels)
		return refuse(ingest, 1009, "%ux%u are more than %llu pixels", message->width, message->height,
			      (unsigned long long)ingest->stream->hub->config->pixels);
	if (message->format == FL_PIXELS_JPEG)
		return true;
	if (fl_frame_info_init(&info, message->format, message->width, message->height) != 0)
		return refuse(ingest, 1003, "no such pixel format, or not for %ux%u pixels", message->width,
			      message->height);
	/* Before a place is made for them, which need not ever be filled. */
	if (info.size > ingest->stream->hub->config->message_size)
		return refuse(ingest, 1009, "%ux%u pixels are more than %llu bytes", message->width, message->height,
			      (unsigned long long)ingest->stream->hub->config->message_size);
	ingest->must = info.size;
	return true;
}

/* The first bytes are there, or all of a message that has fewer: what is it? */
static bool read_head(struct ingest *ingest)
{
	ingest->plain = ingest->headed >= 2 && ingest->head[0] == 0xff && ingest->head[1] == 0xd8;
	if (ingest->plain)
		return true;
	if (ingest->headed < MESSAGE_HEADER || message_read(ingest->head, &ingest->message) != 0)
		return refuse(ingest, 1003, "neither a JPEG nor a frame message");
	return read_message(ingest);
}

/* Where the bytes go. */

static bool make_spill(struct ingest *ingest, size_t size)
{
	size_t room = ingest->spill_room > 0 ? ingest->spill_room : 1 << 16;
	unsigned char *larger;

	while (room < size)
		room *= 2;
	if (room == ingest->spill_room)
		return true;
	larger = realloc(ingest->spill, room);
	if (!larger)
		return refuse(ingest, 1011, "no memory for %zu bytes", size);
	ingest->spill = larger;
	ingest->spill_room = room;
	return true;
}

static bool loan(struct ingest *ingest, size_t size)
{
	void *data;
	int error = fl_frames_loan(ingest->stream->frames, size, &data);

	if (error != 0)
		return refuse(ingest, 1011, "no memory for a frame: %s", strerror(-error));
	ingest->slot = data;
	ingest->room = size;
	return true;
}

/* How many bytes of the message are before those of the frame. */
static size_t before(const struct ingest *ingest)
{
	return ingest->plain ? 0 : MESSAGE_HEADER;
}

/* The slot is full, and there is more. */
static bool move_to_spill(struct ingest *ingest, size_t has, size_t size)
{
	if (ingest->must > 0)
		return refuse(ingest, 1007, "more bytes than the %zu of %ux%u pixels", ingest->must,
			      ingest->message.width, ingest->message.height);
	if (!make_spill(ingest, size))
		return false;
	memcpy(ingest->spill, ingest->slot, has);
	fl_frames_discard(ingest->stream->frames);
	ingest->slot = NULL;
	return true;
}

/* Puts bytes behind those that have come. */
static bool put(struct ingest *ingest, const void *data, size_t size)
{
	size_t at = ingest->got - before(ingest);
	unsigned char *to;

	if (ingest->slot && at + size > ingest->room && !move_to_spill(ingest, at, at + size))
		return false;
	if (!ingest->slot && !make_spill(ingest, at + size))
		return false;
	to = (ingest->slot ? ingest->slot : ingest->spill) + at;
	if (to != data) /* it may have been received there */
		memcpy(to, data, size);
	ingest->got += size;
	return true;
}

/* The head is whole: a place for the frame, and what of the head belongs to it. `size` is that of the message, as far
 * as it is known; if it is that of the head alone, the frame comes in other WebSocket frames. */
static bool settle(struct ingest *ingest, size_t size)
{
	size_t frame;

	if (!read_head(ingest))
		return false;
	ingest->got = before(ingest);
	frame = ingest->must > 0 ? ingest->must : size - ingest->got;
	if (frame > 0 && !loan(ingest, frame))
		return false;
	return !ingest->plain || put(ingest, ingest->head, ingest->headed);
}

/* The end of a message. */

static bool describe_jpeg(struct ingest *ingest, const unsigned char *data, size_t size, fl_frame_info *ret_info)
{
	char why[96];

	*ret_info = (fl_frame_info){.format = FL_PIXELS_JPEG, .size = size, .flags = FL_FRAME_KEY};
	if (jpeg_look(data, size, &ret_info->width, &ret_info->height, why, sizeof(why)) != 0)
		return refuse(ingest, 1007, "%s", why);
	if ((uint64_t)ret_info->width * ret_info->height > ingest->stream->hub->config->pixels)
		return refuse(ingest, 1009, "a JPEG of %ux%u has more than %llu pixels", ret_info->width,
			      ret_info->height, (unsigned long long)ingest->stream->hub->config->pixels);
	return true;
}

static bool describe(struct ingest *ingest, const unsigned char *data, size_t size, fl_frame_info *ret_info)
{
	const struct message *message = &ingest->message;

	if (ingest->plain || message->format == FL_PIXELS_JPEG) {
		if (!describe_jpeg(ingest, data, size, ret_info))
			return false;
	} else if (fl_frame_info_init(ret_info, message->format, message->width, message->height) != 0 ||
		   ret_info->size != size) {
		return refuse(ingest, 1007, "%zu bytes are not the %ux%u pixels that were announced", size,
			      message->width, message->height);
	}
	ret_info->captured = clock_monotonic(ingest->plain ? 0 : message->captured);
	if (!ingest->plain)
		ret_info->flags = message->flags & (FL_FRAME_KEY | FL_FRAME_CORRUPT | FL_FRAME_SYNTHETIC);
	return true;
}

static bool publish(struct ingest *ingest)
{
	size_t size = ingest->got - before(ingest);
	fl_frame_info info;

	if (size == 0)
		return refuse(ingest, 1007, "a message without a frame");
	if (!describe(ingest, ingest->slot ? ingest->slot : ingest->spill, size, &info))
		return false;
	if (!ingest->slot) {
		if (!loan(ingest, size))
			return false;
		memcpy(ingest->slot, ingest->spill, size);
	}
	stream_online(ingest->stream);
	stream_publish(ingest->stream, ingest->slot, &info);
	ingest->slot = NULL;
	begin(ingest);
	return true;
}

static bool message(void *data, const struct web_part *part)
{
	struct ingest *ingest = data;
	const unsigned char *bytes = part->data;
	uint64_t most = ingest->stream->hub->config->message_size;
	size_t size = part->size, aside = 0, has;

	if (part->first)
		begin(ingest);
	has = ingest->got > 0 ? ingest->got : ingest->headed;
	if (!part->binary)
		return refuse(ingest, 1003, "frames come as binary messages");
	if (has + part->size + part->rest > most + MESSAGE_HEADER)
		return refuse(ingest, 1009, "a message of more than %llu bytes", (unsigned long long)most);
	if (ingest->headed < MESSAGE_HEADER) {
		aside = size < MESSAGE_HEADER - ingest->headed ? size : MESSAGE_HEADER - ingest->headed;
		memcpy(ingest->head + ingest->headed, bytes, aside);
		ingest->headed += aside;
		if (ingest->headed < MESSAGE_HEADER && !part->last)
			return true;
		if (!settle(ingest, ingest->headed + size - aside + part->rest))
			return false;
	}
	if (size > aside && !put(ingest, bytes + aside, size - aside))
		return false;
	return !part->last || publish(ingest);
}

/* In the slot, once there is one. */
static void *place(void *data, size_t *ret_room)
{
	struct ingest *ingest = data;
	size_t at;

	if (!ingest->slot)
		return NULL;
	at = ingest->got - before(ingest);
	*ret_room = ingest->room - at;
	return ingest->slot + at;
}

/* Nothing is sent to a sender. */
static bool writable(void *data)
{
	(void)data;
	return true;
}
