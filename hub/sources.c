/*
 * hub/sources.c - the kinds of sources that have a thread, see source.h.
 */
#include "clock.h"
#include "hub.h"
#include "images/jpeg.h"
#include "images/synthetic.h"
#include "source.h"
#include "video/video.h"
#include <errno.h>
#include <string.h>

/* How long a wait for a frame lasts before a source looks whether anybody looks. */
#define GLANCE FL_SECONDS(1)

/* The test camera. */

static int show_synthetic(struct source *source, struct synthetic *picture, fl_frame_info *info, uint64_t n)
{
	void *data;
	int error = fl_frames_loan(source->stream->frames, info->size, &data);

	if (error != 0) {
		stream_offline(source->stream, "no memory for a frame: %s", strerror(-error));
		return error;
	}
	info->captured = fl_now();
	synthetic_fill(picture, data, n, clock_unix(info->captured));
	return source_publish(source, data, info);
}

int source_run_synthetic(struct source *source)
{
	const struct source_spec *spec = &source->spec;
	fl_time period = FL_SECONDS(1) / spec->rate, next = fl_now();
	struct synthetic *picture;
	fl_frame_info info;
	int error = fl_frame_info_init(&info, FL_PIXELS_RGB24, spec->width, spec->height);

	picture = synthetic_open(spec->width, spec->height, source->stream->name);
	if (error != 0 || !picture) {
		stream_offline(source->stream, "no memory for a picture");
		return -ENOMEM;
	}
	for (uint64_t n = 0; error >= 0 && source_goes_on(source); n++) {
		error = show_synthetic(source, picture, &info, n);
		/* What was missed, by a machine that slept, is not made up for. */
		next = next + period > fl_now() - period ? next + period : fl_now();
		fl_note_wait_until(&source->stop, next);
	}
	synthetic_close(picture);
	return error < 0 ? error : 0;
}

/* Videos, cameras, streams from elsewhere. */

static bool is_stopped(void *arg)
{
	struct source *source = arg;

	return fl_note_is_cancelled(&source->stop);
}

/* When a file has begun, so that times begin anew with each; which time was shown last, -1: none, it is live; and
 * how long after the one before. */
struct pace {
	fl_time begun, shown, step;
};

static void keep_pace(struct source *source, struct pace *pace, fl_time at)
{
	if (at < 0)
		return;
	fl_note_wait_until(&source->stop, pace->begun + at);
	/* A machine that slept: go on from here. */
	if (fl_now() - (pace->begun + at) > FL_SECONDS(1))
		pace->begun = fl_now() - at;
	if (pace->shown >= 0)
		pace->step = at - pace->shown;
	pace->shown = at;
}

/* The last picture of a file is shown as long as the one before, and one that is alone for a second. */
static void keep_end(struct source *source, struct pace *pace)
{
	if (pace->shown >= 0)
		keep_pace(source, pace, pace->shown + pace->step);
}

static int show_picture(struct source *source, const struct video_plugin *video, struct video_input *input,
			struct video_picture *picture)
{
	void *data;
	int error = fl_frames_loan(source->stream->frames, picture->info.size, &data);

	if (error != 0)
		return error;
	video->copy(input, data);
	picture->info.captured = fl_now();
	return source_publish(source, data, &picture->info);
}

/* Returns 0: the source is to rest; -ENODATA: the end; or what went wrong. */
static int play(struct source *source, const struct video_plugin *video, struct video_input *input)
{
	struct pace pace = {.begun = fl_now(), .shown = -1, .step = FL_SECONDS(1)};
	struct video_picture picture;
	int error = 0;

	while (error >= 0 && source_goes_on(source)) {
		error = video->next(input, &picture);
		if (error == 0) {
			keep_pace(source, &pace, picture.at);
			error = show_picture(source, video, input, &picture);
		}
	}
	if (error == -ENODATA)
		keep_end(source, &pace);
	return fl_note_is_cancelled(&source->stop) || error >= 0 ? 0 : error;
}

