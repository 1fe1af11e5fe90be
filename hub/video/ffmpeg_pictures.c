/*
 * hub/video/ffmpeg_pictures.c - packets to pictures: decoding, their times, and their conversion.
 *
 * The loop asks the decoder for a picture first, and gives it a packet only when it has none; a packet that it would
 * not take stays pending. Damage is what the decoder refuses and what the format marks: it is counted and gone past.
 * Failures of the format itself may have no end, so after MANY in a row a file counts as ended, and a stream as broken.
 *
 * The time of a picture is the source's, less that of the first. A source's times may be missing, repeat, or jump, as
 * where broadcasts were joined. What this file gives out always grows: a missing time is the last one plus a step; one
 * that is a little late becomes 1 ns more than the last; at a jump the base moves, so that time goes on by a step.
 *
 * A JPEG wants full range and the matrix of BT.601. A source that has both, in 4:2:0, is copied; an odd last row or
 * column falls away by itself. Others go through swscale, which goes by RGB where the matrix differs (HD video mostly
 * has BT.709).
 */
#define _GNU_SOURCE
#include "ffmpeg.h"

#include <errno.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <poll.h>
#include <string.h>
#include <time.h>

enum {
	MANY = 100,
	LOOK_MS = 100, /* how long a camera is waited for before `stop` is asked again */
	REST_MS = 5,   /* where there is nothing to poll */
};

/* ---- packets ---- */

/* Waits until the camera may have something. An error or a hang-up is for the next read to find; resting keeps it from
 * being found too often. */
static void wait_for_camera(const struct video_input *input)
{
	struct pollfd camera = {.fd = input->descriptor, .events = POLLIN};

	if (input->descriptor < 0 || (poll(&camera, 1, LOOK_MS) > 0 && !(camera.revents & POLLIN)))
		poll(NULL, 0, REST_MS);
}

/* Whether the packet is one to decode; an empty one would mean the end to the decoder. */
static bool is_wanted(struct video_input *input)
{
	const AVPacket *packet = input->packet;

	if (packet->stream_index != input->stream)
		return false;
	if (packet->size > 0 && !(packet->flags & AV_PKT_FLAG_CORRUPT))
		return true;
	input->damaged++;
	return false;
}

/* Whether the other end has said its last. FFmpeg's HTTP takes the end of what had no length for an I/O error. */
static bool is_end(const struct video_input *input, int averror)
{
	const AVIOContext *io = input->live ? input->io : NULL;

	return averror == AVERROR_EOF || (io && io->eof_reached && (!io->error || io->error == AVERROR(EIO)));
}

/* What comes of a read that failed: 0: the end is pending, or *ret_again: it is worth another try. */
static int after_failure(struct video_input *input, int averror, unsigned *failures, bool *ret_again)
{
	*ret_again = false;
	if (input->interrupted)
		return input->interrupted;
	if (input->failed)
		return input->failed;
	if (averror == AVERROR(EAGAIN) && input->kind == FFMPEG_CAMERA) {
		wait_for_camera(input);
		*ret_again = true;
		return 0;
	}
	if (!is_end(input, averror)) {
		if (averror != AVERROR_INVALIDDATA && input->kind != FFMPEG_FILE)
			return ffmpeg_error(averror);
		input->damaged++;
		*ret_again = ++*failures < MANY;
		if (*ret_again)
			return 0;
		if (input->kind != FFMPEG_FILE)
			return ffmpeg_error(averror);
	}
	input->pending = input->ended = true;
	return 0;
}

/* Gets the next packet of the video, or the end, and makes it pending. */
static int read_packet(struct video_input *input)
{
	unsigned failures = 0;
	bool again = true;
	int error = 0;

	while (again && !error) {
		int averror = ffmpeg_must_end(input) ? AVERROR_EXIT : av_read_frame(input->format, input->packet);

		if (averror < 0) {
			error = after_failure(input, averror, &failures, &again);
		} else if (is_wanted(input)) {
			input->pending = true;
			again = false;
		} else {
			av_packet_unref(input->packet);
		}
	}
	return error;
}

