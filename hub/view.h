/*
 * hub/view.h - a stream as JPEGs, for all who look at it from outside: made while somebody looks, and once for all.
 *
 * Its thread sleeps while nobody looks, and is then no reader of the stream: what nobody sees costs nothing. When
 * somebody comes it makes a package (package.h) of the last frame at once, and then of each new one; or of the newest,
 * if making one takes longer than that. A stream of JPEGs is passed on as it is.
 */
#ifndef HUB_VIEW_H
#define HUB_VIEW_H

#include "meter.h"
#include "stream.h"
#include <fairlead/condition.h>
#include <fairlead/note.h>
#include <fairlead/thread.h>

struct view_state {
	uint64_t packages;
	uint64_t bad;        /* frames of which no JPEG could be made */
	double milliseconds; /* what the last one took, */
	uint64_t bytes;      /* and how large it was */
};

struct view {
	struct stream *stream;
	fl_frames *packages;
	fl_thread *thread;
	fl_condition changed;    /* what follows is under its lock */
	unsigned lookers, every; /* who look; who of them want every frame */
	unsigned comings;        /* how often somebody came when nobody looked */
	bool stopping;
	fl_note *note; /* of the thread, while it works */
	struct view_state state;
};

int view_open(struct stream *stream) FL_ALL_NONNULL FL_MUST_CHECK;
void view_stop(struct view *view);
void view_close(struct view *view);

/* Somebody begins to look, and wants every frame or the latest; and stops doing so. Any thread; does not block. */
void view_look(struct view *view, bool every) FL_ALL_NONNULL;
void view_leave(struct view *view, bool every) FL_ALL_NONNULL;

/* Whether anybody does. */
bool view_is_seen(struct view *view) FL_ALL_NONNULL;

void view_state_get(struct view *view, struct view_state *ret_state) FL_ALL_NONNULL;

#endif
