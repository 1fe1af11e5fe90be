/*
 * hub/stream.h - a stream: a named sequence of frames, of a source or of a processor.
 *
 * Its frames are in a frame channel that the hub produces and, if it may, serves to other processes under the stream's
 * name. Everybody reads it in the same way: the view that makes JPEGs of it, processors, other processes.
 *
 * One thread publishes (the source's, the processor's, or the network's, for frames that come by WebSocket). Any thread
 * may do the rest.
 */
#ifndef HUB_STREAM_H
#define HUB_STREAM_H

#include "meter.h"
#include "verify.h"
#include <fairlead/frames.h>
#include <fairlead/lock.h>

#define STREAM_WHY 160u

struct hub;
struct processor;
struct record;
struct source;
struct view;
struct viewers;

/* How a stream is doing. */
struct stream_state {
	bool online;
	char why[STREAM_WHY]; /* it is not, or why it last was not; "" */
	uint32_t restarts;    /* how often it has come back */
	uint64_t frames, bad; /* published; refused because something was wrong with them */
	fl_frame_info info;   /* of the last one, */
	fl_time last;         /* and when that was published; 0: none yet */
	double rate;          /* frames a second */
};

struct stream {
	char name[FL_FRAMES_NAME];
	struct hub *hub;
	fl_frames *frames;
	struct verify *verify; /* NULL: not asked for */

	fl_lock lock;
	struct stream_state state; /* under the lock, */
	struct meter meter;        /* this, */
	bool has_been;             /* and whether it has been online */

	struct source *source;       /* one of these two: */
	struct processor *processor; /* who fills it */
	struct view *view;
	struct viewers *viewers; /* the network thread's */
	struct record *record;   /* NULL: it is not recorded */
};

/* What is wrong with a stream's name; NULL: nothing. */
const char *stream_name_wrong(const char *name) FL_ALL_NONNULL;

/* Makes a stream without anybody who fills it. `readers` is how many threads and processes may read it. Returns 0,
 * -ENOMEM, or as fl_frames_create and fl_frames_serve. */
int stream_open(struct stream **ret_stream, struct hub *hub, const char *name) FL_ALL_NONNULL FL_MUST_CHECK;
/* When nobody fills or reads it any more. */
void stream_close(struct stream *stream) FL_ALL_NONNULL;

/* Publishes the frame that was loaned, whose bytes are at `data`. What has no capture time gets now. Returns 0, or as
 * fl_frames_publish: then it is counted as bad and given back. */
int stream_publish(struct stream *stream, const void *data, fl_frame_info *info) FL_ALL_NONNULL;

/* Says that the stream has something to show again; it does nothing if that was known. */
void stream_online(struct stream *stream) FL_ALL_NONNULL;
/* Says why the stream has nothing more to show, as printf, and shows that: a picture that says "no signal". By the
 * thread that publishes. */
void stream_offline(struct stream *stream, const char *format, ...) FL_ALL_NONNULL
	__attribute__((format(printf, 2, 3)));
/* Counts a frame that was refused, and says why, as printf. */
void stream_bad(struct stream *stream, const char *format, ...) FL_ALL_NONNULL __attribute__((format(printf, 2, 3)));

void stream_state_get(struct stream *stream, struct stream_state *ret_state) FL_ALL_NONNULL;

/* Looks whether a frame that was used is still what it was, if that is asked for, and counts it if not. */
void stream_verify(struct stream *stream, const fl_frame *frame) FL_ALL_NONNULL;

#endif
