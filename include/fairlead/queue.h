/*
 * fairlead/queue.h - Queue, LifoQueue, PriorityQueue: items passed from threads to threads. Python's queue module.
 *
 *     fl_queue *jobs;
 *     fl_queue_create(&jobs, &(fl_queue_options){.item_size = sizeof(struct job), .limit = 100});
 *
 *     fl_queue_put(jobs, &job);               // a producer: waits while 100 are in it
 *
 *     struct job job;                         // a consumer: ends when the queue is shut down and drained
 *     FL_QUEUE_EACH(jobs, job) {
 *             work(&job);
 *             fl_queue_task_done(jobs);
 *     }
 *
 *     fl_queue_join(jobs);                    // whoever wants to know that all of it is done
 *     fl_queue_shutdown(jobs);                // no more to come: the consumers' loops end
 *
 * Items are copied in and out, item_size bytes each; a pointer is the common one, and what it points to goes over to
 * the consumer. What was written before a put is seen after the get of that item.
 *
 * Order. First in, first out: items of one producer come out in the order in which it put them, and an item whose put
 * has returned comes out before one whose put begins after that. Last in, first out: the newest first. By priority: the
 * item with the lowest number first; of equal ones the oldest. Threads that wait are woken in the order in which they
 * came, but one that comes along meanwhile may be quicker.
 *
 * A bound is real: there are never more than `limit` items in the queue. Without a bound a put waits for nobody, and
 * the memory grows (by doubling) as the queue does, and is kept until it is destroyed.
 *
 * An item is never lost, nor got twice: an error means that nothing was put, or got. (put_many and get_many say how
 * many were.)
 *
 * All calls may come from any thread, none from signal handlers: for those there is fairlead/simple_queue.h. No call
 * fails or returns early because of a signal. A queue must outlive the calls that use it. In a forked child it holds
 * what it held in the parent, unless a thread that stayed behind was in the midst of a call: then calls return
 * -ENOTRECOVERABLE.
 *
 * The queue is two locks around a ring, one for those who put and one for those who get, as in Michael and Scott's
 * two-lock queue (PODC 1996).
 *
 * When not to use it: to hand images over use fairlead/frames.h; to run functions, fairlead/executor.h.
 */
#ifndef FAIRLEAD_QUEUE_H
#define FAIRLEAD_QUEUE_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <fairlead/wait_any.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

typedef struct fl_queue fl_queue;

enum fl_queue_kind {
	FL_QUEUE_FIFO,     /* first in, first out */
	FL_QUEUE_LIFO,     /* last in, first out */
	FL_QUEUE_PRIORITY, /* the lowest priority number first; of equal ones the first in */
};

#define FL_QUEUE_ITEM 65536u /* the most bytes that an item may have: for larger ones put pointers */

/* How a queue is to be made. All zero is what a NULL pointer means: first in first out, of pointers, without bound. */
typedef struct fl_queue_options {
	enum fl_queue_kind kind;
	uint32_t item_size;   /* bytes of an item; 0: those of a pointer */
	uint64_t limit;       /* the most items in it at a time; 0: no bound */
	uint32_t priority_at; /* where in an item its priority is, an int64_t: offsetof(struct job, priority) */
	uint32_t fl_spare0;
	const char *name;     /* for reports; NULL: none */
	uint64_t fl_spare[4]; /* these must be zero */
} fl_queue_options;

/* Makes a queue. Returns 0;
 * -EINVAL: an unknown kind, an item of more than FL_QUEUE_ITEM bytes, a priority that is not inside of the item or not
 * at a multiple of 8, or a spare field that is not zero;
 * -ENOMEM.
 * Does not block.  Since 0.1. */
int fl_queue_create(fl_queue **ret_queue, const fl_queue_options *options) FL_NONNULL(1) FL_MUST_CHECK;

/* Ends the queue and drops what is in it. No call may be under way: to destroy one that is waited for is reported as
 * misuse, and then it stays. NULL is allowed. Returns NULL. */
fl_queue *fl_queue_destroy(fl_queue *queue);

/* Puts a copy of *item; blocks while the queue is full. Returns 0;
 * -EPIPE: it is shut down;
 * -ENOMEM: no memory for one more item (not with a bound that the queue has had that many items before);
 * -ENOTRECOVERABLE: see above, after a fork. */
int fl_queue_put(fl_queue *queue, const void *item) FL_ALL_NONNULL;
/* Also -ETIMEDOUT and -ECANCELED: nothing was put. If there is room it is put, whatever the deadline and the note
 * say. */
int fl_queue_put_until(fl_queue *queue, const void *item, fl_time deadline, fl_note *note) FL_NONNULL(1, 2)
	FL_MUST_CHECK;
/* Never blocks: also -EAGAIN, it is full. */
int fl_queue_put_try(fl_queue *queue, const void *item) FL_ALL_NONNULL FL_MUST_CHECK;

/* Takes the next item into *ret_item; blocks while there is none. Returns 0;
 * -EPIPE: the queue is shut down and empty;
 * -ENOTRECOVERABLE: see above, after a fork. */
int fl_queue_get(fl_queue *queue, void *ret_item) FL_ALL_NONNULL;
/* Also -ETIMEDOUT and -ECANCELED: nothing was taken. If there is an item it is taken, whatever the deadline and the
 * note say. */
