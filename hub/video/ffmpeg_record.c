/*
 * hub/video/ffmpeg_record.c - recordings: JPEGs as they are, in Matroska, that stay playable whatever happens.
 *
 * Each picture is a cluster of its own, which is written out at once: some 40 bytes more a picture, and for that a
 * process may be killed at any moment without taking more with it than the picture that it was about to write. A player
 * that finds no index at the end goes through the clusters.
 *
 * The bytes go through functions of ours to a descriptor of ours:
 *
 * 1. The file is made by O_EXCL: it did not exist, so it is ours to delete, and nothing was written over.
 * 2. `failed` is the first error of a write. After it nothing is written; the muxer may go on believing.
 * 3. `whole` is where the last whole picture ends. When a write fails the file is cut back to it, so that it ends in no
 * half
 *    picture, also where the disk was full.
 * 4. A time in the file is a number of ms that is greater than the one before.
 */
#define _GNU_SOURCE
#include "ffmpeg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BUFFER = 65536,
	LARGEST = 65535, /* pixels of a side: what a JPEG can have */
	MS = 1000000,    /* ns */
};

struct video_record {
	int descriptor;
	AVIOContext *io;
	AVFormatContext *format;
	AVPacket *packet;
	int failed;    /* (2) */
	int64_t whole; /* (3) */
	fl_time first; /* when the first picture was captured */
	int64_t last;  /* the last picture's time, in ms; -1: there is none (4) */
	uint64_t size; /* of the file */
};

/* ---- the file ---- */

static int write_file(void *arg, uint8_t *data, int size)
{
	struct video_record *record = arg;
	int done = 0;
	off_t end;

	while (done < size && !record->failed) {
		ssize_t n = write(record->descriptor, data + done, (size_t)(size - done));

		if (n > 0)
			done += (int)n;
		else if (n == 0 || errno != EINTR)
			record->failed = n == 0 ? -EIO : -errno;
	}
	end = lseek(record->descriptor, 0, SEEK_CUR);
	if (end > 0 && (uint64_t)end > record->size)
		record->size = (uint64_t)end;
	return record->failed ? record->failed : size;
}

static int64_t seek_file(void *arg, int64_t offset, int whence)
{
	const struct video_record *record = arg;

	return ffmpeg_seek(record->descriptor, offset, whence);
}

/* Takes away what follows the last whole picture. Where even that fails, players skip it. */
static void cut_back(struct video_record *record)
{
	if (ftruncate(record->descriptor, record->whole) == 0)
		record->size = (uint64_t)record->whole;
}

/* Frees everything; the file stays. Returns what closing it says, which on some file systems is where a full disk
 * shows. */
static int dispose(struct video_record *record)
{
	int error = 0;

	avformat_free_context(record->format);
	if (record->io)
		av_freep(&record->io->buffer);
	avio_context_free(&record->io);
	av_packet_free(&record->packet);
	if (record->descriptor >= 0 && close(record->descriptor))
		error = -errno;
	free(record);
	return error;
}

/* ---- the format ---- */

static int make_io(struct video_record *record)
{
	uint8_t *buffer = av_malloc(BUFFER);

	record->packet = av_packet_alloc();
	record->io = buffer ? avio_alloc_context(buffer, BUFFER, 1, record, NULL, write_file, seek_file) : NULL;
	if (!record->io)
		av_free(buffer);
	return record->io && record->packet ? 0 : -ENOMEM;
}

static int add_stream(struct video_record *record, uint32_t width, uint32_t height)
{
	AVStream *stream = avformat_new_stream(record->format, NULL);

	if (!stream)
		return -ENOMEM;
	stream->time_base = (AVRational){1, 1000};
	stream->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
	stream->codecpar->codec_id = AV_CODEC_ID_MJPEG;
	stream->codecpar->format = AV_PIX_FMT_YUVJ420P;
	stream->codecpar->color_range = AVCOL_RANGE_JPEG;
	stream->codecpar->width = (int)width;
	stream->codecpar->height = (int)height;
	return 0;
}

/* Writes out what there is; what is in the file then is whole. */
static int flush(struct video_record *record)
{
	int averror = av_write_frame(record->format, NULL);

	avio_flush(record->io);
	if (record->failed)
		return record->failed;
	if (averror < 0)
		return ffmpeg_error(averror);
	record->whole = (int64_t)record->size;
	return 0;
}

