/*
 * sync/times_table.h - the table of times: its rows, and writing them.
 */
#ifndef FL_SYNC_TIMES_TABLE_H
#define FL_SYNC_TIMES_TABLE_H

#include "base/name.h"
#include "sync/check.h"
#include <stddef.h>

#define FL_MOST_SITES 3

/* Nanoseconds. */
struct fl_durations {
	uint64_t total, most;
};

struct fl_figures {
	uint64_t locks; /* how many ended ones are in it; 0: it is a living one's */
	uint64_t acquires, contended;
	struct fl_durations waited, held;
};

struct fl_times_site {
	const void *site;
	uint64_t waited;
};

struct fl_times_row {
	const void *lock; /* NULL: ended */
	enum fl_lock_kind kind;
	char name[FL_NAME_SIZE]; /* found by fl_times_write_ for the living */
	struct fl_figures figures;
	struct fl_times_site sites[FL_MOST_SITES]; /* where most was waited, the most first; 0: none */
};

/* Sorts the rows and writes them to a file descriptor as a table. Returns 0 or what write(2) said. */
int fl_times_write_(int fd, struct fl_times_row *rows, size_t n);

#endif
