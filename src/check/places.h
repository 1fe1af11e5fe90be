/*
 * check/places.h - where threads stand, and which of these places have to do with each other.
 *
 * A place is an operation as the program's text has it: its kind, its return address, the routine that its thread
 * began with, and its object, as long as a few objects are met there (a wrapper around pthread_mutex_lock is several
 * places then). Threads that do the same are at the same place, so what is decided about places does not depend on how
 * many threads there are.
 *
 * A pair is two places with operations of two threads on one object, one right behind the other, of which one writes: a
 * read and the write that it reads from, for one. Pairs are kept from run to run, and tell what runs have shown so far.
 *
 * What is known here decides which schedule is tried, and nothing else: a schedule, once it is written down, does not
 * need it (run.3).
 */
#ifndef FAIRLEAD_CHECK_PLACES_H
#define FAIRLEAD_CHECK_PLACES_H

#include "run.h"

#define PLACES 2048u
#define PAIRS 8192u

struct place {
	uint64_t name;   /* a hash of what it is; 0: the entry is free */
	uint32_t number; /* in the order in which they were met */
	uint32_t narrow; /* places of one object each that this one, of any object, stands for */
	bool meets;      /* is part of a pair, or begins a thread */
	uint32_t held;   /* runs in which threads were held here */
};

struct pair {
	const struct place *first, *second; /* NULL: the entry is free */
	uint32_t seen, aimed; /* runs; an order that was not seen yet is here, too, with the reverse of its order */
	uint64_t run;         /* the last one in which it was seen */
};

struct places {
	uint32_t n, n_pairs, n_new; /* n_new: places and pairs that the run was the first to show */
	struct place *list[PLACES];
	struct pair *pairs[PAIRS];
	struct place place[2 * PLACES];
	struct pair pair[2 * PAIRS];
};

extern HIDDEN struct places *places;

HIDDEN void places_set_up(void);
HIDDEN void places_begin(void);
/* The thread has declared an operation: sets thread->place. */
HIDDEN void places_declared(struct thread *thread);
/* It does it. Returns the place of the operation on that object before it, if the two are a pair, or NULL. */
HIDDEN const struct place *places_step(const struct thread *thread);

/* One of two accesses to plain memory that race. */
struct racer {
	const struct thread *thread;
	uint8_t kind;
	uintptr_t pc;
};

/* They will be steps, and are a pair, which the next run may aim at. */
HIDDEN void places_raced(const struct racer *before, const struct racer *now);

#endif