static int begin(struct video_record *record, uint32_t width, uint32_t height)
{
	int error = make_io(record), averror;

	if (error)
		return error;
	averror = avformat_alloc_output_context2(&record->format, NULL, "matroska", NULL);
	if (averror < 0)
		return ffmpeg_error(averror);
	record->format->pb = record->io;
	record->format->flags |= AVFMT_FLAG_CUSTOM_IO;
	error = add_stream(record, width, height);
	if (error)
		return error;
	averror = avformat_write_header(record->format, NULL);
	if (averror < 0 && !record->failed)
		return ffmpeg_error(averror);
	return flush(record);
}

static const char *sentence_of(int error)
{
	switch (error) {
	case -EEXIST:
		return "there is something of that name, and recordings are not written over it";
	case -EINVAL:
		return "a recording needs a width and a height";
	case -EMSGSIZE:
		return "a recording has at most 65535 pixels a side";
	case -ENOENT:
		return "there is no such folder";
	case -EACCES:
	case -EPERM:
		return "it may not be written";
	case -ENOSPC:
	case -EDQUOT:
		return "the disk is full";
	default:
		return strerrordesc_np(-error);
	}
}

/* Makes the file and its header. */
static int make(struct video_record **ret, const char *path, uint32_t width, uint32_t height)
{
	struct video_record *record;
	int error;

	if (!width || !height)
		return -EINVAL;
	if (width > LARGEST || height > LARGEST)
		return -EMSGSIZE;
	record = calloc(1, sizeof(*record));
	if (!record)
		return -ENOMEM;
	record->last = -1;
	record->descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
	error = record->descriptor < 0 ? -errno : begin(record, width, height);
	if (!error) {
		*ret = record;
		return 0;
	}
	/* (1) */
	if (record->descriptor >= 0)
		unlink(path);
	dispose(record);
	return error;
}

int ffmpeg_record(struct video_record **ret, const char *path, uint32_t width, uint32_t height, char *why, size_t size)
{
	int error;

	ffmpeg_set_up();
	ffmpeg_forget_words();
	error = make(ret, path, width, height);
	if (error)
		ffmpeg_explain(why, size, sentence_of(error));
	return error;
}

/* ---- pictures ---- */

static bool is_jpeg(const void *data, size_t size)
{
	return size > 4 && size <= INT_MAX - AV_INPUT_BUFFER_PADDING_SIZE && !memcmp(data, "\xff\xd8\xff", 3);
}

/* (4) */
static int64_t time_of(struct video_record *record, fl_time captured)
{
	fl_time since;

	if (record->last < 0) {
		record->first = captured;
		return 0;
	}
	if (__builtin_sub_overflow(captured, record->first, &since) || since / MS <= record->last)
		return record->last + 1;
	return since / MS;
}

/* Writes the picture, or leaves the file as it was. */
static int add(struct video_record *record, const void *jpeg, size_t size, int64_t time)
{
	AVPacket *packet = record->packet;
	int averror;

	/* The muxer only reads it. */
	packet->data = (uint8_t *)(uintptr_t)jpeg;
	packet->size = (int)size;
	packet->pts = packet->dts = time;
	packet->flags = AV_PKT_FLAG_KEY;
	averror = av_write_frame(record->format, packet);
	av_packet_unref(packet);
	if (averror < 0 && !record->failed)
		return ffmpeg_error(averror);
	return flush(record);
}

int ffmpeg_write(struct video_record *record, const void *jpeg, size_t size, fl_time captured)
{
	int64_t time;
	int error;

	if (record->failed)
		return -EPIPE;
	if (!is_jpeg(jpeg, size))
		return -EINVAL;
	time = time_of(record, captured);
	error = add(record, jpeg, size, time);
	if (!error) {
		record->last = time;
		return 0;
	}
	/* (2), (3): whoever failed, the muxer or the disk, nothing can follow. */
	record->failed = error;
	cut_back(record);
	return error;
}

uint64_t ffmpeg_written(const struct video_record *record)
{
	return record->size;
}

int ffmpeg_finish(struct video_record *record)
{
	int error = 0, averror, closed;

	if (!record)
		return 0;
	if (!record->failed) {
		averror = av_write_trailer(record->format);
		avio_flush(record->io);
		error = record->failed ? record->failed : averror < 0 ? ffmpeg_error(averror) : 0;
		if (error)
			cut_back(record);
	}
	closed = dispose(record);
	return error ? error : closed;
}
