/*
 * fairlead/shared_queue.h - a queue between processes: items passed on by value, which survive whoever dies. Python's
 * multiprocessing.Queue and JoinableQueue.
 *
 *     fl_segment_open(&segment, "shop", NULL);
 *     fl_segment_queue(segment, "orders", &(fl_shared_queue_options){.limit = 100}, &orders);
 *
 *     fl_shared_queue_put(orders, text, strlen(text) + 1);         // a process that puts: waits while 100 are in it
 *
 *     fl_shared_queue_item order;                                  // one that works: has each item until it is done
 *     FL_SHARED_QUEUE_EACH(orders, order) {
 *             work(order.data, order.size);
 *             fl_shared_queue_task_done(orders, &order);
 *     }
 *
 *     fl_shared_queue_join(orders);                                // whoever wants to know that all of it is done
 *     fl_shared_queue_shutdown(orders);                            // no more to come: the loops of those who work end
 *
 * An item has any number of bytes up to item_size, and lies in a place of the queue until it is done:
 * fl_shared_queue_get copies it out, fl_shared_queue_peek shows it where it lies. There are `limit` places, all made
 * with the queue; an item that somebody has and has not done yet still takes one. For larger things put offsets
 * (fairlead/segment.h).
 *
 * Order, waiting, shutting down and joining are those of fairlead/queue.h.
 *
 * Death. When put or commit has returned, the item is there, whatever becomes of who put it: nothing passes through a
 * buffer or a thread of the process. A process that is killed in the middle of a put leaves nothing. What it had taken
 * and not done is handed out again, where the order has it (of a queue first in first out: before all others), with a
 * higher count of deliveries; or, when it has been delivered as often as the queue was told (the option `deliveries`),
 * dropped and counted. That a process has closed the segment, or that the last of its threads that used it has ended,
 * is the same as that it has died. Those who wait are woken by the death.
 *
 * All calls may come from any thread of any process that has the segment open, none from signal handlers. No call fails
 * or returns early because of a signal. Each takes a lock for a moment, also those that "never block": a process that
 * is *stopped* in that moment keeps the others waiting until it goes on or is killed.
 *
 * When not to use it: between threads (fairlead/queue.h is faster); for images (fairlead/frames.h); between two
 * processes one of which started the other, when nothing has to survive (fairlead/pipe.h).
 */
#ifndef FAIRLEAD_SHARED_QUEUE_H
#define FAIRLEAD_SHARED_QUEUE_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/queue.h>
#include <fairlead/segment.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* A queue in a segment, as it is mapped in this process. It is there for as long as the segment is open, and is not to
 * be closed or freed; fl_segment_delete deletes it for all. */
typedef struct fl_shared_queue fl_shared_queue;

#define FL_SHARED_QUEUE_LIMIT (1u << 20) /* the most places that a queue may have, */
#define FL_SHARED_QUEUE_ITEM (1u << 30)  /* and the most bytes of an item */

/* How a queue is to be made. */
typedef struct fl_shared_queue_options {
	enum fl_queue_kind kind;
	uint32_t item_size;   /* the most bytes of an item; 0: 256 */
	uint32_t limit;       /* how many items it has room for; 0: 64 */
	uint32_t priority_at; /* where in an item its priority is, an int64_t, for FL_QUEUE_PRIORITY */
	uint32_t deliveries; /* how often an item is handed out before it is dropped: when who has it dies; 0: no end */
	uint32_t fl_spare0;
	uint64_t fl_spare[4]; /* these must be zero */
} fl_shared_queue_options;

/* An item that this process has: one that it is about to put, or has taken and not done. It may be copied, and handed
 * to another thread of the process. */
typedef struct fl_shared_queue_item {
	void *data;          /* in the segment, at a multiple of 64 bytes */
	size_t size;         /* in bytes */
	uint64_t number;     /* it was the so-manieth to be put, from 1 on; 0: it has not been put yet */
	uint32_t deliveries; /* how often it has been handed out, this time included; 0: it has not been put yet */
	uint32_t fl_slot, fl_use;
	uint32_t fl_spare;
} fl_shared_queue_item;

/* Finds the queue of that name in the segment, or makes it. With options NULL it is only found. Takes as much memory as
 * limit x (64 + item_size, rounded up to a multiple of 64) bytes and a little more. Returns 1: it was made; 0: it was
 * found;
 * -EPROTO: there is an object of that name that is no queue, or a queue made with other options (fl_segment_why says
 * which), or it is damaged;
 * -ENOENT: there is none, and no options to make one;
 * -EINVAL: a limit, size or kind that cannot be; a priority that is not inside of item_size or not at a multiple of 8;
 * a spare field that is not zero; a name as for fl_segment_object;
 * -ENOSPC, -EUSERS, -EMFILE as fl_segment_object.  Since 0.1. */