/* Gives the decoder what is pending. */
static int feed(struct video_input *input)
{
	int error = input->pending ? 0 : read_packet(input);
	int averror;

	if (error)
		return error;
	averror = avcodec_send_packet(input->decoder, input->ended ? NULL : input->packet);
	if (averror == AVERROR(EAGAIN))
		return 0;
	if (averror < 0 && !input->ended)
		input->damaged++;
	/* The end stays pending: asking for more after it is answered by the decoder. */
	input->pending = input->ended;
	av_packet_unref(input->packet);
	return averror == AVERROR(ENOMEM) ? -ENOMEM : 0;
}

static int decode(struct video_input *input)
{
	for (;;) {
		int averror = avcodec_receive_frame(input->decoder, input->frame);
		int error;

		if (averror >= 0)
			return 0;
		if (averror == AVERROR_EOF)
			return -ENODATA;
		if (averror == AVERROR(ENOMEM))
			return -ENOMEM;
		if (__atomic_load_n(&input->too_large, __ATOMIC_RELAXED))
			return -EMSGSIZE;
		if (averror != AVERROR(EAGAIN))
			input->damaged++;
		error = feed(input);
		if (error)
			return error;
	}
}

/* ---- times ---- */

static fl_time source_time(const struct video_input *input, bool *ret_known)
{
	const AVStream *stream = input->format->streams[input->stream];
	int64_t time = input->frame->best_effort_timestamp;

	*ret_known = time != AV_NOPTS_VALUE;
	if (*ret_known)
		time = av_rescale_q(time, stream->time_base, (AVRational){1, 1000000000});
	/* It saturates where it would overflow. */
	*ret_known = *ret_known && time > INT64_MIN && time < INT64_MAX;
	return time;
}

static fl_time time_of(struct video_input *input)
{
	struct ffmpeg_clock *clock = &input->clock;
	fl_time step = clock->step > 0 && clock->step < FL_SECONDS(60) ? clock->step : FL_MS(40);
	fl_time expected = input->pictures ? fl_time_add(clock->last, step) : 0;
	fl_time at, time;
	bool known;

	if (input->live)
		return -1;
	time = source_time(input, &known);
	if (!known)
		return clock->last = expected;
	if (!clock->based || __builtin_sub_overflow(time, clock->base, &at) || at < clock->last - FL_SECONDS(1) ||
	    at > fl_time_add(clock->last, FL_SECONDS(3600))) {
		clock->based = !__builtin_sub_overflow(time, expected, &clock->base);
		at = expected;
	}
	if (input->pictures && at <= clock->last)
		at = clock->last + 1;
	return clock->last = at;
}

/* ---- pictures ---- */

bool ffmpeg_fits(const struct video_input *input, int width, int height)
{
	return !input->wish.max_pixels || width <= 0 || height <= 0 ||
	       (uint64_t)width * (uint64_t)height <= input->wish.max_pixels;
}

static bool is_full_range(const AVFrame *frame)
{
	return frame->color_range == AVCOL_RANGE_JPEG || frame->format == AV_PIX_FMT_YUVJ420P ||
	       frame->format == AV_PIX_FMT_YUVJ422P || frame->format == AV_PIX_FMT_YUVJ444P ||
	       frame->format == AV_PIX_FMT_YUVJ440P || frame->format == AV_PIX_FMT_YUVJ411P;
}

/* The matrix; what a source does not say is what swscale takes for it. */
static int colours_of(const AVFrame *frame)
{
	switch (frame->colorspace) {
	case AVCOL_SPC_BT709:
	case AVCOL_SPC_FCC:
	case AVCOL_SPC_SMPTE240M:
		return frame->colorspace;
	case AVCOL_SPC_BT2020_NCL:
	case AVCOL_SPC_BT2020_CL:
		return SWS_CS_BT2020;
	default:
		return SWS_CS_ITU601;
	}
}

static struct ffmpeg_shape shape_of(const struct video_input *input)
{
	return (struct ffmpeg_shape){
		.width = (int)input->info.width,
		.height = (int)input->info.height,
		.format = input->frame->format,
		.full_range = is_full_range(input->frame),
		.colours = colours_of(input->frame),
	};
}

static bool is_as_wanted(const struct ffmpeg_shape *shape)
{
	return (shape->format == AV_PIX_FMT_YUVJ420P || shape->format == AV_PIX_FMT_YUV420P) && shape->full_range &&
	       shape->colours == SWS_CS_ITU601;
}

