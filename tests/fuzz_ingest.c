/*
 * fuzz_ingest.c - the part `ingest`: messages of a client that sends frames, in parts of any size, to
 * hub/web/ingest.c, which has a real stream, and a network that is played (fuzz_web.h).
 *
 * A message is good, or a good one that was changed, or says something that is not so. What must hold:
 *
 *   - a good one is published as it is, however it was cut;
 *   - what is published contradicts nothing: fl_frame_info_check agrees, a JPEG is one (jpeg_look), its bytes are those
 *     that were sent;
 *   - what is not published was refused with a status and a reason, and counted; nothing of it was published;
 *   - after each one no frame is loaned.
 *
 * One process has one such stream for all rounds, as a hub has. What a good message is stands here once more.
 */
#include "fuzz.h"

#include "fuzz_web.h"
#include "hub/hub.h"
#include "hub/images/jpeg.h"
#include "hub/images/synthetic.h"
#include "hub/source.h"
#include "hub/view.h"
#include "hub/web/ingest.h"
#include "hub/web/message.h"
#include "hub/web/viewers.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST 100000u /* bytes of a message, but for its header */
#define PIXELS 40000u
#define JPEGS 6u

static const uint32_t formats[] = {FL_PIXELS_GRAY8,  FL_PIXELS_RGB24, FL_PIXELS_BGR24, FL_PIXELS_RGBA32,
				   FL_PIXELS_BGRA32, FL_PIXELS_YUYV,  FL_PIXELS_UYVY,  FL_PIXELS_NV12,
				   FL_PIXELS_I420,   FL_PIXELS_NONE,  FL_PIXELS_JPEG};
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

static struct {
	struct hub_config config;
	struct hub hub;
	struct stream *stream;
	fl_frames_reader *reader;
	struct web_client client;
	struct {
		unsigned char data[32768];
		size_t size;
		uint32_t width, height;
	} jpegs[JPEGS];
	unsigned char bytes[2 * LARGEST + MESSAGE_HEADER]; /* the message, */
	size_t size;
	bool good;               /* which is to be published */
	struct web_part part;    /* the one that is on its way, */
	uint64_t frame_rest;     /* and how much of the WebSocket frame is behind it */
	uint64_t refused, taken; /* messages, so far */
} * it;

/* The stream, and who sends to it. */

static void make_jpeg(unsigned i, uint32_t width, uint32_t height)
{
	static unsigned char pixels[256 * 256 * 3];
	unsigned char *to = malloc(jpeg_bound(width, height));
	struct jpeg *jpeg = jpeg_open();
	fl_frame_info info;

	FUZZ_EXPECT(to && jpeg && fl_frame_info_init(&info, FL_PIXELS_RGB24, width, height) == 0, "no JPEG");
	for (size_t at = 0; at < info.size; at++)
		pixels[at] = (unsigned char)(at * at / 1000 + at);
	FUZZ_EXPECT(jpeg_encode(jpeg, &info, pixels, 60, to, jpeg_bound(width, height), &it->jpegs[i].size) == 0 &&
			    it->jpegs[i].size <= sizeof(it->jpegs[i].data),
		    "a JPEG of %zu bytes", it->jpegs[i].size);
	memcpy(it->jpegs[i].data, to, it->jpegs[i].size);
	it->jpegs[i].width = width;
	it->jpegs[i].height = height;
	jpeg_close(jpeg);
	free(to);
}

static void begin_sending(void)
{
	memset(&it->client, 0, sizeof(it->client));
	FUZZ_EXPECT(ingest_add(&it->hub, &it->client, "cam"), "nobody may send: %u", it->client.status);
	FUZZ_EXPECT(it->client.role && it->client.role->place && it->client.status == 0, "a sender without a role");
}

static void open_part(void)
{
	static const uint32_t sizes[JPEGS][2] = {{1, 1}, {8, 8}, {33, 17}, {64, 48}, {160, 120}, {200, 200}};

	it = calloc(1, sizeof(*it));
	FUZZ_EXPECT(it, "no memory");
	it->config = hub_usual;
	it->config.channels = false;
	it->config.message_size = LARGEST;
	it->config.pixels = PIXELS;
	it->hub.config = &it->config;
	it->hub.web = &fuzz_web;
	for (unsigned i = 0; i < JPEGS; i++)
		make_jpeg(i, sizes[i][0], sizes[i][1]);
	begin_sending();
	it->stream = hub_find(&it->hub, "cam");
	FUZZ_EXPECT(it->stream, "there is no stream");
	FUZZ_EXPECT(fl_frames_attach(&it->reader, it->stream->frames, &(fl_frames_reader_options){.every = 8}) == 0,
		    "no reader");
}

static void close_part(void)
{
	it->client.role->gone(it->client.data);
	fl_frames_reader_close(it->reader);
	view_stop(it->stream->view);
	viewers_close(it->stream);
	view_close(it->stream->view);
	source_close(it->stream->source);
	stream_close(it->stream);
	free(it);
}

