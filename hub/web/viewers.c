/*
 * hub/web/viewers.c - see viewers.h.
 *
 * The newest package of a stream is held for all viewers together, while anybody looks, be it a recording (`current`).
 * What is sent is either taken by the system or copied by web_send, so nothing is held for a viewer between two calls.
 */
#include "viewers.h"

#include "clock.h"
#include "hub.h"
#include "message.h"
#include "package.h"
#include "utf8.h"
#include "view.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum how { MULTIPART, WEBSOCKET, SNAPSHOT };

struct viewer {
	struct viewer *next;
	struct stream *stream;
	struct web_client *client;
	enum how how;
	char name[112];
	bool begun;                  /* it has been sent the line that opens the first part */
	unsigned window, sent_ahead; /* 0: no limit; how many were sent and not acknowledged */
	fl_frames_reader *every;     /* its queue; NULL: it wants the latest */
	uint64_t last;               /* frame */
	uint64_t missed;
	fl_time latency;
	struct meter meter;
};

struct viewers {
	struct viewer *first;
	unsigned n;
	fl_frames_reader *reader;
	fl_frame current; /* zero: there is none that is of now */
};

static bool message(void *data, const struct web_part *part);
static bool writable(void *data);
static void gone(void *data);

static const struct web_role role = {message, writable, gone, NULL};

int viewers_open(struct stream *stream)
{
	struct viewers *viewers = calloc(1, sizeof(*viewers));
	int error;

	if (!viewers)
		return -ENOMEM;
	error = fl_frames_attach(&viewers->reader, stream->view->packages, &(fl_frames_reader_options){.held = 2});
	if (error != 0) {
		free(viewers);
		return error;
	}
	stream->viewers = viewers;
	return 0;
}

void viewers_close(struct stream *stream)
{
	struct viewers *viewers = stream->viewers;

	if (!viewers)
		return;
	fl_frames_done(&viewers->current);
	fl_frames_reader_close(viewers->reader);
	free(viewers);
	stream->viewers = NULL;
}

/* Coming and going. */

/* By the name that it gives itself, and the address, which tells apart those of one name. */
static void name(struct viewer *viewer)
{
	char own[40], peer[64];

	web_peer(viewer->client, peer, sizeof(peer));
	if (web_argument(viewer->client, "name", own, sizeof(own)))
		snprintf(viewer->name, sizeof(viewer->name), "%s@%s", own, peer);
	else
		snprintf(viewer->name, sizeof(viewer->name), "%s", peer);
	utf8_clean(viewer->name);
}

static struct viewer *add(struct stream *stream, struct web_client *client, enum how how, fl_frames_reader *every)
{
	struct viewer *viewer = calloc(1, sizeof(*viewer));
	struct viewer **last = &stream->viewers->first;

	if (!viewer) {
		fl_frames_reader_close(every);
		web_say(client, 503, "no memory");
		return NULL;
	}
	viewer->stream = stream;
	viewer->client = client;
	viewer->how = how;
	viewer->every = every;
	viewer->latency = -1;
	name(viewer);
	while (*last)
		last = &(*last)->next;
	*last = viewer;
	stream->viewers->n++;
	web_set_role(client, &role, viewer);
	view_look(stream->view, every != NULL);
	return viewer;
}

/* When nobody looks nothing is made, and what is made when the next one comes is newer. */
static void forget_if_unseen(struct stream *stream)
{
	if (stream->viewers->n == 0 && !view_is_seen(stream->view))
		fl_frames_done(&stream->viewers->current);
}

static void gone(void *data)
{
	struct viewer *viewer = data;
	struct viewers *viewers = viewer->stream->viewers;
	struct viewer **link = &viewers->first;

	while (*link != viewer)
		link = &(*link)->next;
	*link = viewer->next;
	viewers->n--;
	view_leave(viewer->stream->view, viewer->every != NULL);
	forget_if_unseen(viewer->stream);
	fl_frames_reader_close(viewer->every);
	web_set_role(viewer->client, NULL, NULL);
	free(viewer);
}

