/*
 * shell_queue.h - `fairlead queue`: what its parts have in common.
 *
 * An item is bytes. In a queue by priority the priority, an int64_t, is in front of them: who uses the command does not
 * see it there.
 */
#ifndef FAIRLEAD_CLI_SHELL_QUEUE_H
#define FAIRLEAD_CLI_SHELL_QUEUE_H

#include "shell.h"

#include <fairlead/shared_queue.h>

/* Which options were given. */
enum queue_option {
	QUEUE_KIND = 1,
	QUEUE_LIMIT = 1 << 1,
	QUEUE_ITEM_SIZE = 1 << 2,
	QUEUE_DELIVERIES = 1 << 3,
	QUEUE_PRIORITY = 1 << 4,
	QUEUE_NULL = 1 << 5,
	QUEUE_WHOLE = 1 << 6,
	QUEUE_COUNT = 1 << 7,
	QUEUE_ALL = 1 << 8,
	QUEUE_RAW = 1 << 9,
	QUEUE_NOW = 1 << 10,
	QUEUE_JSON = 1 << 11,
	QUEUE_TIMEOUT = 1 << 12,
	QUEUE_TRY = 1 << 13,
	QUEUE_TRIES = 1 << 14,
	QUEUE_MAKING = QUEUE_KIND | QUEUE_LIMIT | QUEUE_ITEM_SIZE | QUEUE_DELIVERIES,
	QUEUE_WAITING = QUEUE_TIMEOUT | QUEUE_TRY,
};

struct queue_command {
	struct shell shell;
	char **texts;   /* what stands behind the verb; NULL: nothing */
	uint32_t given; /* of enum queue_option */
	uint64_t limit, item_size, deliveries, count, tries;
	enum fl_queue_kind kind;
	int64_t priority;

	bool makes; /* it is made if there is none */
	fl_shared_queue *queue;
	size_t head, most; /* bytes in front of an item, and those that it may have */
	int status;        /* what it comes to, if queue_fail was called; */
	int ended_by;      /* and the signal that has ended the program then, 0: none */
	uint64_t given_up; /* items */
};

/* What the kinds are called. */
extern const char *const queue_kinds[];

/* Finds the queue, or makes it, as shell_enter wants it (shell_queue_find.c). */
int queue_find(struct shell *shell);

/* The verbs. Each returns 0 or a negative errno; -EIO: queue_fail has been called. */
int queue_put(struct queue_command *command); /* shell_queue_items.c */
int queue_get(struct queue_command *command);
int queue_show(struct queue_command *command); /* shell_queue_find.c */

/* Says something of the queue. */
void queue_say(const struct queue_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* It ends with this status, and all has been said. Returns -EIO. */
int queue_fail(struct queue_command *command, int status);

/* Until when a wait that begins now may last. */
fl_time queue_deadline(const struct queue_command *command);

/* Leaves the segment. Returns the status for what a verb has returned. */
int queue_leave(struct queue_command *command, int error);

/* Works on items in a process of its own, the holder; as shell_front (shell_queue_work.c). */
int queue_work(struct queue_command *command);

/* The next item: as fl_shared_queue_peek_until; a signal counts also if there is one. */
int queue_take(struct queue_command *command, fl_shared_queue_item *ret_item);

#endif
