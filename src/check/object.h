/*
 * check/object.h - the locks, conditions, semaphores and atomics of the program, found by address.
 *
 * The checker keeps its own state of each and leaves the program's memory alone. An object is known from its
 * initialisation, or from its first use if it was initialised statically; it is forgotten when it is destroyed or when
 * its memory is freed.
 *
 * Each has a vector clock: what its users have given on to those that come later. Order is told by these clocks alone
 * (Lamport 1978; Flanagan, Freund: PLDI 2009), so a race is found whether or not the accesses were near each other.
 */
#ifndef FAIRLEAD_CHECK_OBJECT_H
#define FAIRLEAD_CHECK_OBJECT_H

#include "run.h"

enum object_kind {
	OBJECT_ATOMIC,
	OBJECT_MUTEX,
	OBJECT_RWLOCK,
	OBJECT_CONDITION,
	OBJECT_SEMAPHORE,
	OBJECT_BARRIER,
	OBJECT_ONCE,
	OBJECT_SPIN,
	OBJECT_FUTEX,
	OBJECT_OTHER,
};

enum mutex_type { MUTEX_NORMAL, MUTEX_RECURSIVE, MUTEX_ERRORCHECK, MUTEX_ADAPTIVE };

#define NOBODY (-1)

struct object {
	struct object *next;
	uintptr_t address;
	uint8_t kind;
	uint8_t type; /* mutex */
	bool robust, dead;
	bool inconsistent;  /* robust mutex: its holder has ended, and nobody has made it consistent since */
	bool unrecoverable; /* and it was unlocked like that: it is of no use any more */
	int holder;         /* mutex, rwlock for writing: thread, or NOBODY */
	uint32_t count;     /* recursions; readers; semaphore's value; of a barrier */
	uint32_t parties;   /* of a barrier */
	uint32_t writers;   /* threads that wait to write, and come before those that want to read (rwlock.c) */
	struct mask readers;
	struct thread *first, *last; /* waiters in their order */
	uint32_t *clock;
	uintptr_t held_pc; /* where the holder acquired it */
	uint64_t held_step;
	uint32_t lost; /* signals that nobody waited for */
	unsigned lost_thread;
	uintptr_t lost_pc;
	struct check_place held_place, lost_place; /* filled in while a run is written down */
	struct object *next_robust;
	void *more; /* atomics: what was stored before (weak.c); rwlocks: what readers give to writers */
};

HIDDEN void object_begin(void);
/* Returns the object, made new if it is not known. It is a misuse if it is known as another kind that is in use. */
HIDDEN struct object *object_get(uintptr_t address, enum object_kind kind);
/* Returns it, or NULL. */
HIDDEN struct object *object_find(uintptr_t address);
/* Forgets what is known of it, and makes it new. */
HIDDEN struct object *object_make(uintptr_t address, enum object_kind kind);
HIDDEN void object_drop(uintptr_t address);
/* The memory is freed: forgets all that lie there. Says if one is in use. */
HIDDEN void object_drop_range(uintptr_t from, size_t size, uintptr_t pc);
/* Returns what is wrong with destroying it now, or NULL. */
HIDDEN const char *object_in_use(const struct object *object);
HIDDEN const char *object_name(enum object_kind kind);

/* Notes that a mutex is robust; calls each() with all that were noted in this execution. */
HIDDEN void object_note_robust(struct object *object);
HIDDEN void object_each_robust(void (*each)(struct object *));

HIDDEN void object_queue(struct object *object, struct thread *thread);
HIDDEN void object_unqueue(struct object *object, struct thread *thread);

/* With --weak a clock has an upper half: what a thread may not disregard, beyond what happened before; and the step of
 * its last seq_cst fence, or of one that happened before (weak.c). */
#define CLOCK_VIEW THREADS
#define CLOCK_TOTAL (2 * THREADS)
#define CLOCK_WORDS (2 * THREADS + 1)

/* The running thread takes over what the object knows; gives on what it knows, beside or instead of that. */
HIDDEN void clock_acquire(struct object *object);
HIDDEN void clock_release(struct object *object);
HIDDEN void clock_set(struct object *object);
HIDDEN void clock_join(uint32_t *to, const uint32_t *from);
HIDDEN void clock_copy(uint32_t *to, const uint32_t *from);
HIDDEN void clock_clear(uint32_t *clock);
HIDDEN uint32_t *clock_new(void);
/* What `thread` does from now on is later than what others have heard of it. */
HIDDEN void clock_tick(struct thread *thread);
/* A new thread begins with all that its creator knows; whoever joins it gets all that it knew. */
HIDDEN void clock_start(struct thread *thread);
HIDDEN void clock_join_thread(struct thread *thread);

#endif