static struct SwsContext *make_scaler(const struct ffmpeg_shape *shape)
{
	struct SwsContext *scaler = sws_alloc_context();
	const int *from = sws_getCoefficients(shape->colours), *to = sws_getCoefficients(SWS_CS_ITU601);

	if (!scaler)
		return NULL;
	av_opt_set_int(scaler, "srcw", shape->width, 0);
	av_opt_set_int(scaler, "srch", shape->height, 0);
	av_opt_set_int(scaler, "src_format", shape->format, 0);
	av_opt_set_int(scaler, "src_range", shape->full_range, 0);
	av_opt_set_int(scaler, "dstw", shape->width, 0);
	av_opt_set_int(scaler, "dsth", shape->height, 0);
	av_opt_set_int(scaler, "dst_format", AV_PIX_FMT_YUV420P, 0);
	av_opt_set_int(scaler, "dst_range", 1, 0);
	av_opt_set_int(scaler, "sws_flags", SWS_BILINEAR, 0);
	sws_setColorspaceDetails(scaler, from, shape->full_range, to, 1, 0, 1 << 16, 1 << 16);
	if (sws_init_context(scaler, NULL, NULL) < 0) {
		sws_freeContext(scaler);
		return NULL;
	}
	return scaler;
}

/* Makes the scaler fit the picture, so that copying it cannot fail. */
static int prepare(struct video_input *input)
{
	struct ffmpeg_shape shape = shape_of(input);

	if (is_as_wanted(&shape) || (input->scaler && !memcmp(&shape, &input->scaled, sizeof(shape))))
		return 0;
	if (!sws_isSupportedInput(shape.format))
		return -EPROTO;
	sws_freeContext(input->scaler);
	input->scaler = make_scaler(&shape);
	input->scaled = shape;
	return input->scaler ? 0 : -ENOMEM;
}

static int describe(struct video_input *input)
{
	const AVFrame *frame = input->frame;
	fl_frame_info info;
	int error;

	if (!ffmpeg_fits(input, frame->width, frame->height))
		return -EMSGSIZE;
	if (frame->width < 2 || frame->height < 2)
		return -EPROTO;
	error = fl_frame_info_init(&info, FL_PIXELS_I420, (uint32_t)frame->width & ~1u, (uint32_t)frame->height & ~1u);
	if (error)
		return error;
	if (frame->flags & AV_FRAME_FLAG_CORRUPT || frame->decode_error_flags)
		info.flags |= FL_FRAME_CORRUPT;
	input->info = info;
	return prepare(input);
}

int ffmpeg_next(struct video_input *input, struct video_picture *ret_picture)
{
	int error = input->broken;

	if (error)
		return error;
	ffmpeg_begin(input);
	error = ffmpeg_must_end(input) ? input->interrupted : decode(input);
	if (!error)
		error = describe(input);
	if (!error) {
		*ret_picture = (struct video_picture){.info = input->info, .at = time_of(input)};
		input->pictures++;
		return 0;
	}
	if (error == -ENODATA && !input->pictures)
		error = -EPROTO;
	if (error != -ENODATA && error != -ECANCELED)
		input->broken = error;
	return error;
}

static void copy_plane(const struct video_input *input, unsigned plane, uint8_t *to)
{
	uint32_t rows = input->info.height >> (plane > 0), stride = input->info.stride[plane];

	for (uint32_t row = 0; row < rows; row++)
		memcpy(to + (size_t)row * stride,
		       input->frame->data[plane] + (ptrdiff_t)row * input->frame->linesize[plane], stride);
}

void ffmpeg_copy(struct video_input *input, void *data)
{
	const fl_frame_info *info = &input->info;
	struct ffmpeg_shape shape = shape_of(input);
	uint8_t *planes[4] = {NULL};
	int strides[4] = {0};

	for (unsigned i = 0; i < info->n_planes; i++) {
		planes[i] = (uint8_t *)data + info->offset[i];
		strides[i] = (int)info->stride[i];
		if (is_as_wanted(&shape))
			copy_plane(input, i, planes[i]);
	}
	if (!is_as_wanted(&shape))
		sws_scale(input->scaler, (const uint8_t *const *)input->frame->data, input->frame->linesize, 0,
			  shape.height, planes, strides);
}

uint64_t ffmpeg_damaged(const struct video_input *input)
{
	return input->damaged;
}