void viewers_add_multipart(struct stream *stream, struct web_client *client)
{
	static const struct web_field fields[] = {
		{"cache-control", "no-store"}, {"x-accel-buffering", "no"}, {NULL, NULL}};

	if (!add(stream, client, MULTIPART, NULL))
		return;
	web_begin(client, "multipart/x-mixed-replace; boundary=frame", fields);
	web_want(client);
}

/* A number of the request, or 0 if it is not there. -1: it is none from 1 to `most`. */
static int number(struct web_client *client, const char *name, int most)
{
	char text[16], *end;
	long value;

	if (!web_argument(client, name, text, sizeof(text)))
		return 0;
	value = strtol(text, &end, 10);
	return *end == '\0' && value >= 1 && value <= most ? (int)value : -1;
}

bool viewers_add_websocket(struct stream *stream, struct web_client *client)
{
	int window = number(client, "window", 64), every = number(client, "every", (int)FL_FRAMES_QUEUE);
	fl_frames_reader_options options = {.name = "viewer", .every = (uint32_t)every};
	fl_frames_reader *reader = NULL;
	struct viewer *viewer;

	if (window < 0 || every < 0) {
		web_say(client, 400, "window is a number from 1 to 64, every one from 1 to %u", FL_FRAMES_QUEUE);
		return false;
	}
	if (every > 0 && fl_frames_attach(&reader, stream->view->packages, &options) != 0) {
		web_say(client, 503, "too many want every frame of %s", stream->name);
		return false;
	}
	viewer = add(stream, client, WEBSOCKET, reader);
	if (viewer)
		viewer->window = (unsigned)window;
	return viewer != NULL;
}

/* Sending. */

static const struct package *package_of(const fl_frame *frame)
{
	return frame->data;
}

/* Returns false: the connection is to be closed. */
static bool send_part(struct viewer *viewer, const struct package *package, unsigned char *data)
{
	size_t before = viewer->begun ? 0 : PACKAGE_BOUNDARY_SIZE;

	viewer->begun = true;
	return web_send(viewer->client, WEB_PLAIN, data + package->part - before, package->part_size + before);
}

static bool send_message(struct viewer *viewer, const struct package *package, unsigned char *data, uint64_t missed)
{
	unsigned char *header = data + package->message;
	struct message message;

	if (message_read(header, &message) != 0)
		return false;
	message.missed = (uint32_t)missed;
	message.sent = clock_unix_now();
	message_write(&message, header);
	viewer->sent_ahead++;
	return web_send(viewer->client, WEB_BINARY, header, package->message_size);
}

static bool send_package(struct viewer *viewer, const fl_frame *frame)
{
	const struct package *package = package_of(frame);
	unsigned char *data = (unsigned char *)(uintptr_t)frame->data; /* ours to write, see package.h */
	uint64_t missed =
		viewer->last == 0 || package->sequence <= viewer->last ? 0 : package->sequence - viewer->last - 1;

	viewer->last = package->sequence;
	viewer->missed += missed;
	viewer->latency = fl_now() - package->captured;
	meter_tick(&viewer->meter, fl_now());
	if (viewer->how == WEBSOCKET)
		return send_message(viewer, package, data, missed);
	return send_part(viewer, package, data);
}

/* The next of its own queue. A frame may be packed twice: the view packs the newest one for those who come when nobody
 * looks, and may just have done so for somebody who has left. */
static bool send_next(struct viewer *viewer)
{
	bool alive = true;
	FL_FRAME(frame);

	if (fl_frames_next_until(viewer->every, &frame, 0, NULL) != 0)
		return true;
	if (package_of(&frame)->jpeg_size > 0 && package_of(&frame)->sequence > viewer->last)
		alive = send_package(viewer, &frame);
	web_want(viewer->client);
	return alive;
}