int fl_segment_queue(fl_segment *segment, const char *name, const fl_shared_queue_options *options,
		     fl_shared_queue **ret_queue) FL_NONNULL(1, 2, 4) FL_MUST_CHECK;

/* All of the calls below may also return
 * -EPROTO: the queue is damaged: another process has written where it had no business;
 * -EINVAL: it is in no segment that this process has open; reported as misuse;
 * -EUSERS, -ENOSYS, -ENOMEM, -ENOSPC: this thread could not get a place among those who use the segment (see there,
 * "Threads"); -EACCES: the segment is only looked at. */

/* Putting. */

/* Puts a copy of `size` bytes; blocks while there is no room. Returns 0;
 * -EPIPE: the queue is shut down;
 * -EMSGSIZE: more bytes than an item may have; of a queue by priority: so few that the priority is not among them. */
int fl_shared_queue_put(fl_shared_queue *queue, const void *data, size_t size) FL_NONNULL(1);
/* Also -ETIMEDOUT and -ECANCELED: nothing was put. If there is room it is put, whatever the deadline and the note
 * say. */
int fl_shared_queue_put_until(fl_shared_queue *queue, const void *data, size_t size, fl_time deadline, fl_note *note)
	FL_NONNULL(1) FL_MUST_CHECK;
/* Never waits for room: also -EAGAIN, there is none. */
int fl_shared_queue_put_try(fl_shared_queue *queue, const void *data, size_t size) FL_NONNULL(1) FL_MUST_CHECK;

/* The same without copying: gives room for an item, data and size (item_size) of ret_item, to be filled in there. Then
 * commit or abandon it. What is in the room is not cleared. Blocks while there is none. Returns 0; -EPIPE. */
int fl_shared_queue_reserve(fl_shared_queue *queue, fl_shared_queue_item *ret_item) FL_ALL_NONNULL;
/* Also -ETIMEDOUT, -ECANCELED. */
int fl_shared_queue_reserve_until(fl_shared_queue *queue, fl_shared_queue_item *ret_item, fl_time deadline,
				  fl_note *note) FL_NONNULL(1, 2) FL_MUST_CHECK;
/* Also -EAGAIN. */
int fl_shared_queue_reserve_try(fl_shared_queue *queue, fl_shared_queue_item *ret_item) FL_ALL_NONNULL FL_MUST_CHECK;

/* Puts an item that was reserved, with as many bytes as item->size says by now. It comes behind all that were put
 * before this call. Does not wait. Returns 0;
 * -EPIPE: the queue was shut down meanwhile; the room is given back;
 * -EMSGSIZE as fl_shared_queue_put; the item is still reserved;
 * -EINVAL: this process has not reserved it, or not any more; reported as misuse. */
int fl_shared_queue_commit(fl_shared_queue *queue, const fl_shared_queue_item *item) FL_ALL_NONNULL;
/* Gives the room back. Returns 0; -EINVAL as commit. */
int fl_shared_queue_abandon(fl_shared_queue *queue, const fl_shared_queue_item *item) FL_ALL_NONNULL;

/* Getting. */

/* Copies the next item into `data`, which has room for `capacity` bytes; blocks while there is none. With ret_item,
 * this process has the item until fl_shared_queue_task_done, and it is handed out again if the process dies before
 * that. With NULL the item is done with this call. Returns how many bytes it has;
 * -EPIPE: the queue is shut down, and nothing is in it;
 * -EMSGSIZE: the next item has more than `capacity` bytes; it stays in the queue. */
int fl_shared_queue_get(fl_shared_queue *queue, void *data, size_t capacity, fl_shared_queue_item *ret_item)
	FL_NONNULL(1);
/* Also -ETIMEDOUT and -ECANCELED: nothing was taken. If there is an item it is taken, whatever the deadline and the
 * note say. */
int fl_shared_queue_get_until(fl_shared_queue *queue, void *data, size_t capacity, fl_shared_queue_item *ret_item,
			      fl_time deadline, fl_note *note) FL_NONNULL(1) FL_MUST_CHECK;
/* Never waits for an item: also -EAGAIN, there is none. */
int fl_shared_queue_get_try(fl_shared_queue *queue, void *data, size_t capacity, fl_shared_queue_item *ret_item)
	FL_NONNULL(1) FL_MUST_CHECK;

