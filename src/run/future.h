/*
 * run/future.h - what a future is, for the files of this folder and for whoever waits for several things at once.
 *
 * The states, the invariants and the reasons stand in run/future.c.
 */
#ifndef FL_RUN_FUTURE_H
#define FL_RUN_FUTURE_H

#include "base/fork.h"
#include "base/park.h"
#include <fairlead/future.h>
#include <stdarg.h>

#define FL_FUTURE_INLINE 32u

enum fl_future_phase {
	FL_FUTURE_PENDING = 0,
	FL_FUTURE_RUNNING = 1,
	FL_FUTURE_SETTLING = 2,
	FL_FUTURE_RESULT = 4, /* from here on it is done */
	FL_FUTURE_ERROR = 5,
	FL_FUTURE_CANCELLED = 6,
};
#define FL_FUTURE_DONE 4u
#define FL_FUTURE_PHASE 7u
#define FL_FUTURE_WATCHED 8u

/* One that is to be called when the future is done. */
struct fl_callback {
	struct fl_callback *next;
	fl_future_callback function;
	void *arg;
	bool owned; /* freed when it has been called, or will not be */
};

struct fl_future {
	uint32_t state;
	uint32_t refs;
	uint16_t spin;
	uint8_t epoch;      /* fl_fork_epoch_ when it was submitted, if it has a home */
	bool spare : 1;     /* its memory is used again (run/spare.h) */
	bool unbounded : 1; /* its value may be larger than FL_FUTURE_VALUE: it is a pool's */
	int error;
	const void *home; /* the executor or the pool that it belongs to; NULL: it is set by hand */
	size_t size;      /* of the value: in `bytes`, */
	void *memory;     /* or here if it does not fit */
	char *message;    /* or NULL */
	struct fl_callback *callbacks, **last;
	unsigned char bytes[FL_FUTURE_INLINE] __attribute__((aligned(16)));
	fl_note note;
};

/* Makes `future`, which is zeroed memory, pending, with so many references. */
void fl_future_begin_(fl_future *future, uint32_t refs);

static inline uint32_t fl_future_phase(const fl_future *future)
{
	return fl_load_relaxed(&future->state) & FL_FUTURE_PHASE;
}

/* Whether it will never be done, since its executor's or pool's threads are the parent's, which this process was forked
 * from; unless it is done already. */
static inline bool fl_future_left_behind_(const fl_future *future)
{
	return future->home && future->epoch != fl_fork_epoch_;
}

/* From pending to running; false if it was not pending. */
bool fl_future_claim_(fl_future *future);

/* For whoever has claimed it: what will be its value or error, then that it is done. Return 0, -EMSGSIZE, -ENOMEM. */
int fl_future_keep_value_(fl_future *future, const void *value, size_t size);
/* The same with memory of malloc, which becomes the future's. */
void fl_future_adopt_value_(fl_future *future, void *memory, size_t size);
void fl_future_keep_error_(fl_future *future, int error, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

/* Gives it the outcome `phase`, one that is done, after it was claimed. */
void fl_future_settle_(fl_future *future, enum fl_future_phase phase);

/* The outcome of one that is done: copies the value, of `size` bytes, if ret_value is not NULL. */
int fl_future_outcome_(const fl_future *future, void *ret_value, size_t size);

/* Pushes `second`, which has nudge set (base/park.h), to be woken when the future is done; fl_park_leave_ ends that.
 * False: it is done, and `second` is not queued. What the future's setter wrote is seen by who is nudged or gets
 * false. */
bool fl_future_watch_(fl_future *future, struct fl_waiter *second);

/* Has the callback called when the future is done; false: it is done, and the callback is not called. */
bool fl_future_call_(fl_future *future, struct fl_callback *callback);
/* Takes it back; false: it has been or is being called. */
bool fl_future_uncall_(fl_future *future, struct fl_callback *callback);

/* completed.c: how much memory an iterator over n futures needs (0: there is no such), and to make it in zeroed memory
 * that can be freed. */
size_t fl_completed_size_(size_t n);
void fl_completed_begin_(fl_completed *completed, size_t n, fl_future *const *futures);

#endif
