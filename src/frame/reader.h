/*
 * frame/reader.h - a reader, in the process of the producer (attach.c) or in another one (open.c).
 *
 * What both have is a page of pins and a memory; reader.c takes frames by these alone. The two files differ in how to
 * wait for a bell, how to learn of the next memory, and how to leave.
 */
#ifndef FL_FRAME_READER_H
#define FL_FRAME_READER_H

#include "frame/channel.h"

struct fl_frames_reader;

/* What the two kinds do each in its way. */
struct fl_frames_kind {
	/* Sleeps until the bell is rung, or there may be something. Returns 0, -ETIMEDOUT, -ECANCELED, or an error. */
	int (*wait)(struct fl_frames_reader *reader, fl_time deadline, fl_note *note);
	/* Makes the descriptor unreadable, if there is one. Returns whether there is. */
	bool (*hush)(struct fl_frames_reader *reader);
	/* Learns of the memory that comes after the present one, if that was announced. */
	void (*catch_up)(struct fl_frames_reader *reader);
	/* Whether the producer, or this reader's place, is no more. */
	bool (*ended)(struct fl_frames_reader *reader);
	/* Finds another producer, after -EPIPE was said. Returns 0, or as fl_frames_open_until; -EPIPE: there can be
	 * none. */
	int (*again)(struct fl_frames_reader *reader, fl_time deadline, fl_note *note);
	/* Tells the producer that there is room in the queue. */
	void (*tell_room)(struct fl_frames_reader *reader);
	int (*fd)(struct fl_frames_reader *reader);
	/* Gives up the place, and all of `pins`. */
	void (*leave)(struct fl_frames_reader *reader);
};

struct fl_frames_reader {
	const struct fl_frames_kind *kind;
	struct fl_pins *pins;
	struct fl_frames_memory *memory;
	uint64_t last;            /* the sequence number of what it got last */
	uint32_t n_held, n_queue; /* what was agreed on */
	uint32_t holding;         /* how many frames are in the caller's hands */
	uint32_t restarts;
	uint16_t spin; /* base/spin.h */
	uint8_t epoch;
	bool told;    /* that the producer has ended */
	bool closing; /* with the last frame that is given back */
	char name[FL_FRAMES_NAME];

	/* In the producer's process. */
	struct fl_frames *frames;
	struct fl_frames_seat *seat;

	/* In another one. */
	char channel[FL_FRAMES_NAME];
	int socket, pidfd, epoll; /* -1: none */
	bool broken;              /* the connection has ended */
	struct fl_frames_memory *newest;
};

/* Makes a reader with what its options say, and nothing else. Returns 0, -EINVAL, -ENOMEM. */
int fl_frames_reader_make_(struct fl_frames_reader **ret_reader, const struct fl_frames_kind *kind,
			   const fl_frames_reader_options *options);

/* Whether there is something to look at, before a sleep. */
bool fl_frames_anything_(struct fl_frames_reader *reader);

#endif
