/*
 * fairlead/simple_queue.h - SimpleQueue: a queue that signal handlers can put into. Python's queue.SimpleQueue.
 *
 *     static fl_simple_queue *signals; // made in main: fl_simple_queue_create(&signals, sizeof(int))
 *
 *     static void handler(int number)
 *     {
 *             fl_simple_queue_put(signals, &number);      // also while its own thread is inside of a put
 *     }
 *
 *     while (fl_simple_queue_get(signals, &number) == 0)  // in a thread
 *             ...
 *
 * First in, first out, without a bound. A put never waits: not for one that it has interrupted, nor for one that is
 * stopped. It may come from a signal handler, from a destructor, from wherever. What was written before a put is
 * seen after the get of that item.
 *
 * Its memory grows by doubling, and is kept until it is destroyed.
 *
 * When not to use it: fairlead/queue.h has a bound, a shutdown, task_done and join, and is faster.
 */
#ifndef FAIRLEAD_SIMPLE_QUEUE_H
#define FAIRLEAD_SIMPLE_QUEUE_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stdint.h>

FL_BEGIN_DECLS

typedef struct fl_simple_queue fl_simple_queue;

#define FL_SIMPLE_QUEUE_ITEM 65536u     /* the most bytes that an item may have, */
#define FL_SIMPLE_QUEUE_MAX 0x3fffffc0u /* and the most items that there may be */

/* Makes a queue of items of `item_size` bytes; 0: of pointers. Returns 0;
 * -EINVAL: more than FL_SIMPLE_QUEUE_ITEM;
 * -ENOMEM.
 * Not from a signal handler. Does not block.  Since 0.1. */
int fl_simple_queue_create(fl_simple_queue **ret_queue, uint32_t item_size) FL_NONNULL(1) FL_MUST_CHECK;

/* Ends the queue and drops what is in it. No call may be under way: to destroy one that is waited for is reported as
 * misuse, and then it stays. NULL is allowed. Returns NULL. Not from a signal handler. */
fl_simple_queue *fl_simple_queue_destroy(fl_simple_queue *queue);

/* Puts a copy of *item. Returns 0; -ENOMEM: no memory, or FL_SIMPLE_QUEUE_MAX items. From anywhere, signal handlers
 * included. Never blocks. */
int fl_simple_queue_put(fl_simple_queue *queue, const void *item) FL_ALL_NONNULL;

/* Takes the oldest item into *ret_item; blocks while there is none. Returns 0;
 * -ENOTRECOVERABLE: this is a forked child, and a thread that stayed in the parent was in the midst of a get.
 * Not from a signal handler. */
int fl_simple_queue_get(fl_simple_queue *queue, void *ret_item) FL_ALL_NONNULL;
/* Also -ETIMEDOUT and -ECANCELED: nothing was taken. If there is an item it is taken, whatever the deadline and the
 * note say. */
int fl_simple_queue_get_until(fl_simple_queue *queue, void *ret_item, fl_time deadline, fl_note *note) FL_NONNULL(1, 2)
	FL_MUST_CHECK;
/* Never blocks: also -EAGAIN, there is none, or none that nobody waits for already. */
int fl_simple_queue_get_try(fl_simple_queue *queue, void *ret_item) FL_ALL_NONNULL FL_MUST_CHECK;

/* How many items there are at this moment, and whether there are none. From anywhere. Never block. */
uint32_t fl_simple_queue_size(const fl_simple_queue *queue) FL_ALL_NONNULL;
bool fl_simple_queue_empty(const fl_simple_queue *queue) FL_ALL_NONNULL;

FL_END_DECLS

#endif
