/*
 * hub/source.h - sources: who fills a stream from outside. Each has a thread, but for those that a WebSocket client
 * fills (ingest.h).
 *
 *   synthetic[:WIDTHxHEIGHT[@RATE]]     the test camera
 *   file:PATH                           a video, at its own pace, again and again
 *   v4l2:DEVICE[:WIDTHxHEIGHT[@RATE]]   a camera
 *   rtsp://... http://... https://...   a stream from elsewhere
 *   channel:NAME                        what another process publishes there
 *   websocket                           what a client sends to /in/NAME
 *
 * A source that is lost shows "no signal" and is tried again, after a second first, then after two, four, up to
 * fifteen. A source on demand works while its stream has readers, and a while (`linger`) after the last one has gone.
 */
#ifndef HUB_SOURCE_H
#define HUB_SOURCE_H

#include "stream.h"
#include <fairlead/note.h>
#include <fairlead/thread.h>

enum source_kind {
	SOURCE_SYNTHETIC,
	SOURCE_FILE,
	SOURCE_DEVICE,
	SOURCE_URL,
	SOURCE_CHANNEL,
	SOURCE_WEBSOCKET,
};

/* What a source's text says. */
struct source_spec {
	enum source_kind kind;
	char place[1024]; /* a path, a device, a URL, a channel's name */
	uint32_t width, height, rate;
};

struct source {
	struct stream *stream;
	struct source_spec spec;
	char what[1024]; /* to be shown: there is no password in it */
	bool on_demand;
	fl_time linger;
	fl_time last_seen; /* when somebody last looked */
	fl_thread *thread; /* NULL: a WebSocket's */
	fl_note stop;
	void *sender; /* the client that fills it, if it is a WebSocket's; the network thread's */
};

/* Reads a source's text. Returns 0; -EINVAL, with what is wrong in `why`. */
int source_parse(const char *what, struct source_spec *ret_spec, char *why, size_t size) FL_ALL_NONNULL FL_MUST_CHECK;

/* Makes the source of a stream, and starts its thread. Returns 0, -ENOMEM, -EINVAL, -EAGAIN. */
int source_open(struct stream *stream, const char *what) FL_ALL_NONNULL FL_MUST_CHECK;
/* Asks it to end. NULL is allowed. */
void source_ask(struct source *source);
/* The same; waits until it has. NULL is allowed. */
void source_stop(struct source *source);
void source_close(struct source *source);

/* What the kinds' functions, that a source's thread calls, are written with. Each works until the source is to rest,
 * returns 0 then; or until it is lost, has said why by stream_offline, and returns -errno. */
int source_run_synthetic(struct source *source) FL_ALL_NONNULL;
int source_run_video(struct source *source) FL_ALL_NONNULL;
int source_run_channel(struct source *source) FL_ALL_NONNULL;

/* Whether to go on: it is not to stop, and somebody looks, or did a while ago. */
bool source_goes_on(struct source *source) FL_ALL_NONNULL;
/* Publishes the loaned frame, and says that the source is there. Returns as stream_publish. */
int source_publish(struct source *source, const void *data, fl_frame_info *info) FL_ALL_NONNULL;

#endif
