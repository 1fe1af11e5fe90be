/*
 * hub/source.c - see source.h: what all sources have in common.
 *
 * The thread's life:  wait until somebody looks (on demand)  ->  run, until it is to rest or is lost  ->  if it is
 * lost, wait a while  ->  again. `stop` cancels every one of these waits.
 */
#define _GNU_SOURCE
#include "source.h"

#include "hub.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LARGEST 16384u
#define FASTEST 1000u
#define LONGEST_PAUSE FL_SECONDS(15)

/* "1280x720@30", or nothing of it. */
static bool parse_size(const char *text, struct source_spec *spec)
{
	char end = '\0';
	int n = sscanf(text, "%5ux%5u@%4u%c", &spec->width, &spec->height, &spec->rate, &end);

	/* sscanf takes blanks and signs before a number. */
	if (text[strspn(text, "0123456789x@")] != '\0' || (n == 2 && sscanf(text, "%*5ux%*5u%c", &end) == 1))
		return false;
	return (n == 2 || n == 3) && spec->width >= 16 && spec->height >= 16 && spec->width <= LARGEST &&
	       spec->height <= LARGEST && spec->rate >= 1 && spec->rate <= FASTEST;
}

static int parse_synthetic(const char *rest, struct source_spec *spec)
{
	*spec = (struct source_spec){.kind = SOURCE_SYNTHETIC, .width = 1280, .height = 720, .rate = 30};
	if (*rest == '\0')
		return 0;
	return *rest == ':' && parse_size(rest + 1, spec) ? 0 : -EINVAL;
}

static int parse_place(enum source_kind kind, const char *place, struct source_spec *spec)
{
	*spec = (struct source_spec){.kind = kind};
	if (*place == '\0' || strlen(place) >= sizeof(spec->place))
		return -EINVAL;
	memcpy(spec->place, place, strlen(place) + 1);
	return 0;
}

/* A device, and after its last colon perhaps a size: names as of /dev/v4l/by-path have colons, too. */
static int parse_device(const char *rest, struct source_spec *spec)
{
	const char *colon = strrchr(rest, ':');
	int error = parse_place(SOURCE_DEVICE, rest, spec);

	if (error != 0 || !colon || colon[1 + strspn(colon + 1, "0123456789x@")] != '\0')
		return error;
	spec->rate = 30;
	if (!parse_size(colon + 1, spec))
		return -EINVAL;
	spec->place[colon - rest] = '\0';
	return 0;
}

static int parse(const char *what, struct source_spec *spec)
{
	struct stat status;

	if (strncmp(what, "synthetic", 9) == 0)
		return parse_synthetic(what + 9, spec);
	if (strncmp(what, "file:", 5) == 0)
		return parse_place(SOURCE_FILE, what + 5, spec);
	if (strncmp(what, "v4l2:", 5) == 0)
		return parse_device(what + 5, spec);
	if (strncmp(what, "channel:", 8) == 0)
		return stream_name_wrong(what + 8) ? -EINVAL : parse_place(SOURCE_CHANNEL, what + 8, spec);
	if (strcmp(what, "websocket") == 0)
		return parse_place(SOURCE_WEBSOCKET, "-", spec);
	if (strncmp(what, "rtsp://", 7) == 0 || strncmp(what, "http://", 7) == 0 || strncmp(what, "https://", 8) == 0)
		return parse_place(SOURCE_URL, what, spec);
	if (stat(what, &status) == 0)
		return parse_place(S_ISCHR(status.st_mode) ? SOURCE_DEVICE : SOURCE_FILE, what, spec);
	return -EINVAL;
}

int source_parse(const char *what, struct source_spec *ret_spec, char *why, size_t size)
{
	struct source_spec spec;
	int error = parse(what, &spec);

	if (error == 0)
		*ret_spec = spec;
	else
		snprintf(why, size,
			 "'%s' is no source: there are synthetic[:WIDTHxHEIGHT[@RATE]], file:PATH, "
			 "v4l2:DEVICE[:WIDTHxHEIGHT[@RATE]], rtsp://..., http://..., channel:NAME and websocket",
			 what);
	return error;
}

bool source_goes_on(struct source *source)
{
	fl_frames_stats stats;
	fl_time now;

	if (fl_note_is_cancelled(&source->stop))
		return false;
	if (!source->on_demand)
		return true;
	fl_frames_stats_get(source->stream->frames, &stats);
	now = fl_now();
	if (stats.readers > 0)
		source->last_seen = now;
	return now - source->last_seen <= source->linger;
}

int source_publish(struct source *source, const void *data, fl_frame_info *info)
{
	stream_online(source->stream);
	return stream_publish(source->stream, data, info);
}

/* A copy of `text` to show, without the user and the password that a URL may have. */
static void copy_without_password(char *ret_text, size_t size, const char *text)
{
	const char *place = strstr(text, "://"), *end = place ? place + 3 + strcspn(place + 3, "/?#") : NULL;
	const char *at = place ? memrchr(place + 3, '@', (size_t)(end - place - 3)) : NULL;

	if (at)
		snprintf(ret_text, size, "%.*s://%s", (int)(place - text), text, at + 1);
	else
		snprintf(ret_text, size, "%s", text);
}

static int run_once(struct source *source)
{
	switch (source->spec.kind) {
	case SOURCE_SYNTHETIC:
		return source_run_synthetic(source);
	case SOURCE_FILE:
	case SOURCE_DEVICE:
	case SOURCE_URL:
		return source_run_video(source);
	case SOURCE_CHANNEL:
		return source_run_channel(source);
	default:
		return -EINVAL;
	}
}

static void *run(void *arg)
{
	struct source *source = arg;
	fl_time pause = FL_SECONDS(1);

	while (!fl_note_is_cancelled(&source->stop)) {
		uint64_t before = source->stream->state.frames;

		/* Cancelled: the loop ends here or a moment later. */
		if (source->on_demand &&
		    fl_frames_wait_readers_until(source->stream->frames, FL_FOREVER, &source->stop) != 0)
			return NULL;
		source->last_seen = fl_now();
		if (run_once(source) == 0)
			continue;
		/* What has worked for a while (and not only shown why it does not) begins from one second again. */
		if (source->stream->state.frames > before + 2)
			pause = FL_SECONDS(1);
		fl_note_wait_until(&source->stop, fl_after(pause));
		pause = 2 * pause < LONGEST_PAUSE ? 2 * pause : LONGEST_PAUSE;
	}
	return NULL;
}

int source_open(struct stream *stream, const char *what)
{
	struct source *source = calloc(1, sizeof(*source));
	char why[256];
	int error;

	if (!source)
		return -ENOMEM;
	source->stream = stream;
	source->on_demand = stream->hub->config->on_demand;
	source->linger = stream->hub->config->linger;
	copy_without_password(source->what, sizeof(source->what), what);
	error = source_parse(what, &source->spec, why, sizeof(why));
	if (error == 0 && source->spec.kind != SOURCE_WEBSOCKET)
		error = fl_thread_start(&source->thread, &(fl_thread_options){.name = stream->name}, run, source);
	if (error != 0) {
		free(source);
		return error;
	}
	stream->source = source;
	return 0;
}

void source_ask(struct source *source)
{
	if (source)
		fl_note_cancel(&source->stop);
}

void source_stop(struct source *source)
{
	if (!source || !source->thread)
		return;
	source_ask(source);
	fl_thread_join(source->thread, NULL);
	source->thread = NULL;
}

void source_close(struct source *source)
{
	source_stop(source);
	free(source);
}
