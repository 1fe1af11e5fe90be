/*
 * hub/video/ffmpeg.c - the plug-in for video, over FFmpeg's libraries: its table, and FFmpeg's log and errors in our
 * words.
 *
 * The log is a callback for all of the process, and would write to stderr. Here the last error that FFmpeg has said to
 * a thread is kept for that thread, as the second half of a `why`. The decoder's own threads talk too, where nobody
 * listens; but one thing that they say is needed: that a picture is larger than allowed comes back as the same "invalid
 * argument" as any damage, so it is told apart by the words of the log (1). The object that speaks leads to the
 * decoder, and that to the input. Should a later FFmpeg word it in another way, too large a picture counts as damaged:
 * it still is not decoded.
 */
#include "ffmpeg.h"

#include <errno.h>
#include <libavdevice/avdevice.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static __thread char words[160];

/* Returns what the object belongs to, or NULL. */
static void *parent_of(void *object)
{
	const AVClass *class = *(AVClass **)object;

	return class->parent_log_context_offset ? *(void **)((char *)object + class->parent_log_context_offset) : NULL;
}

/* (1) */
static void note_size(void *object)
{
	while (object && *(AVClass **)object && *(const AVClass **)object != avcodec_get_class())
		object = parent_of(object);
	if (object && *(AVClass **)object && ((AVCodecContext *)object)->opaque)
		__atomic_store_n(&((struct video_input *)((AVCodecContext *)object)->opaque)->too_large, true,
				 __ATOMIC_RELAXED);
}

/* Keeps a line as one of plain characters: it may quote bytes of a file. */
__attribute__((format(printf, 3, 0))) static void hear(void *object, int level, const char *format, va_list arguments)
{
	char line[sizeof(words)];
	size_t length;

	if (level > AV_LOG_ERROR)
		return;
	if (object && strstr(format, "exceeds specified max pixel count"))
		note_size(object);
	vsnprintf(line, sizeof(line), format, arguments);
	length = strcspn(line, "\n");
	while (length && strchr(" .", line[length - 1]))
		length--;
	if (!length)
		return;
	for (size_t i = 0; i < length; i++)
		words[i] = (char)(line[i] < ' ' || line[i] > '~' ? '?' : line[i]);
	words[length] = '\0';
}

static void set_up(void)
{
	av_log_set_callback(hear);
	avformat_network_init();
	avdevice_register_all();
}

void ffmpeg_set_up(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, set_up);
}

void ffmpeg_forget_words(void)
{
	words[0] = '\0';
}

const char *ffmpeg_words(void)
{
	return words;
}

/* FFmpeg's errors are negative errno values, and four letters for what has none. */
int ffmpeg_error(int averror)
{
	switch (averror) {
	case AVERROR_EXIT:
		return -ECANCELED;
	case AVERROR_HTTP_NOT_FOUND:
		return -ENOENT;
	case AVERROR_HTTP_UNAUTHORIZED:
	case AVERROR_HTTP_FORBIDDEN:
		return -EACCES;
	default:
		return averror > -4096 ? averror : -EPROTO;
	}
}

int64_t ffmpeg_seek(int descriptor, int64_t offset, int whence)
{
	struct stat status;
	off_t at;

	if (whence & AVSEEK_SIZE)
		return fstat(descriptor, &status) ? -errno : status.st_size;
	at = lseek(descriptor, offset, whence & ~AVSEEK_FORCE);
	return at < 0 ? -errno : at;
}

void ffmpeg_explain(char *why, size_t size, const char *sentence)
{
	bool more = words[0];

	snprintf(why, size, "%s%s%s%s", sentence, more ? " (" : "", words, more ? ")" : "");
}

__attribute__((visibility("default"))) extern const struct video_plugin fairlead_video;
const struct video_plugin fairlead_video = {
	.version = VIDEO_PLUGIN_VERSION,
	.open = ffmpeg_open,
	.next = ffmpeg_next,
	.copy = ffmpeg_copy,
	.rewind = ffmpeg_rewind,
	.live = ffmpeg_live,
	.damaged = ffmpeg_damaged,
	.close = ffmpeg_close,
	.record = ffmpeg_record,
	.write = ffmpeg_write,
	.written = ffmpeg_written,
	.finish = ffmpeg_finish,
};
