/*
 * hub/view.c - see view.h.
 *
 * The thread's life:  wait until somebody looks  ->  read the stream until nobody does (or until somebody wants every
 * frame who did not before, which takes another kind of reader)  ->  again. `note` is cancelled to end the second.
 */
#include "view.h"

#include "clock.h"
#include "hub.h"
#include "images/jpeg.h"
#include "web/message.h"
#include "web/package.h"
#include "web/web.h"
#include <errno.h>
#include <fairlead/guard.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Frames that may wait to be packed when every one is wanted: many, if they are JPEGs or nobody knows yet; few, if they
 * are pixels, of which each is megabytes. */
#define QUEUE 64u
#define PIXEL_QUEUE 8u
#define PACKAGES 512u /* that may wait for those who want every frame, all together */
#define LOOKERS 64u   /* who want every frame, each with a queue of the channel of packages */
#define PART_ROOM 256u
#define PAUSE FL_SECONDS(1)

struct worker {
	struct view *view;
	struct jpeg *jpeg;
	void *buffer; /* of the JPEG that is made */
	size_t size;
	uint64_t last; /* the frame that was packed last, */
	unsigned
		comings; /* since somebody came for that time: who comes when nobody looked gets the last frame again */
};

/* A JPEG of a frame. Returns 0, with where it is. */
static int jpeg_of(struct worker *worker, const fl_frame *frame, const void **ret_jpeg, size_t *ret_size)
{
	const fl_frame_info *info = &frame->info;
	size_t bound;

	if (info->format == FL_PIXELS_JPEG) {
		*ret_jpeg = frame->data;
		*ret_size = info->size;
		return 0;
	}
	bound = jpeg_bound(info->width, info->height);
	if (bound > worker->size) {
		free(worker->buffer);
		worker->buffer = malloc(bound);
		worker->size = worker->buffer ? bound : 0;
		if (!worker->buffer)
			return -ENOMEM;
	}
	if (!worker->buffer)
		return -EMSGSIZE; /* jpeg_bound is 0 of what is too large */
	*ret_jpeg = worker->buffer;
	return jpeg_encode(worker->jpeg, info, frame->data, worker->view->stream->hub->config->quality, worker->buffer,
			   worker->size, ret_size);
}

static void write_message(const struct package *package, unsigned char *data, const fl_frame *frame, const void *jpeg)
{
	struct message message = {
		.flags = (uint16_t)package->flags,
		.format = FL_PIXELS_JPEG,
		.width = package->width,
		.height = package->height,
		.sequence = package->sequence,
		.captured = clock_unix(frame->info.captured),
	};

	message_write(&message, data + package->message);
	memcpy(data + package->message + MESSAGE_HEADER, jpeg, package->jpeg_size);
}

/* Returns how long it is. */
static uint32_t write_part(const struct package *package, unsigned char *data, const fl_frame *frame, const void *jpeg)
{
	int64_t captured = clock_unix(frame->info.captured);
	char *part = (char *)data + package->part, *end;
	int head;

	package_put_boundary(part - PACKAGE_BOUNDARY_SIZE);
	head = snprintf(part, PART_ROOM,
			"Content-Type: image/jpeg\r\nContent-Length: %u\r\nX-Captured: %lld.%06lld\r\n"
			"X-Sequence: %llu\r\n\r\n",
			package->jpeg_size, (long long)(captured / 1000000), (long long)(captured % 1000000),
			(unsigned long long)package->sequence);
	memcpy(part + head, jpeg, package->jpeg_size);
	end = part + head + package->jpeg_size;
	*end++ = '\r';
	*end++ = '\n';
	package_put_boundary(end);
	return (uint32_t)(end - part) + PACKAGE_BOUNDARY_SIZE;
}

static int publish(struct worker *worker, const struct package *package, size_t size)
{
	fl_frame_info info = {.format = FL_PIXELS_NONE, .size = size, .captured = package->captured};
	int error = fl_frames_publish(worker->view->packages, &info);

	web_wake(worker->view->stream->hub->web);
	return error;
}

static int pack(struct worker *worker, const fl_frame *frame, const void *jpeg, size_t jpeg_size)
{
	struct package package = {
		.sequence = frame->sequence,
		.captured = frame->info.captured,
		.width = frame->info.width,
		.height = frame->info.height,
		.flags = frame->info.flags,
		.jpeg_size = (uint32_t)jpeg_size,
		.message = sizeof(package) + WEB_ROOM,
		.message_size = MESSAGE_HEADER + (uint32_t)jpeg_size,
	};
	size_t size;
	void *data;
	int error;

	package.part = package.message + package.message_size + PACKAGE_BOUNDARY_SIZE;
	size = package.part + PART_ROOM + jpeg_size + 2 + PACKAGE_BOUNDARY_SIZE;
	error = fl_frames_loan(worker->view->packages, size, &data);
	if (error != 0)
		return error;
	write_message(&package, data, frame, jpeg);
	package.part_size = write_part(&package, data, frame, jpeg);
	memcpy(data, &package, sizeof(package));
	return publish(worker, &package, size);
}

