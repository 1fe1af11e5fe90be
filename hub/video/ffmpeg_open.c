/*
 * hub/video/ffmpeg_open.c - from a url to a decoder that has what it needs.
 *
 * What a url can lead to is bounded, since FFmpeg by itself follows whatever a name or a file says:
 *
 * 1. A path is opened here and FFmpeg gets the bytes, never the name: what looks like a protocol or a pattern of names
 * is
 *    only a path. What is not a plain file is refused before it can block.
 * 2. A format reads its own bytes and cannot have anything else opened (`refuse`), save RTSP, which must.
 * 3. The protocols and formats are lists of those allowed. A format that is made of references to others is not in it.
 * 4. While FFmpeg looks for what streams there are, no decoder may run, since those that it opens for itself know no
 * limit
 *    of size. What only a decoder could tell is learned from the first picture.
 *
 * Who blocks is ended by the interrupt callback: at the deadline, or when the wish's stop says so. Reads of a file ask
 * it too, but have no deadline. libavdevice's cameras never ask, so they are opened without blocking, and polled by a
 * descriptor of ours: a duplicate of theirs, which is found by the device that it stands for, as they do not tell it.
 *
 * To rewind is to open again what was opened: seeking differs from format to format, and the beginning is only the same
 * if everything is new. An open file stays open for that.
 */
#define _GNU_SOURCE
#include "ffmpeg.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Of a list of one that does not exist nothing is allowed. */
#define NOTHING "nothing"
#define HTTP_PROTOCOLS "http,https,tcp,tls,crypto"
#define RTSP_PROTOCOLS "rtsp,rtp,udp,tcp,tls,http,https,crypto"
#define FORMATS \
	"mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h261,h263,h264,hevc,vc1,obu,av1,ivf,flv,live_flv,asf,ogg," \
	"nut,mxf,gxf,dv,rm,wtv,mjpeg,mpjpeg,yuv4mpegpipe,dhav,gif,apng,jpeg_pipe,png_pipe,webp_pipe,bmp_pipe"

enum {
	BUFFER = 65536,
	CAMERAS = 81, /* the major number of V4L2 devices */
	THREADS = 2,
	/* Pixels: a decoder's limit is for its memory, where rows are longer by up to 64, and there are up to 16384 of
	 * them. What it then decodes and should not have is found by ffmpeg_fits. */
	SLACK = 64 * 16384,
	LONGEST_LOOK = 2000000, /* in us of a live stream, to see what is in it */
};

/* ---- blocking ---- */

void ffmpeg_begin(struct video_input *input)
{
	input->deadline = input->kind == FFMPEG_FILE ? FL_FOREVER : fl_after(FFMPEG_PATIENCE);
	input->interrupted = 0;
}

int ffmpeg_must_end(void *arg)
{
	struct video_input *input = arg;

	if (!input->interrupted && input->wish.stop && input->wish.stop(input->wish.arg))
		input->interrupted = -ECANCELED;
	if (!input->interrupted && fl_remaining(input->deadline) == 0)
		input->interrupted = -ETIMEDOUT;
	return input->interrupted != 0;
}

/* What a failure of FFmpeg's is to our caller: why we ended it, what the disk said, or what it is. */
static int cause(const struct video_input *input, int averror)
{
	if (input->interrupted)
		return input->interrupted;
	if (input->failed)
		return input->failed;
	if (averror == AVERROR(EINVAL) && input->kind != FFMPEG_CAMERA)
		return -EPROTO;
	return ffmpeg_error(averror);
}

__attribute__((format(printf, 3, 4))) static int refused(struct video_input *input, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(input->reason, sizeof(input->reason), format, arguments);
	va_end(arguments);
	return error;
}

/* ---- the bytes of a file ---- */

static int read_file(void *arg, uint8_t *buffer, int size)
{
	struct video_input *input = arg;
	ssize_t n;

	if (ffmpeg_must_end(input))
		return AVERROR_EXIT;
	do
		n = read(input->descriptor, buffer, (size_t)size);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		input->failed = -errno;
		return input->failed;
	}
	return n ? (int)n : AVERROR_EOF;
}

static int64_t seek_file(void *arg, int64_t offset, int whence)
{
	const struct video_input *input = arg;

	return ffmpeg_seek(input->descriptor, offset, whence);
}

static int open_file(struct video_input *input)
{
	struct stat status;

	/* Without blocking: it may be a pipe that nobody writes to. */
	input->descriptor = open(input->wish.url, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (input->descriptor < 0)
		return -errno;
	if (fstat(input->descriptor, &status))
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode))
		return refused(input, -EPROTO, "it is neither a file nor a camera");
	if (status.st_size == 0)
		return refused(input, -EPROTO, "the file is empty");
	return 0;
}