int fl_queue_get_until(fl_queue *queue, void *ret_item, fl_time deadline, fl_note *note) FL_NONNULL(1, 2) FL_MUST_CHECK;
/* Never blocks: also -EAGAIN, it is empty. */
int fl_queue_get_try(fl_queue *queue, void *ret_item) FL_ALL_NONNULL FL_MUST_CHECK;

/* Puts the n items that lie one after the other at `items`, in that order, as many at a time as there is room for;
 * blocks until all of them are put. Items of other producers may come between them where it had to wait. Returns how
 * many were put, n unless the queue was shut down or memory ran out meanwhile; the error, as of fl_queue_put, if none
 * was. n may be 0, up to INT_MAX; -EINVAL otherwise. */
int fl_queue_put_many(fl_queue *queue, const void *items, size_t n) FL_ALL_NONNULL FL_MUST_CHECK;
/* The same until the deadline: also -ETIMEDOUT and -ECANCELED if none was put. With a deadline that has passed it puts
 * what there is room for. */
int fl_queue_put_many_until(fl_queue *queue, const void *items, size_t n, fl_time deadline, fl_note *note)
	FL_NONNULL(1, 2) FL_MUST_CHECK;

/* Takes up to n items, as they are there, into the array at `ret_items`; blocks while there is none. Returns how many,
 * at least 1 unless n is 0; the errors of fl_queue_get. */
int fl_queue_get_many(fl_queue *queue, void *ret_items, size_t n) FL_ALL_NONNULL FL_MUST_CHECK;
/* Also -ETIMEDOUT and -ECANCELED. */
int fl_queue_get_many_until(fl_queue *queue, void *ret_items, size_t n, fl_time deadline, fl_note *note)
	FL_NONNULL(1, 2) FL_MUST_CHECK;

/* Says that the work on one item that was got is done. Called more often than items were put it is reported as
 * misuse, and counts for nothing. Does not block. */
void fl_queue_task_done(fl_queue *queue) FL_ALL_NONNULL;

/* Blocks until task_done was called for every item that was put (or it was dropped by fl_queue_shutdown_now). Returns
 * 0; -ENOTRECOVERABLE: see above, after a fork. */
int fl_queue_join(fl_queue *queue) FL_ALL_NONNULL;
/* Also -ETIMEDOUT and -ECANCELED. */
int fl_queue_join_until(fl_queue *queue, fl_time deadline, fl_note *note) FL_NONNULL(1) FL_MUST_CHECK;

/* Nothing more is put: every put that has not put its item, and each later one, returns -EPIPE at once. What is in the
 * queue is still got; then gets return -EPIPE. A second time it does nothing. Does not block. */
void fl_queue_shutdown(fl_queue *queue) FL_ALL_NONNULL;
/* The same, and drops what is in the queue; what was got before is still to be done for fl_queue_join. Returns how many
 * items were dropped: also, after a shutdown, those that were left. */
uint64_t fl_queue_shutdown_now(fl_queue *queue) FL_ALL_NONNULL;
/* Returns whether it is shut down. Never blocks. */
bool fl_queue_is_shutdown(const fl_queue *queue) FL_ALL_NONNULL;

/* How many items there are at this moment, whether there are none, and whether there are `limit`; how many were put
 * and are not done. True of a moment within the call; by the next line it may be otherwise. Never block. */
uint64_t fl_queue_size(const fl_queue *queue) FL_ALL_NONNULL;
bool fl_queue_empty(const fl_queue *queue) FL_ALL_NONNULL;
bool fl_queue_full(const fl_queue *queue) FL_ALL_NONNULL;
uint64_t fl_queue_unfinished(const fl_queue *queue) FL_ALL_NONNULL;

/* Returns a descriptor for somebody else's poll loop: it is readable when there may be an item, or the queue is shut
 * down. When it is, take items with fl_queue_get_try until that returns -EAGAIN, which makes it unreadable. Do not read
 * or close it: it is the queue's, the same each time, and lives as long as it. While it was asked for, each put that
 * finds the queue drained by a get costs a system call. A forked child must ask again: until then the descriptor tells
 * of the parent's queue. Returns -EMFILE, -ENFILE or -ENOMEM if there is none to be had; -ENOTRECOVERABLE: see above,
 * after a fork. Does not block. */
int fl_queue_fd(fl_queue *queue) FL_ALL_NONNULL FL_MUST_CHECK;

/* The queue, for fl_wait_any: ready when there is an item to get, or it is shut down. */
fl_waitable fl_queue_waitable(fl_queue *queue) FL_ALL_NONNULL;

/* Takes items one by one into `item`, a variable of the items' size, until the queue is shut down and drained:
 * FL_QUEUE_EACH(queue, item) { ... }. It may be left with break. */
#define FL_QUEUE_EACH(queue, item) while (fl_queue_get_sized((queue), &(item), sizeof(item)))

/* For FL_QUEUE_EACH: whether an item was got. An item of another size is reported as misuse. */
bool fl_queue_get_sized(fl_queue *queue, void *ret_item, size_t size) FL_ALL_NONNULL FL_MUST_CHECK;

FL_END_DECLS

#endif
