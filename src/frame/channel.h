/*
 * frame/channel.h - a channel as its producer has it, and what the parts of frame/ ask of each other.
 *
 * frames.c publishes, seats.c knows who reads, serve.c lets readers of other processes in, reader.c reads. A reader is
 * a seat here, whether it is a thread of this process or another one: the difference is only how its bell is rung.
 *
 * Invariants:
 *   [C1] Seats, n_pinned, `memory` and the figures change under `lock`. It is held for some microseconds: a reader is
 *        never waited for under it.
 *   [C2] The loaned slot belongs to the producer's thread alone. So a memory is replaced only when nothing is loaned.
 *   [C3] A seat that is taken away is not looked at any more from then on, whatever its reader still does in its page.
 *        That happens only when the reader has left, or its process has ended: one that is disconnected may hold
 *        frames, and keeps its seat until then.
 *   [C4] A producer that is about to sleep, for room or for a reader, puts itself into the queue of the channel's
 *        address (base/park.h), and then looks once more: at the seats under `lock`, for room as [F4] says. Who brings
 *        what it may wait for does so first, a seat under `lock` too, and then takes all out of that queue. So either
 *        the look sees it, or who brought it finds the producer in the queue. It may be woken by what it does not wait
 *        for, or for what is gone again: it looks, and sleeps again.
 */
#ifndef FL_FRAME_CHANNEL_H
#define FL_FRAME_CHANNEL_H

#include "base/inner.h"
#include "base/park.h"
#include "frame/pins.h"
#include <fairlead/frames.h>
#include <sys/types.h>

#define FL_FRAMES_NOTHING UINT32_MAX

struct fl_frames_seat {
	struct fl_frames_seat *next;
	struct fl_pinned pinned;
	char name[FL_FRAMES_NAME];
	pid_t process;
	int socket; /* of a reader in another process; -1: it is in this one, */
	int bell;   /* and this is its eventfd, or -1 */
	bool gone;  /* it was disconnected, or wants no more: only what it holds still counts */
	uint64_t dropped;
	fl_time since;
};

struct fl_frames_server;

struct fl_frames {
	uint32_t refs; /* the producer's, and one for each reader in this process */
	uint8_t epoch; /* in which generation of forked children it was made (base/fork.h) */
	char name[FL_FRAMES_NAME];
	uint32_t max_readers, max_pinned;
	enum fl_frames_full full;

	struct fl_inner lock;
	struct fl_frames_seat *seats;
	uint32_t n_seats, n_pinned;
	uint64_t dropped, refused;
	uint64_t admitted; /* readers that have been let in, ever */
	struct fl_frames_memory *memory;

	/* The producer's own. */
	uint64_t sequence;
	uint64_t admitted_before; /* what `admitted` was when it began to wait for readers */
	uint32_t loaned;          /* a slot, or FL_FRAMES_NOTHING */
	size_t loaned_size;
	uint8_t *used;      /* for each slot, while one is looked for */
	uint8_t *committed; /* for each slot: there is memory behind it */
	struct fl_frames_server *server;
};

/* Whether this is a forked child of the process that made it. */
bool fl_frames_forked_(uint8_t epoch);

/* What a reader's options say, with what 0 stands for. Returns 0, -EINVAL. */
int fl_frames_reader_wish_(const fl_frames_reader_options *options, struct fl_pinned *ret_pinned,
			   char ret_name[FL_FRAMES_NAME]);

/* Lets a reader in. The seat has all but its place in the list; the caller keeps the memory of its page. `before` is
 * called under the lock, before the producer sees the seat, and may refuse it. Returns 0, -EUSERS,
 * -EPIPE: the channel is closed; or what `before` said. */
int fl_frames_admit_(struct fl_frames *frames, struct fl_frames_seat *seat,
		     int (*before)(struct fl_frames *frames, struct fl_frames_seat *seat, void *arg), void *arg);
/* Its reader wants no more frames, but still holds some. */
void fl_frames_retire_(struct fl_frames *frames, struct fl_frames_seat *seat);
/* Counts one that was not let in. */
void fl_frames_refused_(struct fl_frames *frames);
/* How many want frames: seats that are not gone. Under the lock. */
uint32_t fl_frames_wanting_(const struct fl_frames *frames);
/* Takes a seat away, and frees it, not its page. */
void fl_frames_dismiss_(struct fl_frames *frames, struct fl_frames_seat *seat);

/* Ends a reader that did not keep up. Its process, or its next call, finds out; its seat stays until it leaves. [C3]
 * Under the lock, as the next one. */
void fl_frames_disconnect_(struct fl_frames_seat *seat);
/* Rings for all who are about to sleep, or sleep. Those of this process are put into the list, to be woken. */
void fl_frames_ring_all_(struct fl_frames *frames, struct fl_wake_list *list);

/* The producer sleeps until it is told of something; if waits(frames) says so, once it is in the queue. Returns 0, also
 * if it did not sleep: look again; -ETIMEDOUT, -ECANCELED. [C4] */
int fl_frames_wait_told_(struct fl_frames *frames, bool (*waits)(struct fl_frames *frames), fl_time deadline,
			 fl_note *note);
/* Wakes the producer, if it sleeps there: there is room in a queue, or a reader. Not under the lock. */
void fl_frames_tell_producer_(struct fl_frames *frames);

struct fl_frames *fl_frames_ref_(struct fl_frames *frames);
void fl_frames_unref_(struct fl_frames *frames);

/* Begins to let readers of other processes in (serve.c). Returns 0, or as fl_frames_serve. */
int fl_frames_begin_serving_(struct fl_frames_server **ret_server, struct fl_frames *frames);
void fl_frames_stop_serving_(struct fl_frames_server *server);
/* In a forked child, where its thread is not. */
void fl_frames_abandon_server_(struct fl_frames_server *server);

#endif
