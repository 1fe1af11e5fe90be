/*
 * hub/record.h - a stream recorded to a file: its JPEGs, in Matroska, with the times when they were captured.
 *
 * It is a looker of the stream's view (view.h) that wants every frame. It stops at its limit, or when it can't write,
 * and says why; what was written stays, and can be played. Nobody else notices.
 */
#ifndef HUB_RECORD_H
#define HUB_RECORD_H

#include "stream.h"
#include <fairlead/note.h>
#include <fairlead/thread.h>

struct record_state {
	bool running;
	uint64_t frames, bytes, dropped;
	char why[STREAM_WHY]; /* it has stopped; "" */
};

struct record {
	struct stream *stream;
	const char *file;
	uint64_t limit;
	fl_thread *thread;
	fl_note stop;
	fl_lock lock;
	struct record_state state; /* under the lock */
};

/* Begins to record the stream, whose view is open. Returns 0, -ENOMEM, -EAGAIN. What is wrong with the file is said by
 * the state. */
int record_open(struct stream *stream, const char *file) FL_ALL_NONNULL FL_MUST_CHECK;
/* Asks it to end, and to finish the file; waits until it has. NULL is allowed. */
void record_stop(struct record *record);
void record_close(struct record *record);

void record_state_get(struct record *record, struct record_state *ret_state) FL_ALL_NONNULL;

#endif