/* For those who do not want to wait: there is no frame that could be shown. */
static void pack_nothing(struct worker *worker)
{
	struct package package = {0};
	void *data;

	if (fl_frames_loan(worker->view->packages, sizeof(package), &data) == 0) {
		memcpy(data, &package, sizeof(package));
		publish(worker, &package, sizeof(package));
	}
}

static void show(struct worker *worker, const fl_frame *frame)
{
	struct view *view = worker->view;
	fl_time begun = fl_now();
	const void *jpeg;
	size_t size = 0;
	int error;

	if (frame->sequence == worker->last)
		return;
	worker->last = frame->sequence;
	error = jpeg_of(worker, frame, &jpeg, &size);
	if (error == 0)
		error = pack(worker, frame, jpeg, size);
	if (error < 0)
		pack_nothing(worker);
	stream_verify(view->stream, frame);
	fl_with (&view->changed) {
		view->state.packages += error >= 0;
		view->state.bad += error < 0;
		view->state.bytes = size;
		view->state.milliseconds = (double)(fl_now() - begun) / 1e6;
	}
}

static uint32_t queue_for(struct stream *stream)
{
	struct stream_state state;

	stream_state_get(stream, &state);
	if (state.last == 0 || state.info.format == FL_PIXELS_JPEG || (state.info.flags & FL_FRAME_SYNTHETIC))
		return QUEUE;
	return PIXEL_QUEUE;
}

/* While somebody looks, and the same kind of reader will do. */
static void work(struct worker *worker, fl_note *note, bool every)
{
	fl_frames_reader_options options = {.name = "view", .every = every ? queue_for(worker->view->stream) : 0};
	fl_frames_reader *reader;
	FL_FRAME(frame);

	if (fl_frames_attach(&reader, worker->view->stream->frames, &options) != 0) {
		pack_nothing(worker);
		fl_note_wait_until(note, fl_after(PAUSE)); /* it has too many readers: one may go */
		return;
	}
	if (fl_frames_latest(reader, &frame) == 0)
		show(worker, &frame);
	else
		pack_nothing(worker);
	while (fl_frames_next_until(reader, &frame, FL_FOREVER, note) == 0)
		show(worker, &frame);
	fl_frames_done(&frame);
	fl_frames_reader_close(reader);
}

/* Returns false when there is no more to do. */
static bool wait_for_lookers(struct worker *worker, fl_note *note, bool *ret_every)
{
	struct view *view = worker->view;
	bool stopping = false;

	fl_with (&view->changed) {
		while (view->lookers == 0 && !view->stopping)
			fl_condition_wait(&view->changed);
		stopping = view->stopping;
		if (worker->comings != view->comings)
			worker->last = 0;
		worker->comings = view->comings;
		*ret_every = view->every > 0;
		view->note = note;
	}
	return !stopping;
}

static void *run(void *arg)
{
	struct view *view = arg;
	struct worker worker = {.view = view, .jpeg = jpeg_open()};
	bool going = worker.jpeg != NULL;

	while (going) {
		fl_note note = FL_NOTE_INIT;
		bool every = false;

		going = wait_for_lookers(&worker, &note, &every);
		if (going)
			work(&worker, &note, every);
		fl_with (&view->changed)
			view->note = NULL;
	}
	jpeg_close(worker.jpeg);
	free(worker.buffer);
	return NULL;
}

int view_open(struct stream *stream)
{
	struct view *view = calloc(1, sizeof(*view));
	int error;

	if (!view)
		return -ENOMEM;
	view->stream = stream;
	error = fl_frames_create(&view->packages,
				 &(fl_frames_options){.size = 1 << 18, .readers = LOOKERS + 1, .pinned = PACKAGES});
	if (error == 0)
		error = fl_thread_start(&view->thread, &(fl_thread_options){.name = "view"}, run, view);
	if (error != 0) {
		fl_frames_close(view->packages);
		free(view);
		return error;
	}
	stream->view = view;
	return 0;
}

/* With the lock: what the thread does is no longer what is wanted. */
static void disturb(struct view *view)
{
	if (view->note)
		fl_note_cancel(view->note);
	fl_condition_notify_all(&view->changed);
}

void view_stop(struct view *view)
{
	if (!view || !view->thread)
		return;
	fl_with (&view->changed) {
		view->stopping = true;
		disturb(view);
	}
	fl_thread_join(view->thread, NULL);
	view->thread = NULL;
}

void view_close(struct view *view)
{
	if (!view)
		return;
	view_stop(view);
	fl_frames_close(view->packages);
	free(view);
}

void view_look(struct view *view, bool every)
{
	fl_with (&view->changed) {
		view->comings += view->lookers == 0;
		view->lookers++;
		view->every += every;
		if (view->lookers == 1 || (every && view->every == 1))
			disturb(view);
	}
}

void view_leave(struct view *view, bool every)
{
	fl_with (&view->changed) {
		view->lookers--;
		view->every -= every;
		if (view->lookers == 0 || (every && view->every == 0))
			disturb(view);
	}
}

bool view_is_seen(struct view *view)
{
	bool seen = false;

	fl_with (&view->changed)
		seen = view->lookers > 0;
	return seen;
}

void view_state_get(struct view *view, struct view_state *ret_state)
{
	fl_with (&view->changed)
		*ret_state = view->state;
}
