/*
 * fairlead/frames.h - the frame channel: one producer writes images, any number of readers see them whole.
 *
 * You never read memory that is being written: you pin a finished frame, use it where it lies, and give it back.
 * Nothing is copied after the producer has filled a frame, and the producer waits for nobody: not for a slow reader,
 * nor for one that is stopped or killed.
 *
 *     // the camera
 *     fl_frames *frames;
 *     fl_frames_create(&frames, &(fl_frames_options){.name = "cam0"});
 *     fl_frames_serve(frames);                            // only if other processes are to read it
 *     while (fl_frames_loan(frames, info.size, &data) == 0) {
 *             grab(data);
 *             fl_frames_publish(frames, &info);
 *     }
 *
 *     // the same, of a camera that works only while somebody looks
 *     while (fl_frames_wait_readers(frames) == 0 && fl_frames_loan(frames, info.size, &data) == 0) { ... }
 *
 *     // who looks: in the same process fl_frames_attach(&reader, frames, NULL), in another one
 *     fl_frames_open(&reader, "cam0", NULL);
 *     FL_FRAME(frame);
 *     while (fl_frames_next(reader, &frame) == 0)         // sleeps until there is a frame; gives the last one back
 *             use(frame.data, &frame.info);
 *
 * A reader gets the latest frame, and misses those that came while it was busy; or every frame, by a queue of its own
 * (`every`), and what does not fit there is dropped. Both are counted, for each reader by its name.
 *
 * Death. What a reader held is free again when its process ends, however it ends. Of a producer that ended the readers
 * keep the last whole frame; fl_frames_next returns -EPIPE at once, one time, and after that waits until a producer
 * serves the same name again. Nothing is polled.
 *
 * Trust. Readers in other processes have the frames mapped for reading only and can neither write nor truncate nor
 * keep the producer waiting. What they write, a page of their own, is checked before it is used. A reader checks what
 * it gets from a producer just so. Only processes of the same user are let in.
 *
 * Several threads may use a channel at once if one of them at most loans, publishes, waits for readers and begins to
 * serve. A reader is used by one thread at a time; threads that all read attach a reader each. No call may come from a
 * signal handler. No call fails or returns early because of a signal. A channel and a reader belong to the process that
 * made them: in a forked child their calls return -EPERM, and only fl_frames_close and fl_frames_reader_close make
 * sense.
 *
 * When not to use it: for values of a few bytes (a lock and a struct do), or for items of which each is worked on by
 * one of several threads.
 */
#ifndef FAIRLEAD_FRAMES_H
#define FAIRLEAD_FRAMES_H

#include <fairlead/attributes.h>
#include <fairlead/frame.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* A channel, as its producer has it; and a reader of one. */
typedef struct fl_frames fl_frames;
typedef struct fl_frames_reader fl_frames_reader;

#define FL_FRAMES_NAME 64u      /* bytes of a name, with its 0 */
#define FL_FRAMES_HELD 16u      /* how many frames a reader may hold, */
#define FL_FRAMES_QUEUE 128u    /* and how many its queue may have */
#define FL_FRAMES_READERS 1024u /* how many readers a channel may have, */
#define FL_FRAMES_PINNED 65000u /* and how many frames they may hold and have queued together */

/* What becomes of a frame that does not fit into a reader's queue. */
enum fl_frames_full {
	FL_FRAMES_DROP,       /* this reader does not get it; it is counted */
	FL_FRAMES_DISCONNECT, /* the reader is disconnected: it gets what it has queued, and then -EPIPE */
};

/* How a channel is to be made. All zero is what a NULL pointer means: the defaults. */
typedef struct fl_frames_options {
	const char *name; /* up to 63 of A-Z a-z 0-9 . _ -, the first one no dot; NULL: none, it cannot be served */
	size_t size;      /* how large frames are likely to be, in bytes; they may be larger. 0: 1 MiB */
	uint32_t readers; /* how many readers it admits at a time; 0: 8 */
	uint32_t pinned;  /* how many frames they may hold and have queued together; 0: 4 for each reader */
	enum fl_frames_full full;
	uint32_t fl_spare0;
	uint64_t fl_spare[4]; /* these must be zero */
} fl_frames_options;