static int use_file(struct video_input *input)
{
	uint8_t *buffer;
	int error = input->descriptor < 0 ? open_file(input) : 0;

	if (error)
		return error;
	if (lseek(input->descriptor, 0, SEEK_SET) < 0)
		return -errno;
	buffer = av_malloc(BUFFER);
	input->io = buffer ? avio_alloc_context(buffer, BUFFER, 0, input, read_file, NULL, seek_file) : NULL;
	if (input->io)
		return 0;
	av_free(buffer);
	return -ENOMEM;
}

/* ---- formats ---- */

static int refuse(AVFormatContext *format, AVIOContext **io, const char *url, int flags, AVDictionary **options)
{
	(void)format, (void)io, (void)url, (void)flags, (void)options;
	return AVERROR(EACCES);
}

static void restrict_format(AVDictionary **options, const char *protocols, const char *formats)
{
	av_dict_set(options, "protocol_whitelist", protocols, 0);
	av_dict_set(options, "format_whitelist", formats, 0);
	av_dict_set(options, "codec_whitelist", NOTHING, 0);
}

/* Opens the format; what is left of the options is freed. */
static int open_format(struct video_input *input, const char *url, const AVInputFormat *known, AVDictionary *options)
{
	AVFormatContext *format = avformat_alloc_context();
	int error = format ? 0 : AVERROR(ENOMEM);

	if (!error) {
		format->interrupt_callback = (AVIOInterruptCB){.callback = ffmpeg_must_end, .opaque = input};
		format->pb = input->io;
		if (input->kind != FFMPEG_RTSP)
			format->io_open = refuse;
		if (input->kind == FFMPEG_CAMERA)
			format->flags |= AVFMT_FLAG_NONBLOCK;
		/* It frees the format when it fails. */
		error = avformat_open_input(&format, url, known, &options);
	}
	av_dict_free(&options);
	if (!error)
		input->format = format;
	return error;
}

static int start_file(struct video_input *input)
{
	AVDictionary *options = NULL;
	int error = use_file(input);

	if (error)
		return error;
	restrict_format(&options, NOTHING, FORMATS);
	return cause(input, open_format(input, NULL, NULL, options));
}

static int start_http(struct video_input *input)
{
	const AVIOInterruptCB interrupt = {.callback = ffmpeg_must_end, .opaque = input};
	AVDictionary *options = NULL;
	int error;

	av_dict_set(&options, "protocol_whitelist", HTTP_PROTOCOLS, 0);
	error = avio_open2(&input->io, input->wish.url, AVIO_FLAG_READ, &interrupt, &options);
	av_dict_free(&options);
	if (error < 0)
		return cause(input, error);
	input->live = !(input->io->seekable & AVIO_SEEKABLE_NORMAL);
	restrict_format(&options, NOTHING, FORMATS);
	if (input->live)
		av_dict_set_int(&options, "analyzeduration", LONGEST_LOOK, 0);
	return cause(input, open_format(input, NULL, NULL, options));
}

static int start_rtsp(struct video_input *input)
{
	const AVInputFormat *rtsp = av_find_input_format("rtsp");
	AVDictionary *options = NULL;

	if (!rtsp)
		return refused(input, -EPROTO, "these FFmpeg libraries have been built without RTSP");
	input->live = true;
	restrict_format(&options, RTSP_PROTOCOLS, "rtsp");
	/* What comes by UDP comes with gaps; it is the second choice. */
	av_dict_set(&options, "rtsp_flags", "prefer_tcp", 0);
	av_dict_set(&options, "allowed_media_types", "video", 0);
	av_dict_set_int(&options, "analyzeduration", LONGEST_LOOK, 0);
	return cause(input, open_format(input, input->wish.url, rtsp, options));
}

/* ---- cameras ---- */

static bool is_camera(const char *path, dev_t *ret_device)
{
	struct stat status;

	if (stat(path, &status) || !S_ISCHR(status.st_mode) || major(status.st_rdev) != CAMERAS)
		return false;
	*ret_device = status.st_rdev;
	return true;
}

/* Returns a duplicate of the descriptor that this process has of the device, or -1. Should it be that of another who
 * is about to learn that the camera is taken, polling it ends at once, and the reader then rests (see
 * ffmpeg_pictures.c). */
static int find_descriptor(dev_t device)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	struct stat status;
	int found = -1;

	if (!folder)
		return -1;
	while (found < 0 && (entry = readdir(folder))) {
		int descriptor = atoi(entry->d_name);

		if (!fstat(descriptor, &status) && S_ISCHR(status.st_mode) && status.st_rdev == device)
			found = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
	}
	closedir(folder);
	return found;
}

