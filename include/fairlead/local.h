/*
 * fairlead/local.h - local: a value of which each thread has its own. Python's threading.local.
 *
 *     static void *make_buffer(void) { return malloc(4096); }
 *     static fl_local buffer = FL_LOCAL_INIT(make_buffer, free);
 *
 *     char *mine = fl_local_get(&buffer);        // made when this thread first asks, freed when it ends
 *
 * It works in every thread, whoever started it. To get a value that is there takes a nanosecond or two. There may be
 * a million locals at a time, and they may be members of objects that come and go.
 *
 * When a thread ends, its values are destroyed, the one made last first. A destroy function may use locals, also its
 * own: values made meanwhile are destroyed in another round; after 4 rounds what is then left is abandoned, as with
 * pthread keys. Values of the main thread are destroyed if it ends by pthread_exit, not by exit().
 *
 * When not to use it: for plain data without a destructor and known at compile time, __thread (thread_local in C++)
 * does. A value that belongs to a request rather than to a thread is better passed along.
 *
 * Destroying a local takes all its values away: see fl_local_destroy. In a forked child (fairlead/fork.h) the forking
 * thread keeps its values; those of the other threads are neither used nor destroyed.
 *
 * No call may come from a signal handler. None blocks, but for what make and destroy functions do.
 */
#ifndef FAIRLEAD_LOCAL_H
#define FAIRLEAD_LOCAL_H

#include <fairlead/attributes.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* 32 bytes on 64-bit machines. All zero is a valid local with neither a make nor a destroy function. The members are
 * private; it must not be copied or moved once used. */
typedef struct fl_local {
	uint64_t fl_id;
	void *(*fl_make)(void);
	void (*fl_destroy)(void *value);
	uint64_t fl_spare;
} fl_local;

/* make: called by fl_local_get in a thread that has no value. It may use other locals, not its own. NULL: a thread
 * has no value (NULL) until it sets one. destroy: called with each value that is not NULL when its thread ends,
 * when it is replaced, or when the local is destroyed. NULL: nothing is to be done. */
#define FL_LOCAL_INIT(make, destroy) \
	{ \
		0, (make), (destroy), 0 \
	}

/* Makes a local; both functions may be NULL. Does not block.  Since 0.1. */
void fl_local_init(fl_local *local, void *(*make)(void), void (*destroy)(void *value)) FL_NONNULL(1);

/* Destroys the values of all threads, in the calling thread, and forgets the local, which may then be used again as
 * if new. No other thread may be using it, but threads that have a value may live on. If one of them is just ending,
 * its value may be in the middle of being destroyed there when this returns; join it first where that matters. */
void fl_local_destroy(fl_local *local) FL_ALL_NONNULL;

/* Returns the calling thread's value; makes it if there is none. NULL: there is none and no make function, or make
 * returned NULL, or there is no memory (then what make returned has been destroyed again); the next call tries
 * again.  Since 0.1. */
void *fl_local_get(fl_local *local) FL_ALL_NONNULL;

/* Replaces the calling thread's value; the one before, if it is another, is destroyed. NULL leaves the thread without
 * a value. Returns 0; -ENOMEM: nothing has changed. */
int fl_local_set(fl_local *local, void *value) FL_NONNULL(1);

FL_END_DECLS

#endif