/* How a reader wants its frames. All zero is what a NULL pointer means: the latest, one at a time. */
typedef struct fl_frames_reader_options {
	const char *name;     /* by which statistics call it, up to 63 bytes; NULL: the program's name */
	uint32_t every;       /* 0: the latest frame; otherwise every frame, by a queue of that many, up to 128 */
	uint32_t held;        /* how many frames it may hold at a time, up to 16; 0: 1 */
	uint64_t fl_spare[4]; /* these must be zero */
} fl_frames_reader_options;

/* A frame that a reader holds. All zero holds nothing. The members that begin with fl_ are private. */
typedef struct fl_frame {
	const void *data; /* info.size bytes, for reading */
	fl_frame_info info;
	uint64_t sequence; /* 1, 2, 3, ... as the channel published them */
	fl_time published; /* when, on CLOCK_MONOTONIC */
	uint64_t missed;   /* how many frames this reader has not got since the last one that it got */
	uint32_t restarts; /* how many producers this reader has outlived */
	uint32_t fl_hold;
	struct fl_frames_link *fl_link;
	void *fl_memory;
} fl_frame;

/* A frame that gives itself back at the end of its block: FL_FRAME(frame); fl_frames_next(reader, &frame).  Since
 * 0.1. */
#define FL_FRAME(name) fl_frame name __attribute__((cleanup(fl_frames_done))) = {0}

/* Makes a channel, without a descriptor or a thread. Returns 0;
 * -EINVAL: the name, a number or a spare field of the options is not as it must be;
 * -ENOMEM: no memory for frames of that size.
 * Does not block.  Since 0.1. */
int fl_frames_create(fl_frames **ret_frames, const fl_frames_options *options) FL_NONNULL(1) FL_MUST_CHECK;

/* Lets other processes read the channel, under its name: $XDG_RUNTIME_DIR/fairlead/NAME, or /tmp/fairlead-UID/NAME if
 * that variable is not set. Starts a daemon thread, "frames", that lets readers in and notices when they are gone, and
 * ends in fl_frames_close. Returns 0;
 * -EINVAL: it has no name;
 * -EADDRINUSE: a living process serves that name already;
 * -EBUSY: a frame is loaned, or it is served already;
 * -EPERM: the directory is another user's, or this is a forked child;
 * -ENOMEM, -EAGAIN (no more threads), -EMFILE, -ENAMETOOLONG, -EACCES, -ENOSPC: what the system said.
 * Does not block.  Since 0.1. */
int fl_frames_serve(fl_frames *frames) FL_ALL_NONNULL FL_MUST_CHECK;

/* Ends the channel: readers that wait, and those that come to wait, get -EPIPE; they keep what they hold, and
 * fl_frames_latest goes on giving them the last frame. NULL is allowed. Returns NULL. Blocks until the thread of
 * fl_frames_serve has ended, a moment. */
fl_frames *fl_frames_close(fl_frames *frames);

/* Lends the producer memory for a frame of up to `size` bytes, which nobody reads until it is published. What is in it
 * is not defined. Never waits for a reader. The memory is page-aligned. Returns 0;
 * -EBUSY: a frame is loaned already;
 * -EINVAL: size is 0;
 * -ENOMEM: no memory for a frame of that size; and of a channel that is served -EMFILE;
 * -EPERM: in a forked child.
 * When a frame is larger than those before it, this makes larger memory, once, which takes a while.  Since 0.1. */
int fl_frames_loan(fl_frames *frames, size_t size, void **ret_data) FL_ALL_NONNULL FL_MUST_CHECK;

/* Publishes the loaned frame: from now on it is the latest. Wakes readers that wait. `info` says what it is; its
 * `captured` may be 0. Never waits for a reader: what does not fit into the queue of one that wants every frame is
 * dropped for that reader. Returns for how many readers it was dropped, mostly 0;
 * -EINVAL: no frame is loaned, or the description contradicts itself; -EMSGSIZE: it is larger than what was loaned
 * (fl_frame_info_check). The frame then stays loaned.
 * -EPERM: in a forked child. */
int fl_frames_publish(fl_frames *frames, const fl_frame_info *info) FL_ALL_NONNULL;

