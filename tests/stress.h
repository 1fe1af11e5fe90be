/*
 * stress.h - what the kinds of stress are written with: workers, how they ask, and what happens when an invariant
 * fails.
 *
 * A kind is a primitive under stress. Its `work` is run by many threads at once and goes through the worker's rounds;
 * in a round it acquires, waits or hands over in one of several ways (for ever, with a deadline that is about to
 * pass, with one that has passed, with a note that another worker may cancel at any moment), and checks what must
 * hold. `check` looks at what must hold when all have ended.
 */
#ifndef FAIRLEAD_TESTS_STRESS_H
#define FAIRLEAD_TESTS_STRESS_H

#include <fairlead/fairlead.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { STRESS_MOST_THREADS = 256 };

struct stress_worker {
	_Alignas(64) unsigned index, threads;
	uint64_t rounds, random;
	uint64_t had, timed_out, cancelled; /* how its asking ended */
	/* For the watchdog: */
	uint64_t round;
	const char *call;
	const void *object;
	/* Its note, and what keeps others from cancelling it while it is made anew. */
	fl_note note;
	pthread_mutex_t mutex;
	pthread_t thread;
};

struct stress_kind {
	const char *name;
	void (*set_up)(unsigned threads, uint64_t rounds); /* of each worker */
	void (*work)(struct stress_worker *worker);
	void (*check)(uint64_t had);
	bool all_take_part; /* in every round; otherwise rounds are divided among the workers */
};

/* Each ended by one without a name. */
extern const struct stress_kind stress_locks[], stress_signals[], stress_queues[], stress_executors[], stress_loops[];

/* How to ask. */
struct stress_way {
	fl_time deadline;
	fl_note *note;
};

/* Begins the next round: tells the watchdog, and once in a while cancels another worker's note. */
void stress_round(struct stress_worker *worker);

/* Returns a random number below n. */
unsigned stress_random(struct stress_worker *worker, unsigned n);

/* Returns a way to ask: mostly for ever. And a deadline that is at most 40 us away. */
struct stress_way stress_way(struct stress_worker *worker);
fl_time stress_soon(struct stress_worker *worker);

/* Stays where it is for a moment, sometimes: gives the processor away, or works for long enough that others go to
 * sleep. */
void stress_dwell(struct stress_worker *worker);

/* Says what the worker is about to block on, for the watchdog. */
void stress_calls(struct stress_worker *worker, const char *call, const void *object);

/* Counts how a call ended. Returns whether it was 0; anything but that, -ETIMEDOUT and -ECANCELED is a failure,
 * and so are these two if the way does not explain them. A worker whose note was cancelled gets a new one. */
bool stress_ended(struct stress_worker *worker, struct stress_way way, int error);

/* Ends the program with exit status 1 if the invariant does not hold. */
#define stress_check(holds, ...) \
	do { \
		if (!(holds)) \
			stress_fail(__FILE__, __LINE__, __VA_ARGS__); \
	} while (0)
_Noreturn void stress_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Plain relaxed atomics, for what the checks themselves share. */
#define stress_load(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define stress_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define stress_add(p, v) __atomic_add_fetch((p), (v), __ATOMIC_RELAXED)

#endif
