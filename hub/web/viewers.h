/*
 * hub/web/viewers.h - who looks at a stream over the network, and how each gets its frames.
 *
 * A viewer that wants the latest frame is sent the newest there is whenever it has taken all that it was sent before:
 * one that is slow misses frames, which is counted, and holds up nobody. One that wants every frame has a queue of its
 * own (a reader of the view's channel); what does not fit there is dropped, and counted.
 *
 * A WebSocket viewer may limit how many frames are under way to it (`window`): it then says "ack" for each that it has
 * shown. The system's buffers hold seconds of video; this does not let them fill.
 *
 * All calls by the network thread.
 */
#ifndef HUB_VIEWERS_H
#define HUB_VIEWERS_H

#include "stream.h"
#include "web.h"

/* What the status says of one. */
struct viewer_state {
	const char *name, *how;
	uint64_t sent, missed;
	double rate,
		latency; /* frames a second; seconds from capture to the socket, of the last frame; -1: not known */
};

int viewers_open(struct stream *stream) FL_ALL_NONNULL FL_MUST_CHECK;
void viewers_close(struct stream *stream) FL_ALL_NONNULL;

/* A client begins to look: gets multipart, a single JPEG, or (when its WebSocket is open) frame messages. */
void viewers_add_multipart(struct stream *stream, struct web_client *client) FL_ALL_NONNULL;
void viewers_add_snapshot(struct stream *stream, struct web_client *client) FL_ALL_NONNULL;
/* Reads what the request asks for. Returns false: it has been told what is wrong. */
bool viewers_add_websocket(struct stream *stream, struct web_client *client) FL_ALL_NONNULL;

/* There may be new packages. */
void viewers_woken(struct stream *stream) FL_ALL_NONNULL;

/* Calls back for each. */
void viewers_each(struct stream *stream, void (*call)(const struct viewer_state *state, void *arg), void *arg)
	FL_NONNULL(1, 2);

#endif