/* As fl_frames_publish, but waits first, until the frame fits into all queues or the deadline passes or `note` (may be
 * NULL) is cancelled; then it is published in any case, as above. It is for files and for tests, that can wait; a
 * camera cannot. A reader that dies meanwhile is not waited for. */
int fl_frames_publish_until(fl_frames *frames, const fl_frame_info *info, fl_time deadline, fl_note *note)
	FL_NONNULL(1, 2);

/* Gives the loaned frame back unpublished. Does nothing if there is none. */
void fl_frames_discard(fl_frames *frames) FL_ALL_NONNULL;

/* Blocks until the channel has a reader, in whatever process: for a producer that works only while somebody looks.
 * Counted are those who want frames, as in `readers` of fl_frames_stats: a reader counts from when it is attached until
 * it is closed or disconnected or its process has ended (if it is in another process, until a moment after that), and
 * not for what it holds then. If there is one this returns at once, so it may be called before each frame. A
 * reader that comes while this waits is seen, also if it has gone again before the producer wakes up.
 *
 * Nobody tells a producer that nobody looks any more: it finds out by calling this again, or when `readers` is 0.
 *
 * The last frame stays, however old. Who comes gets it at once, before the producer publishes again: by fl_frames_next,
 * or, if the reader wants every frame, which begins with the next one, by fl_frames_latest. Its `published` says how
 * old it is.
 *
 * Only the thread that loans and publishes calls it; a frame may be loaned meanwhile. The channel must not be closed
 * under it: cancel its note, and close the channel when it has returned. Returns 0;
 * -EPERM: in a forked child.  Since 0.1. */
int fl_frames_wait_readers(fl_frames *frames) FL_ALL_NONNULL FL_MUST_CHECK;
/* As fl_frames_wait_readers; also -ETIMEDOUT and -ECANCELED. A deadline that has passed never blocks; if there is a
 * reader it returns 0, whatever the deadline and the note say. */
int fl_frames_wait_readers_until(fl_frames *frames, fl_time deadline, fl_note *note) FL_NONNULL(1) FL_MUST_CHECK;

/* Attaches a reader in the process of the producer. `options` may be NULL. The channel may be closed before the
 * reader. Returns 0;
 * -EINVAL: an option is not as it must be;
 * -EUSERS: the channel has all the readers, or has pinned all the frames, that its options admit;
 * -EPIPE: it is closed; -ENOMEM; -EPERM: in a forked child.  Since 0.1. */
int fl_frames_attach(fl_frames_reader **ret_reader, fl_frames *frames, const fl_frames_reader_options *options)
	FL_NONNULL(1, 2) FL_MUST_CHECK;

/* Attaches a reader to a channel that another process (or this one) serves under that name; waits until one does.
 * `options` may be NULL. Returns 0; -EINVAL, -ENOMEM, and -EUSERS as fl_frames_attach, or too many are at the door;
 * -EPERM, -EACCES: the directory, or who serves there, is another user's;
 * -EPROTO: who serves that name does not speak this version of the protocol, or breaks it;
 * -ENOENT: XDG_RUNTIME_DIR says where, and there is no such directory;
 * -EMFILE, -ENAMETOOLONG: what the system said (it lets 128 readers of a user wait for a producer at a time, if
 * fs.inotify.max_user_instances is as usual).  Since 0.1. */
int fl_frames_open(fl_frames_reader **ret_reader, const char *name, const fl_frames_reader_options *options)
	FL_NONNULL(1, 2) FL_MUST_CHECK;
/* As fl_frames_open; also -ECANCELED, and -ETIMEDOUT: nobody has served that name by then. With a deadline that has
 * passed it only looks. Who does serve it has a second to answer, whatever the deadline. */
int fl_frames_open_until(fl_frames_reader **ret_reader, const char *name, const fl_frames_reader_options *options,
			 fl_time deadline, fl_note *note) FL_NONNULL(1, 2) FL_MUST_CHECK;

/* Ends a reader. Frames that it holds stay readable until they are given back, and count as held until then. NULL is
 * allowed. Returns NULL. Does not block. */
fl_frames_reader *fl_frames_reader_close(fl_frames_reader *reader);