int source_run_video(struct source *source)
{
	const struct source_spec *spec = &source->spec;
	const struct video_plugin *video;
	struct video_input *input = NULL;
	char why[256] = "";
	struct video_wish wish = {
		.url = spec->place,
		.width = spec->width,
		.height = spec->height,
		.rate = spec->rate,
		.max_pixels = source->stream->hub->config->pixels,
		.stop = is_stopped,
		.arg = source,
	};
	int error = video_plugin(&video, why, sizeof(why));

	if (error == 0)
		error = video->open(&input, &wish, why, sizeof(why));
	if (error == -ECANCELED)
		return 0;
	if (error != 0) {
		stream_offline(source->stream, "%s", why);
		return error;
	}
	do
		error = play(source, video, input);
	while (error == -ENODATA && video->rewind(input) == 0);
	video->close(input);
	if (error != 0)
		stream_offline(source->stream, "%s has ended: %s", source->what,
			       error == -ENODATA ? "there is no more" : strerror(-error));
	return error;
}

/* What another process publishes. It is copied: what it does with its memory later is not to be seen by anybody
 * here. */

static bool is_admissible(struct source *source, const fl_frame_info *info)
{
	const struct hub_config *config = source->stream->hub->config;

	if (info->size > config->message_size)
		stream_bad(source->stream, "a frame of %llu bytes is larger than the %llu that are admitted",
			   (unsigned long long)info->size, (unsigned long long)config->message_size);
	else if ((uint64_t)info->width * info->height > config->pixels)
		stream_bad(source->stream, "a frame of %ux%u pixels has more than the %llu that are admitted",
			   info->width, info->height, (unsigned long long)config->pixels);
	else
		return true;
	return false;
}

/* What is sent on as a JPEG is one, and has the size that it has. */
static bool look_at_jpeg(struct source *source, const void *data, fl_frame_info *info)
{
	char why[96];

	if (jpeg_look(data, info->size, &info->width, &info->height, why, sizeof(why)) == 0)
		return is_admissible(source, info);
	stream_bad(source->stream, "%s", why);
	return false;
}

/* As the producer says, if that can be true. */
static fl_time captured(const fl_frame *frame)
{
	fl_time now = fl_now();

	if (frame->info.captured > 0 && frame->info.captured <= now)
		return frame->info.captured;
	return frame->published > 0 && frame->published <= now ? frame->published : now;
}

static int show_copy(struct source *source, const fl_frame *frame)
{
	fl_frame_info info = frame->info;
	void *data;
	int error;

	if (!is_admissible(source, &info))
		return 0;
	error = fl_frames_loan(source->stream->frames, info.size, &data);
	if (error != 0)
		return error;
	memcpy(data, frame->data, info.size);
	if (info.format == FL_PIXELS_JPEG && !look_at_jpeg(source, data, &info)) {
		fl_frames_discard(source->stream->frames);
		return 0;
	}
	info.captured = captured(frame);
	error = source_publish(source, data, &info);
	return error == -EINVAL || error == -EMSGSIZE ? 0 : error; /* it has been counted */
}

static int read_channel(struct source *source, fl_frames_reader *reader)
{
	int error = 0;
	FL_FRAME(frame);

	while (source_goes_on(source)) {
		error = fl_frames_next_until(reader, &frame, source->on_demand ? fl_after(GLANCE) : FL_FOREVER,
					     &source->stop);
		if (error == 0)
			error = show_copy(source, &frame);
		else if (error == -EPIPE)
			stream_offline(source->stream, "the producer of channel %s has ended", source->spec.place);
		if (error < 0 && error != -ETIMEDOUT && error != -EPIPE && error != -ECANCELED)
			return error;
	}
	return 0;
}

int source_run_channel(struct source *source)
{
	const char *name = source->spec.place;
	fl_frames_reader *reader;
	int error = fl_frames_open_until(&reader, name, NULL, 0, &source->stop);

	if (error == -ETIMEDOUT) {
		/* A program may serve no frames at all, and is there nevertheless. */
		if (!source->stream->processor)
			stream_offline(source->stream, "nobody serves channel %s", name);
		error = fl_frames_open_until(&reader, name, NULL, FL_FOREVER, &source->stop);
	}
	if (error == -ECANCELED)
		return 0;
	if (error == 0) {
		error = read_channel(source, reader);
		fl_frames_reader_close(reader);
	}
	if (error != 0)
		stream_offline(source->stream, "channel %s: %s", name, strerror(-error));
	return error;
}
