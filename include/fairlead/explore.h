/*
 * fairlead/explore.h - fl_check: is a function safe, whatever the scheduler does?
 *
 *     static void transfer(void *bank) { ... starts threads, joins them, asserts ... }
 *
 *     fl_check_result result;
 *
 *     if (fl_check(transfer, &bank, NULL, &result) != 0)
 *             printf("%s, after %llu schedules\n", result.text, (unsigned long long)result.schedules);
 *
 * The function is run again and again, each time under another schedule of its threads, until one fails: an assertion,
 * a crash, a deadlock, a lost wake-up, a data race, a use after free, a misuse of pthreads, a loop that never ends. It
 * is what `fairlead check` does with a program, for one function of a unit test.
 *
 * Each run is a process of its own, or as good as one: what the function does to memory is undone, and no failure
 * reaches the caller. So a function may leave its objects as they are; each run finds them as the caller left them.
 *
 * The program has to run with the checker's library: build it with `fairlead cc`, or -fsanitize=thread, and run it by
 * `fairlead check --functions ./program`. What is compiled without the option is run, too, but its accesses to memory
 * are not seen; calls of pthreads, semaphores and futexes are, always.
 *
 * When not to use it: for functions that talk to the world outside, or take longer than some milliseconds.
 *
 * A thread calls it while no other thread of the process runs. It blocks until it is done. With the checker's library
 * in it a program can have threads within a check only: outside of one, where nothing decides who goes on,
 * pthread_create ends the process, and says where it was called. A program that has threads elsewhere, too, runs these
 * parts when it runs by itself; which of the two it is, fl_check says of any function: -ENOSYS.
 */
#ifndef FAIRLEAD_EXPLORE_H
#define FAIRLEAD_EXPLORE_H

#include <fairlead/attributes.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* What was found; fl_check_verdict_name says it in words. */
enum fl_check_verdict {
	FL_CHECK_NOTHING,        /* no schedule that was tried has failed */
	FL_CHECK_ASSERTION,      /* assert() failed */
	FL_CHECK_ABORT,          /* abort(), an exception that nobody caught */
	FL_CHECK_CRASH,          /* SIGSEGV and its like */
	FL_CHECK_DEADLOCK,       /* threads wait for each other, or for what nobody will do */
	FL_CHECK_LIVELOCK,       /* threads run for ever and get nowhere */
	FL_CHECK_HANG,           /* a thread runs without reaching a scheduling point */
	FL_CHECK_RACE,           /* accesses to plain memory that nothing orders */
	FL_CHECK_USE_AFTER_FREE, /* memory is used that was freed */
	FL_CHECK_DOUBLE_FREE,    /* memory is freed twice */
	FL_CHECK_MISUSE,         /* a call that its documentation forbids */
	FL_CHECK_EXIT,           /* the function has called exit() with another code than 0 */
	FL_CHECK_OUTPUT,         /* not found by fl_check */
};

/* All zero: the defaults. */
typedef struct fl_check_options {
	uint64_t schedules;   /* at most so many; 0: 10 000, or with `exhaustive` no limit */
	fl_time duration;     /* at most so long, in nanoseconds; 0: no limit */
	uint64_t seed;        /* the same one tries the same schedules */
	uint64_t steps;       /* at which a run is cut off; 0: 100 000 */
	uint32_t preemptions; /* with `exhaustive`: at most so many of them; 0: no bound. 1 is none, 2 one, and so on */
	bool exhaustive;      /* every schedule, but for those that differ in the order of independent steps alone */
	bool weak;            /* loads of C11 atomics may return old values, as far as C11 lets them */
	bool any_timeouts;    /* deadlines may pass at any time, not only when nothing else can happen */
	bool ignore_races;    /* a data race is no failure by itself */
	bool spurious;        /* waits for condition variables and futexes may end without a reason */
	bool fl_spare_flags[3];
	uint64_t fl_spare[8];
} fl_check_options;

typedef struct fl_check_result {
	int verdict;        /* enum fl_check_verdict */
	bool exhausted;     /* every schedule was tried */
	uint64_t schedules; /* that were tried, up to the first that failed */
	uint64_t cut_off;   /* of them, those that were too long */
	char text[512];     /* what failed, without the way there; "" if nothing did */
	uint64_t fl_spare[8];
} fl_check_result;

/* Runs function(arg) under one schedule after another. `options` may be NULL, and `ret_result` too. Returns 0: none
 * failed; 1: one did, and *ret_result says how; -ENOSYS: the program does not run with the checker's library; -EDEADLK:
 * it is called by a function that is being checked; -ENOMEM; -EPROTO: the library of the checker is another version;
 * -EOPNOTSUPP: the function does what the checker does not know, and text says what. */
int fl_check(void (*function)(void *arg), void *arg, const fl_check_options *options, fl_check_result *ret_result)
	FL_NONNULL(1) FL_MUST_CHECK;

/* Returns a verdict in words: "deadlock". Any thread may call it; it does not block. */
const char *fl_check_verdict_name(int verdict) __attribute__((returns_nonnull));

FL_END_DECLS

#endif
