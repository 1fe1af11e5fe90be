/*
 * scenarios.h - small programs over Fairlead's own primitives, which the checker runs under every schedule or many.
 *
 * A scenario is a function that starts threads with `together` and asserts. The library's sources are compiled with
 * -fsanitize=thread for these tests, so every atomic operation, every plain access and every futex of theirs is seen:
 * what is tested are the sources themselves, and not a model of them.
 */
#ifndef TESTS_CHECKED_SCENARIOS_H
#define TESTS_CHECKED_SCENARIOS_H

#include <assert.h>
#include <stdint.h>

struct scenario {
	const char *name, *about;
	void (*function)(void *arg);
	/* Every schedule with at most so many; EVERY: all of them; MANY: there is no end to them, so many are drawn. */
	unsigned preemptions;
};

#define EVERY 1000u
#define MANY 2000u

/* Ends with a row that has no name. */
extern const struct scenario lock_scenarios[];
extern const struct scenario wait_scenarios[];
extern const struct scenario queue_scenarios[];
extern const struct scenario run_scenarios[];
extern const struct scenario thread_scenarios[];
extern const struct scenario frames_scenarios[];
extern const struct scenario value_scenarios[];

/* All of them; NULL ends the lists. */
extern const struct scenario *const scenario_lists[];

/* Notes sites, or tries a mutant: see mutant.c. Returns the program's exit code. */
int mutant_main(int argc, char **argv);

/* Runs the functions at the same time, each in a thread of its own, and returns when all have ended. NULL ends them. */
void together(void (*first)(void), ...);

#endif
