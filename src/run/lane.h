/*
 * run/lane.h - a lane: work in the order in which it was put there, for any thread to take. How it is made stands in
 * run/lane.c.
 */
#ifndef FL_RUN_LANE_H
#define FL_RUN_LANE_H

#include "base/inner.h"
#include <stddef.h>

struct fl_work_item {
	void (*function)(void *arg);
	void *arg;
};

struct fl_lane_ring {
	struct fl_lane_ring *older;
	uint64_t mask;
	struct fl_work_item items[];
};

/* Three cache lines: of those who put, of those who take, and what both only read, nearly always. */
struct fl_lane {
	_Alignas(64) struct fl_inner lock; /* of those who put; it protects `seen_head` and who writes the others */
	uint64_t tail;                     /* how many were put */
	uint64_t seen_head;                /* `head`, as it was when it last mattered */
	_Alignas(64) uint64_t head;        /* how many were taken */
	uint64_t seen_tail;                /* `tail`, as it was when a taker last needed it */
	_Alignas(64) struct fl_lane_ring *ring;
	const uint64_t *closed; /* a word, and the bits of it that say that nothing more is put */
	uint64_t closed_bits;
};

/* Makes an empty lane in zeroed memory. Returns 0, -ENOMEM. */
int fl_lane_begin_(struct fl_lane *lane, const uint64_t *closed, uint64_t closed_bits);
/* Frees what it has; nobody uses it. */
void fl_lane_end_(struct fl_lane *lane);

/* Puts it at the end. Returns 0; -EPIPE: it is closed; -ENOMEM. */
int fl_lane_put_(struct fl_lane *lane, struct fl_work_item item);

/* Takes the first; false: there is none. */
bool fl_lane_take_(struct fl_lane *lane, struct fl_work_item *ret_item);

/* Whether there is something in it, in the one order of all seq_cst operations; what was put before, and taken by
 * nobody, is seen. */
bool fl_lane_has_(const struct fl_lane *lane);

/* After the word says that it is closed: returns when every put that has not seen that is over. */
void fl_lane_settle_(struct fl_lane *lane);

#endif
