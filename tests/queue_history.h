/*
 * queue_history.h - what those who put and get have in common with those who run them and look at what they recorded.
 *
 * There is one queue at a time. A worker is a thread; it appends a record to its own memory for each call, or for each
 * item of a call for several, with the same times.
 */
#ifndef FAIRLEAD_TESTS_QUEUE_HISTORY_H
#define FAIRLEAD_TESTS_QUEUE_HISTORY_H

#include "history.h"

#include <fairlead/fairlead.h>
#include <fairlead/queue.h>
#include <pthread.h>

/* What goes through the queue. */
struct item {
	int64_t priority;
	uint64_t number;
	uint64_t check; /* tells a whole one from pieces of two */
};

/* What happened: an answer (enum history_answer_kind), or */
enum { WAS_PUT = 16, WAS_GOT, SHUT_IT };

struct record {
	int64_t call, ret;
	int64_t priority; /* of what was put; of a shutdown: whether it drops */
	uint64_t item;
	int what;
};

struct tally {
	uint64_t put, got, dropped, timed_out, cancelled, refused; /* refused: full or empty, without waiting */
};

/* What may be planted: mistakes of this program that look as if the queue had made them. */
enum plant {
	PLANT_NONE,
	PLANT_SWAP,     /* two items that come out one after the other come out the other way round */
	PLANT_OVERTAKE, /* one comes out last */
	PLANT_LOSE,
	PLANT_TWICE,
	PLANT_EMPTY, /* empty, it says, and is not */
	PLANT_FULL,  /* full, it says, and is not */
	PLANT_BOUND, /* one more than there may be */
	PLANT_TEAR,  /* of one the end of another */
	PLANTS,
};
extern const char *const plant_names[PLANTS];

struct worker {
	_Alignas(64) unsigned index;
	uint64_t random;
	struct record *records;
	size_t n_records, room;
	struct tally tally;
	uint32_t n_put; /* of its items */
	/* What was planted. */
	struct item held;
	unsigned held_for; /* so many gets more, or to the end */
	bool has_planted;
	/* For the watchdog. */
	uint64_t calls;
	const char *in;
	/* Its note, and what keeps others from cancelling it while it is made anew. */
	fl_note note;
	pthread_mutex_t mutex;
	pthread_t thread;
};

extern struct recording {
	fl_queue *queue;
	enum history_kind kind;
	uint64_t limit, seed, rounds, dropped;
	enum plant plant;
	unsigned producers, threads;
	uint32_t of_one; /* items that each producer puts */
	/* The end of a round: that producer shuts the queue down when it has put so many, or whoever is last to have
	 * put all. */
	unsigned shut_by;
	uint32_t shut_at;
	bool drops;
	bool is_shut;  /* somebody shuts it down, or has */
	unsigned done; /* producers that will put no more */
	unsigned arrived;
	struct worker *workers;
	void (*work)(struct worker *worker);
} recording;

/* What a worker does in a large round, and in a small one. */
void recording_work_large(struct worker *worker);
void recording_work_small(struct worker *worker);

/* Returns a random number below n. */
unsigned recording_random(struct worker *worker, unsigned n);

/* Ends the program. */
_Noreturn void recording_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
