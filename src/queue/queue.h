/*
 * queue/queue.h - what a queue is made of.
 *
 * There are two sides, those who put and those who get, each with a lock and a cache line of its own. A side's
 * position counts how many items it has put, or got, since the beginning: so the items in the queue are those from
 * get.position up to put.position. Each side writes only its own position, under its own lock, and remembers what it
 * saw of the other's: as long as that is enough it does not touch the other side's memory. A queue whose items do not
 * leave where the oldest is (last in first out, by priority) has one lock for both sides, that of `put`.
 *
 * Whoever has to wait for the other side's progress enters that side's lock to look once more and to queue
 * (queue/wait.c). So the other side, which holds that lock anyway, sees in its own line whether somebody waits, in
 * `alert`, and needs no atomic instruction and no fence to find out.
 *
 * Invariants:
 *   [Q1] get.position <= put.position <= get.position + limit, and <= get.position + capacity.
 *   [Q2] A side's `position`, `seen`, `alert`, `coming` change only under its lock; `items`, `mask` and `ended` of both
 *        sides under the locks of both (`ended` also without them, after a fork). put's lock is entered first.
 *   [Q3] get.seen <= put.position, and put.seen <= get.position: what was seen is never ahead.
 *   [Q4] An item is there when put.position says so: a put that never came so far, since a fork left it behind, has
 *        put nothing.
 *   [Q5] done/2 <= put.position (queue/join.c).
 */
#ifndef FL_QUEUE_QUEUE_H
#define FL_QUEUE_QUEUE_H

#include "sync/lock.h"
#include <fairlead/queue.h>
#include <string.h>

enum {
	FL_QUEUE_WAITING = 1, /* the parking lot may have somebody who waits for this side's progress */
	FL_QUEUE_FD = 2,      /* the descriptor is to be made readable at the next put */
};

struct fl_queue_side {
	_Alignas(64) fl_lock lock;
	uint64_t position;
	uint64_t seen; /* of the other side's position */
	char *items;   /* mask + 1 of them */
	uint64_t mask;
	int32_t ended;  /* 0; -EPIPE: shut down; -ENOTRECOVERABLE: a fork left somebody behind in the midst of a call */
	uint8_t alert;  /* FL_QUEUE_... : what this side's progress is to be told to */
	uint8_t coming; /* 1 + the fork epoch: one of those who wait for this side's progress is awake and will look */
	uint16_t spin;  /* how long this side spins when it waits for the other (base/spin.h), */
	uint8_t gather; /* and then waits for more than one item, or room for more (queue/wait.c) */
};

/* Where an item is in a queue by priority. */
struct fl_queue_node {
	int64_t priority;
	uint64_t sequence; /* the put.position of its put: makes equal ones first in first out */
	uint64_t slot;     /* in `items` */
};

struct fl_queue {
	struct fl_queue_side put, get;
	_Alignas(64) uint64_t done; /* how many items are done, times 2; bit 0: somebody joins */
	uint64_t put_seen;          /* of put.position, by task_done */
	_Alignas(64) uint64_t limit;
	uint32_t item_size;
	uint32_t priority_at;
	enum fl_queue_kind kind;
	int fd;                      /* or -1 */
	uint8_t fd_epoch;            /* the fork epoch in which it was made: in another one it is the parent's */
	struct fl_queue_node *nodes; /* mask + 1 of them: the heap, and after it the free slots */
};

static inline struct fl_queue_side *fl_queue_other(struct fl_queue *queue, const struct fl_queue_side *side)
{
	return side == &queue->put ? &queue->get : &queue->put;
}

/* What those are queued for in the parking lot who wait for this side's progress. The lock's address is the lock's. */
static inline const void *fl_queue_key(const struct fl_queue_side *side)
{
	return &side->position;
}

/* The lock under which this side works. */
static inline fl_lock *fl_queue_lock_of(struct fl_queue *queue, struct fl_queue_side *side)
{
	return queue->kind == FL_QUEUE_FIFO ? &side->lock : &queue->put.lock;
}

/* Enters a side's lock. Returns 0, or -ENOTRECOVERABLE without the lock. */
int fl_queue_enter_(struct fl_queue *queue, struct fl_queue_side *side);

/* store.c: the items. Under the side's lock. */

/* Makes room for `capacity` items, a power of two, or more; under both sides' locks. Returns 0, -ENOMEM. */
int fl_queue_grow_(struct fl_queue *queue, uint64_t capacity);
/* Puts up to n items; returns how many; -EAGAIN if there is no room for one, -ENOMEM. */
int64_t fl_queue_store_(struct fl_queue *queue, const char *items, uint64_t n);
/* Takes up to n items; returns how many; -EAGAIN if there are none. */
int64_t fl_queue_fetch_(struct fl_queue *queue, char *ret_items, uint64_t n);

/* wait.c */

/* Who waits for a side's progress, over all of its tries. */
struct fl_queue_wait {
	fl_time deadline;
	fl_note *note;
	bool was_woken;
};

/* Blocks until `side` has made progress, or may have. Returns 0: try again; -ETIMEDOUT, -ECANCELED: try a last time. */
int fl_queue_wait_(struct fl_queue *queue, struct fl_queue_side *side, struct fl_queue_wait *wait);
/* Tells who is to know that `side` has made progress, and leaves its lock. */
void fl_queue_leave_alerting_(struct fl_queue *queue, struct fl_queue_side *side);
/* Takes all who wait for a side's progress, and makes the descriptor readable. Under the side's lock. */
void fl_queue_alert_all_(struct fl_queue *queue, struct fl_queue_side *side, struct fl_wake_list *list);

/* descriptor.c: whether there is a descriptor, and it is this process's own. */
bool fl_queue_has_fd_(const struct fl_queue *queue);
/* Makes the descriptor readable. */
void fl_queue_ring_(struct fl_queue *queue);
/* Makes the descriptor unreadable, until the next put. Returns true if there is something already. */
bool fl_queue_arm_(struct fl_queue *queue);

/* join.c: n items are done. Returns false if there are not that many. */
bool fl_queue_finish_(struct fl_queue *queue, uint64_t n);

#endif
