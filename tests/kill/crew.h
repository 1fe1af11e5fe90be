/*
 * crew.h - the workers of an object under test: started, stopped, killed, watched.
 *
 * The crew is forked from the harness, which is their parent and thus learns of each end from waitpid alone. What they
 * share with it is one mapping (struct kill_shared) beside the object's own memory.
 *
 * Whether a worker is *stuck* is decided by what the kernel says of it, not by time alone, since on a machine with much
 * to do anything may take long. kill_crew_await waits until each worker in question has finished an operation. If one
 * has not, it is stuck as soon as each of the crew is in one of these states, and has been for the time of patience:
 *
 *   asleep    in state S, and it has not run once in all that time (/proc/PID/schedstat)
 *   spinning  it has used half of that time of the processor, or was given it 2000 times, and has not got on
 *   busy      it has finished at least 100 operations since, and goes on doing so
 *
 * and if none of its other threads has run in that time, for a helper may be about to do what somebody waits for. One
 * that would like to run and does not get to is in none of these, and then the decision waits. So "all asleep" is a
 * proof: whoever could wake one of them is asleep, too. "Asleep while others are busy" is one that was forgotten, and
 * "spinning" one that waits for what a dead process should have done.
 */
#ifndef FAIRLEAD_TESTS_KILL_CREW_H
#define FAIRLEAD_TESTS_KILL_CREW_H

#include "kill.h"

#include <sys/types.h>

enum { KILL_EPOCHS = 64, KILL_MOST_WAITS = 1 << 20, KILL_WORD = 128 };

struct kill_shared {
	_Alignas(64) struct kill_worker workers[KILL_MOST_WORKERS];
	uint32_t n, steady;
	_Alignas(64) uint32_t kills; /* how many, and when the last of them were */
	int64_t when[KILL_EPOCHS];
	uint32_t yields;                 /* whether workers offer the processor now and then */
	uint32_t stopping;               /* bit r: workers of role r end after the operation that they are in */
	uint32_t prepared, go_on, ended; /* for single steps, see steps.c */
	uint32_t n_waits;
	int64_t waits[KILL_MOST_WAITS]; /* how long a survivor took to finish an operation after a kill, in ns; or 0 */
};

extern struct kill_shared *kill_shared;

struct kill_crew {
	const struct kill_object *object;
	void *memory;
	unsigned n;
	pid_t processes[KILL_MOST_WORKERS]; /* 0: none */
	bool crashed;                       /* one has ended by itself */
	char how[KILL_WORD];                /* what was found, in words */
};

enum kill_end {
	KILL_GOT_ON,
	KILL_STUCK,
	KILL_CRASHED,   /* a worker ended by itself */
	KILL_UNDECIDED, /* for a minute the machine let nobody run who could have got on */
};

int64_t kill_now(void);
void kill_nap(int64_t ns);

/* Makes the object and places for n workers, without a process in them; and takes all that away. */
void kill_crew_open(struct kill_crew *crew, const struct kill_object *object, unsigned n, bool steady);
void kill_crew_close(struct kill_crew *crew);

/* Starts a process in place i, which works until it is killed; or one that runs body(crew, worker) before it does. */
void kill_crew_start(struct kill_crew *crew, unsigned i,
		     void (*body)(struct kill_crew *crew, struct kill_worker *worker, const void *arg),
		     const void *arg);

/* Stops the process in place i, and returns when it has stopped. */
void kill_crew_stop(struct kill_crew *crew, unsigned i);

/* Kills it, and returns when it is gone; kills two before either is. */
void kill_crew_kill(struct kill_crew *crew, unsigned i);
void kill_crew_kill_both(struct kill_crew *crew, unsigned i, unsigned j);

/* Kills a process that the one in place i has started; false: there is none. */
bool kill_crew_kill_child(struct kill_crew *crew, unsigned i, uint64_t random);

/* Waits until all workers of the mask have finished another operation. */
enum kill_end kill_crew_await(struct kill_crew *crew, uint32_t mask, int64_t patience);

/* Lets all finish what they do, takes what is left out of queues, and ends them. */
void kill_crew_wind_up(struct kill_crew *crew);

/* ---- what is found (look.c) ---- */

struct kill_watch {
	int64_t begun, patience, looked;
	int64_t now; /* the watch's own clock: how long it has watched, see look.c */
	struct {
		uint64_t progress_then, progress, ran, slices, slices_then;
		int64_t moved, asleep; /* when it last got on; since when it is asleep, or 0 */
		char state;
		uint64_t others; /* how often its other threads were given the processor, and */
		int64_t resting; /* since when all of them are asleep, or 0 */
	} of[KILL_MOST_WORKERS];
};

enum kill_state { KILL_BUSY, KILL_ASLEEP, KILL_SPINNING, KILL_UNKNOWN, KILL_ENDED };

void kill_watch_begin(struct kill_watch *watch, const struct kill_crew *crew, int64_t patience);
void kill_watch_look(struct kill_watch *watch, const struct kill_crew *crew);
enum kill_state kill_watch_state(const struct kill_watch *watch, unsigned i);

/* The letter that /proc has for the process's state; 0 if it is gone. */
char kill_process_state(pid_t process);

/* ---- the two ways (random.c, steps.c) ---- */

struct kill_outcome {
	enum kill_end end;
	uint64_t kills;         /* survived, */
	uint64_t steps;         /* of so many, if it was before each instruction; */
	uint64_t stuck, broken; /* in that way: how many of them were not survived, and after how many it was wrong */
	struct kill_verdict verdict;
	int64_t wait_median, wait_most_often, wait_longest; /* of survivors: p50, p99, max, in ns */
	uint64_t waits;
	char how[KILL_WORD];
};

struct kill_outcome kill_at_random(const struct kill_object *object, uint64_t kills, uint64_t seed);
struct kill_outcome kill_each_step(const struct kill_object *object, const struct kill_situation *situation);

#endif
