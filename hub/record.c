/*
 * hub/record.c - see record.h.
 *
 * The file is made when the first frame comes: only then it is known how large the pictures are.
 */
#include "record.h"

#include "hub.h"
#include "video/video.h"
#include "view.h"
#include "web/message.h"
#include "web/package.h"
#include <errno.h>
#include <fairlead/guard.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE 64u

struct writer {
	struct record *record;
	const struct video_plugin *video;
	struct video_record *file;
	uint64_t last; /* frame of the stream that came */
};

__attribute__((format(printf, 2, 3))) static void say(struct record *record, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fl_with (&record->lock) {
		vsnprintf(record->state.why, sizeof(record->state.why), format, list);
		record->state.running = false;
	}
	va_end(list);
}

static int begin(struct writer *writer, const struct package *package)
{
	char why[128];
	int error = writer->video->record(&writer->file, writer->record->file, package->width, package->height, why,
					  sizeof(why));

	if (error != 0)
		say(writer->record, "%s", why);
	return error;
}

/* The file is as large as its first frame: that is not to be the picture that says that there is none yet. */
static bool is_online(struct stream *stream)
{
	struct stream_state state;

	stream_state_get(stream, &state);
	return state.online;
}

/* Returns 0, or why it is over. Lost is what is missing between two frames of the stream, wherever it got lost. */
static int write_frame(struct writer *writer, const fl_frame *frame)
{
	struct record *record = writer->record;
	const struct package *package = frame->data;
	const unsigned char *jpeg = (const unsigned char *)frame->data + package->message + MESSAGE_HEADER;
	uint64_t bytes, lost = writer->last > 0 ? package->sequence - writer->last - 1 : 0;
	int error = 0;

	if (package->jpeg_size == 0 || package->sequence <= writer->last)
		return 0;
	if (!writer->file && !is_online(record->stream))
		return 0;
	writer->last = package->sequence;
	if (!writer->file)
		error = begin(writer, package);
	if (error != 0)
		return error;
	error = writer->video->write(writer->file, jpeg, package->jpeg_size, package->captured);
	if (error != 0) {
		say(record, "%s: %s", record->file, strerror(-error));
		return error;
	}
	bytes = writer->video->written(writer->file);
	fl_with (&record->lock) {
		record->state.frames++;
		record->state.bytes = bytes;
		record->state.dropped += lost;
	}
	if (bytes < record->limit)
		return 0;
	say(record, "it has reached its limit of %llu bytes", (unsigned long long)record->limit);
	return -EFBIG;
}

static void write_frames(struct writer *writer, fl_frames_reader *reader)
{
	int error;
	FL_FRAME(frame);

	do {
		error = fl_frames_next_until(reader, &frame, FL_FOREVER, &writer->record->stop);
		if (error == 0)
			error = write_frame(writer, &frame);
	} while (error == 0);
}

static void *run(void *arg)
{
	struct record *record = arg;
	struct view *view = record->stream->view;
	struct writer writer = {.record = record};
	fl_frames_reader_options options = {.name = "record", .every = QUEUE};
	fl_frames_reader *reader;
	char why[128];
	int error = video_plugin(&writer.video, why, sizeof(why));

	if (error != 0) {
		say(record, "%s", why);
		return NULL;
	}
	error = fl_frames_attach(&reader, view->packages, &options);
	if (error != 0) {
		say(record, "%s", strerror(-error));
		return NULL;
	}
	view_look(view, true);
	write_frames(&writer, reader);
	view_leave(view, true);
	fl_frames_reader_close(reader);
	error = writer.file ? writer.video->finish(writer.file) : 0;
	if (error != 0 && record->state.running)
		say(record, "%s: %s", record->file, strerror(-error));
	fl_with (&record->lock)
		record->state.running = false;
	return NULL;
}

int record_open(struct stream *stream, const char *file)
{
	struct record *record = calloc(1, sizeof(*record));
	int error;

	if (!record)
		return -ENOMEM;
	record->stream = stream;
	record->file = file;
	record->limit = stream->hub->config->record_limit;
	record->state.running = true;
	error = fl_thread_start(&record->thread, &(fl_thread_options){.name = "record"}, run, record);
	if (error != 0) {
		free(record);
		return error;
	}
	stream->record = record;
	return 0;
}

void record_stop(struct record *record)
{
	if (!record || !record->thread)
		return;
	fl_note_cancel(&record->stop);
	fl_thread_join(record->thread, NULL);
	record->thread = NULL;
}

void record_close(struct record *record)
{
	record_stop(record);
	free(record);
}

void record_state_get(struct record *record, struct record_state *ret_state)
{
	fl_with (&record->lock)
		*ret_state = record->state;
}