static int open_camera(struct video_input *input, const AVInputFormat *v4l2, const char *encoding)
{
	const struct video_wish *wish = &input->wish;
	AVDictionary *options = NULL;
	char size[32];

	restrict_format(&options, NOTHING, "video4linux2,v4l2");
	if (encoding)
		av_dict_set(&options, "input_format", encoding, 0);
	if (wish->width && wish->height) {
		snprintf(size, sizeof(size), "%" PRIu32 "x%" PRIu32, wish->width, wish->height);
		av_dict_set(&options, "video_size", size, 0);
	}
	if (wish->rate)
		av_dict_set_int(&options, "framerate", wish->rate, 0);
	return open_format(input, wish->url, v4l2, options);
}

/* MJPEG first: by USB a camera has few raw pictures a second of a good size. */
static int start_camera(struct video_input *input)
{
	const AVInputFormat *v4l2 = av_find_input_format("v4l2");
	dev_t device;
	int error;

	if (!is_camera(input->wish.url, &device))
		return -ENODEV;
	if (!v4l2)
		return refused(input, -EPROTO, "these FFmpeg libraries have been built without cameras");
	input->live = true;
	error = open_camera(input, v4l2, "mjpeg");
	if (error == AVERROR(EINVAL))
		error = open_camera(input, v4l2, NULL);
	if (!error)
		input->descriptor = find_descriptor(device);
	return cause(input, error);
}

/* ---- the video in it, and its decoder ---- */

/* Whether the header has named the streams: then a live one is not kept waiting for a closer look. */
static bool knows_streams(const struct video_input *input)
{
	const AVFormatContext *format = input->format;
	bool video = false;

	for (unsigned i = 0; i < format->nb_streams; i++)
		video |= format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
			 format->streams[i]->codecpar->codec_id != AV_CODEC_ID_NONE;
	return input->live && video && !(format->ctx_flags & AVFMTCTX_NOHEADER);
}

static int find_video(struct video_input *input, const AVCodec **ret_codec)
{
	int found = knows_streams(input) ? 0 : avformat_find_stream_info(input->format, NULL);

	if (input->interrupted || found < 0)
		return cause(input, found);
	found = av_find_best_stream(input->format, AVMEDIA_TYPE_VIDEO, -1, -1, ret_codec, 0);
	if (found == AVERROR_DECODER_NOT_FOUND)
		return refused(input, -EPROTO, "there is no decoder for the video in it");
	if (found < 0)
		return refused(input, -EPROTO, "there is no video in it");
	if (input->format->streams[found]->disposition & AV_DISPOSITION_ATTACHED_PIC)
		return refused(input, -EPROTO, "there is no video in it, only a cover picture");
	for (unsigned i = 0; i < input->format->nb_streams; i++)
		input->format->streams[i]->discard = (int)i == found ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
	input->stream = found;
	return 0;
}

/* Threads that decode one picture each are behind by a picture, which is only good for what is not live. */
static void set_decoder(struct video_input *input, const AVStream *stream)
{
	AVCodecContext *decoder = input->decoder;

	decoder->opaque = input;
	decoder->pkt_timebase = stream->time_base;
	decoder->thread_count = THREADS;
	decoder->thread_type = input->live ? FF_THREAD_SLICE : FF_THREAD_FRAME | FF_THREAD_SLICE;
	if (input->live)
		decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
	if (input->wish.max_pixels)
		decoder->max_pixels =
			input->wish.max_pixels < INT_MAX - SLACK ? (int64_t)input->wish.max_pixels + SLACK : INT_MAX;
}

static int open_decoder(struct video_input *input, const AVCodec *codec)
{
	AVStream *stream = input->format->streams[input->stream];
	const AVCodecParameters *parameters = stream->codecpar;
	AVRational rate = av_guess_frame_rate(input->format, stream, NULL);
	int error;

	if (!ffmpeg_fits(input, parameters->width, parameters->height))
		return refused(input, -EMSGSIZE, "its pictures have %d x %d pixels; at most %" PRIu64 " are allowed",
			       parameters->width, parameters->height, input->wish.max_pixels);
	input->clock.step = rate.num > 0 && rate.den > 0 ? av_rescale(FL_SECONDS(1), rate.den, rate.num) : 0;
	input->decoder = avcodec_alloc_context3(codec);
	if (!input->decoder)
		return -ENOMEM;
	error = avcodec_parameters_to_context(input->decoder, parameters);
	if (error >= 0) {
		set_decoder(input, stream);
		error = avcodec_open2(input->decoder, codec, NULL);
	}
	return error < 0 ? cause(input, error) : 0;
}

/* ---- an input's life ---- */

