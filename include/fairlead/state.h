/*
 * fairlead/state.h - what the objects in a segment are doing: who holds them, who waits for them and since when.
 *
 *     static int see(const fl_state *state, void *arg)
 *     {
 *             printf("%s: %s, %u wait\n", state->object.name, state->state, state->n_waiters);
 *             return 0;
 *     }
 *
 *     const fl_segment_options look = {.flags = FL_SEGMENT_LOOK};
 *     fl_segment *segment;
 *
 *     if (fl_segment_open(&segment, "shop", &look) == 0)      // attached to nothing, seen by nobody
 *             fl_segment_states(segment, see, NULL);
 *
 * It is for people and their tools. It only reads: nobody is stopped or slowed down, and it works just as well on a
 * segment whose processes all died. So what it tells is how each object was at a moment that is over, and two of them
 * need not be of the same moment. It tells what is there anyway: a lock knows who holds it, and not for how long, since
 * a look at the clock would take longer than to acquire it. Of who waits the time is known.
 *
 *     kind        state                                                 value and most       count
 *     Lock        free held handed mending orphaned lost                -                    -
 *     RLock       the same                                              -                    -
 *     RWLock      free read closing written kept mending orphaned lost  readers              -
 *     Condition   idle waiting                                          -                    -
 *     Semaphore   free taken                                            permits to be had    recovered
 *     Event       set clear                                             -                    sets
 *     Barrier     idle waiting broken                                   parties that came    rounds
 *     Once        new running orphaned done                             -                    -
 *     Queue       empty ready full shutdown                             items to be had      puts
 *     Value       of its lock: as RLock                                 -                    -
 *     Array       the same                                              elements             writes
 *     (another)   idle waiting                                          -                    -
 *
 * handed and kept: it is kept for one that waits and is about to have it. orphaned: who held it died; the next one is
 * told so (-EOWNERDEAD). mending: that one has it, and has not said yet that it is whole again. lost: it was released
 * like that, and nobody will have it again (-ENOTRECOVERABLE). closing: a writer waits for readers to leave. damaged,
 * of any kind: what is there cannot be.
 *
 * A Condition comes with its RLock as a part of its own, "lock"; an Array with the Lock of its writers, "writing". Of
 * objects of other types it is known how many threads wait for something that is in them.
 */
#ifndef FAIRLEAD_STATE_H
#define FAIRLEAD_STATE_H

#include <fairlead/attributes.h>
#include <fairlead/segment.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

FL_BEGIN_DECLS

/* A thread that holds an object, or waits for it. */
typedef struct fl_state_thread {
	uint32_t number; /* which one it is, among all that have used the segment: another one has another number */
	uint32_t times;  /* how often it has it: an RLock, as deep; a semaphore, so many permits. Else 1 */
	pid_t pid, tid;  /* in its own PID namespace; 0: not known any more */
	char name[16];   /* the thread's, as it was when it first used something in the segment */
	bool alive;      /* false: it died, or ended, with it */
	/* What it is to the object: holder, next (it is kept for him), reader, writer, runner, party; getter
	 * and putter, of items. Or what it waits
	 * for: acquire, read, write, drain (the readers to leave), notify, permit, set, round, done, get, put, join,
	 * wait. */
	const char *role;
	int64_t waited; /* for so long, in nanoseconds, to within some milliseconds; -1: it does not wait */
} fl_state_thread;

/* An object, or a part of one. The texts are constants; the threads are good while it is seen. */
typedef struct fl_state {
	fl_segment_object_info object;
	const char *kind;     /* of the table above; "": it is of a type of others */
	const char *part;     /* of the object; "": all of it */
	const char *state;    /* of the table above */
	const char *unit;     /* what `value` counts; "": it has none */
	uint64_t value, most; /* most: 0 if there is no bound */
	const char *counts;   /* what `count` counts since the object was made; it may begin anew at 0. "": nothing */
	uint64_t count;
	uint32_t n_holders, n_waiters;
	const fl_state_thread *holders, *waiters; /* these in order: who waits for the same thing longest is first */
} fl_state;

/* Calls see(state, arg) for each object of the segment, and then for its parts, until it returns something else than 0,
 * which is returned. `see` must not use the segment. The segment may be open in whatever way, also with
 * FL_SEGMENT_LOOK. Returns 0; -EPROTO, -EUSERS, -EMFILE as fl_segment_objects; -ENOMEM. Any thread may call it. It
 * blocks for the moment that others need to make or delete objects, and they for as long as `see` takes; nobody else
 * does.  Since 0.1. */
int fl_segment_states(fl_segment *segment, int (*see)(const fl_state *state, void *arg), void *arg) FL_NONNULL(1, 2);

/* How often a thread had to wait for something in the segment since it was made: what was had at once is not counted.
 * Any thread may call it; it does not block.  Since 0.1. */
uint64_t fl_segment_waits(const fl_segment *segment) FL_ALL_NONNULL;

FL_END_DECLS

#endif