static bool writable(void *data)
{
	struct viewer *viewer = data;
	const fl_frame *current = &viewer->stream->viewers->current;

	if (viewer->how == SNAPSHOT || (viewer->window > 0 && viewer->sent_ahead >= viewer->window))
		return true;
	if (viewer->every)
		return send_next(viewer);
	if (!current->data || package_of(current)->jpeg_size == 0 || package_of(current)->sequence == viewer->last)
		return true;
	return send_package(viewer, current);
}

static bool message(void *data, const struct web_part *part)
{
	struct viewer *viewer = data;

	if (part->size + part->rest > 16) {
		web_close_saying(viewer->client, 1009, "a viewer says nothing but \"ack\"");
		return false;
	}
	if (part->last && viewer->sent_ahead > 0) {
		viewer->sent_ahead--;
		web_want(viewer->client);
	}
	return true;
}

/* Snapshots. */

static void reply_snapshot(struct viewer *viewer, const fl_frame *frame)
{
	const struct package *package = package_of(frame);
	struct web_client *client = viewer->client;
	int64_t captured = clock_unix(package->captured);
	struct stream_state state;
	char when[32], sequence[24];
	const struct web_field fields[] = {
		{"cache-control", "no-store"}, {"x-captured", when}, {"x-sequence", sequence},
		{"x-online", "true"},          {NULL, NULL},
	};
	struct web_field mine[sizeof(fields) / sizeof(*fields)];

	memcpy(mine, fields, sizeof(mine));
	stream_state_get(viewer->stream, &state);
	snprintf(when, sizeof(when), "%lld.%06lld", (long long)(captured / 1000000), (long long)(captured % 1000000));
	snprintf(sequence, sizeof(sequence), "%llu", (unsigned long long)package->sequence);
	mine[3].value = state.online ? "true" : "false";
	if (package->jpeg_size == 0)
		web_say(client, 503, "%s has had no frame yet%s%s", viewer->stream->name, *state.why ? ": " : "",
			state.why);
	else
		web_reply(client, 200, "image/jpeg", mine,
			  (const unsigned char *)frame->data + package->message + MESSAGE_HEADER, package->jpeg_size);
	gone(viewer);
}

void viewers_add_snapshot(struct stream *stream, struct web_client *client)
{
	struct viewer *viewer = add(stream, client, SNAPSHOT, NULL);

	if (viewer && stream->viewers->current.data)
		reply_snapshot(viewer, &stream->viewers->current);
}

/* News. */

static void tell(struct viewer *viewer, bool news, const fl_frame *current)
{
	if (viewer->how == SNAPSHOT && news)
		reply_snapshot(viewer, current);
	else if (viewer->every || news)
		web_want(viewer->client);
}

void viewers_woken(struct stream *stream)
{
	struct viewers *viewers = stream->viewers;
	struct viewer *viewer, *next;
	bool news = false;
	fl_frame newer = {0};

	while (fl_frames_next_until(viewers->reader, &newer, 0, NULL) == 0) {
		fl_frames_done(&viewers->current);
		viewers->current = newer;
		newer = (fl_frame){0};
		news = true;
	}
	forget_if_unseen(stream); /* it may have come too late */
	for (viewer = viewers->first; viewer; viewer = next) {
		next = viewer->next;
		tell(viewer, news, &viewers->current);
	}
}

void viewers_each(struct stream *stream, void (*call)(const struct viewer_state *state, void *arg), void *arg)
{
	static const char *const hows[] = {[MULTIPART] = "mjpeg", [WEBSOCKET] = "websocket", [SNAPSHOT] = "snapshot"};
	const struct viewer *viewer;

	for (viewer = stream->viewers->first; viewer; viewer = viewer->next) {
		struct viewer_state state = {
			.name = viewer->name,
			.how = hows[viewer->how],
			.sent = viewer->meter.count,
			.missed = viewer->missed,
			.rate = meter_rate(&viewer->meter, fl_now()),
			.latency = viewer->latency < 0 ? -1 : (double)viewer->latency / 1e9,
		};

		call(&state, arg);
	}
}
