/*
 * hub/stream.c - see stream.h.
 */
#include "stream.h"

#include "hub.h"
#include "images/synthetic.h"
#include <errno.h>
#include <fairlead/guard.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many threads and processes may read a stream: the view, a recording, processors, and other processes. */
#define READERS 40u

const char *stream_name_wrong(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	if (name[0] == '\0')
		return "it is empty";
	if (strlen(name) >= FL_FRAMES_NAME)
		return "it is longer than 63 bytes";
	if (name[0] == '.')
		return "it begins with a dot";
	return name[strspn(name, letters)] == '\0' ? NULL : "it has something else than A-Z a-z 0-9 . _ -";
}

int stream_open(struct stream **ret_stream, struct hub *hub, const char *name)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	int error;

	if (!stream)
		return -ENOMEM;
	stream->hub = hub;
	memcpy(stream->name, name, strnlen(name, FL_FRAMES_NAME - 1));
	if (hub->config->verify)
		stream->verify = calloc(1, sizeof(*stream->verify));
	error = fl_frames_create(&stream->frames, &(fl_frames_options){.name = stream->name, .readers = READERS});
	if (error == 0 && hub->config->channels)
		error = fl_frames_serve(stream->frames);
	if (error != 0) {
		stream_close(stream);
		return error;
	}
	*ret_stream = stream;
	return 0;
}

void stream_close(struct stream *stream)
{
	fl_frames_close(stream->frames);
	free(stream->verify);
	free(stream);
}

static void published(struct stream *stream, const fl_frame_info *info)
{
	fl_time now = fl_now();

	fl_with (&stream->lock) {
		stream->state.frames++;
		stream->state.info = *info;
		stream->state.last = now;
		meter_tick(&stream->meter, now);
	}
}

int stream_publish(struct stream *stream, const void *data, fl_frame_info *info)
{
	int error;

	if (info->captured == 0)
		info->captured = fl_now();
	/* Frames are numbered as they are published, and all are published here. */
	if (stream->verify)
		verify_note(stream->verify, stream->state.frames + 1, data, info->size);
	error = fl_frames_publish(stream->frames, info);
	if (error < 0) {
		fl_frames_discard(stream->frames);
		stream_bad(stream, "a frame contradicts itself");
		return error;
	}
	published(stream, info);
	return 0;
}

void stream_online(struct stream *stream)
{
	fl_with (&stream->lock)
		if (!stream->state.online) {
			stream->state.online = true;
			stream->state.restarts += stream->has_been;
			stream->has_been = true;
		}
}

__attribute__((format(printf, 2, 0))) static void say_why(struct stream *stream, const char *format, va_list list)
{
	fl_with (&stream->lock)
		vsnprintf(stream->state.why, sizeof(stream->state.why), format, list);
}

/* The picture is as large as the frames were, if they were of a sensible size. */
static void show_no_signal(struct stream *stream)
{
	struct stream_state state;
	fl_frame_info info;
	void *data;

	stream_state_get(stream, &state);
	if (state.info.width < 160 || state.info.height < 120 ||
	    fl_frame_info_init(&info, FL_PIXELS_RGB24, state.info.width, state.info.height) != 0)
		if (fl_frame_info_init(&info, FL_PIXELS_RGB24, 640, 360) != 0)
			return;
	if (fl_frames_loan(stream->frames, info.size, &data) != 0)
		return;
	synthetic_no_signal(&info, data, stream->name, state.why);
	info.flags = FL_FRAME_SYNTHETIC;
	stream_publish(stream, data, &info);
}

void stream_offline(struct stream *stream, const char *format, ...)
{
	bool was = false, same = false;
	char before[STREAM_WHY];
	va_list list;

	fl_with (&stream->lock) {
		was = stream->state.online;
		stream->state.online = false;
		memcpy(before, stream->state.why, sizeof(before));
	}
	va_start(list, format);
	say_why(stream, format, list);
	va_end(list);
	same = strcmp(before, stream->state.why) == 0;
	if (was || !same)
		show_no_signal(stream);
}

void stream_bad(struct stream *stream, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say_why(stream, format, list);
	va_end(list);
	fl_with (&stream->lock)
		stream->state.bad++;
}

void stream_state_get(struct stream *stream, struct stream_state *ret_state)
{
	fl_with (&stream->lock) {
		*ret_state = stream->state;
		ret_state->rate = meter_rate(&stream->meter, fl_now());
	}
}

void stream_verify(struct stream *stream, const fl_frame *frame)
{
	if (stream->verify && !verify_is_whole(stream->verify, frame))
		atomic_fetch_add(&stream->hub->torn, 1);
}