/* Everything up to the decoder; what it leaves on failure is for `stop`. */
static int start(struct video_input *input)
{
	static int (*const starts[])(struct video_input *) = {
		[FFMPEG_FILE] = start_file,
		[FFMPEG_CAMERA] = start_camera,
		[FFMPEG_RTSP] = start_rtsp,
		[FFMPEG_HTTP] = start_http,
	};
	const AVCodec *codec = NULL;
	int error;

	ffmpeg_begin(input);
	if (ffmpeg_must_end(input))
		return input->interrupted;
	error = starts[input->kind](input);
	if (!error)
		error = find_video(input, &codec);
	return error ? error : open_decoder(input, codec);
}

/* Undoes start, but keeps a file open. Packets and pictures go before the format: those of a camera that has raw ones
 * lie in its buffers, which are given back to a descriptor that the format has. */
static void stop(struct video_input *input)
{
	avcodec_free_context(&input->decoder);
	av_frame_unref(input->frame);
	if (input->packet)
		av_packet_unref(input->packet);
	if (input->kind == FFMPEG_CAMERA && input->descriptor >= 0) {
		close(input->descriptor);
		input->descriptor = -1;
	}
	avformat_close_input(&input->format);
	if (input->kind == FFMPEG_FILE && input->io) {
		av_freep(&input->io->buffer);
		avio_context_free(&input->io);
	}
	avio_closep(&input->io);
	input->pending = input->ended = input->too_large = false;
	input->broken = input->failed = 0;
	input->pictures = 0;
	input->clock = (struct ffmpeg_clock){0};
}

static enum ffmpeg_kind kind_of(const char *url)
{
	dev_t device;

	if (!strncasecmp(url, "rtsp://", 7))
		return FFMPEG_RTSP;
	if (!strncasecmp(url, "http://", 7) || !strncasecmp(url, "https://", 8))
		return FFMPEG_HTTP;
	if (!strncmp(url, "/dev/video", 10) || !strncmp(url, "/dev/v4l/", 9) || is_camera(url, &device))
		return FFMPEG_CAMERA;
	return FFMPEG_FILE;
}

/* What an error is in words, where nothing better is known of it. */
static const char *sentence_of(const struct video_input *input, int error)
{
	if (input->reason[0])
		return input->reason;
	switch (error) {
	case -ENOENT:
		return input->kind == FFMPEG_FILE ? "there is no such file" : "the server knows no such thing";
	case -ENODEV:
		return "there is no such camera, or it cannot record pictures";
	case -EISDIR:
		return "it is a folder";
	case -EACCES:
	case -EPERM:
		return "it may not be read";
	case -EBUSY:
		return "the camera is in use by another";
	case -EPROTO:
		return "it is not a video of a known format, or it is damaged";
	case -ETIMEDOUT:
		return "the other end said too little for 10 s";
	case -ECANCELED:
		return "it was stopped before it was open";
	default:
		return strerrordesc_np(-error);
	}
}

static struct video_input *make(const struct video_wish *wish)
{
	struct video_input *input = calloc(1, sizeof(*input));

	if (!input)
		return NULL;
	input->descriptor = -1;
	input->wish = *wish;
	input->wish.url = strdup(wish->url);
	input->packet = av_packet_alloc();
	input->frame = av_frame_alloc();
	if (!input->wish.url || !input->packet || !input->frame)
		return ffmpeg_close(input);
	input->kind = kind_of(wish->url);
	return input;
}

int ffmpeg_open(struct video_input **ret, const struct video_wish *wish, char *why, size_t size)
{
	struct video_input *input;
	int error;

	ffmpeg_set_up();
	ffmpeg_forget_words();
	input = make(wish);
	if (!input) {
		ffmpeg_explain(why, size, "there is no memory");
		return -ENOMEM;
	}
	error = start(input);
	if (!error) {
		*ret = input;
		return 0;
	}
	ffmpeg_explain(why, size, sentence_of(input, error));
	ffmpeg_close(input);
	return error;
}

int ffmpeg_rewind(struct video_input *input)
{
	if (input->live)
		return -ESPIPE;
	stop(input);
	input->broken = start(input);
	return input->broken;
}

bool ffmpeg_live(const struct video_input *input)
{
	return input->live;
}

struct video_input *ffmpeg_close(struct video_input *input)
{
	if (!input)
		return NULL;
	/* A stream says goodbye, but nobody waits for it long. */
	input->wish.stop = NULL;
	input->deadline = fl_after(FL_SECONDS(1));
	stop(input);
	sws_freeContext(input->scaler);
	av_packet_free(&input->packet);
	av_frame_free(&input->frame);
	if (input->descriptor >= 0)
		close(input->descriptor);
	free((char *)(uintptr_t)input->wish.url);
	free(input);
	return NULL;
}
