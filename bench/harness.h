/*
 * bench/harness.h - what a benchmark is, and how its contestants take turns.
 *
 * A bench is a list of contestants that do the same thing with different objects, and one to five metrics that each
 * of them yields a figure for in every round. Round 1 of all contestants comes before round 2 of all, and who begins
 * moves on by one from round to round, so that whatever else the machine does hits all of them alike. The figures
 * reported are the median, the least and the greatest over the rounds.
 *
 * A contestant is a function that runs a whole round: its inner loop is compiled on its own (the C++ files make them
 * from templates), with no indirect call between the loop and the object that is measured. It comes in one of two
 * forms:
 *
 *   time(n)            does the thing n times and returns the nanoseconds that took, without its preparations; the
 *                      harness finds, before the first round, the n that makes a round last long enough;
 *   measure(figures)   does as it likes and writes a figure for each metric.
 *
 * To add a bench: write a file that defines an array of struct bench, ended by an empty one, declare the array at the
 * end of this file, and give it a line in the table of main.c.
 */
#ifndef FAIRLEAD_BENCH_HARNESS_H
#define FAIRLEAD_BENCH_HARNESS_H

#include "machine.h"

#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	BENCH_MOST_CONTESTANTS = 16,
	BENCH_MOST_METRICS = 5,
	BENCH_MOST_AIMS = 3,
	BENCH_MOST_ROUNDS = 1001,
	BENCH_MOST_THREADS = 64,
};

/* ---- what is measured ---- */

enum bench_role {
	BENCH_FAIRLEAD = 1, /* the one that all others are compared with */
	BENCH_PEER,         /* another library's object of the same kind */
	BENCH_SPINNER,      /* the same, but its threads never sleep while they wait */
	BENCH_REFERENCE,    /* another kind of object that an aim compares with: never the best peer */
	BENCH_VARIANT,      /* Fairlead again, used in another way */
	BENCH_FLOOR,        /* the least that the machine makes anybody pay */
};

struct bench_contestant {
	const char *who;
	enum bench_role role;
	int64_t (*time)(uint64_t n);
	void (*measure)(double *ret_figures);
};

enum bench_aim_kind {
	BENCH_AIM_RATIO_AT_MOST = 1, /* Fairlead's figure divided by that of `who` */
	BENCH_AIM_RATIO_AT_LEAST,
	BENCH_AIM_AT_MOST,     /* Fairlead's figure itself; `who` is not used */
	BENCH_AIM_ADDS_AT_MOST /* the figure of `who` less Fairlead's */
};

struct bench_aim {
	enum bench_aim_kind kind;
	const char *who; /* a contestant, or NULL: the best peer */
	double limit;
};

struct bench_metric {
	const char *name; /* of the first: the name of the bench */
	const char *what; /* one line for people */
	const char *unit;
	double scale; /* for time(n): what the nanoseconds of one time are multiplied with to give the unit */
	bool higher_is_better;
	struct bench_aim aims[BENCH_MOST_AIMS];
};

struct bench {
	unsigned cpus;    /* how many CPUs it needs */
	const char *note; /* what is to be said before its figures, or NULL */
	bool together;    /* one table of all metrics' medians instead of one for each */
	struct bench_metric metrics[BENCH_MOST_METRICS];
	struct bench_contestant contestants[BENCH_MOST_CONTESTANTS];
};

/* ---- how it is measured ---- */

struct bench_settings {
	unsigned rounds;
	bool quick; /* short rounds, for trying things: the figures are rough */
	bool json;
};

extern struct bench_settings bench_settings;

struct bench_summary {
	double median, min, max;
};

/* [contestant][metric] */
struct bench_result {
	const struct bench *bench;
	struct bench_summary of[BENCH_MOST_CONTESTANTS][BENCH_MOST_METRICS];
};

unsigned bench_count_metrics(const struct bench *bench);
unsigned bench_count_contestants(const struct bench *bench);

/* Runs all rounds of all contestants. */
void bench_run(const struct bench *bench, struct bench_result *ret_result);

/* Runs one round of one contestant; a figure for each metric. */
void bench_run_once(const struct bench *bench, const struct bench_contestant *contestant, double *ret_figures);

/* Sorts n samples and returns the middle one; of an even number the mean of the two in the middle. */
double bench_median(double *samples, size_t n);

/* ---- threads that start together ---- */

enum bench_placement {
	BENCH_FREE,   /* wherever the kernel puts them */
	BENCH_APART,  /* thread i pinned to the i-th CPU */
	BENCH_ONE_CPU /* the whole process on one CPU */
};

struct bench_crew {
	enum bench_placement placement;
	unsigned count;
	pthread_barrier_t gate;
	pthread_t threads[BENCH_MOST_THREADS];
	void (*work)(void *arg, unsigned index);
	void *arg;
};

/* Starts `count` threads that run work(arg, index), and returns when all of them are about to. */
void bench_crew_start(struct bench_crew *crew, enum bench_placement placement, unsigned count,
		      void (*work)(void *arg, unsigned index), void *arg);
void bench_crew_join(struct bench_crew *crew);

/* ---- the benchmarks ---- */

/* Puts peers into the state in which they are fastest. */
void bench_prepare_peers(void);

extern const struct bench bench_floor[];
extern const struct bench bench_lock[];
extern const struct bench bench_rlock[];
extern const struct bench bench_rwlock[];
extern const struct bench bench_contended[];
extern const struct bench bench_semaphore[];
extern const struct bench bench_handover[];
extern const struct bench bench_notify_all[];
extern const struct bench bench_barrier[];
extern const struct bench bench_parked[];
extern const struct bench bench_check[];
extern const struct bench bench_queue[];
extern const struct bench bench_executor[];
extern const struct bench bench_frames[];
extern const struct bench bench_pipe[];
extern const struct bench bench_shared[];
extern const struct bench bench_after_kills[];
extern const struct bench bench_survivor[];
extern const struct bench bench_shared_queue[];
extern const struct bench bench_shared_semaphore[];
extern const struct bench bench_pool[];
extern const struct bench bench_turns[];
extern const struct bench bench_value[];

#ifdef __cplusplus
}
#endif

#endif