/* Making a message. */

static void put_header(const struct message *message)
{
	message_write(message, it->bytes);
	it->size = MESSAGE_HEADER;
}

static void put_jpeg(bool header)
{
	unsigned i = (unsigned)fuzz_below(JPEGS);
	const struct message message = {
		.flags = (uint16_t)fuzz_below(1 << 16),
		.format = FL_PIXELS_JPEG,
		/* What a header says of a JPEG's size is not looked at, but for how many pixels that are. */
		.width = (uint32_t)fuzz_below(200),
		.height = (uint32_t)fuzz_below(200),
		.captured = (int64_t)fuzz_below(UINT64_MAX),
	};

	it->size = 0;
	if (header)
		put_header(&message);
	memcpy(it->bytes + it->size, it->jpegs[i].data, it->jpegs[i].size);
	it->size += it->jpegs[i].size;
	if (fuzz_once_in(4)) { /* zeros may follow */
		size_t zeros = fuzz_size(3000);

		memset(it->bytes + it->size, 0, zeros);
		it->size += zeros;
	}
}

static void put_pixels(void)
{
	struct message message = {
		.flags = (uint16_t)fuzz_below(8),
		.format = formats[fuzz_below(FORMATS - 2)],
		.width = 2 + 2 * (uint32_t)fuzz_size(60),
		.height = 2 + 2 * (uint32_t)fuzz_size(60),
		.sequence = fuzz_below(UINT64_MAX),
		.captured = (int64_t)fuzz_below(UINT64_MAX),
	};
	fl_frame_info info;

	FUZZ_EXPECT(fl_frame_info_init(&info, message.format, message.width, message.height) == 0, "no pixels");
	put_header(&message);
	fuzz_fill(it->bytes + it->size, info.size);
	it->size += info.size;
}

/* A header that says anything, and some bytes. */
static void put_anything(void)
{
	struct message message = {
		.format = fuzz_once_in(4) ? (uint32_t)fuzz_below(UINT64_C(1) << 32) : formats[fuzz_below(FORMATS)],
		.width = (uint32_t)fuzz_below(fuzz_once_in(2) ? 300 : UINT64_C(1) << fuzz_below(33)),
		.height = (uint32_t)fuzz_below(fuzz_once_in(2) ? 300 : UINT64_C(1) << fuzz_below(33)),
	};
	size_t n = fuzz_size(LARGEST + 1000);

	put_header(&message);
	if (fuzz_once_in(6))
		it->size = fuzz_below(MESSAGE_HEADER);
	fuzz_fill(it->bytes + it->size, n);
	it->size += n;
}

static void make_message(void)
{
	switch (fuzz_below(8)) {
	case 0:
		put_anything();
		it->good = false;
		return;
	case 1:
	case 2:
		put_jpeg(false);
		break;
	case 3:
	case 4:
		put_jpeg(true);
		break;
	default:
		put_pixels();
		break;
	}
	it->good = !fuzz_once_in(2);
	if (!it->good)
		it->size = fuzz_mutate(it->bytes, it->size, sizeof(it->bytes));
}

/* Sending it, as web.c does: a part is in the place that was named, or anywhere. Returns whether it was taken. */

static bool send_part(size_t at, size_t size)
{
	unsigned char aside[4096], *to = NULL;
	size_t room = 0;

	if (!fuzz_once_in(4))
		to = it->client.role->place(it->client.data, &room);
	if (!to || room == 0) {
		to = aside;
		room = sizeof(aside);
	}
	size = size < room ? size : room;
	memcpy(to, it->bytes + at, size);
#ifdef FUZZ_PLANT
	if (size == 77)
		to[5] ^= 4;
#endif
	it->frame_rest -= size;
	it->part.data = to;
	it->part.size = size;
	it->part.rest = it->frame_rest;
	it->part.last = it->part.last && it->frame_rest == 0;
	return it->client.role->message(it->client.data, &it->part);
}

/* One frame of the WebSocket, to `end` of the message. */
static bool send_frame(size_t *at, size_t end, bool last)
{
	bool taken = true;

	it->frame_rest = end - *at;
	do {
		size_t size = fuzz_once_in(2) ? it->frame_rest : fuzz_size(it->frame_rest);

		size = size == 0 && it->frame_rest > 0 ? 1 : size;
		it->part.last = last;
		taken = send_part(*at, size);
		*at += it->part.size;
		it->part.first = false;
	} while (taken && it->frame_rest > 0);
	return taken;
}

static bool send_all(void)
{
	bool taken = true, binary = !fuzz_once_in(40), whole = fuzz_once_in(2);
	size_t at = 0;

	it->good = it->good && binary;
	it->part = (struct web_part){.first = true, .binary = binary};
	do {
		size_t end = whole ? it->size : at + fuzz_size(it->size - at);

		/* Where the header ends is a good place to cut. */
		if (!whole && fuzz_once_in(4) && at < MESSAGE_HEADER && it->size > MESSAGE_HEADER)
			end = MESSAGE_HEADER;
		taken = send_frame(&at, end, end == it->size);
	} while (taken && at < it->size);
	return taken;
}