/* The same without copying: this process has the next item, and may read it and write to it, where it is, until
 * task_done, which is what others call to consume it. Returns 0; -EPIPE. */
int fl_shared_queue_peek(fl_shared_queue *queue, fl_shared_queue_item *ret_item) FL_ALL_NONNULL;
/* Also -ETIMEDOUT, -ECANCELED. */
int fl_shared_queue_peek_until(fl_shared_queue *queue, fl_shared_queue_item *ret_item, fl_time deadline, fl_note *note)
	FL_NONNULL(1, 2) FL_MUST_CHECK;
/* Also -EAGAIN. */
int fl_shared_queue_peek_try(fl_shared_queue *queue, fl_shared_queue_item *ret_item) FL_ALL_NONNULL FL_MUST_CHECK;

/* Says that the work on an item is done: it is gone, and its place is free. By any thread of the process that has it.
 * Returns 0;
 * -EINVAL: this process does not have it, or not any more; reported as misuse. Does not wait. */
int fl_shared_queue_task_done(fl_shared_queue *queue, const fl_shared_queue_item *item) FL_ALL_NONNULL;
/* Puts it back instead, to be handed out again where the order has it, however often it has been delivered: of a queue
 * first in first out, before all others. Returns as task_done. */
int fl_shared_queue_give_back(fl_shared_queue *queue, const fl_shared_queue_item *item) FL_ALL_NONNULL;

/* Takes items one by one until the queue is shut down and drained, or cannot be used: FL_SHARED_QUEUE_EACH(queue, item)
 * { ... }. Each is to be done in there. It may be left with break. */
#define FL_SHARED_QUEUE_EACH(queue, item) while (fl_shared_queue_peek((queue), &(item)) == 0)

/* Joining and ending. */

/* Blocks until nothing is in the queue, and nobody has an item of it. Returns 0. */
int fl_shared_queue_join(fl_shared_queue *queue) FL_ALL_NONNULL;
/* Also -ETIMEDOUT and -ECANCELED. */
int fl_shared_queue_join_until(fl_shared_queue *queue, fl_time deadline, fl_note *note) FL_NONNULL(1) FL_MUST_CHECK;

/* Nothing more is put: every put that has not put its item, and each later one, returns -EPIPE. What is in the queue is
 * still got; then gets return -EPIPE. What was reserved cannot be committed any more. If somebody dies with an item
 * after that, it is there again for who asks: where it must be done, join before the shutdown. A second time it does
 * nothing. Returns 0. Does not wait. */
int fl_shared_queue_shutdown(fl_shared_queue *queue) FL_ALL_NONNULL;
/* The same, and drops what is in the queue; what was taken before is still to be done. *ret_dropped, unless it is NULL,
 * is how many items that were. Returns 0. */
int fl_shared_queue_shutdown_now(fl_shared_queue *queue, uint64_t *ret_dropped) FL_NONNULL(1);

/* Looking. */

typedef struct fl_shared_queue_info {
	enum fl_queue_kind kind;
	uint32_t item_size, limit, deliveries; /* as it was made */
	uint32_t size;                         /* items in it */
	uint32_t taken, reserved;              /* items that somebody has; room that somebody has */
	bool is_shutdown;
	uint64_t put;       /* items that were put since it was made, */
	uint64_t delivered; /* that were handed out, each time counted (reckoned from the other figures), */
	uint64_t returned;  /* that came back, by a death or by give_back, */
	uint64_t dropped;   /* that were dropped because of a death, */
	uint64_t cleared;   /* and by fl_shared_queue_shutdown_now */
} fl_shared_queue_info;

/* What there is at this moment: each number is true of a moment within the call, and they need not be of the same one.
 * Takes no lock; also for a segment that is only looked at. Returns 0; -EPROTO, -EINVAL. */
int fl_shared_queue_look(const fl_shared_queue *queue, fl_shared_queue_info *ret_info) FL_ALL_NONNULL;

/* Items in it; items that were put and are not done. 0 of a queue that is damaged. */
uint64_t fl_shared_queue_size(const fl_shared_queue *queue) FL_ALL_NONNULL;
uint64_t fl_shared_queue_unfinished(const fl_shared_queue *queue) FL_ALL_NONNULL;
/* Whether there are none; whether there is no room. */
bool fl_shared_queue_empty(const fl_shared_queue *queue) FL_ALL_NONNULL;
bool fl_shared_queue_full(const fl_shared_queue *queue) FL_ALL_NONNULL;
bool fl_shared_queue_is_shutdown(const fl_shared_queue *queue) FL_ALL_NONNULL;

FL_END_DECLS

#endif
