/*
 * frame/reader.h - a reader, in the process of the producer (attach.c) or in another one (open.c).
 *
 * What both have is a page of pins and a memory; reader.c takes frames by these alone. The two files differ in how to
 * wait for a bell, how to learn of the next memory, and how to leave.
 *
 * A `link` is a reader's connection with one producer: its page, and what makes the producer look at it. It lives as
 * long as the reader uses it, and as long as a frame that was got by it is in somebody's hands: what is in that page
 * must be looked at until then.
 */
#ifndef FL_FRAME_READER_H
#define FL_FRAME_READER_H

#include "frame/channel.h"

/* How many steps, or packets, that lead nowhere may follow each other: more is mischief. */
#define FL_FRAMES_PATIENCE 1000u

struct fl_frames_reader;
struct fl_frames_link;

/* What the two kinds do each in its way. */
struct fl_frames_kind {
	/* Sleeps until the bell is rung, or there may be something. Returns 0, -ETIMEDOUT, -ECANCELED, or an error. */
	int (*wait)(struct fl_frames_reader *reader, fl_time deadline, fl_note *note);
	/* Hears what was said, and makes the descriptor unreadable. Returns whether there is one. */
	bool (*hear)(struct fl_frames_reader *reader);
	/* Returns why there will be nothing more from this producer: -EPIPE, or what went wrong; 0: it goes on. */
	int (*ended)(const struct fl_frames_link *link);
	/* Finds another producer, after the end was said. Returns 0, or as fl_frames_open_until; -EPIPE: there can be
	 * none. */
	int (*again)(struct fl_frames_reader *reader, fl_time deadline, fl_note *note);
	/* Tells the producer that there is room in the queue. */
	void (*tell_room)(struct fl_frames_link *link);
	int (*fd)(struct fl_frames_link *link);
	/* Wants nothing more, but still holds frames. */
	void (*retire)(struct fl_frames_link *link);
	/* Gives up the place, and all that the link has. */
	void (*leave)(struct fl_frames_link *link);
};

struct fl_frames_link {
	const struct fl_frames_kind *kind;
	uint32_t refs;
	uint8_t epoch; /* base/fork.h */
	struct fl_pins *pins;

	/* In the producer's process. */
	struct fl_frames *frames;
	struct fl_frames_seat *seat;

	/* In another one. */
	int socket, pidfd, epoll; /* -1: none */
	int broken;               /* why it has ended; 0: it has not */
};

struct fl_frames_reader {
	struct fl_frames_link *link;
	struct fl_frames_memory *memory;
	struct fl_frames_memory *newest; /* the last one in the row that `memory` begins; open.c's */
	uint64_t last;                   /* the sequence number of what it got last */
	uint32_t n_held, n_queue;        /* what was agreed on */
	uint32_t restarts;
	uint16_t spin; /* base/spin.h */
	bool told;     /* that the producer has ended */
	bool cut;      /* the producer lives, and looks at the page of `link` no more */
	char name[FL_FRAMES_NAME];
	char channel[FL_FRAMES_NAME];
};

/* Makes a reader with what its options say, and without a link. Returns 0, -EINVAL, -ENOMEM. */
int fl_frames_reader_make_(struct fl_frames_reader **ret_reader, const fl_frames_reader_options *options);

/* Makes a link that has nothing yet, with one reference; NULL: no memory. The last reference leaves. */
struct fl_frames_link *fl_frames_link_make_(const struct fl_frames_kind *kind);
void fl_frames_link_unref_(struct fl_frames_link *link);

/* Whether there is something to look at, before a sleep. */
bool fl_frames_anything_(struct fl_frames_reader *reader);

#endif