/* A frame that says that it is larger than all that may be. */
static bool send_huge(void)
{
	it->good = false;
	it->part = (struct web_part){
		.data = it->bytes,
		.size = fuzz_below(it->size + 1),
		.rest = LARGEST + MESSAGE_HEADER + (size_t)fuzz_below((uint64_t)INT64_MAX - 2 * LARGEST),
		.first = true,
		.binary = true,
	};
	return it->client.role->message(it->client.data, &it->part);
}

/* What must hold. */

static void expect_nothing_loaned(void)
{
	void *data;
	int error = fl_frames_loan(it->stream->frames, 1, &data);

	FUZZ_EXPECT(error == 0, "a frame stays loaned: %s", strerror(-error));
	fl_frames_discard(it->stream->frames);
}

static void expect_whole(const fl_frame *frame)
{
	bool plain = it->size > 2 && it->bytes[0] == 0xff && it->bytes[1] == 0xd8;
	size_t before = plain ? 0 : MESSAGE_HEADER;
	uint32_t width, height;
	char why[96];

	FUZZ_EXPECT(fl_frame_info_check(&frame->info, frame->info.size) == 0, "it contradicts itself");
	FUZZ_EXPECT(frame->info.size == it->size - before &&
			    memcmp(frame->data, it->bytes + before, frame->info.size) == 0,
		    "%zu bytes are not those %zu that were sent", (size_t)frame->info.size, it->size - before);
	FUZZ_EXPECT((uint64_t)frame->info.width * frame->info.height <= PIXELS, "%ux%u", frame->info.width,
		    frame->info.height);
	FUZZ_EXPECT(frame->info.captured > 0 && frame->info.captured <= fl_now(), "when it was captured");
	if (frame->info.format == FL_PIXELS_JPEG)
		FUZZ_EXPECT(jpeg_look(frame->data, frame->info.size, &width, &height, why, sizeof(why)) == 0 &&
				    width == frame->info.width && height == frame->info.height,
			    "%s", why);
	else
		FUZZ_EXPECT(frame->info.n_planes > 0, "it is no image");
}

/* Takes what was published. Returns how many frames that were, besides those that say that there is no signal. */
static unsigned read_published(void)
{
	unsigned n = 0;
	FL_FRAME(frame);

	while (fl_frames_next_until(it->reader, &frame, 0, NULL) == 0) {
		FUZZ_EXPECT(frame.missed == 0, "the test has missed a frame");
		/* A client may say that its frame is synthetic, too: only one of these has no sender. */
		if (frame.info.format == FL_PIXELS_RGB24 && frame.info.flags == FL_FRAME_SYNTHETIC &&
		    !it->stream->source->sender)
			continue;
		expect_whole(&frame);
		n++;
	}
	return n;
}

static void expect_refused(void)
{
	struct stream_state state;

	FUZZ_EXPECT(!it->good, "a good message is refused: %s", it->client.reason);
	FUZZ_EXPECT(it->client.closed >= 1000 && it->client.closed < 1016 && it->client.reason[0],
		    "it is refused with %u and no reason", it->client.closed);
	it->refused++;
	stream_state_get(it->stream, &state);
	FUZZ_EXPECT(state.bad == it->refused, "%llu were refused, and %llu counted", (unsigned long long)it->refused,
		    (unsigned long long)state.bad);
	FUZZ_EXPECT(strcmp(state.why, it->client.reason) == 0, "the status says '%s', and not '%s'", state.why,
		    it->client.reason);
	FUZZ_EXPECT(read_published() == 0, "it is refused, and published");
}

/* The sender goes, and comes again. */
static void change_sender(void)
{
	it->client.role->gone(it->client.data);
	FUZZ_EXPECT(!it->stream->source->sender && !it->client.role, "somebody sends still");
	FUZZ_EXPECT(read_published() == 0, "half a message is published");
	expect_nothing_loaned();
	begin_sending();
}

static void a_round(void)
{
	bool taken;

	make_message();
	taken = fuzz_once_in(50) ? send_huge() : send_all();
	fuzz_note(taken ? it->size : it->client.closed);
	if (!taken) {
		expect_refused();
		change_sender();
		return;
	}
	it->taken++;
	FUZZ_EXPECT(read_published() == 1, "a message is taken, and not published");
	expect_nothing_loaned();
	/* A sender that is gone in the middle of a message. */
	if (fuzz_once_in(20)) {
		it->size = 1 + fuzz_below(it->size);
		it->frame_rest = it->size;
		it->part = (struct web_part){.first = true, .binary = true};
		if (send_part(0, it->size - 1))
			change_sender();
		else
			it->refused++, change_sender();
	}
}

const struct fuzz_part fuzz_ingest = {"ingest", open_part, a_round, close_part};
