/*
 * hub/video/ffmpeg.h - what the files of the plug-in know of each other: an input, and how FFmpeg's words become ours.
 *
 *     ffmpeg.c           the plug-in's table; FFmpeg's log and errors
 *     ffmpeg_open.c      from a url to a decoder, and nothing else that the url could lead to
 *     ffmpeg_pictures.c  packets to pictures, their times and their conversion
 *     ffmpeg_record.c    recordings
 */
#ifndef HUB_FFMPEG_H
#define HUB_FFMPEG_H

#include "video.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>

/* How long an open may take, and how long a packet, where the other end is not a disk. */
#define FFMPEG_PATIENCE FL_SECONDS(10)

enum ffmpeg_kind { FFMPEG_FILE = 1, FFMPEG_CAMERA, FFMPEG_RTSP, FFMPEG_HTTP };

/* The times of pictures: see ffmpeg_pictures.c. */
struct ffmpeg_clock {
	fl_time base; /* what the source calls the time 0 */
	fl_time last; /* the last picture's time */
	fl_time step; /* from one picture to the next, where the source does not say */
	bool based;
};

/* What a scaler was made for; all of it is compared. */
struct ffmpeg_shape {
	int width, height, format, full_range, colours;
};

/* In the order in which it comes to be. What `rewind` makes anew stands between io and clock. */
struct video_input {
	struct video_wish wish; /* its url is our copy */
	enum ffmpeg_kind kind;
	int descriptor;  /* of the file; of a camera one to poll; or -1 */
	AVIOContext *io; /* of a file or HTTP; NULL: the format sees to it */
	AVFormatContext *format;
	AVCodecContext *decoder;
	int stream; /* the number of the video in the format */
	bool live;
	bool pending;      /* the decoder has to take the packet, or the end, yet */
	bool ended;        /* what is pending is the end */
	int broken;        /* what next says until it is rewound */
	uint64_t pictures; /* since the beginning */
	struct ffmpeg_clock clock;
	AVPacket *packet;
	AVFrame *frame;
	fl_frame_info info; /* of the frame */
	struct SwsContext *scaler;
	struct ffmpeg_shape scaled;
	uint64_t damaged;
	fl_time deadline; /* of the call that runs */
	int interrupted;  /* -ECANCELED or -ETIMEDOUT: why that call was made to end */
	int failed;       /* what a read of the file returned; FFmpeg does not always pass it on */
	bool too_large;   /* written by the decoder's threads, through the log */
	char reason[128]; /* a sentence about what open met, or empty */
};

/* ---- ffmpeg.c ---- */

/* Makes FFmpeg ready and silent, once. */
void ffmpeg_set_up(void);
/* Forgets what FFmpeg has said to this thread; returns the last error that it has said since, or "". */
void ffmpeg_forget_words(void);
const char *ffmpeg_words(void);
/* Returns the negative errno for an AVERROR. */
int ffmpeg_error(int averror);
/* Writes a sentence: what was met, and in brackets what FFmpeg said about it. */
void ffmpeg_explain(char *why, size_t size, const char *sentence);
/* What FFmpeg asks of bytes that come from or go to a descriptor: seeks, or returns the size. */
int64_t ffmpeg_seek(int descriptor, int64_t offset, int whence);

/* ---- ffmpeg_open.c ---- */

int ffmpeg_open(struct video_input **ret, const struct video_wish *wish, char *why, size_t size);
int ffmpeg_rewind(struct video_input *input);
bool ffmpeg_live(const struct video_input *input);
struct video_input *ffmpeg_close(struct video_input *input);
/* Begins a call that may block: sets its deadline. */
void ffmpeg_begin(struct video_input *input);
/* FFmpeg's interrupt callback: whether the call must end. Then `interrupted` says why. */
int ffmpeg_must_end(void *arg);

/* ---- ffmpeg_pictures.c ---- */

int ffmpeg_next(struct video_input *input, struct video_picture *ret_picture);
void ffmpeg_copy(struct video_input *input, void *data);
uint64_t ffmpeg_damaged(const struct video_input *input);
/* Tells whether a picture of this size is allowed. */
bool ffmpeg_fits(const struct video_input *input, int width, int height);

/* ---- ffmpeg_record.c ---- */

int ffmpeg_record(struct video_record **ret, const char *path, uint32_t width, uint32_t height, char *why, size_t size);
int ffmpeg_write(struct video_record *record, const void *jpeg, size_t size, fl_time captured);
uint64_t ffmpeg_written(const struct video_record *record);
int ffmpeg_finish(struct video_record *record);

#endif
