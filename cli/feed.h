/*
 * feed.h - the pictures that `fairlead frames send` sends: a thread reads them, at most two ahead.
 *
 *     error = feed_open(&feed, &options, why, sizeof(why));     // which files there are
 *     error = feed_start(feed);
 *     error = feed_take(feed, &frame);     // by the thread that sends: -EAGAIN until news() was called again
 *     ... frame.picture->data ...
 *     feed_done(feed);
 *     feed = feed_close(feed);
 */
#ifndef FAIRLEAD_CLI_FEED_H
#define FAIRLEAD_CLI_FEED_H

#include "input.h"

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FEED_AHEAD 2u
#define FEED_WHY 400u

struct feed;

struct feed_options {
	char *const *paths; /* ends with NULL: files, folders, "-" */
	const fl_frame_info *raw;
	bool loop;
	fl_time period;          /* from one to the next; 0: as fast as they are taken */
	uint64_t count;          /* how many at most; 0: all */
	void (*news)(void *arg); /* a picture is there, or the end; called by the feed's thread */
	void *arg;
};

struct feed_frame {
	struct picture *picture;
	fl_time captured; /* when it was read, or when it was due */
};

/* Looks which files there are; a folder stands for those in it whose names say that they are pictures, in the order of
 * their names, where numbers count as such. Returns 0; -ENOMEM, -EMFILE, -ENOENT and what else the system says, with
 * what is wrong in `why`. */
int feed_open(struct feed **ret_feed, const struct feed_options *options, char *why, size_t size)
	FL_ALL_NONNULL FL_MUST_CHECK;
/* Ends the thread, whatever it waits for. NULL is allowed. Returns NULL. */
struct feed *feed_close(struct feed *feed);

/* Starts the thread, and the clock. Returns 0; -EAGAIN, -ENOMEM: there can be no more threads. */
int feed_start(struct feed *feed) FL_ALL_NONNULL FL_MUST_CHECK;

/* Takes the next picture, which stays until feed_done. Returns 0; -EAGAIN: it is not there yet; -ENODATA: that was all;
 * or why there are no more, which feed_why tells. */
int feed_take(struct feed *feed, struct feed_frame *ret_frame) FL_ALL_NONNULL FL_MUST_CHECK;
void feed_done(struct feed *feed) FL_ALL_NONNULL;

/* What was wrong, with the file's name; "": nothing. After feed_take has returned the end. */
const char *feed_why(const struct feed *feed) FL_ALL_NONNULL;
/* How many were ready only a period or more after they were due. */
uint64_t feed_late(struct feed *feed) FL_ALL_NONNULL;

#endif
