/*
 * base/self.h - who the calling thread is.
 *
 * A thread gets a number when it first acquires something. Lock words hold it, so that a lock knows its holder. It is
 * not the kernel's thread id: a number leads to the thread's record in one step, is not handed to another thread at
 * once when its owner ends, and after a fork tells the threads that stayed behind in the parent from those of the
 * child.
 *
 * number = generation << 20 | slot;  slot >= 1, so a number is never 0; 29 bits in all.
 */
#ifndef FL_BASE_SELF_H
#define FL_BASE_SELF_H

#include "base/atomic.h"
#include <fairlead/time.h>
#include <stddef.h>
#include <sys/types.h>

#define FL_NUMBER_MASK 0x1fffffffu
#define FL_SLOT_BITS 20

struct fl_rwlock;

/* How often this thread holds the read side of which lock (sync/rwlock.c). */
struct fl_read_hold {
	struct fl_rwlock *lock;
	uint32_t count;
};

/* What is known of a thread. Records are never freed, so one may be read whoever ends meanwhile. */
struct fl_record {
	uint32_t number; /* 0: nobody's at present */
	uint32_t gone;   /* the number of a thread that a fork left behind in the parent, or 0 */
	uint32_t slot;
	uint32_t last; /* the number that the slot had last: the next thread gets the next generation */
	pid_t tid;
	struct fl_record *next_free;
	struct fl_tls *tls;            /* the thread's own; only while it lives, and under the registry's lock */
	struct fl_check_thread *check; /* what sync/check keeps about the thread, or NULL */
	struct fl_read_hold *reads;    /* the read sides that it holds (sync/rwlock.c) */
	uint32_t n_reads, max_reads;
};

/* The calling thread's own. `quick` and `critical` are in the fast paths. */
struct fl_tls {
	uint32_t number;   /* 0: not yet registered */
	uint32_t critical; /* how deep in sections that a signal handler must not enter again (base/park.c) */
	const void *quick; /* the lock that this thread acquired last and has not released (sync/lock.c) */
	struct fl_record *record;
	uint32_t n_deferred; /* what signal handlers left to be done: how many, how many of these are done, */
	uint32_t done_deferred;
	struct fl_deferred_chunk *deferred; /* and where they are (base/park.c) */
	bool doing_deferred;
	uint32_t cpus;     /* how many this thread may run on, */
	fl_time cpus_read; /* as of then (base/spin.c) */
	uint32_t waits;    /* since it was last looked whether to spin */
	uint32_t alone;    /* for so many waits yet it takes for granted that nobody else wants its only processor */
	uint32_t random;
	struct fl_worker *worker; /* of an executor, while the thread is one (run/crew.c) */
};

#ifdef FL_MODEL
struct fl_tls *fl_model_tls(void);
#define fl_tls_ (*fl_model_tls())
#else
extern __thread struct fl_tls fl_tls_ __attribute__((tls_model("initial-exec")));
#endif

/* Gives the calling thread its number and record. Aborts with a message if memory for a record is not to be had. */
uint32_t fl_self_register_(void);

/* Returns the calling thread's number. */
static inline uint32_t fl_self(void)
{
	uint32_t number = fl_tls_.number;

	return fl_likely(number != 0) ? number : fl_self_register_();
}

/* Returns the record of a living thread, NULL if there is none with that number. */
struct fl_record *fl_self_find_(uint32_t number);

/* Returns whether a fork left this thread behind: whatever it held here will never be released. */
bool fl_self_gone_(uint32_t number);

/* Returns the record of slot `slot` whether in use or not, NULL past the last one: to walk over all threads, from 1. */
struct fl_record *fl_self_slot_(uint32_t slot);

/* Another thread has released the lock that this one acquired: takes it out of that thread's `quick`. */
void fl_self_forget_quick_(uint32_t number, const void *lock);

/* In a forked child: keeps the calling thread and marks all others as gone. */
void fl_self_after_fork_(void);

#endif