/* Blocks until there is a frame that this reader has not had, and holds it. `frame` must be all zero or hold a frame;
 * that one is given back first. Returns 0;
 * -EBUSY: it holds as many as it may, in other frames;
 * -EPIPE: the producer has ended, or has disconnected this reader. Said once for each producer; later calls wait for
 *         another producer of that name. For a channel that had none (fl_frames_attach) it is said each time.
 * -EPROTO, and -ENOMEM and -EMFILE when there is no room for larger frames: this producer counts as ended, as above;
 * -EPERM: in a forked child.
 * And when it attaches again what fl_frames_open returns, -EUSERS among it: frames that it holds of a producer that
 * lives count until they are given back. */
int fl_frames_next(fl_frames_reader *reader, fl_frame *frame) FL_ALL_NONNULL FL_MUST_CHECK;
/* As fl_frames_next; also -ETIMEDOUT and -ECANCELED. A deadline that has passed never blocks, except that a producer
 * that is found has a second to answer, as in fl_frames_open_until. */
int fl_frames_next_until(fl_frames_reader *reader, fl_frame *frame, fl_time deadline, fl_note *note) FL_NONNULL(1, 2)
	FL_MUST_CHECK;

/* Holds the latest frame, whether this reader has had it or not, and whether its producer lives or not: for a
 * snapshot. `frame` is as for fl_frames_next. Never blocks. Returns 0;
 * -EAGAIN: there has been none yet;
 * -EPIPE: the reader was disconnected by a producer that goes on, and has not been let in again;
 * -EBUSY; -EPERM. */
int fl_frames_latest(fl_frames_reader *reader, fl_frame *frame) FL_ALL_NONNULL FL_MUST_CHECK;

/* Gives a frame back and makes it all zero. Does nothing if it is. Never blocks. */
void fl_frames_done(fl_frame *frame) FL_ALL_NONNULL;

/* Returns a descriptor that becomes readable when a call of fl_frames_next may have something to say, for poll, epoll
 * or an event loop. Before the first wait for it, and whenever it is readable, call fl_frames_next_until with a
 * deadline of 0 until that returns -ETIMEDOUT: only this makes it wait for what comes then. It belongs to the reader;
 * use it for nothing but waiting. It is another one after the reader has been told -EPIPE: ask again. Returns -EMFILE,
 * -ENOMEM, -EPERM; -EPIPE: there is no producer now. Does not block. */
int fl_frames_fd(fl_frames_reader *reader) FL_ALL_NONNULL;

/* A reader, as the producer sees it. */
typedef struct fl_frames_reader_stats {
	char name[FL_FRAMES_NAME];
	int32_t process;  /* its id */
	uint32_t every;   /* as its options say */
	uint32_t queued;  /* frames in its queue, */
	uint32_t held;    /* and in its hands */
	uint64_t taken;   /* how many it has got; its own word */
	uint64_t missed;  /* how many came and went unseen, while it took the latest; its own word */
	uint64_t dropped; /* how many did not fit into its queue */
	fl_time since;    /* when it attached */
} fl_frames_reader_stats;

/* A channel. */
typedef struct fl_frames_stats {
	uint64_t published;
	uint64_t dropped;    /* for readers that are gone, too */
	uint64_t refused;    /* readers that were not let in */
	uint32_t readers;    /* that want frames: neither closed nor disconnected */
	uint32_t slots;      /* how many frames it has room for, */
	uint32_t slots_used; /* how many of these have been used, and take memory */
	uint32_t fl_spare0;
	size_t slot_size; /* in bytes */
} fl_frames_stats;

/* Tells how the channel is doing; in a forked child, all zero. Any thread may call it. Does not block. */
void fl_frames_stats_get(fl_frames *frames, fl_frames_stats *ret_stats) FL_ALL_NONNULL;

/* Tells how up to `n` of its readers are doing, the longest-attached first. Returns how many there are. `ret_stats`
 * may be NULL if n is 0. Among them are, other than in `readers` above, those that are closed or disconnected and have
 * not yet given back all that they hold: they have a place and slots until then. Any thread may call it. Returns
 * -EPERM in a forked child. Does not block. */
int fl_frames_readers(fl_frames *frames, size_t n, fl_frames_reader_stats *ret_stats) FL_NONNULL(1);

FL_END_DECLS

#endif
